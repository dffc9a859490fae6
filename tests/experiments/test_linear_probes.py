"""Linear models on frozen features: what is read, from whom, and what is kept."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from adience_lib.data import Dataset, cache
from adience_lib.data.labels import AGE_LABELS
from adience_lib.evidence import metrics
from adience_lib.experiments import linear_probes
from adience_lib.models.pretrained import from_file
from adience_lib.protocol import SMOKE
from adience_lib.runs.read import read_runs
from adience_lib.runs.train_fold import train_fold
from adience_lib.util.errors import AdienceError

QUICK = replace(SMOKE, faces=None, batch_size=16)


@pytest.fixture(scope="module")
def images(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Images whose age can be read off their brightness, whatever their gender."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADIENCE_CACHE", str(tmp_path_factory.mktemp("cache")))
        noise = np.array(cache.images(tiny)) // 16
    return noise + (24 * tiny.faces["age"].to_numpy("uint8"))[:, None, None, None]


@pytest.mark.usefixtures("small_networks")
def test_planted_signal_is_read_and_its_absence_too(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Age is in the pixels, gender is not; each readout is a run like any other."""
    for name in ("gender", "age"):
        train_fold(tiny, images, name, QUICK, 0, tmp_path)
    made = linear_probes.probe(tiny, images, QUICK, (0,), tmp_path)
    assert list(made) == linear_probes.names()
    runs = {name: read_runs(folders) for name, folders in made.items()}
    scores = {name: metrics.fold_scores(run).iloc[0] for name, run in runs.items()}
    assert scores["age_from_pixels"]["age"] == 100
    assert scores["gender_from_pixels"]["gender"] <= 75
    assert runs["age_from_gender"].title == "age read off the trained gender trunk"
    record = json.loads((made["age_from_gender"][0] / "run.json").read_text())
    assert record["faces"]["train"] == 64


def test_network_that_was_not_trained_is_named(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Nothing is read off a network that is not there."""
    with pytest.raises(AdienceError, match=r"gender/.*/fold_2: there is no finished run"):
        linear_probes.probe(tiny, images, QUICK, (2,), tmp_path)


def test_label_that_no_training_face_has_gets_no_probability() -> None:
    """The columns stay those of all labels."""
    random = np.random.default_rng(0)
    linear_probe = linear_probes._standardised(8).fit(
        random.normal(size=(8, 3)), [0, 0, 3, 3, 7, 7, 0, 3]
    )
    given = linear_probes._all_classes(linear_probe, random.normal(size=(2, 3)), "age")
    assert given.shape == (2, len(AGE_LABELS))
    np.testing.assert_allclose(given.sum(axis=1), 1)
    assert not given[:, [1, 2, 4, 5, 6]].any()


def test_vgg16_reads_both_tasks_from_a_named_file(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Its weights' digest is part of the run; features are made once for all folds.

    Of a few faces: a network of this size takes its time.
    """
    file = tmp_path / "vgg.weights.h5"
    keras.applications.VGG16(include_top=False, weights=None).save_weights(file)
    weights = from_file(file, "VGG16")
    protocol = replace(QUICK, weights=weights.label, faces=20)
    folders = linear_probes.probe_frozen(
        tiny, images, "vgg16", protocol, (0, 1), tmp_path / "runs", weights
    )
    runs = read_runs(folders)
    assert (runs.tasks, runs.folds) == (("gender", "age"), [0, 1])
    assert runs.protocol.weights == weights.label
    assert len(pd.unique(runs.predictions["age (0, 2)"])) > 1


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """The message names the network that was wanted."""
    file = tmp_path / "small.weights.h5"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(file)
    with pytest.raises(AdienceError, match="not the weights of VGG16 without its top"):
        from_file(file, "VGG16")
