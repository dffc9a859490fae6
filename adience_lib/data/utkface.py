"""UTKFace's crops: labels out of file names, folds out of file contents."""

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd

from adience_lib.data.labels import FOLDS, GENDER_LABELS, age_label_of

NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_\d+\.jpg(\.chip\.jpg)?", re.IGNORECASE)
"""[age]_[gender]_[race]_[date&time].jpg.chip.jpg, as the dataset's authors describe it."""
RACES = ("White", "Black", "Asian", "Indian", "other")
"""The words of the dataset's authors for the digits 0 to 4. Like its genders, these are labels
that somebody gave to a picture."""
_GENDER_OF_DIGIT = {"0": GENDER_LABELS.index("m"), "1": GENDER_LABELS.index("f")}


def read_faces(names: list[str], digest: Callable[[str], str]) -> tuple[pd.DataFrame, Counter[str]]:
    """The faces in the eight age groups, and how many files went for which reason.

    ``names``: every image's file name, in order; ``digest`` gives the SHA-256 of its bytes, which
    is the ``subject``, since UTKFace names nobody. A file counts under the first reason that
    applies: its name is malformed; then as in ``without_copies``. The five folds are dealt out
    within each pair of age and gender, in the order of the hashes: stratified to one face, without
    a random number, and the same for any file names.
    """
    matches = [match for name in names if (match := NAME.fullmatch(name))]
    files = pd.DataFrame(
        {
            "path": [match[0] for match in matches],
            "digest": [digest(match[0]) for match in matches],
            "gender": [_GENDER_OF_DIGIT[match[2]] for match in matches],
            "age": [age_label_of(int(match[1])) for match in matches],
            "race": [RACES[int(match[3])] for match in matches],
        }
    )
    faces, dropped = without_copies(files, outside=files["age"].isna())
    dropped["malformed name"] = len(names) - len(matches)
    faces = faces.rename(columns={"digest": "subject"}).astype({"gender": "int64", "age": "int64"})
    faces = faces.sort_values(["age", "gender", "subject"], ignore_index=True)
    return faces.assign(fold=np.arange(len(faces)) % FOLDS), dropped


def without_copies(files: pd.DataFrame, outside: pd.Series) -> tuple[pd.DataFrame, Counter[str]]:
    """The first of each set of equal files, in order, and how many files went for which reason.

    ``files``: ``digest``, ``gender`` and ``age``, a row a file; ``outside``: which ages lie in
    none of the labels, and count as one of their own: bytes under 22 and 26 years disagree.
    The reasons, of which the first counts: the same bytes stand under another age or gender as
    well, so that one is wrong; the age is outside; the same bytes stand in an earlier file.
    """
    labels = files.groupby(["gender", "age"], dropna=False).ngroup()
    disagree = labels.groupby(files["digest"]).transform("nunique") > 1
    kept = files[~disagree & ~outside]
    faces = kept.drop_duplicates("digest")
    dropped = {
        "identical files disagree": int(disagree.sum()),
        "age in none of the labels": int((~disagree & outside).sum()),
        "exact repeat": len(kept) - len(faces),
    }
    return faces, Counter(dropped)
