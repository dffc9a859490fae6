"""The library under each of Keras' backends that is installed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BACKENDS = ("tensorflow", "jax", "torch")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What TensorFlow, the default, gives."""
    return _under("tensorflow", tmp_path_factory.mktemp("tensorflow"))


def _under(backend: str, folder: Path) -> dict[str, np.ndarray]:
    script = Path(__file__).with_name("backends.py")
    environment = {**os.environ, "KERAS_BACKEND": backend, "ADIENCE_CACHE": str(folder / "cache")}
    command = [sys.executable, str(script), str(folder), str(folder / "found.npz")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(folder / "found.npz") as found:
        return dict(found)


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_backend_gives_what_tensorflow_gives(
    backend: str, expected: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """Parameter counts, forward passes of every kind of network and its twin, to 1e-4, and the
    files, columns and rows of a run. Its numbers differ: random numbers are the backend's own."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    found = _under(backend, tmp_path)
    assert found.keys() == expected.keys()
    for name in found.keys() - {"loaded"}:
        if "network" in name or "twin" in name:
            np.testing.assert_allclose(found[name], expected[name], atol=1e-4, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    assert found["loaded"].shape == expected["loaded"].shape


def test_twin_and_network_agree(expected: dict[str, np.ndarray]) -> None:
    """With every weight filled in, and outputs that are not all alike."""
    pairs = {name: name.replace("network", "twin") for name in expected if "network" in name}
    assert len(pairs) == 5
    for network, twin in pairs.items():
        np.testing.assert_allclose(expected[twin], expected[network], atol=1e-4, err_msg=network)
        assert np.ptp(expected[network]) > 1e-3, network
