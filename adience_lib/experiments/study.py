"""The trainings on real faces that the report stands on: often enough to decide its claims.

Each training's record is kept as it ends (``records.py``). What has a record is not done again, so
that the same command goes on after an interruption. It draws no figure and no verdict.
"""

import os
from pathlib import Path
from typing import Any

from adience_lib.experiments import cross_validation, experiment, linear_probes, parameters, records
from adience_lib.experiments.experiment import Experiment
from adience_lib.models import baselines
from adience_lib.models.pretrained import Weights
from adience_lib.protocol import PAPER
from adience_lib.runs.folder import Training
from adience_lib.util.console import message
from adience_lib.util.errors import AdienceError

PARAMETERS: dict[str, Any] = {"faces": 4000, "batch_size": 31, "precision": "mixed_bfloat16"}
"""What differs from the paper's protocol, so that two cores without a GPU are done in days. Where a
protocol is named (``-p protocol paper``), it is taken as it is.

What a training adds by chance is more than what further faces would take away, so a sample is
trained several times. 3,200 training faces in batches of 31 are 104 updates an epoch; the paper's
12,982 in batches of 128 were 102, so that epochs mean the same. A processor that has bfloat16 takes
half of the time in it; the records of one study are of one precision."""

FOLDER = "study"
"""Its place beside a dataset's figures; the records lie in it."""

REDUCED = ("multitask", "age", "gender")
"""The paper's own networks, in the order in which they are trained."""


def trainings(study: Experiment) -> list[Training]:
    """Everything that is trained, what matters most first, so that an early end leaves a whole. At
    last what asks for one training of a fold: multi-task with held-out subjects, the other values
    of gamma, and, where the study is a sample, one fold on all faces in the paper's batches."""
    weights, transferring = experiment.for_transfer(study)

    def of_all_folds(name: str, repetition: int) -> list[Training]:
        one, its = (transferring, weights) if name == "transfer" else (study, None)
        again = one.under(repetition=repetition)
        return [again.training(name, fold, its) for fold in one.folds]

    order = [
        *((name, 0) for name in (*REDUCED, "transfer")),
        *((name, 1) for name in REDUCED),
        *((name, 0) for name in baselines.LEVI_HASSNER),
        *((name, 1) for name in (*baselines.LEVI_HASSNER, "transfer")),
        *((name, 2) for name in REDUCED),
    ]
    once = [(study.under(monitor="held_out"), study.held_out_folds)]
    once += [(study.under(gamma=gamma), study.extra_folds) for gamma in study.gammas]
    once += [(one, study.folds[:1]) for one in on_all_faces(study)]
    return [
        *(training for asked in order for training in of_all_folds(*asked)),
        *(one.training("multitask", fold) for one, folds in once for fold in folds),
    ]


def on_all_faces(study: Experiment) -> list[Experiment]:
    """The study on all faces, in the paper's batches, where that is another experiment."""
    is_sample = study.protocol.name == PAPER.name and study.protocol.faces is not None
    return [study.under(faces=None, batch_size=PAPER.batch_size)] if is_sample else []


def run(study: Experiment, records_dir: Path) -> None:
    """Train what has no record in ``records_dir``, and keep each record there as a fold ends. A
    linear model on frozen Xception comes first, on the study's faces and on all."""
    experiment.check_splits(study)
    records.begin(study, records_dir)
    weights, _ = experiment.for_transfer(study)
    if weights is not None:
        for one in (study, *on_all_faces(study)):
            _probe_xception(one, weights, records_dir)
    planned = trainings(study)
    left = [one for one in planned if not records.is_kept(study, one.folder, records_dir)]
    done = len(planned) - len(left)
    message(f"{done} of {len(planned)} trainings have been recorded before.")
    if left and study.scheduler:
        _ = study.images  # the cache is there before the workers ask for it
        executor = cross_validation.executor(study.scheduler)
        for training in cross_validation.train_on(executor, left):
            records.keep(study, training.folder, records_dir)
        return
    for number, training in enumerate(left, start=1 + done):
        message(f"{number} of {len(planned)}: {training.name}, {training.protocol.label}")
        cross_validation.cross_validate([training], study.images)
        records.keep(study, training.folder, records_dir)


def _probe_xception(study: Experiment, weights: Weights, records_dir: Path) -> None:
    frozen = linear_probes.frozen(study, weights.label)
    folders = [frozen.folder("xception", fold) for fold in study.folds]
    if not all(records.is_kept(study, folder, records_dir) for folder in folders):
        linear_probes.probe_frozen(study, "xception", weights)
        for folder in folders:
            records.keep(study, folder, records_dir)


def asked_for(overrides: dict[str, Any]) -> dict[str, Any]:
    """The checked parameters ``overrides``, and what a study takes where they say nothing. Every
    fold is monitored both ways, since the paper does not say which was its own. Raises AdienceError
    if no dataset is named: hours of training on drawings would be a mistake."""
    if not overrides.get("data") and not os.environ.get("ADIENCE_DATA"):
        raise AdienceError(
            "a study is of real faces: give their folder, make study DATA=/path/to/faces"
        )
    usual = {} if overrides.get("protocol") else PARAMETERS
    folds = parameters.planned(overrides, PAPER)["folds"]
    return {**usual, "held_out_folds": list(folds), **overrides}
