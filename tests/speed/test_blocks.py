"""Convolution and pooling on blocks of pixels against the same pixel by pixel."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

from adience_lib import models
from adience_lib.speed import blocks
from adience_lib.speed.rewritten import lean
from adience_lib.util import backend


def convolved(rows: int, columns: int, channels: int, kernel: int, pooling: str) -> None:
    """Outputs and gradients, in double precision, are those of Keras' two operations."""
    random = np.random.default_rng(0)
    maps = tf.constant(random.normal(size=(2, rows, columns, channels)))
    weights = tf.constant(random.normal(size=(kernel, kernel, channels, 5)))
    bias = tf.constant(random.normal(size=5))

    def plain(maps: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        return ops.max_pool(ops.add(ops.conv(maps, weights), bias), 3, 2, pooling)

    def in_blocks(maps: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        return blocks.pooled(maps, weights, bias, (1, 1), "valid", pooling)

    found = []
    for function in (in_blocks, plain):
        with tf.GradientTape() as tape:
            tape.watch([maps, weights])
            output = function(maps, weights)
            loss = tf.reduce_sum(tf.sin(output))
        found.append([output, *tape.gradient(loss, [maps, weights])])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)


@settings(max_examples=20, deadline=None)
@given(
    rows=st.integers(9, 14),
    columns=st.integers(9, 14),
    channels=st.sampled_from([1, 3, 4, 6]),
    kernel=st.integers(1, 5),
)
def test_valid_pooling(rows: int, columns: int, channels: int, kernel: int) -> None:
    """Few channels or many, whole blocks or a row of pixels too few."""
    convolved(rows, columns, channels, kernel, "valid")


@pytest.mark.parametrize("channels", [3, 6])
def test_same_pooling(channels: int) -> None:
    """Of even lengths, which it pads at the end alone."""
    convolved(10, 12, channels, 3, "same")


def test_first_of_equal_values_gets_the_gradient() -> None:
    """A window of nine equal values gives its gradient to the upper left one."""
    equal = tf.ones((1, 2, 2, 2, 2, 1))
    with tf.GradientTape() as tape:
        tape.watch(equal)
        output = blocks.largest(equal)
    gradient = tape.gradient(output, equal).numpy()
    assert gradient.sum() == gradient[0, 0, 0, 0, 0, 0] == 1


@pytest.mark.parametrize(
    ("pooling", "length", "expected"),
    [
        ({"pool_size": 3, "strides": 2}, 12, True),
        ({"pool_size": 3, "strides": 2}, 13, True),
        ({"pool_size": 3, "strides": 2, "padding": "same"}, 12, True),
        ({"pool_size": 3, "strides": 2, "padding": "same"}, 13, False),  # padded on both sides
        ({"pool_size": 2, "strides": 2}, 12, False),
        ({"pool_size": 3, "strides": 3}, 12, False),
    ],
)
def test_only_fitting_poolings(
    pooling: dict[str, int], length: int, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only with JAX on an accelerator."""
    convolution = layers.Conv2D(2, 1)
    convolution(keras.Input((length, length, 3)))
    assert not blocks.are_used(convolution, layers.MaxPooling2D(**pooling))
    on_accelerator(monkeypatch)
    assert blocks.are_used(convolution, layers.MaxPooling2D(**pooling)) == expected


def on_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as ``blocks`` can tell."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(backend, "on_processor", lambda: False)


@pytest.mark.parametrize("name", ["gender", "levi_hassner_age"])
def test_twin_of_blocks_is_the_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The paper's network, of whose first maps all blocks are whole, and one of longer steps."""
    network = models.build(name)
    with monkeypatch.context() as patch:
        on_accelerator(patch)
        twin = lean(network)
    trunks = [layer for layer in twin.layers if isinstance(layer, keras.Model)] or [twin]
    used = [getattr(layer, "in_blocks", False) for layer in trunks[0].layers]
    assert sum(used) == 3
    faces = np.random.default_rng(1).integers(0, 256, (1, 256, 256, 3), "uint8")
    (task,) = network.output
    found, expected = (model(faces, training=False)[task] for model in (twin, network))
    np.testing.assert_allclose(found, expected, atol=1e-5)
