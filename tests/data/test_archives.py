"""Archives as they are sent: the same dataset as the unpacked folder, and honest when damaged."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import SHARED, needs_shared
from PIL import Image

from adience_lib.data import Dataset, adience, cache, load
from adience_lib.data.labels import FOLDS
from adience_lib.data.sources import demo_folder
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder for each test."""
    monkeypatch.setenv("ADIENCE_CACHE", str(tmp_path / "cache"))


def packed(folder: Path, target: Path, name: str = "aligned", within: str = "aligned") -> Path:
    """The Adience folder ``folder`` with its images packed: the fold files and one archive."""
    target.mkdir()
    for fold in range(FOLDS):
        file = adience.fold_file(folder, fold)
        (target / file.name).write_bytes(file.read_bytes())
    with tarfile.open(target / f"{name}.tar.gz", "w:gz") as archive:
        archive.add(folder / "aligned", within)
    return target


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    """The entry of a file in an archive."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.linkname = len(content), kind, "/etc/passwd"
    return entry


def picture(seed: int, side: int = 40) -> bytes:
    """A JPEG of random pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), "uint8")
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG")
    return content.getvalue()


def of_utkface(root: Path, files: dict[str, bytes]) -> Path:
    """A folder with one archive that holds these files."""
    root.mkdir()
    with tarfile.open(root / "UTKFace.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            archive.addfile(member(name, content), io.BytesIO(content))
    return root


def same(one: Dataset, other: Dataset) -> None:
    """The same faces under the same fingerprint, dropped for the same reasons, pixel for pixel."""
    assert (one.name, one.fingerprint) == (other.name, other.fingerprint)
    pd.testing.assert_frame_equal(one.faces, other.faces)
    pd.testing.assert_frame_equal(one.drops, other.drops)
    np.testing.assert_array_equal(cache.images(one), cache.images(other))


def test_adience_from_its_archive_is_the_unpacked_folder(tiny_folder: Path, tmp_path: Path) -> None:
    """So that runs on either can be taken together."""
    same(load(packed(tiny_folder, tmp_path / "sent")), load(tiny_folder))


def test_demo_from_an_archive_counts_what_is_missing_and_unreadable(tmp_path: Path) -> None:
    """The demo has one image of each on purpose."""
    sent = load(packed(demo_folder(), tmp_path / "sent"), allow_missing=True)
    same(sent, load(demo_folder(), allow_missing=True))
    rows = sent.drops.set_index("reason")["rows"]
    assert (rows["missing image"], rows["unreadable image"]) == (1, 1)


def test_missing_image_is_an_error_unless_allowed(tiny_folder: Path, tmp_path: Path) -> None:
    """As in a folder."""
    next(tiny_folder.rglob("*.png")).unlink()
    with pytest.raises(AdienceError, match="1 images named in the fold files are missing"):
        load(packed(tiny_folder, tmp_path / "sent"))


def test_archive_within_another_folder_is_found(tiny_folder: Path, tmp_path: Path) -> None:
    """Whatever stands in front of aligned/ in the names."""
    sent = packed(tiny_folder, tmp_path / "sent", within="./AdienceBenchmark/aligned")
    same(load(sent), load(tiny_folder))


def test_utkface_from_its_archive_is_the_unpacked_folder(tmp_path: Path) -> None:
    """Malformed names, copies that disagree and ages outside are counted alike."""
    files = {
        "26_1_0_1.jpg.chip.jpg": picture(1),
        "61_0_2_2.jpg.chip.jpg": picture(2),
        "22_0_0_3.jpg.chip.jpg": picture(3),
        "9_0_4_4.jpg.chip.jpg": picture(4),
        "60_0_4_5.jpg.chip.jpg": picture(4),
        "61_1_5.jpg.chip.jpg": picture(5),
    }
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    sent = of_utkface(tmp_path / "sent", {f"UTKFace/{name}": files[name] for name in files})
    same(load(sent), load(folder))


@needs_shared("utkface")
def test_real_faces_from_an_archive(tmp_path: Path) -> None:
    """Three hundred files of UTKFace."""
    files = sorted((SHARED / "utkface").glob("*.jpg"))[::26]
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for file in files:
        (folder / file.name).write_bytes(file.read_bytes())
    sent = of_utkface(tmp_path / "sent", {file.name: file.read_bytes() for file in files})
    same(load(sent), load(folder))


def test_archive_is_read_once_and_nothing_is_unpacked(tiny_folder: Path, tmp_path: Path) -> None:
    """Afterwards the cache holds the array and an index, and no image."""
    sent = packed(tiny_folder, tmp_path / "sent")
    dataset = load(sent)
    cache.images(dataset)
    (sent / "aligned.tar.gz").rename(sent / "gone")
    np.testing.assert_array_equal(cache.images(dataset)[3], cache.images(load(tiny_folder))[3])
    left = [file for file in paths.cache().rglob("*") if file.is_file() and file.stat().st_size]
    assert {file.suffix for file in left} == {".npy", ".csv"}
    assert not [file for file in sent.rglob("*") if file.suffix == ".png"]


def test_other_faces_of_the_same_archive_are_had_again(tiny_folder: Path, tmp_path: Path) -> None:
    """The decoded images of the first are gone by then."""
    sent = packed(tiny_folder, tmp_path / "sent")
    array = cache.images(load(sent))
    for file in paths.cache().glob("*.npy"):
        file.unlink()
    np.testing.assert_array_equal(cache.images(load(sent)), array)


def cut(content: bytes) -> bytes:
    """Two thirds of a file, as a broken download leaves it."""
    return content[: 2 * len(content) // 3]


def flipped(content: bytes) -> bytes:
    """One wrong byte in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def without_checksum(content: bytes) -> bytes:
    """A checksum that is not that of the content."""
    return content[:-8] + bytes(4) + content[-4:]


@pytest.mark.parametrize("damage", [cut, flipped, without_checksum])
def test_damaged_archive_names_the_last_good_member(
    tiny_folder: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    """An error before anything is trained, and no half-built cache."""
    file = packed(tiny_folder, tmp_path / "sent") / "aligned.tar.gz"
    file.write_bytes(damage(file.read_bytes()))
    words = r"aligned\.tar\.gz: cut short or damaged after aligned/user\d[fm]/landmark_aligned_face"
    with pytest.raises(AdienceError, match=words):
        load(tmp_path / "sent")
    assert not [file for file in paths.cache().glob("*") if not file.name.endswith(".lock")]


def test_what_is_no_archive_is_said(tiny_folder: Path, tmp_path: Path) -> None:
    """Such as the page of a login form, saved under the archive's name."""
    file = packed(tiny_folder, tmp_path / "sent") / "aligned.tar.gz"
    file.write_text("<html>please log in</html>")
    with pytest.raises(AdienceError, match=r"aligned\.tar\.gz: cut short or damaged after nothing"):
        load(tmp_path / "sent")


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("/etc/26_1_0_1.jpg", tarfile.REGTYPE, "a name that leads out"),
        ("a/../../26_1_0_1.jpg", tarfile.REGTYPE, "a name that leads out"),
        ("26_1_0_1.jpg", tarfile.SYMTYPE, "is a link or a device"),
        ("26_1_0_1.jpg", tarfile.LNKTYPE, "is a link or a device"),
        ("26_1_0_1.jpg", tarfile.CHRTYPE, "is a link or a device"),
    ],
)
def test_member_that_leads_elsewhere_is_refused(
    tmp_path: Path, name: str, kind: bytes, words: str
) -> None:
    """An archive may come from anybody."""
    with tarfile.open(tmp_path / "UTKFace.tar.gz", "w:gz") as archive:
        archive.addfile(member(name, b"", kind), io.BytesIO())
    with pytest.raises(AdienceError, match=words):
        load(tmp_path)


def test_image_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """Which of the two is meant cannot be known."""
    of_utkface(tmp_path / "sent", {f"{k}/26_1_0_1.jpg": picture(k) for k in (1, 2)})
    with pytest.raises(AdienceError, match=r"26_1_0_1\.jpg stands in it twice"):
        load(tmp_path / "sent")


def test_member_of_impossible_size_is_unreadable_and_not_read(tmp_path: Path) -> None:
    """A gigabyte of zeros packs into a megabyte; it must not be held in memory."""
    root = of_utkface(tmp_path / "sent", {"26_1_0_1.jpg": picture(1)})
    huge = member("27_1_0_2.jpg")
    huge.size = 1 << 30
    with gzip.open(root / "UTKFace.tar.gz", "wb", 1) as file:
        content = picture(1)
        file.write(member("26_1_0_1.jpg", content).tobuf() + content)
        file.write(bytes(-len(content) % 512) + huge.tobuf())
        for _ in range(1 << 6):
            file.write(bytes(1 << 24))
        file.write(bytes(1024))
    dataset = load(root, allow_missing=True)
    rows = dataset.drops.set_index("reason")["rows"]
    assert (rows["kept"], rows["unreadable image"]) == (1, 1)


def test_folder_with_some_other_archive_is_no_dataset(tmp_path: Path) -> None:
    """Nothing in it is named as a face is."""
    of_utkface(tmp_path / "sent", {"holiday/beach.jpg": picture(1)})
    with pytest.raises(AdienceError, match="not a dataset known here"):
        load(tmp_path / "sent")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("", r"a\.tar\.gz and b\.tar\.gz lie there; leave the one with the faces"),
        ("a.tar.gz", r"a\.tar\.gz: no such folder; .*of an archive, the one that it lies in"),
    ],
)
def test_archive_that_cannot_be_meant_is_named(tmp_path: Path, named: str, words: str) -> None:
    """One of two, or the archive instead of its folder."""
    for name in ("a.tar.gz", "b.tar.gz"):
        (tmp_path / name).touch()
    with pytest.raises(AdienceError, match=words):
        load(tmp_path / named)
