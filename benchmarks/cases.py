"""The project's cases. Their rates are in faces a second, the best of ``bench.rounds``."""

import contextlib
import math
import os
import sys
import tarfile
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
import pandas as pd
from PIL import Image

from adience_lib import data, training
from adience_lib.data import Dataset, archives, cache
from adience_lib.data.images import Folder
from adience_lib.data.labels import FOLDS, GENDER_LABELS, LABELS
from adience_lib.data.loader import Batches
from adience_lib.deploy import predict
from adience_lib.evidence import paper
from adience_lib.experiments import cross_validation
from adience_lib.models import tasks
from adience_lib.protocol import PAPER
from adience_lib.report.discrepancies import PUBLISHED
from adience_lib.runs.folder import Training
from adience_lib.runs.train_fold import initial_network
from adience_lib.util import backend
from benchmarks import arithmetic
from benchmarks.arithmetic import best_seconds
from benchmarks.harness import FACES, SHARE, Bench, Row, run

PHOTOGRAPH = 816
"""Height and width of Adience's aligned photographs, in pixels."""

FACES_OF_ADIENCE = PUBLISHED["rows with both labels"]


def not_run(_: Bench, group: str, name: str, reason: str) -> Iterator[Row]:
    """A row that says why there is none."""
    yield Row(group, name, math.nan, FACES, None, f"not run: {reason}")


def step(bench: Bench, model: str, precision: str) -> Iterator[Row]:
    """A network in training and in a forward pass on one batch in memory, beside the machine's
    own rate for a matrix product, measured before and after in the same process."""
    name, float32 = f"{model}, {precision}", precision == "float32"
    before = arithmetic.rate(precision, bench.rounds)
    network, rewritten = networks(model, precision, bench.batch_size)
    trained, forward = _on_one_batch(rewritten, tasks(model), bench)
    own = max(before, arithmetic.rate(precision, bench.rounds))
    if model == "gender":
        flops = 2 * own / 1e9  # a multiply-add is two
        yield Row("matrix product", f"{in_words(bench.machine)}, {precision}", flops, "GFLOP/s")
    step_work, forward_work = arithmetic.work(network)
    share, bar = trained * step_work / own, 0.7 if float32 and model != "transfer" else None
    yield Row("training step", name, trained, FACES, share, SHARE, at_least=bar)
    yield Row("forward pass", name, forward, FACES, forward * forward_work / own, SHARE)
    if not float32:
        gain = trained / bench.value("training step", f"{model}, float32")
        yield Row("precision", name, trained, FACES, gain, "times float32", at_least=1.5)


def as_written(bench: Bench, model: str, precision: str) -> Iterator[Row]:
    """What the rewritten model is worth: the network itself with Keras' Adam in its place."""
    network, _ = networks(model, precision, bench.batch_size)
    losses = {"gender": "binary_crossentropy", "age": "sparse_categorical_crossentropy"}
    network.compile(
        keras.optimizers.Adam(1e-4),
        loss={task: losses[task] for task in network.output},
        metrics={task: ["accuracy"] for task in network.output},
        jit_compile=backend.jit_compile(),
    )
    written, _ = _on_one_batch(network, tasks(model), bench)
    name = f"{model}, {precision}"
    ours, against = bench.value("training step", name), "times the network as written"
    yield Row("rewritten model", name, ours, FACES, ours / written, against)


def table_3(bench: Bench) -> Iterator[Row]:
    """Hours that the trainings of Table 3 take at these rates, in the faster precision."""
    hours = 0.0
    for model, epochs in paper.TABLE_3["epochs"].dropna().items():
        train, test = (
            max(bench.value(group, f"{model}, {precision}") for precision in bench.precisions)
            for group in ("training step", "forward pass")
        )
        hours += FOLDS * epochs * FACES_OF_ADIENCE * (0.8 / train + 0.2 / test) / 3600
    name = "four networks, five folds, the paper's epochs"
    if bench.machine["accelerator"] == "none":  # the bar is for a GPU
        yield Row("Table 3", name, hours, "h")
    else:
        yield Row("Table 3", name, hours, "h", hours / 0.5, "times half an hour", at_most=1)


def epoch(bench: Bench, precision: str) -> Iterator[Row]:
    """An epoch of the gender network from a cache, as ``fit`` runs it, and as many steps on one
    batch in memory, in turns."""
    size, steps = (4, 4) if bench.quick else (64, 16)
    _, rewritten = networks("gender", precision, size)
    with repeated(size * steps) as dataset:
        images = cache.images(dataset)
        batches = backend.feed(Batches(images, dataset.faces, ("gender",), size, 0))
        faces, genders = batch(["gender"], size)

        def fit() -> None:
            rewritten.fit(batches, epochs=1, verbose=0)

        def train_on_one_batch() -> None:
            for _ in range(steps):
                rewritten.train_on_batch(faces, genders)

        fit()
        rewritten.train_on_batch(faces, genders)
        both = (fit, train_on_one_batch)
        rounds = [[best_seconds(one) for one in both] for _ in range(bench.rounds)]
    fitted, in_memory = (min(times) for times in zip(*rounds, strict=True))
    name = f"epoch from the cache, gender, {precision}"
    against = "times as long as on one batch in memory"
    bar = 1.03 if precision == "float32" else None
    yield Row("input", name, size * steps / fitted, FACES, fitted / in_memory, against, at_most=bar)


def caching(bench: Bench) -> Iterator[Row]:
    """Photographs into the cache: from a folder, and from a ``.tar.gz`` of it, which is
    unpacked first. And by Pillow alone, at full size and with its reduced decoding."""
    with photographs(16 if bench.quick else 300) as dataset:
        paths, packed = dataset.faces["path"], dataset.root / "photographs.tar.gz"
        with tarfile.open(packed, "w:gz") as target:
            for path in paths:
                target.add(dataset.root / path, f"photographs/{path}")
        faces = dataset.faces.assign(path="photographs/" + paths)

        def from_archive() -> None:
            source = archives.unpacked(packed, "photographs")
            cache.images(replace(dataset, faces=faces, source=source))

        def pillow(reduced: bool) -> None:
            for path in paths:
                with Image.open(dataset.root / path) as image:
                    if reduced:
                        image.draft("RGB", (256, 256))
                    image.convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)

        seconds = best_seconds(lambda: cache.images(dataset))
        archive = best_seconds(from_archive)
        full, draft = best_seconds(lambda: pillow(False)), best_seconds(lambda: pillow(True))
    name, count = "cache from 816 x 816 JPEGs", len(paths)
    for theirs, words in ((full, "at full size"), (draft, "with reduced decoding")):
        against = f"times Pillow alone on one core, {words}"
        yield Row("input", name, count / seconds, FACES, theirs / seconds, against)
    name, against = f"{name} in a .tar.gz", "times as long as from the unpacked folder"
    yield Row("use", name, count / archive, FACES, archive / seconds, against)


def predicting(bench: Bench) -> Iterator[Row]:
    """The multi-task network on photographs in files, beside its forward pass in training for a
    batch in memory, and the command ``predict`` until its first answer."""
    size = bench.batch_size
    network, rewritten = networks("multitask", "float32", size)
    faces, _ = batch(["gender", "age"], size)
    rewritten.predict_on_batch(faces)
    with photographs(size if bench.quick else 4 * size) as dataset:
        files = [dataset.root / path for path in dataset.faces["path"]]
        model = dataset.root / "best.keras"
        network.save(model)
        predictor = predict.load(model)
        predictor.predict(files[:1])
        predictor.predict(files)
        command = [sys.executable, "-m", "adience_lib", "predict", files[0], "--model", model]

        def first_answer() -> None:
            with Popen(command, stdout=PIPE, stderr=DEVNULL) as process:
                assert process.stdout
                assert process.stdout.readline()
                process.kill()

        rate = len(files) / best_seconds(lambda: predictor.predict(files), bench.rounds)
        forward = size / best_seconds(lambda: rewritten.predict_on_batch(faces), bench.rounds)
        answer = best_seconds(first_answer, bench.rounds)
    name = "predict, multitask, float32, from 816 x 816 JPEGs"
    yield Row("use", name, rate, FACES, rate / forward, "of the forward pass in training")
    name = "predict, from the command to its first answer"
    yield Row("use", name, answer, "s", answer / 4, "of four seconds", at_most=1)


def side_by_side(bench: Bench) -> Iterator[Row]:
    """Two trainings at once, and one after the other in a process of its own."""
    alone, beside = (run(_two_folds, quick=bench.quick, workers=workers) for workers in (0, 2))
    name = "two folds, gender, float32, by two workers with half of the cores each"
    against = "times as fast as one after the other with all cores"
    yield Row("use", name, beside, "s", alone / beside, against)


def _two_folds(quick: bool, workers: int) -> float:
    """Seconds; by this process where there are no workers. Starting Dask is not part of it."""
    epochs, faces = (1, 40) if quick else (6, 160)
    protocol = replace(
        PAPER, epochs=epochs, batch_size=32, faces=faces, monitor="none", weights="random"
    )
    demo = data.load("demo")
    images = cache.images(demo)
    executor = cross_validation.executor(f"local:{workers}") if workers else None
    with tempfile.TemporaryDirectory() as runs:
        trainings = [Training(demo, "gender", protocol, fold, Path(runs)) for fold in (0, 1)]
        return best_seconds(lambda: cross_validation.cross_validate(trainings, images, executor))


def scale(bench: Bench, faces: int, smallest: int) -> Iterator[Row]:
    """Time and memory of the gender network on ``faces`` faces, the demo's repeated. An epoch's
    time is that of its first steps, where it has as many."""
    steps, size = (2, 4) if bench.quick else (60, 128)
    with repeated(faces) as dataset, _sampled_memory() as memory:
        building = best_seconds(lambda: cache.images(dataset))
        images = cache.images(dataset)
        _, rewritten = networks("gender", "float32", size)
        some = Batches(images, dataset.faces.iloc[: steps * size], ("gender",), size, 0)
        every = Batches(images, dataset.faces, ("gender",), size, 0)
        ends: list[float] = []
        note = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
        )
        rewritten.fit(backend.feed(some), verbose=0, callbacks=[note])
        # From the end of the first step on: before it, TensorFlow prepares what runs.
        seconds = (ends[-1] - ends[0]) / (len(ends) - 1) * len(every)
        # Each batch once, and none of them kept.
        reading = best_seconds(lambda: deque(map(every.__getitem__, range(len(every))), 0))
    most = max(memory) / 1e9

    def grown(case: str, value: float) -> float:
        """Over the same of the smallest dataset."""
        first = f"{smallest:,} faces, {case}"
        return 1.0 if faces == smallest else value / bench.value("scale", first)

    trained = f"an epoch by its first {steps} steps, gender, batch {size}"
    built, held = "building the cache", "anonymous memory"
    a_face, at_first = f"times as much a face as at {smallest:,}", f"times that at {smallest:,}"
    bar = 1.1 if faces > smallest else None
    for case, value, unit, ratio, against, at_most in (
        (trained, seconds, "s", grown(trained, seconds) * smallest / faces, a_face, None),
        ("reading an epoch's batches", reading, "s", reading / seconds, "of the epoch", None),
        (built, building, "s", grown(built, building) * smallest / faces, a_face, None),
        (held, most, "GB", grown(held, most), at_first, bar),
        (held, most, "GB", most / 5, "of 5 GB", 1),
    ):
        name = f"{faces:,} faces, {case}"
        yield Row("scale", name, value, unit, ratio, against, at_most=at_most)


def batch(tasks: Sequence[str], size: int) -> tuple[Any, dict[str, Any]]:
    """Random faces and labels, where the backend keeps its tensors."""
    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (size, 256, 256, 3), "uint8")
    labels = {
        task: random.integers(0, len(LABELS[task]), (size, 1)).astype("float32") for task in tasks
    }
    return keras.tree.map_structure(keras.ops.convert_to_tensor, (faces, labels))


@contextlib.contextmanager
def repeated(count: int) -> Iterator[Dataset]:
    """The demo's faces over and over, with a cache of their own for a while."""
    demo = data.load("demo")
    places = pd.RangeIndex(count) % len(demo.faces)
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, ADIENCE_CACHE=folder):
        yield replace(demo, faces=demo.faces.loc[places].reset_index(drop=True))


@contextlib.contextmanager
def photographs(count: int) -> Iterator[Dataset]:
    """The same as JPEGs of Adience's size, in ``f`` and ``m`` of a folder."""
    with repeated(count) as drawings, tempfile.TemporaryDirectory() as folder:
        root, paths = Path(folder), []
        for place, face in drawings.faces.iterrows():
            paths.append(f"{GENDER_LABELS[face['gender']]}/{place}.jpg")
            (root / paths[-1]).parent.mkdir(exist_ok=True)
            with Image.open(drawings.root / face["path"]) as image:
                larger = image.convert("RGB").resize((PHOTOGRAPH, PHOTOGRAPH))
                larger.save(root / paths[-1], quality=90)
        faces = drawings.faces.assign(path=paths)
        yield replace(drawings, root=root, faces=faces, source=Folder(root))


def networks(model: str, precision: str, batch_size: int) -> tuple[Any, Any]:
    """A network, and the rewritten model that is trained in its place, compiled."""
    protocol = replace(PAPER, precision=precision, batch_size=batch_size, weights="random")
    network = initial_network(model, protocol, 0)
    return network, training.compiled(network, protocol, 1000)


def _on_one_batch(model: Any, tasks: Sequence[str], bench: Bench) -> tuple[float, float]:
    """Faces a second in training and in a forward pass."""
    faces, labels = batch(tasks, bench.batch_size)
    for _ in range(2):
        model.train_on_batch(faces, labels)
    model.predict_on_batch(faces)
    step = best_seconds(lambda: model.train_on_batch(faces, labels), bench.rounds)
    forward = best_seconds(lambda: model.predict_on_batch(faces), bench.rounds)
    return bench.batch_size / step, bench.batch_size / forward


def in_words(machine: dict[str, Any]) -> str:
    """What every figure in seconds goes with."""
    accelerator = "" if machine["accelerator"] == "none" else f" with {machine['accelerator']}"
    kind = keras.backend.backend()
    words = f"{machine['processor']}, {machine['cores']} cores{accelerator}"
    return f"{words}, {kind} {machine[kind]}"


@contextlib.contextmanager
def _sampled_memory() -> Iterator[list[int]]:
    """Bytes of the process's own memory (Linux's ``RssAnon``: no mapped cache), ten a second."""
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
