"""Archives as they are sent: the same dataset as the unpacked folder, and honest when damaged."""

import io
import os
import resource
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import SHARED, needs_shared
from PIL import Image

from adience_lib.data import Dataset, adience, cache, load
from adience_lib.data.labels import FOLDS
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError

of_every_kind = pytest.mark.parametrize("kind", [".tar.gz", ".zip"])

FILE, LINK, DEVICE = stat.S_IFREG, stat.S_IFLNK, stat.S_IFCHR
TAR_TYPES = {FILE: tarfile.REGTYPE, LINK: tarfile.SYMTYPE, DEVICE: tarfile.CHRTYPE}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder for each test."""
    monkeypatch.setenv("ADIENCE_CACHE", str(tmp_path / "cache"))


def left_behind() -> list[str]:
    """What lies in the cache folder, without the empty lock files."""
    return [file.name for file in paths.cache().glob("*") if not file.name.endswith(".lock")]


def pack(file: Path, members: dict[str, bytes], what: int = FILE) -> Path:
    """Write an archive of the kind that ``file`` is named as; the folder that it lies in."""
    file.parent.mkdir(exist_ok=True)
    if file.suffix == ".zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
            for name, content in members.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr, entry.compress_type = what << 16, zipfile.ZIP_DEFLATED
                target.writestr(entry, content)
    else:
        with tarfile.open(file, "w" if file.suffix == ".tar" else "w:gz") as target:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size, member.type = len(content), TAR_TYPES[what]
                member.linkname = "/etc/passwd"
                target.addfile(member, io.BytesIO(content))
    return file.parent


def packed(folder: Path, target: Path, kind: str, within: str = "") -> Path:
    """The Adience folder ``folder`` with its images packed: the fold files and one archive."""
    target.mkdir()
    for fold in range(FOLDS):
        file = adience.fold_file(folder, fold)
        (target / file.name).write_bytes(file.read_bytes())
    images = sorted((folder / "aligned").rglob("*.png"))
    members = {f"{within}{file.relative_to(folder)}": file.read_bytes() for file in images}
    return pack(target / f"aligned{kind}", members)


def picture(seed: int, side: int = 40) -> bytes:
    """A JPEG of random pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), "uint8")
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG")
    return content.getvalue()


def same(one: Dataset, other: Dataset) -> None:
    """The same faces under the same fingerprint, dropped for the same reasons, pixel for pixel."""
    assert (one.name, one.fingerprint) == (other.name, other.fingerprint)
    pd.testing.assert_frame_equal(one.faces, other.faces)
    pd.testing.assert_frame_equal(one.drops, other.drops)
    np.testing.assert_array_equal(cache.images(one), cache.images(other))


@pytest.mark.parametrize("kind", [".tar.gz", ".tgz", ".tar", ".zip"])
def test_adience_from_its_archive_is_the_unpacked_folder(
    tiny_folder: Path, tmp_path: Path, kind: str
) -> None:
    """So that runs on either can be taken together."""
    same(load(packed(tiny_folder, tmp_path / "sent", kind)), load(tiny_folder))


@of_every_kind
def test_missing_and_unreadable_images_are_counted_as_in_a_folder(
    tiny_folder: Path, tmp_path: Path, kind: str
) -> None:
    """A missing one is an error unless it is allowed."""
    images = sorted((tiny_folder / "aligned").rglob("*.png"))
    images[0].unlink()
    images[1].write_bytes(images[1].read_bytes()[:-40])
    sent = packed(tiny_folder, tmp_path / "sent", kind)
    with pytest.raises(AdienceError, match="1 images named in the fold files are missing"):
        load(sent)
    dataset = load(sent, allow_missing=True)
    same(dataset, load(tiny_folder, allow_missing=True))
    rows = dataset.drops.set_index("reason")["rows"]
    assert (rows["missing image"], rows["unreadable image"]) == (1, 1)


@of_every_kind
def test_archive_within_another_folder_is_found(
    tiny_folder: Path, tmp_path: Path, kind: str
) -> None:
    """Whatever stands in front of aligned/ in the names."""
    sent = packed(tiny_folder, tmp_path / "sent", kind, within="./AdienceBenchmark/")
    same(load(sent), load(tiny_folder))


@of_every_kind
@pytest.mark.parametrize("within", ["", "UTKFace/", "home/somebody/faces/all/UTKFace/"])
def test_utkface_from_its_archive_is_the_unpacked_folder(
    tmp_path: Path, kind: str, within: str
) -> None:
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
    members = {f"{within}{name}": content for name, content in files.items()}
    same(load(pack(tmp_path / "sent" / f"UTKFace{kind}", members)), load(folder))


@needs_shared("utkface")
@of_every_kind
def test_real_faces_from_an_archive(tmp_path: Path, kind: str) -> None:
    """Three hundred files of UTKFace."""
    files = sorted((SHARED / "utkface").glob("*.jpg"))[::80]
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for file in files:
        (folder / file.name).write_bytes(file.read_bytes())
    sent = pack(tmp_path / "sent" / f"UTKFace{kind}", {one.name: one.read_bytes() for one in files})
    same(load(sent), load(folder))


@of_every_kind
def test_nothing_but_images_is_unpacked(tmp_path: Path, kind: str) -> None:
    """Neither other files nor what a Mac adds for each of them."""
    face = picture(1)
    others = ["notes.txt", "UTKFace/._26_1_0_1.jpg", "__MACOSX/UTKFace/26_1_0_1.jpg"]
    members = {"UTKFace/26_1_0_1.jpg": face} | dict.fromkeys(others, b"no face")
    dataset = load(pack(tmp_path / "sent" / f"UTKFace{kind}", members))
    assert dataset.source.root.name == "UTKFace"
    unpacked = dataset.source.root.parent.rglob("*")
    assert [file.name for file in unpacked if file.is_file()] == ["26_1_0_1.jpg"]


@of_every_kind
def test_archive_is_unpacked_once(tiny_folder: Path, tmp_path: Path, kind: str) -> None:
    """An archive of the same size and time is not opened again."""
    sent = packed(tiny_folder, tmp_path / "sent", kind)
    dataset = load(sent)
    file = sent / f"aligned{kind}"
    status = file.stat()
    file.write_bytes(bytes(status.st_size))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    same(load(sent), dataset)


@of_every_kind
def test_archive_that_has_changed_is_unpacked_anew(tmp_path: Path, kind: str) -> None:
    """Also where its images have the names, the sizes and the times of those before."""
    arrays = []
    for seed in (1, 2):
        face = picture(seed).ljust(4000, b"\0")
        dataset = load(pack(tmp_path / "sent" / f"UTKFace{kind}", {"26_1_0_1.jpg": face}))
        arrays.append(cache.images(dataset))
    assert (arrays[0] != arrays[1]).any()


IMAGE = r"aligned/user\d[fm]/landmark_aligned_face.*"


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


def cut_between_members(content: bytes) -> bytes:
    """The last image and the end are missing from a plain tar file, and nothing in front of it."""
    return content[: content.rindex(b"aligned/user")]


def with_a_wrong_header(content: bytes) -> bytes:
    """The last image has another name than its header's checksum is for."""
    place = content.rindex(b"aligned/user")
    return content[:place] + b"A" + content[place + 1 :]


@pytest.mark.parametrize(
    ("kind", "damage", "last"),
    [
        (".tar.gz", cut, IMAGE),
        (".tar.gz", flipped, IMAGE),
        (".tar.gz", without_checksum, IMAGE),
        (".tar", cut, IMAGE),
        (".tar", cut_between_members, IMAGE),
        (".tar", with_a_wrong_header, IMAGE),
        (".zip", cut, "nothing"),  # what is in it stands at its end
        (".zip", flipped, IMAGE),
    ],
)
def test_damaged_archive_names_the_last_good_member(
    tiny_folder: Path, tmp_path: Path, kind: str, damage: Callable[[bytes], bytes], last: str
) -> None:
    """An error before anything is trained, and no half-built cache."""
    file = packed(tiny_folder, tmp_path / "sent", kind) / f"aligned{kind}"
    file.write_bytes(damage(file.read_bytes()))
    words = rf"aligned\{kind}: cannot be unpacked after {last} \(.*\); fetch it again"
    with pytest.raises(AdienceError, match=words):
        load(tmp_path / "sent")
    assert left_behind() == []


@pytest.mark.parametrize("kind", [".tar.gz", ".tar", ".zip"])
def test_what_is_no_archive_is_said(tiny_folder: Path, tmp_path: Path, kind: str) -> None:
    """Such as the page of a login form, saved under the archive's name."""
    file = packed(tiny_folder, tmp_path / "sent", kind) / f"aligned{kind}"
    file.write_text("<html>please log in</html>")
    with pytest.raises(AdienceError, match=r"aligned\.\S+: cannot be unpacked after nothing"):
        load(tmp_path / "sent")


def test_archive_whose_gzip_was_undone_on_the_way_is_read(tmp_path: Path) -> None:
    """Some servers and browsers do so, and keep the name."""
    sent = pack(tmp_path / "sent" / "UTKFace.tar", {"26_1_0_1.jpg": picture(1)})
    (sent / "UTKFace.tar").rename(sent / "UTKFace.tar.gz")
    assert len(load(sent).faces) == 1


def test_zip_with_a_password_says_what_to_do(tmp_path: Path) -> None:
    """It is neither damaged nor to be read."""
    sent = pack(tmp_path / "sent" / "UTKFace.zip", {"26_1_0_1.jpg": picture(1)})
    content = bytearray((sent / "UTKFace.zip").read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    (sent / "UTKFace.zip").write_bytes(content)
    with pytest.raises(AdienceError, match=r"UTKFace\.zip: cannot be unpacked .* is encrypted"):
        load(sent)


@of_every_kind
@pytest.mark.parametrize(
    ("name", "what", "words"),
    [
        ("/etc/26_1_0_1.jpg", FILE, "a name that leads out"),
        ("a/../../26_1_0_1.jpg", FILE, "a name that leads out"),
        ("../notes.txt", FILE, "a name that leads out"),
        ("26_1_0_1.jpg", LINK, "is a link or a device"),
        ("26_1_0_1.jpg", DEVICE, "is a link or a device"),
    ],
)
def test_member_that_leads_elsewhere_is_refused(
    tmp_path: Path, kind: str, name: str, what: int, words: str
) -> None:
    """An archive may come from anybody."""
    pack(tmp_path / "sent" / f"UTKFace{kind}", {name: b""}, what)
    with pytest.raises(AdienceError, match=words):
        load(tmp_path / "sent")
    assert left_behind() == []


def test_hard_link_is_refused(tmp_path: Path) -> None:
    """As a symbolic one; a zip file has none."""
    with tarfile.open(tmp_path / "UTKFace.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("26_1_0_1.jpg")
        member.type, member.linkname = tarfile.LNKTYPE, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(AdienceError, match="is a link or a device"):
        load(tmp_path)


@of_every_kind
def test_image_that_stands_twice_is_refused(tmp_path: Path, kind: str) -> None:
    """Which of the two is meant cannot be known."""
    members = {"26_1_0_1.jpg": picture(1), "./26_1_0_1.jpg": picture(2)}
    sent = pack(tmp_path / "sent" / f"UTKFace{kind}", members)
    with pytest.raises(AdienceError, match=r"26_1_0_1\.jpg stands in it twice"):
        load(sent)


@of_every_kind
def test_faces_in_two_folders_are_two_datasets(tmp_path: Path, kind: str) -> None:
    """As in a folder: which of them are meant cannot be known."""
    members = {f"{place}/26_1_0_1.jpg": picture(place) for place in (1, 2)}
    sent = pack(tmp_path / "sent" / f"UTKFace{kind}", members)
    with pytest.raises(AdienceError, match=r"more than one dataset \(.*/1, .*/2\); name one"):
        load(sent)


@of_every_kind
def test_member_of_impossible_size_is_unreadable_and_never_in_memory(
    tmp_path: Path, kind: str
) -> None:
    """A gigabyte of zeros packs into a megabyte."""
    members = {"26_1_0_1.jpg": picture(1), "27_1_0_2.jpg": bytes(1 << 25)}
    sent = pack(tmp_path / "sent" / f"UTKFace{kind}", members)
    members.clear()
    tracemalloc.start()
    dataset = load(sent, allow_missing=True)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rows = dataset.drops.set_index("reason")["rows"]
    assert (rows["kept"], rows["unreadable image"]) == (1, 1)
    assert most < 1 << 23


@of_every_kind
def test_full_disk_is_an_error_and_nothing_is_left(tmp_path: Path, kind: str) -> None:
    """The system refuses to let a file grow, as a full disk does."""
    sent = pack(tmp_path / "sent" / f"UTKFace{kind}", {"26_1_0_1.jpg": bytes(3_000_000)})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(AdienceError, match=r"unpacked-\w+: cannot be written"):
            load(sent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert left_behind() == []


@of_every_kind
def test_folder_with_some_other_archive_is_no_dataset(tmp_path: Path, kind: str) -> None:
    """Nothing in it is named as a face is."""
    pack(tmp_path / "sent" / f"UTKFace{kind}", {"holiday/beach.jpg": picture(1)})
    with pytest.raises(AdienceError, match="not a dataset known here"):
        load(tmp_path / "sent")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("", r"a\.tar\.gz and b\.zip lie there; leave the one with the faces"),
        ("a.tar.gz", r"a\.tar\.gz: cannot be unpacked after nothing \(empty file\)"),
    ],
)
def test_archive_that_cannot_be_meant_is_named(tmp_path: Path, named: str, words: str) -> None:
    """One of two; or itself where it was named."""
    for name in ("a.tar.gz", "b.zip"):
        (tmp_path / name).touch()
    with pytest.raises(AdienceError, match=words):
        load(tmp_path / named)


def test_two_archives_of_one_image_set_are_refused(tiny_folder: Path, tmp_path: Path) -> None:
    """Beside fold files only those of the set's name can be meant."""
    sent = packed(tiny_folder, tmp_path / "sent", ".tar.gz")
    (sent / "holiday.zip").touch()
    assert len(load(sent).faces) == 80
    (sent / "aligned.zip").touch()
    with pytest.raises(AdienceError, match=r"aligned\.tar\.gz and aligned\.zip lie there"):
        load(sent)
