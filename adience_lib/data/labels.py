"""What the benchmark fixes: folds, the side of a face, the classes of the two tasks in order."""

FOLDS = 5
"""Of the benchmark (paper, section 2.1): each is tested by a network trained on the others."""

SIDE = 256
"""Height and width of a face in pixels (paper, Table 1: input image 256 x 256 x 3)."""

AGE_LABELS = (
    "(0, 2)",
    "(4, 6)",
    "(8, 12)",  # written (8, 13) in Levi & Hassner's article, (8, 12) in the fold files
    "(15, 20)",
    "(25, 32)",
    "(38, 43)",
    "(48, 53)",
    "(60, 100)",
)
"""The eight age groups of Adience, in years, both ends included (paper, section 2.1)."""

GENDER_LABELS = ("f", "m")
"""The two genders of Adience (paper, section 2.1). A sigmoid output is the probability of "m"."""

LABELS = {"gender": GENDER_LABELS, "age": AGE_LABELS}
"""The class labels of each task. A face's ``gender`` and ``age`` are positions in these."""

MISSING = -1
"""In place of a position where a table of somebody's own faces gives no label."""


def age_label_of(years: int) -> int | None:
    """Position in ``AGE_LABELS`` of an age in whole years, or None between two groups.

    >>> age_label_of(30), age_label_of(3)
    (4, None)
    """
    for position, label in enumerate(AGE_LABELS):
        first, last = (int(end) for end in label.strip("()").split(","))
        if first <= years <= last:
            return position
    return None
