"""UTKFace: labels out of names, duplicates, and folds."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from conftest import SHARED, needs_shared

from adience_lib.data import load
from adience_lib.data.images import Folder
from adience_lib.data.labels import AGE_LABELS
from adience_lib.data.utkface import RACES, read_faces
from adience_lib.util.errors import AdienceError


def write(root: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    root.mkdir()
    for name, content in files.items():
        (root / name).write_bytes(content)
    return root


def read(root: Path) -> tuple[pd.DataFrame, Counter[str]]:
    """The faces of a folder, and how many files went for which reason."""
    folder = Folder(root)
    return read_faces(folder.names(), folder.digest)


def test_each_file_counts_once_under_its_reason(tmp_path: Path) -> None:
    """Disagreeing copies go, agreeing ones stay once, and everything adds up."""
    root = write(
        tmp_path / "faces",
        {
            "26_1_0_20170101000000001.jpg.chip.jpg": b"woman",
            "27_1_3_20170101000000002.jpg.chip.jpg": b"woman",
            "26_0_0_20170101000000003.jpg.chip.jpg": b"two genders",
            "26_1_0_20170101000000004.jpg.chip.jpg": b"two genders",
            "26_0_0_20170101000000005.jpg.chip.jpg": b"two ages",
            "22_0_0_20170101000000006.jpg.chip.jpg": b"two ages",
            "22_0_0_20170101000000007.jpg.chip.jpg": b"between",
            "61_1_20170109142408075.jpg.chip.jpg": b"malformed",
            "61_0_2_20170109142408076.jpg.chip.jpg": b"man",
            "notes.txt": b"no image",
        },
    )
    faces, dropped = read(root)
    assert dropped == {
        "malformed name": 1,
        "identical files disagree": 4,
        "age in none of the labels": 1,
        "exact repeat": 1,
    }
    assert list(faces["path"]) == [
        "26_1_0_20170101000000001.jpg.chip.jpg",
        "61_0_2_20170109142408076.jpg.chip.jpg",
    ]
    assert list(faces["gender"]) == [0, 1]  # in UTKFace 0 is male; here the labels are f, m
    assert [AGE_LABELS[age] for age in faces["age"]] == ["(25, 32)", "(60, 100)"]


@needs_shared("utkface")
def test_real_folder_adds_up_and_is_stratified() -> None:
    """23,708 files, 16,262 faces, and folds whose cells differ by one face at most."""
    dataset = load(SHARED / "utkface")
    rows = dataset.drops.set_index("reason")["rows"]
    assert rows["all rows"] == rows.iloc[:-1].sum() == 23708
    reasons = ("age in none of the labels", "malformed name", "identical files disagree")
    assert [rows[reason] for reason in (*reasons, "exact repeat")] == [6969, 5, 299, 173]
    assert len(dataset.faces) == rows["kept"] == 16262
    assert dataset.faces["subject"].is_unique
    assert set(dataset.faces["race"]) == set(RACES)
    faces = dataset.faces
    cells = pd.crosstab(faces["fold"], [faces["age"], faces["gender"]])
    assert (cells.max() - cells.min()).max() <= 1


@needs_shared("utkface")
def test_folds_do_not_depend_on_file_names(tmp_path: Path) -> None:
    """The fold of a face follows from its bytes and labels alone."""
    names = sorted(path.name for path in (SHARED / "utkface").iterdir())[:300]
    folds = []
    for number in (1, 2):
        root = tmp_path / str(number)
        root.mkdir()
        for place, name in enumerate(names):
            labels = name.rsplit("_", 1)[0]
            new = f"{labels}_{number}{place}.jpg.chip.jpg" if labels.count("_") == 2 else name
            (root / new).symlink_to(SHARED / "utkface" / name)
        faces, _ = read(root)
        folds.append(faces.set_index("subject")["fold"].sort_index())
    pd.testing.assert_series_equal(*folds)


@pytest.mark.parametrize(("years", "label"), [(0, "(0, 2)"), (100, "(60, 100)"), (20, "(15, 20)")])
def test_ends_of_a_label_belong_to_it(tmp_path: Path, years: int, label: str) -> None:
    """Both ends of an age label are inside."""
    faces, _ = read(write(tmp_path / "faces", {f"{years}_0_0_1.jpg.chip.jpg": b"face"}))
    assert AGE_LABELS[faces["age"][0]] == label


def test_what_is_named_like_a_face_and_is_none_is_named(tmp_path: Path) -> None:
    """A folder, and a link to something that never ends."""
    (tmp_path / "26_1_2_2017.jpg.chip.jpg").mkdir()
    with pytest.raises(AdienceError, match=r"26_1_2_2017\.jpg\.chip\.jpg: cannot be read"):
        load(tmp_path)
    (tmp_path / "27_1_2_2017.jpg.chip.jpg").symlink_to("/dev/zero")
    with pytest.raises(AdienceError, match=r"1 images are links that lead out of the dataset"):
        load(tmp_path)
