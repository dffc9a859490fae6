"""What the paper compares with: Levi & Hassner's networks and recipe, and its reading of them.

Sources: their published Caffe definitions (network and solver), and Table 1 for the reading.
"""

from typing import Any

import keras
import numpy as np
from keras import initializers, ops

from adience_lib.data.labels import LABELS, SIDE
from adience_lib.models.layers import LocalResponseNormalization, RandomCrop
from adience_lib.models.networks import CROP, DROPOUT, KERNELS, cropped_image, trunk, with_heads

FULL_FILTERS, FULL_UNITS = (96, 256, 384), 512
"""Levi & Hassner's, and Table 1 times four."""

LEVI_HASSNER = ("levi_hassner_gender", "levi_hassner_age")
"""The published baseline: one network a task."""


def full_width_gender() -> keras.Model:
    """The baseline as the paper counts it: Table 1 with four times the filters and units. Levi &
    Hassner's first convolution has stride 4; this network is ten times theirs."""
    image, face = cropped_image()
    face = keras.layers.Rescaling(1 / 255, name="rescaling")(face)
    features = trunk(face.shape[1:], FULL_FILTERS)(face)
    return with_heads(image, features, ("gender",), FULL_UNITS)


def levi_hassner(task: str) -> keras.Model:
    """Levi & Hassner's network as they published it (their Caffe definition).

    First convolution with stride 4, then padded ones; 3x3 pooling with stride 2 in Caffe's
    ceil mode, which at these sizes (56, 28, 14) is Keras' "same"; pixels 0 to 255 in BGR minus
    the mean image; crops and mirroring; Gaussian weights and the biases given there.
    """
    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    features = MeanImage(name="mean_image")(image)
    features = RandomCrop(CROP, name="random_crop")(features)
    features = keras.layers.RandomFlip("horizontal", name="random_mirror")(features)
    strides, paddings, biases = (4, 1, 1), ("valid", "same", "same"), (0, 1, 0)
    convolutions = zip(FULL_FILTERS, KERNELS, strides, paddings, biases, strict=True)
    for number, (*convolution, bias) in enumerate(convolutions, start=1):
        name = f"convolution_{number}"
        features = keras.layers.Conv2D(*convolution, name=name, **_gaussian(0.01, bias))(features)
        features = keras.layers.ReLU(name=f"{name}_relu")(features)
        features = keras.layers.MaxPooling2D(3, 2, "same", name=f"pooling_{number}")(features)
        if number < 3:
            features = LocalResponseNormalization(name=f"normalization_{number}")(features)
    features = keras.layers.Flatten(name="features")(features)
    for number in (1, 2):
        name = f"{task}_dense_{number}"
        features = keras.layers.Dense(FULL_UNITS, name=name, **_gaussian(0.005, 1))(features)
        features = keras.layers.ReLU(name=f"{task}_relu_{number}")(features)
        features = keras.layers.Dropout(DROPOUT, name=f"{task}_dropout_{number}")(features)
    classes, name = len(LABELS[task]), f"{task}_output"
    logits = keras.layers.Dense(classes, name=name, **_gaussian(0.01, 0))(features)
    head = keras.layers.Activation("softmax", dtype="float32", name=task)(logits)
    return keras.Model(image, {task: head})


def _gaussian(deviation: float, bias: float) -> dict[str, Any]:
    return {
        "kernel_initializer": initializers.RandomNormal(stddev=deviation),
        "bias_initializer": initializers.Constant(bias),
    }


def ten_crops(model: keras.Model) -> keras.Model:
    """``model``, scored as Levi & Hassner scored theirs: probabilities are the mean over ten crops
    of an image, the centre and the four corners, each also mirrored."""
    crop = model.get_layer("random_crop")
    whole = keras.Model(model.input, crop.input)(model.input)
    scored = keras.Model(crop.output, model.output)
    last = SIDE - CROP
    places = ((last // 2, last // 2), (0, 0), (0, last), (last, 0), (last, last))
    windows = [whole[:, top : top + CROP, left : left + CROP] for top, left in places]
    mirrored = [keras.ops.flip(window, axis=2) for window in windows]
    outputs = [scored(window) for window in windows + mirrored]
    mean = {task: sum(output[task] for output in outputs) / len(outputs) for task in model.output}
    return keras.Model(model.input, mean)


@keras.saving.register_keras_serializable("adience_lib")
class MeanImage(keras.layers.Layer):
    """Subtracts the mean image of the training faces, as Levi & Hassner do.

    Takes (batch, height, width, 3) uint8, RGB, and gives the same shape in floats, BGR. The mean is
    saved with the model, and not counted as a parameter; it is zero until ``adapt`` is called,
    before the model is first run.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.mean = np.zeros([length or 0 for length in input_shape[1:]], "float32")

    def adapt(self, images: np.ndarray, rows: np.ndarray) -> None:
        """Take the mean over ``images[rows]``, a part at a time."""
        total = np.zeros(images.shape[1:], "float64")
        for part in np.array_split(rows, max(1, len(rows) // 256)):
            total += images[np.sort(part)].sum(axis=0, dtype="float64")
        self.mean = (total / len(rows)).astype("float32")

    def call(self, images: Any) -> Any:
        centred = ops.cast(images, "float32") - self.mean
        return ops.cast(ops.flip(centred, axis=-1), self.compute_dtype)

    def save_own_variables(self, store: Any) -> None:
        store["mean"] = self.mean

    def load_own_variables(self, store: Any) -> None:
        self.mean = np.array(store["mean"])


BIAS_RATE, LAST_LAYER_RATE = 2.0, 10.0
"""Levi & Hassner's definition: what the rates of biases, and of the last layer (``<task>_output``),
are multiplied by; that of the last bias by both."""


class CaffeSGD(keras.optimizers.SGD):
    """SGD with momentum, L2 decay in the gradient, and a rate for each kind of weight.

    For a weight w with gradient g and momentum m: step = m * step - rate * (g + decay * w), and
    w = w + step. Biases do not decay. Keras' own ``weight_decay`` acts outside the gradient.
    """

    def __init__(self, learning_rate: Any, momentum: float, decay: float) -> None:
        super().__init__(learning_rate, momentum)
        self.decay = decay

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> Any:
        """Of a step: a weight's rate is a factor of its gradient, in which the step is linear."""
        weights = trainable_variables or self._trainable_variables
        own = [self._own(grad, weight) for grad, weight in zip(grads, weights, strict=True)]
        return super().apply(own, trainable_variables)

    def _own(self, gradient: Any, weight: Any) -> Any:
        layer, kind = weight.path.split("/")[-2:]
        rate = LAST_LAYER_RATE if layer.endswith("_output") else 1.0
        if kind == "bias":
            return BIAS_RATE * rate * gradient
        return rate * (gradient + self.decay * ops.cast(weight, gradient.dtype))


def tenths(rate: float, drops: int, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """``rate``, divided by ten ``drops`` times at equal distances over ``steps`` steps."""
    return keras.optimizers.schedules.ExponentialDecay(
        rate, steps / (drops + 1), decay_rate=0.1, staircase=True
    )
