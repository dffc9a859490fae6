"""The architectures. They know nothing of datasets, folds or training.

Every network takes a face as it is cached, (256, 256, 3) uint8, and crops and rescales it
itself, as in the paper's Table 1. It gives a dictionary of its tasks: ``gender`` and ``age``.
"""

import math
from pathlib import Path
from typing import Any

import keras
import pandas as pd
from keras import initializers

from adience_lib.errors import RETRAIN, AdienceError
from adience_lib.images import SIDE
from adience_lib.labels import AGE_LABELS, GENDER_LABELS
from adience_lib.layers import LocalResponseNormalization, MeanImage, RandomCrop

CROP = 227
"""Pixels of the crop (Table 1). For Xception the text says 299, but only a 227 crop gives the
7x7x2048 map that Table 2's parameter count needs."""

REDUCED_FILTERS, REDUCED_UNITS = (24, 64, 96), 128  # Table 1
FULL_FILTERS, FULL_UNITS = (96, 256, 384), 512  # Levi & Hassner, and Table 1 times four
KERNELS = (7, 5, 3)  # Table 1, the same in Levi & Hassner
DROPOUT = 0.5  # Table 1

TRAINABLE_XCEPTION_LAYERS = 10
"""Section 3.3: "the last 10 layers of the Xception network remain trainable". Counted as Keras
lists them, poolings, activations and the last shortcut included: this gives Table 2."""


def build(name: str, weights: Path | None = None) -> keras.Model:
    """The uncompiled network ``name`` (one of ``NAMES``).

    It maps (batch, 256, 256, 3) uint8 to a dictionary with ``gender``, (batch, 1) float32, the
    probability of "m", and/or ``age``, (batch, 8) float32, probabilities in the order of
    ``AGE_LABELS``. Levi & Hassner's gender network gives (batch, 2): "f" and "m".

    ``weights``: for ``transfer``, a file of Xception's weights (see ``weights.py``); None leaves
    it random. Raises AdienceError for an unknown name.
    """
    if name not in _BUILDERS:
        raise AdienceError(f"unknown model {name!r}; choose one of {', '.join(NAMES)}")
    if name == "transfer":
        return _transfer(weights)
    return _BUILDERS[name]()


def tasks(name: str) -> tuple[str, ...]:
    """Which of "gender" and "age" the network ``name`` predicts.

    >>> tasks("levi_hassner_age")
    ('age',)
    """
    if name in ("multitask", "transfer"):
        return ("gender", "age")
    return (name.rsplit("_", 1)[-1],)


def _reduced(*task_names: str) -> keras.Model:
    """Table 1, and Figure 3 with two tasks: one trunk, a full head for each task."""
    image, face = cropped_image()
    face = keras.layers.Rescaling(1 / 255, name="rescaling")(face)
    features = _trunk(face.shape[1:], REDUCED_FILTERS)(face)
    return _with_heads(image, features, task_names, REDUCED_UNITS)


def _full_width_gender() -> keras.Model:
    """The baseline as the paper counts it: Table 1 with four times the filters and units.

    Levi & Hassner's first convolution has stride 4; with stride 1 the network is ten times
    theirs (115,023,873 parameters).
    """
    image, face = cropped_image()
    face = keras.layers.Rescaling(1 / 255, name="rescaling")(face)
    features = _trunk(face.shape[1:], FULL_FILTERS)(face)
    return _with_heads(image, features, ("gender",), FULL_UNITS)


def _transfer(weights: Path | None) -> keras.Model:
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
    return _with_heads(image, xception(face), ("gender", "age"), REDUCED_UNITS)


def cropped_image() -> tuple[Any, Any]:
    """A network's entrance: the image, (256, 256, 3) uint8, and its 227x227 crop."""
    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    return image, RandomCrop(CROP, name="random_crop")(image)


def _trunk(shape: tuple[int, ...], filters: tuple[int, int, int]) -> keras.Model:
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


def _with_heads(image: Any, features: Any, task_names: tuple[str, ...], units: int) -> keras.Model:
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


def _levi_hassner(task: str) -> keras.Model:
    """Levi & Hassner's network as they published it (their Caffe definition).

    First convolution with stride 4, then padded ones; 3x3 pooling with stride 2 in Caffe's
    ceil mode, which at these sizes (56, 28, 14) is Keras' "same"; pixels 0 to 255 in BGR minus
    the mean image; crops and mirroring; Gaussian weights and the biases given there.
    """
    classes = {"gender": len(GENDER_LABELS), "age": len(AGE_LABELS)}[task]
    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    features = MeanImage(name="mean_image")(image)
    features = RandomCrop(CROP, name="random_crop")(features)
    features = keras.layers.RandomFlip("horizontal", name="random_mirror")(features)
    padding_and_stride = (("valid", 4), ("same", 1), ("same", 1))
    biases = (0, 1, 0)
    for i in range(3):
        padding, stride = padding_and_stride[i]
        features = keras.layers.Conv2D(
            FULL_FILTERS[i],
            KERNELS[i],
            stride,
            padding,
            name=f"convolution_{i + 1}",
            **_gaussian(0.01, biases[i]),
        )(features)
        features = keras.layers.ReLU(name=f"convolution_{i + 1}_relu")(features)
        features = keras.layers.MaxPooling2D(3, 2, "same", name=f"pooling_{i + 1}")(features)
        if i < 2:
            features = LocalResponseNormalization(name=f"normalization_{i + 1}")(features)
    features = keras.layers.Flatten(name="features")(features)
    for number in (1, 2):
        features = keras.layers.Dense(
            FULL_UNITS, name=f"{task}_dense_{number}", **_gaussian(0.005, 1)
        )(features)
        features = keras.layers.ReLU(name=f"{task}_relu_{number}")(features)
        features = keras.layers.Dropout(DROPOUT, name=f"{task}_dropout_{number}")(features)
    logits = keras.layers.Dense(classes, name=f"{task}_output", **_gaussian(0.01, 0))(features)
    head = keras.layers.Activation("softmax", dtype="float32", name=task)(logits)
    return keras.Model(image, {task: head})


def _gaussian(deviation: float, bias: float) -> dict[str, Any]:
    return {
        "kernel_initializer": initializers.RandomNormal(stddev=deviation),
        "bias_initializer": initializers.Constant(bias),
    }


_BUILDERS: dict[str, Any] = {
    "gender": lambda: _reduced("gender"),
    "age": lambda: _reduced("age"),
    "multitask": lambda: _reduced("gender", "age"),
    "transfer": _transfer,
    "levi_hassner_gender": lambda: _levi_hassner("gender"),
    "levi_hassner_age": lambda: _levi_hassner("age"),
    "full_width_gender": _full_width_gender,
}

NAMES = tuple(_BUILDERS)
"""The networks of the paper, its baseline, and the paper's own reading of that baseline."""


def load(file: Path) -> keras.Model:
    """A trained network, as ``best.keras`` of a run folder keeps it, with safe mode on.

    Safe mode refuses networks that bring code of their own, which would run when they are opened.
    Raises AdienceError if the file is missing or is not such a network.
    """
    if file.suffix != ".keras":
        raise AdienceError(f"{file}: only networks in Keras' own format, *.keras, are opened")
    if not file.is_file():
        raise AdienceError(f"{file}: no such network")
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # a damaged archive makes Keras and h5py raise nearly anything
        raise AdienceError(f"{file}: no network that can be loaded; {RETRAIN}") from error


LEVI_HASSNER = ("levi_hassner_gender", "levi_hassner_age")
"""The published baseline: one network a task."""


def ten_crops(model: keras.Model) -> keras.Model:
    """``model``, scored as Levi & Hassner scored theirs: the mean over ten crops of an image.

    The crops are the centre and the four corners, each also mirrored. Takes and gives what
    ``model`` does; probabilities are averaged.
    """
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


def parameter_counts(model: keras.Model) -> dict[str, int]:
    """Numbers of weights: ``trainable``, ``frozen`` and ``total`` (the columns of Table 2)."""

    def count(variables: list[Any]) -> int:
        return sum(int(pd.Series(variable.shape).prod()) for variable in variables)

    trainable, frozen = count(model.trainable_weights), count(model.non_trainable_weights)
    return {"trainable": trainable, "frozen": frozen, "total": trainable + frozen}


def architecture_table(model: keras.Model) -> pd.DataFrame:
    """One row a layer, nested models opened, in the order of the computation.

    Columns: ``layer``, ``operation``, ``filters``, ``kernel``, ``stride``, ``padding``,
    ``output`` (text such as "110 x 110 x 24"), ``parameters``, ``trainable`` (parameters) and
    ``multiply_adds`` (of a forward pass of one image; convolutions and inner products only).
    """
    return pd.DataFrame([_describe(layer) for layer in leaf_layers(model)])


def leaf_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of ``model``, those of nested models in place of them."""
    leaves = []
    for layer in model.layers:
        leaves += leaf_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return leaves


def _describe(layer: keras.layers.Layer) -> dict[str, Any]:
    shape = tuple(layer.output.shape[1:])
    pooling = isinstance(layer, keras.layers.MaxPooling2D)
    window = layer.pool_size if pooling else getattr(layer, "kernel_size", None)
    counts = parameter_counts(layer)
    return {
        "layer": layer.name,
        "operation": type(layer).__name__,
        "filters": getattr(layer, "filters", None),
        "kernel": _by(window),
        "stride": _by(getattr(layer, "strides", None)),
        "padding": getattr(layer, "padding", None),
        "output": _by(shape),
        "parameters": counts["total"],
        "trainable": counts["trainable"],
        "multiply_adds": sum(work for _, work in multiply_adds(layer)),
    }


def _by(sizes: tuple[int, ...] | None) -> str | None:
    return None if sizes is None else " x ".join(str(size) for size in sizes)


def multiply_adds(layer: keras.layers.Layer) -> list[tuple[Any, int]]:
    """Each kernel of ``layer`` and the multiply-adds that it takes in a forward pass of one image.

    Each weight of a kernel is used once at each place of the output. Layers without a kernel have
    none.
    """
    kernels = [weight for weight in layer.weights if "kernel" in weight.name]
    return [(kernel, math.prod((*layer.output.shape[1:-1], *kernel.shape))) for kernel in kernels]
