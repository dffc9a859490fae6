"""Convolutions of paired columns against the same convolutions one column at a time."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

from adience_lib.speed.rewritten import can_pair, convolve


@settings(max_examples=20, deadline=None)
@given(
    channels=st.sampled_from([3, 8, 24]),
    filters=st.sampled_from([8, 16, 24]),
    kernel=st.sampled_from([(1, 1), (3, 3), (2, 5), (5, 7)]),
    columns=st.sampled_from([8, 10, 14]),
)
def test_outputs_and_gradients_are_those_of_the_convolution(
    channels: int, filters: int, kernel: tuple[int, int], columns: int
) -> None:
    """In double precision, for the maps and the kernel."""
    random = np.random.default_rng(0)
    maps = tf.constant(random.normal(size=(2, 6, columns, channels)))
    weights = tf.constant(random.normal(size=(*kernel, channels, filters)))
    bias = tf.constant(random.normal(size=filters))
    found = []
    for function in (convolve, lambda x, k, b: ops.add(ops.conv(x, k), b)):
        with tf.GradientTape() as tape:
            tape.watch([maps, weights])
            output = function(maps, weights, bias)
            loss = tf.reduce_sum(tf.sin(output))
        found.append([output, *tape.gradient(loss, [maps, weights])])
    for paired, plain in zip(*found, strict=True):
        np.testing.assert_allclose(paired, plain, atol=1e-10)


@pytest.mark.parametrize(
    ("channels", "settings", "expected"),
    [
        (3, {"filters": 24, "kernel_size": 7}, True),
        (24, {"filters": 64, "kernel_size": 5}, True),
        (64, {"filters": 96, "kernel_size": 3}, False),  # full vectors
        (24, {"filters": 64, "kernel_size": 4}, False),
        (24, {"filters": 64, "kernel_size": 5, "strides": 2}, False),
        (24, {"filters": 64, "kernel_size": 5, "padding": "same"}, False),
    ],
)
def test_only_convolutions_that_gain_are_paired(
    channels: int, settings: dict[str, int], expected: bool
) -> None:
    """Half-empty vectors on either side, an odd kernel, no stride and no padding."""
    convolution = layers.Conv2D(**settings)
    convolution(keras.Input((12, 12, channels)))
    assert can_pair(convolution) == expected
