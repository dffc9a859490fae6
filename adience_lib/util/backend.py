"""Where the library meets Keras: its settings, and what differs between backends and machines."""

import contextlib
import glob
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adience_lib.util.errors import AdienceError, shorten

BACKENDS = ("tensorflow", "jax", "torch")


def _choose() -> None:
    """The backend is TensorFlow, whatever ``keras.json`` says, or what ``KERAS_BACKEND`` names."""
    # TensorFlow logs errors about the absence of a GPU. Failures that matter are exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    named = os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])
    if named not in BACKENDS or find_spec(named) is None:
        raise AdienceError(
            f"KERAS_BACKEND is {shorten(named)}; allowed: {', '.join(BACKENDS)}, where they are "
            "installed; without the variable it is the first"
        )
    if named == "tensorflow" and named not in sys.modules and platform.machine() == "x86_64":
        # Off where there is no AVX-512, which makes training slower by half (docs/speed.md).
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


_choose()
import keras  # which reads the variables while it is imported
import numpy as np


def settle() -> None:
    """Give Keras the settings that results depend on, in place of a user's ``keras.json`` and of
    the variables by which Keras cuts trainings short."""
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)


SWITCHES = (
    "TF_ENABLE_ONEDNN_OPTS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
    "NVIDIA_TF32_OVERRIDE",
    "JAX_DEFAULT_MATMUL_PRECISION",
)
"""Variables by which a user changes how TensorFlow and JAX compute, and with it the last digits of
a result or more. ``machine`` records those that are set; the first is set here where nobody has."""


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and the backend, and let TensorFlow use reproducible operations only."""
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
        # No warning that functions are traced again: every fold has a new network.
        tensorflow.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def precision(policy: Any) -> Iterator[None]:
    """Let what is built meanwhile compute in ``policy``, a name or a policy of Keras'."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def jit_compile() -> bool | str:
    """Keras' ``jit_compile``. XLA on a processor was measured to halve TensorFlow's speed."""
    return False if keras.backend.backend() == "tensorflow" and on_processor() else "auto"


def on_processor() -> bool:
    """Whether there is no accelerator that the backend would use."""
    return not _accelerators()


CARDS = ("/proc/driver/nvidia/gpus/*", "/dev/nvidia[0-9]*", "/usr/lib/wsl/lib/libcuda.so*")
"""Patterns of what Linux has where there is an NVIDIA card, the last one within Windows."""


def leaves_a_card_idle() -> bool:
    """Whether the backend would not use an NVIDIA card that nobody has hidden from it
    (``CUDA_VISIBLE_DEVICES`` empty or -1)."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1")
    return not hidden and any(map(glob.glob, CARDS)) and on_processor()


def has_wide_vectors() -> bool:
    """Whether the processor takes 16 floats at once (AVX-512), as Linux tells; elsewhere no."""
    return "avx512f" in _linux("cpuinfo", "flags").split()


def emulates_bfloat16() -> bool:
    """Whether a training in bfloat16 would be slower than in float32, by a factor of eight or so:
    TensorFlow's convolutions (oneDNN) have bfloat16 for processors with AVX-512 only."""
    return on_processor() and platform.machine() == "x86_64" and not has_wide_vectors()


def feed(batches: keras.utils.PyDataset) -> Any:
    """``batches`` as ``fit``, ``evaluate`` and ``predict`` take them: in order, two ready ahead.
    TensorFlow tunes what Keras makes of them, in a thread that it waits for at each end: seconds of
    nothing."""
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow

    options = tensorflow.data.Options()
    options.autotune.enabled = False
    signature = keras.tree.map_structure(
        lambda array: tensorflow.TensorSpec((None, *array.shape[1:]), array.dtype), batches[0]
    )
    fed = tensorflow.data.Dataset.from_generator(
        lambda: (batches[number] for number in range(len(batches))), output_signature=signature
    )
    counted = fed.apply(tensorflow.data.experimental.assert_cardinality(len(batches)))
    return counted.prefetch(2).with_options(options)


def copies(variables: list[keras.Variable]) -> list[Any]:
    """Their values, as arrays that stay when the variables go on: NumPy's, or JAX's own, which stay
    in an accelerator's memory."""
    if keras.backend.backend() == "jax":
        import jax

        return [jax.numpy.array(variable.value, copy=True) for variable in variables]
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]


def forget_peak_memory() -> None:
    """Let ``peak_memory`` count from now on (Linux; elsewhere from the process's start)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory() -> int | None:
    """The most bytes that this process has held at once, the mapped images included and an
    accelerator's own memory not; None where there is no such record (Linux has it)."""
    most = _linux("self/status", "VmHWM").split()  # "500000 kB"
    return 1024 * int(most[0]) if most else None


def _linux(file: str, name: str) -> str:
    """What the first line of ``/proc/file`` named so says; "" where there is no such record."""
    try:
        lines = Path("/proc", file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def machine() -> dict[str, str | int]:
    """The hardware and the versions behind a result, without the machine's name. ``cores`` are
    fewer where the process was given fewer threads, as each of two folds at once."""
    packages = ("keras", keras.backend.backend(), "numpy", "pillow")
    threads = int(os.environ.get("TF_NUM_INTRAOP_THREADS") or 0)
    switches = {name: os.environ[name].split() for name in SWITCHES if name in os.environ}
    return {
        "processor": _linux("cpuinfo", "model name") or platform.machine(),
        "cores": min(cores(), threads or cores()),
        "accelerator": ", ".join(_accelerators()) or "none",
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        # A record names no folder of its machine, and none changes a number.
        **{name: " ".join(w for w in words if "/" not in w) for name, words in switches.items()},
    }


def cores() -> int:
    """Those that the process may use; where the system does not tell (macOS), all there are."""
    told = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if told else os.cpu_count() or 1


def _accelerators() -> list[str]:
    """What kind each is of, where the backend says so; else its name, "gpu:0"."""
    if keras.backend.backend() == "torch":  # where Keras 3.15 lists no devices
        import torch

        return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    if keras.backend.backend() == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    import tensorflow

    devices = tensorflow.config.list_physical_devices("GPU")
    details = [tensorflow.config.experimental.get_device_details(device) for device in devices]
    return [one.get("device_name", f"gpu:{i}") for i, one in enumerate(details)]
