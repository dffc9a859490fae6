"""SIGTERM and Ctrl-C: an orderly end, with a line that says what is kept."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from adience_lib.whole import tell

SIGNALLED = 128
"""A shell's exit status of a process that a signal ended is this plus the signal's number."""


@contextmanager
def announced(line: Callable[[], str]) -> Iterator[None]:
    """What is inside may be stopped: ``line()`` is then said on stderr, and the process ends.

    SIGTERM, which schedulers and ``kill`` send, ends it by SystemExit with status 143, so that
    locks are given back and half-written files removed. Ctrl-C stays a KeyboardInterrupt (status
    130), as notebooks expect. Within a notebook either ends the cell and not the kernel. A handler
    of SIGTERM that the caller has set is left alone, and so are threads other than the main one,
    which receive no signals.
    """
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    )
    if ours:
        signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        tell(line())
        raise
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit(number: int, _: FrameType | None) -> None:
    raise SystemExit(SIGNALLED + number)
