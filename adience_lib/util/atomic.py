"""Files and folders that are there whole or not at all, each made by one process at a time."""

import contextlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, SoftFileLock, Timeout

from adience_lib.util.console import message
from adience_lib.util.errors import AdienceError
from adience_lib.util.paths import shown


def make_whole(target: Path, make: Callable[[Path], None]) -> None:
    """Let ``make`` write ``target`` (a file or a folder), whole or not at all, if it is not there.
    Other processes wait for the first, and say so. Raises AdienceError as ``writing``."""
    with writing(target):
        if target.exists():
            return
        with locked(target):
            if not target.exists():
                with _unfinished(target) as unfinished:
                    make(unfinished)


@contextlib.contextmanager
def locked(target: Path) -> Iterator[None]:
    """One process at a time is let in for each ``target``. The system drops the lock of one that
    has died. Where a file system has no locks, filelock makes do with a file of its own that says
    who holds it, and warns."""
    file = target.with_name(f".{target.name}.lock")
    lock = FileLock(file)
    try:
        held = lock.acquire(blocking=False)
    except Timeout:
        holder = ""
        with contextlib.suppress(OSError):  # it may have gone just now
            holder = " ".join(file.read_text("utf-8", "replace").split())
        message(f"{shown(target)}: waiting for {holder or 'another process'}, which is making it")
        held = lock.acquire()
    with held:
        says_itself = isinstance(lock, SoftFileLock)
        if not says_itself:
            file.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        try:
            yield
        finally:  # who comes next must not be taken for this process
            if not says_itself:
                os.truncate(file, 0)


def write_file(target: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill the file ``target``, whole or not at all, in place of an older one. The
    caller sees to it that no other process writes it. Raises OSError."""
    with _unfinished(target) as unfinished, unfinished.open("wb") as file:
        write(file)


@contextlib.contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """The name to write ``target`` under; it is put in its place, or removed after an error."""
    unfinished = unfinished_name(target)
    remove(unfinished)  # of a process that was killed
    try:
        yield unfinished
        put(unfinished, target)
    finally:
        remove(unfinished)


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Makes the folder of ``target``, and errors of the disk meanwhile into one that names it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise AdienceError(f"{target}: cannot be written ({error.strerror or error})") from error


def unfinished_name(target: Path) -> Path:
    """Where ``target`` is written until it is whole."""
    return target.with_name(f"{target.name}.unfinished")


def put(unfinished: Path, target: Path) -> None:
    """Rename ``unfinished`` (a file or a folder) once all of it is on the disk: a machine that
    loses its power must not come back with the name and without the content."""
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
