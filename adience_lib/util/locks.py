"""One process at a time on a thing; the others wait, and say for whom."""

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from adience_lib.util.console import message
from adience_lib.util.paths import shown


@contextlib.contextmanager
def locked(target: Path) -> Iterator[None]:
    """Lets one process at a time in, for each ``target``; the others wait, and say for whom.

    The system drops the lock of a process that has died, however it died. Where a file system
    has no locks, filelock makes do with a file of its own that says who holds it, and warns.
    """
    file = target.with_name(f".{target.name}.lock")
    lock = FileLock(file)
    try:
        held = lock.acquire(blocking=False)
    except Timeout:
        message(f"{shown(target)}: waiting for {_holder(file)}, which is making it")
        held = lock.acquire()
    with held:
        if isinstance(lock, SoftFileLock):
            yield
            return
        file.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        try:
            yield
        finally:  # who comes next must not be taken for this process
            os.truncate(file, 0)


def _holder(file: Path) -> str:
    """What the holder of a lock has written there; it may be between taking it and saying so."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return " ".join(file.read_text(encoding="utf-8").split()) or "another process"
    return "another process"
