"""The architectures. They know nothing of datasets, folds or training.

Every network takes a face as it is cached, (256, 256, 3) uint8, and crops it and scales its pixels
itself. It gives a dictionary of its tasks: ``gender`` and ``age``. Imports ``data.labels``.
"""

from pathlib import Path
from typing import Any

import keras

from adience_lib.models.baselines import full_width_gender, levi_hassner
from adience_lib.models.networks import reduced, transfer
from adience_lib.util.atomic import check_temporary_folder
from adience_lib.util.errors import RETRAIN, AdienceError

_BUILDERS: dict[str, Any] = {
    "gender": lambda: reduced("gender"),
    "age": lambda: reduced("age"),
    "multitask": lambda: reduced("gender", "age"),
    "transfer": transfer,
    "levi_hassner_gender": lambda: levi_hassner("gender"),
    "levi_hassner_age": lambda: levi_hassner("age"),
    "full_width_gender": full_width_gender,
}

NAMES = tuple(_BUILDERS)
"""The networks of the paper, its baseline, and the paper's own reading of that baseline."""


def build(name: str, weights: Path | None = None) -> keras.Model:
    """The uncompiled network ``name`` (one of ``NAMES``).

    It maps (batch, 256, 256, 3) uint8 to a dictionary with ``gender``, (batch, 1) float32, the
    probability of "m", and/or ``age``, (batch, 8) float32, probabilities in the order of
    ``AGE_LABELS``. Levi & Hassner's gender network gives (batch, 2): "f" and "m".

    ``weights``: for ``transfer``, a file of Xception's weights (see ``pretrained.py``); None leaves
    it random. Raises AdienceError for an unknown name.
    """
    if name not in _BUILDERS:
        raise AdienceError(f"unknown model {name!r}; choose one of {', '.join(NAMES)}")
    if name == "transfer":
        return transfer(weights)
    return _BUILDERS[name]()


def tasks(name: str) -> tuple[str, ...]:
    """Which of "gender" and "age" the network ``name`` predicts.

    >>> tasks("levi_hassner_age")
    ('age',)
    """
    if name in ("multitask", "transfer"):
        return ("gender", "age")
    return (name.rsplit("_", 1)[-1],)


def load(file: Path) -> keras.Model:
    """A trained network, as ``best.keras`` of a run folder keeps it, with safe mode on.

    Safe mode refuses networks that bring code of their own, which would run when they are opened.
    Raises AdienceError if the file is missing or is not such a network.
    """
    if file.suffix != ".keras":
        raise AdienceError(f"{file}: only networks in Keras' own format, *.keras, are opened")
    if not file.is_file():
        raise AdienceError(f"{file}: no such network")
    check_temporary_folder()
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # a damaged archive makes Keras and h5py raise nearly anything
        raise AdienceError(f"{file}: no network that can be loaded; {RETRAIN}") from error
