"""What the library makes of the surroundings that it is started in."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

import adience_lib
from adience_lib import models
from adience_lib.util import backend
from adience_lib.util.errors import AdienceError


@pytest.fixture
def users_keras() -> Iterator[None]:
    """What a ``keras.json`` and the environment of a user have set when the package is imported."""
    keras.config.set_floatx("float16")
    keras.config.set_epsilon(0.1)
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("mixed_float16")
    keras.config.set_max_epochs(1)
    keras.config.set_max_steps_per_epoch(1)
    yield
    backend.settle()


@pytest.mark.usefixtures("small_networks")
def test_predictions_are_the_same_whatever_keras_json_says(request: pytest.FixtureRequest) -> None:
    """Types, the order of axes, and how long a training may be are the library's own."""
    faces = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), "uint8")

    def prediction() -> np.ndarray:
        keras.utils.set_random_seed(1)
        return models.build("gender").predict(faces, verbose=0)["gender"]

    expected = prediction()
    request.getfixturevalue("users_keras")
    importlib.reload(adience_lib)
    found = prediction()
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found, expected)
    assert keras.config.max_epochs() is keras.config.max_steps_per_epoch() is None


def test_backend_is_tensorflow_unless_the_variable_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Keras gives the variable precedence over its file, which may name one that is gone."""
    monkeypatch.delenv("KERAS_BACKEND")
    backend._choose()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


@pytest.mark.parametrize(
    ("before", "loaded", "after"), [(None, False, "1"), ("0", False, "0"), (None, True, None)]
)
def test_onednn_is_used_unless_the_user_says_otherwise(
    before: str | None, loaded: bool, after: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorFlow reads the variable as it is loaded; set later, it would be a wrong record."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "")
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    if before is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", before)
    if not loaded:
        monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    backend._choose()
    assert os.environ.get("TF_ENABLE_ONEDNN_OPTS") == after


@pytest.mark.parametrize("name", ["theano", "", "numpy"])
def test_backend_that_cannot_be_used_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that Keras has dropped, none, and one that cannot train."""
    monkeypatch.setenv("KERAS_BACKEND", name)
    with pytest.raises(AdienceError, match=f"^KERAS_BACKEND is '{name}'; allowed: tensorflow, jax"):
        backend._choose()


def test_backend_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its import fails in the middle of Keras'."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(backend, "find_spec", lambda _: None)
    with pytest.raises(AdienceError, match=r"^KERAS_BACKEND is 'torch'; allowed: .* installed"):
        backend._choose()


def test_record_names_what_the_environment_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the folders that such a variable may name; nothing where nothing is set."""
    for name in backend.SWITCHES:
        monkeypatch.delenv(name, raising=False)
    usual = backend.machine()
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_autotune_level=0 --xla_dump_to=/scratch/somebody")
    assert backend.machine() == {
        **usual,
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "XLA_FLAGS": "--xla_gpu_autotune_level=0",
    }


def test_cores_are_counted_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has no ``sched_getaffinity``."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    assert backend.cores() == backend.machine()["cores"] == os.cpu_count()


@pytest.mark.parametrize(
    ("visible", "accelerators", "idle"),
    [(None, [], True), ("0", [], True), ("-1", [], False), ("", [], False), (None, ["A"], False)],
)
def test_card_that_is_there_and_not_used_is_noticed(
    visible: str | None,
    accelerators: list[str],
    idle: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unless somebody hides it; and nothing where there is none."""
    monkeypatch.setattr(backend, "_accelerators", lambda: accelerators)
    monkeypatch.setattr(backend, "CARDS", (f"{tmp_path}/nvidia[0-9]*",))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert not backend.leaves_a_card_idle()
    (tmp_path / "nvidia0").touch()
    assert backend.leaves_a_card_idle() == idle
