"""The images of a dataset as one array on disk, decoded once."""

import hashlib
from pathlib import Path

import numpy as np
from tqdm import tqdm

from adience_lib.data import Dataset
from adience_lib.data.images import DECODER, GO_ON, Folder
from adience_lib.data.labels import SIDE
from adience_lib.util import atomic, paths
from adience_lib.util.errors import AdienceError, first_line


def images(dataset: Dataset) -> np.ndarray:
    """The faces of ``dataset.labelled()``, (n, 256, 256, 3) uint8, in its order, mapped read-only.

    Built at the first call, with a progress bar, in a file whose name says what it holds: the
    images' paths, sizes and times of change, and the decoder's rules. Of several processes one
    builds, the others wait, and all share one copy in the page cache. Raises AdienceError: an
    image that cannot be read, a full disk, a damaged cache.
    """
    names = list(dataset.labelled()["path"])
    said = [f"{DECODER} {SIDE}"]
    for name in names:
        status = (dataset.source.root / name).stat()
        said.append(f"{name} {status.st_size} {status.st_mtime_ns}")
    key = hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
    file = paths.cache() / f"{dataset.name}-{key}.npy"
    atomic.make_whole(file, lambda unfinished: _build(dataset.source, names, unfinished))
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header makes NumPy raise nearly anything
        raise AdienceError(f"{file}: damaged ({first_line(error)}); delete it") from error
    if (array.shape, array.dtype) != ((len(names), SIDE, SIDE, 3), np.uint8):
        raise AdienceError(f"{file}: damaged (not {len(names)} faces); delete it")
    return array


def _build(source: Folder, names: list[str], target: Path) -> None:
    """Write the array from front to back: a full disk is an error of a plain write, where a write
    to mapped memory would end the process."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(names), SIDE, SIDE, 3)}
    failures = []
    bar = tqdm(total=len(names), desc="Decoding images", unit="image", mininterval=1, leave=False)
    with target.open("wb") as output, bar:
        np.lib.format.write_array_header_1_0(output, header)
        for face in source.faces(names):
            if isinstance(face, AdienceError):
                failures.append(face)
            else:
                output.write(face.tobytes())
            bar.update()
    if failures:
        first = "; ".join(map(str, failures[:5]))
        raise AdienceError(f"{len(failures)} images cannot be read, the first: {first}. {GO_ON}")
