"""Images that stand in a collection more than once, byte for byte, or with an age in no label."""

from collections import Counter

import pandas as pd


def without(files: pd.DataFrame, outside: pd.Series) -> tuple[pd.DataFrame, Counter[str]]:
    """The first of each set of equal files, in order, and how many files went for which reason.

    ``files``: ``digest``, ``gender`` and ``age``, a row a file; ``outside``: which ages lie in
    none of the labels. A file counts under the first reason that applies: the same bytes stand
    under another age or gender as well, so that one of the labels is wrong; its age is outside;
    the same bytes stand in an earlier file with the same labels. Ages outside count as one label
    of their own here: bytes under 22 and 26 years disagree.
    """
    labels = files.groupby(["gender", "age"], dropna=False).ngroup()
    disagree = labels.groupby(files["digest"]).transform("nunique") > 1
    kept = files[~disagree & ~outside]
    faces = kept.drop_duplicates("digest")
    dropped = Counter(
        {
            "identical files disagree": int(disagree.sum()),
            "age in none of the labels": int((~disagree & outside).sum()),
            "exact repeat": len(kept) - len(faces),
        }
    )
    return faces, dropped
