"""The paper's own numbers, each with its place in the paper. They are written nowhere else."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

TITLE = (
    "K. Jørgensen, M. Ringsted, T. Rajagopal, Gender and Age Classification using Multi-task "
    "Learning with Convolutional Neural Networks, Nanyang Technological University, 2022"
)

IMAGES = 16_228
"""Section 2.1: "16228 labeled facial images after removing invalid data"."""

FEMALE_SHARE = 0.53
"""Section 2.1: "slightly more females in the data set ~53%"."""

BASELINE_PARAMETERS = 115_023_873
"""Section 3.1: what the baseline is said to have before it is reduced."""

TRANSFER_SIDE = 299
"""Section 3.3: pixels that the text says Xception's input has."""

SECONDS_AN_EPOCH = {"single task": (80, 90), "multi-task": (90, 100)}
"""Section 5.2, on one GPU with 8 GB (section 3.4)."""

PATIENCE = 10
"""Section 3.4: epochs without a lower validation loss."""

_TABLE_1 = """
Input image | - | - | - | - | 256 x 256 x 3 | 0
Random cropping | - | - | - | - | 227 x 227 x 3 | 0
Rescaling | - | - | - | - | 227 x 227 x 3 | 0
Convolution | 24 | 7 x 7 | 1 x 1 | valid | 221 x 221 x 24 | 3552
ReLU | - | - | - | - | 221 x 221 x 24 | 0
Max pooling | - | 1 x 1 | 2 x 2 | valid | 110 x 110 x 24 | 0
Local Response | - | - | - | - | 110 x 110 x 24 | 0
Convolution | 64 | 5 x 5 | 1 x 1 | valid | 106 x 106 x 64 | 38464
ReLU | - | - | - | - | 106 x 106 x 64 | 0
Max pooling | - | 1 x 1 | 2 x 2 | valid | 52 x 52 x 64 | 0
Local Response | - | - | - | - | 52 x 52 x 64 | 0
Convolution | 96 | 3 x 3 | 1 x 1 | valid | 50 x 50 x 96 | 55392
ReLU | - | - | - | - | 50 x 50 x 96 | 0
Max pooling | - | 1 x 1 | 2 x 2 | valid | 24 x 24 x 96 | 0
Local Response | - | - | - | - | 24 x 24 x 96 | 0
Fully connected | - | - | - | - | 128 | 7078016
ReLU | - | - | - | - | 128 | 0
Dropout 0.5 | - | - | - | - | 128 | 0
Fully connected | - | - | - | - | 128 | 16512
ReLU | - | - | - | - | 128 | 0
Dropout 0.5 | - | - | - | - | 128 | 0
Fully connected | - | - | - | - | 1 | 129
Sigmoid | - | - | - | - | 1 | 0
"""

TABLE_1 = pd.DataFrame(
    [line.split(" | ") for line in _TABLE_1.strip().splitlines()],
    columns=["operation", "filters", "kernel", "stride", "padding", "output", "parameters"],
).astype({"parameters": "int64"})
"""Table 1, the reduced gender network: sizes as text, "-" where the table has none."""

TABLE_2 = pd.DataFrame(
    [
        ("gender", 7_192_065, 0, 7_192_065),
        ("age", 7_192_968, 0, 7_192_968),
        ("multitask", 14_287_625, 0, 14_287_625),
        ("transfer", 31_220_873, 15_365_160, 46_586_033),
        ("functional layer", 97_408, 0, 97_408),
    ],
    columns=["model", "trainable", "frozen", "total"],
)
"""Table 2: parameter counts."""

TABLE_3 = pd.DataFrame(
    [
        ("baseline", 86.8, 1.4, 50.7, 5.1, None),
        ("gender", 84.8, 1.1, None, None, 50.8),
        ("age", None, None, 46.8, 3.7, 34.2),
        ("multitask", 84.0, 1.4, 47.3, 4.9, 26.0),
        ("transfer", 89.3, 1.4, 49.4, 4.9, 14.2),
    ],
    columns=["model", "gender", "gender spread", "age", "age spread", "epochs"],
).set_index("model")
"""Table 3: mean accuracy over five folds in percent, its spread (a standard error in the
caption, a standard deviation in section 2.2), and the mean number of epochs. The baseline is
quoted from Levi & Hassner (2015) and was not run."""

TIME_OF_BOTH = float(
    TABLE_3.loc["multitask", "epochs"]
    * np.mean(SECONDS_AN_EPOCH["multi-task"])
    / (TABLE_3.loc[["gender", "age"], "epochs"] * np.mean(SECONDS_AN_EPOCH["single task"])).sum()
)
"""Multi-task's epochs times seconds, by those of the two networks for one task together."""


def gap(one: str, other: str, task: str) -> float:
    """Points of accuracy on ``task`` that ``one`` has more than ``other`` in Table 3."""
    return float(TABLE_3.loc[one, task] - TABLE_3.loc[other, task])


BEST_EPOCHS = {name: epochs - PATIENCE for name, epochs in TABLE_3["epochs"].dropna().items()}
"""By Table 3 and a patience of 10 epochs: where the best one was, on average."""

FEW_EPOCHS = 5
"""Section 4.3: transfer "converges after only a couple epochs", "after about 4"."""

DRASTIC = 0.5
"""Section 5.2: "drastically reduce the training time". A network for two tasks that trains as long
as either of the two others takes half of their seconds; the paper's own takes a third."""

HALF = 0.5
"""The paper's best epochs, 4.2 of transfer against 16.0 of multi-task, stand further apart."""


@dataclass(frozen=True)
class Claim:
    """Something that the paper says, and one criterion for it (history: ``docs/method.md``).

    ``row``: the claim's number and which of its criteria this is. ``words``: what the paper says,
    or what the criterion asks where that is less. ``place``: the sections. ``holds``, ``fails``:
    what must be shown, at ``contrast.LEVEL``, for "supported" and for "contradicted".
    """

    row: str
    words: str
    place: str
    holds: str
    fails: str


# A block a criterion: its row, words and places, what must be shown for it, and what against it.
_CLAIMS = f"""
1 | The reduced networks are on par with the baseline. | 5.1
not inferior to Levi & Hassner's networks under the same recipe by 3 points, on both tasks
inferior by more than 3 points on either task

1, own recipe | The reduced networks are on par with the baseline. | 5.1
the same, with the baseline trained by its authors' recipe and scored on ten crops
as above

2 | Multi-task equals the two single-task networks on both tasks. | 5.2
equal within 3 points on both tasks
further apart than 3 points on either task

3a | Multi-task drastically cuts training time. | 1, 5.2
at most half of the time of the two single-task networks together: \
updates, times seconds an update, measured in turns on one machine
more than half of it

3a, any less | Multi-task takes less time than the two networks together (weaker than 3a). \
| 1, 5.2
less time than the two single-task networks together, measured in the same way
more time than the two together

3b | Multi-task needs fewer epochs than either single-task network. | 5.2
fewer epochs than each of the two
more epochs than one of the two

4 | Transfer beats the baseline on gender and matches it on age. | 4.4, 5.3
better than Levi & Hassner's network under the same recipe on gender; \
not inferior to theirs by 3 points on age
worse on gender, or inferior by more than 3 points on age

4, own recipe | Transfer beats the baseline on gender and matches it on age. | 4.4, 5.3
the same, with the baseline trained by its authors' recipe and scored on ten crops
as above

5 | Transfer converges within a few epochs. | 4.3
the best epoch, not the last one run, is below {FEW_EPOCHS} on average over the folds
it is above {FEW_EPOCHS}

5, against multi-task | Transfer's best epoch comes within half of multi-task's epochs \
(weaker than 5). | 4.3
the best epoch comes in at most half of multi-task's epochs
it comes later than that

6 | There may be no features of an age and a gender together. | 5.2
cannot be tested: no experiment shows that there is no feature
cannot be tested

6, premise | Multi-task is not better than the single-task networks by 3 points. | 5.2
multi-task is not better by 3 points on either task
better by more than 3 points on either task

7 | The reduced network needs fewer multiply-adds than the network of 115 million weights \
that the paper compares with. | 3.1, 5.1
the reduced gender network needs fewer multiply-adds than the baseline as the paper reads it \
(115 million weights)
more multiply-adds

7, as published | The reduced network needs fewer multiply-adds than Levi & Hassner's \
published network. | 3.1, 5.1
fewer multiply-adds than Levi & Hassner's network as it was published
more multiply-adds

8 | The model can be expected to be most effective at ages 25 to 32. | 2.1
the multi-task network gets a larger share of the faces of that age right than of every other age, \
on faces of which that age is the most frequent
a larger share of some other age

9 | Age varies more over the folds than gender, and the first fold is the highest. | 4.1
over the five folds of Adience, two trainings each: a larger variance of the age network's \
accuracy than of the gender network's, and the first fold above each other one in both
a larger variance of gender's, or some fold above the first
"""

CLAIMS = tuple(Claim(*re.split(r" \| |\n", block)) for block in _CLAIMS.strip().split("\n\n"))
"""What the report decides, in the order of its list: nine claims, and the criteria of each."""
