"""Splits and samples: whole subjects, always."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adience_lib.data import Dataset
from adience_lib.data.loader import HELD_OUT_SHARE, Batches, sample, split
from adience_lib.util import backend
from adience_lib.util.errors import AdienceError


def albums(sizes: list[int], seed: int = 0) -> pd.DataFrame:
    """A manifest with albums of these sizes, dealt out over five folds, random labels."""
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(len(sizes)), sizes)
    count = len(subject)
    return pd.DataFrame(
        {
            "subject": [f"user{number}" for number in subject],
            "gender": random.integers(0, 2, count),
            "age": random.integers(0, 8, count),
            "fold": subject % 5,
        }
    )


many_albums = st.lists(st.integers(8, 80), min_size=50, max_size=80)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(sizes=many_albums, fold=st.integers(0, 4), seed=st.integers(0, 1000))
def test_held_out_subjects_are_nobody_else(sizes: list[int], fold: int, seed: int) -> None:
    """No subject in two parts; nothing lost; every age label monitored; near a tenth."""
    faces = albums(sizes)
    parts = split(faces, fold, "held_out", seed)
    subjects = [set(faces["subject"][rows]) for rows in (parts.train, parts.monitored, parts.test)]
    assert not (subjects[0] & subjects[1] or subjects[0] & subjects[2] or subjects[1] & subjects[2])
    rows = np.concatenate([parts.train, parts.monitored, parts.test])
    assert sorted(rows) == list(faces.index)
    assert (faces["fold"][parts.test] == fold).all()
    assert faces["age"][parts.monitored].nunique() == 8
    rest = len(parts.train) + len(parts.monitored)
    assert abs(len(parts.monitored) / rest - HELD_OUT_SHARE) < 0.03


def test_test_fold_is_monitored_as_published() -> None:
    """The paper's way: the scored faces are the monitored ones; "none" monitors nothing."""
    faces = albums([10] * 40)
    parts = split(faces, 2, "test_fold", 0)
    assert list(parts.monitored) == list(parts.test)
    assert len(parts.train) + len(parts.test) == len(faces)
    assert len(split(faces, 2, "none", 0).monitored) == 0


def test_split_depends_on_the_seed_alone() -> None:
    """The same seed holds out the same subjects."""
    faces = albums([5] * 80)
    first, again, other = (split(faces, 0, "held_out", seed).monitored for seed in (1, 1, 2))
    assert list(first) == list(again)
    assert list(first) != list(other)


def test_too_few_subjects_to_hold_out_is_an_error() -> None:
    """A label that stands in one album only cannot be both trained on and monitored."""
    faces = albums([4] * 10)
    with pytest.raises(AdienceError, match="every age label"):
        split(faces, 0, "held_out", 0)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(sizes=many_albums, share=st.floats(0.2, 0.9))
def test_sample_is_whole_subjects_near_its_size(sizes: list[int], share: float) -> None:
    """Albums come whole, every fold is there, and the size is about what was asked."""
    faces = albums(sizes)
    wanted = max(10, int(share * len(faces)))
    drawn = sample(faces, wanted, 0)
    assert set(drawn["fold"]) == set(range(5))
    assert not set(drawn["subject"]) & set(faces.drop(index=drawn.index)["subject"])
    assert abs(len(drawn) - wanted) <= 5 * 80 / 2


def test_sample_of_single_pictures_is_balanced() -> None:
    """Where each picture is its own subject, size and folds are met to a face."""
    faces = albums([1] * 4000)
    drawn = sample(faces, 1000, 3)
    assert list(drawn.groupby("fold").size()) == [200] * 5
    shares = drawn["age"].value_counts(normalize=True) - faces["age"].value_counts(normalize=True)
    assert shares.abs().max() < 0.02


def test_no_size_gives_all_faces() -> None:
    """None, or more than there are, is the whole manifest."""
    faces = albums([3] * 20)
    assert sample(faces, None, 0) is faces
    assert sample(faces, 10_000, 0) is faces


def test_every_epoch_is_fed_the_batches_in_its_own_order(tiny: Dataset, images: np.ndarray) -> None:
    """All of them, the smaller last one too, as what feeds the network is gone through again."""
    batches = Batches(images, tiny.faces, ("gender", "age"), 24, shuffle_seed=1)
    fed = backend.feed(batches)
    assert len(fed) == len(batches) == 4
    for epoch in (0, 1):
        batches.start_epoch(epoch)
        for number, (faces, labels) in enumerate(fed):
            expected, known = batches[number]
            np.testing.assert_array_equal(faces, expected)
            for task in ("gender", "age"):
                np.testing.assert_array_equal(labels[task], known[task])


def test_batches_hold_every_face_once_an_epoch_in_another_order(
    tiny: Dataset, images: np.ndarray
) -> None:
    """Each epoch's order follows from the seed and the epoch's number alone."""
    faces = tiny.faces.iloc[5:35]
    batches = Batches(images, faces, ("age",), 8, shuffle_seed=1)
    orders = []
    for epoch in (0, 1, 0):
        batches.start_epoch(epoch)
        parts = [batches[number] for number in range(len(batches))]
        assert [len(pixels) for pixels, _ in parts] == [8, 8, 8, 6]
        orders.append(list(batches.rows[batches.order]))
        labels = np.concatenate([labels["age"][:, 0] for _, labels in parts])
        np.testing.assert_array_equal(labels, tiny.faces["age"][orders[-1]])
        np.testing.assert_array_equal(parts[0][0][0], images[orders[-1][0]])
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == list(faces.index)
