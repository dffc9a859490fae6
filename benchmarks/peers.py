"""What the project is compared with: rows whose value is theirs, and whose ratio is ours to it.

The reduced networks in PyTorch, as its own users would write them, channels last. And what most
people would write in Keras: its own loader, crop and normalisation, on a folder of JPEGs.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from adience_lib.models import tasks
from benchmarks import cases
from benchmarks.arithmetic import best_seconds
from benchmarks.harness import FACES, Bench, Row

BLOCKS = ((3, 24, 7), (24, 64, 5), (64, 96, 3))
"""Table 1's convolutions: channels, filters, height and width of the kernel."""


def pytorch(bench: Bench, model: str, precision: str, compiled: bool) -> Iterator[Row]:
    """A network in PyTorch by Adam, on one batch on the device, cropped and in floats, which the
    networks here do within the step. mixed_bfloat16 is PyTorch's automatic one."""
    import torch

    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    wanted = tasks(model)
    network = _pytorch_network(wanted).to(device, memory_format=torch.channels_last)
    called = torch.compile(network) if compiled else network
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)
    random, size = np.random.default_rng(0), bench.batch_size
    faces = torch.tensor(random.random((size, 3, 227, 227), "float32"), device=device)
    faces = faces.contiguous(memory_format=torch.channels_last)
    labels = {
        "gender": torch.tensor(random.integers(0, 2, (size, 1)), device=device).float(),
        "age": torch.tensor(random.integers(0, 8, size), device=device),
    }
    losses = {"gender": torch.nn.BCEWithLogitsLoss(), "age": torch.nn.CrossEntropyLoss()}

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=precision == "mixed_bfloat16"):
            logits = called(faces)
            loss = sum(losses[task](logits[task], labels[task]) for task in wanted) / len(wanted)
        loss.backward()
        optimizer.step()
        loss.item()

    step()
    step()
    theirs = size / best_seconds(step, bench.rounds)
    name, how = f"{model}, {precision}", "compiled" if compiled else "eager"
    ratio = bench.value("training step", name) / theirs
    yield Row("peers", name, theirs, FACES, ratio, f"times PyTorch, {how}", at_least=2)


def _pytorch_network(tasks: Sequence[str]) -> Any:
    import torch
    from torch import nn

    def head(task: str) -> Any:
        layers: list[Any] = [nn.Flatten()]
        for features in (96 * 24 * 24, 128):
            layers += [nn.Linear(features, 128), nn.ReLU(), nn.Dropout(0.5)]
        return nn.Sequential(*layers, nn.Linear(128, {"gender": 1, "age": 8}[task]))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers: list[Any] = []
            for channels, filters, kernel in BLOCKS:
                layers += [nn.Conv2d(channels, filters, kernel), nn.ReLU(), nn.MaxPool2d(3, 2)]
                layers.append(nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0))
            self.trunk = nn.Sequential(*layers)
            self.heads = nn.ModuleDict({task: head(task) for task in tasks})

        def forward(self, faces: torch.Tensor) -> dict[str, torch.Tensor]:
            features = self.trunk(faces)
            return {task: one(features) for task, one in self.heads.items()}

    return Network()


def plain_step(bench: Bench) -> Iterator[Row]:
    """The plain Keras version on one batch in memory."""
    model = _plain_network()
    faces, labels = cases.batch(["gender"], bench.batch_size)
    step = functools.partial(model.train_on_batch, faces, labels["gender"])
    step()
    step()
    theirs = bench.batch_size / best_seconds(step, bench.rounds)
    ratio = bench.value("training step", "gender, float32") / theirs
    yield Row("peers", "gender, float32", theirs, FACES, ratio, "times plain Keras")


def plain_epoch(bench: Bench) -> Iterator[Row]:
    """The plain Keras version in an epoch of photographs, decoded as it goes."""
    size = 4 if bench.quick else 64
    with cases.photographs(2 * size) as dataset:
        model = _plain_network()
        batches = keras.utils.image_dataset_from_directory(
            dataset.root, label_mode="binary", image_size=(256, 256), batch_size=size, verbose=False
        )
        model.fit(batches, verbose=0)
        theirs = 2 * size / best_seconds(lambda: model.fit(batches, verbose=0))
    ratio = bench.value("input", "epoch from the cache, gender, float32") / theirs
    name, against = "gender, float32, an epoch", "times plain Keras, decoding"
    yield Row("peers", name, theirs, FACES, ratio, against)


def _plain_network() -> keras.Model:
    """Table 1's gender network, compiled, in float32."""
    import tensorflow

    def normalize(maps: Any) -> Any:
        return tensorflow.nn.local_response_normalization(maps, 2, 1.0, 2e-5, 0.75)

    layers: list[Any] = [
        keras.Input((256, 256, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.RandomCrop(227, 227),
    ]
    for _, filters, kernel in BLOCKS:
        layers += [
            keras.layers.Conv2D(filters, kernel, activation="relu"),
            keras.layers.MaxPooling2D(3, 2),
            keras.layers.Lambda(normalize),
        ]
    layers.append(keras.layers.Flatten())
    for _ in range(2):
        layers += [keras.layers.Dense(128, activation="relu"), keras.layers.Dropout(0.5)]
    layers.append(keras.layers.Dense(1, activation="sigmoid"))
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=["accuracy"])
    return model
