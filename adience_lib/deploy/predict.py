"""A trained network on photographs of cropped faces: labels, probabilities, and doubts.

Faces must be cropped, upright and centred, as in the dataset that the network was trained on:
nothing here looks for a face, and a network gives an answer for any picture.
"""

import io
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from adience_lib.data.images import brightness, is_image, read_face, shorter_side
from adience_lib.data.labels import LABELS
from adience_lib.evidence.calibration import calibrated, temperature
from adience_lib.runs.folder import SUMS, both_columns, check_files, network_file, read_json
from adience_lib.util.errors import AdienceError, first_line, printable

if TYPE_CHECKING:
    import keras

Photo = str | Path | bytes | BinaryIO
"""The path of a file, its content, or an open file."""

BATCH = 64

FEW = 8
"""Photos that are not worth a computation prepared for many: that takes half a second."""


@dataclass(frozen=True)
class Answer:
    """What a network says of one photo.

    ``name``: its path, or "photo 3" for the third of those that have none. ``probabilities``: task
    to label to probability, calibrated where the predictor is. ``doubts``: in what the photo is
    unlike the training faces; None where nothing is known of them. ``error``: why there is no
    answer; the rest is then empty.
    """

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
        said = {"file": self.name, **labels, "probabilities": self.probabilities}
        return {**said, "doubts": None if self.doubts is None else list(self.doubts)}


@dataclass(frozen=True)
class Predictor:
    """A network, and what its run knows about its training faces and its confidence.

    ``temperatures``: by task, what its logits are divided by (Guo et al. 2017); empty where there
    is no run beside the network. ``usual``: "brightness" (0 to 1) and "side" (pixels) of the
    training faces, as lowest and highest; empty where the run has no record of them.
    """

    network: "keras.Model"
    temperatures: dict[str, float]
    usual: dict[str, tuple[float, float]]

    def predict(self, photos: Iterable[Photo]) -> list[Answer]:
        """An answer a photo, in order. A photo that cannot be read gets one with an error.

        Raises AdienceError: ``photos`` is one photo and not a list of them.
        """
        if isinstance(photos, str | Path | bytes | io.IOBase):
            raise AdienceError("photos is a single one; give a list: predict([photo])")
        return list(self.stream(photos))

    def stream(self, photos: Iterable[Photo]) -> Iterator[Answer]:
        """As ``predict``, one batch after the other: for more photos than memory holds.

        While the network works on a batch, the next one is decoded.
        """
        rest = enumerate(photos, start=1)
        with ThreadPoolExecutor(os.cpu_count()) as pool:

            def begin() -> list[Future[_Face | Answer]]:
                return [pool.submit(_read, *photo) for photo in islice(rest, BATCH)]

            batch = begin()
            while batch:
                following = begin()
                yield from self._answers([photo.result() for photo in batch])
                batch = following

    def _answers(self, read: "list[_Face | Answer]") -> Iterator[Answer]:
        faces = [one for one in read if isinstance(one, _Face)]
        found = iter(
            self._probabilities(np.stack([face.pixels for face in faces])) if faces else []
        )
        for one in read:
            if isinstance(one, _Face):
                yield Answer(one.name, next(found), self._doubts(one))
            else:
                yield one

    def _probabilities(self, pixels: np.ndarray) -> list[dict[str, dict[str, float]]]:
        from keras.ops import convert_to_numpy as as_array

        # Preparing a computation takes longer than a few photos do without.
        few = len(pixels) <= FEW
        outputs = self.network(pixels) if few else self.network.predict_on_batch(pixels)
        tables = {
            task: calibrated(both_columns(as_array(given)), self.temperatures.get(task, 1.0))
            for task, given in outputs.items()
        }
        return [
            {
                task: dict(zip(LABELS[task], table[place].tolist(), strict=True))
                for task, table in tables.items()
            }
            for place in range(len(pixels))
        ]

    def _doubts(self, face: "_Face") -> tuple[str, ...] | None:
        if not self.usual:
            return None
        measured = {"brightness": brightness(face.pixels), "side": face.side}
        doubts = []
        for name, (low, high) in self.usual.items():
            if not low <= measured[name] <= high:
                words = _UNUSUAL[name][measured[name] > high]
                doubts.append(
                    f"{words} than the training faces ({name} {measured[name]:.4g}, theirs "
                    f"{low:.4g} to {high:.4g})"
                )
        return tuple(doubts)


_UNUSUAL = {"brightness": ("darker", "brighter"), "side": ("smaller", "larger")}


@dataclass(frozen=True)
class _Face:
    name: str
    pixels: np.ndarray
    side: int


def _read(number: int, photo: Photo) -> _Face | Answer:
    name = _name(number, photo)
    try:
        source = _opened(photo, name)
        pixels = read_face(source, printable(name), turned=True)
        return _Face(name, pixels, shorter_side(source, name))
    except AdienceError as error:
        return Answer(name, {}, error=str(error))


def _name(number: int, photo: Photo) -> str:
    named = photo if isinstance(photo, str | Path) else getattr(photo, "name", None)
    return f"photo {number}" if named is None else str(named)


def _opened(photo: Photo, name: str) -> Path | BinaryIO:
    """What ``read_face`` takes. Raises AdienceError for what is no photo, or an empty one."""
    if isinstance(photo, str | Path):
        if _is_folder(photo):
            raise AdienceError(f"{printable(name)}: {_nothing_in(Path(photo))}")
        return Path(photo)
    content = photo if isinstance(photo, bytes) else _content(photo, printable(name))
    if not content:
        raise AdienceError(f"{printable(name)}: is empty")
    return io.BytesIO(content)


def _is_folder(name: str | Path) -> bool:
    try:
        return Path(name).is_dir()
    except OSError:  # a name that is too long for any
        return False


def _nothing_in(folder: Path) -> str:
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "holds no JPEG or PNG image; folders in it are not searched"


def _content(photo: BinaryIO, name: str) -> bytes:
    read = getattr(photo, "read", None)
    try:
        content = read() if read else None
    except (OSError, ValueError) as error:
        raise AdienceError(f"{name}: cannot be read ({first_line(error)})") from error
    if not isinstance(content, bytes):
        kind = type(photo).__name__
        raise AdienceError(f"{name}: is a {kind}; give a path, bytes, or a file opened as binary")
    return content


def load(file: str | Path) -> Predictor:
    """The predictor of the network in ``file``: a run folder, or ``best.keras`` of one.

    What is known of its training comes from the other files of the folder. Raises AdienceError:
    no such network, or a run that is damaged.
    """
    file = network_file(file)
    folder = file.parent
    if not (folder / SUMS).exists():
        return Predictor(_rewritten(file), {}, {})
    check_files(folder, [file.name])
    known = read_json(folder / "run.json").get("inputs", {})
    usual = {name: (low, high) for name, (low, high) in known.items()}
    return Predictor(_rewritten(file), _temperatures(folder), usual)


def _rewritten(file: Path) -> "keras.Model":
    """What gives the outputs of the network in ``file`` with less work (``rewritten.py``)."""
    from adience_lib import models
    from adience_lib.speed import rewritten

    return rewritten.lean(models.load(file), BATCH)


def _temperatures(folder: Path) -> dict[str, float]:
    """Of each task, from the run's own test faces."""
    from adience_lib.evidence import metrics
    from adience_lib.runs.read import read_runs

    runs = read_runs([folder])
    return {
        task: temperature(
            metrics.probabilities(runs.predictions, task), runs.predictions[task].to_numpy()
        )
        for task in runs.tasks
    }


def photos(
    named: Iterable[str], standard_input: BinaryIO | None, note: Callable[[str], object]
) -> Iterator[Photo]:
    """The photos that the command line names: files, every image directly in a folder, and "-" for
    one photo on standard input, which is empty where it is closed.

    What a file holds decides, not its name's ending. ``note`` is told what else lies in a folder.
    A folder without an image is given back as a file is, and cannot be read.
    """
    for name in named:
        if name == "-":
            yield standard_input or io.BytesIO()
        elif _is_folder(name):
            files = _files(Path(name))
            inside = [file for file in files if is_image(file)]
            others = [printable(file.name) for file in files if file not in inside]
            if inside and others:
                first = f"{', '.join(others[:3])}{', ...' * (len(others) > 3)}"
                note(f"{printable(name)}: {len(others)} files are no JPEG or PNG: {first}")
            yield from inside or [Path(name)]
        else:
            yield Path(name)


def _files(folder: Path) -> list[Path]:
    """Those directly in it but a Mac's notes, in order; none where it cannot be read."""
    try:
        inside = [file for file in folder.iterdir() if not file.is_dir()]
        return sorted(file for file in inside if not file.name.startswith("._"))
    except OSError:
        return []


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
