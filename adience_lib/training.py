"""A protocol, a network and a fold to a run folder."""

import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from adience_lib import backend, models, splits
from adience_lib.data import Dataset
from adience_lib.errors import AdienceError
from adience_lib.layers import MeanImage
from adience_lib.optimizers import CaffeSGD, tenths
from adience_lib.protocol import DEMO, PAPER, SMOKE, Protocol
from adience_lib.run_folder import predictions_table, record, run_folder, write_once, write_table
from adience_lib.splits import Split
from adience_lib.weights import Weights

__all__ = ["DEMO", "PAPER", "SMOKE", "Protocol", "cross_validate", "run_folder", "train_fold"]


def cross_validate(
    dataset: Dataset,
    images: np.ndarray,
    model_name: str,
    protocol: Protocol,
    folds: tuple[int, ...],
    runs_dir: Path,
    weights: Weights | None = None,
) -> list[Path]:
    """Train ``model_name`` once for each of ``folds``, and give the run folders.

    Arguments as of ``train_fold``. One progress bar runs over all folds; it knows the most
    epochs there can be, and jumps ahead where early stopping ends a fold.
    """
    with tqdm(
        total=len(folds) * protocol.epochs,
        unit="epoch",
        leave=False,
        mininterval=1,
        bar_format="{desc}{percentage:3.0f}%|{bar:20}| {elapsed} so far, {remaining} left",
    ) as bar:
        return [
            train_fold(dataset, images, model_name, protocol, fold, runs_dir, weights, bar)
            for fold in folds
        ]


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

    The folder is written whole: ``protocol.json`` (protocol, dataset, machine and versions),
    ``history.csv`` (a row an epoch), ``predictions.csv`` (a row a test face, with the
    probabilities), ``best.keras`` (the chosen epoch's network), ``run.json`` (epochs, times).
    Levi & Hassner's networks also leave ``ten_crops.csv``, predictions as they scored theirs.
    With ``monitor="held_out"`` the history has the test fold's loss and accuracy after each
    epoch too (``test_...``); they are used for nothing.

    Raises AdienceError: the folder holds a run of another protocol or dataset, the weights are
    not those of the protocol, the split is impossible, or the disk cannot be written to.
    """
    if model_name == "transfer":
        _check_weights(protocol, weights)
    folder = run_folder(runs_dir, dataset, model_name, protocol, fold)
    said = record(dataset, model_name, protocol, fold)
    trained = write_once(
        folder,
        said,
        lambda unfinished: _train(unfinished, said, dataset, images, protocol, weights, bar),
    )
    if not trained and bar is not None:
        bar.update(protocol.epochs)
    return folder


def _check_weights(protocol: Protocol, weights: Weights | None) -> None:
    given = weights.label if weights else "random"
    if given != protocol.weights:
        raise AdienceError(f"the protocol says weights={protocol.weights}, but {given} were given")


def _train(
    folder: Path,
    said: dict[str, Any],
    dataset: Dataset,
    images: np.ndarray,
    protocol: Protocol,
    weights: Weights | None,
    bar: "tqdm[Any] | None",
) -> dict[str, Any]:
    """Train into ``folder``, and give what ``run.json`` holds."""
    model_name, fold = said["model"], said["fold"]
    faces = splits.sample(dataset.faces, protocol.faces, protocol.seed)
    split = splits.split(faces, fold, protocol.monitor, protocol.seed)
    model = initial_network(model_name, protocol, fold, weights)
    steps = protocol.epochs * math.ceil(len(split.train) / protocol.batch_size)
    _compile(model, model_name, protocol, steps)
    for layer in model.layers:
        if isinstance(layer, MeanImage):
            layer.adapt(images, split.train)
    backend.forget_peak_memory()
    history = _fit(model, images, dataset, split, said, protocol, bar)
    peak_memory = backend.peak_memory()
    started = time.perf_counter()
    tested = dataset.faces.loc[split.test]
    write_table(history, folder / "history.csv")
    write_table(_predict(model, images, tested, protocol), folder / "predictions.csv")
    if model_name in models.LEVI_HASSNER:
        ten_crops = _predict(models.ten_crops(model), images, tested, protocol)
        write_table(ten_crops, folder / "ten_crops.csv")
    seconds_testing = time.perf_counter() - started
    _save(model, folder / "best.keras")
    return {
        "epochs": len(history),
        "best_epoch": _best_epoch(history, protocol),
        "seconds": round(float(history["seconds"].sum()), 3),
        "seconds_testing": round(seconds_testing, 3),
        "peak_memory": peak_memory,
        "faces": {name: len(rows) for name, rows in vars(split).items()},
        "parameters": models.parameter_counts(model),
    }


def initial_network(
    model_name: str, protocol: Protocol, fold: int, weights: Weights | None = None
) -> keras.Model:
    """The network before its first step: in the protocol's precision, seeded for this fold."""
    keras.backend.clear_session()
    backend.make_deterministic(protocol.seed + fold)
    keras.config.set_dtype_policy(protocol.precision)
    try:
        return models.build(model_name, weights.file if weights else None)
    finally:
        keras.config.set_dtype_policy("float32")


def _compile(model: keras.Model, model_name: str, protocol: Protocol, steps: int) -> None:
    """Section 3.4, or the recipe that the protocol names; ``steps`` of training are to come."""
    shares = {"gender": protocol.gamma, "age": 1 - protocol.gamma}
    tasks = models.tasks(model_name)
    model.compile(
        _optimizer(protocol, steps),
        loss={task: _loss(model, task) for task in tasks},
        loss_weights={task: shares[task] for task in tasks} if len(tasks) == 2 else None,
        metrics={task: ["accuracy"] for task in tasks},
        jit_compile=backend.jit_compile(),
    )


def _optimizer(protocol: Protocol, steps: int) -> keras.optimizers.Optimizer:
    if protocol.optimizer == "caffe_sgd":
        rate = tenths(protocol.learning_rate, protocol.rate_drops, steps)
        return CaffeSGD(rate, protocol.momentum, protocol.weight_decay)
    return keras.optimizers.Adam(
        protocol.learning_rate, protocol.beta_1, protocol.beta_2, protocol.epsilon
    )


def _loss(model: keras.Model, task: str) -> str:
    """Section 3.4: binary cross-entropy of one sigmoid, sparse categorical of several classes."""
    one_output = model.output[task].shape[-1] == 1
    return "binary_crossentropy" if one_output else "sparse_categorical_crossentropy"


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


class _Epochs(keras.callbacks.Callback):
    """Starts each epoch's order, takes its time, and moves the progress bar."""

    def __init__(self, batches: Batches, bar: "tqdm[Any] | None", epochs: int) -> None:
        super().__init__()
        self.batches, self.bar, self.epochs = batches, bar, epochs
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.batches.start_epoch(epoch)
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.bar is not None:
            self.bar.update(1 / len(self.batches))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.started)

    def on_train_end(self, logs: Any = None) -> None:
        if self.bar is not None:
            self.bar.update(self.epochs - len(self.seconds))


class _TestFold(keras.callbacks.Callback):
    """Measures the test fold after each epoch. Nothing is chosen by it."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches
        self.measured: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        found = self.model.evaluate(self.batches, verbose=0, return_dict=True)
        self.measured.append({f"test_{name}": value for name, value in found.items()})


def _fit(
    model: keras.Model,
    images: np.ndarray,
    dataset: Dataset,
    split: Split,
    said: dict[str, Any],
    protocol: Protocol,
    bar: "tqdm[Any] | None",
) -> pd.DataFrame:
    """Train until early stopping or the last epoch, and restore the best epoch's weights."""
    tasks = models.tasks(said["model"])
    if bar is not None:
        bar.set_description(f"{said['model']}, fold {said['fold']}")
    faces = dataset.faces
    seed = protocol.seed + said["fold"]
    train = Batches(images, faces.loc[split.train], tasks, protocol.batch_size, seed)
    epochs = _Epochs(train, bar, protocol.epochs)
    tested = _TestFold(Batches(images, faces.loc[split.test], tasks, protocol.batch_size))
    callbacks: list[Any] = [epochs]
    monitored = None
    if protocol.monitor != "none":
        monitored = Batches(images, faces.loc[split.monitored], tasks, protocol.batch_size)
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=protocol.patience, restore_best_weights=True, mode="min"
            )
        )
    if protocol.monitor == "held_out":
        callbacks.append(tested)
    fitted = model.fit(
        train,
        validation_data=monitored,
        epochs=protocol.epochs,
        callbacks=callbacks,
        shuffle=False,  # Batches shuffles the faces; Keras would shuffle the batches
        verbose=0,
    )
    history = pd.DataFrame(fitted.history).join(pd.DataFrame(tested.measured))
    history.insert(0, "epoch", np.arange(1, len(history) + 1))
    return _named_by_task(history, tasks).assign(seconds=np.round(epochs.seconds, 3))


def _named_by_task(history: pd.DataFrame, tasks: tuple[str, ...]) -> pd.DataFrame:
    """With one output Keras writes ``accuracy`` where it writes ``age_accuracy`` with two."""
    if len(tasks) == 2:
        return history
    task = tasks[0]
    kinds = ("", "val_", "test_")
    return history.rename(columns={f"{kind}accuracy": f"{kind}{task}_accuracy" for kind in kinds})


def _best_epoch(history: pd.DataFrame, protocol: Protocol) -> int:
    """Counted from 1: the epoch of the lowest monitored loss, or the last one."""
    if protocol.monitor == "none":
        return len(history)
    return int(history["val_loss"].to_numpy().argmin()) + 1


def _predict(
    model: keras.Model, images: np.ndarray, faces: pd.DataFrame, protocol: Protocol
) -> pd.DataFrame:
    batches = Batches(images, faces, tuple(model.output), protocol.batch_size)
    return predictions_table(faces, model.predict(batches, verbose=0))


def _save(model: keras.Model, file: Path) -> None:
    """Save without the optimizer, whose state is twice the size of the weights."""
    model.optimizer = None
    model.compiled = False
    model.save(file)
