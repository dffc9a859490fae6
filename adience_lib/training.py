"""A protocol, a network and a fold to a run folder."""

import math
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from adience_lib import backend, checkpoint, interruption, models, splits
from adience_lib.batches import Batches
from adience_lib.checkpoint import Checkpoint, Row
from adience_lib.data import Dataset
from adience_lib.errors import AdienceError
from adience_lib.images import brightness
from adience_lib.layers import MeanImage
from adience_lib.lean import lean
from adience_lib.optimizers import CaffeSGD, FusedAdam, tenths
from adience_lib.protocol import DEMO, PAPER, SMOKE, Protocol
from adience_lib.run_folder import (
    CROSS_ENTROPY,
    check_files,
    predictions_table,
    record,
    run_folder,
    write_once,
    write_table,
)
from adience_lib.weights import Weights
from adience_lib.whole import tell

__all__ = ["DEMO", "PAPER", "SMOKE", "Protocol", "run_folder", "train_fold"]


def train_fold(
    dataset: Dataset,
    images: np.ndarray,
    model_name: str,
    protocol: Protocol,
    fold: int,
    runs_dir: Path,
    weights: Weights | None = None,
    bar: "tqdm[Any] | None" = None,
) -> Path:
    """Train on the other folds, test on ``fold``, and give the run folder.

    ``images``: (n, 256, 256, 3) uint8, a row a face of ``dataset``. ``weights``: those that
    ``protocol.weights`` names, for ``transfer``; None where it says "random". A finished fold is
    not trained again.

    The folder is written whole: ``protocol.json`` (protocol and dataset),
    ``history.csv`` (a row an epoch; a network for two tasks has ``age_cross_entropy`` and
    ``gender_cross_entropy`` beside ``loss``, their sum weighted by gamma), ``predictions.csv``
    (a row a test face, with the probabilities), ``best.keras`` (the chosen epoch's network),
    ``run.json`` (epochs, times, machines and versions, and what the training images are like).
    Levi & Hassner's networks also leave ``ten_crops.csv``, predictions as they scored theirs.
    With ``monitor="held_out"`` the history has the test fold's loss and accuracy after each
    epoch too (``test_...``); they are used for nothing.

    ``SHA256SUMS`` has the digest of each of them.

    Whatever interrupts a training, the same call goes on after its last whole epoch and gives the
    same run (``checkpoint.py``); an epoch is lost at the most. Another process that wants the same
    fold waits. On SIGTERM and Ctrl-C a line on stderr says what is kept.

    Raises AdienceError: the folder holds a run of another protocol or dataset, the weights are
    not those of the protocol, the split is impossible, the loss is no longer finite, what an
    interruption has left is damaged, or the disk cannot be written to.
    """
    if model_name == "transfer":
        _check_weights(protocol, weights)
    folder = run_folder(runs_dir, dataset, model_name, protocol, fold)
    said = record(dataset, model_name, protocol, fold)

    def write(result: Path, states: Path) -> dict[str, Any]:
        with interruption.announced(lambda: _stopped(said, states)):
            return _train(result, states, said, dataset, images, protocol, weights, bar)

    trained = write_once(folder, said, write)
    if not trained and bar is not None:
        bar.update(protocol.epochs)
    return folder


def _stopped(said: dict[str, Any], states: Path) -> str:
    epochs = checkpoint.finished_epochs(states)
    return (
        f"{_name(said)}: stopped; {epochs} finished epochs are kept, and the same command goes on "
        "from there"
    )


def _name(said: dict[str, Any]) -> str:
    return f"{said['model']}, fold {said['fold']}"


def _check_weights(protocol: Protocol, weights: Weights | None) -> None:
    given = weights.label if weights else "random"
    if given != protocol.weights:
        raise AdienceError(f"the protocol says weights={protocol.weights}, but {given} were given")


def _train(
    result: Path,
    states: Path,
    said: dict[str, Any],
    dataset: Dataset,
    images: np.ndarray,
    protocol: Protocol,
    weights: Weights | None,
    bar: "tqdm[Any] | None",
) -> dict[str, Any]:
    """Train, or go on from ``states``, into ``result``, and give what ``run.json`` holds."""
    model_name, fold, faces = said["model"], said["fold"], dataset.faces
    sample = splits.sample(faces, protocol.faces, protocol.seed)
    split = splits.split(sample, fold, protocol.monitor, protocol.seed)
    network = initial_network(model_name, protocol, fold, weights)
    for layer in network.layers:
        if isinstance(layer, MeanImage):
            layer.adapt(images, split.train)

    def batches(rows: np.ndarray, seed: int | None = None) -> Batches:
        tasks = models.tasks(model_name)
        return Batches(images, faces.loc[rows], tasks, protocol.batch_size, seed)

    training = _Training(
        said,
        protocol,
        network,
        batches(split.train, protocol.training_seed(fold)),
        batches(split.monitored) if len(split.monitored) else None,
        batches(split.test),
        states,
        bar,
    )
    done = _fit(training)
    best = best_epoch(done.history, protocol)
    checkpoint.restore_weights(states, network, said, best)
    history = _table(done.history, models.tasks(model_name))
    seconds_testing = _write_results(result, history, training, faces.loc[split.test])
    return {
        "epochs": len(history),
        "best_epoch": best,
        "seconds": round(float(history["seconds"].sum()), 3),
        "seconds_testing": seconds_testing,
        "peak_memory": max(row["peak_memory"] or 0 for row in done.history) or None,
        "faces": {name: len(rows) for name, rows in vars(split).items()},
        "parameters": models.parameter_counts(network),
        "inputs": _inputs(dataset, images, split.train, protocol.seed),
        "machines": done.machines,
    }


INPUTS = 1000
"""Training images that are measured, at most."""

USUAL = (0.005, 0.995)
"""Quantiles of the brightness that counts as usual: all but one face of a hundred."""


def _inputs(
    dataset: Dataset, images: np.ndarray, rows: np.ndarray, seed: int
) -> dict[str, list[float]]:
    """What the training images are like, as lowest and highest: for who uses the network later.

    "brightness": 0 to 1; "side": pixels of the shorter side as the images are stored.
    """
    chosen = np.random.default_rng(seed).choice(rows, min(len(rows), INPUTS), replace=False)
    bright = np.quantile([brightness(images[row]) for row in chosen], USUAL)
    sides = [dataset.source.side(path) for path in dataset.faces.loc[chosen, "path"]]
    return {"brightness": bright.round(4).tolist(), "side": [min(sides), max(sides)]}


def load_network(folder: Path) -> keras.Model:
    """The network of the finished run in ``folder``.

    Raises AdienceError if its file is missing, or is not the one that the training wrote.
    """
    check_files(folder, ["best.keras"])
    return models.load(folder / "best.keras")


def initial_network(
    model_name: str, protocol: Protocol, fold: int, weights: Weights | None = None
) -> keras.Model:
    """The network before its first step: in the protocol's precision, seeded for this fold."""
    keras.backend.clear_session()
    backend.make_deterministic(protocol.training_seed(fold))
    with backend.precision(protocol.precision):
        return models.build(model_name, weights.file if weights else None)


def trainable_twin(network: keras.Model, protocol: Protocol, steps: int) -> keras.Model:
    """The compiled model whose training is that of ``network`` (``lean.py``).

    Section 3.4, or the recipe that the protocol names; ``steps`` of training are to come.
    """
    # Measured with TensorFlow on a processor only; JAX would compile every part on its own.
    on_processor = backend.on_processor() and keras.backend.backend() == "tensorflow"
    twin = lean(network, protocol.batch_size if on_processor else None)
    tasks = list(network.output)
    shares = {"gender": protocol.gamma, "age": 1 - protocol.gamma}
    twin.compile(
        _optimizer(protocol, steps, on_processor),
        loss={task: _loss(network, task) for task in tasks},
        loss_weights={task: shares[task] for task in tasks} if len(tasks) == 2 else None,
        metrics={task: _metrics(network, task) for task in tasks},
        jit_compile=backend.jit_compile(),
    )
    twin.optimizer.build(twin.trainable_variables)
    return twin


def _optimizer(protocol: Protocol, steps: int, on_processor: bool) -> keras.optimizers.Optimizer:
    if protocol.optimizer == "caffe_sgd":
        rate = tenths(protocol.learning_rate, protocol.rate_drops, steps)
        return CaffeSGD(rate, protocol.momentum, protocol.weight_decay)
    adam = FusedAdam if on_processor else keras.optimizers.Adam
    return adam(protocol.learning_rate, protocol.beta_1, protocol.beta_2, protocol.epsilon)


def _loss(network: keras.Model, task: str) -> str:
    """Section 3.4: binary cross-entropy of one sigmoid, sparse categorical of several classes."""
    one_output = network.output[task].shape[-1] == 1
    return "binary_crossentropy" if one_output else "sparse_categorical_crossentropy"


def _metrics(network: keras.Model, task: str) -> list[Any]:
    """Accuracy, and each task's own loss where there are two.

    Keras' own ``age_loss`` and ``gender_loss`` are means over batches, of which the last and
    smallest counts like the others (3.15, ``CompileLoss``). These are means over faces.
    """
    if len(network.output) == 1:
        return ["accuracy"]
    of = {
        "binary_crossentropy": keras.metrics.BinaryCrossentropy,
        "sparse_categorical_crossentropy": keras.metrics.SparseCategoricalCrossentropy,
    }
    return ["accuracy", of[_loss(network, task)](name=CROSS_ENTROPY)]


@dataclass(frozen=True)
class _Training:
    """What a fold's training needs."""

    said: dict[str, Any]
    protocol: Protocol
    network: keras.Model
    train: Batches
    monitored: Batches | None
    test: Batches
    states: Path
    bar: "tqdm[Any] | None"

    @property
    def name(self) -> str:
        """What messages call it."""
        return _name(self.said)


class _Epochs(keras.callbacks.Callback):
    """What happens around each epoch: its order, its record, its state on disk, and the end."""

    def __init__(self, training: _Training, done: Checkpoint) -> None:
        super().__init__()
        self.training, self.done = training, done

    @cached_property
    def _test(self) -> Any:
        return backend.feed(self.training.test)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.training.train.start_epoch(epoch)
        self.behind = round(self.training.bar.n) if self.training.bar is not None else 0
        backend.forget_peak_memory()
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.training.bar is not None:
            # Steps of one batch each, added up, would be a little more than an epoch.
            reached = self.behind + (batch + 1) / len(self.training.train)
            self.training.bar.update(reached - self.training.bar.n)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = round(time.perf_counter() - self.started, 3)
        row = {"epoch": epoch + 1, **logs, **self._on_test_fold(), "seconds": seconds}
        row["peak_memory"] = backend.peak_memory()
        self._check_finite(row)
        self.done.history.append(row)
        protocol = self.training.protocol
        best = best_epoch(self.done.history, protocol)
        training = self.training
        checkpoint.save(training.states, training.network, self.model.optimizer, self.done, best)
        self.model.stop_training = is_over(self.done.history, protocol)

    def _on_test_fold(self) -> dict[str, float]:
        """Its loss and accuracy, where it is not what is monitored. Nothing is chosen by them."""
        if self.training.protocol.monitor != "held_out":
            return {}
        found = self.model.evaluate(self._test, verbose=0, return_dict=True)
        return {f"test_{name}": value for name, value in found.items()}

    def _check_finite(self, row: Row) -> None:
        for name in ("loss", "val_loss"):
            if not math.isfinite(row.get(name, 0)):
                raise AdienceError(
                    f"{self.training.name}: {name} is {row[name]} after epoch {row['epoch']}, the "
                    "training has diverged; try a lower learning_rate"
                )


def _fit(training: _Training) -> Checkpoint:
    """Train until early stopping or the last epoch, from the newest state on."""
    protocol, bar, network = training.protocol, training.bar, training.network
    # Frozen weights too come from the state, and the twin copies them.
    checkpoint.resume(training.states, network, training.said)
    twin = trainable_twin(network, protocol, protocol.epochs * len(training.train))
    done = checkpoint.resume(training.states, network, training.said, twin.optimizer)
    if bar is not None:
        bar.set_description(training.name)
        bar.update(len(done.history))
    if done.history:
        tell(f"{training.name}: {_going_on(done, protocol)}")
    machine = backend.machine()
    if machine not in done.machines:
        done.machines.append(machine)
    if not is_over(done.history, protocol):
        monitored = training.monitored
        twin.fit(
            backend.feed(training.train),
            validation_data=None if monitored is None else backend.feed(monitored),
            initial_epoch=len(done.history),
            epochs=protocol.epochs,
            callbacks=[_Epochs(training, done)],
            shuffle=False,  # Batches shuffles the faces; Keras would shuffle the batches
            verbose=0,
        )
    if bar is not None:
        bar.update(protocol.epochs - len(done.history))
    return done


def _going_on(done: Checkpoint, protocol: Protocol) -> str:
    found = f"going on after epoch {len(done.history)} of {protocol.epochs}"
    if protocol.monitor != "none":
        found += f", best {best_epoch(done.history, protocol)}"
    if backend.machine() not in done.machines:
        found += "; it was begun on another machine or with other versions: last digits may differ"
    return found


def best_epoch(history: list[Row], protocol: Protocol) -> int:
    """Counted from 1: the first epoch of the lowest monitored loss, or the last one of all."""
    if protocol.monitor == "none":
        return len(history)
    return min(range(len(history)), key=lambda epoch: history[epoch]["val_loss"]) + 1


def is_over(history: list[Row], protocol: Protocol) -> bool:
    """Whether training ends after these epochs: the rule of Keras' ``EarlyStopping``.

    Worked out from the history alone, so that an interrupted training stops where it would have.
    """
    if len(history) >= protocol.epochs:
        return True
    monitored = protocol.monitor != "none" and len(history) > 0
    return monitored and len(history) - best_epoch(history, protocol) >= protocol.patience


def _table(history: list[Row], tasks: tuple[str, ...]) -> pd.DataFrame:
    """With one output Keras writes ``accuracy`` where it writes ``age_accuracy`` with two.

    Its losses of each of two are left out (``_metrics``).
    """
    table = pd.DataFrame(history)
    kinds = ("", "val_", "test_")
    if len(tasks) > 1:
        unweighted = [f"{kind}{task}_loss" for kind in kinds for task in tasks]
        return table.drop(columns=unweighted, errors="ignore")
    names = {f"{kind}accuracy": f"{kind}{tasks[0]}_accuracy" for kind in kinds}
    return table.rename(columns=names)


def _write_results(
    result: Path, history: pd.DataFrame, training: _Training, test: pd.DataFrame
) -> float:
    """Write all but the records, and give the seconds that the predictions took."""
    network = training.network
    write_table(history, result / "history.csv")
    started = time.perf_counter()
    write_table(_predict(network, training.test, test), result / "predictions.csv")
    if training.said["model"] in models.LEVI_HASSNER:
        ten_crops = _predict(models.ten_crops(network), training.test, test)
        write_table(ten_crops, result / "ten_crops.csv")
    seconds = round(time.perf_counter() - started, 3)
    network.save(result / "best.keras")
    return seconds


def _predict(model: keras.Model, batches: Batches, faces: pd.DataFrame) -> pd.DataFrame:
    return predictions_table(faces, model.predict(backend.feed(batches), verbose=0))
