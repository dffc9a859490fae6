"""A model card: what a trained network is, how well it does and for whom, and what it is not for.

After Mitchell et al. 2019, *Model cards for model reporting*.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from adience_lib.data.labels import LABELS
from adience_lib.deploy.predict import temperatures
from adience_lib.evidence import metrics, paper, quality
from adience_lib.experiments.parameters import differences
from adience_lib.protocol import BASES
from adience_lib.runs.folder import read_json
from adience_lib.runs.read import Runs, read_runs
from adience_lib.util import backend
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

OUTPUTS = {
    "gender": "(n, 1), the probability of m (man); f (woman) has the rest",
    "age": (
        f"(n, {len(LABELS['age'])}), the probabilities of {', '.join(LABELS['age'])} years; a face "
        "of an age between them, of which there were none in training, gets one of these, too"
    ),
}

ALIKE = "They reckon with the images of one subject being alike."
NAMES_NOBODY = (
    "**Each test face counts as a subject of its own.** If the dataset does not name people, as "
    "UTKFace does not, the same person may be among the training faces, and the numbers too good."
)

CARD = """\
# Gender and age from a face: the {runs.title} network

Built after *{paper}*, and trained here, not by its authors. {run[parameters][total]:,} parameters.
Input `image`: (n, 256, 256, 3) uint8, RGB, cropped and upright faces, the shorter side scaled to
256 pixels (Pillow's bicubic filter) and the centre square kept. Nothing looks for a face.
Outputs: {outputs}.

## Data and training

Dataset: {of[dataset]} (fingerprint `{of[fingerprint]:.16}`), {run[faces][train]:,} faces for
training, tested on the {tested:,} of fold {of[fold]}. Protocol: {runs.protocol.name}; different
from it: {differences}. It ran {run[epochs]} epochs. Epoch {run[best_epoch]} was chosen,
{monitored}. Seed {runs.protocol.seed}{versions}. This is the training of one fold; how much folds
differ stands in Table 3 of the report.

## Accuracy

Percent of the test faces that are right, with Wilson's 95 % intervals. {counted} A gap between two
groups counts only where it is larger than their uncertainty. Always giving the label that most of
the test faces have gets {least}.{near}

{groups}

## Probabilities

{calibration}. These divisors were fitted on the same test faces, so the error after calibration is
not known. Exported networks give the probabilities before it.

## What it must not be used for

{not_for}
"""


def card(folder: Path) -> str:
    """The card of the run in ``folder``, as Markdown. Raises AdienceError if there is no such
    finished run, or it is damaged."""
    runs = read_runs([folder])
    run, specification = read_json(folder / "run.json"), read_json(folder / "protocol.json")
    protocol, tested, machine = runs.protocol, runs.predictions, run["machines"][-1]
    software = [name for name in ("python", "keras", *backend.BACKENDS) if name in machine]
    most = {task: 100 * tested[task].value_counts(normalize=True).max() for task in runs.tasks}
    near = metrics.fold_scores(runs)["one-off"].iloc[0] if "age" in runs.tasks else None
    return CARD.format(
        runs=runs,
        run=run,
        of=specification,
        paper=paper.TITLE,
        outputs="; ".join(f"`{task}`: {OUTPUTS[task]}" for task in runs.tasks),
        tested=len(tested),
        differences=differences(protocol, BASES[protocol.name]) or "nothing",
        monitored=MONITORED[protocol.monitor],
        versions="".join(f", {name} {machine[name]}" for name in software),
        counted=NAMES_NOBODY if tested["subject"].is_unique else ALIKE,
        least=" and ".join(f"{share:.1f} on {task}" for task, share in most.items()),
        near="" if near is None else f" An age within one label of the true one: {near:.1f}.",
        groups="\n\n".join(f"### {task.capitalize()}\n\n{_groups(runs, task)}" for task in most),
        calibration=". ".join(_calibration(runs)),
        not_for=NOT_FOR,
    )


def _groups(runs: Runs, task: str) -> str:
    groups = quality.groups(runs, task).dropna()
    columns = {
        "faces": groups["faces"].astype("int64").map("{:,}".format),
        "% right": groups["accuracy"].map("{:.1f}".format),
        "95 %": [f"{row.low:.1f} to {row.high:.1f}" for row in groups.itertuples()],
    }
    return markdown(pd.DataFrame(columns))


def _calibration(runs: Runs) -> Iterator[str]:
    for task, divisor in temperatures(runs).items():
        error = quality.calibration_error(quality.calibration(runs, task))
        yield (
            f"{task}: expected calibration error {error:.1f} points before calibration; `predict` "
            f"divides the logits by {divisor:.2f}"
        )
