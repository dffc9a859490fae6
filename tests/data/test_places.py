"""Near misses of a dataset: what is plainly meant is read, and anything else is named."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import tiny_rows, write_adience
from test_archives import pack, picture

from adience_lib.data import Dataset, adience, load
from adience_lib.util.errors import AdienceError

FACES = {
    f"{age}_{number % 2}_0_{number}.jpg.chip.jpg": picture(number)
    for number, age in enumerate((1, 26, 61))
}
"""Three files as UTKFace names them."""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder for each test."""
    monkeypatch.setenv("ADIENCE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def whole(tiny_folder: Path) -> Dataset:
    """What each near miss of ``tiny_folder`` must give."""
    return load(tiny_folder)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """``folder`` with these files, in folders of their own where a name says so."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    "named",
    ["a", "a/b", "a/b/adience/aligned", "a/b/adience/fold_3_data.txt", "link", "link/aligned"],
)
def test_folder_or_file_near_adience_stands_for_it(
    tmp_path: Path, whole: Dataset, named: str
) -> None:
    """Two levels too high or one, one too low, one of its files; through a link, and beside one."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    folder = (tmp_path / "adience").rename(tmp_path / "a" / "b" / "adience")
    for link in (tmp_path / "link", folder.with_name("newest")):
        link.symlink_to(folder)
    assert load(tmp_path / named).fingerprint == whole.fingerprint


@pytest.mark.parametrize("inner", ["aligned/aligned", "Kaggle/aligned"])
def test_images_unpacked_one_folder_too_deep_are_found(
    tiny_folder: Path, whole: Dataset, inner: str
) -> None:
    """Programs that unpack make a folder of the archive's name."""
    images = (tiny_folder / "aligned").rename(tiny_folder / "moved")
    (tiny_folder / inner).parent.mkdir()
    images.rename(tiny_folder / inner)
    assert load(tiny_folder).fingerprint == whole.fingerprint


def test_unaligned_images_that_are_named_are_taken(tiny_folder: Path) -> None:
    """Although the aligned ones lie beside them."""
    for file in (tiny_folder / "aligned").rglob("*.png"):
        name = file.name.replace("landmark_aligned_face", "coarse_tilt_aligned_face")
        write(tiny_folder / "faces" / file.parent.name, {name: file.read_bytes()})
    assert load(tiny_folder).name == "adience"
    assert load(tiny_folder / "faces").name == "adience-unaligned"


@pytest.mark.parametrize(
    ("ending", "front"),
    [(".zip", "adience"), (".tgz", "AdienceBenchmark/AdienceBenchmark"), (".tar", ".")],
)
def test_adience_packed_as_a_whole_is_the_folder(
    tiny_folder: Path, tmp_path: Path, whole: Dataset, ending: str, front: str
) -> None:
    """As Kaggle hands it out; its folder and the archive itself stand for it."""
    files = [file for file in tiny_folder.rglob("*") if file.is_file()]
    members = {f"{front}/{one.relative_to(tiny_folder)}": one.read_bytes() for one in files}
    sent = pack(tmp_path / "sent" / f"archive{ending}", members)
    for source in (sent, sent / f"archive{ending}"):
        assert load(source).fingerprint == whole.fingerprint


KAGGLE = {
    f"{folder}/{name}": content
    for folder in ("UTKFace", "crop_part1", "utkface_aligned_cropped/UTKFace")
    for name, content in FACES.items()
}


@pytest.mark.parametrize("packed", [False, True])
def test_utkface_as_kaggle_lays_it_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], packed: bool
) -> None:
    """The folder UTKFace is taken, and the others are named."""
    alone = load(write(tmp_path / "alone", FACES))
    if packed:
        source = pack(tmp_path / "sent" / "archive.zip", KAGGLE)
    else:
        source = write(tmp_path / "sent", KAGGLE)
    assert load(source).fingerprint == alone.fingerprint
    assert "left out" in capsys.readouterr().err


@pytest.mark.parametrize("packed", [False, True])
def test_faces_below_those_that_are_taken_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], packed: bool
) -> None:
    """The folder that lies higher is meant; nothing is skipped without a word."""
    alone = load(write(tmp_path / "alone", FACES))
    files = {**FACES, "more/116_0_0_1.jpg.chip.jpg": picture(9)}
    sent = tmp_path / "sent"
    source = pack(sent / "faces.zip", files) if packed else write(sent, files)
    assert load(source).fingerprint == alone.fingerprint
    assert "more are left out" in capsys.readouterr().err


def test_notes_of_a_mac_are_no_faces(tmp_path: Path) -> None:
    """Beside the files, beside their folder, beside an archive: none is counted or in the way."""
    alone = load(write(tmp_path / "alone", FACES))
    notes = {f"._{name}": b"note" for name in FACES}
    within = load(write(tmp_path / "within" / "UTKFace", {**FACES, **notes}))
    write(tmp_path / "within" / "__MACOSX" / "UTKFace", notes)
    sent = pack(tmp_path / "sent" / "UTKFace.zip", FACES)
    write(sent, {"._UTKFace.zip": b"note"})
    for dataset in (within, load(tmp_path / "within"), load(sent)):
        assert dataset.fingerprint == alone.fingerprint
        assert dataset.drops.equals(alone.drops)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a/1_0_0_1.jpg": b"x", "b/1_0_0_2.jpg": b"x"}, r"more than one dataset \(.*/a, .*/b\)"),
        (
            {"aligned/u/x.jpg": b"x"},
            r"looked for fold_0_data\.txt to fold_4_data\.txt beside",
        ),
        ({"down/faces.zip": b"x"}, r"may be packed .*: name the archive, or its folder"),
        ({"x.zip": b"x", "a/1_0_0_1.jpg": b"x"}, r"x\.zip and .*/a lie there; name one"),
    ],
)
def test_what_is_not_plain_is_named(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    """With what can be done about it."""
    with pytest.raises(AdienceError, match=words):
        load(write(tmp_path / "some", files))


def test_unpacked_beside_its_archive_is_one_dataset(tmp_path: Path) -> None:
    """The folder is taken, and the archive not opened."""
    write(tmp_path / "some" / "UTKFace", FACES)
    write(tmp_path / "some", {"UTKFace.zip": b"not opened"})
    assert len(load(tmp_path / "some").faces) == len(FACES)


def quoted(line: bytes) -> bytes:
    """A line as a spreadsheet saves it: fields with a comma are quoted."""
    return b"\t".join(b'"%s"' % field if b"," in field else field for field in line.split(b"\t"))


SAVED: dict[str, Callable[[bytes], bytes]] = {
    "with a byte-order mark": lambda text: b"\xef\xbb\xbf" + text,
    "as UTF-16": lambda text: text.decode().encode("utf-16"),
    "with quoted labels": lambda text: b"\n".join(map(quoted, text.split(b"\n"))),
    "with commas": lambda text: b"\n".join(map(quoted, text.split(b"\n"))).replace(b"\t", b","),
    "with row numbers": lambda text: b"".join(
        b"%s\t%s" % (b"7" * (n > 0), line) for n, line in enumerate(text.splitlines(True))
    ),
    "with empty lines": lambda text: text.replace(b"\n", b"\n\n") + b"\t" * 11 + b"\n",
    "with other spaces": lambda text: text.replace(b", ", b",").replace(b"\tf\t", b"\t f\t"),
    "with capitals": lambda text: text.replace(b"\tf\t", b"\tF\t").replace(b"\tm\t", b"\tM\t"),
}


@pytest.mark.parametrize("how", SAVED)
def test_fold_file_saved_again_is_read(tiny_folder: Path, whole: Dataset, how: str) -> None:
    """By a spreadsheet, an editor or pandas: no face goes under a wrong reason."""
    file = adience.fold_file(tiny_folder, 2)
    file.write_bytes(SAVED[how](file.read_bytes()))
    dataset = load(tiny_folder)
    assert dataset.fingerprint == whole.fingerprint
    assert dataset.drops.equals(whole.drops)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("age", "", "none of its 16 rows has both labels \\(missing age 16\\)"),
        ("gender", "female", "\\(gender missing or unknown 16\\); fetch the file again"),
    ],
)
def test_fold_that_would_vanish_is_named(
    tmp_path: Path, column: str, value: str, words: str
) -> None:
    """With its file and why its rows would go."""
    rows = tiny_rows()
    rows[3] = [{**row, column: value} for row in rows[3]]
    with pytest.raises(AdienceError, match=rf"fold_3_data\.txt: .*{words}"):
        load(write_adience(tmp_path / "changed", rows))
