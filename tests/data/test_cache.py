"""The image cache: what it holds, when it is built, and what a fault leaves behind."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adience_lib.data import cache, load
from adience_lib.data.images import read_face
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder for each test."""
    monkeypatch.setenv("ADIENCE_CACHE", str(tmp_path / "cache"))


def left_behind() -> list[str]:
    """What lies in the cache folder, without the empty lock files."""
    return [file.name for file in paths.cache().glob("*") if not file.name.endswith(".lock")]


def test_array_holds_the_images_in_the_order_of_the_manifest(tiny_folder: Path) -> None:
    """Row by row the same pixels as the reader's, and read-only."""
    dataset = load(tiny_folder)
    images = cache.images(dataset)
    assert images.shape == (80, 256, 256, 3)
    assert images.dtype == np.uint8
    for row in (0, 37, 79):
        np.testing.assert_array_equal(
            images[row], read_face(dataset.root / dataset.faces["path"][row])
        )
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_second_call_reads_what_the_first_has_built(tiny_folder: Path) -> None:
    """The same file, not written again; a changed image gets another."""
    dataset = load(tiny_folder)
    cache.images(dataset)
    (file,) = left_behind()
    written = (paths.cache() / file).stat().st_mtime_ns
    cache.images(dataset)
    assert (paths.cache() / file).stat().st_mtime_ns == written
    os.utime(dataset.root / dataset.faces["path"][3], ns=(1, 1))
    cache.images(dataset)
    assert len(left_behind()) == 2


def test_unreadable_image_is_named_and_nothing_is_left(tiny_folder: Path) -> None:
    """One line with the file and the way to go on; no half-written array."""
    dataset = load(tiny_folder)
    broken = dataset.root / dataset.faces["path"][5]
    broken.write_bytes(broken.read_bytes()[:-50])
    with pytest.raises(
        AdienceError, match=f"1 images cannot be read.*{broken.name}.*allow_missing"
    ):
        cache.images(dataset)
    assert left_behind() == []


def test_full_disk_is_an_error_and_nothing_is_left(tiny_folder: Path) -> None:
    """The system refuses to let the file grow, as a full disk does."""
    dataset = load(tiny_folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, limits[1]))
    try:
        with pytest.raises(AdienceError, match=r"adience-\w+\.npy: cannot be written"):
            cache.images(dataset)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert left_behind() == []


def test_folder_that_cannot_be_written_is_named(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache folder where nobody may write: /proc, even for the administrator."""
    monkeypatch.setenv("ADIENCE_CACHE", "/proc/cache")
    with pytest.raises(AdienceError, match=r"/proc/cache/adience-\w+\.npy: cannot be written"):
        cache.images(load(tiny_folder))


def test_two_processes_may_build_at_once(tiny_folder: Path) -> None:
    """Both read the same whole array."""
    program = "import sys; from adience_lib import data; from adience_lib.data import cache; "
    program += "print(cache.images(data.load(sys.argv[1])).sum())"
    command = [sys.executable, "-c", program, str(tiny_folder)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sums = [process.communicate()[0].strip() for process in both]
    assert sums[0] == sums[1] == str(cache.images(load(tiny_folder)).sum())
    assert len(left_behind()) == 1


@pytest.mark.parametrize("length", [0, 6, 100, 5_000_000])
def test_damaged_array_is_named(tiny_folder: Path, length: int) -> None:
    """Empty, cut in its header, cut in its images: one line with the way out."""
    dataset = load(tiny_folder)
    cache.images(dataset)
    (name,) = left_behind()
    file = paths.cache() / name
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(AdienceError, match=rf"{name}: damaged \(.*\); delete it"):
        cache.images(dataset)
