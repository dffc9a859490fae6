"""The same function of the same weights with less work: what is trained in a network's place.

Its twin leaves out what no output depends on, and does the rest in an order that costs less.
``benchmarks`` measures what that is worth.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from adience_lib.models.layers import LocalResponseNormalization
from adience_lib.speed import blocks
from adience_lib.util import backend

FACES_AT_ONCE = 8
"""Faces that go through the convolutions together on a processor. The maps of many do not stay in
its caches; fewer keep its cores less busy (measured on two cores)."""

_ELEMENTWISE = (layers.ReLU, LocalResponseNormalization)
_RELU = (layers.ReLU, layers.Activation)  # the only activation that follows anything but a head


def lean(network: keras.Model, batch_size: int | None = None) -> keras.Model:
    """A model with the inputs, outputs and trainable weights of ``network`` that trains faster.

    Its layers are those of ``network`` itself: training one trains the other. Outputs and
    gradients are the same up to the rounding of the network's precision.

    - Rows and columns of maps that no pooling window reaches are not computed. In the paper's
      trunk they are a twentieth of the work: 221 x 221 pixels of a crop decide its features.
    - ReLU and the gradient of the bias come after max pooling, on a quarter of the values; the
      largest value stays the largest.
    - Frozen batch normalisation, and a ReLU after it, become part of the frozen convolution
      before it. Their weights are copied: when they change, a new twin is needed.
    - Convolutions whose channels fill a processor's vectors by half take two columns at a time
      (``convolve``), where it has vectors of that size.
    - A trunk takes a batch in small parts, where its layers treat every face alone.
    - Convolutions and poolings work on blocks of four pixels (``blocks``), with JAX on an
      accelerator.

    ``batch_size``: None leaves out the two before the last, which pay on a processor only.
    """
    in_pairs = batch_size is not None and backend.has_wide_vectors()
    replaced: dict[Any, Any] = {}
    left_out: set[Any] = set()

    def call(layer: Any, *inputs: Any, **_: Any) -> Any:
        return inputs[0] if layer in left_out else layer(*inputs)

    def twin(layer: Any) -> Any:
        if isinstance(layer, keras.Model):
            trunk = lean(layer, batch_size)
            # Batch normalisation that is being trained looks at all faces of the batch together.
            normalized = [one for one in trunk.layers if isinstance(one, layers.BatchNormalization)]
            if batch_size is None or any(one.trainable for one in normalized):
                return trunk
            return InParts(trunk, math.ceil(batch_size / FACES_AT_ONCE))
        return replaced.get(layer, layer)

    with backend.precision(network.dtype_policy):
        for layer in network.layers:
            found = _folded(network, layer) or _pooled(network, layer, in_pairs)
            if found:
                replaced[layer], rest = found
                left_out.update(rest)
            elif isinstance(layer, layers.Add):
                after = [one for one in _followers(network, layer) if isinstance(one, _RELU)]
                replaced.update({relu: Positive() for relu in after})
        return keras.models.clone_model(network, clone_function=twin, call_function=call)


def _followers(network: keras.Model, layer: Any) -> list[Any]:
    """The layers of ``network`` that take the output of ``layer``."""
    return [
        other
        for other in network.layers
        if any(tensor is layer.output for tensor in keras.tree.flatten(other.input))
    ]


def _chain(network: keras.Model, layer: Any, *kinds: Any) -> list[Any]:
    """As many layers of these ``kinds`` as follow ``layer``, each alone, one after the other."""
    found = [layer]
    for kind in kinds:
        followers = _followers(network, found[-1])
        if len(followers) != 1 or not isinstance(followers[0], kind):
            break
        found += followers
    return found[1:]


def _pooled(network: keras.Model, layer: Any, in_pairs: bool) -> tuple[Any, list[Any]] | None:
    """What replaces a convolution, and the layers after it that become a part of it."""
    convolution = isinstance(layer, layers.Conv2D)
    rest = _chain(network, layer, layers.ReLU, layers.MaxPooling2D) if convolution else []
    if len(rest) < 2:
        return None
    reached = _reached(network, layer, in_pairs)
    in_pairs = in_pairs and can_pair(layer) and reached[1] % 2 == 0
    return PooledConvolution(layer, rest[1], reached, in_pairs), rest


def _reached(network: keras.Model, layer: Any, in_pairs: bool) -> tuple[int, int]:
    """How many rows and columns of its input decide what the layers after ``layer`` make of it; of
    columns taken in pairs, one more if that makes their number even."""
    windowed = isinstance(layer, layers.Conv2D | layers.MaxPooling2D) and layer.padding == "valid"
    if not windowed and not isinstance(layer, _ELEMENTWISE):
        return layer.input.shape[1:3]
    followers = _followers(network, layer)
    alone = len(followers) == 1
    rows, columns = _reached(network, followers[0], in_pairs) if alone else layer.output.shape[1:3]
    if not windowed:
        return rows, columns
    convolution = isinstance(layer, layers.Conv2D)
    height, width = layer.kernel_size if convolution else layer.pool_size
    rows = (rows - 1) * layer.strides[0] + height
    columns = (columns - 1) * layer.strides[1] + width
    if in_pairs and convolution and can_pair(layer):
        columns = min(columns + columns % 2, layer.input.shape[2])
    return rows, columns


class PooledConvolution(layers.Layer):
    """``convolution``, ReLU and max pooling in one, of the first rows and columns of its input."""

    def __init__(
        self,
        convolution: layers.Conv2D,
        pooling: layers.MaxPooling2D,
        reached: tuple[int, int],
        in_pairs: bool,
    ) -> None:
        super().__init__(name=f"lean_{convolution.name}", dtype=convolution.dtype_policy)
        self.convolution, self.pooling = convolution, pooling
        self.reached, self.in_pairs = reached, in_pairs
        self.in_blocks = blocks.are_used(convolution, pooling)
        if self.in_blocks:
            self.reached = blocks.whole(convolution, reached)

    def call(self, maps: Any) -> Any:
        """(batch, height, width, channels) to the pooled map."""
        convolution, pooling = self.convolution, self.pooling
        if maps.shape[1:3] != self.reached:  # the gradient of a slice is a copy
            maps = maps[:, : self.reached[0], : self.reached[1]]
        kernel = ops.cast(convolution.kernel, maps.dtype)
        # With its bias, a convolution is one operation; the gradient of the bias is taken after
        # the pooling, on a quarter of the values.
        bias = ops.cast(convolution.bias, maps.dtype)
        fixed = ops.stop_gradient(bias)
        if self.in_blocks:
            windows = (convolution.strides, convolution.padding, pooling.padding)
            maps = blocks.pooled(maps, kernel, fixed, *windows)
        else:
            if self.in_pairs:
                maps = convolve(maps, kernel, fixed)
            else:
                maps = ops.conv(maps, kernel, convolution.strides, convolution.padding)
                maps = ops.add(maps, fixed)
            maps = ops.max_pool(maps, pooling.pool_size, pooling.strides, pooling.padding)
        # The sum over all but the channels in two steps, which is faster.
        return ops.relu(with_gradient(maps, bias, lambda given: ops.sum(ops.sum(given, 2), (0, 1))))


def _folded(network: keras.Model, layer: Any) -> tuple[Any, list[Any]] | None:
    """As ``_pooled``, of a frozen convolution and the batch normalisation after it."""
    convolution = isinstance(layer, layers.Conv2D | layers.SeparableConv2D)
    if not convolution or layer.trainable or layer.use_bias:
        return None
    rest = _chain(network, layer, layers.BatchNormalization, _RELU)
    if not rest or rest[0].trainable:
        return None
    activation = "relu" if len(rest) == 2 else None
    settings = {"use_bias": True, "activation": activation, "trainable": False}
    folded = type(layer).from_config({**layer.get_config(), **settings})
    folded.build(layer.input.shape)
    gamma, beta, mean, variance = (np.asarray(weight) for weight in rest[0].get_weights())
    scale = gamma / np.sqrt(variance + rest[0].epsilon)
    *kernels, last = layer.get_weights()
    folded.set_weights([*kernels, last * scale, beta - mean * scale])
    return folded, rest


class InParts(layers.Layer):
    """``trunk``, applied to a batch in ``parts`` of about equal size."""

    def __init__(self, trunk: keras.Model, parts: int) -> None:
        super().__init__(name=f"{trunk.name}_in_parts", dtype=trunk.dtype_policy)
        self.trunk, self.parts = trunk, parts

    def call(self, faces: Any) -> Any:
        """(batch, height, width, channels) to the trunk's features."""
        count = ops.shape(faces)[0]
        edges = [part * count // self.parts for part in range(self.parts + 1)]
        done = []
        for first, last in itertools.pairwise(edges):
            # A convolution of no faces has the wrong shape in TensorFlow 2.21 with oneDNN, so
            # that a part of a small last batch takes one face too many, and it is cut off.
            begin = ops.minimum(first, count - 1)
            done.append(self.trunk(faces[begin : ops.maximum(last, begin + 1)])[: last - first])
        return ops.concatenate(done)

    def compute_output_spec(self, faces: Any) -> Any:
        """That of the trunk."""
        return self.trunk.compute_output_spec(faces)


class Positive(layers.Layer):
    """ReLU after an addition, under a name that TensorFlow's optimizer does not know.

    TensorFlow 2.21 tries to fuse it with the addition and the convolution before it, finds that
    the sum is wanted elsewhere too, and then gives up on fusing anything in the whole graph.
    """

    def call(self, maps: Any) -> Any:
        """Any shape."""
        return ops.maximum(maps, 0)


VECTOR = 16
"""Floats in a vector of AVX-512. Of 24 channels every second vector is half empty. Two neighbouring
columns of them fill three; their kernel is one tap wider, 6 for 5, which costs less than the empty
halves."""


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
