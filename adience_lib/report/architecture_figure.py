"""Figure 3: a network as a trunk and its heads, drawn from its own layers."""

import textwrap
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from adience_lib.data.labels import LABELS
from adience_lib.report.style import GREY, described, look, panels, style

_WORDS = {
    "Conv2D": "convolution",
    "Dense": "fully connected",
    "Dropout": "dropout",
    "LocalResponseNormalization": "normalisation",
    "MaxPooling2D": "max pooling",
    "RandomCrop": "random crop",
    **dict.fromkeys(("InputLayer", "Rescaling", "Flatten"), ""),
}
"""What stands in a box for each operation; what changes no size worth a word is left out."""

_HALF = 0.32
"""Of a box's height."""


@style()
def architecture(table: pd.DataFrame) -> Figure:
    """Figure 3: the image on top, the shared trunk, and a column of boxes for each task's head.

    ``table``: the network's ``architecture_table``. A box begins with the image or with a layer
    that has weights, and holds the layers without weights that follow. Layers whose name begins
    with a task belong to its head; the others are shared.
    """
    head_of = table["layer"].str.extract(f"^({'|'.join(LABELS)})(?:_|$)", expand=False)
    trunk = _boxes(table[head_of.isna()])
    columns = {head: _boxes(table[head_of == head]) for head in LABELS}
    rows = len(trunk) + max(map(len, columns.values()))
    figure, (axis,) = panels(1, 1, height=0.64 * rows)
    axis.set(xlim=(0, len(columns)), ylim=(rows - 0.45, -0.45))
    axis.set_axis_off()
    centre = len(columns) / 2
    for place, words in enumerate(trunk):
        _box(axis, centre, place, words, "#ECECEC", width=0.65 * len(columns))
        if place:
            _arrow(axis, centre, centre, place)
    axis.text(0.03, len(trunk) / 2 - 0.5, "shared\ntrunk", va="center", color=GREY)
    for number, (head, boxes) in enumerate(columns.items()):
        boxes[-1] = f"{head}: {boxes[-1]}"
        for place, words in enumerate(boxes, start=len(trunk)):
            _arrow(axis, number + 0.5 if place > len(trunk) else centre, number + 0.5, place)
            _box(axis, number + 0.5, place, words, "white", look(head)[0])
    sizes = table.set_index("layer")["output"]
    return described(
        figure,
        f"A trunk of {len(trunk) - 1} convolutions that takes a crop of {sizes['random_crop']} and "
        f"splits into {len(columns)} heads",
        *(
            f"{head}: {len(boxes)} fully connected layers, the last one with {sizes[head]} "
            f"output{'s' * (sizes[head] != '1')}"
            for head, boxes in columns.items()
        ),
    )


def _boxes(layers: pd.DataFrame) -> list[str]:
    """Two lines a box: what is done, and the size and the weights that come of it."""
    boxes = []
    for _, box in layers.groupby((layers["parameters"] > 0).cumsum()):
        steps = [_step(layer) for layer in box.itertuples()]
        weights = f",  {box['parameters'].sum():,} weights" if box["parameters"].any() else ""
        size = " × ".join(f"{int(side):,}" for side in box["output"].iloc[-1].split(" x "))
        words = textwrap.fill(", ".join(step for step in steps if step), 60)
        boxes.append(f"{words}\n→ {size}{weights}")
    return boxes


def _step(layer: Any) -> str:
    if layer.operation == "InputLayer" and layer.layer == "image":
        return f"image {layer.output.replace(' x ', ' × ')}"
    if layer.operation == "Activation":
        return "sigmoid" if layer.output == "1" else "softmax"
    words = _WORDS.get(layer.operation, layer.operation)
    window = layer.kernel.replace(" x ", " × ") if isinstance(layer.kernel, str) else ""
    return f"{words} {window}".strip()


def _arrow(axis: Any, x: float, to_x: float, place: int) -> None:
    """From the box above to the one at ``place``."""
    style = {"arrowstyle": "-|>", "color": "#444444", "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (to_x, place - _HALF), (x, place - 1 + _HALF), arrowprops=style)


def _box(
    axis: Any, x: float, y: float, words: str, colour: str, edge: str = GREY, width: float = 0.94
) -> None:
    corner, shape = (x - width / 2, y - _HALF), "round,pad=0,rounding_size=0.03"
    axis.add_patch(FancyBboxPatch(corner, width, 2 * _HALF, shape, fc=colour, ec=edge))
    axis.text(x, y, words, ha="center", va="center", fontsize=8.5)
