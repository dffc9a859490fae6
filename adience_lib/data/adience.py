"""The five fold files of Adience, and the paper's filter over them."""

import re
from collections import Counter
from pathlib import Path

import pandas as pd

from adience_lib.data import archives
from adience_lib.data.labels import AGE_LABELS, FOLDS, GENDER_LABELS
from adience_lib.util.errors import AdienceError, first_line, shorten

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


def fold_file(root: Path, fold: int) -> Path:
    """Where the rows of ``fold`` (0 to 4) lie in the Adience folder ``root``."""
    return root / f"fold_{fold}_data.txt"


def read_folds(root: Path | str) -> pd.DataFrame:
    """All rows of the five fold files, in their order, with their own column names plus ``fold``.

    Needs no images. Text columns hold the files' text as it is: a missing age is the literal
    ``None`` or empty, a missing gender is empty. ``face_id`` and the seven box columns are int64.

    Raises AdienceError naming the file, and the line where there is one: a file that is missing,
    empty, without its header, not UTF-8; a line with too few or too many fields, with a box that
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
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AdienceError(f"{path}: cannot be read as text ({first_line(error)})") from error
    if not text.strip():
        raise AdienceError(f"{path}: the file is empty")
    lines = text.removesuffix("\n").split("\n")
    if tuple(lines[0].rstrip("\t").split("\t")) != COLUMNS:
        raise AdienceError(f"{path}, line 1: expected the header {' '.join(COLUMNS)}")
    fields = [_fields(line, path, number) for number, line in enumerate(lines[1:], start=2)]
    if not fields:
        raise AdienceError(f"{path}: no row below the header")
    frame = pd.DataFrame(fields, columns=list(COLUMNS), dtype=object)
    whole_numbers = ["face_id", *COLUMNS[5:]]
    return frame.astype(dict.fromkeys(whole_numbers, "int64")).assign(fold=fold)


def _fields(line: str, path: Path, number: int) -> list[str]:
    where = f"{path}, line {number}"
    fields = line.split("\t")
    if len(fields) == len(COLUMNS) + 1 and not fields[-1]:  # a tab at the end of the line
        fields.pop()
    if len(fields) != len(COLUMNS):
        raise AdienceError(f"{where}: {len(fields)} fields instead of {len(COLUMNS)} (torn line?)")
    for name, value in zip(COLUMNS, fields, strict=True):
        if name in ("user_id", "original_image"):
            _check_name(value, name, where)
        elif name not in ("age", "gender") and not _INTEGER.fullmatch(value):
            raise AdienceError(f"{where}: {name} is {shorten(value)}, not a whole number")
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
    for there in (Path.exists, lambda path: archives.find(root, path.name)):
        for folder in IMAGE_FOLDERS:
            if there(root / folder):
                return folder
    raise AdienceError(
        f"{root}: fold files but no images; expected the folder aligned/ or faces/ beside them, or "
        f"either as an archive ({', '.join(archives.KINDS)})"
    )


def read_faces(
    root: Path, folder: str, *, drop_repeats: bool = False
) -> tuple[pd.DataFrame, Counter[str]]:
    """The rows that pass the paper's filter (section 2.1), and how many went for which reason.

    A row counts under the first reason that applies. Exact repeats (equal in every column) are
    kept unless ``drop_repeats``: the paper's 16,228 images are possible only with them (the
    published files have 16,258 rows with both labels, 16,156 of them distinct).

    ``folder``: the image set, of ``image_folder``. The manifest columns: ``path`` (relative to
    ``root``), ``subject``, ``gender``, ``age``
    (positions in the labels) and ``fold``.
    """
    rows = read_folds(root)
    reason = pd.Series("", index=rows.index)
    tests = {
        "missing age": rows["age"].isin(["None", ""]),
        "other age label": ~rows["age"].isin(AGE_LABELS),
        "gender missing or unknown": ~rows["gender"].isin(GENDER_LABELS),
    }
    if drop_repeats:
        tests["exact repeat"] = rows.duplicated()
    for name, applies in tests.items():
        reason = reason.mask(applies & (reason == ""), name)
    dropped = Counter({name: int((reason == name).sum()) for name in tests})
    return _manifest(rows[reason == ""], folder), dropped


def _manifest(rows: pd.DataFrame, folder: str) -> pd.DataFrame:
    prefix = IMAGE_FOLDERS[folder]
    paths = [
        f"{folder}/{row.user_id}/{prefix}.{row.face_id}.{row.original_image}"
        for row in rows.itertuples()
    ]
    return pd.DataFrame(
        {
            "path": paths,
            "subject": rows["user_id"].to_numpy(),
            "gender": rows["gender"].map(GENDER_LABELS.index).to_numpy(),
            "age": rows["age"].map(AGE_LABELS.index).to_numpy(),
            "fold": rows["fold"].to_numpy(),
        }
    )
