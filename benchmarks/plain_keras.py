"""What most people would write: Keras' own loader, crop and normalisation, on a folder of JPEGs."""

from pathlib import Path
from typing import Any

import keras


def loader(folder: Path, batch_size: int) -> Any:
    """Batches of the pictures in ``folder/f`` and ``folder/m``, decoded again in every epoch."""
    return keras.utils.image_dataset_from_directory(
        folder, label_mode="binary", image_size=(256, 256), batch_size=batch_size, verbose=False
    )


def network() -> keras.Model:
    """Table 1's gender network, compiled, in the precision that is set."""
    import tensorflow

    def normalize(maps: Any) -> Any:
        return tensorflow.nn.local_response_normalization(maps, 2, 1.0, 2e-5, 0.75)

    layers: list[Any] = [
        keras.Input((256, 256, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.RandomCrop(227, 227),
    ]
    for filters, kernel in ((24, 7), (64, 5), (96, 3)):
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
