"""A trained network on photographs of cropped faces: labels, probabilities, and doubts.

Faces must be cropped, upright and centred, as in the dataset that the network was trained on:
nothing here looks for a face, and a network gives an answer for any picture.
"""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np
import pandas as pd

from adience_lib import models
from adience_lib.data.images import brightness, is_image, read_face, shorter_side
from adience_lib.data.labels import LABELS
from adience_lib.evidence.calibration import calibrated, temperature
from adience_lib.evidence.metrics import probabilities
from adience_lib.runs.folder import SUMS, both_columns, check_files, network_file, read_json
from adience_lib.runs.read import Runs, read_runs
from adience_lib.speed.rewritten import lean
from adience_lib.util import console
from adience_lib.util.errors import AdienceError, first_line, printable

Photo = str | Path | bytes | BinaryIO
"""The path of a file, its content, or an open file."""

BATCH = 64

FEW = 8
"""Photos that are not worth a computation prepared for many: that takes half a second."""


@dataclass(frozen=True)
class Answer:
    """What a network says of one photo. ``name``: its path, or "photo 3" for the third one given.
    ``probabilities``: by task and label, calibrated where the predictor is. ``doubts``: in what it
    is unlike the training faces; None where nothing is known of them. ``error``: why there is no
    answer."""

    name: str
    probabilities: dict[str, dict[str, float]]
    doubts: tuple[str, ...] | None = None
    error: str = ""

    def label(self, task: str) -> str:
        """The most probable label of ``task``."""
        return max(self.probabilities[task], key=self.probabilities[task].__getitem__)

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints: name, and error or labels, probabilities and doubts."""
        if self.error:
            return {"file": self.name, "error": self.error}
        labels = {task: self.label(task) for task in self.probabilities}
        rest = {"probabilities": self.probabilities, "doubts": self.doubts}
        return {"file": self.name, **labels, **rest}


@dataclass(frozen=True)
class Predictor:
    """A network, and what its run knows of its confidence and its training faces; empty where it
    knows nothing. ``temperatures``: by task, what the logits are divided by (Guo et al. 2017).
    ``usual``: lowest and highest "brightness" (0 to 1) and "side" (pixels)."""

    network: keras.Model
    temperatures: dict[str, float]
    usual: dict[str, tuple[float, float]]

    def predict(self, photos: Iterable[Photo]) -> list[Answer]:
        """An answer a photo, in order, with an error where it cannot be read. Raises AdienceError
        if ``photos`` is one photo and not a list of them."""
        if isinstance(photos, str | Path | bytes | io.IOBase):
            raise AdienceError("photos is a single one; give a list: predict([photo])")
        return list(self.stream(photos))

    def stream(self, photos: Iterable[Photo]) -> Iterator[Answer]:
        """As ``predict``, for more photos than memory holds: the next batch is decoded while the
        network works on one."""
        rest = enumerate(photos, start=1)
        with ThreadPoolExecutor(os.cpu_count()) as pool:

            def begin() -> list[Future[tuple[Answer, np.ndarray | None]]]:
                return [pool.submit(self._read, *photo) for photo in islice(rest, BATCH)]

            batch = begin()
            while batch:
                following = begin()
                read = [photo.result() for photo in batch]
                found = self._probabilities([pixels for _, pixels in read if pixels is not None])
                for answer, _ in read:
                    yield answer if answer.error else replace(answer, probabilities=next(found))
                batch = following

    def _read(self, number: int, photo: Photo) -> tuple[Answer, np.ndarray | None]:
        """The answer without its probabilities, and the face."""
        path = photo if isinstance(photo, str | Path) else getattr(photo, "name", None)
        name = f"photo {number}" if path is None else str(path)
        try:
            source = _opened(photo, printable(name))
            pixels = read_face(source, printable(name), turned=True)
            doubts = self._doubts(pixels, shorter_side(source, printable(name)))
        except AdienceError as error:
            return Answer(name, {}, error=str(error)), None
        return Answer(name, {}, doubts), pixels

    def _doubts(self, pixels: np.ndarray, side: int) -> tuple[str, ...] | None:
        measured = {"brightness": brightness(pixels), "side": side}
        doubts = [
            f"{_UNUSUAL[name][measured[name] > high]} than the training faces "
            f"({name} {measured[name]:.4g}, theirs {low:.4g} to {high:.4g})"
            for name, (low, high) in self.usual.items()
            if not low <= measured[name] <= high
        ]
        return tuple(doubts) if self.usual else None

    def _probabilities(self, faces: list[np.ndarray]) -> Iterator[dict[str, dict[str, float]]]:
        if not faces:
            return
        pixels = np.stack(faces)
        few = len(pixels) <= FEW
        outputs = self.network(pixels) if few else self.network.predict_on_batch(pixels)
        tables = []
        for task, output in outputs.items():
            given = both_columns(keras.ops.convert_to_numpy(output))
            given = calibrated(given, self.temperatures.get(task, 1.0))
            tables.append(pd.DataFrame(given, columns=LABELS[task]).to_dict("records"))
        for row in zip(*tables, strict=True):
            yield dict(zip(outputs, row, strict=True))


_UNUSUAL = {"brightness": ("darker", "brighter"), "side": ("smaller", "larger")}


def _opened(photo: Photo, name: str) -> Path | BinaryIO:
    """What ``read_face`` takes. Raises AdienceError for what is no photo, or an empty one."""
    if isinstance(photo, str | Path):
        if _is_folder(photo):
            raise AdienceError(
                f"{name}: holds no JPEG or PNG image to be read; folders in it are not searched"
            )
        return Path(photo)
    read = getattr(photo, "read", lambda: photo)
    try:
        content = read()
    except (OSError, ValueError) as error:
        raise AdienceError(f"{name}: cannot be read ({first_line(error)})") from error
    if not isinstance(content, bytes):
        kind = type(photo).__name__
        raise AdienceError(f"{name}: is a {kind}; give a path, bytes, or a file opened as binary")
    if not content:
        raise AdienceError(f"{name}: is empty")
    return io.BytesIO(content)


def _is_folder(name: str | Path) -> bool:
    return os.path.isdir(name)  # noqa: PTH112 (no error where a name is too long for any)


def load(file: str | Path) -> Predictor:
    """The predictor of the network in ``file``: a run folder, or ``best.keras`` of one. Raises
    AdienceError: no such network, or a run that is damaged."""
    file = network_file(file)
    folder, given, usual = file.parent, {}, {}
    if (folder / SUMS).exists():
        check_files(folder, [file.name])
        given = temperatures(read_runs([folder]))
        usual = read_json(folder / "run.json").get("inputs", {})
    return Predictor(lean(models.load(file), BATCH), given, usual)


def temperatures(runs: Runs) -> dict[str, float]:
    """Of each task, what calibrates the logits on the run's own test faces."""
    tested = runs.predictions
    return {
        task: temperature(probabilities(tested, task), tested[task].to_numpy())
        for task in runs.tasks
    }


def photos(named: Iterable[str]) -> Iterator[Photo]:
    """The photos that the command line names: files, every image directly in a folder (by what a
    file holds, not by its name), and "-" for one photo on standard input.

    What else lies in a folder is said on stderr, but for a Mac's notes. A folder without an image
    is given back as a file is, and cannot be read.
    """
    for name in named:
        if name == "-":
            yield sys.stdin.buffer if sys.stdin else b""
        elif _is_folder(name):
            files = {file for file in Path(name).glob("*") if not file.name.startswith("._")}
            inside = sorted(filter(is_image, files))
            others = sorted(file.name for file in files.difference(inside) if not file.is_dir())
            if inside and others:
                said = f"{len(others)} files are no JPEG or PNG, the first: {printable(others[0])}"
                console.message(f"note: {printable(name)}: {said}")
            yield from inside or [Path(name)]
        else:
            yield Path(name)


def notes(predictor: Predictor) -> list[str]:
    """What the command line says of the predictor itself."""
    said = ["faces must be cropped and upright; nothing here looks for a face"]
    if not predictor.temperatures:
        said.append("no run beside the network: probabilities are not calibrated")
    if not predictor.usual:
        said.append("no record of the training faces: photos unlike them are not noticed")
    return said


def line(answer: Answer) -> str:
    """An answer for the eye: the photo, its labels with probabilities, and what is doubtful."""
    found = [
        f"{answer.label(task):>8} {given[answer.label(task)]:4.0%}"
        for task, given in answer.probabilities.items()
    ]
    return "  ".join([printable(answer.name), *found, *(answer.doubts or ())])
