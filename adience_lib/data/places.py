"""Which dataset is meant: what was named, or what lies just below or above it."""

from collections.abc import Iterator
from pathlib import Path

from adience_lib.data import adience, archives, table, utkface
from adience_lib.data.labels import FOLDS
from adience_lib.util import console
from adience_lib.util.errors import AdienceError, shorten

LEVELS = 2
"""Folders between the one that was named and the dataset: Kaggle's copies have two."""
PACKED_LEVELS = 20
"""The same in an archive, in which somebody may have packed a whole path."""

_KINDS = (
    "fold_0_data.txt to fold_4_data.txt beside aligned/ or faces/ (Adience), files named "
    f"[age]_[gender]_[race]_[date].jpg.chip.jpg (UTKFace), or {table.FILE} (a table of your own); "
    f"the images may be packed ({', '.join(archives.KINDS)})"
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
    named = _there(source)
    packed = named.is_file() and archives.is_archive(named)
    images = archives.bare_name(named) if packed else named.name
    if images in _OF_IMAGES and _has_fold_files(named.parent) and (packed or not _kind(named)):
        return _OF_IMAGES[images], named.parent
    if packed:
        return _within(named)
    if named.is_file():
        if named.name != table.FILE and not _is_fold_file(named):
            raise AdienceError(f"{named}: no folder nor archive of a dataset; looked for {_KINDS}")
        named = named.parent
    found = _below(named)
    archive = None if found and found[1] == named else archives.find(named)
    if found and archive and archives.bare_name(archive) not in found[1].parts:
        raise AdienceError(f"{named}: {archive.name} and {found[1]} lie there; name one of the two")
    if not found and archive:
        return _within(archive)
    if not found:
        raise AdienceError(f"{named}: {_near(named)}; looked for {_KINDS}")
    return found


def _near(named: Path) -> str:
    """What is wrong with a folder without a dataset."""
    for images in _OF_IMAGES:
        if (named / images).exists():
            first = adience.fold_file(named, 0).name
            return f"{images}/ lies there without its fold files, {first} and the others"
    inner = [file for folder in _folders(named) for file in _inside(folder)]
    packed = sorted(str(file) for file in inner if archives.is_archive(file))
    hint = f"; if it is packed, name its archive: {', '.join(packed[:5])}" if packed else ""
    return f"not a dataset known here{hint}"


def _there(source: str | Path) -> Path:
    try:
        named = Path(source).expanduser().absolute()
        if named.exists():
            return named
    except (OSError, ValueError, RuntimeError):  # no name that a file could have; no such user
        pass
    raise AdienceError(
        f"{shorten(str(source))[1:-1]}: no such folder; give a dataset's folder or archive, or "
        '"demo"'
    )


def _within(archive: Path) -> Place:
    found = _below(archives.unpacked(archive).root, PACKED_LEVELS)
    if not found:
        raise AdienceError(f"{archive}: not a dataset known here; looked for {_KINDS}")
    return found


def _below(root: Path, levels: int = LEVELS) -> Place | None:
    """The dataset in ``root``, or else in the only folder of the next ``levels`` that has one.

    Of several folders of UTKFace's faces the one of that name is taken, else the outer one, and a
    line says so.
    """
    level, others = [root], list[Path]()
    for _ in range(levels + 1):
        distinct = {folder.resolve(): folder for folder in level}  # a link beside its target is one
        found = [(kind, folder) for folder in distinct.values() if (kind := _kind(folder))]
        named = [one for one in found if one[1].name.lower() == "utkface"]
        if len(found) > 1 and len(named) == 1 and {kind for kind, _ in found} == {"utkface"}:
            others, found = [folder for _, folder in found if folder != named[0][1]], named
        if len(found) > 1:
            folders = ", ".join(str(folder) for _, folder in found)
            raise AdienceError(f"{root}: more than one dataset ({folders}); name one of them")
        if found:
            kind, folder = found[0]
            if kind == "utkface":
                others += [inner for inner in _folders(folder) if _kind(inner) == kind]
            if others:
                faces = ", ".join(map(str, others))
                console.message(f"{folder} is taken; faces in {faces} are left out")
            return found[0]
        level = [inner for folder in level for inner in _folders(folder)]
    return None


def _kind(folder: Path) -> str:
    """The name of the kind of dataset that lies in ``folder`` itself; "" for none."""
    if (folder / table.FILE).exists():
        return "table"
    if _has_fold_files(folder):
        return _OF_IMAGES[adience.image_folder(folder)]
    return "utkface" if any(utkface.is_face(path.name) for path in _inside(folder)) else ""


def _has_fold_files(folder: Path) -> bool:
    return any(adience.fold_file(folder, fold).exists() for fold in range(FOLDS))


def _is_fold_file(file: Path) -> bool:
    return any(adience.fold_file(file.parent, fold) == file for fold in range(FOLDS))


def _folders(folder: Path) -> list[Path]:
    """The folders in ``folder`` that may hold a dataset: no hidden one, and no Mac's notes."""
    inside = [path for path in _inside(folder) if path.is_dir()]
    return sorted(path for path in inside if path.name[0] != "." and path.name != "__MACOSX")


def _inside(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except PermissionError:  # of a folder that nobody has named
        return
