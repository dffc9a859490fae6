"""What a dataset would be trained and tested with, in words and numbers."""

import pandas as pd

from adience_lib.data import Dataset, table
from adience_lib.data.labels import FOLDS, LABELS


def lines(dataset: Dataset) -> list[str]:
    """What is used of ``dataset`` and what is not, and why; then a table of its folds."""
    rows = dataset.drops.set_index("reason")["rows"]
    dropped = rows.drop(["kept", "all rows"])
    said = [
        f"{dataset.name} in {dataset.root}, fingerprint {dataset.fingerprint[:10]}",
        f"{rows['all rows']:,} rows or files; of both labels: {rows['kept']:,} faces of "
        f"{dataset.faces['subject'].nunique():,} subjects",
        *(f"  {count:,} not: {reason}" for reason, count in dropped.items() if count),
    ]
    if not dataset.single.empty:
        said += [
            f"networks for {task}: {len(dataset.labelled((task,))):,} faces" for task in LABELS
        ]
        said.append(f"networks for both: {len(dataset.faces):,} faces")
    if dataset.name == "table":
        unused = table.unused_columns(dataset.root / table.FILE)
        said += [f"columns that are not read: {', '.join(unused)}"] if unused else []
    return [*said, *folds(dataset).to_string().splitlines()]


def folds(dataset: Dataset) -> pd.DataFrame:
    """A row a fold: its ``faces`` and ``subjects``, and the faces of each label."""
    every = dataset.labelled()
    of_fold = every.groupby("fold")
    counts = {"faces": of_fold.size(), "subjects": of_fold["subject"].nunique()}
    for task, labels in LABELS.items():
        for place, label in enumerate(labels):
            counts[label] = (every[task] == place).groupby(every["fold"]).sum()
    return pd.DataFrame(counts).reindex(pd.RangeIndex(FOLDS, name="fold"), fill_value=0)
