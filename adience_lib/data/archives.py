"""Images in a ``.tar.gz`` as a dataset's authors send it, read through once and never unpacked.

One pass decodes the wanted images into a file in the cache folder, and notes of every image its
size, its digest and what is wrong with it.
"""

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from tqdm import tqdm

from adience_lib.data.images import (
    DECODER,
    ENDINGS,
    READ_AHEAD,
    Decoded,
    face_or_error,
    shorter_side,
)
from adience_lib.data.labels import SIDE
from adience_lib.util import atomic, paths
from adience_lib.util.errors import AdienceError, first_line, shorten

LARGEST = 64 << 20
"""Bytes of an image file. What is larger is no photo of a face, and is not read into memory."""

Wanted = Callable[[str], bool]


@dataclass(frozen=True)
class Archive:
    """The images in ``file`` whose names lie in ``folder``, a path such as "aligned" or "".

    With ``folder`` an image's name begins with that folder, whatever the archive has in front of
    it; without, it is the file's own name. ``wanted``: which images are decoded; ``choice``: a
    text that is another one for another choice.
    """

    file: Path
    folder: str
    wanted: Wanted
    choice: str

    def names(self) -> list[str]:
        """Every image in it, in order."""
        return sorted(self._index.index)

    def missing(self, names: Collection[str]) -> set[str]:
        """Those of ``names`` that are not in it."""
        return set(names) - set(self._index.index)

    def size(self, name: str) -> int:
        """Bytes of an image."""
        return int(self._index.loc[name, "bytes"])

    def digest(self, name: str) -> str:
        """SHA-256 of an image's bytes, in hexadecimal."""
        return str(self._index.loc[name, "digest"])

    def stamp(self, name: str) -> str:
        """What changes when an image does."""
        return self.digest(name)

    def side(self, name: str) -> int:
        """Pixels of an image's shorter side; 0 for one that cannot be read."""
        return int(self._index.loc[name, "side"])

    def faces(self, names: list[str]) -> Iterator[Decoded]:
        """The images as they were decoded, in the order of ``names``."""
        places, faults = (self._index.loc[names, column] for column in ("place", "fault"))
        if not (self._store / _FACES).exists():  # another manifest had them, and they were dropped
            atomic.remove(self._store)
            self._read_through()
        shape = (int(self._index["place"].max()) + 1, SIDE, SIDE, 3)
        # A file without a byte cannot be mapped.
        decoded = np.memmap(self._store / _FACES, np.uint8, "r", shape=shape) if shape[0] else None
        for place, fault in zip(places, faults, strict=True):
            yield AdienceError(fault) if decoded is None or fault else decoded[place]

    def forget_faces(self) -> None:
        """Delete the decoded images, which are in a dataset's own array by now."""
        atomic.remove(self._store / _FACES)

    def check_inside(self, names: Collection[str], folders: Collection[str] = ()) -> None:
        """Nothing to do: a member that leads elsewhere has ended the reading."""

    @cached_property
    def _store(self) -> Path:
        """The folder in the cache with what the pass has found."""
        try:
            status = self.file.stat()
        except OSError as error:
            raise AdienceError(f"{self.file}: cannot be read ({error.strerror})") from error
        said = f"{self.file.resolve()} {status.st_size} {status.st_mtime_ns} {self.folder} "
        digest = hashlib.sha256(f"{said}{self.choice} {DECODER} {SIDE}".encode()).hexdigest()
        return paths.cache() / f"archive-{digest[:16]}"

    @cached_property
    def _index(self) -> pd.DataFrame:
        """A row an image, by its name: ``bytes``, ``digest``, ``side``, ``place`` among the decoded
        (-1 for none) and ``fault``."""
        self._read_through()
        file = self._store / _INDEX
        try:
            table = pd.read_csv(file, index_col="name", keep_default_na=False, dtype={"name": str})
            return table[_COLUMNS]
        except (OSError, ValueError, KeyError) as error:
            raise AdienceError(f"{file}: damaged ({error}); delete {self._store}") from error

    def _read_through(self) -> None:
        atomic.make_whole(self._store, lambda folder: _read_through(self, folder))


_FACES, _INDEX = "faces", "images.csv"


_Row = dict[str, str | int]
_COLUMNS = ["bytes", "digest", "side", "place", "fault"]


def _read_through(archive: Archive, folder: Path) -> None:
    """Write the decoded images and the index into ``folder``.

    The archive is read by this thread while others decode (Pillow and zlib release Python's lock).
    """
    folder.mkdir()
    rows: list[_Row] = []
    waiting: deque[tuple[_Row, Future[tuple[Decoded, int]]]] = deque()
    with (folder / _FACES).open("wb") as output, ThreadPoolExecutor(os.cpu_count()) as pool:

        def write_oldest() -> None:
            row, decoded = waiting.popleft()
            face, row["side"] = decoded.result()
            if isinstance(face, AdienceError):
                row["fault"] = str(face)
            else:
                row["place"] = output.tell() // face.nbytes
                output.write(face.tobytes())

        for name, size, content in _images(archive):
            digest = hashlib.sha256(content).hexdigest()
            row: _Row = {
                "name": name,
                "bytes": size,
                "digest": digest,
                "side": 0,
                "place": -1,
                "fault": "",
            }
            rows.append(row)
            shown = f"{archive.file}: {name}"
            if archive.wanted(name):
                waiting.append((row, pool.submit(_decoded, content, shown)))
            else:
                row["fault"] = f"{shown}: was not decoded"
            if len(waiting) > READ_AHEAD:
                write_oldest()
        while waiting:
            write_oldest()
    pd.DataFrame(rows, columns=["name", *_COLUMNS]).to_csv(
        folder / _INDEX, index=False, lineterminator="\n"
    )


def _decoded(content: bytes, name: str) -> tuple[Decoded, int]:
    face = face_or_error(io.BytesIO(content), name)
    return face, 0 if isinstance(face, AdienceError) else shorter_side(io.BytesIO(content), name)


def _images(archive: Archive) -> Iterator[tuple[str, int, bytes]]:
    """Name, bytes and content of each image, in the order of the archive.

    Raises AdienceError: the archive is cut short or damaged (the last good member is named), holds
    a name that leads out of it, something that is neither file nor folder, or an image twice.
    """
    last, seen = "nothing", set()
    bar = {
        "desc": f"Reading {archive.file.name}",
        "unit": "B",
        "unit_scale": True,
        "leave": False,
        "mininterval": 1,
    }
    size = archive.file.stat().st_size
    try:
        with (
            archive.file.open("rb") as raw,
            tqdm.wrapattr(raw, "read", total=size, **bar) as counted,
            gzip.open(counted) as unzipped,
            tarfile.open(fileobj=unzipped, mode="r|") as members,
        ):
            for member in members:
                name = _name(member, archive)
                if name:
                    if name in seen:
                        raise AdienceError(f"{archive.file}: {name} stands in it twice")
                    seen.add(name)
                    yield name, member.size, _content(members, member)
                last = member.name
            while unzipped.read(1 << 20):  # to the end, where the checksum stands
                pass
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        reason = first_line(error)
        raise AdienceError(
            f"{archive.file}: cut short or damaged after {last} ({reason}); fetch it again"
        ) from error


def _content(members: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """All bytes of a member. An image that is too large is read as far as its first byte, which
    no decoder will take for an image."""
    opened = members.extractfile(member)
    size = member.size if member.size <= LARGEST else 1
    content = opened.read(size) if opened else b""
    if len(content) < size:
        raise EOFError(f"{member.name} is not whole")
    return content


def _name(member: tarfile.TarInfo, archive: Archive) -> str:
    """What the image is called in the dataset; "" for what is none."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\0" in member.name:
        raise AdienceError(
            f"{archive.file}: holds {shorten(member.name)}, a name that leads out of it"
        )
    if member.isdir():
        return ""
    if not member.isreg():
        raise AdienceError(
            f"{archive.file}: {shorten(member.name)} is a link or a device; an archive must hold "
            "the images themselves"
        )
    if path.suffix.lower() not in ENDINGS:
        return ""
    if not archive.folder:
        return path.name
    if archive.folder not in path.parts[:-1]:
        return ""
    return "/".join(path.parts[path.parts.index(archive.folder) :])
