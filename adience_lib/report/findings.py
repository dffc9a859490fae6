"""Sentences that cannot be written by hand, since they are about the data and runs of a reader."""

import pandas as pd

from adience_lib.data import Dataset
from adience_lib.data.labels import LABELS
from adience_lib.evidence import metrics, paper, quality
from adience_lib.evidence.claims import VERDICTS
from adience_lib.experiments.experiment import Experiment, named_folds
from adience_lib.experiments.parameters import differences
from adience_lib.experiments.results import NOTEBOOK_OF, Results
from adience_lib.models.pretrained import Weights
from adience_lib.protocol import LEVI_HASSNER, PAPER
from adience_lib.runs.read import Runs
from adience_lib.util import backend
from adience_lib.util.markdown import markdown


def _caveat(dataset: Dataset) -> str:
    if dataset.is_demo:
        return "\n\n**These faces are drawings.** The numbers show that the programs work, no more."
    if dataset.name.startswith("adience"):
        return ""
    return (
        f"\n\nThe faces are those of {dataset.name}, not of Adience: the paper's numbers are of "
        "another experiment. It names nobody, so a person may stand on both sides of a split."
    )


def about_to_train(experiment: Experiment, *names: str) -> str:
    """What is about to be trained, on what machine, and what the paper reports."""
    protocol, trainings = experiment.protocol, len(experiment.folds) * len(names)
    machine = backend.machine()
    theirs = paper.TABLE_3.loc[list(names), [*LABELS, "epochs"]]
    return (
        f"Protocol `{protocol.label}` on {len(experiment.faces):,} faces: {trainings} trainings of "
        f"at most {protocol.epochs} epochs, batch {protocol.batch_size}. Machine: "
        f"{machine['processor']}, {machine['cores']} cores, accelerator: {machine['accelerator']}. "
        f"The paper's numbers on Adience:\n\n{markdown(theirs.astype(object).fillna('-'))}"
    )


def about_runs(dataset: Dataset, faces: pd.DataFrame, *several: Runs) -> str:
    """Each network's scores beside the paper's, and beside those of the most frequent label of
    ``faces``, the manifest that was trained and tested on."""
    if not several:
        return "There are no such runs: none was asked for, or none could be made."
    parts = []
    for runs in several:
        majority, words = metrics.majority_rates(faces, runs.folds), []
        for task in runs.tasks:
            ours, theirs = quality.accuracy(runs, task), paper.TABLE_3[task].get(runs.model)
            quoted = f"; the paper: {theirs:.1f} %" if pd.notna(theirs) else ""
            words.append(
                f"{task} {ours.value:.1f} % right [{ours.low:.1f}, {ours.high:.1f}] (always giving "
                f"the most frequent label: {majority[task]:.1f} %{quoted})"
            )
        epochs, best = metrics.fold_scores(runs)[["epochs", "best_epoch"]].mean()
        parts.append(
            f"**{runs.title}**, {named_folds(runs.folds)}: {'; '.join(words)}. It ran {epochs:.1f} "
            f"epochs, and the best was {best:.1f} on average."
        )
    return "\n\n".join(parts) + _caveat(dataset)


def about_difference(runs: Runs, *others: Runs | None) -> str:
    """A network against each of the others, on the folds that both have, in points."""
    words = []
    for other in others:
        folds = sorted(set(runs.folds) & set(other.folds)) if other else []
        if other and folds:
            ours, theirs = (metrics.fold_scores(one.on_folds(folds)) for one in (runs, other))
            tasks = [task for task in LABELS if task in ours and task in theirs]
            gaps = [f"{(ours[of] - theirs[of]).mean():+.1f} points on {of}" for of in tasks]
            words.append(f"Against {other.title}, {named_folds(folds)}: {' and '.join(gaps)}.")
    if not words:
        return "The networks to compare with have not been trained under this protocol."
    return f"{' '.join(words)} A difference is not yet a finding: notebook 05 tests it."


def about_weights(weights: Weights | None) -> str:
    """Where the transfer network starts from."""
    if weights is None:
        return "**Random features.** Nothing is transferred: this is not the paper's experiment."
    return f"Xception starts from the **{weights.label}** weights. Their source: {weights.source}."


def about_missing(
    missing: dict[str, list[int]], commands: dict[str, str], unreadable: list[str]
) -> str:
    """Which runs are not there or cannot be read, and the command that makes them."""
    lines = [
        f"- **{name}**, {named_folds(folds)}: `{commands[name]}`"
        for name, folds in missing.items()
        if folds
    ]
    if lines:
        lines = ["These runs are missing:", "", *lines]
    if unreadable:
        lines += ["", "These are left out, because they cannot be read:", ""]
        lines += [f"- {fault}" for fault in unreadable]
    return "\n".join(lines) or "No training is missing."


def by_verdict(verdicts: pd.DataFrame) -> str:
    """How many of the criteria have each verdict, and their rows."""
    rows = {verdict: verdicts.index[verdicts["verdict"] == verdict] for verdict in VERDICTS}
    counts = [f"{len(of)} {verdict} ({'; '.join(of)})" for verdict, of in rows.items() if len(of)]
    return ", ".join(counts) or "none left"


def about_claims(verdicts: pd.DataFrame, results: Results, dataset: Dataset) -> str:
    """How many criteria have each verdict, and whose accuracies may be too good."""
    finished = [runs for name, runs in results.finished.items() if name in NOTEBOOK_OF]
    chosen = sorted(runs.title for runs in finished if runs.protocol.monitor == "test_fold")
    words = f"The paper's nine claims, by {len(verdicts)} criteria: {by_verdict(verdicts)}."
    if chosen:
        words += f" The epochs of {', '.join(chosen)} were chosen on the faces that are scored."
    return words + _caveat(dataset)


def about_recipes(table: pd.DataFrame) -> str:
    """What Levi & Hassner's own recipe does otherwise than the paper's."""
    if table.empty:
        return "Levi & Hassner's networks have not been trained: set the parameter `extra_folds`."
    return (
        f"On {table['folds'].iloc[0]} fold(s). Their own recipe differs from the paper's (in "
        f"brackets) in: {differences(LEVI_HASSNER, PAPER)}. The rate of biases is doubled, that of "
        "the last layer tenfold, and biases do not decay."
    )


def about_linear_probes(*networks: Runs) -> str:
    """What the trained networks get themselves, to set beside the linear models' table."""
    scores = [
        f"{runs.title} {quality.accuracy(runs, task).value:.1f} % of {task}"
        for runs in networks
        for task in runs.tasks
    ]
    return f"The trained networks themselves get right: {', '.join(scores)}."
