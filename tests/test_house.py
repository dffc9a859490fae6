"""The house: a core that is read in one sitting, and rooms that import downwards only."""

import ast
from pathlib import Path

import pytest

from adience_lib.util.paths import PROJECT

LIBRARY = PROJECT / "adience_lib"

CORE = (
    "protocol.py",
    "training.py",
    "data/__init__.py",
    "data/loader.py",
    "data/labels.py",
    "models/__init__.py",
    "models/networks.py",
    "models/layers.py",
)

LAYERS = (
    {"util"},
    {"data.labels"},
    {"protocol"},
    {"data", "models"},
    {"speed"},
    {"training"},
    {"runs"},
    {"experiments"},
    {"evidence"},
    {"deploy"},
    {"report"},
    {"__main__"},
)
"""Rooms, lowest first. Those of one layer do not import each other."""

HEIGHT = {room: height for height, rooms in enumerate(LAYERS) for room in rooms}


def imported(file: Path) -> set[str]:
    """The modules of this project that ``file`` imports anywhere, as "data.labels"."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name.removeprefix("adience_lib.") for name in found if name.startswith("adience_lib.")}


def room(module: str) -> str:
    """Of the layers, the one that ``module`` lies in."""
    return "data.labels" if module.startswith("data.labels") else module.split(".", maxsplit=1)[0]


def modules() -> list[Path]:
    """Every module of a room."""
    return [file for file in sorted(LIBRARY.rglob("*.py")) if file != LIBRARY / "__init__.py"]


def test_imports_go_down() -> None:
    """A line knows its room and what it may touch."""
    wrong = []
    for file in modules():
        own = room(".".join(file.relative_to(LIBRARY).with_suffix("").parts))
        others = {room(module) for module in imported(file)} - {own}
        wrong += [f"{file}: {other}" for other in others if HEIGHT[other] >= HEIGHT[own]]
    assert not wrong


def test_every_room_says_what_is_in_it() -> None:
    """In its first sentence."""
    for file in modules():
        if file.name == "__init__.py":
            assert ast.get_docstring(ast.parse(file.read_text())), file


def test_core_is_short() -> None:
    """Docstrings included, in lines of at most a hundred characters (ruff)."""
    assert sum(len((LIBRARY / name).read_text().splitlines()) for name in CORE) < 950


@pytest.mark.parametrize("name", CORE)
def test_core_needs_nothing_but_itself(name: str) -> None:
    """Besides ``util``, the entry of ``speed``, and the other modules of its own package."""
    core = {name.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for name in CORE}
    own = name.split("/", maxsplit=1)[0] if "/" in name else ""
    for module in imported(LIBRARY / name):
        place, _, _ = module.rpartition(".")
        known = {module, place} & core or room(module) in ("util", own)
        assert known or module == "speed" or place == "models.baselines", module


def test_training_touches_no_disk() -> None:
    """Neither itself nor by what it takes from elsewhere to write with."""
    text = (LIBRARY / "training.py").read_text()
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    attributes = {
        node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)
    }
    disk = {
        "open",
        "FileLock",
        "save",
        "load",
        "write",
        "write_text",
        "read_text",
        "mkdir",
        "savez",
    }
    assert not disk & (names | attributes)
    assert not {"os", "shutil", "tempfile", "atomic", "locks", "tqdm"} & names
