"""Which faces train, which are monitored and which are tested, by whole subjects; and batches."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from adience_lib.data.labels import AGE_LABELS, MISSING
from adience_lib.util.errors import AdienceError

HELD_OUT_SHARE = 0.1
"""Share of the training folds' faces that ``monitor="held_out"`` sets aside."""

DRAWS = 200
"""Seeded draws of subjects among which the best is taken: albums of Adience differ so much in
size that a single draw may miss its share by half."""


@dataclass(frozen=True)
class Split:
    """Rows of the manifest, as int64 arrays: no row is in two of ``train`` and the others.

    ``monitored`` is empty, the test fold itself, or held-out subjects of the training folds.
    """

    train: np.ndarray
    monitored: np.ndarray
    test: np.ndarray


def split(faces: pd.DataFrame, fold: int, monitor: str, seed: int) -> Split:
    """The split that tests on ``fold`` and trains on the other folds of ``faces``.

    ``monitor``: ``"test_fold"`` (our reading of the paper), ``"held_out"`` (about a tenth of the
    training folds' faces as whole subjects; every age label occurs among them) or ``"none"``.

    Raises AdienceError: a fold without faces, no training faces, or no draw of held-out subjects
    in which every age label occurs.
    """
    tested = faces["fold"] == fold
    test, train = faces.index[tested].to_numpy(), faces.index[~tested].to_numpy()
    if not len(test) or not len(train):
        raise AdienceError(f"fold {fold}: no faces to test on, or none to train on")
    if monitor == "held_out":
        held_out = _held_out(faces.loc[train], seed)
        return Split(train[~held_out], train[held_out], test)
    monitored = {"test_fold": test, "none": test[:0]}[monitor]
    return Split(train, monitored, test)


def sample(faces: pd.DataFrame, size: int | None, seed: int) -> pd.DataFrame:
    """About ``size`` of ``faces``, whole subjects, balanced over folds and labels as all are.

    Of many seeded draws from each fold, the one is taken that is nearest to its share in size
    and in its shares of age and gender. The index is that of ``faces``. None gives all of them.
    """
    if size is None or size >= len(faces):
        return faces
    drawn = [_sample_fold(fold, size / len(faces), seed) for _, fold in faces.groupby("fold")]
    return pd.concat(drawn).sort_index()


def _sample_fold(fold: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    wanted, kinds = share * len(fold), _kinds(fold)
    balance = _balance(kinds)

    def distance(chosen: np.ndarray) -> float:
        """0 for the right size and balance; 1 for twice the size, or half of the faces moved."""
        size = abs(chosen.sum() - wanted) / wanted
        return float(size + np.abs(_balance(kinds[chosen]) - balance).sum())

    return fold[min(_draws(fold["subject"], wanted, seed), key=distance)]


def _kinds(faces: pd.DataFrame) -> np.ndarray:
    """(n,) which of the 16 pairs of age and gender, or of the 10 labels that stand alone."""
    age, gender, single = faces["age"].to_numpy(), faces["gender"].to_numpy(), 2 * len(AGE_LABELS)
    pairs = np.where(gender == MISSING, single + 2 + age, 2 * age + gender)
    return np.where(age == MISSING, single + gender, pairs)


def _balance(kinds: np.ndarray) -> np.ndarray:
    """The share of each of the 26 kinds."""
    return np.bincount(kinds, minlength=2 * len(AGE_LABELS) + 10) / len(kinds)


def _held_out(train: pd.DataFrame, seed: int) -> np.ndarray:
    wanted = HELD_OUT_SHARE * len(train)
    labels = train["age"].nunique()
    complete = [
        chosen
        for chosen in _draws(train["subject"], wanted, seed)
        if train["age"][chosen].nunique() == labels == train["age"][~chosen].nunique()
    ]
    if not complete:
        raise AdienceError(
            f"no draw of held-out subjects among {len(train)} training faces holds every age "
            'label; use more faces, other held_out_folds ("[]" for none), or another monitor'
        )
    return min(complete, key=lambda chosen: abs(int(chosen.sum()) - wanted))


def _draws(subjects: pd.Series, wanted: float, seed: int) -> Iterator[np.ndarray]:
    """Masks over ``subjects``: shuffled whole subjects, up to the one nearest to ``wanted``."""
    random = np.random.default_rng(seed)
    codes, names = pd.factorize(subjects, sort=True)
    sizes = np.bincount(codes)
    for _ in range(DRAWS):
        order = random.permutation(len(names))
        taken = 1 + np.abs(np.cumsum(sizes[order]) - wanted).argmin()
        chosen = np.zeros(len(names), dtype=bool)
        chosen[order[:taken]] = True
        yield chosen[codes]


class Batches(keras.utils.PyDataset):
    """Batches of ``rows`` of the manifest: images as cached, and the labels of each task.

    In training every epoch has an order of its own, which depends on the seed and the epoch's
    number alone. The last batch may be smaller.
    """

    def __init__(
        self,
        images: np.ndarray,
        faces: pd.DataFrame,
        tasks: tuple[str, ...],
        batch_size: int,
        shuffle_seed: int | None = None,
    ) -> None:
        super().__init__()
        self.images, self.batch_size, self.shuffle_seed = images, batch_size, shuffle_seed
        self.rows = faces.index.to_numpy()
        self.labels = {task: faces[task].to_numpy("float32")[:, None] for task in tasks}
        self.order = np.arange(len(self.rows))
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Shuffle for ``epoch``, counted from 0; without a seed the order stays."""
        if self.shuffle_seed is not None:
            random = np.random.default_rng((self.shuffle_seed, epoch))
            self.order = random.permutation(len(self.rows))

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        chosen = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        labels = {task: values[chosen] for task, values in self.labels.items()}
        return self.images[self.rows[chosen]], labels
