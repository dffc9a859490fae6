"""Protocols and training: what is fixed, what is written, and what is refused."""

import json
import resource
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from adience_lib import data, models, training
from adience_lib.data import Dataset, cache
from adience_lib.data.labels import LABELS
from adience_lib.data.loader import Batches
from adience_lib.evidence import metrics
from adience_lib.experiments import cross_validation
from adience_lib.models.summary import leaf_layers
from adience_lib.protocol import DEMO, LEVI_HASSNER, PAPER, SMOKE, Protocol
from adience_lib.runs.folder import record, run_folder
from adience_lib.runs.read import load_network, read_runs
from adience_lib.runs.train_fold import initial_network, train_fold
from adience_lib.util import backend
from adience_lib.util.errors import AdienceError

OF_THE_MOMENT = ["seconds", "peak_memory"]
"""Columns of the history in which two equal runs differ."""

QUICK = replace(SMOKE, faces=None, batch_size=8, epochs=2)


@pytest.fixture(scope="module")
def images(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The decoded images of the small dataset."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADIENCE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return cache.images(tiny)


@pytest.fixture(scope="module")
def finished(tiny: Dataset, images: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a multi-task network after two epochs."""
    return train_fold(tiny, images, "multitask", QUICK, 1, tmp_path_factory.mktemp("runs"))


def test_paper_protocol_is_the_papers() -> None:
    """Section 3.4, word for word."""
    assert (PAPER.epochs, PAPER.batch_size, PAPER.patience) == (100, 128, 10)
    adam = (PAPER.learning_rate, PAPER.beta_1, PAPER.beta_2, PAPER.epsilon)
    assert adam == (1e-4, 0.9, 0.999, 1e-7)
    assert (PAPER.monitor, PAPER.precision, PAPER.faces) == ("test_fold", "float32", None)


@pytest.mark.parametrize(
    ("protocol", "label"),
    [
        (PAPER, "paper"),
        (replace(PAPER, gamma=0.3, monitor="held_out"), "paper,gamma=0.3,monitor=held_out"),
        (replace(DEMO, epochs=1), "demo,epochs=1"),
        (replace(PAPER, gamma=1), "paper,gamma=1"),
        (replace(PAPER, gamma=1.0, learning_rate=3e-5), "paper,learning_rate=3e-05,gamma=1"),
        (SMOKE, "smoke"),
    ],
)
def test_label_names_what_differs_from_the_base(protocol: Protocol, label: str) -> None:
    """Runs that differ in anything lie in different folders."""
    assert protocol.label == label


@pytest.mark.parametrize(
    "change",
    [{"gamma": 1.5}, {"epochs": 0}, {"monitor": "train"}, {"precision": "int8"}, {"faces": 3}],
)
def test_value_out_of_range_says_what_is_allowed(change: dict[str, Any]) -> None:
    """The field, its value and the range."""
    (name,) = change
    with pytest.raises(AdienceError, match=f"{name} is .*; allowed: "):
        replace(PAPER, **change)


def test_run_folder_is_complete_and_readable_without_keras(finished: Path, tiny: Dataset) -> None:
    """Six files; protocol, machine and dataset; a row an epoch; a row a test face."""
    names = {"protocol.json", "history.csv", "predictions.csv", "best.keras", "run.json"}
    names.add("SHA256SUMS")
    assert {file.name for file in finished.iterdir()} == names
    specification = json.loads((finished / "protocol.json").read_text())
    assert specification["fingerprint"] == tiny.fingerprint
    assert Protocol(**specification["protocol"]) == QUICK
    history = pd.read_csv(finished / "history.csv")
    assert list(history["epoch"]) == [1, 2]
    predictions = pd.read_csv(finished / "predictions.csv")
    assert list(predictions["face"]) == list(tiny.faces["path"][tiny.faces["fold"] == 1])
    for task in ("gender", "age"):
        total = metrics.probabilities(predictions, task).sum(axis=1)
        np.testing.assert_allclose(total, 1, rtol=1e-5)
    run = json.loads((finished / "run.json").read_text())
    assert (run["status"], run["epochs"]) == ("finished", 2)
    assert run["machines"][0]["keras"]
    assert run["faces"] == {"train": 64, "monitored": 16, "test": 16}


def test_scores_are_those_of_the_best_epoch(finished: Path) -> None:
    """The epoch of the lowest monitored loss is chosen, and its weights make the predictions."""
    history = pd.read_csv(finished / "history.csv")
    best = json.loads((finished / "run.json").read_text())["best_epoch"]
    assert history["val_loss"].idxmin() + 1 == best
    scores = metrics.fold_scores(read_runs([finished])).iloc[0]
    for task in ("gender", "age"):
        monitored = history[f"val_{task}_accuracy"][best - 1]
        assert scores[task] / 100 == pytest.approx(monitored, abs=1e-6)


def test_losses_are_means_over_faces_and_their_sum_is_weighted(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """gamma * L_gender + (1 - gamma) * L_age, equation 1; 16 faces in batches of 12 and 4."""
    protocol = replace(QUICK, gamma=0.3, epochs=1, batch_size=12)
    folder = train_fold(tiny, images, "multitask", protocol, 0, tmp_path)
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


def test_same_protocol_gives_the_same_run(
    finished: Path, tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """History (but for the seconds) and predictions are equal to the last digit."""
    again = train_fold(tiny, images, "multitask", QUICK, 1, tmp_path)
    first, second = (pd.read_csv(folder / "history.csv") for folder in (finished, again))
    pd.testing.assert_frame_equal(
        first.drop(columns=OF_THE_MOMENT), second.drop(columns=OF_THE_MOMENT)
    )
    assert (finished / "predictions.csv").read_bytes() == (again / "predictions.csv").read_bytes()


def test_every_epoch_is_fed_the_batches_in_its_own_order(tiny: Dataset, images: np.ndarray) -> None:
    """All of them, the smaller last one too, as what feeds the network is gone through again."""
    batches = Batches(images, tiny.faces, ("gender", "age"), 24, shuffle_seed=1)
    fed = backend.feed(batches)
    assert len(fed) == len(batches) == 4
    for epoch in (0, 1):
        batches.start_epoch(epoch)
        for number, (faces, labels) in enumerate(fed):
            expected, known = batches[number]
            np.testing.assert_array_equal(faces, expected)
            for task in ("gender", "age"):
                np.testing.assert_array_equal(labels[task], known[task])


def test_finished_fold_is_not_trained_again(
    finished: Path, tiny: Dataset, images: np.ndarray
) -> None:
    """The second call gives the same folder, untouched."""
    written = (finished / "best.keras").stat().st_mtime_ns
    runs_dir = finished.parents[3]
    assert train_fold(tiny, images, "multitask", QUICK, 1, runs_dir) == finished
    assert (finished / "best.keras").stat().st_mtime_ns == written


def test_network_of_another_run_is_not_loaded(finished: Path, tmp_path: Path) -> None:
    """Whoever has exchanged the file: its digest is not the one that the training left."""
    copy = tmp_path / "fold_1"
    shutil.copytree(finished, copy)
    assert load_network(copy).count_params() == 14_287_625
    models.build("gender").save(copy / "best.keras")
    with pytest.raises(AdienceError, match=r"best\.keras: not as the run left it"):
        load_network(copy)


def test_folder_of_another_protocol_is_refused(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Two experiments are not mixed: the message names what differs."""
    folder = run_folder(tmp_path, tiny, "gender", QUICK, 0)
    folder.mkdir(parents=True)
    other = record(tiny, "gender", replace(QUICK, epsilon=1e-8), 0)
    (folder / "protocol.json").write_text(json.dumps(other))
    with pytest.raises(AdienceError, match="holds a run with another protocol; delete it"):
        train_fold(tiny, images, "gender", QUICK, 0, tmp_path)


def test_run_from_before_the_network_was_rebuilt_is_refused(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Without Table 1's third normalisation it was another network."""
    folder = run_folder(tmp_path, tiny, "gender", QUICK, 0)
    folder.mkdir(parents=True)
    specification = record(tiny, "gender", QUICK, 0)
    assert specification.pop("version") == 2
    (folder / "protocol.json").write_text(json.dumps(specification))
    with pytest.raises(AdienceError, match="holds a run with another version; delete it"):
        train_fold(tiny, images, "gender", QUICK, 0, tmp_path)


@pytest.mark.parametrize(
    ("model", "rebuilt"),
    [
        ("multitask", True),
        ("age_from_gender", True),
        ("age_from_untrained", True),
        ("age_from_pixels", False),
        ("transfer", False),
        ("levi_hassner_gender", False),
    ],
)
def test_runs_of_rebuilt_networks_and_what_is_read_off_them_say_so(
    tiny: Dataset, model: str, rebuilt: bool
) -> None:
    """All other runs have stayed valid."""
    assert ("version" in record(tiny, model, QUICK, 0)) == rebuilt


def test_held_out_and_none_and_a_single_task(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Without monitoring the last epoch is kept, and nothing is measured on the way."""
    protocol = replace(QUICK, monitor="none")
    folder = train_fold(tiny, images, "levi_hassner_gender", protocol, 0, tmp_path)
    history = pd.read_csv(folder / "history.csv")
    assert not [name for name in history if name.startswith("val_")]
    assert "gender_accuracy" in history
    assert json.loads((folder / "run.json").read_text())["best_epoch"] == 2


def test_weights_must_be_those_of_the_protocol(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Random features are never recorded as ImageNet's."""
    protocol = replace(QUICK, weights="imagenet")
    with pytest.raises(AdienceError, match="weights=imagenet, but random were given"):
        train_fold(tiny, images, "transfer", protocol, 0, tmp_path)


def test_full_disk_is_an_error_and_training_goes_on_when_there_is_room(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """The state does not fit: the error names the folder, and nothing half-written stays."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    protocol = replace(QUICK, epochs=1)
    try:
        with pytest.raises(AdienceError, match="fold_0: cannot be written"):
            train_fold(tiny, images, "gender", protocol, 0, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    left = [file.name for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size]
    assert left == ["protocol.json"]
    assert read_runs([train_fold(tiny, images, "gender", protocol, 0, tmp_path)])


def test_run_folder_that_cannot_be_written_is_named_before_training(
    tiny: Dataset, images: np.ndarray
) -> None:
    """/proc takes no folder, even from the administrator; no epoch is lost finding out."""
    with pytest.raises(AdienceError, match=r"/proc/runs/.*fold_0: cannot be written"):
        train_fold(tiny, images, "gender", QUICK, 0, Path("/proc/runs"))


def test_batches_hold_every_face_once_an_epoch_in_another_order(
    tiny: Dataset, images: np.ndarray
) -> None:
    """Each epoch's order follows from the seed and the epoch's number alone."""
    faces = tiny.faces.iloc[5:35]
    batches = Batches(images, faces, ("age",), 8, shuffle_seed=1)
    orders = []
    for epoch in (0, 1, 0):
        batches.start_epoch(epoch)
        parts = [batches[number] for number in range(len(batches))]
        assert [len(pixels) for pixels, _ in parts] == [8, 8, 8, 6]
        orders.append(list(batches.rows[batches.order]))
        labels = np.concatenate([labels["age"][:, 0] for _, labels in parts])
        np.testing.assert_array_equal(labels, tiny.faces["age"][orders[-1]])
        np.testing.assert_array_equal(parts[0][0][0], images[orders[-1][0]])
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == list(faces.index)


def test_test_fold_is_logged_beside_held_out_subjects_and_used_for_nothing(
    tiny: Dataset, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the log the training is the same, to the last digit; and the log is right."""
    protocol = replace(QUICK, monitor="held_out")
    logged = train_fold(tiny, images, "gender", protocol, 0, tmp_path / "logged")
    monkeypatch.setattr(training._Epochs, "_on_observed", lambda _: {})
    silent = train_fold(tiny, images, "gender", protocol, 0, tmp_path / "silent")
    history, without = (pd.read_csv(folder / "history.csv") for folder in (logged, silent))
    columns = [name for name in history if name.startswith("test_")]
    assert columns == ["test_gender_accuracy", "test_loss"]
    pd.testing.assert_frame_equal(
        history.drop(columns=[*columns, *OF_THE_MOMENT]), without.drop(columns=OF_THE_MOMENT)
    )
    assert (logged / "predictions.csv").read_bytes() == (silent / "predictions.csv").read_bytes()
    best = json.loads((logged / "run.json").read_text())["best_epoch"]
    scores = metrics.fold_scores(read_runs([logged])).iloc[0]
    assert scores["gender"] / 100 == pytest.approx(history["test_gender_accuracy"][best - 1])


def test_levi_hassner_recipe_trains_and_scores_ten_crops(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Their own optimizer, no monitoring, and a second table of predictions."""
    protocol = replace(LEVI_HASSNER, epochs=1, batch_size=16)
    folder = train_fold(tiny, images, "levi_hassner_age", protocol, 0, tmp_path)
    runs = read_runs([folder])
    ten = runs.on_ten_crops()
    assert list(ten.predictions["face"]) == list(runs.predictions["face"])
    assert not np.allclose(ten.predictions["age (0, 2)"], runs.predictions["age (0, 2)"])
    assert runs.records["peak_memory"].item() > 100e6


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


def test_bfloat16_reaches_the_accuracy_of_float32(tmp_path: Path) -> None:
    """On all folds of the demo, under its protocol: the difference is within twice its standard
    error over the test faces, and both have learned."""
    demo = data.load("demo")
    images = cache.images(demo)
    right = {}
    for precision in ("float32", "mixed_bfloat16"):
        protocol = replace(DEMO, precision=precision, monitor="none")
        folders = cross_validation.cross_validate(
            demo, images, "gender", protocol, (0, 1, 2, 3, 4), tmp_path
        )
        runs = read_runs(folders)
        found = runs.predictions
        right[precision] = ((found["gender m"] > 0.5) == found["gender"]).astype(float)
    difference = right["mixed_bfloat16"] - right["float32"]
    assert abs(difference.mean()) <= 2 * difference.std() / len(difference) ** 0.5 + 1e-9
    assert min(right[precision].mean() for precision in right) > 0.55
