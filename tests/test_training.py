"""The training loop: its losses, and what its precision and gamma do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import QUICK
from small import shrink

from adience_lib import data, models, training
from adience_lib.data import Dataset, cache, loader
from adience_lib.data.labels import LABELS
from adience_lib.data.loader import Batches
from adience_lib.evidence import metrics
from adience_lib.experiments import cross_validation
from adience_lib.models import networks
from adience_lib.models.summary import leaf_layers
from adience_lib.protocol import DEMO
from adience_lib.runs.folder import Training
from adience_lib.runs.read import read_runs
from adience_lib.runs.train_fold import initial_network, train_fold
from adience_lib.util import backend


def test_losses_are_means_over_faces_and_their_sum_is_weighted(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """gamma * L_gender + (1 - gamma) * L_age, equation 1; 16 faces in batches of 12 and 4."""
    protocol = replace(QUICK, gamma=0.3, epochs=1, batch_size=12)
    folder = train_fold(Training(tiny, "multitask", protocol, 0, tmp_path), images)
    history = pd.read_csv(folder / "history.csv").iloc[0]
    predictions = pd.read_csv(folder / "predictions.csv")
    losses = {}
    for task in LABELS:
        probabilities = metrics.probabilities(predictions, task)
        losses[task] = -np.log(probabilities[np.arange(len(predictions)), predictions[task]]).mean()
        assert history[f"val_{task}_cross_entropy"] == pytest.approx(losses[task], rel=1e-4)
    weighted = 0.3 * losses["gender"] + 0.7 * losses["age"]
    assert history["val_loss"] == pytest.approx(weighted, rel=1e-4)
    assert not [name for name in history.index if name.endswith(("age_loss", "gender_loss"))]


GOLDEN = {
    "loss": 1.391304,
    "val_loss": 1.386465,
    "gender_cross_entropy": 0.702764,
    "age_cross_entropy": 2.079845,
}
"""After two epochs over 64 faces in batches of 12, the last of which has 4: a loss that were a mean
over batches would differ in the second digit."""


def test_losses_of_a_few_steps_stay(
    tiny: Dataset, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From fixed weights, faces and order, on networks with few filters, to rounding."""
    shrink(monkeypatch.setattr)
    protocol = replace(QUICK, batch_size=12)
    network = initial_network("multitask", protocol, 0)
    parts = loader.split(tiny.faces, 0, "test_fold", protocol.seed)
    train, test = (
        Batches(images, tiny.faces.loc[rows], ("gender", "age"), protocol.batch_size, seed)
        for rows, seed in ((parts.train, protocol.training_seed(0)), (parts.test, None))
    )
    last = training.train(network, protocol, train, test)[-1]
    assert {name: last[name] for name in GOLDEN} == pytest.approx(GOLDEN, rel=1e-3)


def test_a_step_is_traced_once(
    tiny: Dataset, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Metrics that came into being within it would let TensorFlow trace it again."""
    shrink(monkeypatch.setattr)
    network = initial_network("multitask", QUICK, 0)
    model = training.compiled(network, QUICK, steps=1)
    step, traced = model.train_step, []

    def train_step(*arguments: Any) -> Any:
        traced.append(arguments)
        return step(*arguments)

    monkeypatch.setattr(model, "train_step", train_step)
    faces = Batches(images, tiny.faces[:8], ("gender", "age"), 8)
    model.fit(backend.feed(faces), shuffle=False, verbose=0)
    assert len(traced) == 1


@pytest.mark.parametrize(
    ("gamma", "task", "idle"), [(1.0, "gender", "age"), (0.0, "age", "gender")]
)
def test_gamma_at_its_ends_is_one_task(gamma: float, task: str, idle: str) -> None:
    """From equal weights and seeds, gamma 1 takes the gender network's own steps, to float
    tolerance, while the age head does not move; gamma 0 the reverse."""
    protocol = replace(QUICK, gamma=gamma, learning_rate=1e-3)
    both, alone = (initial_network(name, protocol, 0) for name in ("multitask", task))
    for layer in leaf_layers(alone):
        twin = next(one for one in leaf_layers(both) if one.name == layer.name)
        twin.set_weights(layer.get_weights())
        for generators in zip(_generators(twin), _generators(layer), strict=True):
            generators[0].state.assign(generators[1].state)
    before = _head(both, idle)
    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (8, 256, 256, 3), "uint8")
    labels = {"gender": random.integers(0, 2, (8, 1)), "age": random.integers(0, 8, (8, 1))}
    for model, name in ((both, "multitask"), (alone, task)):
        twin = training.compiled(model, protocol, steps=3)
        for _ in range(3):
            twin.train_on_batch(faces, {head: labels[head] for head in models.tasks(name)})
    for start, end in zip(before, _head(both, idle), strict=True):
        np.testing.assert_array_equal(start, end)
    for layer in leaf_layers(alone):
        twin = next(one for one in leaf_layers(both) if one.name == layer.name)
        for ours, theirs in zip(twin.get_weights(), layer.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-6)


def _generators(layer: keras.layers.Layer) -> list[keras.random.SeedGenerator]:
    return list(layer._seed_generators)


def _head(network: keras.Model, task: str) -> list[np.ndarray]:
    layers = [layer for layer in network.layers if layer.name.startswith(task)]
    return [weight for layer in layers for weight in layer.get_weights()]


def test_bfloat16_reaches_the_accuracy_of_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the folds of the demo, under its protocol: the difference is within twice its standard
    error over the test faces, and both have learned.

    With a third of the filters, and on two folds where a processor has no instructions for
    bfloat16: there the whole network on five would take half an hour."""
    monkeypatch.setattr(networks, "REDUCED_FILTERS", (8, 16, 32))
    demo = data.load("demo")
    images = cache.images(demo)
    folds = range(2 if backend.emulates_bfloat16() else 5)
    right = {}
    for precision in ("float32", "mixed_bfloat16"):
        protocol = replace(DEMO, precision=precision, monitor="none")
        trainings = [Training(demo, "gender", protocol, fold, tmp_path) for fold in folds]
        runs = read_runs(cross_validation.cross_validate(trainings, images))
        found = runs.predictions
        right[precision] = ((found["gender m"] > 0.5) == found["gender"]).astype(float)
    difference = right["mixed_bfloat16"] - right["float32"]
    assert abs(difference.mean()) <= 2 * difference.std() / len(difference) ** 0.5 + 1e-9
    assert min(right[precision].mean() for precision in right) > 0.55
