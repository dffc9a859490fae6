"""The runs that are finished for an experiment, and the commands that make those that are not."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from adience_lib.experiments import linear_probes
from adience_lib.experiments.experiment import Experiment, by_gamma, published_recipe, transferring
from adience_lib.models import baselines, pretrained
from adience_lib.runs.read import FROZEN, Runs, read_runs
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError


def finished_runs(experiment: Experiment, model_name: str) -> Runs | None:
    """The runs of ``model_name`` that are there, without training; None if there are none.
    Repetitions are counted from the protocol's own up to the first that has no fold."""
    asked = [experiment]
    if model_name == "transfer":
        labels = dict.fromkeys([weights_label(experiment.wanted_weights), "random"])
        asked = [transferring(experiment, label) for label in labels]
    if model_name == "xception":
        asked = [linear_probes.frozen(experiment, weights_label(experiment.wanted_weights))]
    if model_name == "vgg16":
        named = paths.variable(pretrained.VARIABLES["VGG16"])
        label = pretrained.from_file(Path(named), "VGG16").label if named else "imagenet"
        asked = [linear_probes.frozen(experiment, label)]
    for one in asked:
        if finished := _finished_folders(one, model_name):
            return read_runs(finished)
    return None


def _finished_folders(experiment: Experiment, model_name: str) -> list[Path]:
    folders = [experiment.folder(model_name, fold) for fold in experiment.folds]
    there = [folder for folder in folders if folder.is_dir()]
    if experiment.listed is not None:
        there = [folder for folder in there if folder in experiment.listed]
    if not there:
        return []
    again = experiment.under(repetition=experiment.protocol.repetition + 1)
    return there + _finished_folders(again, model_name)


def finished_sweep(experiment: Experiment) -> dict[float, Runs]:
    """The multi-task runs on the extra folds that are there, by gamma, the protocol's own too.
    Empty where no other gamma is: one says nothing of what gamma does."""
    swept = by_gamma(experiment).items()
    found = {gamma: finished_runs(one, "multitask") for gamma, one in swept}
    there = {gamma: runs for gamma, runs in found.items() if runs}
    return there if set(there) - {experiment.protocol.gamma} else {}


NOTEBOOK_OF = {
    "gender": "02_reduced_models",
    "age": "02_reduced_models",
    "multitask": "03_multitask",
    "transfer": "04_transfer_learning",
}
"""The notebook that trains each network of Table 3."""


@dataclass(frozen=True)
class Results:
    """Every finished run that the results rest on, by model name.

    ``finished``: the networks of Table 3 under the experiment's protocol. ``held_out``: the same
    with the epoch chosen on held-out subjects. ``published``: Levi & Hassner's networks under
    their own recipe; ``same_recipe``: under the experiment's protocol. ``linear_probes``: linear
    models on frozen features. ``unreadable``: what is wrong with runs that could not be read.
    """

    is_demo: bool
    is_adience: bool
    faces: pd.DataFrame
    finished: dict[str, Runs]
    held_out: dict[str, Runs]
    published: dict[str, Runs]
    same_recipe: dict[str, Runs]
    linear_probes: dict[str, Runs]
    unreadable: list[str]

    def main(self, name: str) -> Runs:
        """The runs of a network of Table 3. Raises AdienceError if there are none."""
        return self._there(self.finished, name, "has not been trained")

    def unselected(self, name: str) -> Runs:
        """The runs of a network of Table 3 whose epochs were not chosen on the scored faces: those
        with held-out subjects where the protocol monitors the test fold. Raises AdienceError if
        there are none."""
        if self.main(name).protocol.monitor != "test_fold":
            return self.main(name)
        otherwise = (
            "has chosen its epochs on the scored faces, and the baseline has not; "
            'held_out_folds, or monitor="held_out", trains it otherwise'
        )
        return self._there(self.held_out, name, otherwise)

    def baseline(self, task: str, *, own_recipe: bool = True) -> Runs:
        """Levi & Hassner's network under their own recipe, scored on ten crops; else as the
        experiment's protocol trains it."""
        name = f"levi_hassner_{task}"
        if not own_recipe:
            return self._there(self.same_recipe, name, "has not been trained under this protocol")
        otherwise = (
            "has not been trained here under its own recipe, and a comparison with a number that "
            "was only published decides nothing"
        )
        return self._there(self.published, name, otherwise).on_ten_crops()

    def _there(self, runs: dict[str, Runs], name: str, otherwise: str) -> Runs:
        if name in runs:
            return runs[name]
        faults = [fault for fault in self.unreadable if f"/{name}/" in fault]
        raise AdienceError("; ".join(faults) or f"{name} {otherwise}")


def find_runs(experiment: Experiment) -> Results:
    """Everything that has been trained for ``experiment``, on any of its folds. Trains nothing."""
    unreadable: list[str] = []

    def read(one: Experiment, names: Iterable[str]) -> dict[str, Runs]:
        found = {}
        for name in names:
            try:
                if runs := finished_runs(one, name):
                    found[name] = runs
            except AdienceError as error:
                unreadable.append(str(error))
        return found

    return Results(
        experiment.dataset.is_demo,
        experiment.dataset.name.startswith("adience"),
        experiment.faces,
        read(experiment, (*NOTEBOOK_OF, *FROZEN)),
        read(experiment.under(monitor="held_out"), NOTEBOOK_OF),
        read(published_recipe(experiment), baselines.LEVI_HASSNER),
        read(experiment, baselines.LEVI_HASSNER),
        read(experiment, linear_probes.names()),
        unreadable,
    )


def missing_runs(experiment: Experiment, finished: dict[str, Runs]) -> dict[str, list[int]]:
    """The folds of each network of Table 3 that its notebook would train and has not."""
    asked = dict.fromkeys(NOTEBOOK_OF, experiment.folds)
    asked["transfer"] = transferring(experiment, experiment.protocol.weights).folds
    done = {name: finished[name].folds if name in finished else [] for name in asked}
    return {name: [fold for fold in asked[name] if fold not in done[name]] for name in asked}


_ONLY_IN = {"weights": "04", "levi_hassner_epochs": "02"}
"""Parameters of notebook 05 that only one of the training notebooks has."""


def commands(experiment: Experiment) -> dict[str, str]:
    """The command that trains each network of Table 3 under this experiment's parameters."""
    made = {}
    for name, notebook in NOTEBOOK_OF.items():
        words = ["papermill", f"{notebook}.ipynb", "out.ipynb"]
        for parameter, value in experiment.overrides.items():
            if notebook.startswith(_ONLY_IN.get(parameter, "")):
                words += ["-p", parameter, str(value)]
        made[name] = shlex.join(words)
    return made


def weights_label(wanted: str) -> str:
    """The label under which runs name the weights that the parameter ``weights`` asks for; a label
    names itself. Raises AdienceError for a file that cannot be read."""
    if re.fullmatch(r"imagenet|random|sha256-[0-9a-f]{12}", wanted):  # as ``from_file`` labels one
        return wanted
    return pretrained.from_file(Path(wanted)).label
