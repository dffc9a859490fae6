"""Tables and labels as text, which another program may have saved again."""

import codecs
import csv
import re
from pathlib import Path

from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS
from adience_lib.util.errors import AdienceError, first_line

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",  # a spreadsheet's "Unicode text"
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte-order marks, which stand in front of a text, and the encodings that they tell of."""

SEPARATORS = "\t,;"

Line = tuple[int, list[str]]
"""A line's number in its file, from 1, and its fields."""


def read_lines(file: Path) -> list[Line]:
    """The lines of the table in ``file``, its header first. Those without any text are left out.

    UTF-8, or UTF-16 with a byte-order mark; fields are separated by tabs, commas or semicolons,
    whichever the first line has most of, and may be quoted. A field does not go over lines.

    Raises AdienceError naming the file, and the line where there is one: it is no such text, or a
    quoted field does not end.
    """
    try:
        with file.open("rb") as opened:
            start = opened.read(3)
        encoding = next((name for mark, name in _MARKS.items() if start.startswith(mark)), "utf-8")
        text = file.read_text(encoding=encoding)
    except (OSError, UnicodeError) as error:
        raise AdienceError(
            f"{file}: cannot be read as text ({first_line(error)}); save it as UTF-8"
        ) from error
    separator = max(SEPARATORS, key=text.split("\n", 1)[0].count)
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            fields = next(csv.reader([line], delimiter=separator, strict=True))
        except csv.Error as error:
            raise AdienceError(f"{file}, line {number}: no fields of a table ({error})") from error
        if any(fields):
            lines.append((number, fields))
    return lines


_AGES = {tuple(re.findall(r"\d+", label)): place for place, label in enumerate(AGE_LABELS)}


def age_position(text: str) -> int | None:
    """Position in ``AGE_LABELS`` of the label with the same two numbers, or None.

    >>> age_position("(25,32)"), age_position("(25, 23)"), age_position("25")
    (4, None, None)
    """
    return _AGES.get(tuple(re.findall(r"\d+", text)))


def gender_position(text: str) -> int | None:
    """Position in ``GENDER_LABELS``, of small or capital letters, or None.

    >>> gender_position("F "), gender_position("u")
    (0, None)
    """
    name = text.strip().lower()
    return GENDER_LABELS.index(name) if name in GENDER_LABELS else None
