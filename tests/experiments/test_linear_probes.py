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
from adience_lib.experiments import experiment, linear_probes
from adience_lib.experiments.experiment import Experiment
from adience_lib.models.pretrained import from_file
from adience_lib.protocol import SMOKE
from adience_lib.util.errors import AdienceError

QUICK = replace(SMOKE, faces=None, batch_size=16)


@pytest.fixture
def begun(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Two folds, one of them for extras, of images whose brightness tells the age alone."""
    noise = np.array(cache.images(tiny)) // 16
    images = noise + (24 * tiny.faces["age"].to_numpy("uint8"))[:, None, None, None]
    monkeypatch.setattr(cache, "images", lambda _: images)
    return replace(experiment.of(tiny, {"folds": [0, 1]}), protocol=QUICK)


@pytest.mark.usefixtures("small_networks")
def test_planted_signal_is_read_and_its_absence_too(
    begun: Experiment,
) -> None:
    """Age is in the pixels, gender is not; each readout is a run of the extra fold."""
    for name in ("gender", "age"):
        experiment.train(replace(begun, folds=begun.extra_folds), name)
    runs = linear_probes.probe(begun)
    assert list(runs) == linear_probes.names()
    assert runs["age_from_pixels"].folds == [0]
    scores = {name: metrics.fold_scores(run).iloc[0] for name, run in runs.items()}
    assert scores["age_from_pixels"]["age"] == 100
    assert scores["gender_from_pixels"]["gender"] <= 75
    assert runs["age_from_gender"].title == "age read off the trained gender trunk"
    record = json.loads((begun.folder("age_from_gender", 0) / "run.json").read_text())
    assert record["faces"]["train"] == 64


def test_network_that_was_not_trained_is_named(begun: Experiment) -> None:
    """Nothing is read off a network that is not there."""
    with pytest.raises(AdienceError, match=r"gender/.*/fold_0: there is no finished run"):
        linear_probes.probe(begun)


def test_without_extra_folds_nothing_is_read(begun: Experiment) -> None:
    """A fold that one of many machines trains leaves them to another."""
    assert linear_probes.probe(replace(begun, extra_folds=())) == {}


def test_label_that_no_training_face_has_gets_no_probability() -> None:
    """The columns stay those of all labels."""
    random = np.random.default_rng(0)
    fitted = linear_probes._linear(8, is_reduced=False).fit(
        random.normal(size=(8, 3)), [0, 0, 3, 3, 7, 7, 0, 3]
    )
    given = linear_probes._all_classes(fitted, random.normal(size=(2, 3)), "age")
    assert given.shape == (2, len(AGE_LABELS))
    np.testing.assert_allclose(given.sum(axis=1), 1)
    assert not given[:, [1, 2, 4, 5, 6]].any()


def test_vgg16_reads_both_tasks_from_a_named_file(begun: Experiment, tmp_path: Path) -> None:
    """Its weights' digest is part of the run; features are made once for all folds.

    Of a few faces: a network of this size takes its time.
    """
    file = tmp_path / "vgg.weights.h5"
    keras.applications.VGG16(include_top=False, weights=None).save_weights(file)
    weights = from_file(file, "VGG16")
    few = begun.dataset.faces.groupby(["fold", "gender"]).head(2)
    some = replace(begun, dataset=replace(begun.dataset, faces=few))
    runs = linear_probes.probe_frozen(some, "vgg16", weights)
    assert (runs.tasks, runs.folds) == (("gender", "age"), [0, 1])
    assert runs.protocol.weights == weights.label
    assert len(pd.unique(runs.predictions["age (0, 2)"])) > 1


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """The message names the network that was wanted."""
    file = tmp_path / "small.weights.h5"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(file)
    with pytest.raises(AdienceError, match="not the weights of VGG16 without its top"):
        from_file(file, "VGG16")
