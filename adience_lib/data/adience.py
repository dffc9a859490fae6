"""The five fold files of Adience, and the paper's filter over them."""

import re
from collections import Counter
from pathlib import Path

import pandas as pd

from adience_lib.data import archives
from adience_lib.data.labels import FOLDS
from adience_lib.data.text import age_position, gender_position, read_lines
from adience_lib.util.errors import AdienceError, shorten

COLUMNS = (
    "user_id",
    "original_image",
    "face_id",
    "age",
    "gender",
    "x",
    "y",
    "dx",
    "dy",
    "tilt_ang",
    "fiducial_yaw_angle",
    "fiducial_score",
)
"""Header of a fold file. Box and angles in pixels and degrees of the photograph."""

IMAGE_FOLDERS = {
    "aligned": "landmark_aligned_face",  # 816x816 pixels, rotated upright: the paper's choice
    "faces": "coarse_tilt_aligned_face",
}
"""Folder of each image set as distributed, and the first part of its file names."""

LONGEST_NAME = 200
"""Bytes. File systems take 255; the image's name has up to 35 more in front."""

_INTEGER = re.compile(r"-?\d{1,9}")

_UNNAMED = ("", "Unnamed: 0")
"""Names of the column of row numbers that pandas puts in front."""

_AGAIN = "fetch the file again, or save it with tabs, as text and with nothing changed"


def fold_file(root: Path, fold: int) -> Path:
    """Where the rows of ``fold`` (0 to 4) lie in the Adience folder ``root``."""
    return root / f"fold_{fold}_data.txt"


def read_folds(root: Path | str) -> pd.DataFrame:
    """All rows of the five fold files, in their order, with their own column names plus ``fold``.

    Needs no images. Text columns hold the files' text as it is: a missing age is the literal
    ``None`` or empty, a missing gender is empty. ``face_id`` and the seven box columns are int64.

    A file that another program has saved again is read as ``text.read_lines`` says.

    Raises AdienceError naming the file, and the line where there is one: a file that is missing,
    empty, without its header, no text; a line with too few or too many fields, with a box that
    is not a whole number, or with a name that leads out of the dataset; a user in two folds.
    """
    root = Path(root)
    missing = [str(fold_file(root, k)) for k in range(FOLDS) if not fold_file(root, k).is_file()]
    if missing:
        raise AdienceError(f"fold file missing: {', '.join(missing)}")
    rows = pd.concat([_read_fold(root, fold) for fold in range(FOLDS)], ignore_index=True)
    _check_users(rows)
    return rows


def _read_fold(root: Path, fold: int) -> pd.DataFrame:
    path = fold_file(root, fold)
    lines = read_lines(path)
    if not lines:
        raise AdienceError(f"{path}: the file is empty; {_AGAIN}")
    (first, header), *rest = lines
    numbered = header[0] in _UNNAMED
    if tuple(_cut(header)[numbered:]) != COLUMNS:
        raise AdienceError(
            f"{path}, line {first}: expected the header {' '.join(COLUMNS)}; {_AGAIN}"
        )
    fields = [_fields(row[numbered:], f"{path}, line {number}") for number, row in rest]
    if not fields:
        raise AdienceError(f"{path}: no row below the header; {_AGAIN}")
    frame = pd.DataFrame(fields, columns=list(COLUMNS), dtype=object)
    whole_numbers = ["face_id", *COLUMNS[5:]]
    return frame.astype(dict.fromkeys(whole_numbers, "int64")).assign(fold=fold)


def _cut(fields: list[str]) -> list[str]:
    """Without the empty fields that separators at the end of a line make."""
    while len(fields) > len(COLUMNS) and not fields[-1]:
        fields = fields[:-1]
    return fields


def _fields(given: list[str], where: str) -> list[str]:
    fields = _cut(given)
    if len(fields) != len(COLUMNS):
        raise AdienceError(
            f"{where}: {len(fields)} fields instead of {len(COLUMNS)} (torn line?); {_AGAIN}"
        )
    for name, value in zip(COLUMNS, fields, strict=True):
        if name in ("user_id", "original_image"):
            _check_name(value, name, where)
        elif name not in ("age", "gender") and not _INTEGER.fullmatch(value):
            raise AdienceError(f"{where}: {name} is {shorten(value)}, not a whole number; {_AGAIN}")
    return fields


def _check_name(value: str, column: str, where: str) -> None:
    """A user or image name becomes part of a path and must not lead anywhere else."""
    if value in ("", ".", "..") or any(sign in value for sign in "/\\\0"):
        raise AdienceError(f"{where}: {column} is {shorten(value)}, which is no plain file name")
    if len(value.encode()) > LONGEST_NAME:
        raise AdienceError(f"{where}: {column} is {shorten(value)}, longer than a file name may be")


def _check_users(rows: pd.DataFrame) -> None:
    folds = rows.groupby("user_id")["fold"].nunique()
    shared = list(folds.index[folds > 1])
    if shared:
        raise AdienceError(
            f"{len(shared)} users stand in more than one fold, so that test faces would be known "
            f"from training: {', '.join(shared[:5])}"
        )


def image_folder(root: Path) -> str:
    """Which image set lies in ``root``, unpacked or as it was sent: "aligned" (the paper's) before
    "faces", a folder before an archive.

    Raises AdienceError if neither is there, or one as two archives.
    """
    for there in (images_root, archives.find):
        for folder in IMAGE_FOLDERS:
            if there(root, folder):
                return folder
    raise AdienceError(
        f"{root}: fold files but no images; expected the folder aligned/ or faces/ beside them, or "
        f"either as an archive ({', '.join(archives.KINDS)})"
    )


def images_root(root: Path, folder: str) -> Path | None:
    """What the image set ``folder`` lies in: ``root``, or a folder that it was unpacked into.

    Programs that unpack make a folder of the archive's name: aligned/aligned/, or another one
    beside the fold files. None if it is in no such place, or in several.
    """
    if (root / folder).exists():
        return root / folder if (root / folder / folder).is_dir() else root
    inside = [one for one in root.iterdir() if (one / folder).is_dir() and one.name != "__MACOSX"]
    return inside[0] if len(inside) == 1 else None


def read_faces(
    root: Path, folder: str, *, drop_repeats: bool = False
) -> tuple[pd.DataFrame, Counter[str]]:
    """The rows that pass the paper's filter (section 2.1), and how many went for which reason.

    A row counts under the first reason that applies. Labels are told by their numbers and letters,
    whatever spaces, signs or capitals a program has given them.

    Exact repeats (equal in every column) are kept unless ``drop_repeats``: the paper's 16,228
    images are possible only with them (the published files have 16,258 rows with both labels,
    16,156 of them distinct).

    ``folder``: the image set, of ``image_folder``. The manifest columns: ``path`` (relative to
    ``root``), ``subject``, ``gender``, ``age`` (positions in the labels) and ``fold``.

    Raises AdienceError as ``read_folds``, and for a fold file none of whose rows has both labels.
    """
    rows = read_folds(root)
    ages, genders = rows["age"].map(age_position), rows["gender"].map(gender_position)
    reason = pd.Series("", index=rows.index)
    tests = {
        "missing age": rows["age"].str.strip().isin(["None", ""]),
        "other age label": ages.isna(),
        "gender missing or unknown": genders.isna(),
    }
    if drop_repeats:
        tests["exact repeat"] = rows.duplicated()
    for name, applies in tests.items():
        reason = reason.mask(applies & (reason == ""), name)
    _check_folds(root, rows["fold"], reason)
    dropped = Counter({name: int((reason == name).sum()) for name in tests})
    faces = rows.assign(age=ages, gender=genders)[reason == ""].reset_index(drop=True)
    faces = faces.rename(columns={"user_id": "subject"})
    faces = faces.astype({"subject": "str", "face_id": "str", "age": "int64", "gender": "int64"})
    image = IMAGE_FOLDERS[folder] + "." + faces["face_id"] + "." + faces["original_image"]
    faces["path"] = folder + "/" + faces["subject"] + "/" + image
    return faces[["path", "subject", "gender", "age", "fold"]], dropped


def _check_folds(root: Path, fold: pd.Series, reason: pd.Series) -> None:
    """Raise AdienceError for a fold file all of whose rows go: its labels are lost or changed."""
    for number, reasons in reason.groupby(fold):
        if (reasons != "").all():
            counts = [f"{name} {count}" for name, count in reasons.value_counts().items()]
            raise AdienceError(
                f"{fold_file(root, int(str(number)))}: none of its {len(reasons)} rows has both "
                f"labels ({', '.join(counts)}); {_AGAIN}"
            )
