"""What differs between TensorFlow and Keras' other backends, behind one function each."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import keras


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and the backend, and let TensorFlow use reproducible operations only.

    TensorFlow also stops warning that functions are traced again: every fold has a new network.
    """
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
        tensorflow.get_logger().setLevel("ERROR")


def jit_compile() -> bool | str:
    """Keras' ``jit_compile``. XLA on a processor was measured to halve TensorFlow's speed."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        if not tensorflow.config.list_physical_devices("GPU"):
            return False
    return "auto"


def machine() -> dict[str, str | int]:
    """The hardware and the versions behind a result, without the machine's name."""
    packages = ("keras", keras.backend.backend(), "numpy", "pillow")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "accelerator": _accelerator(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            models = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    except OSError:
        models = []
    return models[0] if models else platform.machine()


def _accelerator() -> str:
    devices = [
        device for device in keras.distribution.list_devices() if "cpu" not in device.lower()
    ]
    return ", ".join(devices) or "none"
