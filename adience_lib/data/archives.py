"""Images in an archive as a dataset's authors send it: unpacked once, and a plain folder then."""

import errno
import gzip
import hashlib
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedReader
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from adience_lib.data.images import ENDINGS, Folder
from adience_lib.util import atomic, console, paths
from adience_lib.util.errors import AdienceError, first_line, shorten

KINDS = (".tar.gz", ".tgz", ".tar", ".zip")
"""Endings of the archives that can be unpacked."""
TABLES = re.compile(r"fold_\d_data\.txt|faces\.csv")
"""The tables of a dataset that is packed as a whole."""

# A password, or a packing that zipfile does not know, is a RuntimeError.
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)


def bare_name(file: Path) -> str:
    """An archive's name without its ending; "" for another file, and a Mac's note about one."""
    ending = next((kind for kind in KINDS if file.name.lower().endswith(kind)), "")
    return file.name[: -len(ending)] if ending and not file.name.startswith("._") else ""


def find(root: Path, name: str = "") -> Path | None:
    """The archive in ``root``, called ``name`` before its ending, if there is one. Raises
    AdienceError if there are several, any of which could be meant."""
    archives = [file for file in root.iterdir() if bare_name(file) and file.is_file()]
    found = sorted(file for file in archives if name in ("", bare_name(file)))
    if len(found) > 1:
        names = " and ".join(file.name for file in found)
        raise AdienceError(f"{root}: {names} lie there; leave the one with the faces")
    return found[0] if found else None


def unpacked(archive: Path, folder: str = "") -> Folder:
    """The images of ``archive`` as files in the cache folder, and nothing else of it.

    With ``folder``, such as "aligned", an image's name begins with that folder, whatever the
    archive has in front of it. Without, the archive keeps its folders, and ``TABLES``. Unpacked
    once for each size and time of change. Raises AdienceError: the archive is damaged (the last
    good member is named), or holds a name that leads out of it, a link, or an image twice.
    """
    with archive.open("rb") as file:
        status = os.fstat(file.fileno())
        said = f"{archive.resolve()} {status.st_size} {status.st_mtime_ns} {folder}"
        target = paths.cache() / f"unpacked-{hashlib.sha256(os.fsencode(said)).hexdigest()[:16]}"
        atomic.make_whole(target, lambda unfinished: _unpack(archive, file, folder, unfinished))
    return Folder(target)


def _unpack(archive: Path, file: BufferedReader, folder: str, target: Path) -> None:
    target.mkdir()
    unpack = _unpack_zip if archive.suffix.lower() == ".zip" else _unpack_tar
    last, size = "nothing", os.fstat(file.fileno()).st_size
    try:
        with tqdm(desc=f"Unpacking {archive.name}", total=size, **console.BYTES) as shown:
            for member in unpack(file, partial(_image_name, archive, folder, target), target):
                last = shorten(member)[1:-1]
                shown.update(file.tell() - shown.n)
    except _DAMAGED as error:
        if getattr(error, "errno", None) not in (None, errno.EINVAL):  # of the cache's disk
            raise
        raise AdienceError(
            f"{archive}: cannot be unpacked after {last} ({first_line(error)}); fetch it again, or "
            "unpack it into a folder yourself"
        ) from error


def _unpack_tar(file: BufferedReader, name_of: Callable[..., str], target: Path) -> Iterator[str]:
    # By what it holds: a server may have undone the gzip on the way.
    unzipped = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == b"\x1f\x8b" else file
    with tarfile.open(fileobj=unzipped, mode="r:") as members:
        for member in members:
            if name := name_of(member.name, member.isdir(), member.isreg()):
                # Without its time: an image of a changed archive must look changed itself.
                image = member.replace(name=name, mtime=None, deep=False)  # type: ignore[arg-type]
                members.extract(image, target, filter="data")
            yield member.name
        unzipped.seek(members.offset)  # tarfile ends in silence where a later header is damaged
        if unzipped.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise EOFError("the mark of its end is missing")
        while unzipped.read(1 << 20):  # to the end, where gzip's checksum stands
            pass


def _unpack_zip(file: BufferedReader, name_of: Callable[..., str], target: Path) -> Iterator[str]:
    with zipfile.ZipFile(file) as members:
        for member in members.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16) or stat.S_IFREG  # 0 if not from Unix
            if name := name_of(member.filename, member.is_dir(), kind == stat.S_IFREG):
                member.filename = name
                members.extract(member, target)
            yield member.orig_filename


def _image_name(
    archive: Path, folder: str, target: Path, member: str, is_folder: bool, is_file: bool
) -> str:
    """What the image is called in the dataset; "" for what is none, or a Mac's note about one."""
    path = PurePosixPath(member)
    if path.is_absolute() or ".." in path.parts or "\0" in member:
        raise AdienceError(f"{archive}: holds {shorten(member)}, a name that leads out of it")
    if not is_file and not is_folder:
        raise AdienceError(f"{archive}: {shorten(member)} is a link or a device, and no image")
    wanted = path.suffix.lower() in ENDINGS and (not folder or folder in path.parts[:-1])
    table = not folder and TABLES.fullmatch(path.name)
    of_a_mac = "__MACOSX" in path.parts or path.name.startswith("._")
    if is_folder or of_a_mac or not (wanted or table):
        return ""
    name = "/".join(path.parts[path.parts.index(folder) :] if folder else path.parts)
    if (target / name).exists():
        raise AdienceError(f"{archive}: {name} stands in it twice")
    return name
