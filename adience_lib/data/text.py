"""Tables and labels as text, which another program may have saved again."""

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS
from adience_lib.util.errors import AdienceError, first_line, shorten

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as a spreadsheet's "Unicode text" begins


def read_lines(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Where each line of the table in ``file`` stands ("..., line 3"), and its fields.

    The header comes first. Lines without any text are left out, and so are empty fields at the end
    of a longer line than the header. UTF-8, or UTF-16 with a byte-order mark; fields are separated
    by tabs, commas or semicolons, whichever the first line has most of, and may be quoted. Raises
    AdienceError naming the file, and the line that has another number of fields than the header.
    """
    try:
        with file.open("rb") as opened:
            encoding = "utf-16" if opened.read(2) in _UTF_16 else "utf-8-sig"
        text = file.read_text(encoding=encoding)
    except (OSError, UnicodeError) as error:
        reason = first_line(error)
        raise AdienceError(f"{file}: cannot be read as text in UTF-8 ({reason})") from error
    separator = max("\t,;", key=text.split("\n", 1)[0].count)
    columns = 0
    for number, line in enumerate(text.split("\n"), start=1):
        where = f"{file}, line {number}"
        try:
            fields = next(csv.reader([line], delimiter=separator, strict=True))
        except csv.Error as error:
            raise AdienceError(f"{where}: no fields of a table ({error})") from error
        if not any(fields):
            continue
        while len(fields) > columns and not fields[-1]:
            fields.pop()
        columns = columns or len(fields)
        if len(fields) != columns:
            raise AdienceError(
                f"{where}: {len(fields)} fields instead of {columns}; quote a field that holds the "
                "separator, or fetch the file again"
            )
        yield where, fields


def check_subjects(rows: pd.DataFrame, where: Path) -> None:
    """Raise AdienceError if anyone of the column ``subject`` is in two of the column ``fold``."""
    folds = rows.groupby("subject")["fold"].nunique()
    shared = folds.index[folds > 1]
    if len(shared):
        raise AdienceError(
            f"{where}: {len(shared)} subjects are in more than one fold, so that test faces would "
            f"be known from training: {', '.join(map(shorten, shared[:5]))}"
        )


_AGES = {tuple(re.findall(r"\d+", label)): place for place, label in enumerate(AGE_LABELS)}


def age_position(text: str) -> int | None:
    """Position in ``AGE_LABELS`` of the label with the same two numbers, or None.

    >>> age_position("(25,32)"), age_position("(25, 23)"), age_position("25")
    (4, None, None)
    """
    return _AGES.get(tuple(re.findall(r"\d+", text)))


def gender_position(text: str) -> int | None:
    """Position in ``GENDER_LABELS``, of small or capital letters, or None."""
    name = text.strip().lower()
    return GENDER_LABELS.index(name) if name in GENDER_LABELS else None
