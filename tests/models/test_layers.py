"""The project's own layers against what they are defined to do."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from adience_lib.models.baselines import MeanImage
from adience_lib.models.layers import LocalResponseNormalization, RandomCrop


def numbered_images(count: int, side: int = 12) -> np.ndarray:
    """Images in which every pixel names its place: red its row, green its column."""
    images = np.zeros((count, side, side, 3), "uint8")
    images[..., 0] = np.arange(side)[:, None]
    images[..., 1] = np.arange(side)[None, :]
    images[..., 2] = np.arange(count)[:, None, None]
    return images


def test_training_crops_are_windows_of_each_image() -> None:
    """Consecutive rows and columns, of the right image, with the input's dtype."""
    images = numbered_images(50)
    crops = keras.ops.convert_to_numpy(RandomCrop(9)(images, training=True))
    assert (crops.shape, crops.dtype) == ((50, 9, 9, 3), np.uint8)
    top, left = crops[:, 0, 0, 0], crops[:, 0, 0, 1]
    rows, columns = np.mgrid[:9, :9]
    np.testing.assert_array_equal(crops[..., 0], top[:, None, None] + rows)
    np.testing.assert_array_equal(crops[..., 1], left[:, None, None] + columns)
    np.testing.assert_array_equal(crops[..., 2], np.arange(50)[:, None, None] + 0 * rows)


def test_each_image_has_a_window_of_its_own_and_all_are_possible() -> None:
    """Every corner from 0 to 3 comes up about as often; rows and columns are independent."""
    keras.utils.set_random_seed(0)
    crops = keras.ops.convert_to_numpy(RandomCrop(9)(numbered_images(255), training=True))
    places = np.zeros((4, 4), "int64")
    np.add.at(places, (crops[:, 0, 0, 0], crops[:, 0, 0, 1]), 1)
    assert places.min() > 4  # 16 of each expected


def test_outside_training_the_centre_is_taken() -> None:
    """No randomness, no resizing."""
    images = numbered_images(3, side=13)
    for training in (False, None):
        crops = RandomCrop(9)(images, training=training or False)
        np.testing.assert_array_equal(crops, images[:, 2:11, 2:11])


def reference_normalization(x: np.ndarray) -> np.ndarray:
    """Krizhevsky's formula with Caffe's parameters, written as it reads."""
    channels = x.shape[-1]
    y = np.empty_like(x, dtype="float64")
    for c in range(channels):
        window = x[..., max(0, c - 2) : min(channels, c + 3)].astype("float64")
        y[..., c] = x[..., c] / (1 + 1e-4 / 5 * (window**2).sum(-1)) ** 0.75
    return y


@pytest.mark.parametrize("scale", [1, 100])
@pytest.mark.parametrize("channels", [3, 24])
def test_normalization_is_caffes(channels: int, scale: float) -> None:
    """Against the formula in double precision, and TensorFlow's own operation."""
    x = scale * np.random.default_rng(0).normal(size=(2, 5, 5, channels)).astype("float32")
    y = keras.ops.convert_to_numpy(LocalResponseNormalization()(x))
    np.testing.assert_allclose(y, reference_normalization(x), rtol=1e-5)
    theirs = tf.nn.local_response_normalization(x, depth_radius=2, bias=1, alpha=2e-5, beta=0.75)
    np.testing.assert_allclose(y, theirs, rtol=1e-5)


def test_normalizations_gradient_is_that_of_its_formula() -> None:
    """Written out by hand, against the one that TensorFlow derives, in double precision."""
    random = np.random.default_rng(0)
    x = tf.constant(100 * random.normal(size=(2, 5, 5, 24)))
    near = np.abs(np.subtract.outer(np.arange(24), np.arange(24))) <= 2
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        energy = 1 + 2e-5 * tf.einsum("...c,cd->...d", x**2, near.astype(float))
        theirs = tf.sin(x / energy**0.75 / 100)
        ours = tf.sin(LocalResponseNormalization(dtype="float64")(x) / 100)
    expected = tape.gradient(theirs, x)
    np.testing.assert_allclose(tape.gradient(ours, x), expected, rtol=1e-6, atol=1e-8)


def test_mean_image_is_subtracted_and_channels_are_turned() -> None:
    """The mean over the given rows only; BGR; no weight of the layer."""
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), "uint8")
    layer = MeanImage()
    layer.build(images.shape)
    layer.adapt(images, np.array([4, 0, 2]))
    expected = (images - images[[0, 2, 4]].mean(axis=0))[..., ::-1]
    np.testing.assert_allclose(layer(images), expected, atol=1e-4)
    assert layer.weights == []


def test_mean_image_is_saved_with_the_model(tmp_path: Path) -> None:
    """A model that is loaded again subtracts the same mean."""
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), "uint8")
    entrance = keras.Input((4, 4, 3), dtype="uint8")
    layer = MeanImage()
    model = keras.Model(entrance, layer(entrance))
    layer.adapt(images, np.arange(6))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images), model(images))
