"""Runs whose scores are known, made without any training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from adience_lib.data.labels import LABELS
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.results import Results
from adience_lib.models import tasks
from adience_lib.models.baselines import LEVI_HASSNER
from adience_lib.protocol import PAPER
from adience_lib.runs.folder import predictions_table, write_once, write_table
from adience_lib.runs.read import Runs

SURE = 0.9
"""The probability that a simulated network gives its answer."""


def runs_with(
    model: str,
    truth: dict[str, list[int]],
    guesses: dict[str, list[int]],
    folds: int = 2,
    images_of_a_subject: int = 1,
) -> Runs:
    """Runs over ``folds``; the network is nearly sure of each guess.

    ``truth`` and ``guesses``: positions of the labels, a face each, dealt out over the folds in
    their order.
    """
    count = len(next(iter(truth.values())))
    numbers = np.arange(count)
    predictions = pd.DataFrame({"gender": 0, "age": 0, **truth})
    predictions = predictions.assign(
        face=[f"{number}.jpg" for number in numbers],
        subject=[f"s{number}" for number in numbers // images_of_a_subject],
        fold=numbers * folds // count,
        repetition=0,
    )
    for task, positions in guesses.items():
        rest = (1 - SURE) / (len(LABELS[task]) - 1)
        for place, label in enumerate(LABELS[task]):
            predictions[f"{task} {label}"] = np.where(np.array(positions) == place, SURE, rest)
    every = np.arange(folds)
    records = pd.DataFrame(
        {
            "fold": every,
            "repetition": 0,
            "epochs": 20 + every,
            "best_epoch": 10 + every,
            "seconds": 100.0 + 10 * every,
            "seconds_to_best": 50.0,
            "peak_memory": 1e9,
            "parameters": 7,
            "train": 100,
            "machine": "a processor, 2 cores, accelerator: none",
        }
    )
    history = pd.DataFrame(
        {"epoch": 1, "seconds": 5.0, "fold": np.repeat(every, 2), "repetition": 0}
    )
    history["epoch"] = history.groupby("fold").cumcount() + 1
    return Runs(model, PAPER, "a dataset", history, predictions, records)


def again(*trainings: Runs) -> Runs:
    """One network that was trained so often on each of its folds."""
    tables = {
        name: pd.concat(
            [getattr(runs, name).assign(repetition=i) for i, runs in enumerate(trainings)],
            ignore_index=True,
        )
        for name in ("history", "predictions", "records")
    }
    return replace(trainings[0], **tables)


def results_with(*networks: Runs, **others: object) -> Results:
    """The finished runs of an experiment on real faces, as many as are given."""
    faces = next(iter(networks)).predictions if networks else pd.DataFrame()
    empty = Results(
        is_demo=False,
        is_adience=True,
        faces=faces,
        finished={runs.model: runs for runs in networks},
        held_out={},
        published={},
        same_recipe={},
        linear_probes={},
        unreadable=[],
    )
    return replace(empty, **others)  # type: ignore[arg-type]


def made_up(one: Experiment, model: str, fold: int) -> Path:
    """A run folder of a network that answers by chance, without any training."""
    faces = one.faces[one.faces["fold"] == fold]
    random = np.random.default_rng(fold + len(model))

    def write(result: Path) -> dict[str, object]:
        outputs = {
            task: random.dirichlet(np.ones(len(LABELS[task])), len(faces)) for task in tasks(model)
        }
        for name in ("predictions", *(["ten_crops"] if model in LEVI_HASSNER else [])):
            write_table(predictions_table(faces, outputs), result / f"{name}.csv")
        history = pd.DataFrame({"epoch": [1, 2], "seconds": [2.5, 2.25]})
        write_table(history, result / "history.csv")
        (result / "best.keras").write_bytes(b"a network")
        return {
            "epochs": 2,
            "best_epoch": 1,
            "seconds": 4.75,
            "peak_memory": None,
            "faces": {"train": 64},
            "parameters": {"total": 7},
            "machines": [{"processor": "a processor", "cores": 2, "accelerator": "none"}],
        }

    training = one.training(model, fold)
    write_once(training, write)
    return training.folder
