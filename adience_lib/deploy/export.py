"""A trained network for other software: ONNX and TensorFlow Lite, by Keras' own exporters."""

import importlib.util
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from adience_lib import models
from adience_lib.data import sources
from adience_lib.data.images import read_face
from adience_lib.runs.folder import check_files, read_json
from adience_lib.util import atomic, backend
from adience_lib.util.errors import AdienceError, first_line

TOLERANCE = 1e-4
"""By how much a probability may differ between the network and what was exported."""

CHECKED = 8
"""Drawn faces that both are asked about: a network is not as sure of them as it is of noise."""

Outputs = dict[str, np.ndarray]


def export(file: Path, kind: str, target: Path) -> float:
    """Write the network in ``file``, ``best.keras`` of a run folder, as ``kind``, "onnx" or
    "tflite", to ``target``. Gives the largest difference in a probability.

    What is written takes ``image``, (n, 256, 256, 3) uint8, RGB, and gives what the network gives,
    in float32 and without calibration. Raises AdienceError: no such run, a package that is missing,
    an exporter that fails, or outputs that do not agree.
    """
    exporter, needs, ask = KINDS[kind]
    missing = [name for name in needs if importlib.util.find_spec(name) is None]
    if missing:
        raise AdienceError(
            f"{kind} needs {' and '.join(missing)}: pip install 'adience-lib[export]'"
        )
    check_files(file.parent, [file.name, "protocol.json"])
    trained = models.load(file)
    with backend.precision("float32"):  # exporters take no other
        network = models.build(read_json(file.parent / "protocol.json")["model"])
    network.set_weights(trained.get_weights())
    images = sorted(sources.demo_folder().rglob("*.jpg"))[:CHECKED]
    faces = np.stack([read_face(image) for image in images])
    expected = network.predict(faces, verbose=0)  # Keras exports only what has been called
    with atomic.writing(target), tempfile.TemporaryDirectory(dir=target.parent) as folder:
        written = Path(folder) / f"network.{kind}"  # Keras insists on the ending
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the exporters, about their own code
                network.export(str(written), format=exporter, verbose=False)
        except Exception as error:  # exporters raise nearly anything
            raise AdienceError(f"{target}: cannot be exported ({first_line(error)})") from error
        given = ask(written, faces)
        difference = max(float(np.abs(given[task] - expected[task]).max()) for task in expected)
        if not difference <= TOLERANCE:
            raise AdienceError(
                f"{target}: its probabilities differ by {difference:.2g} from the network's "
                f"(allowed: {TOLERANCE:g}), so it was not kept"
            )
        atomic.put(written, target)
    return difference


def _ask_onnx(file: Path, faces: np.ndarray) -> Outputs:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"image": faces}), strict=True))


def _ask_tflite(file: Path, faces: np.ndarray) -> Outputs:
    from ai_edge_litert.interpreter import Interpreter

    return dict(Interpreter(str(file)).get_signature_runner()(image=faces))


KINDS: dict[str, tuple[str, tuple[str, ...], Callable[[Path, np.ndarray], Outputs]]] = {
    "onnx": ("onnx", ("tf2onnx", "onnxruntime"), _ask_onnx),
    "tflite": ("litert", ("ai_edge_litert",), _ask_tflite),
}
"""By kind: what Keras calls it, the packages it needs, and how it is run."""
