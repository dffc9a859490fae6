"""What a dataset would be trained and tested with, in words and numbers."""

import pandas as pd

from adience_lib.data import Dataset, table
from adience_lib.data.labels import FOLDS, LABELS
from adience_lib.data.text import read_lines


def lines(dataset: Dataset) -> list[str]:
    """What is used of ``dataset`` and what is not, and why; then a table of its folds, with their
    faces, subjects, and faces of each label."""
    rows = dataset.drops.set_index("reason")["rows"]
    said = [
        f"{dataset.name} in {dataset.root}, fingerprint {dataset.fingerprint[:10]}",
        f"{rows['all rows']:,} rows or files; of both labels: {rows['kept']:,} faces of "
        f"{dataset.faces['subject'].nunique():,} subjects",
        *(f"  {count:,} not: {reason}" for reason, count in rows.iloc[:-2].items() if count),
    ]
    if not dataset.single.empty:
        counts = {task: len(dataset.labelled((task,))) for task in LABELS}
        counts["both"] = len(dataset.faces)
        said += [f"networks for {task}: {count:,} faces" for task, count in counts.items()]
    if dataset.name == "table":
        _, header = next(read_lines(dataset.root / table.FILE))
        unused = [one for one in header if one and one.strip().lower() not in table.COLUMNS]
        said += [f"columns that are not read: {', '.join(unused)}"] if unused else []
    every = dataset.labelled()
    of_fold = every.groupby("fold")
    counts = {"faces": of_fold.size(), "subjects": of_fold["subject"].nunique()}
    for task, labels in LABELS.items():
        for place, label in enumerate(labels):
            counts[label] = (every[task] == place).groupby(every["fold"]).sum()
    folds = pd.DataFrame(counts).reindex(pd.RangeIndex(FOLDS, name="fold"), fill_value=0)
    return [*said, *folds.to_string().splitlines()]
