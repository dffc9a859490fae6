"""What a linear model reads off features that are not trained for it: frozen networks, pixels.

A readout is a logistic regression (scikit-learn's) on the training folds' features, scored on the
test fold. It leaves a run folder like a training's, without a network.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache as remember
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from adience_lib.data import loader
from adience_lib.data.labels import LABELS
from adience_lib.experiments.experiment import Experiment
from adience_lib.models import pretrained
from adience_lib.models.networks import cropped_image
from adience_lib.models.pretrained import Weights
from adience_lib.runs.folder import predictions_table, write_once, write_table
from adience_lib.runs.read import FROZEN, Runs, load_network, read_runs
from adience_lib.runs.train_fold import initial_network
from adience_lib.util import backend
from adience_lib.util.errors import AdienceError

DIRECTIONS = {"age": "gender", "gender": "age"}
"""Which task is read off the trunk that was trained for which other."""

COMPONENTS = 128
"""Principal components of the training faces' features that the linear model sees: as many for
each kind of features, so that none has more to read than another."""

STRENGTH = 0.01
"""``C`` of the logistic regression. Chosen among powers of ten by cross-validation within the
training faces of one fold of UTKFace: the best or within 1.5 points of it for pixels and trunk, for
age and gender. With scikit-learn's own 1, all four were 2.0 to 5.4 points worse."""

POOLED_TRUNK, POOLED_PIXELS = 3, 9
"""Side of the squares over which features are averaged first: the trunk's 24x24 places become
8x8, the 227x227 pixels 25x25."""

BATCH = 64


def names() -> list[str]:
    """All readouts of claim 6: "age_from_gender", its two controls, and the reverse."""
    return [
        f"{task}_from_{source}"
        for task, other in DIRECTIONS.items()
        for source in (other, "untrained", "pixels")
    ]


def probe(experiment: Experiment) -> dict[str, Runs]:
    """Each task read off the other's trained trunk, off the untrained one, and off the pixels, by
    the readout's name, on the extra folds. Raises AdienceError if the gender or age network of one
    has not been trained."""
    few = replace(experiment, folds=experiment.extra_folds)
    pixels = remember(lambda: _run(_pixels(), few))

    def features(name: str, fold: int) -> np.ndarray:
        task, source = name.split("_from_")
        if source == "pixels":
            return pixels()
        if source == "untrained":
            return _run(_trunk(initial_network(DIRECTIONS[task], few.protocol, fold)), few)
        return _run(_trunk(load_network(few.folder(source, fold))), few)

    asked = names() if few.folds else []
    return {name: _read(few, name, partial(features, name)) for name in asked}


def probe_related(experiment: Experiment, xception: Weights | None) -> dict[str, Runs]:
    """The related work's way: ``probe_frozen`` for each network whose weights are there, by name.
    ``xception``: as of ``for_transfer``; None fetches nothing. A line says what is left out."""
    if xception is None:
        print("Linear models on frozen networks are left out: there are no weights of ImageNet.")
        return {}
    found = {"xception": xception}
    try:
        found["vgg16"] = pretrained.find_imagenet("VGG16")
    except AdienceError as error:
        print(f"VGG-16 is left out: {error}")
    return {name: probe_frozen(experiment, name, weights) for name, weights in found.items()}


def probe_frozen(experiment: Experiment, name: str, weights: Weights) -> Runs:
    """Both tasks read off the last map of a network of ``FROZEN``, averaged over its places, on
    every fold: the related work that the paper builds on (1.1). VGG-16 gives 512 numbers a face,
    Xception 2,048."""
    # The same for every fold, and the slow part: made once, and only if a fold asks.
    features = remember(lambda: _run(_frozen(name, weights), experiment))
    return _read(frozen(experiment, weights.label), name, lambda _: features())


def frozen(experiment: Experiment, weights_label: str) -> Experiment:
    """The same, for a linear model on a network of ImageNet, whose features are float32."""
    return experiment.under(weights=weights_label, precision="float32")


def _read(experiment: Experiment, name: str, features: Callable[[int], np.ndarray]) -> Runs:
    """Every fold's run; its single "epoch" is the fitting, features included. ``features``: from a
    fold to (faces of the sample, numbers) float32, in the manifest's order."""
    protocol, faces = experiment.protocol, experiment.faces
    tasks = list(LABELS) if name in FROZEN else name.split("_from_")[:1]

    def write(fold: int, result: Path) -> dict[str, object]:
        started = time.perf_counter()
        split = loader.split(faces, fold, protocol.monitor, protocol.seed)
        numbers = pd.DataFrame(features(fold), index=faces.index)
        train, test = (numbers.loc[rows].to_numpy() for rows in (split.train, split.test))
        outputs = {}
        for task in tasks:
            linear = _linear(len(train), is_reduced=name not in FROZEN)
            linear.fit(train, faces.loc[split.train, task])
            outputs[task] = _all_classes(linear, test, task)
        seconds = round(time.perf_counter() - started, 3)
        write_table(pd.DataFrame({"epoch": [1], "seconds": [seconds]}), result / "history.csv")
        table = predictions_table(faces.loc[split.test], outputs)
        write_table(table, result / "predictions.csv")
        return {
            "epochs": 1,
            "best_epoch": 1,
            "seconds": seconds,
            "peak_memory": None,
            "faces": {part: len(rows) for part, rows in vars(split).items()},
            "parameters": {"total": None},
            "machines": [backend.machine()],
        }

    trainings = [experiment.training(name, fold) for fold in experiment.folds]
    for training in trainings:
        write_once(training, partial(write, training.fold))
    return read_runs([training.folder for training in trainings])


def _linear(faces: int, is_reduced: bool) -> Pipeline:
    """The linear model for so many training faces; reduced, it sees principal components."""
    # Components keep their spread. Brought to one, the faintest would count as much as the
    # strongest: a planted signal was read in 31 % of the faces instead of all.
    components = [PCA(min(COMPONENTS, faces - 1), random_state=0)] if is_reduced else []
    regression = LogisticRegression(C=STRENGTH, max_iter=1000)
    return make_pipeline(StandardScaler(), *components, regression)


def _all_classes(fitted: Pipeline, numbers: np.ndarray, task: str) -> np.ndarray:
    """Probabilities of all labels: 0 for one that no training face has."""
    given = np.zeros((len(numbers), len(LABELS[task])))
    given[:, fitted.classes_] = fitted.predict_proba(numbers)
    return given


def _trunk(network: keras.Model) -> keras.Model:
    """From the image to the trunk's map, averaged over squares."""
    pooled = keras.layers.AveragePooling2D(POOLED_TRUNK)(network.get_layer("features").input)
    return keras.Model(network.input, keras.layers.Flatten(dtype="float32")(pooled))


def _pixels() -> keras.Model:
    image, face = cropped_image()
    pooled = keras.layers.AveragePooling2D(POOLED_PIXELS)(keras.layers.Rescaling(1 / 255)(face))
    return keras.Model(image, keras.layers.Flatten()(pooled))


def _frozen(name: str, weights: Weights) -> keras.Model:
    """From the image, uint8, to the network's last map, averaged over its places."""
    applications = {"xception": keras.applications.Xception, "vgg16": keras.applications.VGG16}
    image, face = cropped_image()
    network = applications[name](
        include_top=False, weights=None, input_shape=tuple(face.shape[1:]), pooling="avg"
    )
    network.load_weights(weights.file)
    as_trained = getattr(keras.applications, name).preprocess_input
    return keras.Model(image, network(as_trained(keras.ops.cast(face, "float32"))))


def _run(network: keras.Model, experiment: Experiment) -> np.ndarray:
    """The features of the faces used, a batch at a time, with a progress bar."""
    images, rows = experiment.images, experiment.faces.index.to_numpy()
    starts = tqdm(range(0, len(rows), BATCH), "Features", unit="batch", leave=False, mininterval=1)
    parts = [network.predict_on_batch(images[rows[start : start + BATCH]]) for start in starts]
    return np.concatenate(parts)
