"""The benchmark: what it counts, how it judges, and that all of it runs."""

import json
import math
import subprocess
import sys
from pathlib import Path

import keras
import pandas as pd
import pytest

from adience_lib import models
from adience_lib.util.errors import AdienceError
from adience_lib.util.paths import PROJECT
from benchmarks.arithmetic import work
from benchmarks.harness import Row, run
from benchmarks.table import readable_benchmark, table

CONVOLUTIONS = (221 * 221 * 24 * 7 * 7 * 3, 106 * 106 * 64 * 5 * 5 * 24, 50 * 50 * 96 * 3 * 3 * 64)
DENSE = 24 * 24 * 96 * 128 + 128 * 128
"""Table 1's multiply-adds, from its sizes."""


@pytest.mark.parametrize(("name", "heads"), [("gender", DENSE + 128), ("age", DENSE + 8 * 128)])
def test_a_step_counts_all_but_the_gradient_of_the_image(name: str, heads: int) -> None:
    """Three times the forward pass, without the first convolution's input gradient."""
    forward = sum(CONVOLUTIONS) + heads
    assert work(models.build(name)) == (3 * forward - CONVOLUTIONS[0], forward)


def test_what_is_frozen_counts_once() -> None:
    """A frozen layer has its forward pass; the first layer trained has no input gradient; of a
    separable convolution the second kernel has one, for the first is trained."""
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    frozen = layers.Conv2D(4, 3, padding="same", trainable=False)(image)
    separable = layers.SeparableConv2D(5, 3, padding="same")(frozen)
    network = keras.Model(image, layers.Dense(2)(layers.Flatten()(separable)))
    first, depthwise, pointwise, last = 64 * 4 * 27, 64 * 4 * 9, 64 * 4 * 5, 64 * 5 * 2
    step, forward = work(network)
    assert forward == first + depthwise + pointwise + last
    assert step == first + 2 * depthwise + 3 * pointwise + 3 * last


def test_rows_are_judged_by_their_bars() -> None:
    """On the bar is met; without a bar, or without a measurement, nothing is said."""
    rows = [
        Row("g", "at", 1.0, "s", 0.7, at_least=0.7),
        Row("g", "below", 1.0, "s", 0.69, at_least=0.7),
        Row("g", "above", 1.0, "s", 1.04, at_most=1.03),
        Row("g", "no bar", 1.0, "s", 2.0),
        Row("g", "not run", math.nan, "s", None, "not run: PyTorch is not installed", at_least=2),
    ]
    found = table(rows)
    assert list(found["met"]) == ["yes", "no", "no", "", ""]
    assert "not run: PyTorch is not installed" in readable_benchmark(found)["ratio"].iloc[-1]


def test_case_runs_in_a_process_of_its_own() -> None:
    """What it gives comes back; one that fails is named, with its settings and its last words."""
    assert run(json.loads, s="[1]") == [1]
    with pytest.raises(AdienceError, match=r"loads {'s': '\['}: json.*Expecting value"):
        run(json.loads, s="[")


def test_library_does_without_the_benchmark() -> None:
    """Which lies above it, and is not installed."""
    for file in (PROJECT / "adience_lib").rglob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert not line.strip().startswith(("import benchmarks", "from benchmarks")), file


def test_quick_benchmark_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of measurement, at sizes at which its numbers mean nothing."""
    monkeypatch.setenv("ADIENCE_FIGURES", str(tmp_path))
    command = [sys.executable, "-m", "benchmarks", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = pd.read_csv(tmp_path / "bench_quick.csv")
    groups = [
        "matrix product",
        "training step",
        "forward pass",
        "rewritten model",
        "precision",
        "peers",
    ]
    assert list(found["group"].unique()) == [*groups, "input", "use", "scale", "start-up"]
    measured = found[~found["against"].fillna("").str.startswith("not run")]
    assert (measured["value"] > 0).all()
    assert (tmp_path / "bench_quick.png").stat().st_size > 10_000
