"""Where the library meets Keras: its settings, and what differs between its backends, behind one
function each."""

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
    """The backend is TensorFlow, whatever ``keras.json`` says, or what ``KERAS_BACKEND`` names.

    On a machine without a GPU TensorFlow logs errors about its absence. Failures that matter are
    exceptions, and every training says which accelerator it found.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    named = os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])
    if named not in BACKENDS or find_spec(named) is None:
        raise AdienceError(
            f"KERAS_BACKEND is {shorten(named)}; allowed: {', '.join(BACKENDS)}, where they are "
            "installed; without the variable it is the first"
        )
    if named == "tensorflow" and named not in sys.modules and platform.machine() == "x86_64":
        # TensorFlow leaves oneDNN off where there is no AVX-512, and trains more slowly by half
        # (docs/speed.md).
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


_choose()
import keras  # which reads the variables while it is imported


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
a result or more. They are left as they are, and ``machine`` records those that are set. The first
is set here where nobody has."""


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and the backend, and let TensorFlow use reproducible operations only.

    TensorFlow also stops warning that functions are traced again: every fold has a new network.
    """
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
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
    """Whether there is an NVIDIA card that the backend would not use, and that nobody has hidden
    from it (``CUDA_VISIBLE_DEVICES`` empty or -1)."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1")
    return not hidden and any(map(glob.glob, CARDS)) and on_processor()


def has_wide_vectors() -> bool:
    """Whether the processor takes 16 floats at once (AVX-512), as Linux tells; elsewhere no."""
    try:
        return "avx512f" in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False


def emulates_bfloat16() -> bool:
    """Whether a training in bfloat16 would be slower than in float32, by a factor of eight or so.

    TensorFlow's library for convolutions (oneDNN) has bfloat16 for processors with AVX-512 only.
    """
    return on_processor() and platform.machine() == "x86_64" and not has_wide_vectors()


def feed(batches: keras.utils.PyDataset) -> Any:
    """``batches`` as ``fit``, ``evaluate`` and ``predict`` take them: in order, two ready ahead.

    TensorFlow tunes what Keras makes of them by itself, in a thread that it waits for at the end:
    most epochs, evaluations and predictions then ended with a few seconds of nothing.
    """
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


def forget_peak_memory() -> None:
    """Let ``peak_memory`` count from now on (Linux; elsewhere from the process's start)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory() -> int | None:
    """The most bytes that this process has held at once, the mapped images included.

    Read from Linux's ``VmHWM``; None where there is no such record. An accelerator's own memory
    is not part of it.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), None)


def machine() -> dict[str, str | int]:
    """The hardware and the versions behind a result, without the machine's name."""
    packages = ("keras", keras.backend.backend(), "numpy", "pillow")
    return {
        "processor": _processor(),
        "cores": _cores(),
        "accelerator": ", ".join(_accelerators()) or "none",
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        **{name: _without_paths(os.environ[name]) for name in SWITCHES if name in os.environ},
    }


def _without_paths(value: str) -> str:
    """A record names no folder of its machine, and none changes a number."""
    return " ".join(word for word in value.split() if "/" not in word)


def cores() -> int:
    """Those that the process may use; where the system does not tell (macOS), all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cores() -> int:
    """``cores``, or fewer where the process was given fewer threads.

    Two folds at once have half of them each (``cross_validation``): their seconds are not those of
    a fold that had all.
    """
    threads = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    return min(cores(), int(threads)) if threads.isdigit() and int(threads) else cores()


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            models = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    except OSError:
        models = []
    return models[0] if models else platform.machine()


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
