"""What differs between TensorFlow and Keras' other backends, behind one function each."""

import contextlib
import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

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
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        if not tensorflow.config.list_physical_devices("GPU"):
            return False
    return "auto"


def on_processor() -> bool:
    """Whether there is no accelerator that the backend would use."""
    return not _accelerators()


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
        "accelerator": _accelerator(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def _cores() -> int:
    """Those that the process may use, or fewer where it was given fewer threads.

    Two folds at once have half of them each (``cross_validation``): their seconds are not those of
    a fold that had all.
    """
    cores = len(os.sched_getaffinity(0))
    threads = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    return min(cores, int(threads)) if threads.isdigit() and int(threads) else cores


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            models = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    except OSError:
        models = []
    return models[0] if models else platform.machine()


def _accelerator() -> str:
    return ", ".join(_accelerators()) or "none"


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
