"""Grad-CAM against the backend's own gradient."""

import keras
import numpy as np
import pytest

from adience_lib import models
from adience_lib.evidence.grad_cam import _answer_and_gradient, grad_cam
from adience_lib.models.networks import CROP


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """An untrained multi-task network."""
    keras.utils.set_random_seed(3)
    return models.build("multitask")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Three images of random pixels."""
    return np.random.default_rng(0).integers(0, 256, (3, 256, 256, 3), "uint8")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="uses TensorFlow's gradient")
@pytest.mark.parametrize("task", ["gender", "age"])
def test_gradient_by_hand_is_the_backends(
    network: keras.Model, images: np.ndarray, task: str
) -> None:
    """Of the logit of the network's own answer, with respect to the trunk's map."""
    import tensorflow

    maps = keras.Model(network.input, network.get_layer("features").input)(images)
    answers, gradient = _answer_and_gradient(network, np.asarray(maps), task)
    with tensorflow.GradientTape() as tape:
        tape.watch(maps)
        features = network.get_layer("features")(maps)
        for name in ("dense_1", "relu_1", "dense_2", "relu_2", "output"):
            features = network.get_layer(f"{task}_{name}")(features)
        chosen = features[:, 0] if task == "gender" else tensorflow.reduce_max(features, axis=1)
        signs = np.where(answers == 1, 1.0, -1.0) if task == "gender" else np.ones(len(answers))
        total = tensorflow.reduce_sum(chosen * signs)
    np.testing.assert_allclose(gradient, tape.gradient(total, maps), rtol=1e-3, atol=1e-8)


def test_heat_covers_the_crop_and_its_answers_are_the_networks(
    network: keras.Model, images: np.ndarray
) -> None:
    """From 0 to 1 over the centre crop that the network saw."""
    found = grad_cam(network, images, "age")
    assert found.heat.shape == (3, CROP, CROP)
    assert found.heat.min() >= 0
    assert found.heat.max() <= 1
    np.testing.assert_array_equal(found.crops, images[:, 14:241, 14:241])
    given = np.asarray(network.predict(images, verbose=0)["age"]).argmax(axis=1)
    np.testing.assert_array_equal(found.answers, given)
