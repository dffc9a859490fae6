"""The demo set: the same bytes everywhere, as many faces as promised, and every kind of bad row."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from adience_lib.data import demo, load
from adience_lib.data.labels import AGE_LABELS, FOLDS, GENDER_LABELS
from adience_lib.util.errors import AdienceError

# Of all files of version FOLDER_VERSION. Change it together with that version, and only then.
DIGEST = "9a0cb9210919e4d1e24988dc1ee169b9b55d24eb57c08d2011e46d99c7d46641"

DROPPED = {"missing age": 4, "other age": 4, "unknown gender": 4}
DROPPED |= {"missing image": 1, "broken image": 1}
"""How many rows of each kind a loader has to drop."""

Row = dict[str, str]


def digest(root: Path) -> str:
    """Return the SHA-256 over the names and contents of all files, in sorted order."""
    total = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        total.update(path.relative_to(root).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a freshly drawn demo set."""
    folder = tmp_path_factory.mktemp("demo") / "set"
    demo.draw(folder)
    return folder


@pytest.fixture(scope="module")
def folds(root: Path) -> list[list[Row]]:
    """Return the rows of the five fold files."""
    return [read_rows(root / f"fold_{fold}_data.txt") for fold in range(FOLDS)]


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a fold file, each under the names of its header."""
    header, *lines = path.read_bytes().decode().removesuffix("\n").split("\n")
    names = header.split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


def picture(root: Path, row: Row) -> Path:
    """Return the path of the picture of a row, as Adience lays it out."""
    name = f"landmark_aligned_face.{row['face_id']}.{row['original_image']}"
    return root / "aligned" / row["user_id"] / name


def fault(root: Path, row: Row) -> str:
    """Return the kind of a row that has to be dropped, or nothing."""
    if row["age"] in ("", "None"):
        return "missing age"
    if row["age"] not in AGE_LABELS:
        return "other age"
    if row["gender"] not in GENDER_LABELS:
        return "unknown gender"
    if not picture(root, row).exists():
        return "missing image"
    try:
        with Image.open(picture(root, row)) as image:
            image.load()
    except OSError:
        return "broken image"
    return ""


def good_rows(root: Path, rows: list[Row]) -> list[Row]:
    """Return the rows that stay, each once."""
    once = {tuple(row.values()): row for row in rows}
    return [row for row in once.values() if not fault(root, row)]


def test_two_drawings_have_the_committed_bytes(root: Path, tmp_path: Path) -> None:
    """Drawing twice gives the same bytes, and those of the committed digest."""
    demo.draw(tmp_path)
    assert digest(tmp_path) == digest(root)
    assert digest(root) == DIGEST


def test_header_is_that_of_adience(root: Path) -> None:
    """The fold files start with the twelve columns of Adience."""
    expected = (
        "user_id\toriginal_image\tface_id\tage\tgender\tx\ty\tdx\tdy\ttilt_ang"
        "\tfiducial_yaw_angle\tfiducial_score"
    )
    for fold in range(5):
        first = (root / f"fold_{fold}_data.txt").read_bytes().split(b"\n")[0]
        assert first.decode() == expected


def test_every_cell_of_every_fold_has_its_faces(root: Path, folds: list[list[Row]]) -> None:
    """Each fold has FACES_PER_CELL good faces of every age label and gender."""
    for rows in folds:
        cells = Counter((row["age"], row["gender"]) for row in good_rows(root, rows))
        assert len(cells) == 16
        assert set(cells.values()) == {demo.FACES_PER_CELL}


def test_users_and_faces_stand_in_one_fold(folds: list[list[Row]]) -> None:
    """No user and no face is in two folds, and no two pictures share a face."""
    for column in ("user_id", "face_id"):
        values = [{row[column] for row in rows} for rows in folds]
        assert sum(map(len, values)) == len(set().union(*values))
    pictures = {(row["face_id"], row["original_image"]) for rows in folds for row in rows}
    assert len(pictures) == len({face for face, _ in pictures})


def test_bad_rows_are_as_many_as_documented(root: Path, folds: list[list[Row]]) -> None:
    """Every kind of row that a loader drops occurs as often as DROPPED says."""
    faults = Counter(fault(root, row) for rows in folds for row in rows)
    del faults[""]
    assert dict(faults) == DROPPED


def test_missing_labels_have_both_spellings(folds: list[list[Row]]) -> None:
    """Missing ages are written None and blank, unknown genders u and blank."""
    rows = [row for rows in folds for row in rows]
    assert {"None", "", "35", "(27, 32)"} <= {row["age"] for row in rows}
    assert {row["gender"] for row in rows} == {"f", "m", "u", ""}


def test_repeated_rows_are_as_many_as_documented(folds: list[list[Row]]) -> None:
    """Exactly the folds of REPEATED_IN_FOLDS have a row twice, and that row is a good one."""
    for fold, rows in enumerate(folds):
        counts = Counter(tuple(row.values()) for row in rows)
        repeated = [row for row, count in counts.items() if count > 1]
        assert len(repeated) == (fold in demo.REPEATED_IN_FOLDS)
        assert all(row[3] in AGE_LABELS and row[4] in GENDER_LABELS for row in repeated)


def test_truncated_picture_cannot_be_decoded(root: Path, folds: list[list[Row]]) -> None:
    """The picture that is cut short exists, opens as a JPEG, and fails when it is decoded."""
    rows = [row for rows in folds for row in rows]
    broken = [picture(root, row) for row in rows if fault(root, row) == "broken image"]
    assert len(broken) == 1
    with Image.open(broken[0]) as image, pytest.raises(OSError, match="truncated"):
        image.load()


def test_nothing_but_fold_files_and_pictures_is_written(root: Path, folds: list[list[Row]]) -> None:
    """The folder holds the five fold files, the pictures that they name, and nothing else."""
    files = {path for path in root.rglob("*") if path.is_file()}
    named = {picture(root, row) for rows in folds for row in rows}
    absent = {path for path in named if not path.exists()}
    assert len(absent) == DROPPED["missing image"]
    assert files == (named - absent) | {root / f"fold_{fold}_data.txt" for fold in range(5)}
    assert max(Image.open(path).size for path in named - absent) == (320, 320)


def test_damaged_demo_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drawing that somebody has deleted is not one of those that are missing on purpose."""
    monkeypatch.setenv("ADIENCE_CACHE", str(tmp_path))
    dataset = load("demo")
    (dataset.root / dataset.faces["path"][7]).unlink()
    with pytest.raises(AdienceError, match="the demo set is damaged; delete the folder"):
        load("demo")
