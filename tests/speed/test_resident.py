"""Epochs that are one call each against Keras' own loop."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


def test_a_training_is_that_of_keras_own_loop() -> None:
    """Its history, where it stops, and what callbacks hear."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    script = Path(__file__).parents[1] / "on_jax.py"
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (history, heard), (expected, as_expected) = json.loads(done.stdout)
    assert heard == as_expected
    assert [list(row) for row in history] == [list(row) for row in expected]
    for row, other in zip(history, expected, strict=True):
        np.testing.assert_allclose(list(row.values()), list(other.values()), rtol=1e-5)
