"""What test_backends.py runs under each backend: ``python backends.py FOLDER RESULT``."""

import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from conftest import tiny_rows, write_adience

from adience_lib import data, models
from adience_lib.data import cache
from adience_lib.models.summary import parameter_counts
from adience_lib.protocol import SMOKE
from adience_lib.runs.folder import Training
from adience_lib.runs.read import load_network
from adience_lib.runs.train_fold import train_fold
from adience_lib.speed.rewritten import lean

NETWORKS = ("multitask", "transfer", "levi_hassner_age")
PROTOCOL = replace(SMOKE, faces=None, epochs=2, batch_size=32, monitor="none")


def fill(network: keras.Model) -> None:
    """The same weights under every backend, whose own random numbers differ."""
    random = np.random.default_rng(0)
    for weight in network.weights:
        fan_in = max(1, int(np.prod(weight.shape[:-1])))
        scale = np.sqrt(2 / fan_in) if "kernel" in weight.name else 0.1
        start = 1.0 if weight.name in ("gamma", "moving_variance") else 0.0
        spread = np.abs(random.normal(0, scale, weight.shape)) if start else None
        values = random.normal(0, scale, weight.shape) if spread is None else start + spread
        weight.assign(values.astype("float32"))


def main(folder: Path, result: Path) -> None:
    """Forward passes of the networks and their twins, and a training, as one archive."""
    faces = np.random.default_rng(1).integers(0, 256, (2, 256, 256, 3), "uint8")
    faces[1] //= 4
    found: dict[str, np.ndarray] = {}
    for name in NETWORKS:
        network = models.build(name)
        fill(network)
        found[f"{name} parameters"] = np.array(list(parameter_counts(network).values()))
        for kind, model in (("network", network), ("twin", lean(network))):
            for task, output in model(faces, training=False).items():
                found[f"{name} {kind} {task}"] = keras.ops.convert_to_numpy(output)
    dataset = data.load(write_adience(folder / "adience", tiny_rows()))
    images = cache.images(dataset)
    run = train_fold(Training(dataset, "gender", PROTOCOL, 0, folder / "runs"), images)
    found["run folder"] = np.array(sorted(file.name for file in run.iterdir()))
    found["columns"] = np.array((run / "history.csv").read_text().splitlines()[0])
    found["rows"] = np.array(
        [len((run / name).read_text().splitlines()) for name in ("history.csv", "predictions.csv")]
    )
    loaded = load_network(run)
    found["loaded"] = keras.ops.convert_to_numpy(loaded(faces)["gender"])
    np.savez(result, allow_pickle=False, **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
