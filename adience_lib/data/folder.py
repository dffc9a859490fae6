"""Images that lie as files in a folder.

A folder and an archive (``archives.py``) answer the same questions, so that nothing further down
asks which it is. An image's name is its path within the dataset, with ``/``.
"""

import hashlib
import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from adience_lib.data.images import READ_AHEAD, Decoded, face_or_error, shorter_side
from adience_lib.util.errors import AdienceError


@dataclass(frozen=True)
class Folder:
    """Images that lie as files under ``root``."""

    root: Path

    def names(self) -> list[str]:
        """Every file directly in it that may be a face by its ending, in order."""
        return sorted(path.name for path in self.root.iterdir() if path.suffix.lower() == ".jpg")

    def missing(self, names: Collection[str]) -> set[str]:
        """Those of ``names`` that are no files."""
        return {name for name in names if not (self.root / name).is_file()}

    def size(self, name: str) -> int:
        """Bytes of an image."""
        return self._status(name).st_size

    def digest(self, name: str) -> str:
        """SHA-256 of an image's bytes, in hexadecimal."""
        return hashlib.sha256((self.root / name).read_bytes()).hexdigest()

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
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(files), READ_AHEAD):
                some = files[start : start + READ_AHEAD]
                yield from pool.map(face_or_error, some, map(str, some))

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
