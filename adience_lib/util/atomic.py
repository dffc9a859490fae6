"""Files and folders that are there whole or not at all, each made by one process at a time."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from adience_lib.util.errors import AdienceError, shorten
from adience_lib.util.locks import locked


def make_whole(target: Path, make: Callable[[Path], None]) -> None:
    """Let ``make`` write ``target`` (a file or a folder), whole or not at all.

    It is written under a temporary name beside ``target`` and renamed when it is finished and on
    the disk. Other processes that want the same wait for the first, and say so. Does nothing if
    ``target`` is there.

    Raises AdienceError if the disk is full or cannot be written to; nothing is left behind.
    """
    with writing(target):
        if target.exists():
            return
        with locked(target):
            if target.exists():
                return
            unfinished = unfinished_name(target)
            remove(unfinished)  # of a process that was killed
            try:
                make(unfinished)
                put(unfinished, target)
            finally:
                remove(unfinished)


def write_file(target: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill the file ``target``, whole or not at all, in place of an older one.

    The caller sees to it that no other process writes it. Raises OSError, and leaves nothing.
    """
    unfinished = unfinished_name(target)
    try:
        with unfinished.open("wb") as file:
            write(file)
        put(unfinished, target)
    finally:
        remove(unfinished)


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turns an error of the disk into one that names ``target``. Makes the folder it lies in."""
    try:
        _make_folder(target.parent)
        yield
    except OSError as error:
        raise AdienceError(f"{target}: cannot be written ({error.strerror or error})") from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except ValueError as error:  # a name with a null in it
        raise AdienceError(f"{shorten(str(folder))}: no name for a folder ({error})") from error


def unfinished_name(target: Path) -> Path:
    """Where ``target`` is written until it is whole."""
    return target.with_name(f"{target.name}.unfinished")


def put(unfinished: Path, target: Path) -> None:
    """Rename ``unfinished`` (a file or a folder) once all of it is on the disk.

    A machine that loses its power must not come back with the name and without the content.
    """
    inside = unfinished.rglob("*") if unfinished.is_dir() else []
    with ThreadPoolExecutor() as pool:  # one by one, thousands of images take minutes
        list(pool.map(_sync, [*inside, unfinished]))
    unfinished.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_temporary_folder() -> None:
    """Raise AdienceError if there is none: Keras unpacks networks in it."""
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise AdienceError(
            f"no temporary folder can be written to ({error.strerror}); make room, or set TMPDIR"
        ) from error
