"""Networks for other software: the same probabilities, and a card that says what they are."""

from pathlib import Path

import numpy as np
import pytest
from simulated import made_up

from adience_lib import models
from adience_lib.__main__ import main
from adience_lib.data import Dataset
from adience_lib.deploy import export
from adience_lib.deploy.model_card import NOT_FOR, card
from adience_lib.experiments import experiment
from adience_lib.experiments.experiment import Experiment
from adience_lib.runs.folder import write_sums
from adience_lib.util import backend
from adience_lib.util.errors import AdienceError


@pytest.fixture(scope="module")
def begun(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """An experiment in mixed precision, which exporters do not take."""
    runs_dir = str(tmp_path_factory.mktemp("runs"))
    return experiment.of(tiny, {"runs_dir": runs_dir, "precision": "mixed_bfloat16"})


@pytest.fixture(scope="module")
def folder(begun: Experiment) -> Path:
    """A run of the age network with a real network in it, untrained."""
    made = made_up(begun, "age", 0)
    with backend.precision(begun.protocol.precision):
        models.build("age").save(made / "best.keras")
    write_sums(made)
    return made


@pytest.mark.parametrize("kind", export.KINDS)
def test_exported_network_gives_the_same_probabilities(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    """Within the tolerance that the export itself holds to; nothing else is left."""
    target = tmp_path / f"network.{kind}"
    assert export.export(folder / "best.keras", kind, target) <= export.TOLERANCE
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("kind", export.KINDS)
def test_network_that_comes_out_otherwise_is_not_kept(
    folder: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exporter's fault must not reach anybody."""
    exporter, needs, ask = export.KINDS[kind]

    def wrong(file: Path, faces: np.ndarray) -> export.Outputs:
        return {task: given + 2e-4 for task, given in ask(file, faces).items()}

    monkeypatch.setitem(export.KINDS, kind, (exporter, needs, wrong))
    target = tmp_path / f"network.{kind}"
    with pytest.raises(AdienceError, match=r"differ by 0\.0002 from the network's"):
        export.export(folder / "best.keras", kind, target)
    assert list(tmp_path.iterdir()) == []


def test_missing_package_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that installs it."""
    exporter, _, ask = export.KINDS["onnx"]
    monkeypatch.setitem(export.KINDS, "onnx", (exporter, ("no_such_package",), ask))
    with pytest.raises(AdienceError, match=r"onnx needs no_such_package: pip install"):
        export.export(folder / "best.keras", "onnx", tmp_path / "network.onnx")


def test_run_folder_stands_for_its_network(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for ``predict``."""
    for model in (folder, folder / "best.keras"):
        target = tmp_path / model.name
        words = ["adience_lib", "export", str(target), "--model", str(model), "--only", "card"]
        monkeypatch.setattr("sys.argv", words)
        assert main() == 0
        assert (target / "model_card.md").read_text() == card(folder)


def test_card_says_what_the_run_was(folder: Path, begun: Experiment) -> None:
    """Data, protocol, how the epoch was chosen, accuracy by group, and what it is not for."""
    text = card(folder)
    expected = [
        f"Dataset: adience (fingerprint `{begun.dataset.fingerprint[:16]}`)",
        "precision mixed_bfloat16 (float32)",
        "on the loss of the test faces",
        "| all | 16 |",
        "| f (60, 100) | 1 |",
        NOT_FOR,
    ]
    assert [words for words in expected if words not in text] == []
    assert "### Gender" not in text


def test_card_of_nothing_is_an_error(tmp_path: Path) -> None:
    """There is no accuracy without a run."""
    with pytest.raises(AdienceError, match="no record of a run"):
        card(tmp_path)
