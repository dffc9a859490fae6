"""The result on real faces: ``python -m adience_lib.study --data FOLDER``.

Trains everything that the report shows, what matters most first, keeps each run's record as it
ends (``records.py``), and makes the report. The same command goes on after an interruption.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from adience_lib import (
    cross_validation,
    experiment,
    interruption,
    models,
    parameters,
    paths,
    records,
    report,
)
from adience_lib.cross_validation import Fold
from adience_lib.errors import AdienceError
from adience_lib.evaluation import Runs
from adience_lib.experiment import Experiment, published_recipe
from adience_lib.protocol import PAPER
from adience_lib.training import run_folder
from adience_lib.weights import Weights
from adience_lib.whole import tell

PARAMETERS: dict[str, Any] = {
    "faces": 1000,
    "batch_size": 32,
    "precision": "mixed_bfloat16",
}
"""What differs from the paper's protocol, so that two cores without a GPU are done in hours.

A sample of the faces; at the paper's batch of 128 so few would give seven steps an epoch, and
the networks would be undertrained rather than compared; bfloat16, whose accuracy a test compares
with float32's. Where a protocol is named (``-p protocol paper``), it is taken as it is."""

ORDER = ("multitask", "gender", "age", "transfer")

Training = tuple[Experiment, str, Weights | None]
"""An experiment of one fold, the network's name, and the weights that it starts from."""


def trainings(study: Experiment) -> list[Training]:
    """Everything that the notebooks ask for, what matters most first, a fold each.

    The four networks as the paper is read here, then again with held-out subjects, so that an
    early end leaves a whole Table 3 rather than half of two. Then Levi & Hassner's networks by
    their own recipe and by the protocol's, and the other values of gamma.
    """
    weights, transferring = experiment.start_transfer(study)
    once: list[Training] = [
        (transferring, name, weights) if name == "transfer" else (study, name, None)
        for name in ORDER
    ]
    again = [
        (replace(experiment.held_out(one), folds=one.held_out_folds), name, its)
        for one, name, its in once
    ]
    few = replace(study, folds=study.extra_folds)
    baseline = [
        (one, name, None) for one in (published_recipe(few), few) for name in models.LEVI_HASSNER
    ]
    swept = [
        (replace(few, protocol=replace(few.protocol, gamma=gamma)), "multitask", None)
        for gamma in few.gammas
    ]
    return [
        (replace(one, folds=(fold,)), name, its)
        for one, name, its in (*once, *again, *baseline, *swept)
        for fold in one.folds
    ]


def run(study: Experiment, records_dir: Path) -> None:
    """Train what is not finished, and keep the record of each run in ``records_dir`` as it ends."""
    experiment.check_splits(study)
    records.begin(study, records_dir)

    def keep(runs: Runs) -> None:
        for fold in runs.folds:
            place = (study.runs_dir, study.dataset, runs.model, runs.protocol, fold)
            records.keep(study, run_folder(*place), records_dir)

    planned = trainings(study)
    if study.scheduler:
        _ = study.images  # the cache is there before the workers ask for it
        folds = [
            Fold(one.dataset, name, one.protocol, one.folds[0], one.runs_dir, weights)
            for one, name, weights in planned
        ]
        for fold in cross_validation.train(folds, cross_validation.executor(study.scheduler)):
            records.keep(study, fold.folder, records_dir)
    else:
        for number, (one, name, weights) in enumerate(planned, start=1):
            tell(f"{number} of {len(planned)}: {name}, fold {one.folds[0]}, {one.protocol.label}")
            keep(experiment.train(one, name, weights))
    tell("linear models on frozen features")
    for found in (experiment.read_across(study), experiment.read_vgg16(study)):
        for runs in found.values():
            keep(runs)


def asked_for(given: dict[str, Any]) -> dict[str, Any]:
    """The checked parameters ``given``, and what a study takes where they say nothing.

    Every fold is monitored both ways, since the paper does not say which was its own. Raises
    AdienceError if no dataset is named: hours of training on drawings would be a mistake.
    """
    if not given.get("data") and not os.environ.get("ADIENCE_DATA"):
        raise AdienceError(
            "a study is of real faces: give their folder, make study DATA=/path/to/faces"
        )
    usual = {} if given.get("protocol") else PARAMETERS
    named = {name: value for name, value in given.items() if value is not None}
    folds = parameters.folds(given.get("folds"), parameters.protocol(named, PAPER))
    return {**usual, "held_out_folds": list(folds), **given}


STOPPED = "The study was stopped; the same command goes on from there."


def main() -> int:
    """The command line: that of ``report.py``, with other values where none are given."""
    parser = argparse.ArgumentParser(prog="python -m adience_lib.study", description=__doc__)
    report.add_parameters(parser)
    words = parser.parse_args()

    def work() -> None:
        given = report.given_parameters(words)
        report.check_parameters(given)
        given = asked_for(given)
        study = experiment.start(given)
        figures = (
            Path(given["figures_dir"])
            if given.get("figures_dir")
            else records.place(study, paths.figures() / study.dataset.name)
        )
        tell(f"Figures and records go to {paths.shown(figures)}.")
        # The notebooks run in a folder of their own, and must find the same places.
        there = {"figures_dir": str(figures.absolute()), "runs_dir": str(study.runs_dir.absolute())}
        if given.get("weights"):
            there["weights"] = report.absolute(given["weights"])
        with interruption.announced(lambda: STOPPED):
            run(study, figures / records.FOLDER)
        report.run({**given, **there})

    return report.exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
