"""What a dataset would be trained and tested with, in words and numbers."""

import pandas as pd

from adience_lib.data import Dataset, table
from adience_lib.data.labels import FOLDS, LABELS


def lines(dataset: Dataset) -> list[str]:
    """What is used of ``dataset`` and what is not, and why; then a table of its folds."""
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
    if dataset.name == "table" and (unused := table.unused_columns(dataset.root / table.FILE)):
        said.append(f"columns that are not read: {', '.join(unused)}")
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
