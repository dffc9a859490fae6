"""One fold to its run folder: locked, gone on with after an interruption, written whole."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from adience_lib import models
from adience_lib.data import Dataset, loader
from adience_lib.data.images import brightness, shorter_side
from adience_lib.data.loader import Batches, Split
from adience_lib.models import baselines
from adience_lib.models.baselines import MeanImage
from adience_lib.models.summary import parameter_counts
from adience_lib.protocol import Protocol
from adience_lib.runs import checkpoint
from adience_lib.runs.checkpoint import Machines
from adience_lib.runs.folder import Training, predictions_table, write_once, write_table
from adience_lib.training import Row, State, best_epoch, predict, train
from adience_lib.util import backend
from adience_lib.util.console import announced, message
from adience_lib.util.errors import AdienceError


def train_fold(training: Training, images: np.ndarray, bar: "tqdm[Any] | None" = None) -> Path:
    """Train on the other folds, test on ``training.fold``, and give the run folder.

    ``images``: (n, 256, 256, 3) uint8, a row a face of ``dataset.labelled()``. Faces of a table
    without a label of one of the network's tasks are left out. A finished fold is not trained
    again. ``bar``: counts epochs, and is moved on by those of the protocol.

    The folder is written whole: ``protocol.json`` (protocol and dataset), ``history.csv``
    (``training.Row``, a row an epoch), ``predictions.csv`` (a row a test face, with the
    probabilities), ``best.keras`` (the chosen epoch's network), ``run.json`` (epochs, times,
    machines and versions, and what the training images are like), ``SHA256SUMS``. Levi & Hassner's
    networks also leave ``ten_crops.csv``, predictions as they scored theirs. With
    ``monitor="held_out"`` the history has the test fold's loss and accuracy after each epoch too
    (``test_...``); they are used for nothing.

    Whatever interrupts a training, the same call goes on after its last whole epoch and gives the
    same run (``checkpoint.py``). Another process that wants the same fold waits. On SIGTERM and
    Ctrl-C a line on stderr says what is kept. Raises AdienceError: the folder holds a run of
    another protocol or dataset, the weights are not those of the protocol, the split is impossible,
    the loss is no longer finite, what was left is damaged, or the disk cannot be written to.
    """
    asked = training.protocol.weights
    given = training.weights.label if training.weights else "random"
    if training.model_name == "transfer" and given != asked:
        raise AdienceError(f"the protocol says weights={asked}, but {given} were given")

    def stopped() -> str:
        epochs = checkpoint.finished_epochs(training.unfinished)
        kept = f"{epochs} finished epochs are kept, and the same command goes on from there"
        return f"{training.name}: stopped; {kept}"

    run = _Run(training, images, tqdm(disable=True) if bar is None else bar)
    with announced(stopped):
        is_new = write_once(training, run.write)
    run.bar.update(0 if is_new else training.protocol.epochs)
    return training.folder


def initial_network(
    model_name: str, protocol: Protocol, fold: int, weights: Path | None = None
) -> keras.Model:
    """The network before its first step: in the protocol's precision, seeded for this training."""
    keras.backend.clear_session()
    backend.make_deterministic(protocol.training_seed(fold))
    with backend.precision(protocol.precision):
        return models.build(model_name, weights)


@dataclass(frozen=True)
class _Run:
    """A training with the images that it needs, and the bar that it moves."""

    training: Training
    images: np.ndarray
    bar: "tqdm[Any]"

    def write(self, result: Path) -> dict[str, Any]:
        """Train, or go on, into ``result``, and give what ``run.json`` holds."""
        training, protocol, dataset = self.training, self.training.protocol, self.training.dataset
        labelled = dataset.labelled(models.tasks(training.model_name))
        if left_out := len(dataset.labelled()) - len(labelled):
            message(f"{training.name}: {left_out} faces without a label of each task are left out")
        faces = loader.sample(labelled, protocol.faces, protocol.seed)
        split = loader.split(faces, training.fold, protocol.monitor, protocol.seed)
        file = training.weights.file if training.weights else None
        network = initial_network(training.model_name, protocol, training.fold, file)
        for layer in network.layers:
            if isinstance(layer, MeanImage):
                layer.adapt(self.images, split.train)
        history, machines = self._fit(network, split)
        write_table(pd.DataFrame(history), result / "history.csv")
        started = time.perf_counter()
        self._predict(network, split.test, result / "predictions.csv")
        if training.model_name in baselines.LEVI_HASSNER:
            self._predict(baselines.ten_crops(network), split.test, result / "ten_crops.csv")
        seconds_testing = round(time.perf_counter() - started, 3)
        network.save(result / "best.keras")
        counts = {name: len(rows) for name, rows in vars(split).items()}
        return {
            "epochs": len(history),
            "best_epoch": best_epoch(history, protocol),
            "seconds": round(sum(row["seconds"] for row in history), 3),
            "seconds_testing": seconds_testing,
            "peak_memory": max(row["peak_memory"] or 0 for row in history) or None,
            "faces": counts | ({"left_out": left_out} if left_out else {}),
            "parameters": parameter_counts(network),
            "inputs": _inputs(dataset, self.images, split.train, protocol.seed),
            "machines": machines,
        }

    def _fit(self, network: keras.Model, split: Split) -> tuple[list[Row], Machines]:
        """Train until early stopping or the last epoch, from the newest state on."""
        name, protocol, bar = self.training.name, self.training.protocol, self.bar
        states, specification = self.training.unfinished, self.training.specification
        batches = self._batches(split.train, protocol.training_seed(self.training.fold))
        best = partial(best_epoch, protocol=protocol)
        start, machines = checkpoint.load(states, specification, network, best) or (None, [])
        bar.set_description(name)
        if protocol.precision != "float32" and backend.emulates_bfloat16():
            message(f"{name}: {SLOW_BFLOAT16}")
        if backend.leaves_a_card_idle():
            message(f"{name}: {IDLE_CARD}")
        if start:
            bar.update(len(start.history))
            message(f"{name}: {_going_on(start.history, machines, protocol)}")
        if backend.machine() not in machines:
            machines.append(backend.machine())

        def keep(state: State) -> None:
            state.history[-1]["peak_memory"] = backend.peak_memory()
            checkpoint.save(states, state, specification, machines, best(state.history))
            backend.forget_peak_memory()

        backend.forget_peak_memory()
        try:
            history = train(
                network,
                protocol,
                batches,
                self._batches(split.monitored) if len(split.monitored) else None,
                self._batches(split.test) if protocol.monitor == "held_out" else None,
                start=start,
                keep=keep,
                callbacks=[_Progress(bar, len(batches))],
            )
        except AdienceError as error:
            raise AdienceError(f"{name}: {error}") from error
        bar.update(protocol.epochs - len(history))
        return history, machines

    def _predict(self, network: keras.Model, rows: np.ndarray, file: Path) -> None:
        faces = self.training.dataset.labelled().loc[rows]
        write_table(predictions_table(faces, predict(network, self._batches(rows))), file)

    def _batches(self, rows: np.ndarray, seed: int | None = None) -> Batches:
        tasks = models.tasks(self.training.model_name)
        faces = self.training.dataset.labelled().loc[rows]
        return Batches(self.images, faces, tasks, self.training.protocol.batch_size, seed)


class _Progress(keras.callbacks.Callback):
    """Moves a bar that counts epochs, a batch at a time."""

    def __init__(self, bar: "tqdm[Any]", steps: int) -> None:
        super().__init__()
        self.bar, self.steps = bar, steps

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.behind = round(self.bar.n)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # Steps of one batch each, added up, would be a little more than an epoch.
        self.bar.update(self.behind + (batch + 1) / self.steps - self.bar.n)


SLOW_BFLOAT16 = (
    "this processor has no instructions for bfloat16 (AVX-512); a training takes many times as "
    "long as in float32"
)

IDLE_CARD = (
    f"WARNING: this machine has an NVIDIA card, and {keras.backend.backend()} does not use it. "
    'docs/running.md says under "A GPU" what to install; to train on the processor all the same, '
    "and without this line, set CUDA_VISIBLE_DEVICES=-1"
)


def _going_on(history: list[Row], machines: Machines, protocol: Protocol) -> str:
    words = f"going on after epoch {len(history)} of {protocol.epochs}"
    if protocol.monitor != "none":
        words += f", best {best_epoch(history, protocol)}"
    if backend.machine() not in machines:
        words += (
            "; it was begun on another machine, with other versions or with other settings of the "
            "environment: last digits may differ"
        )
    return words


def _inputs(
    dataset: Dataset, images: np.ndarray, rows: np.ndarray, seed: int
) -> dict[str, list[float]]:
    """What a thousand of the training images are like, as lowest and highest, for who uses the
    network later: "brightness" from 0 to 1, of all but one face of a hundred, and "side", pixels of
    the shorter one as the images are stored."""
    chosen = np.random.default_rng(seed).choice(rows, min(len(rows), 1000), replace=False)
    bright = np.quantile([brightness(images[row]) for row in chosen], (0.005, 0.995))
    paths = dataset.labelled().loc[chosen, "path"]
    sides = [shorter_side(dataset.source.root / path) for path in paths]
    return {"brightness": bright.round(4).tolist(), "side": [min(sides), max(sides)]}
