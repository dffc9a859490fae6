"""Loading a dataset: its kind, what is dropped, and what is missing."""

from pathlib import Path

import numpy as np
import pytest
from conftest import tiny_rows, write_adience

from adience_lib.data import demo, load
from adience_lib.data.labels import AGE_LABELS
from adience_lib.util.errors import AdienceError


def test_no_such_folder(tmp_path: Path) -> None:
    """A folder that is not there is named."""
    with pytest.raises(AdienceError, match="nowhere: no such folder"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "~nobody_of_this_name/x", "\n"])
def test_text_that_no_folder_can_be_named_is_no_folder(name: str) -> None:
    """Longer than a path, with a null in it, of an unknown user: one short line."""
    with pytest.raises(AdienceError, match=r"no such (file or )?folder|too long") as error:
        load(name)
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


def test_folder_of_another_kind_says_what_was_looked_for(tmp_path: Path) -> None:
    """The message tells what each kind of dataset looks like."""
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(AdienceError, match=r"looked for fold_0_data.txt .*aligned/.*UTKFace"):
        load(tmp_path)


def test_fold_files_without_images_say_where_images_belong(tiny_folder: Path) -> None:
    """Fold files alone are not a dataset to train on."""
    (tiny_folder / "aligned").rename(tiny_folder / "pictures")
    with pytest.raises(AdienceError, match="expected the folder aligned/ or faces/"):
        load(tiny_folder)


def test_manifest_has_one_row_a_face(tiny_folder: Path) -> None:
    """Path, subject, encoded labels and fold, in the order of the files."""
    dataset = load(tiny_folder)
    assert dataset.name == "adience"
    assert list(dataset.faces) == ["path", "subject", "gender", "age", "fold"]
    first = dataset.faces.iloc[1]
    assert first["path"] == "aligned/user0m/landmark_aligned_face.0.0.png"
    assert (first["subject"], first["gender"], first["age"], first["fold"]) == ("user0m", 1, 0, 0)


def test_unaligned_images_are_found(tiny_folder: Path) -> None:
    """The unaligned set has another folder and other file names."""
    for file in (tiny_folder / "aligned").rglob("*.png"):
        name = file.name.replace("landmark_aligned_face", "coarse_tilt_aligned_face")
        file.rename(file.with_name(name))
    (tiny_folder / "aligned").rename(tiny_folder / "faces")
    dataset = load(tiny_folder)
    assert dataset.name == "adience-unaligned"
    assert len(dataset.faces) == 80


def test_missing_and_unreadable_images_are_counted_when_allowed(tiny_folder: Path) -> None:
    """By default an error; with allow_missing a row of the table each."""
    images = sorted((tiny_folder / "aligned").rglob("*.png"))
    images[0].unlink()
    images[1].write_bytes(images[1].read_bytes()[:-40])
    with pytest.raises(AdienceError, match=r"1 images .* missing"):
        load(tiny_folder)
    dataset = load(tiny_folder, allow_missing=True)
    rows = dataset.drops.set_index("reason")["rows"]
    assert (rows["missing image"], rows["unreadable image"], rows["kept"]) == (1, 1, 78)
    assert dataset.faces.index.equals(load(tiny_folder, allow_missing=True).faces.index)
    assert list(dataset.faces.index) == list(range(78))


def test_drops_add_up_for_every_kind_of_row(tmp_path: Path) -> None:
    """A row counts under the first reason that applies."""
    rows = tiny_rows()
    rows[0] += [
        {**rows[0][0], "age": "None", "gender": "u"},
        {**rows[0][0], "age": ""},
        {**rows[0][0], "age": "(8, 13)"},
        {**rows[0][0], "age": "35", "gender": ""},
        {**rows[0][0], "gender": "u"},
        {**rows[0][0], "gender": ""},
        rows[0][0],
    ]
    dataset = load(write_adience(tmp_path / "adience", rows), drop_repeats=True)
    counted = dataset.drops.set_index("reason")["rows"].to_dict()
    assert counted.pop("kept") == 80
    assert counted.pop("all rows") == 87
    assert {reason: rows for reason, rows in counted.items() if rows} == {
        "missing age": 2,
        "other age label": 2,
        "gender missing or unknown": 2,
        "exact repeat": 1,
    }


def test_fingerprint_follows_labels_and_images(tiny_folder: Path) -> None:
    """Another label or another image is another dataset; another place is not."""
    before = load(tiny_folder).fingerprint
    moved = tiny_folder.rename(tiny_folder.with_name("elsewhere"))
    assert load(moved).fingerprint == before
    file = moved / "fold_0_data.txt"
    file.write_text(file.read_text().replace(f"{AGE_LABELS[0]}\tf", f"{AGE_LABELS[1]}\tf"))
    relabelled = load(moved).fingerprint
    image = next((moved / "aligned").rglob("*.png"))
    image.write_bytes(image.read_bytes() + b"\0")
    assert len({before, relabelled, load(moved).fingerprint}) == 3


def test_demo_goes_through_the_same_loader_and_drops_every_kind() -> None:
    """The demo is balanced, marked as a demo, and its table has no empty reason of Adience."""
    dataset = load("demo", drop_repeats=True)
    assert dataset.is_demo
    assert len(dataset.faces) == 5 * 16 * demo.FACES_PER_CELL
    assert np.ptp(dataset.faces.groupby(["fold", "age", "gender"]).size()) == 0
    rows = dataset.drops.set_index("reason")["rows"]
    for reason in (
        "missing age",
        "other age label",
        "gender missing or unknown",
        "exact repeat",
        "missing image",
        "unreadable image",
    ):
        assert rows[reason] > 0, reason


def test_images_that_lead_out_of_the_dataset_are_refused(tiny_folder: Path, tmp_path: Path) -> None:
    """A linked file or user's folder; the folder of all images is its owner's to link."""
    images = sorted((tiny_folder / "aligned").rglob("*.png"))
    elsewhere = tmp_path / "elsewhere"
    (tiny_folder / "aligned").rename(elsewhere)
    (tiny_folder / "aligned").symlink_to(elsewhere)
    assert len(load(tiny_folder).faces) == 80
    target = images[0].rename(tmp_path / "private.png")
    images[0].symlink_to(target)
    with pytest.raises(AdienceError, match=r"1 images are links that lead out.*aligned/user0f/"):
        load(tiny_folder)
    images[0].unlink()
    target.rename(images[0])
    folder = images[0].parent.rename(tmp_path / "user")
    images[0].parent.symlink_to(folder)
    with pytest.raises(AdienceError, match=r"8 images are links that lead out of the dataset"):
        load(tiny_folder)
