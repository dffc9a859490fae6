"""Any of the three kinds of dataset to one manifest: a row a face."""

import hashlib
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from adience_lib import adience, demo, paths, utkface, whole
from adience_lib.adience import FOLDS, read_folds
from adience_lib.errors import AdienceError, shorten
from adience_lib.images import read_face
from adience_lib.labels import AGE_LABELS, GENDER_LABELS, LABELS

__all__ = [
    "AGE_LABELS",
    "DEMO",
    "FOLDS",
    "GENDER_LABELS",
    "LABELS",
    "Dataset",
    "load",
    "read_folds",
]

DEMO = "demo"
"""The source that stands for the built-in drawings."""

_KINDS = (
    "fold_0_data.txt to fold_4_data.txt beside aligned/ or faces/ (Adience), or files named "
    "[age]_[gender]_[race]_[date].jpg.chip.jpg (UTKFace)"
)


@dataclass(frozen=True)
class Dataset:
    """The faces of one dataset, before any image is read.

    ``faces``: the manifest, one row a face, in a fixed order: ``path`` (relative to ``root``,
    with ``/``), ``subject``, ``gender`` and ``age`` (int64 positions in ``GENDER_LABELS`` and
    ``AGE_LABELS``), ``fold`` (0 to 4), and ``race`` (a word) where the source gives it. Its index
    runs from 0, as the image cache does.
    ``drops``: one row a reason, ``reason`` and ``rows``, then the rows kept and their sum.
    ``fingerprint``: SHA-256 of the manifest and the size of every image, in hexadecimal.
    """

    name: str
    root: Path
    faces: pd.DataFrame
    drops: pd.DataFrame
    fingerprint: str

    @property
    def is_demo(self) -> bool:
        """Whether the faces are drawings: nothing measured on them holds for people."""
        return self.name == DEMO


def load(source: str | Path, *, allow_missing: bool = False, drop_repeats: bool = False) -> Dataset:
    """The manifest of ``source``: ``"demo"``, an Adience folder or a UTKFace folder.

    The kind is found out from what lies in the folder. ``allow_missing`` goes on without images
    that are missing or cannot be read, and counts them; every image is then decoded once to find
    out. ``drop_repeats`` keeps one of each set of equal rows of Adience (UTKFace's and the
    demo's are as ``utkface.read_faces`` and ``adience.read_faces`` say).

    Raises AdienceError: no such folder, a folder of another kind, bad fold files, missing images.
    """
    if str(source) == DEMO:
        return _load_demo(drop_repeats=drop_repeats)
    root = _folder(source)
    try:
        return _load(_kind(root), root, allow_missing=allow_missing, drop_repeats=drop_repeats)
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
        f'{shorten(str(source))[1:-1]}: no such folder; give a dataset\'s folder, or "{DEMO}"'
    )


def _load_demo(*, drop_repeats: bool) -> Dataset:
    """The demo has one image that is missing and one that is cut short, on purpose: no others."""
    dataset = _load(DEMO, demo_folder(), allow_missing=True, drop_repeats=drop_repeats)
    rows = dataset.drops.set_index("reason")["rows"]
    if (rows["missing image"], rows["unreadable image"]) != (1, 1):
        raise AdienceError(f"{dataset.root}: the demo set is damaged; delete the folder")
    return dataset


def demo_folder() -> Path:
    """The folder of the drawn demo set, drawn now if it is not there: whole or absent."""
    folder = paths.cache() / f"demo-{demo.FOLDER_VERSION}"
    whole.make_whole(folder, demo.draw)
    return folder


def _kind(root: Path) -> str:
    if any(adience.fold_file(root, fold).exists() for fold in range(FOLDS)):
        return "adience" if adience.image_folder(root) == "aligned" else "adience-unaligned"
    if utkface.is_folder_of_faces(root):
        return "utkface"
    raise AdienceError(f"{root}: not a dataset known here; looked for {_KINDS}")


def _load(name: str, root: Path, *, allow_missing: bool, drop_repeats: bool) -> Dataset:
    if name == "utkface":
        _check_inside(root, utkface.image_files(root))
        faces, dropped = utkface.read_faces(root)
    else:
        faces, dropped = adience.read_faces(root, drop_repeats=drop_repeats)
    files = [root / path for path in faces["path"]]
    _check_inside(root, files)
    faults = pd.Series(_missing(files), dtype=object)
    if allow_missing:
        faults = faults.combine_first(
            pd.Series(_unreadable(files, set(faults.index)), dtype=object)
        )
    elif len(faults):
        raise AdienceError(_missing_message(root, faces.loc[faults.index, "path"]))
    dropped.update(faults.to_list())
    faces = faces.drop(index=faults.index).reset_index(drop=True)
    if faces.empty:
        raise AdienceError(f"{root}: no face with both labels is left")
    return Dataset(name, root, faces, _drops(dropped, len(faces)), _fingerprint(name, root, faces))


def _check_inside(root: Path, files: list[Path]) -> None:
    """Refuse images that are links to somewhere else: a dataset may come from anybody.

    The folder ``aligned/`` or ``faces/`` itself may be a link, which only its owner sets up.
    """
    inside = [os.path.realpath(folder) + os.sep for folder in {root, *_image_folders(root)}]
    outside = [file for file in files if not os.path.realpath(file).startswith(tuple(inside))]
    if outside:
        raise AdienceError(
            f"{root}: {len(outside)} images are links that lead out of the dataset, the first: "
            f"{outside[0].relative_to(root)}; put the images themselves there"
        )


def _image_folders(root: Path) -> list[Path]:
    return [root / name for name in adience.IMAGE_FOLDERS]


def _missing(files: list[Path]) -> dict[int, str]:
    return {row: "missing image" for row, path in enumerate(files) if not path.is_file()}


def _unreadable(files: list[Path], missing: set[int]) -> dict[int, str]:
    """Which of the images that are there cannot be decoded. Pillow lets other threads run."""

    def is_readable(row: int) -> bool:
        try:
            read_face(files[row])
        except AdienceError:
            return False
        return True

    rows = [row for row in range(len(files)) if row not in missing]
    with ThreadPoolExecutor() as pool:
        readable = tqdm(
            pool.map(is_readable, rows), "Checking images", len(rows), leave=False, mininterval=1
        )
        return {
            row: "unreadable image" for row, good in zip(rows, readable, strict=True) if not good
        }


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


def _drops(dropped: Counter[str], kept: int) -> pd.DataFrame:
    rows = [(reason, dropped[reason]) for reason in REASONS]
    rows += [("kept", kept), ("all rows", kept + dropped.total())]
    return pd.DataFrame(rows, columns=["reason", "rows"])


def _fingerprint(name: str, root: Path, faces: pd.DataFrame) -> str:
    sizes = [(root / path).stat().st_size for path in faces["path"]]
    manifest = faces.assign(bytes=sizes).to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(f"{name}\n{manifest}".encode()).hexdigest()
