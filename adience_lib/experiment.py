"""What a notebook was asked to do: its parameters, checked, and what follows from them."""

import ast
import difflib
import os
import shlex
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adience_lib import cache, data, evaluation, paths, splits, training
from adience_lib import weights as pretrained
from adience_lib.data import FOLDS, Dataset
from adience_lib.errors import AdienceError
from adience_lib.protocol import BASES, DEMO, MONITORS, PAPER, PRECISIONS, RANGES, SMOKE, Protocol

WHOLE_NUMBERS = ("faces", "epochs", "batch_size", "seed")
NUMBERS = ("learning_rate", "gamma")
CHOICES = {"protocol": tuple(BASES), "monitor": MONITORS, "precision": PRECISIONS}
TEXTS = ("data", "weights", "runs_dir", "figures_dir")
SWITCHES = ("allow_missing", "drop_repeats")
PARAMETERS = (*TEXTS, *CHOICES, "folds", "gammas", *WHOLE_NUMBERS, *NUMBERS, *SWITCHES)
"""Every parameter that any notebook has. In each, None stands for the protocol's own value."""

SWEPT_GAMMAS = (0.1, 0.9)
"""Compared with the protocol's own gamma, which the paper does not give."""


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
    given = _given(namespace)
    value = {name: given.get(name) for name in PARAMETERS}
    _check_kinds(value)
    source = value["data"] or os.environ.get("ADIENCE_DATA") or data.DEMO
    protocol = _protocol(value, source)
    folds = _folds(value["folds"])
    dataset = data.load(
        source, allow_missing=bool(value["allow_missing"]), drop_repeats=bool(value["drop_repeats"])
    )
    return Experiment(
        dataset,
        protocol,
        folds,
        Path(value["runs_dir"]) if value["runs_dir"] else paths.runs(),
        Path(value["figures_dir"]) if value["figures_dir"] else _figures(dataset, protocol, folds),
        value["weights"] or protocol.weights,
        _gammas(value["gammas"]),
        {name: given[name] for name in given if given[name] is not None},
    )


def _given(namespace: dict[str, Any]) -> dict[str, Any]:
    """The parameters and their values.

    papermill adds a cell below the parameters cell and only warns about a name that the notebook
    does not have. Both cells are found in IPython's list of the cells run so far: the parameters
    cell is the first that does nothing but assign constants, papermill's begins with a comment.
    """
    cells = [_assigned(source) for source in namespace.get("In", [])]
    declared = next((names for names in cells if names), list(PARAMETERS))
    added = [
        name
        for source, names in zip(namespace.get("In", []), cells, strict=True)
        if source.lstrip().startswith("# Parameters")
        for name in names
    ]
    allowed = [name for name in declared if name in PARAMETERS]
    for name in [*declared, *added]:
        if name not in allowed:
            raise AdienceError(unknown_parameter(name, allowed))
    return {name: namespace[name] for name in allowed if name in namespace}


def _assigned(source: str) -> list[str]:
    """The names that a cell sets if it does nothing but set names to constants, else none."""
    try:
        statements = ast.parse(source).body
        names = []
        for statement in statements:
            targets: list[ast.expr]
            match statement:
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    targets = [target]
                case ast.Assign(targets=targets, value=value):
                    pass
                case _:
                    return []
            ast.literal_eval(value)
            names += [ast.unparse(target) for target in targets]
    except (SyntaxError, ValueError):
        return []
    return names


def unknown_parameter(name: str, allowed: list[str]) -> str:
    """The message for a parameter that is none of ``allowed``."""
    near = difflib.get_close_matches(name, allowed, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"unknown parameter {name!r}{hint}; allowed: {', '.join(allowed)}"


def _check_kinds(value: dict[str, Any]) -> None:
    for name in WHOLE_NUMBERS:
        _check(name, value, int, "a whole number")
    for name in NUMBERS:
        _check(name, value, (int, float), "a number")
    for name in TEXTS:
        _check(name, value, str, "a text")
    for name in SWITCHES:
        if value[name] not in (None, True, False):
            raise AdienceError(f"{name} is {value[name]!r}; allowed: True, False")
    for name, allowed in CHOICES.items():
        if value[name] is not None and value[name] not in allowed:
            raise AdienceError(f"{name} is {value[name]!r}; allowed: {', '.join(allowed)}")


def _check(name: str, value: dict[str, Any], kind: Any, words: str) -> None:
    wrong = not isinstance(value[name], kind) or isinstance(value[name], bool)
    if value[name] is not None and wrong:
        low, high = RANGES.get(name, (None, None))
        allowed = words if low is None else f"{words} from {low:g} to {high:g}"
        raise AdienceError(f"{name} is {value[name]!r}; allowed: {allowed}, or None")


def _protocol(value: dict[str, Any], source: str) -> Protocol:
    if value["protocol"]:
        base = BASES[value["protocol"]]
    elif os.environ.get("ADIENCE_SMOKE", "") not in ("", "0"):
        base = SMOKE
    else:
        base = default_protocol(source)
    names = (*WHOLE_NUMBERS, *NUMBERS, "monitor", "precision")
    return replace(base, **{name: value[name] for name in names if value[name] is not None})


def default_protocol(source: str) -> Protocol:
    """``DEMO`` for the drawings, ``PAPER`` for real faces."""
    return DEMO if source == data.DEMO else PAPER


def _folds(given: Any) -> tuple[int, ...]:
    """``None`` for all; a list, also written as a string, as ``papermill -p`` passes it."""
    every = tuple(range(FOLDS))
    if given is None:
        return every
    try:
        folds = ast.literal_eval(given) if isinstance(given, str) else given
        folds = (folds,) if isinstance(folds, int) else tuple(folds)
    except (SyntaxError, ValueError, TypeError):
        folds = ()
    if not folds or len(set(folds)) < len(folds) or not set(folds) <= set(every):
        raise AdienceError(
            f"folds is {given!r}; allowed: a list of different folds from 0 to {FOLDS - 1}, such "
            'as "[0, 1]", or None for all'
        )
    return tuple(sorted(folds))


def _gammas(given: Any) -> tuple[float, ...]:
    """``None`` for the usual two; a list, also written as a string."""
    if given is None:
        return SWEPT_GAMMAS
    try:
        values = ast.literal_eval(given) if isinstance(given, str) else given
        gammas = tuple(float(value) for value in values)
    except (SyntaxError, ValueError, TypeError):
        gammas = (-1.0,)
    if not all(0 <= gamma <= 1 for gamma in gammas):
        raise AdienceError(
            f"gammas is {given!r}; allowed: a list of numbers from 0 to 1, such as "
            '"[0.25, 0.75]", "[]" for none, or None for the usual'
        )
    return gammas


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

    ``weights``: what ``transfer`` starts from, as ``find_weights`` gives it.
    """
    protocol = experiment.protocol
    if model_name == "transfer":
        protocol = replace(protocol, weights=weights.label if weights else "random")
    folders = training.cross_validate(
        experiment.dataset,
        experiment.images,
        model_name,
        protocol,
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
    return pd.concat(scores).set_index("gamma")


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


def with_weights(experiment: Experiment, weights: pretrained.Weights | None) -> Experiment:
    """The experiment with the weights that were found, so that its figures name them."""
    label = weights.label if weights else "random"
    return replace(experiment, protocol=replace(experiment.protocol, weights=label))


def finished_runs(experiment: Experiment, model_name: str) -> evaluation.Runs | None:
    """The runs of ``model_name`` that are there, without training; None if there are none."""
    protocols = [experiment.protocol]
    if model_name == "transfer":
        labels = dict.fromkeys([_weights_label(experiment.wanted_weights), "random"])
        protocols = [replace(experiment.protocol, weights=label) for label in labels]
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
