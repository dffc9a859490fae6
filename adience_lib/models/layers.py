"""The layers that Keras lacks or has otherwise, written with ``keras.ops`` for any backend.

They are registered, so that a saved model loads with safe mode on after
``import adience_lib``.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

WINDOW, ALPHA, BETA = 5, 1e-4, 0.75
"""Of the local response normalisation, in Levi & Hassner's published definition. The forward pass
has ``BETA`` as two square roots."""


@keras.saving.register_keras_serializable("adience_lib")
class RandomCrop(keras.layers.Layer):
    """A square window of each image: drawn for every image in training, the centre outside it.

    Keras' own ``RandomCrop`` draws one window for the whole batch and, outside training,
    resizes the whole image (seen in Keras 3.15). The paper describes crops of each image.

    Takes (batch, height, width, channels) of any dtype and gives (batch, size, size, channels)
    of the same; ``size`` in pixels.
    """

    def __init__(self, size: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.size = size
        self.windows = keras.random.SeedGenerator()

    def call(self, images: Any, training: bool = False) -> Any:
        height, width, channels = images.shape[1:]
        if not training:
            top, left = (height - self.size) // 2, (width - self.size) // 2
            return images[:, top : top + self.size, left : left + self.size]
        batch = ops.shape(images)[0]
        rows = self._positions(batch, height)
        columns = self._positions(batch, width)
        # One gather over all pixels of the batch: the n-th pixel of image b is at b * h * w + n.
        first_pixels = ops.arange(batch, dtype="int32")[:, None, None] * (height * width)
        pixels = first_pixels + rows[:, :, None] * width + columns[:, None, :]
        return ops.take(ops.reshape(images, (-1, channels)), pixels, axis=0)

    def _positions(self, batch: Any, length: int) -> Any:
        """(batch, size): consecutive positions, every start equally likely."""
        last = length - self.size
        first = keras.random.randint((batch, 1), 0, last + 1, "int32", seed=self.windows)
        return first + ops.arange(self.size, dtype="int32")[None]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], self.size, self.size, input_shape[-1])

    def compute_output_spec(self, images: Any, training: bool = False) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(images.shape), images.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("adience_lib")
class LocalResponseNormalization(keras.layers.Layer):
    """Each activation divided by the energy of its neighbours at the same place.

    y[c] = x[c] / (1 + alpha / window * sum of x[d]^2 over the window of channels around c)^beta,
    with zeros outside the channels. The paper gives no parameters; these are those of Levi &
    Hassner's published Caffe definition: window 5, alpha 1e-4 (Caffe divides it by the window),
    beta 0.75. TensorFlow's own defaults (radius 5, alpha 1, beta 0.5) are another function.

    Takes and gives (..., channels) of a floating dtype.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channel = np.arange(input_shape[-1] or 0)
        near = np.abs(channel[:, None] - channel[None, :]) <= WINDOW // 2
        # The sum over a window of channels is a product with a banded matrix: one and a half
        # times as fast in a training step as a sum of shifted slices (measured on two cores).
        self.band = near.astype("float32") * (ALPHA / WINDOW)

    def call(self, activations: Any) -> Any:
        return ops.custom_gradient(self._with_gradient)(activations)

    def _with_gradient(self, x: Any) -> tuple[Any, Any]:
        """y, and how its gradient becomes that of x.

        dx = scale dy - 2 beta x band(scale dy x / energy), with scale = energy^(-3/4). Two square
        roots cost less than a power, and this less than what is found by differentiating y.
        """
        energy = 1 + ops.matmul(x * x, ops.cast(self.band, x.dtype))
        scale = ops.rsqrt(energy * ops.sqrt(energy))

        def gradient(*inputs: Any, upstream: Any = None) -> Any:
            scaled = scale * (inputs[0] if upstream is None else upstream)
            back = ops.matmul(scaled * x / energy, ops.cast(2 * BETA * self.band, x.dtype))
            return scaled - x * back

        return x * scale, gradient
