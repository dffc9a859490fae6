"""A model card: what a trained network is, how well it does and for whom, and what it is not for.

After Mitchell et al. 2019, *Model cards for model reporting*.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from adience_lib.data.labels import LABELS
from adience_lib.evidence import calibration, metrics, paper, quality
from adience_lib.experiments.parameters import differences
from adience_lib.protocol import BASES
from adience_lib.runs.folder import read_json
from adience_lib.runs.read import Runs, read_runs
from adience_lib.util.markdown import markdown

NOT_FOR = """\
Gender and age labels in these datasets come from people who looked at a picture; UTKFace's, those
of race among them, from a program first, whose guesses people checked. Such a label is an
impression, in two classes, of how somebody looks: it is not their gender, and it leaves out
everybody who is neither. A network learns that impression with all its prejudice, and errs on some
groups of people more than on others. Therefore:

- Do not use it to decide anything about a person: access, age checks, prices, hiring, policing,
  medicine.
- Do not use it on people who have not agreed to it, nor to sort or watch people in public.
- Do not report one accuracy for all. Report it by group, with its uncertainty.
- Do not take a score on one dataset for a score on another. The faces of Adience are photographs
  that people put on Flickr.

Adience and UTKFace are given out for research that is not commercial, and their terms hold for what
is trained on them."""
"""Also a block of the README."""

MONITORED = {
    "test_fold": "on the loss of the test faces, so that the accuracies below may be too good",
    "held_out": "on the loss of training subjects that were set aside",
    "none": "by nothing: it is the last one",
}
"""How the epoch was chosen, by the protocol's ``monitor``."""


def card(folder: Path) -> str:
    """The card of the run in ``folder``, as Markdown.

    Raises AdienceError if there is no such finished run, or it is damaged.
    """
    runs = read_runs([folder])
    run, specification = read_json(folder / "run.json"), read_json(folder / "protocol.json")
    parts = [
        f"# Gender and age from a face: the {runs.title} network",
        _what(runs, run),
        f"## Data and training\n\n{_training(runs, run, specification)}",
        f"## Accuracy\n\n{_accuracy(runs)}",
        *(f"### {task.capitalize()}\n\n{_by_group(runs, task)}" for task in runs.tasks),
        f"## Probabilities\n\n{_probabilities(runs)}",
        f"## What it must not be used for\n\n{NOT_FOR}",
    ]
    return "\n\n".join(parts) + "\n"


def _what(runs: Runs, run: dict[str, Any]) -> str:
    outputs = [f"`{task}`: {_OUTPUT[task]}" for task in runs.tasks]
    return (
        f"Built after *{paper.TITLE}*, and trained here, not by its authors. "
        f"{run['parameters']['total']:,} parameters. Input `image`: (n, 256, 256, 3) uint8, RGB, "
        "cropped and upright faces, the shorter side scaled to 256 pixels (Pillow's bicubic "
        "filter) and the centre square kept. Nothing looks for a face. Outputs: "
        f"{'; '.join(outputs)}."
    )


_OUTPUT = {
    "gender": "(n, 1), the probability of m (man); f (woman) has the rest",
    "age": (
        f"(n, {len(LABELS['age'])}), the probabilities of {', '.join(LABELS['age'])} years; a face "
        "of an age between them, of which there were none in training, gets one of these, too"
    ),
}


def _training(runs: Runs, run: dict[str, Any], specification: dict[str, Any]) -> str:
    protocol, faces, machine = runs.protocol, run["faces"], run["machines"][-1]
    base = BASES[protocol.name]
    versions = [f"{name} {machine[name]}" for name in _SOFTWARE if name in machine]
    return (
        f"Dataset: {specification['dataset']} (fingerprint `{specification['fingerprint'][:16]}`), "
        f"{faces['train']:,} faces for training, tested on the {len(runs.predictions):,} of fold "
        f"{specification['fold']}. Protocol: {protocol.name}; different from it: "
        f"{differences(protocol, base) or 'nothing'}. It ran {run['epochs']} epochs. Epoch "
        f"{run['best_epoch']} was chosen, {MONITORED[protocol.monitor]}. Seed {protocol.seed}"
        f"{''.join(f', {version}' for version in versions)}. This is the training of one fold; how "
        "much folds differ stands in Table 3 of the report."
    )


_SOFTWARE = ("python", "keras", "tensorflow", "jax", "torch")


def _accuracy(runs: Runs) -> str:
    """What the numbers are, and the least that they must be compared with."""
    faces, tasks = runs.predictions, runs.tasks
    alone = faces["subject"].is_unique
    least = [
        f"{100 * faces[task].value_counts(normalize=True).max():.1f} on {task}" for task in tasks
    ]
    near = metrics.fold_scores(runs)["one-off"].iloc[0] if "age" in tasks else None
    return (
        "Percent of the test faces that are right, with Wilson's 95 % intervals. "
        + (_NAMES_NOBODY if alone else _ALIKE)
        + " A gap between two groups counts only where it is larger than their uncertainty. Always "
        f"giving the label that most of the test faces have gets {' and '.join(least)}."
        + ("" if near is None else f" An age within one label of the true one: {near:.1f}.")
    )


_ALIKE = "They reckon with the images of one subject being alike."
_NAMES_NOBODY = (
    "**Each test face counts as a subject of its own.** If the dataset does not name people, as "
    "UTKFace does not, the same person may be among the training faces, and the numbers too good."
)


def _by_group(runs: Runs, task: str) -> str:
    groups = quality.groups(runs, task).dropna()
    shown = pd.DataFrame(
        {
            "faces": groups["faces"].astype("int64").map("{:,}".format),
            "% right": groups["accuracy"].map("{:.1f}".format),
            "95 %": [f"{row.low:.1f} to {row.high:.1f}" for row in groups.itertuples()],
        }
    )
    return markdown(shown)


def _probabilities(runs: Runs) -> str:
    sentences = []
    for task in runs.tasks:
        given = metrics.probabilities(runs.predictions, task)
        error = quality.calibration_error(quality.calibration(runs, task))
        found = calibration.temperature(given, runs.predictions[task].to_numpy())
        sentences.append(
            f"{task}: expected calibration error {error:.1f} points before calibration; `predict` "
            f"divides the logits by {found:.2f}"
        )
    return (
        f"{'. '.join(sentences)}. These divisors were fitted on the same test faces, so the error "
        "after calibration is not known. Exported networks give the probabilities before it."
    )
