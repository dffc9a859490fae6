"""The training loop: a network, a protocol and batches to a history. It touches no disk.

Whoever wants to keep what a training is like after each epoch, or to go on from there, hands
``train`` a function and a state (``runs/train_fold.py`` does).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from adience_lib import speed
from adience_lib.data.loader import Batches
from adience_lib.models.baselines import CaffeSGD, tenths
from adience_lib.protocol import Protocol
from adience_lib.util import backend
from adience_lib.util.errors import AdienceError

Row = dict[str, Any]
"""An epoch of the history: ``epoch`` (from 1), ``loss``, ``val_loss`` where faces are monitored,
``<task>_accuracy`` (``val_...``, ``test_...``), and ``seconds``. With two tasks ``loss`` is
equation 1's weighted sum, and ``<task>_cross_entropy`` is the loss of each."""

CROSS_ENTROPY = "cross_entropy"
"""What a task's own loss is called in the history of a network for two, after the task."""


@dataclass(frozen=True)
class State:
    """All that the next epoch depends on, after the last one of ``history``.

    ``network``, ``optimizer``: the values of their variables. Those of a network include the
    states of the random generators of dropout and crops. ``best``: the network's after the best
    epoch. The order of the faces needs no state, it follows from the epoch's number.
    """

    history: list[Row]
    network: list[np.ndarray]
    optimizer: list[np.ndarray]
    best: list[np.ndarray]


def train(
    network: keras.Model,
    protocol: Protocol,
    batches: Batches,
    monitored: Batches | None = None,
    observed: Batches | None = None,
    *,
    start: State | None = None,
    keep: Callable[[State], None] = lambda _: None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[Row]:
    """Train ``network`` until early stopping or the last epoch, and give the history.

    The network is left with the weights of its best epoch (section 3.4: "model checkpoints were
    used to retrieve the weights of the best performing model").

    ``monitored``: what early stopping and the choice of the epoch look at. ``observed``: faces
    whose loss and accuracy stand in the history too (``test_...``) and are used for nothing.
    ``start``: the state to go on from; the end is then that of a training without a break, to the
    last digit. ``keep`` gets the state after each epoch. ``callbacks``: more of Keras' own.

    Raises AdienceError: the loss is no longer finite, or ``start`` is not of this network.
    """
    history = [_named(row, network) for row in start.history] if start else []
    if start:  # before it is rewritten, which copies frozen weights
        _assign(network.variables, start.network)
    rewritten = compiled(network, protocol, protocol.epochs * len(batches))
    if start:
        _assign(rewritten.optimizer.variables, start.optimizer)
    epochs = _Epochs(
        network, protocol, batches, observed, history, start.best if start else [], keep
    )
    if not is_over(history, protocol):
        left = range(len(history), protocol.epochs)
        speed.fit(rewritten, batches, monitored, [epochs, *callbacks], left)
    _assign(network.variables, epochs.best)
    return history


def compiled(network: keras.Model, protocol: Protocol, steps: int) -> keras.Model:
    """The compiled model whose training is that of ``network``, with less work (``speed``).

    Section 3.4, or the recipe that the protocol names; ``steps`` of training are to come.
    """
    rewritten = speed.faster(network, protocol.batch_size)
    tasks = list(network.output)
    shares = {"gender": protocol.gamma, "age": 1 - protocol.gamma}  # equation 1
    rewritten.compile(
        _optimizer(protocol, steps),
        loss={task: _loss(network, task) for task in tasks},
        loss_weights={task: shares[task] for task in tasks} if len(tasks) > 1 else None,
        metrics={task: _metrics(network, task) for task in tasks},
        jit_compile=backend.jit_compile(),
    )
    rewritten.optimizer.build(rewritten.trainable_variables)
    # Keras creates the metrics when it first needs them. Within a step of training TensorFlow would
    # then trace that step twice, which takes seconds.
    labels = {task: keras.ops.zeros((1, 1)) for task in tasks}
    outputs = {task: keras.ops.zeros((1, *network.output[task].shape[1:])) for task in tasks}
    rewritten.compute_loss(y=labels, y_pred=outputs)
    rewritten.compute_metrics(None, labels, outputs)
    return rewritten


def _optimizer(protocol: Protocol, steps: int) -> keras.optimizers.Optimizer:
    if protocol.optimizer == "caffe_sgd":
        rate = tenths(protocol.learning_rate, protocol.rate_drops, steps)
        return CaffeSGD(rate, protocol.momentum, protocol.weight_decay)
    return speed.adam(protocol.learning_rate, protocol.beta_1, protocol.beta_2, protocol.epsilon)


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
    loss = keras.losses.get(_loss(network, task))
    return ["accuracy", keras.metrics.MeanMetricWrapper(loss, name=CROSS_ENTROPY)]


class _Epochs(keras.callbacks.Callback):
    """What happens around each epoch: its order, its row, the best weights, and the end."""

    def __init__(
        self,
        network: keras.Model,
        protocol: Protocol,
        batches: Batches,
        observed: Batches | None,
        history: list[Row],
        best: list[np.ndarray],
        keep: Callable[[State], None],
    ) -> None:
        super().__init__()
        self.network, self.protocol, self.batches = network, protocol, batches
        self.observed, self.history, self.best, self.keep = observed, history, best, keep

    @cached_property
    def _observed(self) -> Any:
        return None if self.observed is None else backend.feed(self.observed)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.batches.start_epoch(epoch)
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = round(time.perf_counter() - self.started, 3)
        row = {"epoch": epoch + 1, **logs, **self._on_observed(), "seconds": seconds}
        _check_finite(row)
        self.history.append(_named(row, self.network))
        network = backend.copies(self.network.variables)
        if best_epoch(self.history, self.protocol) == epoch + 1:
            self.best = network
        optimizer = backend.copies(self.model.optimizer.variables)
        self.keep(State(self.history, network, optimizer, self.best))
        self.model.stop_training = is_over(self.history, self.protocol)

    def _on_observed(self) -> dict[str, float]:
        if self._observed is None:
            return {}
        found = self.model.evaluate(self._observed, verbose=0, return_dict=True)
        return {f"test_{name}": value for name, value in found.items()}


def _check_finite(row: Row) -> None:
    for name in ("loss", "val_loss"):
        if not math.isfinite(row.get(name, 0)):
            raise AdienceError(
                f"{name} is {row[name]} after epoch {row['epoch']}, the training has diverged; "
                "try a lower learning_rate"
            )


def _assign(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    if len(variables) != len(values):
        raise AdienceError("the state that the training should go on from is of another network")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _named(row: Row, network: keras.Model) -> Row:
    """With one output Keras writes ``accuracy`` where it writes ``age_accuracy`` with two.

    Its losses of each of two are left out (``_metrics``).
    """
    tasks, kinds = list(network.output), ("", "val_", "test_")
    if len(tasks) > 1:
        unweighted = [f"{kind}{task}_loss" for kind in kinds for task in tasks]
        return {name: value for name, value in row.items() if name not in unweighted}
    names = {f"{kind}accuracy": f"{kind}{tasks[0]}_accuracy" for kind in kinds}
    return {names.get(name, name): value for name, value in row.items()}


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


def predict(network: keras.Model, batches: Batches) -> dict[str, np.ndarray]:
    """For each task (n, classes) float32, in the order of ``batches``; gender may be (n, 1)."""
    return network.predict(backend.feed(batches), verbose=0)
