"""The one exception type of this project, and what its messages quote."""

LONGEST = 200
"""Characters of a wrong value, or of another library's words, that a message quotes."""

RETRAIN = "if it belongs to a run, delete that run's folder fold_<k>, and the fold is trained again"
"""What to do about a file that is not as a training left it; it may be a copy, elsewhere."""


class AdienceError(Exception):
    """Something the user can put right: what was wrong, where, and what to do about it."""


def first_line(message: object) -> str:
    """The first line of what another library says.

    >>> first_line(ValueError("\\n  no such layer\\nat 0x7f"))
    'no such layer'
    """
    lines = [line.strip() for line in str(message).splitlines()]
    return next((line for line in lines if line), "no reason given")[:LONGEST]


def shorten(value: object) -> str:
    """A wrong value as in a program, but never longer than a line.

    >>> shorten("x" * 1000)
    "'xxxxxxxxxx...xxxxxxxxxx'"
    """
    written = repr(value)
    return written if len(written) <= LONGEST else f"{written[:11]}...{written[-11:]}"


def printable(name: object) -> str:
    """A file's name on one line, whatever bytes it has."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in str(name))
