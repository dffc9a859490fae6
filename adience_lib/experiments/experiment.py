"""What a notebook was asked to do, and the runs that follow from it."""

from collections.abc import Collection
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adience_lib import data
from adience_lib.data import Dataset, cache, loader
from adience_lib.data.labels import FOLDS
from adience_lib.experiments import parameters
from adience_lib.experiments.cross_validation import cross_validate, executor
from adience_lib.models import baselines, pretrained
from adience_lib.models.pretrained import Weights
from adience_lib.protocol import DEMO, LEVI_HASSNER, PAPER, SMOKE, Protocol
from adience_lib.runs.folder import Training
from adience_lib.runs.read import Runs, read_runs
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError

DEMO_TRANSFER_EPOCHS = 1
"""The transfer network takes three times as long an epoch as the reduced ones on a processor, and
the paper sees it converge "after only a couple epochs" (4.3)."""


@dataclass(frozen=True)
class Experiment:
    """The dataset, the protocol and the folders of one notebook.

    ``extra_folds``: those on which what goes beyond Table 3 is trained. ``held_out_folds``: those
    that are trained again with held-out subjects. ``wanted_weights``: "imagenet", "random" or a
    file. ``scheduler``: who trains the folds, as ``cross_validation.executor`` takes it; None: this
    process. ``gammas``: those of the sweep, without the protocol's own.
    ``overrides``: the parameters that were not left at None.
    """

    dataset: Dataset
    protocol: Protocol
    folds: tuple[int, ...]
    extra_folds: tuple[int, ...]
    held_out_folds: tuple[int, ...]
    runs_dir: Path
    figures_dir: Path
    wanted_weights: str
    scheduler: str | None
    gammas: tuple[float, ...]
    overrides: dict[str, Any]

    @cached_property
    def images(self) -> np.ndarray:
        """All faces of the dataset, (n, 256, 256, 3) uint8, mapped read-only."""
        return cache.images(self.dataset)

    @cached_property
    def faces(self) -> pd.DataFrame:
        """The manifest of the faces used: all, or the protocol's sample."""
        return loader.sample(self.dataset.faces, self.protocol.faces, self.protocol.seed)

    def training(self, model_name: str, fold: int, weights: Weights | None = None) -> Training:
        """One training under the experiment's protocol."""
        return Training(self.dataset, model_name, self.protocol, fold, self.runs_dir, weights)

    def folder(self, model_name: str, fold: int) -> Path:
        """The run folder of one training."""
        return self.training(model_name, fold).folder

    @property
    def caption(self) -> str:
        """What stands on every figure: the faces, what the protocol does otherwise than the paper,
        and that a drawing is no person.

        Such as "4,000 faces of UTKFace, batches of 31, bfloat16".
        """
        count = f"{len(self.faces):,} faces"
        name = _TITLES.get(self.dataset.name, self.dataset.name)
        faces = (
            f"DEMO: drawn faces, not people; {count}"
            if self.dataset.is_demo
            else f"{count} of {name}"
        )
        tested = [f"folds {', '.join(map(str, self.folds))}"] if len(self.folds) < FOLDS else []
        return ", ".join([faces, *_in_words(self.protocol), *tested])


_TITLES = {
    "adience": "Adience",
    "adience-unaligned": "Adience, unaligned",
    "utkface": "UTKFace",
    "table": "a faces.csv",
}


def _in_words(protocol: Protocol) -> list[str]:
    """The size of a batch, and whatever else differs from the paper's protocol."""
    words = {
        "precision": protocol.precision.removeprefix("mixed_"),
        "epochs": f"at most {protocol.epochs} epochs",
        "monitor": {
            "held_out": "epoch chosen on held-out subjects",
            "none": "no epoch chosen",
        }.get(protocol.monitor, ""),
        "weights": f"{protocol.weights} initial weights",
        "optimizer": "Caffe's SGD",
    }
    said = {"name", "faces", "batch_size"}
    changed = [
        (item.name, getattr(protocol, item.name))
        for item in fields(Protocol)
        if item.name not in said and getattr(protocol, item.name) != getattr(PAPER, item.name)
    ]
    others = [words.get(name) or f"{name.replace('_', ' ')} {value:g}" for name, value in changed]
    return [f"batches of {protocol.batch_size}", *others]


def start(namespace: dict[str, Any], before: Collection[str] = ()) -> Experiment:
    """Check a notebook's parameters and load its dataset.

    ``namespace``: the notebook's ``globals()``, ``before``: the names that were there before its
    parameters. Raises AdienceError for a parameter that is unknown, of the wrong kind or out of
    range, saying what is allowed.
    """
    overrides = parameters.read(namespace, before)
    source = overrides.get("data") or paths.variable("ADIENCE_DATA") or data.DEMO
    dataset = data.load(
        source,
        allow_missing=overrides.get("allow_missing", False),
        drop_repeats=overrides.get("drop_repeats", False),
        seed=overrides.get("seed", PAPER.seed),
    )
    return of(dataset, overrides)


def of(dataset: Dataset, overrides: dict[str, Any]) -> Experiment:
    """The experiment with ``dataset`` and the parameters that are ``overrides``.

    Raises AdienceError for a value of the wrong kind or out of range.
    """
    protocol = parameters.protocol(overrides, default_protocol(dataset.name))
    folds = parameters.folds(overrides.get("folds"), protocol)
    extra_folds = parameters.extra_folds(overrides.get("extra_folds"), folds)
    return Experiment(
        dataset,
        protocol,
        folds,
        extra_folds,
        parameters.held_out_folds(overrides.get("held_out_folds"), folds, extra_folds, protocol),
        Path(overrides["runs_dir"]) if "runs_dir" in overrides else paths.runs(),
        Path(overrides["figures_dir"])
        if "figures_dir" in overrides
        else _figures(dataset, protocol, folds),
        overrides.get("weights", protocol.weights),
        overrides.get("scheduler"),
        parameters.gammas(overrides.get("gammas"), protocol),
        overrides,
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


def train(experiment: Experiment, model_name: str, weights: Weights | None = None) -> Runs:
    """Train ``model_name`` on every fold that is not finished yet, and read the runs back.

    For ``transfer``, ``experiment`` and ``weights`` come from ``for_transfer``. Raises
    AdienceError, before the first training, for folds that the faces cannot be split into.
    """
    check_splits(experiment)
    trainings = [experiment.training(model_name, fold, weights) for fold in experiment.folds]
    folders = cross_validate(trainings, experiment.images, workers(experiment, model_name))
    return read_runs(folders)


def check_splits(experiment: Experiment) -> None:
    """Raise AdienceError for a fold that cannot be trained, monitored either way.

    The held-out trainings come last, and hours would be lost until their faces prove too few.
    """
    held = held_out(experiment)
    for one, folds in ((experiment, experiment.folds), (held, experiment.held_out_folds)):
        for fold in folds:
            loader.split(one.faces, fold, one.protocol.monitor, one.protocol.seed)


def workers(experiment: Experiment, model_name: str) -> Executor | None:
    """Who trains the folds of ``model_name``; None for this process, and where all are finished."""
    finished = all(experiment.folder(model_name, fold).is_dir() for fold in experiment.folds)
    return None if finished or not experiment.scheduler else executor(experiment.scheduler)


def train_held_out(
    experiment: Experiment, *model_names: str, weights: Weights | None = None
) -> dict[str, Runs]:
    """As ``train``, on the held-out folds with ``monitor="held_out"``: runs by model name."""
    few = replace(held_out(experiment), folds=experiment.held_out_folds)
    return {name: train(few, name, weights) for name in model_names} if few.folds else {}


def train_baseline(experiment: Experiment) -> None:
    """Levi & Hassner's networks on the extra folds: under the protocol, and by their own recipe."""
    for one in (experiment, published_recipe(experiment)):
        _train_extras(one, *baselines.LEVI_HASSNER)


def _train_extras(experiment: Experiment, *model_names: str) -> dict[str, Runs]:
    """On the extra folds: none where there is none."""
    few = replace(experiment, folds=experiment.extra_folds)
    return {name: train(few, name) for name in model_names} if few.folds else {}


def held_out(experiment: Experiment) -> Experiment:
    """The same, with the epoch chosen on subjects that are taken out of the training folds."""
    return replace(experiment, protocol=replace(experiment.protocol, monitor="held_out"))


def published_recipe(experiment: Experiment) -> Experiment:
    """Levi & Hassner's own recipe on the same faces.

    Its number of epochs is the parameter ``levi_hassner_epochs``, else ``epochs`` where that is
    given, else their own. The demo and the smoke run keep their epochs and their batches.
    """
    used, overrides = experiment.protocol, experiment.overrides
    recipe = replace(
        LEVI_HASSNER,
        faces=used.faces,
        seed=used.seed,
        precision=used.precision,
    )
    if used.name in (DEMO.name, SMOKE.name):
        recipe = replace(recipe, epochs=used.epochs, batch_size=used.batch_size)
    epochs = overrides.get("levi_hassner_epochs", overrides.get("epochs", recipe.epochs))
    return replace(experiment, protocol=replace(recipe, epochs=epochs))


def sweep_gamma(experiment: Experiment) -> dict[float, Runs]:
    """Multi-task on the extra folds with each gamma, the protocol's own among them."""
    swept = {}
    for gamma in sorted({experiment.protocol.gamma, *experiment.gammas}):
        one = replace(experiment, protocol=replace(experiment.protocol, gamma=gamma))
        for runs in _train_extras(one, "multitask").values():
            swept[gamma] = runs
    return swept


def find_weights(experiment: Experiment) -> Weights | None:
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
    if protocol.name == DEMO.name and "epochs" not in experiment.overrides:
        return replace(protocol, epochs=DEMO_TRANSFER_EPOCHS)
    return protocol


def for_transfer(experiment: Experiment) -> tuple[Weights | None, Experiment]:
    """The transfer network's weights (``find_weights``), and its experiment, which names them."""
    weights = find_weights(experiment)
    label = weights.label if weights else "random"
    return weights, replace(experiment, protocol=transfer_protocol(experiment, label))
