"""With JAX on an accelerator: the faces lie in its memory, and an epoch is one call.

Keras' own loop calls once a batch, and hands over the batch and every weight; a step of the paper's
networks takes an H100 two milliseconds (docs/speed.md). The steps themselves are Keras' own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from adience_lib.data.loader import Batches
from adience_lib.util import backend

Step = Callable[[Any, Any], tuple[Any, Any]]
"""Keras' ``train_step`` or ``test_step``: from a state and a batch to logs and the next state."""


def is_possible() -> bool:
    """Whether ``fit`` takes the place of Keras' own."""
    return keras.backend.backend() == "jax" and not backend.on_processor()


def fit(
    model: keras.Model,
    batches: Batches,
    monitored: Batches | None,
    callbacks: Sequence[keras.callbacks.Callback],
    epochs: range,
) -> None:
    """As ``model.fit``, which would be given the same. ``epochs``: their numbers, from 0. Callbacks
    hear of the last batch of an epoch only."""
    listening = keras.callbacks.CallbackList(
        list(callbacks), model=model, epochs=epochs.stop, steps=len(batches)
    )
    faces, others = _Faces.of(batches), None if monitored is None else _Faces.of(monitored)
    trained = [model.trainable_variables, model.non_trainable_variables]
    train = _whole(model.train_step, [*trained, model.optimizer.variables, model.metrics_variables])
    test = _whole(model.test_step, [*trained, model.metrics_variables])

    def done(over: Callable[..., None], faces: "_Faces", order: Any) -> dict[str, float]:
        model.reset_metrics()
        over(faces, order)
        found = sorted(model.get_metrics_result().items())
        return {name: float(value) for name, value in found}

    model.stop_training = False
    listening.on_train_begin()
    for epoch in epochs:
        listening.on_epoch_begin(epoch)
        logs = done(train, faces, batches.order)
        listening.on_train_batch_end(len(batches) - 1, logs)
        if others and monitored is not None:
            found = done(test, others, monitored.order)
            logs |= {f"val_{name}": value for name, value in found.items()}
        listening.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    listening.on_train_end()


@dataclass(frozen=True)
class _Faces:
    """Those of some batches, in the accelerator's memory: images, and labels by task."""

    images: Any
    labels: dict[str, Any]
    batch_size: int

    @staticmethod
    def of(batches: Batches) -> "_Faces":
        import jax

        images = jax.device_put(batches.images[batches.rows])
        return _Faces(images, jax.device_put(batches.labels), batches.batch_size)


def _whole(step: Step, groups: list[list[keras.Variable]]) -> Callable[[_Faces, Any], None]:
    """A function that takes every step over faces in an order, and changes the variables."""
    import jax

    def steps(state: Any, images: Any, labels: Any, order: Any, size: int) -> Any:
        def one(state: Any, chosen: Any) -> tuple[Any, None]:
            batch = images[chosen], {task: values[chosen] for task, values in labels.items()}
            return step(state, batch)[1], None

        whole = len(order) // size * size
        state, _ = jax.lax.scan(one, state, order[:whole].reshape(-1, size))
        return one(state, order[whole:])[0] if whole < len(order) else state

    compiled = jax.jit(steps, static_argnames="size")

    def over(faces: _Faces, order: Any) -> None:
        state = tuple([variable.value for variable in group] for group in groups)
        state = compiled(state, faces.images, faces.labels, order, faces.batch_size)
        for group, values in zip(groups, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)

    return over
