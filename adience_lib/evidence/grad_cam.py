"""Where in a face the evidence for a network's answer lies: Grad-CAM (Selvaraju et al. 2017)."""

from dataclasses import dataclass

import keras
import numpy as np
from PIL import Image

from adience_lib.models.networks import CROP


@dataclass(frozen=True)
class Attention:
    """``crops``: (n, 227, 227, 3) uint8, what the network saw. ``heat``: (n, 227, 227) float32
    from 0 to 1, the evidence for the ``answers``, (n,) int64 positions of the labels."""

    crops: np.ndarray
    heat: np.ndarray
    answers: np.ndarray


def grad_cam(network: keras.Model, images: np.ndarray, task: str) -> Attention:
    """The heat of ``network``'s own answer to ``task`` for each of ``images``.

    The gradient of the answer's logit (for a sigmoid's first label, its negative) by the trunk's
    last map is averaged over the places; the map, weighted with it and cut off at zero, is scaled
    up to the crop and to a largest value of 1 (0 where nothing speaks for the answer).
    ``network``: multitask, transfer, gender or age. ``images``: (n, 256, 256, 3) uint8.
    """
    maps = keras.Model(network.input, network.get_layer("features").input)
    activations = np.asarray(keras.ops.convert_to_numpy(maps(images)), "float32")
    answers, gradient = _answer_and_gradient(network, activations, task)
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    heat = np.maximum((weights * activations).sum(axis=-1), 0)
    heat /= np.maximum(heat.max(axis=(1, 2), keepdims=True), np.finfo("float32").tiny)
    bilinear = Image.Resampling.BILINEAR
    scaled = [Image.fromarray(one).resize((CROP, CROP), bilinear) for one in heat]
    start = (images.shape[1] - CROP) // 2
    crops = images[:, start : start + CROP, start : start + CROP]
    return Attention(crops, np.array([np.asarray(one) for one in scaled]), answers)


def _answer_and_gradient(
    network: keras.Model, activations: np.ndarray, task: str
) -> tuple[np.ndarray, np.ndarray]:
    """Forward through the head's three dense layers and back, by hand: on any backend."""
    layers = [network.get_layer(f"{task}_{name}") for name in ("dense_1", "dense_2", "output")]
    (first, bias_1), (second, bias_2), (last, bias_3) = (
        (keras.ops.convert_to_numpy(weight) for weight in layer.weights) for layer in layers
    )
    hidden_1 = activations.reshape(len(activations), -1) @ first + bias_1
    hidden_2 = np.maximum(hidden_1, 0) @ second + bias_2
    logits = np.maximum(hidden_2, 0) @ last + bias_3
    if logits.shape[1] == 1:
        answers = (logits[:, 0] > 0).astype("int64")
        from_logit = np.where(answers == 1, 1, -1)[:, None] * last[:, 0]
    else:
        answers = logits.argmax(axis=1)
        from_logit = last[:, answers].T
    gradient = (from_logit * (hidden_2 > 0)) @ second.T * (hidden_1 > 0) @ first.T
    return answers, gradient.reshape(activations.shape)
