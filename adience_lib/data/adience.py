"""The five fold files of Adience, and the paper's filter over them."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from adience_lib.data import archives
from adience_lib.data.labels import FOLDS
from adience_lib.data.text import age_position, check_subjects, gender_position, read_lines
from adience_lib.util.errors import AdienceError, shorten

BOX = ("x", "y", "dx", "dy", "tilt_ang", "fiducial_yaw_angle", "fiducial_score")
"""In pixels and degrees of the photograph."""
COLUMNS = ("user_id", "original_image", "face_id", "age", "gender", *BOX)
"""Header of a fold file."""
IMAGE_FOLDERS = {
    "aligned": "landmark_aligned_face",  # 816x816 pixels, rotated upright: the paper's choice
    "faces": "coarse_tilt_aligned_face",
}
"""Folder of each image set as distributed, and the first part of its file names."""

# A name becomes part of a path and must not lead anywhere else. File systems take 255 bytes; the
# image's has up to 35 more in front.
_NAME, _WHOLE_NUMBER = r"(?!\.\.?\Z)[^/\\\0]{1,200}", r"-?\d{1,9}"
_FORMS = dict.fromkeys(("user_id", "original_image"), _NAME)
_FORMS |= dict.fromkeys(("face_id", *BOX), _WHOLE_NUMBER)

_AGAIN = "fetch the file again, or save it with tabs, as text and with nothing changed"


def fold_file(root: Path, fold: int) -> Path:
    """Where the rows of ``fold`` (0 to 4) lie in the Adience folder ``root``."""
    return root / f"fold_{fold}_data.txt"


def read_folds(root: Path | str) -> pd.DataFrame:
    """All rows of the five fold files, in their order, with their own column names plus ``fold``.

    Needs no images. Text stays as it is: a missing age is the literal ``None`` or empty, a missing
    gender is empty. ``face_id`` and the seven of ``BOX`` are int64. Raises AdienceError as
    ``text.read_lines``, and for a file without its header or rows, a number that is not whole, a
    name that leads out of the dataset, a user in two folds.
    """
    root = Path(root)
    folds = [_read_fold(fold_file(root, fold)).assign(fold=fold) for fold in range(FOLDS)]
    rows = pd.concat(folds, ignore_index=True)
    check_subjects(rows.rename(columns={"user_id": "subject"}), root)
    return rows


def _read_fold(file: Path) -> pd.DataFrame:
    lines = read_lines(file)
    where, header = next(lines, (str(file), [""]))
    numbered = header[0] in ("", "Unnamed: 0")  # rows, by pandas
    if tuple(header[numbered:]) != COLUMNS:
        raise AdienceError(f"{where}: expected the header {' '.join(COLUMNS)}; {_AGAIN}")
    rows = []
    for where, fields in lines:
        rows.append(row := dict(zip(COLUMNS, fields[numbered:], strict=True)))
        for name, form in _FORMS.items():
            if not re.fullmatch(form, row[name]):
                raise AdienceError(f"{where}: {name} is {shorten(row[name])}; {_AGAIN}")
    if not rows:
        raise AdienceError(f"{file}: no row below the header; {_AGAIN}")
    return pd.DataFrame(rows, dtype=object).astype(dict.fromkeys(("face_id", *BOX), "int64"))


def image_folder(root: Path) -> str:
    """Which image set lies in ``root``: "aligned" (the paper's) before "faces", a folder before an
    archive. Raises AdienceError if neither is there, or one as two archives."""
    for there in (images_root, archives.find):
        for folder in IMAGE_FOLDERS:
            if there(root, folder):
                return folder
    raise AdienceError(
        f"{root}: fold files but no images; expected the folder aligned/ or faces/ beside them, or "
        f"either as an archive ({', '.join(archives.KINDS)})"
    )


def images_root(root: Path, folder: str) -> Path | None:
    """What the image set ``folder`` lies in: ``root``, or the only folder that it was unpacked
    into, aligned/aligned/ or another one beside the fold files. None if it is in no such place."""
    if (root / folder).exists():
        return root / folder if (root / folder / folder).is_dir() else root
    inside = [one for one in root.iterdir() if (one / folder).is_dir() and one.name != "__MACOSX"]
    return inside[0] if len(inside) == 1 else None


def read_faces(
    root: Path, folder: str, *, drop_repeats: bool = False
) -> tuple[pd.DataFrame, Counter[str]]:
    """The rows that pass the paper's filter (section 2.1), and how many went for which reason.

    ``folder``: the image set, of ``image_folder``. The columns are those of ``Dataset.faces``. A
    row counts under the first reason that applies. Labels are told by their numbers and letters,
    whatever spaces, signs or capitals a program has given them. Exact repeats (equal in every
    column) are kept unless ``drop_repeats``: the paper's 16,228 images are possible only with them
    (of the published files' 16,258 rows with both labels, 16,156 are distinct).

    Raises AdienceError as ``read_folds``, and for a fold file none of whose rows has both labels.
    """
    rows = read_folds(root)
    ages, genders = rows["age"].map(age_position), rows["gender"].map(gender_position)
    tests = {
        "missing age": rows["age"].str.strip().isin(["None", ""]),
        "other age label": ages.isna(),
        "gender missing or unknown": genders.isna(),
        "exact repeat": rows.duplicated() & drop_repeats,
    }
    reason = pd.Series(np.select(list(tests.values()), list(tests), ""))
    for fold, reasons in reason.groupby(rows["fold"]):
        if (reasons != "").all():  # its labels are lost or changed
            counts = ", ".join(f"{name} {count}" for name, count in reasons.value_counts().items())
            raise AdienceError(
                f"{fold_file(root, fold)}: none of its {len(reasons)} rows has both labels "
                f"({counts}); {_AGAIN}"
            )
    faces = rows.rename(columns={"user_id": "subject"}).assign(age=ages, gender=genders)
    faces = faces[reason == ""].reset_index(drop=True)
    faces = faces.astype({"subject": "str", "face_id": "str", "age": "int64", "gender": "int64"})
    image = IMAGE_FOLDERS[folder] + "." + faces["face_id"] + "." + faces["original_image"]
    faces["path"] = folder + "/" + faces["subject"] + "/" + image
    return faces[["path", "subject", "gender", "age", "fold"]], Counter(reason[reason != ""])
