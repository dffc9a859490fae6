"""A notebook's parameters: read from its names, checked, and turned into a protocol."""

import ast
import difflib
import os
import re
from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

from adience_lib.data.labels import FOLDS
from adience_lib.protocol import (
    BASES,
    DEMO,
    MONITORS,
    PAPER,
    PRECISIONS,
    RANGES,
    SMOKE,
    Protocol,
    allowed_range,
)
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError, shorten

WHOLE_NUMBERS = ("faces", "epochs", "batch_size", "seed", "levi_hassner_epochs")
NUMBERS = ("learning_rate", "gamma")
CHOICES = {"protocol": tuple(BASES), "monitor": MONITORS, "precision": PRECISIONS}
PATHS = ("data", "weights", "runs_dir", "figures_dir")
TEXTS = (*PATHS, "scheduler")
SWITCHES = ("allow_missing", "drop_repeats")
LISTS = ("folds", "extra_folds", "held_out_folds", "gammas")
PARAMETERS = (*TEXTS, *CHOICES, *LISTS, *WHOLE_NUMBERS, *NUMBERS, *SWITCHES)
"""Every parameter that any notebook has. In each, None stands for the protocol's own value."""

PLAIN = (type(None), bool, int, float, str, bytes, list, tuple, dict)
"""What a parameter may be by its type, before it is checked."""

NOT_A_LITERAL = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError, OverflowError)
"""What ``ast.literal_eval`` raises; the last three for thousands of brackets or digits."""

SCHEDULER = re.compile(r"local:[1-9]\d?|\w+://\S+")

EVERY_FOLD = tuple(range(FOLDS))
SMOKE_FOLDS = (0, 1)

SWEPT_GAMMAS = (0.0, 0.25, 0.75, 1.0)
DEMO_GAMMAS = (0.0,)
"""Compared with the protocol's own gamma, which the paper does not give."""


def read(namespace: dict[str, Any], before: Collection[str] = ()) -> dict[str, Any]:
    """The parameters that a notebook sets to something else than None, checked one by one.

    ``namespace``: the notebook's ``globals()``. A notebook declares its parameters by annotating
    them in one cell; papermill sets those that it is given in a cell of its own below, and only
    warns about a name that is not declared. So a plain value is taken for a parameter, and
    refused if it is none, unless its name was there ``before``, or stands in ``namespace`` ahead
    of the first parameter: somebody has put a cell above theirs.

    Raises AdienceError for a parameter that is unknown or of the wrong kind.
    """
    declared = namespace.get("__annotations__") or PARAMETERS
    allowed = [name for name in declared if name in PARAMETERS]
    own = {*before, *_ahead_of_parameters(namespace)}
    for name, value in namespace.items():
        if name in own or name.startswith(("_", "PAPERMILL_")):
            continue
        if isinstance(value, PLAIN) and name not in allowed:
            raise AdienceError(
                f"{unknown_parameter(name, allowed)}; a constant of your own goes above them"
            )
    overrides = {name: namespace[name] for name in allowed if namespace.get(name) is not None}
    check(overrides)
    return settled(overrides)


def _ahead_of_parameters(namespace: dict[str, Any]) -> list[str]:
    """The names that stand before the first parameter that a notebook declares."""
    declared = [name for name in namespace.get("__annotations__", ()) if name in PARAMETERS]
    names = list(namespace)
    return names[: min((names.index(name) for name in declared if name in names), default=0)]


def settled(overrides: dict[str, Any]) -> dict[str, Any]:
    """The same, with every path absolute, and with numbers where they came as text.

    In a file of parameters ``1e-4`` is a text: to YAML, a number has a point. Raises AdienceError
    for what can be no path.
    """
    return {name: _settled(name, value) for name, value in overrides.items()}


def _settled(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in PATHS:
        return paths.settled(name, value)
    return _number(name, value) if name in (*WHOLE_NUMBERS, *NUMBERS) else value


def _number(name: str, text: str) -> Any:
    """The number that ``text`` is, else ``text``."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if name in WHOLE_NUMBERS and number.is_integer() else number


def unknown_parameter(name: str, allowed: list[str]) -> str:
    """The message for a parameter that is none of ``allowed``."""
    near = difflib.get_close_matches(name, allowed, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"unknown parameter {shorten(name)}{hint}; allowed: {', '.join(allowed)}"


def check(overrides: dict[str, Any]) -> None:
    """Raise AdienceError for a value of the wrong kind or out of range, saying what is allowed."""
    overrides = settled({name: value for name, value in overrides.items() if value is not None})
    _check_kinds(overrides)
    base = protocol(overrides, PAPER)
    main = folds(overrides.get("folds"), base)
    extra = extra_folds(overrides.get("extra_folds"), main)
    held_out_folds(overrides.get("held_out_folds"), main, extra, base)
    gammas(overrides.get("gammas"), base)


def _check_kinds(overrides: dict[str, Any]) -> None:
    for name, value in overrides.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in CHOICES and value not in CHOICES[name]:
            raise AdienceError(f"{name} is {shorten(value)}; allowed: {', '.join(CHOICES[name])}")
        if name in SWITCHES and not isinstance(value, bool):
            raise AdienceError(f"{name} is {shorten(value)}; allowed: True, False")
        if name in TEXTS and not isinstance(value, str):
            raise AdienceError(f"{name} is {shorten(value)}; allowed: a text, or None")
        if name == "scheduler" and not SCHEDULER.fullmatch(value):
            raise AdienceError(
                f"{name} is {shorten(value)}; allowed: local:N with N processes from 1 to 99, the "
                "address of a Dask scheduler such as tcp://host:8786, or None"
            )
        if name in WHOLE_NUMBERS and not (number and isinstance(value, int)):
            raise AdienceError(_out_of_kind(name, value, "a whole number"))
        low, high = RANGES["epochs"]
        if name == "levi_hassner_epochs" and not low <= value <= high:
            raise AdienceError(f"{name} is {value}; allowed: {allowed_range('epochs')}")
        if name in NUMBERS and not number:
            raise AdienceError(_out_of_kind(name, value, "a number"))


def _out_of_kind(name: str, value: Any, kind: str) -> str:
    field = name.removeprefix("levi_hassner_")
    return f"{name} is {shorten(value)}; allowed: {kind} from {allowed_range(field)}, or None"


def protocol(overrides: dict[str, Any], default: Protocol) -> Protocol:
    """The named protocol, else the smoke run's with ``ADIENCE_SMOKE=1``, else ``default``, with
    the fields that ``overrides`` changes. Raises AdienceError for a value out of range."""
    base = default
    if os.environ.get("ADIENCE_SMOKE", "") not in ("", "0"):
        base = SMOKE
    if "protocol" in overrides:
        base = BASES[overrides["protocol"]]
    names = {item.name for item in fields(Protocol)} & {*WHOLE_NUMBERS, *NUMBERS, *CHOICES}
    return replace(base, **{name: overrides[name] for name in names if name in overrides})


def folds(value: Any, base: Protocol) -> tuple[int, ...]:
    """``None`` for all (two in a smoke run); a list, also as a string, as papermill's -p passes it.

    Raises AdienceError for anything else.
    """
    if value is None:
        return SMOKE_FOLDS if base.name == SMOKE.name else EVERY_FOLD
    chosen = _different_folds(value)
    if not chosen:
        raise AdienceError(
            f"folds is {shorten(value)}; allowed: a list of different folds from 0 to {FOLDS - 1}, "
            'such as "[0, 1]", or None for all'
        )
    return chosen


def extra_folds(value: Any, main: tuple[int, ...]) -> tuple[int, ...]:
    """``None`` for the first of ``main``; a list, also as a string; ``"[]"`` for none.

    Raises AdienceError for anything else.
    """
    return main[:1] if value is None else _folds_among("extra_folds", value, main)


def held_out_folds(
    value: Any, main: tuple[int, ...], extra: tuple[int, ...], base: Protocol
) -> tuple[int, ...]:
    """As ``extra_folds``, but ``None`` stands for ``extra``, the extra folds themselves; in a smoke
    run, whose faces are too few, for none."""
    if value is None:
        return () if base.name == SMOKE.name else extra
    return _folds_among("held_out_folds", value, main)


def _folds_among(name: str, value: Any, main: tuple[int, ...]) -> tuple[int, ...]:
    if value in ([], (), "[]"):
        return ()
    chosen = _different_folds(value)
    if not chosen or not set(chosen) <= set(main):
        raise AdienceError(
            f"{name} is {shorten(value)}; allowed: a list of different folds among {list(main)}, "
            'such as "[0, 1]", "[]" for none, or None for its usual ones'
        )
    return chosen


def _different_folds(value: Any) -> tuple[int, ...]:
    """The folds in order; empty if ``value`` is not a list of them."""
    try:
        chosen = ast.literal_eval(value) if isinstance(value, str) else value
        chosen = (chosen,) if isinstance(chosen, int) else tuple(chosen)
    except NOT_A_LITERAL:
        chosen = ()
    known = all(isinstance(fold, int) and fold in EVERY_FOLD for fold in chosen)
    return tuple(sorted(chosen)) if known and len(set(chosen)) == len(chosen) else ()


def gammas(value: Any, base: Protocol) -> tuple[float, ...]:
    """``None`` for the usual ones, fewer on the demo; a list of numbers from 0 to 1, or a string.

    The protocol's own is left out: it is trained anyway. Raises AdienceError for anything else.
    """
    if value is None:
        value = DEMO_GAMMAS if base.name in (DEMO.name, SMOKE.name) else SWEPT_GAMMAS
    try:
        values = ast.literal_eval(value) if isinstance(value, str) else value
        chosen = tuple(float(value) for value in values)
    except NOT_A_LITERAL:
        chosen = (-1.0,)
    if not all(0 <= gamma <= 1 for gamma in chosen):
        raise AdienceError(
            f"gammas is {shorten(value)}; allowed: a list of numbers from 0 to 1, such as "
            '"[0.25, 0.75]", "[]" for none, or None for the usual'
        )
    return tuple(gamma for gamma in dict.fromkeys(chosen) if gamma != base.gamma)


def differences(one: Protocol, other: Protocol) -> str:
    """What ``one`` does otherwise than ``other``, in words; the names are left out.

    >>> differences(replace(PAPER, gamma=0.3, faces=1000), PAPER)
    'gamma 0.3 (0.5), faces 1000 (all)'
    """
    pairs = [
        (item.name, getattr(one, item.name), getattr(other, item.name))
        for item in fields(Protocol)
        if item.name != "name"
    ]
    return ", ".join(
        f"{name.replace('_', ' ')} {value} ({'all' if usual is None else usual})"
        for name, value, usual in pairs
        if value != usual
    )
