"""How much arithmetic a network's step takes, and how fast this machine can do arithmetic."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from adience_lib.models.summary import multiply_adds

SIDE = 4096
"""Rows and columns of the matrices that the machine is measured with."""


@dataclass(frozen=True)
class Work:
    """Multiply-adds for one face: of a forward pass, and of a training step with both."""

    forward: int
    step: int


def work(network: keras.Model) -> Work:
    """What ``network`` takes by its layers' definitions: convolutions and inner products alone.

    A step takes the forward pass, the gradient of each kernel that is trained, and the gradient
    of the input of each kernel that has trained weights before it: none for the first layer, and
    nothing at all for what is frozen. What ``lean.py`` saves is not taken off.
    """
    forward = step = 0
    for kernel, products, trained_before in _kernels(network):
        forward += products
        step += products * (1 + bool(kernel.trainable) + trained_before)
    return Work(forward, step)


def _kernels(network: keras.Model) -> list[tuple[Any, int, bool]]:
    """Each kernel, its multiply-adds, and whether trained weights lie before it."""
    found: list[tuple[Any, int, bool]] = []
    _collect(network, False, found)
    return found


def _collect(model: keras.Model, trained_before: bool, found: list[tuple[Any, int, bool]]) -> bool:
    """Add the kernels of ``model`` to ``found``; whether its output depends on trained weights."""
    # Tensor by tensor along the graph, which Keras walks when it clones a model.
    depends: dict[int, tuple[Any, bool]] = {}

    def call(layer: Any, *inputs: Any, **_: Any) -> Any:
        tensors = keras.tree.flatten(inputs)
        before = any(depends.get(id(tensor), (tensor, trained_before))[1] for tensor in tensors)
        output = layer(*inputs)
        depends[id(output)] = output, _add(layer, before, found)
        return output

    clone = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    return any(depends[id(tensor)][1] for tensor in keras.tree.flatten(clone.output))


def _add(layer: Any, trained_before: bool, found: list[tuple[Any, int, bool]]) -> bool:
    if isinstance(layer, keras.Model):
        return _collect(layer, trained_before, found)
    # Of a separable convolution, the first kernel's weights lie before the second.
    for kernel, products in multiply_adds(layer):
        found.append((kernel, products, trained_before))
        trained_before = trained_before or kernel.trainable
    return trained_before or bool(layer.trainable_weights)


def rate(precision: str, rounds: int) -> float:
    """Multiply-adds a second of a large matrix product, in "float32" or "bfloat16".

    The backend's own, with its own threads; the best of ``rounds``.
    """
    random = np.random.default_rng(0)
    matrix = ops.cast(random.normal(size=(SIDE, SIDE)).astype("float32"), precision)
    finish(ops.matmul(matrix, matrix))

    def several() -> None:
        for _ in range(4):
            product = ops.matmul(matrix, matrix)
        finish(product)

    return 4 * SIDE**3 / best_seconds(several, rounds)


def finish(tensor: Any) -> None:
    """Wait until ``tensor`` has been computed: an accelerator gives it back before."""
    ops.convert_to_numpy(ops.ravel(tensor)[:1])


def best_seconds(run: Callable[[], Any], rounds: int) -> float:
    """The least time that one of ``rounds`` took: what disturbs a machine only makes it slower."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)
