"""What a notebook was asked to do, and the runs that follow from it."""

import os
import shlex
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adience_lib import cache, data, evaluation, parameters, paths, splits, training
from adience_lib import weights as pretrained
from adience_lib.data import FOLDS, Dataset
from adience_lib.errors import AdienceError
from adience_lib.protocol import DEMO, PAPER, Protocol

DEMO_TRANSFER_EPOCHS = 3
"""The transfer network takes three times as long an epoch as the reduced ones on a processor, and
the paper sees it converge "after only a couple epochs" (4.3)."""


@dataclass(frozen=True)
class Experiment:
    """The dataset, the protocol and the folders of one notebook.

    ``wanted_weights``: "imagenet", "random" or a file. ``gammas``: those of the sweep, without
    the protocol's own. ``given``: the parameters that were not left at None.
    """

    dataset: Dataset
    protocol: Protocol
    folds: tuple[int, ...]
    runs_dir: Path
    figures_dir: Path
    wanted_weights: str
    gammas: tuple[float, ...]
    given: dict[str, Any]

    @cached_property
    def images(self) -> np.ndarray:
        """All faces of the dataset, (n, 256, 256, 3) uint8, mapped read-only."""
        return cache.images(self.dataset)

    @cached_property
    def faces(self) -> pd.DataFrame:
        """The manifest of the faces used: all, or the protocol's sample."""
        return splits.sample(self.dataset.faces, self.protocol.faces, self.protocol.seed)

    @property
    def caption(self) -> str:
        """What stands on every figure: the data, and that a drawing is no person."""
        if self.dataset.is_demo:
            return f"DEMO: drawn faces, not people · {self.protocol.label}"
        return f"{self.dataset.name} · {self.protocol.label}"


def start(namespace: dict[str, Any]) -> Experiment:
    """Check a notebook's parameters and load its dataset.

    ``namespace``: the notebook's ``globals()``. Raises AdienceError for a parameter that is
    unknown, of the wrong kind or out of range, saying what is allowed.
    """
    given = parameters.read(namespace)
    source = given.get("data") or os.environ.get("ADIENCE_DATA") or data.DEMO
    protocol = parameters.protocol(given, default_protocol(source))
    folds = parameters.folds(given.get("folds"), protocol)
    gammas = parameters.gammas(given.get("gammas"))
    dataset = data.load(
        source,
        allow_missing=given.get("allow_missing", False),
        drop_repeats=given.get("drop_repeats", False),
    )
    return Experiment(
        dataset,
        protocol,
        folds,
        Path(given["runs_dir"]) if "runs_dir" in given else paths.runs(),
        Path(given["figures_dir"])
        if "figures_dir" in given
        else _figures(dataset, protocol, folds),
        given.get("weights", protocol.weights),
        gammas,
        given,
    )


def default_protocol(source: str) -> Protocol:
    """``DEMO`` for the drawings, ``PAPER`` for real faces."""
    return DEMO if source == data.DEMO else PAPER


def _figures(dataset: Dataset, protocol: Protocol, folds: tuple[int, ...]) -> Path:
    """``figures/<dataset>``; anything but all folds of the default protocol goes one deeper."""
    folder = paths.figures() / dataset.name
    label = protocol.label
    if len(folds) < FOLDS:
        label += ",folds=" + "".join(str(fold) for fold in folds)
    return folder if label == default_protocol(dataset.name).label else folder / label


def train(
    experiment: Experiment, model_name: str, weights: pretrained.Weights | None = None
) -> evaluation.Runs:
    """Train ``model_name`` on every fold that is not finished yet, and read the runs back.

    For ``transfer``, ``experiment`` comes from ``for_transfer`` and ``weights`` from
    ``find_weights``.
    """
    folders = training.cross_validate(
        experiment.dataset,
        experiment.images,
        model_name,
        experiment.protocol,
        experiment.folds,
        experiment.runs_dir,
        weights,
    )
    return evaluation.read_runs(folders)


def sweep_gamma(experiment: Experiment) -> pd.DataFrame:
    """Multi-task on the first fold with each gamma: a row each, ``gamma`` and its fold's scores.

    The protocol's own gamma is among them.
    """
    values = sorted({experiment.protocol.gamma, *experiment.gammas})
    scores = []
    for gamma in values:
        protocol = replace(experiment.protocol, gamma=gamma)
        one = replace(experiment, protocol=protocol, folds=experiment.folds[:1])
        scores.append(evaluation.fold_scores(train(one, "multitask")).assign(gamma=gamma))
    return pd.concat(scores).set_index("gamma").drop(columns="seconds")


def find_weights(experiment: Experiment) -> pretrained.Weights | None:
    """The weights that the transfer network starts from; None for random features.

    ImageNet's can be missing in the demo alone: the notebook then goes on and says so. Raises
    AdienceError if they are missing elsewhere, or if a named file is not there.
    """
    wanted = experiment.wanted_weights
    if wanted == "random":
        return None
    if wanted != "imagenet":
        return pretrained.from_file(Path(wanted))
    try:
        return pretrained.find_imagenet()
    except AdienceError as error:
        if not experiment.dataset.is_demo:
            raise
        print(f"The demo goes on with random features: {error}")
        return None


def transfer_protocol(experiment: Experiment, weights_label: str) -> Protocol:
    """The protocol of the transfer network: what it starts from, and the demo's fewer epochs."""
    protocol = replace(experiment.protocol, weights=weights_label)
    if protocol.name == DEMO.name and "epochs" not in experiment.given:
        return replace(protocol, epochs=DEMO_TRANSFER_EPOCHS)
    return protocol


def for_transfer(experiment: Experiment, weights: pretrained.Weights | None) -> Experiment:
    """The experiment of the transfer network, whose figures name its weights."""
    label = weights.label if weights else "random"
    return replace(experiment, protocol=transfer_protocol(experiment, label))


def finished_runs(experiment: Experiment, model_name: str) -> evaluation.Runs | None:
    """The runs of ``model_name`` that are there, without training; None if there are none."""
    protocols = [experiment.protocol]
    if model_name == "transfer":
        labels = dict.fromkeys([_weights_label(experiment.wanted_weights), "random"])
        protocols = [transfer_protocol(experiment, label) for label in labels]
    for protocol in protocols:
        folders = [
            training.run_folder(experiment.runs_dir, experiment.dataset, model_name, protocol, fold)
            for fold in experiment.folds
        ]
        finished = [folder for folder in folders if folder.is_dir()]
        if finished:
            return evaluation.read_runs(finished)
    return None


NOTEBOOK_OF = {
    "gender": "02_reduced_models",
    "age": "02_reduced_models",
    "multitask": "03_multitask",
    "transfer": "04_transfer_learning",
}
"""The notebook that trains each network of Table 3."""


def all_finished_runs(experiment: Experiment) -> dict[str, evaluation.Runs]:
    """The runs of Table 3's networks that are there, by model name."""
    found = {name: finished_runs(experiment, name) for name in NOTEBOOK_OF}
    return {name: runs for name, runs in found.items() if runs}


def missing_runs(
    experiment: Experiment, finished: dict[str, evaluation.Runs]
) -> dict[str, list[int]]:
    """The folds of each network of Table 3 that have not been trained."""
    done = {name: finished[name].folds if name in finished else [] for name in NOTEBOOK_OF}
    return {name: [fold for fold in experiment.folds if fold not in done[name]] for name in done}


def commands(experiment: Experiment) -> dict[str, str]:
    """The command that trains each network of Table 3 under this experiment's parameters."""
    return {name: _command(experiment, notebook) for name, notebook in NOTEBOOK_OF.items()}


def _command(experiment: Experiment, notebook: str) -> str:
    words = ["papermill", f"{notebook}.ipynb", "out.ipynb"]
    for name, value in experiment.given.items():
        if name != "weights" or notebook.startswith("04"):
            words += ["-p", name, str(value)]
    return shlex.join(words)


def _weights_label(wanted: str) -> str:
    if wanted in ("imagenet", "random"):
        return wanted
    return pretrained.from_file(Path(wanted)).label
