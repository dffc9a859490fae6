"""Everything that a result depends on besides the faces, the fold and the network."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from adience_lib.data.labels import FOLDS
from adience_lib.util.errors import AdienceError, shorten

MONITORS = ("test_fold", "held_out", "none")
PRECISIONS = ("float32", "mixed_bfloat16")
OPTIMIZERS = ("adam", "caffe_sgd")


@dataclass(frozen=True)
class Protocol:
    """How a network is trained and chosen. The defaults are the paper's (section 3.4).

    ``name``: the base protocol; every other field that differs from the base is in ``label``.
    ``epochs``: at most, 1 to 10,000. ``patience``: epochs without a lower validation loss before
    training stops. ``batch_size`` in faces. ``learning_rate``, ``beta_1``, ``beta_2``,
    ``epsilon``: of Adam. The text calls them Keras' default values, whose rate is 0.001; its own
    0.0001 is used. ``optimizer``: "adam", or "caffe_sgd" (see ``models/baselines.py``) with
    ``momentum``, ``weight_decay`` and ``rate_drops``, how often its rate is divided by ten, at
    equal distances; Adam takes none of these three. ``gamma``: 0 to 1,
    L = gamma * L_gender + (1 - gamma) * L_age (equation 1); the paper does not give its value.
    ``monitor``: what early stopping and the choice of the best epoch look at; the paper does not
    say, "test_fold" is our reading of it. ``precision``: Keras' dtype policy. ``seed``: of
    weights, dropout, crops, order, held-out subjects and sample. ``faces``: None for all, else
    the size of a sample. ``weights``: what the transfer network starts from, "imagenet",
    "random" or the first digits of a file's digest. ``repetition``: 0, 1, ...; a fold's trainings
    that differ in nothing else are draws of the same experiment: each has weights, dropout, crops
    and order of its own (``training_seed``), on the same sample, folds and held-out subjects.

    Raises AdienceError if a value is out of range.
    """

    name: str = "paper"
    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 1e-4
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    optimizer: str = "adam"
    momentum: float = 0.0
    weight_decay: float = 0.0
    rate_drops: int = 0
    patience: int = 10
    gamma: float = 0.5
    monitor: str = "test_fold"
    precision: str = "float32"
    seed: int = 2022
    faces: int | None = None
    weights: str = "imagenet"
    repetition: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise AdienceError(f"{name} is {shorten(value)}; allowed: {allowed_range(name)}")
        choices = {"monitor": MONITORS, "precision": PRECISIONS, "optimizer": OPTIMIZERS}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise AdienceError(
                    f"{name} is {getattr(self, name)!r}; allowed: {', '.join(allowed)}"
                )

    @property
    def label(self) -> str:
        """The base's name and each field that differs from it, as a folder's name.

        >>> replace(PAPER, gamma=0.3, monitor="held_out").label
        'paper,gamma=0.3,monitor=held_out'
        """
        base = BASES[self.name]
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        changed = [
            # 1 and 1.0 are the same protocol and must be the same folder.
            f"{name}={value:.12g}" if isinstance(value, float | int) else f"{name}={value}"
            for name, value in values.items()
            if value != getattr(base, name)
        ]
        return ",".join([self.name, *changed])

    def training_seed(self, fold: int) -> int:
        """The seed of what a training draws: no two pairs of fold and repetition share one.

        Held-out subjects and the sample are drawn with ``seed`` itself.
        """
        return self.seed + fold + FOLDS * self.repetition

    def written(self) -> dict[str, Any]:
        """What ``protocol.json`` holds: every field, ``repetition`` where it is not 0.

        Runs that say nothing of it are the first ones.
        """
        values = asdict(self)
        if not self.repetition:
            del values["repetition"]
        return values


RANGES = {
    "epochs": (1, 10_000),
    "batch_size": (1, 4096),
    "learning_rate": (1e-8, 1.0),
    "patience": (1, 10_000),
    "gamma": (0.0, 1.0),
    "seed": (0, 2**31 - 1),
    "faces": (10, 10_000_000),
    "repetition": (0, 999),
}
"""The smallest and the largest value of each number that is checked."""


def allowed_range(name: str) -> str:
    """The range of a number in words.

    >>> allowed_range("epochs")
    '1 to 10,000'
    """
    low, high = (f"{end:,}" if isinstance(end, int) else f"{end:g}" for end in RANGES[name])
    return f"{low} to {high}"


PAPER = Protocol()
"""Section 3.4 of the paper. Expected: Table 3; hours a fold without a GPU."""

# 130 drawn faces give 33 steps an epoch at batch 4, two at the paper's 128: hence the small batch
# and the higher rate. In two epochs 4e-4 teaches multi-task less, and 6e-4 the age network nothing.
DEMO = replace(PAPER, name="demo", epochs=2, batch_size=4, learning_rate=5e-4)
"""Small enough for five folds of the reduced networks, and one of transfer, on two cores."""

# Random features, so that no test waits for a download. Larger batches are quicker. So few faces
# have no tenth that shows every age label: nothing is held out unless it is asked for.
SMOKE = replace(DEMO, name="smoke", epochs=1, batch_size=8, faces=40, weights="random")
"""The same path in seconds: shows that everything runs, and nothing about accuracy."""

# They count 50,000 iterations of 50 faces and divide the rate every 10,000: on four folds of
# Adience (13,006 faces on average) that is 192 epochs in five equal parts. They stop on nothing.
LEVI_HASSNER = replace(
    PAPER,
    name="levi_hassner",
    epochs=192,
    batch_size=50,
    learning_rate=1e-3,
    optimizer="caffe_sgd",
    momentum=0.9,
    weight_decay=5e-4,
    rate_drops=4,
    monitor="none",
)
"""Levi & Hassner's own recipe (their published Caffe definitions), for their own networks."""

BASES = {protocol.name: protocol for protocol in (PAPER, DEMO, SMOKE, LEVI_HASSNER)}
