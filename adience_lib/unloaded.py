"""Keeps a package from being loaded by another that can do without it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def unloaded(package: str) -> Iterator[None]:
    """What is imported meanwhile finds ``package`` missing, unless it has been loaded before."""
    modules: dict[str, Any] = sys.modules
    if package in modules:
        yield
        return
    modules[package] = None  # Python then raises ImportError
    try:
        yield
    finally:
        del modules[package]
