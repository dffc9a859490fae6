"""A notebook's parameters: read from its names, checked, and turned into a protocol."""

import ast
import contextlib
import difflib
import os
import re
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

from adience_lib.data.labels import FOLDS
from adience_lib.protocol import BASES, MONITORS, PAPER, PRECISIONS, RANGES, Protocol, allowed_range
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError, shorten

WHOLE_NUMBERS = ("faces", "epochs", "batch_size", "seed", "levi_hassner_epochs")
NUMBERS = (*WHOLE_NUMBERS, "learning_rate", "gamma")
CHOICES = {"protocol": tuple(BASES), "monitor": MONITORS, "precision": PRECISIONS}
PATHS = ("data", "weights", "runs_dir", "figures_dir")
SWITCHES = ("allow_missing", "drop_repeats")
LISTS = ("folds", "extra_folds", "held_out_folds", "gammas")
PARAMETERS = (*PATHS, "scheduler", *CHOICES, *LISTS, *NUMBERS, *SWITCHES)
"""Every parameter that any notebook has. In each, None stands for the protocol's own value."""

PLAIN = (type(None), bool, int, float, str, bytes, list, tuple, dict)
"""What a parameter may be by its type, before it is checked."""

NOT_A_LITERAL = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError, OverflowError)
"""What ``ast.literal_eval`` raises; the last three for thousands of brackets or digits."""

SCHEDULER = re.compile(r"local:[1-9]\d?|\w+://\S+")

EVERY_FOLD = tuple(range(FOLDS))

SWEPT_GAMMAS = (0.0, 0.25, 0.75, 1.0)
DEMO_GAMMAS = (0.0,)
"""Compared with the protocol's own gamma, which the paper does not give."""


def read(namespace: dict[str, Any], before: Collection[str] = ()) -> dict[str, Any]:
    """The parameters that a notebook sets to something else than None, checked one by one.

    ``namespace``: the notebook's ``globals()``. A notebook declares its parameters by annotating
    them in one cell; papermill sets those that it is given in a cell of its own below, and only
    warns about a name that is not declared. So a plain value is taken for a parameter, and refused
    if it is none, unless its name was there ``before``, or ahead of the first parameter. Raises
    AdienceError for a parameter that is unknown, of the wrong kind or out of range.
    """
    declared, names = namespace.get("__annotations__", ()), list(namespace)
    allowed = [name for name in declared or PARAMETERS if name in PARAMETERS]
    places = [names.index(name) for name in declared if name in allowed and name in names]
    for name in names[min(places, default=0) :]:
        is_own = name in before or name.startswith(("_", "PAPERMILL_"))
        if not is_own and isinstance(namespace[name], PLAIN) and name not in allowed:
            raise AdienceError(
                f"{unknown_parameter(name, allowed)}; a constant of your own goes above them"
            )
    return check({name: namespace.get(name) for name in allowed})


def settled(overrides: dict[str, Any]) -> dict[str, Any]:
    """The same, with every path absolute, and with numbers where they came as text: in a file of
    parameters ``1e-4`` is one, since to YAML a number has a point. Raises AdienceError for what can
    be no path."""
    return {name: _settled(name, value) for name, value in overrides.items()}


def _settled(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in PATHS:
        return paths.settled(name, value)
    if name in NUMBERS:
        with contextlib.suppress(ValueError):
            number = float(value)
            return int(number) if name in WHOLE_NUMBERS and number.is_integer() else number
    return value


def unknown_parameter(name: str, allowed: list[str]) -> str:
    """The message for a parameter that is none of ``allowed``."""
    near = difflib.get_close_matches(name, allowed, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"unknown parameter {shorten(name)}{hint}; allowed: {', '.join(allowed)}"


def check(overrides: dict[str, Any]) -> dict[str, Any]:
    """Those of ``overrides`` that are not None, ``settled``. Raises AdienceError for a value of the
    wrong kind or out of range, saying what is allowed."""
    overrides = settled({name: value for name, value in overrides.items() if value is not None})
    for name, value in overrides.items():
        _check_kind(name, value)
    planned(overrides, PAPER)
    return overrides


def _check_kind(name: str, value: Any) -> None:
    """All but the lists, which ``planned`` checks."""
    if name in CHOICES:
        is_right, allowed = value in CHOICES[name], ", ".join(CHOICES[name])
    elif name in SWITCHES:
        is_right, allowed = isinstance(value, bool), "True, False"
    elif name in PATHS:
        is_right, allowed = isinstance(value, str), "a text, or None"
    elif name == "scheduler":
        is_right = isinstance(value, str) and SCHEDULER.fullmatch(value) is not None
        allowed = (
            "local:N with N processes from 1 to 99, the address of a Dask scheduler such as "
            "tcp://host:8786, or None"
        )
    elif name in NUMBERS:
        whole, field = name in WHOLE_NUMBERS, name.removeprefix("levi_hassner_")
        low, high = RANGES[field]
        is_number = isinstance(value, (int,) if whole else (int, float))
        is_right = is_number and not isinstance(value, bool) and low <= value <= high
        allowed = f"a {'whole ' * whole}number from {allowed_range(field)}, or None"
    else:
        return
    if not is_right:
        raise AdienceError(f"{name} is {shorten(value)}; allowed: {allowed}")


def planned(overrides: dict[str, Any], default: Protocol) -> dict[str, Any]:
    """The fields of ``experiment.Experiment`` that say what is trained, by parameters of the right
    kind. ``default``: the protocol that they change, if neither they nor ``ADIENCE_SMOKE=1`` name
    another. Raises AdienceError for a value that is not allowed."""
    base = _protocol(overrides, default)
    is_smoke = base.name == "smoke"
    main = _folds("folds", overrides, EVERY_FOLD, EVERY_FOLD[:2] if is_smoke else EVERY_FOLD)
    extra = _folds("extra_folds", overrides, main, main[:1])
    # The faces of a smoke run are too few to hold some out.
    held_out = () if is_smoke else extra
    return {
        "protocol": base,
        "folds": main,
        "extra_folds": extra,
        "held_out_folds": _folds("held_out_folds", overrides, main, held_out),
        "gammas": _gammas(overrides.get("gammas"), base),
    }


def _protocol(overrides: dict[str, Any], default: Protocol) -> Protocol:
    base = default if os.environ.get("ADIENCE_SMOKE", "") in ("", "0") else BASES["smoke"]
    if named := overrides.get("protocol"):
        base = BASES[named]
    names = {*NUMBERS, "monitor", "precision"} - {"levi_hassner_epochs"}
    given = {name: overrides[name] for name in names if overrides.get(name) is not None}
    return replace(base, **given)


def _folds(
    name: str, overrides: dict[str, Any], among: tuple[int, ...], usual: tuple[int, ...]
) -> tuple[int, ...]:
    """The folds in order, from a list or, as papermill's -p passes it, a string. There may be none
    but of ``folds`` itself."""
    value = overrides.get(name)
    if value is None:
        return usual
    try:
        chosen = ast.literal_eval(value) if isinstance(value, str) else value
        chosen = (chosen,) if isinstance(chosen, int) else tuple(chosen)
        is_right = all(isinstance(fold, int) and fold in among for fold in chosen)
        is_right &= len(set(chosen)) == len(chosen) and bool(chosen or name != "folds")
    except NOT_A_LITERAL:
        is_right = False
    if is_right:
        return tuple(sorted(chosen))
    none = "" if name == "folds" else ' "[]" for none,'
    raise AdienceError(
        f"{name} is {shorten(value)}; allowed: a list of different folds among {list(among)}, "
        f'such as "[0, 1]",{none} or None for the usual ones'
    )


def _gammas(value: Any, base: Protocol) -> tuple[float, ...]:
    """None for the usual ones, fewer on the demo; a list of numbers from 0 to 1, or a string. The
    protocol's own is left out: it is trained anyway."""
    if value is None:
        value = DEMO_GAMMAS if base.name in ("demo", "smoke") else SWEPT_GAMMAS
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
    usual = asdict(other)
    return ", ".join(
        f"{name.replace('_', ' ')} {value} ({'all' if usual[name] is None else usual[name]})"
        for name, value in asdict(one).items()
        if name != "name" and value != usual[name]
    )
