"""A table as Markdown."""

import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """``table``, with its index, as a Markdown table whose sentences are whole."""
    cells = table.reset_index(names=table.index.name or "").astype(str)
    cells = cells.map(lambda words: words.replace("|", "\\|"))
    lines = [cells.columns, ["---"] * len(cells.columns), *cells.to_numpy()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
