"""With JAX on an accelerator: convolution and pooling on blocks of two by two pixels.

An image's three channels fill little of what a matrix unit takes at once; the four pixels of a
block fill it. XLA scatters the gradient of a pooling into its input, window by window. Between
blocks, a 3x3 window that moves by two is a 2x2 window that moves by one, whose largest value is
remembered, so that each pixel gathers its gradient from the one, two or four windows that it is in.
"""

import itertools
import math
from typing import Any

import keras
from keras import layers, ops

from adience_lib.util import backend

FEW = 4
"""Channels that are too few to convolve as they are."""

PLACES = tuple(itertools.product(range(3), range(3)))
"""Of a window, in the order in which the first of equal largest values is taken."""


def are_used(convolution: layers.Conv2D, pooling: layers.MaxPooling2D) -> bool:
    """Whether ``pooled`` can take the place of the two, and pays."""
    windows = (pooling.pool_size, pooling.strides) == ((3, 3), (2, 2))
    # "same" then pads at the end alone.
    aligned = pooling.padding == "valid" or not any(n % 2 for n in convolution.output.shape[1:3])
    return keras.backend.backend() == "jax" and not backend.on_processor() and windows and aligned


def whole(convolution: layers.Conv2D, reached: tuple[int, int]) -> tuple[int, int]:
    """Of a convolution's input, as many rows and columns as ``reached``, and one more where that
    makes whole blocks of its output and there is one."""
    lengths = zip(reached, convolution.kernel_size, convolution.input.shape[1:3], strict=True)
    rows, columns = (min(n, r + (r - k + 1) % 2) for r, k, n in lengths)
    return rows, columns


def pooled(maps: Any, kernel: Any, bias: Any, strides: Any, padding: str, pooling: str) -> Any:
    """The convolution of (batch, height, width, channels) plus ``bias``, max pooled over 3x3 pixels
    in steps of two; ``padding`` is the convolution's and ``pooling`` the other's."""
    simple = padding == pooling == "valid" and tuple(strides) == (1, 1)
    lengths = [n - k + 1 for n, k in zip(maps.shape[1:3], kernel.shape[:2], strict=True)]
    if simple and maps.shape[-1] <= FEW and all(n % 2 == 0 for n in lengths):
        convolved = ops.conv(_blocks(maps, FEW), _block_kernel(kernel)) + ops.tile(bias, 4)
        _, rows, columns, channels = convolved.shape
        return largest(ops.reshape(convolved, (-1, rows, columns, 2, 2, channels // 4)))
    convolved = ops.add(ops.conv(maps, kernel, strides, padding), bias)
    edges = [(0, _missing(n, pooling)) for n in convolved.shape[1:3]]
    padded = ops.pad(convolved, ((0, 0), *edges, (0, 0)), constant_values=-math.inf)
    return largest(_split(padded))


def _missing(length: int, padding: str) -> int:
    """How many pixels after the last make whole blocks, one more than there are windows."""
    windows = math.ceil(length / 2) if padding == "same" else (length - 1) // 2
    return 2 * (windows + 1) - length


def _split(maps: Any) -> Any:
    """(batch, rows, columns, 2, 2, channels) of blocks."""
    _, height, width, channels = maps.shape
    blocks = ops.reshape(maps, (-1, height // 2, 2, width // 2, 2, channels))
    return ops.transpose(blocks, (0, 1, 3, 2, 4, 5))


def _blocks(maps: Any, channels: int) -> Any:
    """(batch, rows, columns, 4 * channels), with zeros for the channels that are missing."""
    blocks = _split(ops.pad(maps, ((0, 0), (0, 0), (0, 0), (0, channels - maps.shape[-1]))))
    return ops.reshape(blocks, (-1, *blocks.shape[1:3], 4 * channels))


def _block_kernel(kernel: Any) -> Any:
    """The kernel between blocks: shifted to each of the four pixels of one, zeros around."""
    height, width, channels, filters = kernel.shape
    rows, columns = height // 2 + 1, width // 2 + 1
    shifted = []
    for down, right in itertools.product((0, 1), (0, 1)):
        edges = ((down, 2 * rows - height - down), (right, 2 * columns - width - right))
        one = ops.pad(kernel, (*edges, (0, FEW - channels), (0, 0)))
        one = ops.reshape(one, (rows, 2, columns, 2, FEW, filters))
        one = ops.transpose(one, (0, 2, 1, 3, 4, 5))
        shifted.append(ops.reshape(one, (rows, columns, 4 * FEW, filters)))
    return ops.concatenate(shifted, axis=-1)


def largest(blocks: Any) -> Any:
    """(batch, rows - 1, columns - 1, channels) of (batch, rows, columns, 2, 2, channels): of each
    block and the nearest halves of the next."""
    return ops.custom_gradient(_largest)(blocks)


def _largest(blocks: Any) -> tuple[Any, Any]:
    rows, columns = blocks.shape[1] - 1, blocks.shape[2] - 1

    def seen(row: int, column: int) -> Any:
        """What all windows have at this place."""
        (below, down), (beside, right) = divmod(row, 2), divmod(column, 2)
        return blocks[:, below : below + rows, beside : beside + columns, down, right]

    value = seen(*PLACES[0])
    place = ops.zeros_like(value, "uint8")
    for number, where in enumerate(PLACES[1:], start=1):
        candidate = seen(*where)
        place = ops.where(candidate > value, ops.cast(number, "uint8"), place)
        value = ops.maximum(value, candidate)

    def gradient(*arguments: Any, upstream: Any = None) -> Any:
        given = arguments[0] if upstream is None else upstream

        def of_pixel(down: int, right: int) -> Any:
            """(batch, rows, columns, channels): from the windows that see it as their first row or
            last, or middle."""
            parts = []
            for row, column in itertools.product(range(down, 3, 2), range(right, 3, 2)):
                own = ops.where(place == 3 * row + column, given, ops.zeros_like(given))
                edges = ((row // 2, 1 - row // 2), (column // 2, 1 - column // 2))
                parts.append(ops.pad(own, ((0, 0), *edges, (0, 0))))
            return sum(parts)

        halves = [ops.stack([of_pixel(down, 0), of_pixel(down, 1)], axis=3) for down in (0, 1)]
        return ops.stack(halves, axis=3)

    return value, gradient
