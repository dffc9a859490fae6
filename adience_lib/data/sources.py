"""Which kind of dataset lies in a folder, its rows, and which of its images are there."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from adience_lib.data import adience, archives, demo, utkface
from adience_lib.data.folder import Folder
from adience_lib.data.labels import FOLDS
from adience_lib.util import atomic, paths
from adience_lib.util.errors import AdienceError, shorten

DEMO = "demo"
"""The source that stands for the built-in drawings."""

_KINDS = (
    "fold_0_data.txt to fold_4_data.txt beside aligned/ or faces/ (Adience), or files named "
    "[age]_[gender]_[race]_[date].jpg.chip.jpg (UTKFace); the images may be packed "
    f"({', '.join(archives.KINDS)})"
)


@contextmanager
def readable(source: str | Path) -> Iterator[tuple[str, Path]]:
    """The name of the kind of ``source``, and its folder; the demo is drawn if it is not there.

    An error of the disk meanwhile becomes one that names the file. Raises AdienceError: no such
    folder, or none of a kind that is known here.
    """
    if str(source) == DEMO:
        yield DEMO, demo_folder()
        return
    root = _folder(source)
    try:
        yield _kind(root), root
    except OSError as error:
        raise AdienceError(
            f"{error.filename or root}: cannot be read ({error.strerror or error})"
        ) from error


def _folder(source: str | Path) -> Path:
    try:
        root = Path(source).expanduser().absolute()
        if root.is_dir():
            return root
    except (OSError, ValueError, RuntimeError):  # no name that a file could have; no such user
        pass
    raise AdienceError(
        f"{shorten(str(source))[1:-1]}: no such folder; give a dataset's folder (of an archive, "
        f'the one that it lies in), or "{DEMO}"'
    )


def demo_folder() -> Path:
    """The folder of the drawn demo set, drawn now if it is not there: whole or absent."""
    folder = paths.cache() / f"demo-{demo.FOLDER_VERSION}"
    atomic.make_whole(folder, demo.draw)
    return folder


def _kind(root: Path) -> str:
    if any(adience.fold_file(root, fold).exists() for fold in range(FOLDS)):
        return "adience" if adience.image_folder(root) == "aligned" else "adience-unaligned"
    if any(map(utkface.is_face, Folder(root).names())) or archives.find(root):
        return "utkface"
    raise AdienceError(f"{root}: not a dataset known here; looked for {_KINDS}")


def read(name: str, root: Path, *, drop_repeats: bool) -> tuple[Folder, pd.DataFrame, Counter[str]]:
    """Where the images lie, the rows with both labels, and how many went for which reason."""
    if name == "utkface":
        source = Folder(root)
        if not any(map(utkface.is_face, source.names())):
            source = _unpacked(root)
        names = source.names()
        source.check_inside(names)
        if not any(map(utkface.is_face, names)):
            raise AdienceError(f"{root}: not a dataset known here; looked for {_KINDS}")
        return source, *utkface.read_faces(names, source.digest)
    folder = adience.image_folder(root)
    faces, dropped = adience.read_faces(root, folder, drop_repeats=drop_repeats)
    source = Folder(root) if (root / folder).exists() else _unpacked(root, folder)
    source.check_inside(list(faces["path"]), adience.IMAGE_FOLDERS)
    return source, faces, dropped


def _unpacked(root: Path, folder: str = "") -> Folder:
    """The images of the one archive in ``root`` that can be meant."""
    archive = archives.find(root, folder or "*")
    return archives.unpacked(archive, folder) if archive else Folder(root)


def faults(
    name: str, root: Path, source: Folder, images: pd.Series, *, allow_missing: bool
) -> pd.Series:
    """Why an image cannot be used, by its row. Missing ones are an error unless they are allowed.

    The demo has one image that is missing and one that is cut short, on purpose: no others.
    """
    missing = images[images.isin(source.missing(list(images)))]
    if len(missing) and not allow_missing and name != DEMO:
        raise AdienceError(_missing_message(root, missing))
    found = missing.map(lambda _: "missing image")
    if allow_missing or name == DEMO:
        found = pd.concat([found, _unreadable(source, images.drop(missing.index))])
    if name == DEMO and sorted(found) != ["missing image", "unreadable image"]:
        raise AdienceError(f"{root}: the demo set is damaged; delete the folder")
    return found


def _unreadable(source: Folder, paths: pd.Series) -> pd.Series:
    """Which of the images cannot be decoded, by their row."""
    found = tqdm(
        source.faces(list(paths)), "Checking images", len(paths), leave=False, mininterval=1
    )
    bad = [isinstance(face, AdienceError) for face in found]
    return paths[bad].map(lambda _: "unreadable image")


def _missing_message(root: Path, missing: pd.Series) -> str:
    first = ", ".join(missing.head(5))
    return (
        f"{root}: {len(missing)} images named in the fold files are missing, the first: {first}. "
        "To go on without them: allow_missing=True (in a notebook, the parameter allow_missing)"
    )


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


def drops_table(dropped: Counter[str], kept: int) -> pd.DataFrame:
    """A row a reason, ``reason`` and ``rows``, then the rows kept and their sum."""
    rows = [(reason, dropped[reason]) for reason in REASONS]
    rows += [("kept", kept), ("all rows", kept + dropped.total())]
    return pd.DataFrame(rows, columns=["reason", "rows"])


def fingerprint(name: str, faces: pd.DataFrame) -> str:
    """SHA-256 of the manifest ``faces``, in hexadecimal."""
    manifest = faces.to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(f"{name}\n{manifest}".encode()).hexdigest()
