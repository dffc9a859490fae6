"""``python -m benchmarks [--quick]``: runs the cases, prints the table, writes it down."""

import argparse
import importlib.util
import math
import sys
from collections.abc import Generator, Iterator
from typing import Any

from tqdm import tqdm

from adience_lib.data.labels import FOLDS
from adience_lib.evidence import paper
from adience_lib.models import tasks
from adience_lib.protocol import PAPER
from adience_lib.report.discrepancies import PUBLISHED
from adience_lib.util import atomic, paths
from adience_lib.util.errors import AdienceError
from benchmarks import cases, summary
from benchmarks.summary import Row

NETWORKS = ("gender", "age", "multitask", "transfer")
PRECISIONS = ("float32", "mixed_bfloat16")
FACES = "faces/s"
FACES_OF_ADIENCE = PUBLISHED["rows with both labels"]
ROUNDS = {False: 3, True: 1}  # ``quick`` or not; the best of as many for everything compared


def main() -> int:
    """Run from the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, to see that everything runs"
    )
    quick = parser.parse_args().quick
    try:
        rows = list(tqdm(_rows(quick), desc="Measuring", unit="row", leave=False))
        table = summary.table(rows)
        print(summary.in_markdown(table))
        name = "bench_quick" if quick else "bench"
        file = paths.figures() / f"{name}.csv"
        atomic.write_file(file, lambda open_file: table.to_csv(open_file, index=False))
        drawn = summary.figure(table)
        atomic.write_file(
            file.with_suffix(".png"), lambda open_file: drawn.savefig(open_file, dpi=120)
        )
    except AdienceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _rows(quick: bool) -> Iterator[Row]:
    machine = cases.run(cases.machine)
    on_processor = machine["accelerator"] == "none"
    size = 4 if quick else 64 if on_processor else PAPER.batch_size
    rates = yield from _against_the_limit(quick, size, _in_words(machine))
    if not quick:
        yield _table_3(rates, on_processor)
    on_tensorflow = "tensorflow" in machine  # which the plain Keras version needs
    yield from _against_peers(quick, size, rates, on_tensorflow)
    yield from _input(quick, on_tensorflow)
    yield from _use(quick, size)
    yield from _scale(quick)
    parts = cases.run(cases.start_up)
    slowest = sorted(parts, key=lambda part: -parts[part])
    named = ", ".join(f"{part} {parts[part]:.1f}" for part in slowest)
    yield Row("start-up", named, sum(parts.values()), "s")


Rates = dict[tuple[str, str], tuple[float, float]]
"""Faces a second in training and in a forward pass, for a network and a precision."""


def _against_the_limit(quick: bool, size: int, machine: str) -> Generator[Row, None, Rates]:
    """Every network in both precisions, beside the machine's own rate, and as it is written."""
    rates: Rates = {}
    for model in NETWORKS[:1] if quick else NETWORKS:
        for precision in PRECISIONS:
            settings = {"model": model, "precision": precision, "batch_size": size}
            found = cases.run(cases.step, **settings, rounds=ROUNDS[quick])
            if model == NETWORKS[0]:
                flops = 2 * found["rate"] / 1e9  # a multiply-add is two
                yield Row("matrix product", f"{machine}, {precision}", flops, "GFLOP/s")
            name = f"{model}, {precision}"
            barred = model != "transfer" and precision == "float32"
            shares = [found[f"{k}_work"] / found[k] / found["rate"] for k in ("step", "forward")]
            step, forward = size / found["step"], size / found["forward"]
            bar = 0.7 if barred else None
            yield Row("training step", name, step, FACES, shares[0], summary.SHARE, at_least=bar)
            yield Row("forward pass", name, forward, FACES, shares[1], summary.SHARE)
            rates[model, precision] = step, forward
            if precision != "float32":
                gain = step / rates[model, "float32"][0]
                yield Row("precision", name, step, FACES, gain, "times float32", at_least=1.5)
            if model in ("gender", "transfer"):
                as_written = cases.run(
                    cases.step, **settings, rounds=ROUNDS[quick], as_written=True
                )
                gain = as_written["step"] / found["step"]
                yield Row("twin", name, step, FACES, gain, "times the network as written")
    return rates


def _in_words(machine: dict[str, Any]) -> str:
    """What every figure in seconds goes with."""
    accelerator = "" if machine["accelerator"] == "none" else f" with {machine['accelerator']}"
    backend = next(name for name in ("tensorflow", "jax", "torch") if name in machine)
    words = f"{machine['processor']}, {machine['cores']} cores{accelerator}"
    return f"{words}, {backend} {machine[backend]}"


def _table_3(rates: Rates, on_processor: bool) -> Row:
    """Hours that the trainings of Table 3 take at these rates, in the faster precision."""
    hours = 0.0
    for model, epochs in paper.TABLE_3["epochs"].dropna().items():
        train, test = (max(rates[model, kind][i] for kind in PRECISIONS) for i in (0, 1))
        hours += FOLDS * epochs * FACES_OF_ADIENCE * (0.8 / train + 0.2 / test) / 3600
    return Row(
        "Table 3",
        "four networks, five folds, the paper's epochs",
        hours,
        "h",
        None if on_processor else hours / 0.5,  # the bar is for a GPU
        "" if on_processor else "times half an hour",
        at_most=1,
    )


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _against_peers(quick: bool, size: int, rates: Rates, on_tensorflow: bool) -> Iterator[Row]:
    """The same networks in PyTorch, and the gender network as most people would write it."""
    rounds = ROUNDS[quick]
    pairs = [
        ("gender", "float32"),
        ("gender", "mixed_bfloat16"),
        ("age", "float32"),
        ("multitask", "float32"),
    ]
    if not _installed("torch"):
        yield Row("peers", "PyTorch", None, FACES, None, "not run: it is not installed")
        pairs = []
    for model, precision in pairs[:1] if quick else pairs:
        name = f"{model}, {precision}"
        ours = rates[model, precision][0]
        for compiled in (False, True):
            settings = {"tasks": tasks(model), "precision": precision, "batch_size": size}
            found = cases.run(cases.pytorch, **settings, compiled=compiled, rounds=rounds)
            against = "times PyTorch, " + ("compiled" if compiled else "eager")
            theirs = size / found["step"]
            yield Row("peers", name, theirs, FACES, ours / theirs, against, at_least=2)
    if not on_tensorflow:
        yield Row("peers", "plain Keras", None, FACES, None, "not run: it needs TensorFlow")
        return
    theirs = size / cases.run(cases.plain_step, batch_size=size, rounds=rounds)["step"]
    ratio = rates["gender", "float32"][0] / theirs
    yield Row("peers", "gender, float32", theirs, FACES, ratio, "times plain Keras")


def _input(quick: bool, on_tensorflow: bool) -> Iterator[Row]:
    """The cache: its building, and an epoch from it."""
    size, steps = (4, 4) if quick else (64, 16)
    for precision in PRECISIONS[:1] if quick else PRECISIONS:
        found = cases.run(
            cases.epoch, precision=precision, batch_size=size, steps=steps, rounds=ROUNDS[quick]
        )
        ratio = found["epoch"] / found["bare"]
        faces = size * steps / found["epoch"]
        bar = 1.03 if precision == "float32" else None
        against = "times as long as on one batch in memory"
        yield Row(
            "input",
            f"epoch from the cache, gender, {precision}",
            faces,
            FACES,
            ratio,
            against,
            at_most=bar,
        )
        if precision == "float32" and on_tensorflow:
            plain = cases.run(cases.plain_epoch, batch_size=size, count=2 * size)
            theirs = 2 * size / plain["epoch"]
            name = "gender, float32, an epoch"
            yield Row("peers", name, theirs, FACES, faces / theirs, "times plain Keras, decoding")
    count = 16 if quick else 300
    found = cases.run(cases.decoding, count=count)
    for kind, words in (("pillow", "at full size"), ("draft", "with reduced decoding")):
        gain = found[kind] / found["cache"]
        yield Row(
            "input",
            "cache from 816 x 816 JPEGs",
            count / found["cache"],
            FACES,
            gain,
            f"times Pillow alone on one core, {words}",
        )


def _use(quick: bool, size: int) -> Iterator[Row]:
    """What waits for a user beside the training: archives, predictions, folds side by side."""
    count = 16 if quick else 300
    found = cases.run(cases.archive, count=count)
    rate, longer = count / found["archive"], found["archive"] / found["folder"]
    against = "times as long as from the unpacked folder"
    yield Row("use", "cache from 816 x 816 JPEGs in a .tar.gz", rate, FACES, longer, against)
    count = size * (1 if quick else 4)
    found = cases.run(cases.predicting, count=count, batch_size=size, rounds=ROUNDS[quick])
    rate = count / found["predict"]
    share = rate * found["forward"] / size
    name = "predict, multitask, float32, from 816 x 816 JPEGs"
    yield Row("use", name, rate, FACES, share, "of the forward pass in training")
    seconds = found["command"]
    bar = "of four seconds"
    yield Row(
        "use",
        "predict, from the command to its first answer",
        seconds,
        "s",
        seconds / 4,
        bar,
        at_most=1,
    )
    settings = {"folds": 2, "epochs": 1 if quick else 6, "faces": 40 if quick else 160}
    alone = cases.run(cases.side_by_side, workers=0, **settings)["seconds"]
    beside = cases.run(cases.side_by_side, workers=2, **settings)["seconds"]
    name = "two folds, gender, float32, by two workers with half of the cores each"
    yield Row(
        "use",
        name,
        beside,
        "s",
        alone / beside,
        "times as fast as one after the other with all cores",
    )


def _scale(quick: bool) -> Iterator[Row]:
    """Time and memory at three sizes of a dataset, the last one Adience's."""
    sizes = (40, 80) if quick else (1000, 4000, FACES_OF_ADIENCE)
    steps, size = (2, 4) if quick else (60, 128)
    first: dict[str, float] = {}
    for faces in sizes:
        found = cases.run(cases.scale, faces=faces, steps=steps, batch_size=size)
        epoch = found["step"] * math.ceil(faces / size)
        memory = found["anonymous"] / 1e9
        first = first or {"epoch": epoch / faces, "cache": found["cache"] / faces, "memory": memory}
        name = f"{faces:,} faces"
        grown = f"times as much a face as at {sizes[0]:,}"
        yield Row(
            "scale",
            f"{name}, an epoch by its first {steps} steps, gender, batch {size}",
            epoch,
            "s",
            epoch / faces / first["epoch"],
            grown,
        )
        yield Row(
            "scale",
            f"{name}, reading an epoch's batches",
            found["reading"],
            "s",
            found["reading"] / epoch,
            "of the epoch",
        )
        yield Row(
            "scale",
            f"{name}, building the cache",
            found["cache"],
            "s",
            found["cache"] / faces / first["cache"],
            grown,
        )
        yield Row(
            "scale",
            f"{name}, anonymous memory",
            memory,
            "GB",
            memory / first["memory"],
            f"times that at {sizes[0]:,}",
            at_most=1.1 if faces > sizes[0] else None,
        )
        yield Row(
            "scale", f"{name}, anonymous memory", memory, "GB", memory / 5, "of 5 GB", at_most=1
        )


if __name__ == "__main__":
    sys.exit(main())
