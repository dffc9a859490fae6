"""The paper's own numbers, each with its place in the paper. They are written nowhere else."""

import pandas as pd

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
