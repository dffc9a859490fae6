"""A network as a table: its layers, parameters and multiply-adds."""

import math
from typing import Any

import keras
import pandas as pd


def parameter_counts(model: keras.Model) -> dict[str, int]:
    """Numbers of weights: ``trainable``, ``frozen`` and ``total`` (the columns of Table 2)."""
    kinds = (model.trainable_weights, model.non_trainable_weights)
    trainable, frozen = (sum(math.prod(weight.shape) for weight in kind) for kind in kinds)
    return {"trainable": trainable, "frozen": frozen, "total": trainable + frozen}


def architecture_table(model: keras.Model) -> pd.DataFrame:
    """One row a layer, nested models opened, in the order of the computation.

    Columns: ``layer``, ``operation``, ``filters``, ``kernel``, ``stride``, ``padding``,
    ``output`` (text such as "110 x 110 x 24"), ``parameters``, ``trainable`` (parameters) and
    ``multiply_adds`` (of a forward pass of one image; convolutions and inner products only).
    """
    return pd.DataFrame([_describe(layer) for layer in leaf_layers(model)])


def training_multiply_adds(layers: pd.DataFrame) -> int:
    """Multiply-adds of a training step for one image, by its ``architecture_table``: a forward
    pass, and twice that backward through the layers that are trained."""
    trained = layers.loc[layers["trainable"] > 0, "multiply_adds"].sum()
    return int(layers["multiply_adds"].sum() + 2 * trained)


def leaf_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of ``model``, those of nested models in place of them."""
    leaves = []
    for layer in model.layers:
        leaves += leaf_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return leaves


def _describe(layer: keras.layers.Layer) -> dict[str, Any]:
    counts = parameter_counts(layer)
    return {
        "layer": layer.name,
        "operation": type(layer).__name__,
        "filters": getattr(layer, "filters", None),
        "kernel": _by(getattr(layer, "pool_size", getattr(layer, "kernel_size", None))),
        "stride": _by(getattr(layer, "strides", None)),
        "padding": getattr(layer, "padding", None),
        "output": _by(layer.output.shape[1:]),
        "parameters": counts["total"],
        "trainable": counts["trainable"],
        "multiply_adds": sum(work for _, work in multiply_adds(layer)),
    }


def _by(sizes: tuple[int, ...] | None) -> str | None:
    return None if sizes is None else " x ".join(str(size) for size in sizes)


def multiply_adds(layer: keras.layers.Layer) -> list[tuple[Any, int]]:
    """Each kernel of ``layer``, and its multiply-adds in a forward pass of one image: each weight
    is used once at each place of the output."""
    kernels = [weight for weight in layer.weights if "kernel" in weight.name]
    return [(kernel, math.prod((*layer.output.shape[1:-1], *kernel.shape))) for kernel in kernels]
