"""What the run on real faces was and taught: sentences whose numbers come from its records."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from adience_lib import (
    beyond,
    comparison,
    evaluation,
    findings,
    models,
    paper,
    paths,
    quality,
    records,
    repetition,
    tables,
)
from adience_lib.adience import FOLDS
from adience_lib.errors import AdienceError
from adience_lib.evaluation import Runs
from adience_lib.experiment import Experiment
from adience_lib.found import NOTEBOOK_OF, Found, find_runs, finished_sweep
from adience_lib.labels import AGE_LABELS, LABELS
from adience_lib.protocol import PAPER, differences

RECORDS = Path("utkface", records.FOLDER)
"""Where the records of that run lie in a folder of figures."""

_NAMES = {"utkface": "UTKFace", "adience": "Adience"}


def read(figures: Path = paths.COMMITTED) -> tuple[Experiment, Found]:
    """The run on real faces out of its records: what was asked for, and what was found.

    Raises AdienceError if the records cannot be read, or a single one of them.
    """
    study = records.read(figures / RECORDS)
    found = find_runs(study)
    if found.unreadable:
        raise AdienceError("; ".join(found.unreadable))
    return study, found


def in_short(found: Found) -> str:
    """What each network gets right of each task, and what always giving one label gets right."""
    once = tables.table_3(found)
    again = tables.table_3_held_out(found)
    words = []
    for task in LABELS:
        column = f"{task} accuracy"
        right = once.loc[list(NOTEBOOK_OF), column].dropna()
        held_out = {name: again.loc[name, column] for name in found.held_out if name in right}
        by_network = ", ".join(
            f"{name} {value:.0f} %" + (f" ({held_out[name]:.0f} %)" if name in held_out else "")
            for name, value in right.items()
        )
        always = tables.majority(once, task)
        words.append(f"{by_network}; always the most frequent label {always:.0f} %")
    return (
        "Right on the fold that was not trained on, but by which the epoch was chosen, and in "
        "brackets where held-out faces chose it, which is the sounder number. Of the genders: "
        f"{words[0]}. Of the ages: {words[1]}."
    )


def about_run(study: Experiment, found: Found) -> str:
    """How many faces and trainings, on what, how fast, and what differs from the paper."""
    runs = _everything(study, found)
    seconds = sum(one.records["seconds"].sum() for one in runs)
    machines = comparison.machines(runs)
    trainings, planned = sum(len(one.folds) for one in runs), _planned(study)
    missing = f" Still to be trained: {planned - trainings} of {planned}."
    name = _NAMES.get(study.dataset.name, study.dataset.name)
    return (
        f"{len(study.faces):,} of the {len(study.dataset.faces):,} faces of {name} in the eight "
        f"age labels, drawn with seed {study.protocol.seed} so that folds, ages and genders keep "
        f"their shares. {trainings} trainings took {seconds / 3600:.1f} hours on "
        f"{' and '.join(machines)}.{_pace(found)}{missing if trainings < planned else ''} "
        f"Different from the paper's protocol: {differences(study.protocol, PAPER)}."
        f"{findings.about_rebuilt(runs)}"
    )


def _pace(found: Found) -> str:
    """How much the seconds of one and the same epoch differ, since claim 3 rests on seconds."""
    networks = _networks(found, NOTEBOOK_OF)
    if not networks:
        return ""
    words = []
    for name, runs in networks.items():
        fast, slow = runs.history["seconds"].quantile([0.1, 0.9])
        words.append(f"{name} {fast:.1f} to {slow:.1f}")
    return f" Seconds an epoch, the middle 80 %: {', '.join(words)}."


def _planned(study: Experiment) -> int:
    """How many trainings the whole study has (``study.trainings``)."""
    of_table_3 = len(NOTEBOOK_OF) * (len(study.folds) + len(study.held_out_folds))
    return of_table_3 + (2 * len(models.LEVI_HASSNER) + len(study.gammas)) * len(study.extra_folds)


def _everything(study: Experiment, found: Found) -> list[Runs]:
    """Every training, each once."""
    swept = {k: runs for k, runs in finished_sweep(study).items() if k != study.protocol.gamma}
    table_3 = _networks(found, NOTEBOOK_OF)
    groups = (table_3, found.held_out, found.published, found.same_recipe, swept)
    return [runs for group in groups for runs in group.values()]


def taught(study: Experiment, found: Found) -> str:
    """Which of the paper's choices hold on these faces, which do not, and what surprised.

    A bullet a lesson; one whose runs are not there is left out.
    """
    lessons = [
        _one_training(study, found),
        _two_tasks(found),
        _imagenet(found),
        _patience(found),
        _selection(found),
        _stopped_by_loss(found),
        _gamma(study),
        _recipe(found),
        _shared_features(found),
        _ages(found),
        _groups(found),
    ]
    return "\n".join(f"- {lesson}" for lesson in lessons if lesson)


def _one_training(study: Experiment, found: Found) -> str:
    pairs = repetition.pairs(study, found)
    if not pairs:
        return ""
    table = pd.concat([repetition.by_fold(*pair) for pair in pairs])
    words = []
    for task, rows in table.groupby("task", sort=False):
        deviation = repetition.deviation(rows["gained"])
        of_a_gap = deviation * np.sqrt(2 / len(study.folds))
        words.append(
            f"{task}: {rows['changed'].mean():.0f} % of the answers differ "
            f"({rows['changed'].min():.0f} to {rows['changed'].max():.0f} in {len(rows)} pairs), "
            f"the accuracy of a fold has a standard deviation of {deviation:.1f} points, and the "
            f"gap between two networks over {len(study.folds)} folds one of {of_a_gap:.1f}"
        )
    again = ", ".join(f"{comparison.named(runs)}" for _, runs in pairs)
    return (
        f"**How much one training says.** These were trained twice: {again}. Faces, seed and order "
        "were the same; the first time they lacked Table 1's third normalisation, which scales "
        "by less than bfloat16 can tell from one. So the two differ by the last digits of "
        f"their gradients, and by chance from there on. Between two such trainings: "
        f"{'; '.join(words)}. The brackets below know nothing of this: they draw subjects."
    )


def _gap(one: Runs, other: Runs, task: str) -> str:
    """In words such as "+1.2 points on gender [-0.5, +3.0; by fold -2.0 to +4.5]".

    From the faces that both tested. The first interval is over subjects, and knows nothing of how
    much two trainings differ; the folds' range shows that.
    """
    resampled, by_fold = comparison.paired_difference(one, other, task)
    low, high = resampled.interval
    folds = f"; by fold {by_fold.min():+.1f} to {by_fold.max():+.1f}" if len(by_fold) > 1 else ""
    return f"{resampled.value:+.1f} points on {task} [{low:+.1f}, {high:+.1f}{folds}]"


def _two_tasks(found: Found) -> str:
    words = [
        f"{said}{_against_single_tasks(networks)}"
        for said, networks in (("", found.finished), ("With held-out faces: ", found.held_out))
        if {"multitask", *LABELS} <= set(networks)
    ]
    if not words:
        return ""
    return (
        "**One trunk for two tasks.** The multi-task network against the networks for one task: "
        + " ".join(words)
    )


def _against_single_tasks(networks: dict[str, Runs]) -> str:
    """Points, and ratios of epochs and, on one kind of machine, seconds.

    A network for one task is named like the task.
    """
    both, alone = networks["multitask"], {task: networks[task] for task in LABELS}
    gaps = " and ".join(_gap(both, runs, task) for task, runs in alone.items())
    folds = comparison.common_folds(both, *alone.values())
    tested = [runs.on_folds(folds) for runs in (both, *alone.values())]
    compared = ["epochs"] + ["seconds"] * (len(comparison.machines(tested)) == 1)
    ratios = [f"{_share(tested, name):.2f} times the {name}" for name in compared]
    return f"{gaps}, in {' and '.join(ratios)} of the two together."


def _share(networks: list[Runs], name: str) -> float:
    """The first network's total of a column of the records, by that of the others together."""
    first, *others = (runs.records[name].sum() for runs in networks)
    return first / sum(others)


def _networks(found: Found, names: Iterable[str]) -> dict[str, Runs]:
    return {name: found.finished[name] for name in names if name in found.finished}


def _imagenet(found: Found) -> str:
    networks = _networks(found, ("transfer", "multitask"))
    if len(networks) < 2:
        return ""
    transfer, reduced = networks.values()
    gaps = " and ".join(_gap(transfer, reduced, task) for task in LABELS)
    held_out = ""
    if {"transfer", "multitask"} <= set(found.held_out):
        pair = found.held_out["transfer"], found.held_out["multitask"]
        held_out = f" With held-out faces: {' and '.join(_gap(*pair, task) for task in LABELS)}."
    epochs, seconds = (
        [f"{runs.records[name].mean():.0f}" for runs in (transfer, reduced)]
        for name in ("best_epoch", "seconds_to_best")
    )
    on_one = len(comparison.machines((transfer, reduced))) == 1
    took = f"; they took {seconds[0]} and {seconds[1]} seconds to get there" if on_one else ""
    return (
        "**Starting from ImageNet.** The transfer network against the multi-task network, which "
        f"starts from nothing: {gaps}.{held_out} On average its best epoch is number {epochs[0]}, "
        f"the other's {epochs[1]}{took}. "
        f"On age its folds go from {_worst_and_best(transfer, 'age')}."
    )


def _worst_and_best(runs: Runs, task: str) -> str:
    scores = evaluation.fold_scores(runs).sort_values(task)
    words = [
        f"{row[task]:.1f} % (best epoch {row['best_epoch']:.0f})"
        for _, row in scores.iloc[[0, -1]].iterrows()
    ]
    return " to ".join(words)


def _patience(found: Found) -> str:
    networks = _networks(found, NOTEBOOK_OF)
    if not networks:
        return ""
    words = [_steps(name, runs) for name, runs in networks.items()]
    cut = sum(runs.cut_short for runs in networks.values())
    trainings = sum(len(runs.folds) for runs in networks.values())
    return (
        f"**How long it trains.** Until early stopping: {'; '.join(words)}. The limit of "
        f"{PAPER.epochs} epochs ended {cut} of {trainings} trainings."
    )


TRAINED_SHARE = (FOLDS - 1) / FOLDS
"""Of the faces: all folds but one (paper, section 2.2)."""


def _steps(name: str, runs: Runs) -> str:
    """Epochs and steps of a network, and the paper's: fewer faces make for longer counts."""
    epochs, theirs = runs.records["epochs"].mean(), float(paper.TABLE_3.loc[name, "epochs"])
    ours_an_epoch = np.ceil(runs.records["train"].mean() / runs.protocol.batch_size)
    theirs_an_epoch = np.ceil(paper.IMAGES * TRAINED_SHARE / PAPER.batch_size)
    return (
        f"{name} {epochs:.1f} epochs, which are {epochs * ours_an_epoch:,.0f} steps (the paper: "
        f"{theirs:.1f} and {theirs * theirs_an_epoch:,.0f})"
    )


def _selection(found: Found) -> str:
    table = beyond.optimism(found)
    if table.empty:
        return ""
    added = " and ".join(
        f"{table[task].mean():+.1f} points on {task} ({table[task].count()} trainings)"
        for task in LABELS
    )
    gaps = [
        f"{name} {_gap(runs, found.held_out[name], task)}"
        for name, runs in found.finished.items()
        if name in found.held_out
        for task in runs.tasks
    ]
    return (
        f"**Choosing the epoch on the scored fold.** Within one training it would have added "
        f"{added} on average. Choosing so, and training on the held-out tenth as well, against "
        f"choosing on held-out faces: {'; '.join(gaps)}."
    )


def _stopped_by_loss(found: Found) -> str:
    gained = {
        (name, task): evaluation.gained_after(runs).set_index("fold")[task]
        for name, runs in found.held_out.items()
        if "test_loss" in runs.history
        for task in runs.tasks
    }
    if not gained:
        return ""
    words = [
        f"{name} {one.mean():+.1f} points on {task} ({one.min():+.1f} to {one.max():+.1f})"
        for (name, task), one in gained.items()
    ]
    name, task = max(gained, key=lambda which: gained[which].max())
    losses = _losses(found.held_out[name], int(gained[name, task].idxmax()))
    return (
        "**Stopping by loss.** From the epoch that the loss on held-out faces chose to the last "
        f"one run, the share of the test fold that is right changed by: {'; '.join(words)}. Where "
        f"it grew most, {losses}."
    )


def _losses(runs: Runs, fold: int) -> str:
    """How each task's loss on held-out faces went from the chosen epoch to the last one."""
    history = runs.history[runs.history["fold"] == fold]
    chosen, last = evaluation.best_epochs(runs, "val_loss").loc[fold], history.iloc[-1]
    words = [
        f"that of {task} from {chosen[column]:.2f} to {last[column]:.2f}"
        for task in runs.tasks
        if (column := f"val_{task}_loss" if len(runs.tasks) > 1 else "val_loss") in history
    ]
    return (
        f"in fold {fold} of {runs.model}, where the best of {last['epoch']:.0f} epochs was number "
        f"{chosen['epoch']:.0f}, the held-out losses went: {', '.join(words)}"
    )


def _gamma(study: Experiment) -> str:
    swept = finished_sweep(study)
    if len(swept) < 2:
        return ""
    table = beyond.gammas(swept)
    words = [
        f"{task} from {table[task].min():.1f} % (gamma {table[task].idxmin():g}) to "
        f"{table[task].max():.1f} % (gamma {table[task].idxmax():g})"
        for task in LABELS
    ]
    return f"**gamma**, which the paper does not give, moves {' and '.join(words)}, on one fold."


def _recipe(found: Found) -> str:
    table = beyond.recipes(found)
    words = []
    for task, rows in table.groupby("task", sort=False) if found.published else []:
        if rows["network"].nunique() > 1:
            scores = ", ".join(
                f"{row.network}, {row.recipe} ({row['scored on']}) {row.accuracy:.1f}"
                for _, row in rows.iterrows()
            )
            words.append(f"{task}, {rows['folds'].max()} fold(s): {scores}")
    return f"**Recipe or architecture.** % right: {'; '.join(words)}." if words else ""


def _shared_features(found: Found) -> str:
    table = beyond.readouts(found.readouts)
    if table.empty:
        return ""
    words = []
    for task, rows in table.groupby("task", sort=False):
        read = [f"{row.accuracy:.1f} off {row['read off']}" for _, row in rows.iterrows()]
        if task in found.finished:
            trained = evaluation.fold_scores(found.finished[task])[task].mean()
            read.append(f"{trained:.1f} by the network that was trained for it")
        words.append(f"{task}: {', '.join(read)}")
    return (
        "**What one task's features know of the other.** Percent right of a linear model: "
        f"{'; '.join(words)}."
    )


def _ages(found: Found) -> str:
    runs = found.finished.get("multitask")
    if runs is None:
        return ""
    gender, age = (
        quality.groups(runs, task)["accuracy"].reindex(AGE_LABELS).sort_values() for task in LABELS
    )
    lowest = " and ".join(f"{value:.0f} % of {label}" for label, value in age.head(2).items())
    return (
        "**Which ages.** The paper expects (25, 32) to be the best. The multi-task network gets "
        f"{age['(25, 32)']:.0f} % of them right and {age.iloc[-1]:.0f} % of {age.index[-1]}, but "
        f"only {lowest}. Gender is hardest at "
        f"{gender.index[0]}, where {gender.iloc[0]:.0f} % are right."
    )


def _groups(found: Found) -> str:
    runs = found.finished.get("multitask")
    if runs is None or "race" not in runs.predictions:
        return ""
    words = []
    for task in LABELS:
        groups = quality.groups(runs, task)
        races = groups[groups["by"] == "race"].rename(lambda name: name[5:])
        races = races.sort_values("accuracy", ascending=False)
        ends = [_of_group(name, row) for name, row in races.iloc[[0, -1]].iterrows()]
        words.append(f"{task} {' to '.join(ends)}")
    young = runs.predictions["age"].eq(0).groupby(runs.predictions["race"]).mean()
    shares = ", ".join(f"{100 * share:.0f} % of {race}" for race, share in young.items())
    return (
        "**For whom.** By the dataset's labels of race, the multi-task network gets "
        f"{'; '.join(words)} right. The groups differ in age, too: "
        f"{AGE_LABELS[0]} are {shares}."
    )


def _of_group(name: object, row: pd.Series) -> str:
    interval = f"[{row['low']:.0f}, {row['high']:.0f}]"
    return f"{row['accuracy']:.0f} % ({name}, {row['faces']:.0f} faces) {interval}"
