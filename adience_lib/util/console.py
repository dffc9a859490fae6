"""What a person at a terminal is told, and an orderly end on SIGTERM and Ctrl-C."""

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from tqdm import tqdm

from adience_lib.util.errors import AdienceError

SIGNALLED = 128
"""A shell's exit status of a process that a signal ended is this plus the signal's number."""

BYTES = {"unit": "B", "unit_scale": True, "leave": False, "mininterval": 1}
"""How a progress bar of bytes looks."""


def message(line: str) -> None:
    """Say ``line`` on stderr, above any progress bar, if anybody listens."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            tqdm.write(line, file=sys.stderr)


@contextlib.contextmanager
def announced(line: Callable[[], str]) -> Iterator[None]:
    """What is inside may be stopped: ``line()`` is then said on stderr, and the process ends.

    SIGTERM, which schedulers and ``kill`` send, ends it by SystemExit (status 143), so that locks
    are given back and half-written files removed; Ctrl-C stays a KeyboardInterrupt (130). Within a
    notebook either ends the cell and not the kernel. A handler that the caller has set stays.
    """
    unhandled = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    ours = unhandled and threading.current_thread() is threading.main_thread()
    if ours:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(SIGNALLED + number))
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        message(line())
        raise
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def out(line: str) -> None:
    """Print ``line`` for a person or the next program of a pipe.

    Signs that the terminal's encoding lacks are escaped. Where the reader wants no more the process
    ends in silence, with the status of SIGPIPE. Raises AdienceError if it cannot be written.
    """
    if sys.stdout is None:
        raise AdienceError("standard output is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        print(line, flush=True)
    except OSError as error:
        with contextlib.suppress(OSError, ValueError):  # Python's own last try goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(SIGNALLED + signal.SIGPIPE) from error
        raise AdienceError(f"standard output: cannot be written to ({error.strerror})") from error


def exit_status(work: Callable[[], int | None]) -> int:
    """What ``work`` gives, 1 and a line on stderr for a user's error, or the shell's for Ctrl-C."""
    try:
        return work() or 0
    except AdienceError as error:
        message(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return SIGNALLED + signal.SIGINT
