"""Any of the three kinds of dataset to one manifest: a row a face."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from adience_lib import adience, demo, paths, utkface, whole
from adience_lib.adience import read_folds
from adience_lib.archive import Archive
from adience_lib.errors import AdienceError, shorten
from adience_lib.folder import Folder
from adience_lib.labels import AGE_LABELS, FOLDS, GENDER_LABELS, LABELS

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
    "fold_0_data.txt to fold_4_data.txt beside aligned/ or faces/ or either as .tar.gz (Adience), "
    "or files named [age]_[gender]_[race]_[date].jpg.chip.jpg or one .tar.gz of them (UTKFace)"
)


@dataclass(frozen=True)
class Dataset:
    """The faces of one dataset, before any image is read.

    ``faces``: the manifest, one row a face, in a fixed order: ``path`` (relative to ``root``,
    with ``/``), ``subject``, ``gender`` and ``age`` (int64 positions in ``GENDER_LABELS`` and
    ``AGE_LABELS``), ``fold`` (0 to 4), and ``race`` (a word) where the source gives it. Its index
    runs from 0, as the image cache does.
    ``drops``: one row a reason, ``reason`` and ``rows``, then the rows kept and their sum.
    ``fingerprint``: SHA-256 of the manifest and the size of every image, in hexadecimal: the same
    for a folder and an archive of it. ``source``: where the images lie.
    """

    name: str
    root: Path
    faces: pd.DataFrame
    drops: pd.DataFrame
    fingerprint: str
    source: Folder | Archive

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
        f"{shorten(str(source))[1:-1]}: no such folder; give a dataset's folder (of an archive, "
        f'the one that it lies in), or "{DEMO}"'
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
    if any(map(utkface.is_face, Folder(root).names())) or _utkface_archive(root):
        return "utkface"
    if len(archives := _archives(root)) > 1:
        names = " and ".join(file.name for file in archives)
        raise AdienceError(f"{root}: {names} lie there; leave the one with the faces")
    raise AdienceError(f"{root}: not a dataset known here; looked for {_KINDS}")


def _utkface_archive(root: Path) -> Path | None:
    """The one archive in ``root``, if there is one and no more."""
    archives = _archives(root)
    return archives[0] if len(archives) == 1 else None


def _archives(root: Path) -> list[Path]:
    return sorted(root.glob("*.tar.gz"))


def _load(name: str, root: Path, *, allow_missing: bool, drop_repeats: bool) -> Dataset:
    source: Folder | Archive
    if name == "utkface":
        source = _utkface(root)
        names = [image for image in source.names() if image.lower().endswith(".jpg")]
        source.check_inside(names)
        if not any(map(utkface.is_face, names)):
            raise AdienceError(f"{root}: not a dataset known here; looked for {_KINDS}")
        faces, dropped = utkface.read_faces(names, source.digest)
    else:
        folder = adience.image_folder(root)
        faces, dropped = adience.read_faces(root, folder, drop_repeats=drop_repeats)
        source = _adience(root, folder, list(faces["path"]))
        source.check_inside(list(faces["path"]), adience.IMAGE_FOLDERS)
    missing = source.missing(list(faces["path"]))
    faults = faces["path"][faces["path"].isin(missing)].map(lambda _: "missing image")
    if allow_missing:
        faults = pd.concat([faults, _unreadable(source, faces["path"].drop(faults.index))])
    elif len(faults):
        raise AdienceError(_missing_message(root, faces.loc[faults.index, "path"]))
    dropped.update(faults.to_list())
    faces = faces.drop(index=faults.index).reset_index(drop=True)
    if faces.empty:
        raise AdienceError(f"{root}: no face with both labels is left")
    sizes = [source.size(path) for path in faces["path"]]
    fingerprint = _fingerprint(name, faces.assign(bytes=sizes))
    return Dataset(name, root, faces, _drops(dropped, len(faces)), fingerprint, source)


def _utkface(root: Path) -> Folder | Archive:
    folder = Folder(root)
    archive = _utkface_archive(root)
    if archive is None or any(map(utkface.is_face, folder.names())):
        return folder
    return Archive(archive, "", utkface.is_in_a_group, "faces in the eight age groups")


def _adience(root: Path, folder: str, wanted: list[str]) -> Folder | Archive:
    if (root / folder).exists():
        return Folder(root)
    chosen = frozenset(wanted)
    choice = hashlib.sha256("\n".join(sorted(chosen)).encode()).hexdigest()
    return Archive(adience.image_archive(root, folder), folder, chosen.__contains__, choice)


def _unreadable(source: Folder | Archive, paths: pd.Series) -> pd.Series:
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


def _drops(dropped: Counter[str], kept: int) -> pd.DataFrame:
    rows = [(reason, dropped[reason]) for reason in REASONS]
    rows += [("kept", kept), ("all rows", kept + dropped.total())]
    return pd.DataFrame(rows, columns=["reason", "rows"])


def _fingerprint(name: str, faces: pd.DataFrame) -> str:
    manifest = faces.to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(f"{name}\n{manifest}".encode()).hexdigest()
