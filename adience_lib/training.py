"""A protocol, a network and a fold to a run folder."""

import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from adience_lib import backend, models, paths, splits
from adience_lib.data import Dataset
from adience_lib.errors import AdienceError
from adience_lib.labels import LABELS
from adience_lib.layers import MeanImage
from adience_lib.protocol import DEMO, PAPER, SMOKE, Protocol
from adience_lib.splits import Split
from adience_lib.weights import Weights

__all__ = ["DEMO", "PAPER", "SMOKE", "Protocol", "cross_validate", "run_folder", "train_fold"]

FINGERPRINT_DIGITS = 10


def run_folder(
    runs_dir: Path, dataset: Dataset, model_name: str, protocol: Protocol, fold: int
) -> Path:
    """Where the results of one training are kept: ``<dataset>/<model>/<protocol>/fold_<k>``."""
    source = f"{dataset.name}-{dataset.fingerprint[:FINGERPRINT_DIGITS]}"
    return runs_dir / source / model_name / protocol.label / f"fold_{fold}"


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

    Raises AdienceError: the folder holds a run of another protocol or dataset, the weights are
    not those of the protocol, the split is impossible, or the disk cannot be written to.
    """
    if model_name == "transfer":
        _check_weights(protocol, weights)
    folder = run_folder(runs_dir, dataset, model_name, protocol, fold)
    record = _record(dataset, model_name, protocol, fold)
    if folder.exists():
        _check_same(folder, record)
        if bar is not None:
            bar.update(protocol.epochs)
        return folder

    def train(unfinished: Path) -> None:
        unfinished.mkdir()
        _train(unfinished, record, dataset, images, protocol, weights, bar)

    paths.make_whole(folder, train)
    return folder


def _record(dataset: Dataset, model_name: str, protocol: Protocol, fold: int) -> dict[str, Any]:
    return {
        "model": model_name,
        "fold": fold,
        "dataset": dataset.name,
        "fingerprint": dataset.fingerprint,
        "protocol": asdict(protocol),
    }


def _check_weights(protocol: Protocol, weights: Weights | None) -> None:
    given = weights.label if weights else "random"
    if given != protocol.weights:
        raise AdienceError(f"the protocol says weights={protocol.weights}, but {given} were given")


def _check_same(folder: Path, record: dict[str, Any]) -> None:
    file = folder / "protocol.json"
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise AdienceError(f"{file}: not a run's record ({error}); delete the folder") from error
    different = [name for name, value in record.items() if found.get(name) != value]
    if different:
        raise AdienceError(
            f"{folder}: holds a run with another {', '.join(different)}; delete it or choose "
            "another runs_dir, so that two experiments are not mixed"
        )


def _train(
    folder: Path,
    record: dict[str, Any],
    dataset: Dataset,
    images: np.ndarray,
    protocol: Protocol,
    weights: Weights | None,
    bar: "tqdm[Any] | None",
) -> None:
    faces = splits.sample(dataset.faces, protocol.faces, protocol.seed)
    split = splits.split(faces, record["fold"], protocol.monitor, protocol.seed)
    model = _compiled(record["model"], protocol, record["fold"], weights)
    for layer in model.layers:
        if isinstance(layer, MeanImage):
            layer.adapt(images, split.train)
    history, seconds = _fit(model, images, dataset, split, record, protocol, bar)
    best = _best_epoch(history, protocol)
    started = time.perf_counter()
    predictions = _predict(model, images, dataset.faces.loc[split.test], protocol)
    run = {
        "status": "finished",
        "epochs": len(history),
        "best_epoch": best,
        "seconds": round(seconds, 3),
        "seconds_testing": round(time.perf_counter() - started, 3),
        "faces": {name: len(rows) for name, rows in vars(split).items()},
        "parameters": models.parameter_counts(model),
    }
    history.to_csv(folder / "history.csv", index=False, lineterminator="\n")
    predictions.to_csv(folder / "predictions.csv", index=False, lineterminator="\n")
    _write_json(folder / "protocol.json", {**record, "machine": backend.machine()})
    _save(model, record["model"], folder / "best.keras")
    _write_json(folder / "run.json", run)


def _compiled(
    model_name: str, protocol: Protocol, fold: int, weights: Weights | None
) -> keras.Model:
    """The network as the protocol trains it, seeded for this fold."""
    keras.backend.clear_session()
    backend.make_deterministic(protocol.seed + fold)
    keras.config.set_dtype_policy(protocol.precision)
    try:
        model = models.build(model_name, weights.file if weights else None)
    finally:
        keras.config.set_dtype_policy("float32")
    optimizer = keras.optimizers.Adam(
        protocol.learning_rate, protocol.beta_1, protocol.beta_2, protocol.epsilon
    )
    shares = {"gender": protocol.gamma, "age": 1 - protocol.gamma}
    tasks = models.tasks(model_name)
    model.compile(
        optimizer,
        loss={task: _loss(model, task) for task in tasks},
        loss_weights={task: shares[task] for task in tasks} if len(tasks) == 2 else None,
        metrics={task: ["accuracy"] for task in tasks},
        jit_compile=backend.jit_compile(),
    )
    return model


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


def _fit(
    model: keras.Model,
    images: np.ndarray,
    dataset: Dataset,
    split: Split,
    record: dict[str, Any],
    protocol: Protocol,
    bar: "tqdm[Any] | None",
) -> tuple[pd.DataFrame, float]:
    """Train until early stopping or the last epoch, and restore the best epoch's weights."""
    tasks = models.tasks(record["model"])
    if bar is not None:
        bar.set_description(f"{record['model']}, fold {record['fold']}")
    faces = dataset.faces
    seed = protocol.seed + record["fold"]
    train = Batches(images, faces.loc[split.train], tasks, protocol.batch_size, seed)
    epochs = _Epochs(train, bar, protocol.epochs)
    callbacks: list[Any] = [epochs]
    monitored = None
    if protocol.monitor != "none":
        monitored = Batches(images, faces.loc[split.monitored], tasks, protocol.batch_size)
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=protocol.patience, restore_best_weights=True, mode="min"
            )
        )
    started = time.perf_counter()
    fitted = model.fit(
        train,
        validation_data=monitored,
        epochs=protocol.epochs,
        callbacks=callbacks,
        shuffle=False,  # Batches shuffles the faces; Keras would shuffle the batches
        verbose=0,
    )
    seconds = time.perf_counter() - started
    history = _named_by_task(pd.DataFrame(fitted.history), tasks)
    history.insert(0, "epoch", np.arange(1, len(history) + 1))
    return history.assign(seconds=np.round(epochs.seconds, 3)), seconds


def _named_by_task(history: pd.DataFrame, tasks: tuple[str, ...]) -> pd.DataFrame:
    """With one output Keras writes ``accuracy`` where it writes ``age_accuracy`` with two."""
    if len(tasks) == 2:
        return history
    task = tasks[0]
    names = {"accuracy": f"{task}_accuracy", "val_accuracy": f"val_{task}_accuracy"}
    return history.rename(columns=names)


def _best_epoch(history: pd.DataFrame, protocol: Protocol) -> int:
    """Counted from 1: the epoch of the lowest monitored loss, or the last one."""
    if protocol.monitor == "none":
        return len(history)
    return int(history["val_loss"].to_numpy().argmin()) + 1


def _predict(
    model: keras.Model, images: np.ndarray, faces: pd.DataFrame, protocol: Protocol
) -> pd.DataFrame:
    """One row a test face: ``face`` (its path), ``subject``, the true labels, probabilities."""
    tasks = tuple(model.output)
    batches = Batches(images, faces, tasks, protocol.batch_size)
    outputs = model.predict(batches, verbose=0)
    table = faces.rename(columns={"path": "face"}).reset_index(drop=True)
    for task in tasks:
        probabilities = outputs[task]
        if probabilities.shape[1] == 1:  # a sigmoid: the probability of the second label
            probabilities = np.hstack([1 - probabilities, probabilities])
        for position, label in enumerate(LABELS[task]):
            table[f"{task} {label}"] = probabilities[:, position]
    return table


def _save(model: keras.Model, model_name: str, file: Path) -> None:
    """Save without the optimizer, whose state is twice the size of the weights."""
    model.optimizer = None
    model.compiled = False
    model.save(file)


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n")
