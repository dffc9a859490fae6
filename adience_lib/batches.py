"""Rows of the manifest to batches of images and labels, in an order that can be had again."""

import math

import keras
import numpy as np
import pandas as pd


class Batches(keras.utils.PyDataset):
    """Batches of ``rows`` of the manifest: images as cached, and the labels of each task.

    In training every epoch has an order of its own, which depends on the seed and the epoch's
    number alone. The last batch may be smaller.
    """

    def __init__(
        self,
        images: np.ndarray,
        faces: pd.DataFrame,
        tasks: tuple[str, ...],
        batch_size: int,
        shuffle_seed: int | None = None,
    ) -> None:
        super().__init__()
        self.images, self.batch_size, self.shuffle_seed = images, batch_size, shuffle_seed
        self.rows = faces.index.to_numpy()
        self.labels = {task: faces[task].to_numpy("float32")[:, None] for task in tasks}
        self.order = np.arange(len(self.rows))
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Shuffle for ``epoch``, counted from 0; without a seed the order stays."""
        if self.shuffle_seed is not None:
            random = np.random.default_rng((self.shuffle_seed, epoch))
            self.order = random.permutation(len(self.rows))

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        chosen = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        labels = {task: values[chosen] for task, values in self.labels.items()}
        return self.images[self.rows[chosen]], labels
