"""Reading Adience: the published numbers, and what is wrong with a fold file."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import SHARED, needs_shared, tiny_rows, write_adience

from adience_lib.data import adience, load
from adience_lib.data.labels import AGE_LABELS
from adience_lib.report.discrepancies import PUBLISHED
from adience_lib.util.errors import AdienceError

# Counted in the five published fold files, rows with both labels.
FOLD_SIZES = [3879, 3005, 3121, 2866, 3387]
FEMALE = [682, 1234, 1194, 919, 2589, 1056, 433, 427]
MALE = [745, 928, 931, 734, 2308, 1244, 392, 442]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published fold files beside an empty folder of images."""
    root = tmp_path_factory.mktemp("published")
    (root / "aligned").mkdir()
    for file in (SHARED / "adience_folds").iterdir():
        (root / file.name).symlink_to(file)
    return root


@needs_shared("adience_folds")
def test_published_rows_are_read_with_their_own_columns(published: Path) -> None:
    """19,487 rows, the files' columns and the fold; a missing age stays the text None."""
    rows = adience.read_folds(published)
    assert list(rows.columns) == [*adience.COLUMNS, "fold"]
    assert len(rows) == 19_487
    assert (rows["age"] == "None").sum() == 753
    assert rows["gender"].value_counts().to_dict() == {"f": 9411, "m": 8192, "u": 1100, "": 784}


@needs_shared("adience_folds")
def test_filter_gives_the_published_counts(published: Path) -> None:
    """Every fold and every class has exactly as many faces as counted from the files."""
    faces, dropped = adience.read_faces(published, "aligned")
    assert faces["fold"].value_counts().sort_index().to_list() == FOLD_SIZES
    counts = pd.crosstab(faces["age"], faces["gender"])
    assert counts[0].to_list() == FEMALE
    assert counts[1].to_list() == MALE
    assert len(faces) + dropped.total() == 19_487
    assert faces["subject"].nunique() == 161


@needs_shared("adience_folds")
def test_exact_repeats_are_dropped_by_choice(published: Path) -> None:
    """102 rows repeat another one in every column."""
    faces, dropped = adience.read_faces(published, "aligned", drop_repeats=True)
    assert (len(faces), dropped["exact repeat"]) == (16_156, 102)


@needs_shared("adience_folds")
def test_reference_counts_are_those_of_the_files(published: Path) -> None:
    """The counts that the ledger quotes where Adience is absent come from the published files."""
    rows = adience.read_folds(published)
    age, gender = rows["age"].isin(AGE_LABELS), rows["gender"].isin(["f", "m"])
    both = rows[age & gender]
    assert {
        "rows with both labels": len(both),
        "distinct rows": len(both.drop_duplicates()),
        "female share": round((both["gender"] == "f").mean(), 4),
        "rows with a gender label": gender.sum(),
        "rows with an age label": age.sum(),
    } == PUBLISHED


@needs_shared("adience_folds")
def test_missing_images_are_an_error_that_counts_and_names_them(published: Path) -> None:
    """Fold files without images: how many are missing, the first five, and the way on."""
    with pytest.raises(AdienceError, match=r"16258 images .* the first: (aligned/\S+, ){4}\S+\. ."):
        load(published)
    with pytest.raises(AdienceError, match="allow_missing"):
        load(published)


def test_text_is_kept_as_it_is(tmp_path: Path) -> None:
    """Neither None nor an empty field is turned into a missing value by the reader."""
    rows = tiny_rows()
    rows[0][0]["age"], rows[0][1]["age"], rows[0][2]["gender"] = "None", "", ""
    folds = adience.read_folds(write_adience(tmp_path, rows))
    assert folds["age"].to_list()[:2] == ["None", ""]
    assert folds["gender"][2] == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "expected the header user_id"),
        (lambda text: text.split("\n")[0], "no row below the header"),
        (lambda text: text.split("\n", 1)[1], "line 1: expected the header user_id"),
        (lambda text: text[: text.rindex("\t")], "line 17: 11 fields instead of 12"),
        (lambda text: text.replace("\t2\t", "\ttwo\t", 1), "line 2: face_id is 'two'"),
        (lambda text: text.replace("0.png", "../0.png", 1), "line 2: original_image is '../0.png'"),
        (lambda text: text.replace("user2f", "..", 1), "line 2: user_id is '..'"),
        (lambda text: text.replace("0.png", "0" * 9999, 1), "original_image is '0000000000...0"),
        (
            lambda text: text.replace("\t0\t", "\t" + "9" * 400 + "\t", 1),
            "line 2: x is '9999999999",
        ),
    ],
)
def test_bad_fold_file_is_named_with_its_line(
    tiny_folder: Path, change: object, message: str
) -> None:
    """Each fault is one line that names the file, and the line in it."""
    file = adience.fold_file(tiny_folder, 2)
    file.write_text(change(file.read_text()))  # type: ignore[operator]
    with pytest.raises(AdienceError, match=r"fold_2_data\.txt") as error:
        load(tiny_folder)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_file_that_is_no_text_is_named(tiny_folder: Path) -> None:
    """Bytes that are not UTF-8 are an error and not a guess."""
    adience.fold_file(tiny_folder, 1).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AdienceError, match=r"fold_1_data.txt: cannot be read as text in UTF-8"):
        load(tiny_folder)


def test_missing_fold_file_is_named(tiny_folder: Path) -> None:
    """A fold file that is not there is named."""
    adience.fold_file(tiny_folder, 3).unlink()
    with pytest.raises(AdienceError, match=r"fold_3_data.txt: cannot be read .*No such file"):
        load(tiny_folder)


def test_line_ends_of_other_systems_are_read(tiny_folder: Path) -> None:
    """Carriage returns are no part of the last column."""
    before = adience.read_folds(tiny_folder)
    file = adience.fold_file(tiny_folder, 0)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(adience.read_folds(tiny_folder), before)


def test_user_in_two_folds_is_an_error(tmp_path: Path) -> None:
    """A subject on both sides of a split is found before anything is trained."""
    rows = tiny_rows()
    rows[1][0]["user_id"] = "user0f"
    with pytest.raises(AdienceError, match=r"1 subjects are in more than one fold.*user0f"):
        adience.read_folds(write_adience(tmp_path, rows))
