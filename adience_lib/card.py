"""A model card: what a trained network is, how well it does and for whom, and what it is not for.

After Mitchell et al. 2019, *Model cards for model reporting*.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from adience_lib import calibration, evaluation, paper, quality, tables
from adience_lib.evaluation import Runs
from adience_lib.labels import LABELS
from adience_lib.protocol import BASES, differences
from adience_lib.run_folder import read_json

NOT_FOR = """\
Gender and age labels in these datasets were given by people who looked at a picture. Such a label
is an impression, in two classes, of how somebody looks: it is not their gender, and it leaves out
everybody who is neither. A network learns that impression with all its prejudice, and errs more
often on the groups that its training data has few of. Therefore:

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
    runs = evaluation.read_runs([folder])
    run, said = read_json(folder / "run.json"), read_json(folder / "protocol.json")
    parts = [
        f"# Gender and age from a face: the {runs.title} network",
        _what(runs, run),
        f"## Data and training\n\n{_training(runs, run, said)}",
        f"## Accuracy\n\n{_ACCURACY}",
        *(f"### {task.capitalize()}\n\n{_by_group(runs, task)}" for task in runs.tasks),
        f"## Probabilities\n\n{_probabilities(runs)}",
        f"## What it must not be used for\n\n{NOT_FOR}",
    ]
    return "\n\n".join(parts) + "\n"


def _what(runs: Runs, run: dict[str, Any]) -> str:
    outputs = [f"`{task}`: {_OUTPUT[task]}" for task in runs.tasks]
    return (
        f"{run['parameters']['total']:,} parameters. Input `image`: (n, 256, 256, 3) uint8, RGB, "
        "cropped and upright faces, the shorter side scaled to 256 pixels and the centre square "
        f"kept. Nothing looks for a face. Outputs: {'; '.join(outputs)}. Source: {paper.TITLE}."
    )


_OUTPUT = {
    "gender": "(n, 1), the probability of m; f has the rest",
    "age": f"(n, {len(LABELS['age'])}), the probabilities of {', '.join(LABELS['age'])}",
}


def _training(runs: Runs, run: dict[str, Any], said: dict[str, Any]) -> str:
    protocol, faces = runs.protocol, run["faces"]
    base = BASES[protocol.name]
    return (
        f"Dataset: {said['dataset']} (fingerprint `{said['fingerprint'][:16]}`), "
        f"{faces['train']:,} faces for training, tested on the {len(runs.predictions):,} of fold "
        f"{said['fold']}. Protocol: {protocol.name}; different from it: "
        f"{differences(protocol, base) or 'nothing'}. It ran {run['epochs']} epochs. Epoch "
        f"{run['best_epoch']} was chosen, {MONITORED[protocol.monitor]}."
    )


_ACCURACY = (
    "Percent of the test faces that are right, with Wilson's 95 % intervals, which reckon with the "
    "images of one subject being alike. A gap between two groups counts only where it is larger "
    "than their uncertainty."
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
    return tables.markdown(shown)


def _probabilities(runs: Runs) -> str:
    sentences = []
    for task in runs.tasks:
        given = evaluation.probabilities(runs.predictions, task)
        error = quality.calibration_error(quality.calibration(runs, task))
        found = calibration.temperature(given, runs.predictions[task].to_numpy())
        sentences.append(
            f"{task}: expected calibration error {error:.1f} points; `predict` divides the logits "
            f"by {found:.2f}, which was fitted on the same test faces"
        )
    return f"{'. '.join(sentences)}. Exported networks give the probabilities before that."
