"""A table of anybody's own faces: ``faces.csv``, a row an image, in a folder above the images."""

import difflib
import re
from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from adience_lib.data.images import Folder
from adience_lib.data.labels import AGE_LABELS, FOLDS, GENDER_LABELS, MISSING, age_label_of
from adience_lib.data.text import age_position, check_subjects, gender_position, read_lines
from adience_lib.data.utkface import without_copies
from adience_lib.util.errors import AdienceError, shorten

FILE = "faces.csv"
"""The table's name. Paths in it are relative to the folder that it lies in."""
NEEDED = ("path", "gender", "age")
COLUMNS = (*NEEDED, "subject", "fold", "race")
"""Those that are read, the last three where they are there."""
OLDEST = 130  # years; a larger number is a slip
NO_RACE = "not given"
OUTSIDE = -2
"""In place of an age's position: the years lie in none of the eight labels."""


def read_rows(file: Path) -> pd.DataFrame:
    """The rows of the table in ``file``, in the columns of the manifest, and ``where`` each stands.

    ``gender`` and ``age`` may be ``MISSING`` or ``OUTSIDE``. ``subject`` is empty, and ``fold``
    ``MISSING``, where it is not given; ``race`` is there if its column is. Raises AdienceError
    naming the file, the line and the column: as ``text.read_lines``; a column that is missing,
    twice there or nearly one of ``COLUMNS``; a path that leads out of the folder; a label or a
    fold that cannot be; folds of some rows only; a subject in two of them.
    """
    (where, header), *lines = list(read_lines(file)) or [(str(file), [])]
    names = _names(header, where)
    rows = pd.DataFrame([_row(dict(zip(names, line, strict=True)), at) for at, line in lines])
    if rows.empty:
        raise AdienceError(f"{file}: no row below the header")
    given = rows["fold"] != MISSING
    if given.any() and not given.all():
        raise AdienceError(
            f"{rows['where'][~given].iloc[0]}, column fold: empty, where other rows have one; give "
            "it in every row, or in none, and folds are drawn"
        )
    check_subjects(rows[given & (rows["subject"] != "")], file)
    return rows


def _names(header: list[str], where: str) -> list[str]:
    names = [name.strip().lower() for name in header]
    for name in NEEDED:
        if name not in names:
            raise AdienceError(
                f"{where}: no column {name}; needed: {', '.join(NEEDED)} (fields may be empty); "
                f"read where they are there: {', '.join(COLUMNS[len(NEEDED) :])}"
            )
    for name in names:
        if name in COLUMNS and names.count(name) > 1:
            raise AdienceError(f"{where}: two columns {name}; leave one")
        near = difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.8)
        if near and name not in COLUMNS:
            raise AdienceError(f"{where}: column {shorten(name)}; call it {near[0]}, or otherwise")
    return names


def _row(fields: dict[str, str], where: str) -> dict[str, object]:
    given = {name: value.strip() for name, value in fields.items()}

    def wrong(column: str, allowed: str) -> AdienceError:
        value = shorten(given[column])
        return AdienceError(f"{where}, column {column}: {value}; allowed: {allowed}")

    path = PurePosixPath(given["path"].replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or path.name in ("", ".") or "\0" in str(path):
        raise wrong("path", "that of an image in the table's folder or below, from there on")
    gender = gender_position(given["gender"]) if given["gender"] else MISSING
    if gender is None:
        raise wrong("gender", f"{', '.join(GENDER_LABELS)} or empty")
    age = _age(given["age"])
    if age is None:
        raise wrong("age", f"years, one of {' '.join(AGE_LABELS)}, or empty")
    fold = given.get("fold", "")
    if fold and fold not in map(str, range(FOLDS)):
        raise wrong("fold", f"0 to {FOLDS - 1}")
    row = {"path": str(path), "subject": given.get("subject", ""), "gender": gender, "age": age}
    row |= {"fold": int(fold) if fold else MISSING, "where": where}
    return row | ({"race": given["race"] or NO_RACE} if "race" in given else {})


def _age(text: str) -> int | None:
    """The position of the label that ``text`` is or lies in, ``MISSING``, ``OUTSIDE``, or None."""
    if not text:
        return MISSING
    label = age_position(text)
    if label is not None:
        return label
    years = re.fullmatch(r"(\d{1,3})([.,]\d*)?", text)
    if not years or int(years[1]) > OLDEST:
        return None
    label = age_label_of(int(years[1]))  # years that are over, as people count them
    return OUTSIDE if label is None else label


def read_faces(source: Folder, seed: int) -> tuple[pd.DataFrame, Counter[str]]:
    """The faces with a label, in the table's order, and how many rows went for which reason.

    A row counts under the first reason that applies: neither label is given ("missing age"); then
    as in ``utkface.without_copies``. A face without a subject is one of its own by its bytes. Folds
    that are not given are drawn by ``draw_folds``. Raises AdienceError as ``read_rows`` and
    ``Folder.check_inside``, and for fewer subjects than folds to be drawn.
    """
    file = source.root / FILE
    rows = read_rows(file)
    source.check_inside(rows["path"])
    nothing = (rows["gender"] == MISSING) & (rows["age"] == MISSING)
    files = rows[~nothing].reset_index(drop=True)
    missing = source.missing(files["path"])  # whether that is an error is said later
    files["digest"] = [
        f"missing {path}" if path in missing else source.digest(path) for path in files["path"]
    ]
    faces, dropped = without_copies(files, outside=files["age"] == OUTSIDE)
    dropped["missing age"] += int(nothing.sum())
    subject = faces["subject"].mask(faces["subject"] == "", faces["digest"])
    columns = ["path", "subject", "gender", "age", "race", "fold"]
    faces = faces.assign(subject=subject).filter(columns).reset_index(drop=True)
    if (faces["fold"] == MISSING).any():
        if (few := subject.nunique()) < FOLDS:
            raise AdienceError(f"{file}: {few} subjects are too few for {FOLDS} folds; add faces")
        faces["fold"] = draw_folds(faces, seed)
    return faces, dropped


def draw_folds(faces: pd.DataFrame, seed: int) -> np.ndarray:
    """(n,) int64: five folds of whole subjects, near to equal in each pair of age and gender.

    The subjects are taken in a random order, those with the most faces first, and each goes to
    the fold that has least of what it brings: of its pairs of age and gender, and of faces.
    """
    subjects, names = pd.factorize(faces["subject"])
    pairs, _ = pd.factorize(faces["age"] * (len(GENDER_LABELS) + 1) + faces["gender"], sort=True)
    brings = np.zeros((len(names), pairs.max() + 2))
    np.add.at(brings, (subjects, pairs), 1)
    brings[:, -1] = brings.sum(axis=1)
    shares = brings / (brings.sum(axis=0) / FOLDS)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-brings[order, -1], kind="stable")]
    filled, fold = np.zeros((FOLDS, brings.shape[1])), np.zeros(len(names), "int64")
    for subject in order:
        fold[subject] = np.argmin(filled @ shares[subject])
        filled[fold[subject]] += brings[subject]
    return fold[subjects]
