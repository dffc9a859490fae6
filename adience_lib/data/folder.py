"""Images that lie as files in a folder. An image's name is its path in there, with ``/``."""

import hashlib
import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adience_lib.data.images import read_face, shorter_side
from adience_lib.util.errors import AdienceError

GO_ON = "To go on without them: allow_missing=True (in a notebook, the parameter allow_missing)"
"""What to do about images that are missing or cannot be read."""

READ_AHEAD = 256
"""Images decoded before their reader must have caught up: 50 MB, whatever the dataset's size."""


@dataclass(frozen=True)
class Folder:
    """Images that lie as files under ``root``; ``turned`` as their orientation tags say or not."""

    root: Path
    turned: bool = False

    def names(self) -> list[str]:
        """Every ``.jpg`` directly in it, in order, but for a Mac's notes ("._" and a name)."""
        names = (path.name for path in self.root.iterdir() if path.suffix.lower() == ".jpg")
        return sorted(name for name in names if not name.startswith("._"))

    def missing(self, names: Collection[str]) -> set[str]:
        """Those of ``names`` that are no files."""
        return {name for name in names if not (self.root / name).is_file()}

    def size(self, name: str) -> int:
        """Bytes of an image."""
        return (self.root / name).stat().st_size

    def digest(self, name: str) -> str:
        """SHA-256 of an image's bytes, in hexadecimal."""
        with (self.root / name).open("rb") as file:  # in pieces: it may be of any size
            return hashlib.file_digest(file, "sha256").hexdigest()

    def side(self, name: str) -> int:
        """Pixels of an image's shorter side."""
        return shorter_side(self.root / name)

    def stamp(self, name: str) -> str:
        """What changes when an image does: its size and the time of its last change."""
        status = (self.root / name).stat()
        return f"{status.st_size} {status.st_mtime_ns}"

    def faces(self, names: list[str]) -> Iterator[np.ndarray | AdienceError]:
        """The images as of ``read_face``, or why one cannot be read, in order. Pillow releases
        Python's lock while it decodes: there are as many threads as cores."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(names), READ_AHEAD):
                yield from pool.map(self._face_or_error, names[start : start + READ_AHEAD])

    def _face_or_error(self, name: str) -> np.ndarray | AdienceError:
        try:
            return read_face(self.root / name, turned=self.turned)
        except AdienceError as error:
            return error

    def check_inside(self, names: Collection[str], folders: Collection[str] = ()) -> None:
        """Refuse images that are links to somewhere else: a dataset may come from anybody.

        One of ``folders``, directly in the dataset, may be a link itself, which only its owner
        sets up. Raises AdienceError naming the first image that leads out.
        """
        roots = tuple(os.path.realpath(self.root / folder) + os.sep for folder in ("", *folders))
        outside = [one for one in names if not os.path.realpath(self.root / one).startswith(roots)]
        if outside:
            raise AdienceError(
                f"{self.root}: {len(outside)} images are links that lead out of the dataset, the "
                f"first: {outside[0]}; put the images themselves there"
            )
