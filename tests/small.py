"""The paper's networks with few filters: every layer is there, and a training takes a second.

For tests of what happens around a training. What the networks themselves are is tested at their
size.
"""

from collections.abc import Callable
from typing import Any

from adience_lib.models import networks


def shrink(set_attribute: Callable[[Any, str, Any], Any] = setattr) -> None:
    """Let networks that are built from now on have 8 filters a convolution, 8 units a layer."""
    set_attribute(networks, "REDUCED_FILTERS", (8, 8, 8))
    set_attribute(networks, "REDUCED_UNITS", 8)
