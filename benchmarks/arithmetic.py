"""How much arithmetic a network's step takes, and how fast this machine can do arithmetic."""

import timeit
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from adience_lib.models.summary import multiply_adds

SIDE = 4096
"""Rows and columns of the matrices that the machine is measured with."""


def work(network: keras.Model) -> tuple[int, int]:
    """Multiply-adds of ``network`` for one face: of a training step, and of its forward pass.

    By its layers' definitions, of convolutions and inner products alone. A step takes the forward
    pass, the gradient of each kernel that is trained, and the gradient of the input of each kernel
    that has trained weights before it: none for the first layer, and nothing at all for what is
    frozen. What the rewritten model saves is not taken off.
    """
    kernels: list[tuple[Any, int, bool]] = []
    _collect(network, False, kernels)
    step = sum(n * (1 + bool(kernel.trainable) + before) for kernel, n, before in kernels)
    return step, sum(n for _, n, _ in kernels)


def _collect(layer: Any, before: bool, kernels: list[tuple[Any, int, bool]]) -> bool:
    """Add each kernel of ``layer``, its multiply-adds, and whether trained weights lie before it.
    Gives whether any decide its output; ``before``: whether any decide its input."""
    if not isinstance(layer, keras.Model):
        # Of a separable convolution, the first kernel's weights lie before the second.
        for kernel, products in multiply_adds(layer):
            kernels.append((kernel, products, before))
            before = before or kernel.trainable
        return before or bool(layer.trainable_weights)
    # Tensor by tensor along the graph, which Keras walks when it clones a model.
    depends: dict[int, tuple[Any, bool]] = {}

    def call(inner: Any, *inputs: Any, **_: Any) -> Any:
        tensors = keras.tree.flatten(inputs)
        trained = any(depends.get(id(tensor), (tensor, before))[1] for tensor in tensors)
        output = inner(*inputs)
        depends[id(output)] = output, _collect(inner, trained, kernels)
        return output

    clone = keras.models.clone_model(layer, clone_function=lambda inner: inner, call_function=call)
    return any(depends[id(tensor)][1] for tensor in keras.tree.flatten(clone.output))


def rate(precision: str, rounds: int) -> float:
    """Multiply-adds a second of the backend's product of large matrices in "float32" or
    "mixed_bfloat16"; the best of ``rounds``."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(SIDE, SIDE)).astype("float32")
    matrix = ops.cast(numbers, precision.removeprefix("mixed_"))

    def multiply(times: int) -> None:
        for _ in range(times):
            product = ops.matmul(matrix, matrix)
        ops.convert_to_numpy(ops.ravel(product)[:1])  # an accelerator gives it back unfinished

    multiply(1)
    return 4 * SIDE**3 / best_seconds(lambda: multiply(4), rounds)


def best_seconds(run: Callable[[], Any], rounds: int = 1) -> float:
    """The least time that one of ``rounds`` took: what disturbs a machine only makes it slower."""
    return min(timeit.repeat(run, "gc.enable()", number=1, repeat=rounds))  # off unless it is said
