"""Images that lie as files in a folder. An image's name is its path in there, with ``/``."""

import hashlib
import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from adience_lib.data.images import read_face, shorter_side
from adience_lib.util.errors import AdienceError

READ_AHEAD = 256
"""Images decoded before their reader must have caught up: 50 MB, whatever the dataset's size."""

Decoded = np.ndarray | AdienceError
"""A face as of ``read_face``, or why it cannot be read."""


@dataclass(frozen=True)
class Folder:
    """Images that lie as files under ``root``; ``turned`` as their orientation tags say or not."""

    root: Path
    turned: bool = False

    def names(self) -> list[str]:
        """Every file directly in it that may be a face by its ending, in order.

        Not the notes that a Mac adds, "._" and the file's name.
        """
        names = (path.name for path in self.root.iterdir() if path.suffix.lower() == ".jpg")
        return sorted(name for name in names if not name.startswith("._"))

    def missing(self, names: Collection[str]) -> set[str]:
        """Those of ``names`` that are no files."""
        return {name for name in names if not (self.root / name).is_file()}

    def size(self, name: str) -> int:
        """Bytes of an image."""
        return self._status(name).st_size

    def digest(self, name: str) -> str:
        """SHA-256 of an image's bytes, in hexadecimal."""
        with (self.root / name).open("rb") as file:  # in pieces: it may be of any size
            return hashlib.file_digest(file, "sha256").hexdigest()

    def side(self, name: str) -> int:
        """Pixels of an image's shorter side."""
        return shorter_side(self.root / name)

    def stamp(self, name: str) -> str:
        """What changes when an image does: its size and the time of its last change."""
        status = self._status(name)
        return f"{status.st_size} {status.st_mtime_ns}"

    def faces(self, names: list[str]) -> Iterator[Decoded]:
        """The images decoded, in order, by as many threads as there are cores (Pillow releases
        Python's lock while it decodes)."""
        files = [self.root / name for name in names]
        read = partial(_face_or_error, turned=self.turned)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(files), READ_AHEAD):
                some = files[start : start + READ_AHEAD]
                yield from pool.map(read, some)

    def check_inside(self, names: Collection[str], folders: Collection[str] = ()) -> None:
        """Refuse images that are links to somewhere else: a dataset may come from anybody.

        One of ``folders``, directly in the dataset, may be a link itself, which only its owner
        sets up. Raises AdienceError naming the first image that leads out.
        """
        roots = [self.root, *(self.root / folder for folder in folders)]
        inside = tuple(os.path.realpath(folder) + os.sep for folder in roots)
        outside = [
            name for name in names if not os.path.realpath(self.root / name).startswith(inside)
        ]
        if outside:
            raise AdienceError(
                f"{self.root}: {len(outside)} images are links that lead out of the dataset, the "
                f"first: {outside[0]}; put the images themselves there"
            )

    def _status(self, name: str) -> os.stat_result:
        try:
            return (self.root / name).stat()
        except OSError as error:
            raise AdienceError(
                f"{self.root / name}: cannot be read any more ({error.strerror})"
            ) from error


def _face_or_error(file: Path, turned: bool) -> Decoded:
    """As ``read_face``, for a reader that goes on after an image that cannot be read."""
    try:
        return read_face(file, turned=turned)
    except AdienceError as error:
        return error
