"""The measurements, each of which runs in a process of its own.

Such a process has the backend, the threads and the memory to itself, and starts as cold as a
user's does. It gets its arguments, and gives what it found, as JSON.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from adience_lib.protocol import DEMO, PAPER
from adience_lib.runs.train_fold import initial_network
from adience_lib.util.errors import AdienceError

PHOTOGRAPH = 816
"""Height and width of Adience's aligned photographs, in pixels."""


def step(
    model: str, precision: str, batch_size: int, rounds: int, as_written: bool = False
) -> dict[str, Any]:
    """Training step and forward pass of a network on one batch in memory, beside the machine's
    own rate for a matrix product, measured before and after in the same process.

    ``as_written``: the network itself with Keras' Adam, in place of its twin (``lean.py``); no
    rate is measured then.
    """
    from benchmarks import arithmetic

    kind = "float32" if precision == "float32" else "bfloat16"
    rates = [] if as_written else [arithmetic.rate(kind, rounds)]
    network, twin = _twin(model, precision, batch_size)
    if as_written:
        twin = _as_written(network)
    faces, labels = _batch(list(network.output), batch_size)
    for _ in range(2):
        twin.train_on_batch(faces, labels)
    twin.predict_on_batch(faces)
    a_step = arithmetic.best_seconds(lambda: twin.train_on_batch(faces, labels), rounds)
    forward = arithmetic.best_seconds(lambda: twin.predict_on_batch(faces), rounds)
    if not as_written:
        rates.append(arithmetic.rate(kind, rounds))
    work = arithmetic.work(network)
    return {
        "step": a_step,
        "forward": forward,
        "step_work": work.step * batch_size,
        "forward_work": work.forward * batch_size,
        "rate": max(rates, default=None),
    }


def machine() -> dict[str, Any]:
    """The hardware and the versions that are measured."""
    from adience_lib.util import backend

    return backend.machine()


def pytorch(
    tasks: list[str], precision: str, batch_size: int, compiled: bool, rounds: int
) -> dict[str, Any]:
    """A training step of the same network in PyTorch."""
    from benchmarks.pytorch import seconds_a_step

    return {"step": seconds_a_step(tuple(tasks), precision, batch_size, compiled, rounds)}


def epoch(precision: str, batch_size: int, steps: int, rounds: int) -> dict[str, Any]:
    """An epoch of the gender network from the cache, as ``fit`` runs it, and as many steps on one
    batch in memory, in turns. The cache is a file of its own of ``steps`` batches."""
    import pandas as pd

    from adience_lib.data.loader import Batches
    from adience_lib.util import backend
    from benchmarks.arithmetic import best_seconds

    _, twin = _twin("gender", precision, batch_size)
    count = batch_size * steps
    with _images(count) as images:
        labels = pd.DataFrame({"gender": [row % 2 for row in range(count)]})
        batches = backend.feed(Batches(images, labels, ("gender",), batch_size, 0))
        faces, genders = _batch(["gender"], batch_size)
        twin.fit(batches, epochs=1, verbose=0)
        twin.train_on_batch(faces, genders)

        def bare() -> None:
            for _ in range(steps):
                twin.train_on_batch(faces, genders)

        pairs = [
            (best_seconds(lambda: twin.fit(batches, epochs=1, verbose=0), 1), best_seconds(bare, 1))
            for _ in range(rounds)
        ]
    fitted, in_memory = (min(times) for times in zip(*pairs, strict=True))
    return {"epoch": fitted, "bare": in_memory}


def decoding(count: int) -> dict[str, Any]:
    """Seconds to decode ``count`` photographs of 816x816 pixels: into the cache, and by Pillow
    alone on one core, at full size and with its own reduced decoding."""
    from PIL import Image

    from adience_lib.data import cache
    from benchmarks.arithmetic import best_seconds

    with tempfile.TemporaryDirectory() as folder:
        files = _photographs(Path(folder), count)

        def pillow(draft: bool) -> None:
            for file in files:
                with Image.open(file) as image:
                    if draft:
                        image.draft("RGB", (256, 256))
                    image.convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)

        dataset = _dataset(Path(folder), files)
        os.environ["ADIENCE_CACHE"] = str(Path(folder) / "cache")
        return {
            "cache": best_seconds(lambda: cache.images(dataset), 1),
            "pillow": best_seconds(lambda: pillow(False), 1),
            "draft": best_seconds(lambda: pillow(True), 1),
        }


def archive(count: int) -> dict[str, Any]:
    """Seconds to build the cache of ``count`` photographs: from their folder, and from a
    ``.tar.gz`` of it, which is unpacked first."""
    import tarfile

    from adience_lib.data import archives, cache
    from benchmarks.arithmetic import best_seconds

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        dataset = _dataset(root, _photographs(root, count))
        packed = root / "photographs.tar.gz"
        with tarfile.open(packed, "w:gz") as target:
            for path in dataset.faces["path"]:
                target.add(root / path, f"photographs/{path}")
        names = [f"photographs/{path}" for path in dataset.faces["path"]]
        os.environ["ADIENCE_CACHE"] = str(root / "cache")

        def from_archive() -> None:
            source = archives.unpacked(packed, "photographs")
            cache.images(replace(dataset, faces=dataset.faces.assign(path=names), source=source))

        return {
            "folder": best_seconds(lambda: cache.images(dataset), 1),
            "archive": best_seconds(from_archive, 1),
        }


def predicting(count: int, batch_size: int, rounds: int) -> dict[str, Any]:
    """Seconds of the multi-task network for ``count`` photographs in files, of its forward pass in
    training for a batch in memory, and of the command ``predict`` until its first answer."""
    from adience_lib.deploy import predict
    from benchmarks.arithmetic import best_seconds

    network, twin = _twin("multitask", "float32", batch_size)
    faces, _ = _batch(["gender", "age"], batch_size)
    twin.predict_on_batch(faces)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "best.keras"
        network.save(model)
        files = _photographs(Path(folder), count)
        predictor = predict.load(model)
        predictor.predict(files[:1])
        predictor.predict(files)
        command = [sys.executable, "-m", "adience_lib", "predict", str(files[0])]
        command += ["--model", str(model)]

        def first_answer() -> None:
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as process:
                assert process.stdout is not None
                assert process.stdout.readline()
                process.kill()

        return {
            "predict": best_seconds(lambda: predictor.predict(files), rounds),
            "forward": best_seconds(lambda: twin.predict_on_batch(faces), rounds),
            "command": best_seconds(first_answer, rounds),
        }


def side_by_side(workers: int, folds: int, epochs: int, faces: int) -> dict[str, Any]:
    """Seconds of ``folds`` trainings of the gender network by ``workers`` processes, each with its
    share of the cores; by this process where there is none. Starting Dask is not part of it."""
    from adience_lib import data
    from adience_lib.data import cache
    from adience_lib.experiments import cross_validation

    protocol = replace(
        PAPER, epochs=epochs, batch_size=32, faces=faces, monitor="none", weights="random"
    )
    demo = data.load("demo")
    images = cache.images(demo)
    executor = cross_validation.executor(f"local:{workers}") if workers else None
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        cross_validation.cross_validate(
            demo,
            images,
            "gender",
            protocol,
            tuple(range(folds)),
            Path(folder),
            executor=executor,
        )
        return {"seconds": time.perf_counter() - started}


def plain_step(batch_size: int, rounds: int) -> dict[str, Any]:
    """A step of the plain Keras version on one batch in memory."""
    from benchmarks import plain_keras
    from benchmarks.arithmetic import best_seconds

    model = plain_keras.network()
    faces, labels = _batch(["gender"], batch_size)
    for _ in range(2):
        model.train_on_batch(faces, labels["gender"])
    return {"step": best_seconds(lambda: model.train_on_batch(faces, labels["gender"]), rounds)}


def plain_epoch(batch_size: int, count: int) -> dict[str, Any]:
    """An epoch of the plain Keras version on ``count`` photographs, decoded as it goes."""
    from benchmarks import plain_keras
    from benchmarks.arithmetic import best_seconds

    with tempfile.TemporaryDirectory() as folder:
        _photographs(Path(folder), count)
        model = plain_keras.network()
        batches = plain_keras.loader(Path(folder), batch_size)
        model.fit(batches, verbose=0)
        return {"epoch": best_seconds(lambda: model.fit(batches, verbose=0), 1)}


def scale(faces: int, steps: int, batch_size: int) -> dict[str, Any]:
    """The gender network on ``faces`` faces, the demo's repeated: seconds of the cache's
    building, of a step (of the first ``steps`` of an epoch, where it has as many), of reading all
    batches of an epoch; and the most memory."""
    import keras
    import pandas as pd

    from adience_lib import data
    from adience_lib.data import cache
    from adience_lib.data.loader import Batches
    from adience_lib.util import backend
    from benchmarks.arithmetic import best_seconds

    demo = data.load("demo")
    places = pd.RangeIndex(faces) % len(demo.faces)
    dataset = replace(demo, faces=demo.faces.loc[places].reset_index(drop=True))
    with tempfile.TemporaryDirectory() as folder, _sampled_memory() as memory:
        os.environ["ADIENCE_CACHE"] = folder
        started = time.perf_counter()
        images = cache.images(dataset)
        building = time.perf_counter() - started
        _, twin = _twin("gender", "float32", batch_size)
        drawn = dataset.faces.iloc[: steps * batch_size]
        some, every = (
            Batches(images, rows, ("gender",), batch_size, 0) for rows in (drawn, dataset.faces)
        )
        ends: list[float] = []
        note = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
        )
        twin.fit(backend.feed(some), verbose=0, callbacks=[note])
        # From the end of the first step on: before it, TensorFlow prepares what runs.
        a_step = (ends[-1] - ends[0]) / (len(ends) - 1)
        reading = best_seconds(lambda: _read(every), 1)
    return {"cache": building, "step": a_step, "reading": reading, "anonymous": max(memory)}


def _read(batches: Any) -> None:
    """Each batch once, and none of them kept."""
    for number in range(len(batches)):
        batches[number]


def start_up() -> dict[str, Any]:
    """Seconds from ``import adience_lib`` to the end of the first step on the demo, by part."""
    parts = {"import adience_lib": _importing}
    last = time.perf_counter()

    def mark(part: str) -> None:
        nonlocal last
        now = time.perf_counter()
        parts[part], last = now - last, now

    from adience_lib import data, training
    from adience_lib.data import cache
    from adience_lib.data.loader import Batches

    mark("import adience_lib.training")
    demo = data.load("demo")
    images = cache.images(demo)
    mark("open the demo")
    network = initial_network("gender", DEMO, 0)
    twin = training.compiled(network, DEMO, 1)
    mark("build and compile")
    twin.train_on_batch(*Batches(images, demo.faces, ("gender",), 8)[0])
    mark("first step")
    return parts


def _twin(model: str, precision: str, batch_size: int) -> tuple[Any, Any]:
    from adience_lib import training

    protocol = replace(PAPER, precision=precision, batch_size=batch_size, weights="random")
    network = initial_network(model, protocol, 0)
    return network, training.compiled(network, protocol, 1000)


def _as_written(network: Any) -> Any:
    import keras

    from adience_lib.util import backend

    losses = {"gender": "binary_crossentropy", "age": "sparse_categorical_crossentropy"}
    network.compile(
        keras.optimizers.Adam(1e-4),
        loss={task: losses[task] for task in network.output},
        metrics={task: ["accuracy"] for task in network.output},
        jit_compile=backend.jit_compile(),
    )
    return network


def _batch(tasks: list[str], batch_size: int) -> tuple[Any, dict[str, Any]]:
    """Random faces and labels, where the backend keeps its tensors."""
    import numpy as np
    from keras import ops

    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (batch_size, 256, 256, 3), "uint8")
    classes = {"gender": 2, "age": 8}
    labels = {
        task: ops.convert_to_tensor(
            random.integers(0, classes[task], (batch_size, 1)).astype("float32")
        )
        for task in tasks
    }
    return ops.convert_to_tensor(faces), labels


@contextlib.contextmanager
def _images(count: int) -> Iterator[Any]:
    """``count`` faces in a file, mapped read-only, as the cache's are."""
    import numpy as np

    from adience_lib import data
    from adience_lib.data import cache

    demo = cache.images(data.load("demo"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npy"
        np.save(file, demo[np.arange(count) % len(demo)])
        yield np.load(file, mmap_mode="r")


def _photographs(folder: Path, count: int) -> list[Path]:
    """The demo's faces as JPEGs of Adience's size, in ``folder/f`` and ``folder/m``."""
    from PIL import Image

    from adience_lib import data
    from adience_lib.data.labels import GENDER_LABELS

    demo = data.load("demo")
    files = []
    for place in range(count):
        face = demo.faces.iloc[place % len(demo.faces)]
        file = folder / GENDER_LABELS[face["gender"]] / f"{place}.jpg"
        file.parent.mkdir(exist_ok=True)
        with Image.open(demo.root / face["path"]) as drawn:
            drawn.convert("RGB").resize((PHOTOGRAPH, PHOTOGRAPH)).save(file, quality=90)
        files.append(file)
    return files


def _dataset(root: Path, files: list[Path]) -> Any:
    import pandas as pd

    from adience_lib.data import Dataset
    from adience_lib.data.folder import Folder

    faces = pd.DataFrame({"path": [str(file.relative_to(root)) for file in files]})
    return Dataset("bench", root, faces, pd.DataFrame(), "", Folder(root))


@contextlib.contextmanager
def _sampled_memory() -> Iterator[list[int]]:
    """Bytes of the process's anonymous memory (Linux's ``RssAnon``), ten times a second.

    The mapped cache is not part of it: that is the system's, which may take it back.
    """
    samples: list[int] = []
    over = threading.Event()

    def sample() -> None:
        while not over.wait(0.1):
            lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
            samples.extend(1024 * int(line.split()[1]) for line in lines if "RssAnon" in line)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


_importing = 0.0

_CASES = {
    case.__name__: case
    for case in (
        step,
        machine,
        pytorch,
        epoch,
        decoding,
        archive,
        predicting,
        side_by_side,
        plain_step,
        plain_epoch,
        scale,
        start_up,
    )
}

_COMMAND = """
import time
started = time.perf_counter()
import adience_lib
importing = time.perf_counter() - started
from benchmarks.cases import run_here
run_here(importing)
"""


def run_here(importing: float) -> None:
    """Run the case that the command line names; ``importing``: seconds of adience_lib's import."""
    global _importing  # noqa: PLW0603 (start_up alone wants it)
    _importing = importing
    name, arguments, result = sys.argv[1:]
    found = _CASES[name](**json.loads(arguments))
    Path(result).write_text(json.dumps(found), encoding="utf-8")


def run(case: Any, **arguments: Any) -> dict[str, Any]:
    """What ``case`` finds in a process of its own. Raises AdienceError with its last words."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        words = [case.__name__, json.dumps(arguments), str(result)]
        command = [sys.executable, "-c", _COMMAND, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise AdienceError(f"{case.__name__} {arguments}: {last}")
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return found
