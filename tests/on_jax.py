"""What test_resident.py runs with JAX: one training in both ways, ``python on_jax.py``."""

import json
from dataclasses import replace

import keras
import numpy as np
import pandas as pd

from adience_lib.data.loader import Batches
from adience_lib.protocol import PAPER
from adience_lib.speed import resident
from adience_lib.training import Row, train

PROTOCOL = replace(PAPER, epochs=4, batch_size=7, patience=2, learning_rate=0.01)


def small() -> keras.Model:
    """Dropout, and a metric's own state; the same weights at each call."""
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3), dtype="uint8")
    face = keras.layers.Rescaling(1 / 255)(image)
    features = keras.layers.Dropout(0.5)(keras.layers.Flatten()(face))
    return keras.Model(image, {"age": keras.layers.Dense(8, activation="softmax")(features)})


def trained(in_memory: bool) -> tuple[list[Row], list[str]]:
    """The history, and what a callback heard of the training: 17 faces, the last batch smaller."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (24, 8, 8, 3), "uint8")
    faces = pd.DataFrame({"age": random.integers(0, 8, 24)})
    heard: list[str] = []

    class Listener(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            heard.append(f"epoch {epoch}")

        def on_train_end(self, logs: object = None) -> None:
            heard.append("end")

    resident.is_possible = lambda: in_memory
    history = train(
        small(),
        PROTOCOL,
        Batches(images, faces.loc[:16], ("age",), PROTOCOL.batch_size, shuffle_seed=3),
        Batches(images, faces.loc[17:], ("age",), PROTOCOL.batch_size),
        callbacks=[Listener()],
    )
    return [{name: row[name] for name in row if name != "seconds"} for row in history], heard


if __name__ == "__main__":
    print(json.dumps([trained(True), trained(False)]))
