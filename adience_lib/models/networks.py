"""The paper's own networks: the reduced ones for one task or two, and the transfer network."""

from pathlib import Path
from typing import Any

import keras

from adience_lib.data.labels import AGE_LABELS, SIDE
from adience_lib.models.layers import LocalResponseNormalization, RandomCrop

CROP = 227
"""Pixels of the crop (Table 1). For Xception the text says 299, but only a 227 crop gives the
7x7x2048 map that Table 2's parameter count needs."""

REDUCED_FILTERS, REDUCED_UNITS = (24, 64, 96), 128  # Table 1
KERNELS = (7, 5, 3)  # Table 1, the same in Levi & Hassner
DROPOUT = 0.5  # Table 1

TRAINABLE_XCEPTION_LAYERS = 10
"""Section 3.3: "the last 10 layers of the Xception network remain trainable". Counted as Keras
lists them, poolings, activations and the last shortcut included: this gives Table 2."""


def reduced(*task_names: str) -> keras.Model:
    """Table 1, and Figure 3 with two tasks: one trunk, a full head for each task."""
    image, face = cropped_image()
    face = keras.layers.Rescaling(1 / 255, name="rescaling")(face)
    features = trunk(face.shape[1:], REDUCED_FILTERS)(face)
    return with_heads(image, features, task_names, REDUCED_UNITS)


def transfer(weights: Path | None) -> keras.Model:
    """Section 3.3: Xception in place of the trunk, all but its last ten layers frozen."""
    image, face = cropped_image()
    # Xception was trained on pixels from -1 to 1.
    face = keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescaling")(face)
    xception = keras.applications.Xception(
        include_top=False, weights=None, input_shape=tuple(face.shape[1:]), name="functional_layer"
    )
    if weights is not None:
        xception.load_weights(weights)
    for layer in xception.layers[:-TRAINABLE_XCEPTION_LAYERS]:
        # A frozen batch normalisation also stays in inference mode: its statistics are fixed.
        layer.trainable = False
    return with_heads(image, xception(face), ("gender", "age"), REDUCED_UNITS)


def cropped_image() -> tuple[Any, Any]:
    """A network's entrance: the image, (256, 256, 3) uint8, and its 227x227 crop."""
    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    return image, RandomCrop(CROP, name="random_crop")(image)


def trunk(shape: tuple[int, ...], filters: tuple[int, int, int]) -> keras.Model:
    """The paper's "functional layer": three convolutions, each with pooling and normalisation.

    Table 1 says 1x1 pooling windows; its output sizes (110, 52, 24) need 3x3. Levi & Hassner
    normalise after the first two poolings only; Table 1 after the third one, too.
    """
    face = features = keras.Input(shape, name="face")
    for number, (width, kernel) in enumerate(zip(filters, KERNELS, strict=True), start=1):
        features = keras.layers.Conv2D(width, kernel, name=f"convolution_{number}")(features)
        features = keras.layers.ReLU(name=f"convolution_{number}_relu")(features)
        features = keras.layers.MaxPooling2D(3, 2, name=f"pooling_{number}")(features)
        features = LocalResponseNormalization(name=f"normalization_{number}")(features)
    return keras.Model(face, features, name="functional_layer")


def with_heads(image: Any, features: Any, task_names: tuple[str, ...], units: int) -> keras.Model:
    """The network from ``image`` to a head of ``units`` for each task, on the same features."""
    features = keras.layers.Flatten(name="features")(features)
    heads = {task: _head(features, task, units) for task in task_names}
    return keras.Model(image, heads)


def _head(features: Any, task: str, units: int) -> Any:
    """Table 1 from the first inner product on: one sigmoid for gender, eight classes for age."""
    for number in (1, 2):
        features = keras.layers.Dense(units, name=f"{task}_dense_{number}")(features)
        features = keras.layers.ReLU(name=f"{task}_relu_{number}")(features)
        features = keras.layers.Dropout(DROPOUT, name=f"{task}_dropout_{number}")(features)
    classes, activation = (1, "sigmoid") if task == "gender" else (len(AGE_LABELS), "softmax")
    logits = keras.layers.Dense(classes, name=f"{task}_output")(features)
    # Probabilities are float32 whatever precision the network computes in.
    return keras.layers.Activation(activation, dtype="float32", name=task)(logits)
