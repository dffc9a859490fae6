"""``python -m benchmarks``: runs the cases, prints the table, writes it down.

With ``--steps`` the updates of the six networks alone, in turns (``steps.py``).
"""

import argparse
import importlib.util
import itertools
import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
from tqdm import tqdm

from adience_lib.protocol import PAPER, PRECISIONS
from adience_lib.util import atomic, backend, console, paths
from adience_lib.util.markdown import markdown
from benchmarks import cases, peers, steps
from benchmarks.harness import Bench, Row, run
from benchmarks.start_up import start_up
from benchmarks.table import figure, readable_benchmark, table

NETWORKS = ("gender", "age", "multitask", "transfer")

Case = tuple[Callable[..., Iterator[Row]], dict[str, Any]]


def listed(bench: Bench) -> Iterator[Case]:
    """Each case and its settings, in the table's order, after those that it is compared with.

    A quick benchmark has one of those that are of a kind.
    """
    quick, on_tensorflow = bench.quick, keras.backend.backend() == "tensorflow"
    networks, precisions = NETWORKS[: 1 if quick else 4], bench.precisions
    for model, precision in itertools.product(networks, precisions):
        yield cases.step, {"model": model, "precision": precision}
        if model in ("gender", "transfer"):
            yield cases.as_written, {"model": model, "precision": precision}
    if precisions != PRECISIONS:
        reason = "this processor has no instructions for it"
        yield cases.not_run, {"group": "precision", "name": "bfloat16", "reason": reason}
    if not quick:
        yield cases.table_3, {}
    first = precisions[: 1 if quick else 2]
    if importlib.util.find_spec("torch"):
        for model, precision, compiled in itertools.product(networks[:3], first, (False, True)):
            if model == "gender" or precision == "float32":
                yield peers.pytorch, {"model": model, "precision": precision, "compiled": compiled}
    else:
        yield cases.not_run, {"group": "peers", "name": "PyTorch", "reason": "it is not installed"}
    no_peer = {"group": "peers", "name": "plain Keras", "reason": "it needs TensorFlow"}
    yield (peers.plain_step, {}) if on_tensorflow else (cases.not_run, no_peer)
    for precision in first:
        yield cases.epoch, {"precision": precision}
    if on_tensorflow:
        yield peers.plain_epoch, {}
    yield cases.caching, {}
    yield cases.predicting, {}
    yield cases.side_by_side, {}
    sizes = (40, 80) if quick else (1000, 4000, cases.FACES_OF_ADIENCE)
    for faces in sizes:
        yield cases.scale, {"faces": faces, "smallest": sizes[0]}
    yield start_up, {}


def prepared(quick: bool) -> Bench:
    """What the cases are told on this machine."""
    ask = operator.call if quick else run  # a process that ends gives a card's memory back
    machine = ask(backend.machine)
    size = 4 if quick else 64 if machine["accelerator"] == "none" else PAPER.batch_size
    # Emulated, bfloat16 takes eight times as long, and says nothing of a machine that has it.
    precisions = PRECISIONS[:1] if ask(backend.emulates_bfloat16) else PRECISIONS
    return Bench(quick, machine, size, 1 if quick else 3, precisions)


def write(quick: bool, in_turns: bool) -> None:
    """Measure, each case in a process of its own; print the table and leave it in ``figures/``.

    A quick benchmark has all of them in this process: to start one takes longer than to measure.
    Raises AdienceError if a case fails, or a file cannot be written.
    """
    bench = prepared(quick)
    if in_turns:
        print(markdown(steps.write(bench).set_index("network")))
        return
    for case, settings in tqdm(list(listed(bench)), desc="Measuring", unit="case", leave=False):
        bench.rows.extend((operator.call if quick else run)(case, bench, **settings))
    found = table(bench.rows)
    print(markdown(readable_benchmark(found)))
    file = paths.figures() / ("bench_quick.csv" if quick else "bench.csv")
    png, drawn = file.with_suffix(".png"), figure(found)
    with atomic.writing(file):
        atomic.write_file(file, lambda open_file: found.to_csv(open_file, index=False))
        atomic.write_file(png, lambda open_file: drawn.savefig(open_file, dpi=120))


def main() -> int:
    """Run from the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: does everything run?")
    parser.add_argument("--steps", action="store_true", help="updates in turns, and nothing else")
    asked = parser.parse_args()
    return console.exit_status(lambda: write(asked.quick, asked.steps))


if __name__ == "__main__":
    sys.exit(main())
