"""How every figure looks: the style file, a colour for each network, and the line at the foot."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

GREY, WARNING = "#666666", "#B22222"

_LOOKS = {
    "levi": ("#000000", "X"),
    "multitask": ("#009E73", "D"),
    "transfer": ("#CC79A7", "^"),
    "vgg": ("#56B4E9", "v"),
    "xception": ("#E69F00", "P"),
    "gender": ("#0072B2", "o"),
    "age": ("#D55E00", "s"),
}
"""Colour and marker of a network, by a word in its name: Okabe & Ito's, told apart by
colour-blind readers. Levi & Hassner's networks are named after their task as well."""


@contextmanager
def style() -> Iterator[None]:
    """Within it, and in what it decorates, figures are drawn and written in the report's style,
    whatever a ``matplotlibrc`` says."""
    with matplotlib.style.context(Path(__file__).with_name("style.mplstyle"), after_reset=True):
        yield


def look(network: str) -> tuple[str, str]:
    """The colour and the marker of a network, by its name or its title; grey for anything else."""
    return next((_LOOKS[word] for word in _LOOKS if word in network.lower()), (GREY, "o"))


def panels(
    rows: int, columns: int, width: float = 6.5, height: float = 3.4, **options: Any
) -> tuple[Figure, np.ndarray]:
    """A figure of so many inches, and its axes in the order of reading. It has no window."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(rows, columns, squeeze=False, **options).ravel()


def beside(axis: Any, words: str, place: tuple[Any, float], colour: str = GREY) -> None:
    """Write ``words`` to the right of the mark at ``place``."""
    offset = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
    axis.annotate(words, place, color=colour, **offset)


def described(figure: Figure, *sentences: str) -> Figure:
    """``figure``, labelled with the sentences, which stand for it where it is not seen."""
    figure.set_label(" ".join(f"{sentence.rstrip('.')}." for sentence in sentences))
    return figure


def sign(figure: Figure, caption: str) -> None:
    """Write below ``figure`` what data and protocol it shows, in red on a demo."""
    colour = WARNING if caption.startswith("DEMO") else GREY
    letters = int(16 * figure.get_figwidth())  # as many as fit, so that it makes no figure wider
    words = textwrap.fill(caption, letters)
    figure.text(0.01, -0.01, words, va="top", fontsize=8, color=colour, gid="footer")
