"""Keeps notes that a library prints while it is loaded off the terminal."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# TensorFlow describes the processor, and the lack of a GPU, whenever it is imported, whatever
# TF_CPP_MIN_LOG_LEVEL says (seen in 2.21). Its warnings and errors begin otherwise.
_NOTE = re.compile(r"I\d{4} |WARNING: All log messages before absl")


@contextmanager
def without_notes() -> Iterator[None]:
    """Hold back what is written to the process's stderr, then write it all but the notes."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            held.seek(0)
            lines = held.read().decode(errors="replace").splitlines()
            sys.stderr.writelines(f"{line}\n" for line in lines if not _NOTE.match(line))
