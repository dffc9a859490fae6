"""Convolutions two columns at a time, where channels fill a processor's vectors only by half.

A processor with AVX-512 takes 16 floats at once, so that of 24 channels every second vector is
half empty. Two neighbouring columns of them fill three. Their kernel is one tap wider, 6 for 5,
which costs less than the empty halves.
"""

from collections.abc import Callable
from typing import Any

from keras import layers, ops

VECTOR = 16
"""Floats in a vector of AVX-512."""


def fill_half(channels: int) -> bool:
    """Whether the last vector of so many channels is half empty, and that of two columns full."""
    return channels % VECTOR == VECTOR // 2


def can_pair(convolution: layers.Conv2D) -> bool:
    """Whether ``convolution`` gains by it, given an even number of columns."""
    gains = fill_half(convolution.filters) or fill_half(convolution.input.shape[-1])
    simple = convolution.strides == (1, 1) and convolution.padding == "valid"
    return gains and simple and convolution.kernel_size[1] % 2 == 1


def convolve(maps: Any, kernel: Any, bias: Any) -> Any:
    """The valid convolution with stride 1 of (batch, height, even width, channels), plus ``bias``.

    Filters that fill vectors by half are computed two columns at a time. Where the channels do,
    only their gradient is: the gradient of an input is a convolution whose filters they are.
    """
    if fill_half(kernel.shape[-1]):
        return _apart(ops.add(ops.conv(_paired(maps), _wide(kernel)), ops.tile(bias, 2)))
    convolved = ops.add(ops.conv(ops.stop_gradient(maps), kernel), bias)

    def gradient(upstream: Any) -> Any:
        return _apart(ops.conv_transpose(_paired(upstream), _wide(kernel)))

    return with_gradient(convolved, maps, gradient)


def with_gradient(value: Any, source: Any, gradient: Callable[[Any], Any]) -> Any:
    """``value``, through which ``source`` gets ``gradient`` of the gradient that ``value`` gets."""

    def give(value: Any, source: Any) -> Any:
        def gradients(*arguments: Any, upstream: Any = None) -> Any:
            given = arguments[0] if upstream is None else upstream
            return given, gradient(given)

        return value, gradients

    return ops.custom_gradient(give)(value, source)


def _paired(maps: Any) -> Any:
    """(batch, height, width, channels) with two columns as one of twice the channels."""
    _, height, width, channels = maps.shape
    return ops.reshape(maps, (-1, height, width // 2, 2 * channels))


def _apart(maps: Any) -> Any:
    """The opposite of ``_paired``."""
    _, height, width, channels = maps.shape
    return ops.reshape(maps, (-1, height, 2 * width, channels // 2))


def _wide(kernel: Any) -> Any:
    """The kernel between paired maps: itself for the left column, shifted by one for the right."""
    height, width, channels, filters = kernel.shape
    shifted = [ops.pad(kernel, ((0, 0), (left, 1 - left), (0, 0), (0, 0))) for left in (0, 1)]
    together = ops.stack(shifted, axis=3)
    return ops.reshape(together, (height, (width + 1) // 2, 2 * channels, 2 * filters))
