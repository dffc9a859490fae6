"""What a notebook was asked to do, and the runs that follow from it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
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


@dataclass(frozen=True)
class Experiment:
    """The dataset, the protocol and the folders of one notebook.

    ``extra_folds``: those on which what goes beyond Table 3 is trained. ``held_out_folds``: those
    that are trained again with held-out subjects. ``wanted_weights``: "imagenet", "random" or a
    file. ``scheduler``: as of ``cross_validation.executor``; None: this process trains. ``gammas``:
    those of the sweep, without the protocol's own. ``overrides``: the parameters that are not None.
    ``listed``: the run folders that are read, of records of which not all are; None: all.
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
    listed: frozenset[Path] | None = None

    @cached_property
    def images(self) -> np.ndarray:
        """All faces of the dataset, (n, 256, 256, 3) uint8, mapped read-only."""
        return cache.images(self.dataset)

    @cached_property
    def faces(self) -> pd.DataFrame:
        """The manifest of the faces used: all, or the protocol's sample."""
        return loader.sample(self.dataset.faces, self.protocol.faces, self.protocol.seed)

    def under(self, **changes: Any) -> "Experiment":
        """The same under a protocol with ``changes``."""
        return replace(self, protocol=replace(self.protocol, **changes))

    def training(self, model_name: str, fold: int, weights: Weights | None = None) -> Training:
        """One training under the experiment's protocol."""
        return Training(self.dataset, model_name, self.protocol, fold, self.runs_dir, weights)

    def folder(self, model_name: str, fold: int) -> Path:
        """The run folder of one training."""
        return self.training(model_name, fold).folder

    @property
    def caption(self) -> str:
        """What stands on every figure: the faces, and what is different from the paper's protocol,
        such as "4,000 faces of UTKFace, batches of 31, bfloat16"."""
        faces = f"{len(self.faces):,} faces"
        if self.dataset.is_demo:
            faces = f"DEMO: drawn faces, not people; {faces}"
        else:
            faces += f" of {_TITLES.get(self.dataset.name, self.dataset.name)}"
        tested = [named_folds(self.folds)] if len(self.folds) < FOLDS else []
        return ", ".join([faces, *_in_words(self.protocol), *tested])


def named_folds(folds: Sequence[int]) -> str:
    """Such as "fold 0", or "folds 0, 2"."""
    return f"fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))}"


_TITLES = {
    "adience": "Adience",
    "adience-unaligned": "Adience, unaligned",
    "utkface": "UTKFace",
    "table": "a faces.csv",
}


def _in_words(protocol: Protocol) -> list[str]:
    """The size of a batch, and whatever else differs from the paper's protocol."""
    monitors = {"held_out": "epoch chosen on held-out subjects", "none": "no epoch chosen"}
    words = {
        "precision": protocol.precision.removeprefix("mixed_"),
        "epochs": f"at most {protocol.epochs} epochs",
        "monitor": monitors.get(protocol.monitor),
        "weights": f"{protocol.weights} initial weights",
        "optimizer": "Caffe's SGD",
    }
    others = [
        words.get(name) or f"{name.replace('_', ' ')} {value:g}"
        for name, value in asdict(protocol).items()
        if name not in ("name", "faces", "batch_size") and value != getattr(PAPER, name)
    ]
    return [f"batches of {protocol.batch_size}", *others]


def start(namespace: dict[str, Any], before: Collection[str] = ()) -> Experiment:
    """Check a notebook's parameters and load its dataset. Arguments and errors are those of
    ``parameters.read``, and errors of ``data.load``, too."""
    overrides = parameters.read(namespace, before)
    source = overrides.get("data") or paths.variable("ADIENCE_DATA") or data.DEMO
    given = {name: overrides[name] for name in (*parameters.SWITCHES, "seed") if name in overrides}
    return of(data.load(source, **given), overrides)


def of(dataset: Dataset, overrides: dict[str, Any]) -> Experiment:
    """The experiment with ``dataset`` and the parameters that are ``overrides``. Its figures go to
    ``figures/<dataset>``, and one deeper for anything but all folds of the protocol that is the
    dataset's by default. Raises AdienceError for a value of the wrong kind or out of range."""
    default = DEMO if dataset.is_demo else PAPER
    planned = parameters.planned(overrides, default)
    protocol, folds = planned["protocol"], planned["folds"]
    figures, label = paths.figures() / dataset.name, protocol.label
    if len(folds) < FOLDS:
        label += f",folds={''.join(map(str, folds))}"
    if label != default.label:
        figures /= label
    return Experiment(
        dataset=dataset,
        runs_dir=Path(overrides.get("runs_dir") or paths.runs()),
        figures_dir=Path(overrides.get("figures_dir") or figures),
        wanted_weights=overrides.get("weights", protocol.weights),
        scheduler=overrides.get("scheduler"),
        overrides=overrides,
        **planned,
    )


def train(experiment: Experiment, model_name: str, weights: Weights | None = None) -> Runs:
    """Train ``model_name`` on every fold that is not finished yet, and read the runs back. For
    ``transfer``, ``experiment`` and ``weights`` come from ``for_transfer``. Raises AdienceError,
    before the first training, for folds that the faces cannot be split into."""
    check_splits(experiment)
    trainings = [experiment.training(model_name, fold, weights) for fold in experiment.folds]
    finished = all(training.folder.is_dir() for training in trainings)
    workers = executor(experiment.scheduler) if experiment.scheduler and not finished else None
    return read_runs(cross_validate(trainings, experiment.images, workers))


def check_splits(experiment: Experiment) -> None:
    """Raise AdienceError for a fold that cannot be trained, monitored either way. The held-out
    trainings come last, and hours would be lost until their faces prove too few."""
    held = experiment.under(monitor="held_out")
    for one, folds in ((experiment, experiment.folds), (held, experiment.held_out_folds)):
        for fold in folds:
            loader.split(one.faces, fold, one.protocol.monitor, one.protocol.seed)


def train_held_out(
    experiment: Experiment, *model_names: str, weights: Weights | None = None
) -> dict[str, Runs]:
    """As ``train``, on the held-out folds with the epoch chosen on subjects that are taken out of
    the training folds: runs by model name."""
    few = replace(experiment.under(monitor="held_out"), folds=experiment.held_out_folds)
    return {name: train(few, name, weights) for name in model_names if few.folds}


def train_baseline(experiment: Experiment) -> None:
    """Levi & Hassner's networks on the extra folds: under the protocol, and by their own recipe."""
    few = replace(experiment, folds=experiment.extra_folds)
    for one in (few, published_recipe(few)) if few.folds else ():
        for name in baselines.LEVI_HASSNER:
            train(one, name)


def published_recipe(experiment: Experiment) -> Experiment:
    """Levi & Hassner's own recipe on the same faces, for ``levi_hassner_epochs`` where that is
    given, else ``epochs``, else their own; the demo and the smoke run keep epochs and batches."""
    used, overrides = experiment.protocol, experiment.overrides
    kept = ["faces", "seed", "precision"]
    if used.name in (DEMO.name, SMOKE.name):
        kept += ["epochs", "batch_size"]
    recipe = replace(LEVI_HASSNER, **{name: getattr(used, name) for name in kept})
    epochs = overrides.get("levi_hassner_epochs", overrides.get("epochs", recipe.epochs))
    return replace(experiment, protocol=replace(recipe, epochs=epochs))


def by_gamma(experiment: Experiment) -> dict[float, Experiment]:
    """The same on the extra folds, if any, by gamma, the protocol's own among them."""
    few = replace(experiment, folds=experiment.extra_folds)
    gammas = sorted({few.protocol.gamma, *few.gammas}) if few.folds else []
    return {gamma: few.under(gamma=gamma) for gamma in gammas}


def sweep_gamma(experiment: Experiment) -> dict[float, Runs]:
    """Multi-task on the extra folds, trained with each gamma of ``by_gamma``."""
    return {gamma: train(one, "multitask") for gamma, one in by_gamma(experiment).items()}


def find_weights(experiment: Experiment) -> Weights | None:
    """The weights that the transfer network starts from; None for random features. Raises
    AdienceError if they are missing. In the demo ImageNet's may be: a line says so."""
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


def transferring(experiment: Experiment, weights_label: str) -> Experiment:
    """The experiment of the transfer network: what it starts from, and on the demo less training,
    one epoch of one fold, where the parameters name no others."""
    epochs, folds = experiment.protocol.epochs, experiment.folds
    # Its epochs take three times as long as the reduced networks' on a processor, and the paper
    # sees it converge "after only a couple epochs" (4.3).
    if experiment.protocol.name == DEMO.name:
        epochs = experiment.overrides.get("epochs", 1)
        folds = folds if "folds" in experiment.overrides else folds[:1]
    return replace(experiment.under(weights=weights_label, epochs=epochs), folds=folds)


def for_transfer(experiment: Experiment) -> tuple[Weights | None, Experiment]:
    """The transfer network's weights (``find_weights``), and its experiment, which names them."""
    weights = find_weights(experiment)
    return weights, transferring(experiment, weights.label if weights else "random")
