"""The images of a dataset as one array on disk, decoded once."""

import hashlib
from pathlib import Path

import numpy as np
from tqdm import tqdm

from adience_lib.data import Dataset
from adience_lib.data.images import DECODER
from adience_lib.data.labels import SIDE
from adience_lib.util import atomic, paths
from adience_lib.util.errors import AdienceError, first_line


def images(dataset: Dataset) -> np.ndarray:
    """The dataset's faces, (n, 256, 256, 3) uint8, in the manifest's order, mapped read-only.

    Those with one label come last, as in ``Dataset.labelled()``.

    Built at the first call, with a progress bar, in a file whose name says what it holds: the
    images' paths, sizes and times of change, and the decoder's rules. A dataset that changes gets
    another file. Several processes may call this at once; one builds, the others wait. The array
    lives in the page cache and is shared between processes, not copied into each.

    Raises AdienceError: an image that cannot be read (it is named; nothing is left behind), a
    disk that is full or cannot be written to.
    """
    target = paths.cache() / f"{dataset.name}-{_key(dataset)}.npy"
    atomic.make_whole(target, lambda unfinished: _build(dataset, unfinished))
    return _open(target, len(dataset.labelled()))


def _open(file: Path, count: int) -> np.ndarray:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header makes NumPy raise nearly anything
        raise AdienceError(f"{file}: damaged ({first_line(error)}); delete it") from error
    if (array.shape, array.dtype) != ((count, SIDE, SIDE, 3), np.uint8):
        raise AdienceError(f"{file}: damaged (not {count} faces); delete it")
    return array


def _key(dataset: Dataset) -> str:
    digest = hashlib.sha256(f"{DECODER} {SIDE}".encode())
    for path in dataset.labelled()["path"]:
        digest.update(f"\n{path} {dataset.source.stamp(path)}".encode())
    return digest.hexdigest()[:16]


def _build(dataset: Dataset, target: Path) -> None:
    """Write the array from front to back.

    Plain writes report a full disk as an error, where a write to mapped memory would end the
    process.
    """
    names = list(dataset.labelled()["path"])
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(names), SIDE, SIDE, 3)}
    failures = []
    bar = tqdm(total=len(names), desc="Decoding images", unit="image", mininterval=1, leave=False)
    with target.open("wb") as output, bar:
        np.lib.format.write_array_header_1_0(output, header)
        for face in dataset.source.faces(names):
            if isinstance(face, AdienceError):
                failures.append(face)
            else:
                output.write(face.tobytes())
            bar.update()
    if failures:
        first = "; ".join(str(failure) for failure in failures[:5])
        raise AdienceError(
            f"{len(failures)} images cannot be read, the first: {first}. To go on without them: "
            "allow_missing=True (in a notebook, the parameter allow_missing)"
        )
