"""Which dataset is meant: what was named, or what lies just below or above it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from adience_lib.data import adience, archives, table, utkface
from adience_lib.data.labels import FOLDS
from adience_lib.util import console, paths
from adience_lib.util.errors import AdienceError, shorten

LEVELS = 2
"""Folders between the one that was named and the dataset: Kaggle's copies have two."""
PACKED_LEVELS = 20
"""The same in an archive, in which somebody may have packed a whole path."""

_KINDS = (
    "fold_0_data.txt to fold_4_data.txt beside aligned/ or faces/ (Adience), files named "
    f"[age]_[gender]_[race]_[date].jpg.chip.jpg (UTKFace), or {table.FILE} (a table of your own); "
    f"the images may be packed ({', '.join(archives.KINDS)}): name the archive, or its folder"
)

Place = tuple[str, Path]
"""The name of a kind of dataset, and the folder that one lies in."""

UNALIGNED = "adience-unaligned"
_OF_IMAGES = {"aligned": "adience", "faces": UNALIGNED}


def find(source: str | Path) -> Place:
    """The dataset that ``source`` means: a folder of one, one of its tables, or an archive.

    A folder may also be one or two above the dataset's, or Adience's aligned/ or faces/.
    Raises AdienceError: there is no such folder, no dataset in it, or more than one.
    """
    named = paths.resolve(source)
    if not named.exists():
        wanted = 'give a dataset\'s folder or archive, or "demo"'
        raise AdienceError(f"{shorten(str(source))[1:-1]}: no such folder; {wanted}")
    packed = archives.bare_name(named) if named.is_file() else ""
    images = packed or named.name
    if images in _OF_IMAGES and _fold_files(named.parent) and (packed or not _kind(named)):
        return _OF_IMAGES[images], named.parent
    if named.is_file() and (named.name == table.FILE or named in _fold_files(named.parent)):
        named = named.parent
    found, archive = None, named if packed else None
    if named.is_dir():
        found = _below(named)
        archive = None if found and found[1] == named else archives.find(named)
    if found and archive and archives.bare_name(archive) not in found[1].parts:
        raise AdienceError(f"{named}: {archive.name} and {found[1]} lie there; name one of the two")
    if archive and not found:
        found = _below(archives.unpacked(archive).root, PACKED_LEVELS)
    if not found:
        raise AdienceError(f"{archive or named}: not a dataset known here; looked for {_KINDS}")
    return found


def _below(root: Path, levels: int = LEVELS) -> Place | None:
    """The dataset in ``root``, or else in the only folder of the next ``levels`` that has one. Of
    several of UTKFace the one of that name is taken, else the outer one, and a line says so."""
    level = [root]
    for _ in range(levels + 1):
        distinct = {folder.resolve(): folder for folder in level}  # a link beside its target is one
        found = {folder: kind for folder in distinct.values() if (kind := _kind(folder))}
        called = [folder for folder in found if folder.name.lower() == "utkface"]
        all_utkface = set(found.values()) == {"utkface"}
        taken = called if all_utkface and len(called) == 1 else list(found)
        if len(taken) > 1:
            folders = ", ".join(map(str, taken))
            raise AdienceError(f"{root}: more than one dataset ({folders}); name one of them")
        if taken:
            folder = taken[0]
            others = [other for other in found if other != folder]
            if all_utkface:
                others += [inner for inner in _folders(folder) if _kind(inner) == "utkface"]
            if others:
                faces = ", ".join(map(str, others))
                console.message(f"{folder} is taken; faces in {faces} are left out")
            return found[folder], folder
        level = [inner for folder in level for inner in _folders(folder)]
    return None


def _kind(folder: Path) -> str:
    """The name of the kind of dataset that lies in ``folder`` itself; "" for none."""
    if (folder / table.FILE).exists():
        return "table"
    if _fold_files(folder):
        return _OF_IMAGES[adience.image_folder(folder)]
    return "utkface" if any(utkface.NAME.fullmatch(path.name) for path in _inside(folder)) else ""


def _fold_files(folder: Path) -> list[Path]:
    files = (adience.fold_file(folder, fold) for fold in range(FOLDS))
    return [file for file in files if file.exists()]


def _folders(folder: Path) -> list[Path]:
    """The folders in ``folder`` that may hold a dataset: no hidden one, and no Mac's notes."""
    inside = [path for path in _inside(folder) if path.is_dir()]
    return sorted(path for path in inside if path.name[0] != "." and path.name != "__MACOSX")


def _inside(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(PermissionError):  # of a folder that nobody has named
        yield from folder.iterdir()
