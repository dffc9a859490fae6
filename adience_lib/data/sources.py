"""Which dataset is meant, its rows by its kind, and which of its images are there."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from adience_lib.data import adience, archives, demo, table, utkface
from adience_lib.data.images import GO_ON, Folder
from adience_lib.data.labels import FOLDS, LABELS, MISSING
from adience_lib.util import atomic, console, paths
from adience_lib.util.errors import AdienceError, shorten

DEMO = "demo"
"""The source that stands for the built-in drawings."""

LEVELS = 2
"""Folders between the one that was named and the dataset: Kaggle's copies have two."""
PACKED_LEVELS = 20
"""The same in an archive, in which somebody may have packed a whole path."""

_KINDS = (
    "fold_0_data.txt to fold_4_data.txt beside aligned/ or faces/ (Adience), files named "
    f"[age]_[gender]_[race]_[date].jpg.chip.jpg (UTKFace), or {table.FILE} (a table of your own); "
    f"the images may be packed ({', '.join(archives.KINDS)}): name the archive, or its folder"
)

_OF_IMAGES = {"aligned": "adience", "faces": "adience-unaligned"}


@contextmanager
def readable(source: str | Path) -> Iterator[tuple[str, Path]]:
    """``find``, or the drawn demo. An error of the disk meanwhile becomes one that names a file."""
    try:
        yield (DEMO, demo_folder()) if str(source) == DEMO else find(source)
    except OSError as error:
        named = shorten(str(error.filename or source))[1:-1]
        raise AdienceError(f"{named}: cannot be read ({error.strerror or error})") from error


def demo_folder() -> Path:
    """The folder of the drawn demo set, drawn now if it is not there: whole or absent."""
    folder = paths.cache() / f"demo-{demo.FOLDER_VERSION}"
    atomic.make_whole(folder, demo.draw)
    return folder


def find(source: str | Path) -> tuple[str, Path]:
    """The name of the kind of dataset that ``source`` means, and the folder that it lies in.

    ``source``: that folder, one or two above it, Adience's aligned/ or faces/, a table, an archive.
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


def _below(root: Path, levels: int = LEVELS) -> tuple[str, Path] | None:
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
    return "utkface" if any(utkface.NAME.fullmatch(path.name) for path in folder.glob("*")) else ""


def _fold_files(folder: Path) -> list[Path]:
    files = (adience.fold_file(folder, fold) for fold in range(FOLDS))
    return [file for file in files if file.exists()]


def _folders(folder: Path) -> list[Path]:
    """Where a dataset may lie in ``folder``: in none that is hidden, and not in a Mac's notes."""
    inside = [path for path in folder.glob("*") if path.is_dir()]
    return sorted(path for path in inside if path.name[0] != "." and path.name != "__MACOSX")


def read(
    name: str, root: Path, drop_repeats: bool, seed: int
) -> tuple[Folder, pd.DataFrame, Counter[str]]:
    """Where the images lie, the rows of the manifest, and how many went for which reason."""
    if name == "table":
        source = Folder(root, turned=True)
        return source, *table.read_faces(source, seed)
    if name == "utkface":
        source = Folder(root)
        source.check_inside(names := source.names())
        return source, *utkface.read_faces(names, source.digest)
    folder = "faces" if name == _OF_IMAGES["faces"] else "aligned"
    faces, dropped = adience.read_faces(root, folder, drop_repeats=drop_repeats)
    lie_in = adience.images_root(root, folder)
    archive = None if lie_in else archives.find(root, folder)
    source = archives.unpacked(archive, folder) if archive else Folder(lie_in or root)
    source.check_inside(faces["path"], adience.IMAGE_FOLDERS)
    return source, faces, dropped


def faults(
    name: str, root: Path, source: Folder, images: pd.Series, *, allow_missing: bool
) -> dict[int, str]:
    """Why an image cannot be used, by its row. Missing ones are an error unless they are allowed;
    the demo has one that is missing and one that is cut short, on purpose."""
    missing = images[images.isin(source.missing(images))]
    if not allow_missing and name != DEMO:
        if missing.empty:
            return {}
        named_in = table.FILE if name == "table" else "the fold files"
        raise AdienceError(
            f"{root}: {len(missing)} images named in {named_in} are missing, the first: "
            f"{', '.join(missing.head(5))}. {GO_ON}"
        )
    found = dict.fromkeys(missing.index, "missing image")
    found |= dict.fromkeys(unreadable(source, images.drop(missing.index)), "unreadable image")
    if name == DEMO and sorted(found.values()) != ["missing image", "unreadable image"]:
        raise AdienceError(f"{root}: the demo set is damaged; delete the folder")
    return found


def unreadable(source: Folder, images: pd.Series) -> dict[int, AdienceError]:
    """What is wrong with each image that cannot be decoded, by its row, with a progress bar."""
    faces = source.faces(list(images))
    shown = tqdm(faces, "Checking images", len(images), leave=False, mininterval=1)
    pairs = zip(images.index, shown, strict=True)
    return {row: face for row, face in pairs if isinstance(face, AdienceError)}


REASONS = (
    "missing age",
    "other age label",
    "age in none of the labels",
    "gender missing or unknown",
    "malformed name",
    "identical files disagree",
    "exact repeat",
    "missing image",
    "unreadable image",
)
"""Every reason for which a row or file is dropped, over all kinds of dataset."""

SINGLE = {"gender": "gender only", "age": "age only"}
"""Rows of a table with one label, which serve that task's own network and no other."""


def with_labels(faces: pd.DataFrame, tasks: Collection[str]) -> pd.DataFrame:
    """Those of ``faces`` with a label of each of ``tasks``."""
    return faces[(faces[list(tasks)] != MISSING).all(axis=1)]


def parted(faces: pd.DataFrame, dropped: Counter[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The faces with both labels, and those with one, which are counted in ``dropped``; the index
    goes on from the first to the second."""
    both = with_labels(faces, LABELS)
    single = faces.drop(index=both.index)
    for task, reason in SINGLE.items():
        dropped[reason] += len(with_labels(single, [task]))
    single.index = pd.RangeIndex(len(both), len(faces))
    return both.reset_index(drop=True), single


def drops_table(dropped: Counter[str], kept: int) -> pd.DataFrame:
    """``Dataset.drops``. Those of ``SINGLE`` stand there only where there are any."""
    single = [reason for reason in SINGLE.values() if dropped[reason]]
    rows = [(reason, dropped[reason]) for reason in (*REASONS, *single)]
    rows += [("kept", kept), ("all rows", kept + dropped.total())]
    return pd.DataFrame(rows, columns=["reason", "rows"])


def fingerprint(name: str, faces: pd.DataFrame) -> str:
    """SHA-256 of the manifest ``faces``, in hexadecimal."""
    manifest = faces.to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(f"{name}\n{manifest}".encode()).hexdigest()
