"""Figure 3: a network as a trunk and its heads, drawn from its own layers."""

import textwrap
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from adience_lib.report.style import GREY, look, panels, say, style

_WORDS = {
    "InputLayer": "",
    "RandomCrop": "random crop",
    "Rescaling": "",
    "Conv2D": "convolution",
    "ReLU": "ReLU",
    "MaxPooling2D": "max pooling",
    "LocalResponseNormalization": "normalisation",
    "Flatten": "",
    "Dense": "fully connected",
    "Dropout": "dropout",
    "Activation": "",
}
"""What stands in a box for each operation; what changes no size worth a word is left out."""


@style()
def architecture(table: pd.DataFrame, heads: tuple[str, ...]) -> Figure:
    """Figure 3: the image on top, the shared trunk, and a column of boxes for each head.

    ``table``: the network's ``architecture_table``. A box begins with the image or with a layer
    that has weights, and holds the layers without weights that follow. Layers whose name begins
    with a head's belong to that head; the others are shared.
    """
    head_of = {layer: head for layer in table["layer"] for head in heads if _within(layer, head)}
    trunk = _boxes(table[~table["layer"].isin(list(head_of))])
    columns = {head: _boxes(table[table["layer"].map(head_of) == head]) for head in heads}
    deepest = max(len(boxes) for boxes in columns.values())
    figure, (axis,) = panels(1, 1, height=0.64 * (len(trunk) + deepest))
    axis.set(xlim=(0, len(heads)), ylim=(len(trunk) + deepest - 0.45, -0.45))
    axis.set_axis_off()
    centre = len(heads) / 2
    for place, words in enumerate(trunk):
        _box(axis, centre, place, words, "#ECECEC", width=0.65 * len(heads))
        if place:
            _arrow(axis, centre, place - 1, centre, place)
    axis.text(0.03, len(trunk) / 2 - 0.5, "shared\ntrunk", va="center", color=GREY)
    for number, (head, boxes) in enumerate(columns.items()):
        for place, words in enumerate(boxes, start=len(trunk)):
            before = number + 0.5 if place > len(trunk) else centre
            _arrow(axis, before, place - 1, number + 0.5, place)
            last = place == len(trunk) + len(boxes) - 1
            name = f"{head}: " * last
            _box(axis, number + 0.5, place, f"{name}{words}", "white", look(head)[0])
    sizes = table.set_index("layer")["output"]
    figure.set_label(
        say(
            f"A trunk of {len(trunk) - 1} convolutions that takes a crop of "
            f"{sizes['random_crop']} and splits into {len(heads)} heads",
            *(
                f"{head}: {len(boxes)} fully connected layers, the last one with {sizes[head]} "
                f"output{'s' * (sizes[head] != '1')}"
                for head, boxes in columns.items()
            ),
        )
    )
    return figure


def _within(layer: str, head: str) -> bool:
    return layer == head or layer.startswith(f"{head}_")


def _boxes(layers: pd.DataFrame) -> list[str]:
    """Two lines a box: what is done, and the size and the weights that come of it."""
    number = (layers["parameters"] > 0).cumsum()
    boxes = []
    for _, box in layers.groupby(number):
        steps = [_step(layer) for layer in box.itertuples()]
        weights = f"{box['parameters'].sum():,} weights" if box["parameters"].any() else ""
        size = " × ".join(f"{int(side):,}" for side in box["output"].iloc[-1].split(" x "))
        words = textwrap.fill(", ".join(step for step in steps if step), 60)
        boxes.append(f"{words}\n→ {size}{',  ' * bool(weights)}{weights}")
    return boxes


def _step(layer: Any) -> str:
    if layer.operation == "InputLayer" and layer.layer == "image":
        return f"image {layer.output.replace(' x ', ' × ')}"
    if layer.operation == "Activation":
        return "sigmoid" if layer.output == "1" else "softmax"
    words = _WORDS.get(layer.operation, layer.operation)
    window = layer.kernel.replace(" x ", " × ") if isinstance(layer.kernel, str) else ""
    return f"{words} {window}".strip()


def _arrow(axis: Any, x: float, y: float, to_x: float, to_y: float) -> None:
    style = {"arrowstyle": "-|>", "color": "#444444", "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (to_x, to_y - _HALF), (x, y + _HALF), arrowprops=style)


_HALF = 0.32  # of a box's height


def _box(
    axis: Any, x: float, y: float, words: str, colour: str, edge: str = GREY, width: float = 0.94
) -> None:
    shape = "round,pad=0,rounding_size=0.03"
    axis.add_patch(
        FancyBboxPatch((x - width / 2, y - _HALF), width, 2 * _HALF, shape, fc=colour, ec=edge)
    )
    axis.text(x, y, words, ha="center", va="center", fontsize=8.5)
