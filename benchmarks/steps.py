"""``python -m benchmarks --steps``: the seconds of an update of each network, measured in turns.

Claim 3 asks what training costs. Seconds of trainings do not tell, for other work runs beside them;
so one update of each network is timed after the other, round and round, in one process.
"""

import time
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from adience_lib.evidence.cost import STEPS
from adience_lib.models import baselines, tasks
from adience_lib.util import atomic, paths
from benchmarks.cases import batch, in_words, networks
from benchmarks.harness import Bench, run

TIMED = ("gender", "age", "multitask", "transfer", *baselines.LEVI_HASSNER)

ROUNDS = 11
"""Updates of each network that are timed."""


def in_turns(bench: Bench, precision: str) -> list[dict[str, Any]]:
    """A row a network: ``cost.steps`` has the columns."""
    rounds = 2 if bench.quick else ROUNDS
    batches = {name: batch(tasks(name), bench.batch_size) for name in TIMED}
    trained = {name: networks(name, precision, bench.batch_size)[1] for name in TIMED}
    for name, network in trained.items():
        network.train_on_batch(*batches[name])  # compiles it
    seconds: dict[str, list[float]] = {name: [] for name in TIMED}
    for _ in tqdm(range(rounds), desc=f"Updates in turns, {precision}", leave=False):
        for name, network in trained.items():
            began = time.perf_counter()
            network.train_on_batch(*batches[name])
            seconds[name].append(time.perf_counter() - began)
    rows = []
    for name, times in seconds.items():
        low, median, high = np.quantile(times, [0.25, 0.5, 0.75])
        row = {"network": name, "precision": precision, "batch": bench.batch_size, "rounds": rounds}
        ends = {"seconds": median, "low": low, "high": high, "machine": in_words(bench.machine)}
        rows.append(row | ends)
    return rows


def write(bench: Bench) -> pd.DataFrame:
    """Measure, leave the table in ``figures/``, and give it.

    Raises AdienceError if a network cannot be measured, or the file not be written.
    """
    rows = [
        row for precision in bench.precisions for row in run(in_turns, bench, precision=precision)
    ]
    table, file = pd.DataFrame(rows), paths.figures() / STEPS
    with atomic.writing(file):
        atomic.write_file(
            file, lambda open_file: table.to_csv(open_file, index=False, float_format="%.4g")
        )
    return table
