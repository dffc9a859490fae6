"""``python -m benchmarks``: runs the cases, prints the table, writes it down.

With ``--steps`` the updates of the six networks alone, in turns (``steps.py``).
"""

import argparse
import importlib.util
import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
from tqdm import tqdm

from adience_lib.protocol import PAPER, PRECISIONS
from adience_lib.report.benchmark_table import in_markdown
from adience_lib.util import atomic, backend, console, paths
from adience_lib.util.markdown import markdown
from benchmarks import cases, peers, steps
from benchmarks.harness import Bench, Row, run
from benchmarks.start_up import start_up
from benchmarks.table import figure, table

NETWORKS = ("gender", "age", "multitask", "transfer")

IN_PYTORCH = (
    *itertools.product(["gender"], PRECISIONS),
    ("age", "float32"),
    ("multitask", "float32"),
)

EMULATED = "this processor has no instructions for it"

Case = tuple[Callable[..., Iterator[Row]], dict[str, Any]]


def listed(bench: Bench) -> Iterator[Case]:
    """Each case and its settings, in the table's order, after those that it is compared with.

    A quick benchmark has one of those that are of a kind.
    """
    quick = bench.quick
    on_tensorflow = keras.backend.backend() == "tensorflow"
    networks = NETWORKS[:1] if quick else NETWORKS
    for model, precision in itertools.product(networks, bench.precisions):
        yield cases.step, {"model": model, "precision": precision}
        if model in ("gender", "transfer"):
            yield cases.as_written, {"model": model, "precision": precision}
    both = bench.precisions == PRECISIONS
    if not both:
        yield cases.not_run, {"group": "precision", "case": "bfloat16", "reason": EMULATED}
    if not quick:
        yield cases.table_3, {}
    if importlib.util.find_spec("torch"):
        known = [one for one in IN_PYTORCH if one[1] in bench.precisions]
        compared = itertools.product(known[:1] if quick else known, (False, True))
        for (model, precision), compiled in compared:
            yield peers.pytorch, {"model": model, "precision": precision, "compiled": compiled}
    else:
        yield cases.not_run, {"group": "peers", "case": "PyTorch", "reason": "it is not installed"}
    if on_tensorflow:
        yield peers.plain_step, {}
    else:
        no_peer = {"group": "peers", "case": "plain Keras", "reason": "it needs TensorFlow"}
        yield cases.not_run, no_peer
    yield cases.epoch, {"precision": "float32"}
    if on_tensorflow:
        yield peers.plain_epoch, {}
    if not quick and both:
        yield cases.epoch, {"precision": "mixed_bfloat16"}
    yield cases.caching, {}
    yield cases.predicting, {}
    yield cases.side_by_side, {}
    sizes = (40, 80) if quick else (1000, 4000, cases.FACES_OF_ADIENCE)
    for faces in sizes:
        yield cases.scale, {"faces": faces, "smallest": sizes[0]}
    yield start_up, {}


def prepared(quick: bool) -> Bench:
    """What the cases are told on this machine."""
    machine = run(backend.machine)
    size = 4 if quick else 64 if machine["accelerator"] == "none" else PAPER.batch_size
    # Emulated, bfloat16 takes eight times as long, and says nothing of a machine that has it.
    precisions = PRECISIONS[:1] if run(backend.emulates_bfloat16) else PRECISIONS
    return Bench(quick, machine, size, 1 if quick else 3, precisions)


def measured(quick: bool) -> list[Row]:
    """Every row, each case in a process of its own. Raises AdienceError if one fails."""
    bench = prepared(quick)
    for case, settings in tqdm(list(listed(bench)), desc="Measuring", unit="case", leave=False):
        bench.rows.extend(run(case, bench, **settings))
    return bench.rows


def main() -> int:
    """Run from the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: does everything run?")
    parser.add_argument("--steps", action="store_true", help="updates in turns, and nothing else")
    arguments = parser.parse_args()
    return console.exit_status(
        lambda: _steps(arguments.quick) if arguments.steps else _all(arguments.quick)
    )


def _steps(quick: bool) -> None:
    print(markdown(steps.write(prepared(quick)).set_index("network")))


def _all(quick: bool) -> None:
    found = table(measured(quick))
    print(in_markdown(found))
    file = paths.figures() / ("bench_quick.csv" if quick else "bench.csv")
    png, drawn = file.with_suffix(".png"), figure(found)
    with atomic.writing(file):
        atomic.write_file(file, lambda open_file: found.to_csv(open_file, index=False))
        atomic.write_file(png, lambda open_file: drawn.savefig(open_file, dpi=120))


if __name__ == "__main__":
    sys.exit(main())
