"""Anybody's own faces, in a table: what is read, what is refused, and how folds are drawn."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import QUICK
from PIL import Image

from adience_lib.__main__ import main
from adience_lib.data import Dataset, cache, load
from adience_lib.data.labels import AGE_LABELS, FOLDS, GENDER_LABELS, MISSING
from adience_lib.data.table import draw_folds
from adience_lib.data.utkface import NAME
from adience_lib.runs.folder import Training, read_json
from adience_lib.runs.train_fold import train_fold
from adience_lib.util.errors import AdienceError

HEADER = "path,gender,age"


def write(root: Path, *lines: str, images: int = 10) -> Path:
    """A folder with images 0.png, 1.png, ..., each of its own grey, and this table."""
    root.mkdir(exist_ok=True)
    for number in range(images):
        Image.new("RGB", (12, 12), (number, 0, 0)).save(root / f"{number}.png")
    (root / "faces.csv").write_text("".join(f"{line}\n" for line in lines))
    return root


def rows(*labels: str) -> list[str]:
    """A line an image."""
    return [f"{number}.png,{labels[number % len(labels)]}" for number in range(10)]


def test_table_becomes_the_manifest(tmp_path: Path) -> None:
    """Years or a label, genders of any case, race and subject as given, in the table's order."""
    header = f"{HEADER},subject,fold,race,own"
    lines = [
        f"./{number}.png,{'Fm'[number % 2]},{age},s{number},{number % 5},{race},x"
        for number, (age, race) in enumerate(
            [('"(25, 32)"', "a b"), ("30", ""), ("30.9", "c"), ("0", "c"), ("100", "c")]
        )
    ]
    dataset = load(write(tmp_path, header, *lines))
    assert dataset.name == "table"
    assert list(dataset.faces) == ["path", "subject", "gender", "age", "race", "fold"]
    assert list(dataset.faces["path"]) == [f"{number}.png" for number in range(5)]
    assert [AGE_LABELS[age] for age in dataset.faces["age"]] == ["(25, 32)"] * 3 + [
        "(0, 2)",
        "(60, 100)",
    ]
    assert [GENDER_LABELS[gender] for gender in dataset.faces["gender"]] == list("fmfmf")
    assert list(dataset.faces["race"]) == ["a b", "not given", "c", "c", "c"]
    assert list(dataset.faces["fold"]) == [0, 1, 2, 3, 4]


def test_rows_that_go_are_counted(tmp_path: Path) -> None:
    """As of UTKFace: no label, ages in none, equal files; and those of one label apart."""
    lines = [*rows("f,30", "m,1"), "2.png,f,31", "3.png,f,1", "4.png,f,", "5.png,,", "6.png,f,22"]
    extra = ["10.png,f,22", "11.png,f,", "12.png,,61"]
    dataset = load(write(tmp_path, HEADER, *lines, *extra, images=13))
    counted = dataset.drops.set_index("reason")["rows"].to_dict()
    assert {reason: count for reason, count in counted.items() if count} == {
        "missing age": 1,
        "identical files disagree": 6,
        "age in none of the labels": 1,
        "exact repeat": 1,
        "gender only": 1,
        "age only": 1,
        "kept": 7,
        "all rows": 18,
    }


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([HEADER], "no row below the header"),
        (["path,sex,age", "0.png,f,3"], "line 1: no column gender; needed: path, gender, age"),
        ([f"{HEADER},age", "0.png,f,3,3"], "line 1: two columns age"),
        ([f"{HEADER},subjet", "0.png,f,3,x"], "line 1: column 'subjet'; call it subject"),
        ([HEADER, "0.png,f,25, 32"], "line 2: 4 fields instead of 3; quote"),
        ([HEADER, "../0.png,f,3"], "line 2, column path: '../0.png'"),
        ([HEADER, "/0.png,f,3"], "line 2, column path: '/0.png'"),
        ([HEADER, ",f,3"], "line 2, column path: ''"),
        ([HEADER, "", "0.png,female,3"], "line 3, column gender: 'female'; allowed: f, m or empty"),
        ([HEADER, "0.png,f,-3"], "line 2, column age: '-3'; allowed: years, one of (0, 2)"),
        ([HEADER, "0.png,f,nan"], "line 2, column age: 'nan'"),
        ([HEADER, '0.png,f,"3'], "line 2: no fields of a table"),
        ([f"{HEADER},fold", "0.png,f,3,5"], "line 2, column fold: '5'; allowed: 0 to 4"),
        ([f"{HEADER},fold", "0.png,f,3,1", "1.png,f,3,"], "line 3, column fold: empty"),
        (
            [f"{HEADER},fold,subject", "0.png,f,1,1,s", "1.png,f,1,2,s"],
            "1 subjects are in more than one fold, so that test faces would be known",
        ),
        ([HEADER, "0.png,f,1", "1.png,f,1"], "2 subjects are too few for 5 folds"),
        ([HEADER, *rows("f,1"), "99.png,f,1"], "1 images named in faces.csv are missing"),
    ],
)
def test_bad_table_is_named_with_its_line_and_column(
    tmp_path: Path, lines: list[str], words: str
) -> None:
    """Each fault is one line of the user's own terms."""
    with pytest.raises(AdienceError) as error:
        load(write(tmp_path / "own", *lines))
    assert words in str(error.value)
    assert "own" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_table_saved_by_a_spreadsheet_is_read(tmp_path: Path, encoding: str) -> None:
    """With a byte-order mark, semicolons, commas in numbers, and folders as on Windows."""
    folder = write(tmp_path / "own", HEADER, *rows("f,30", "m,1"))
    before = load(folder).fingerprint
    lines = ["Path;Gender;Age", *(line.replace(",", ";") + ",0" for line in rows("f,30", "m,1"))]
    (folder / "faces.csv").write_text("\r\n".join([*lines, ";;"]), encoding=encoding)
    assert load(folder).fingerprint == before
    (tmp_path / "above").mkdir()
    folder.rename(tmp_path / "above" / "in")
    lines = [HEADER, *(f"in\\{line}" for line in rows("f,30", "m,1"))]
    (tmp_path / "above" / "faces.csv").write_text("\n".join(lines))
    assert load(tmp_path / "above").faces["path"][0] == "in/0.png"


def test_photo_on_its_side_is_turned(tmp_path: Path) -> None:
    """Own faces may come from a telephone, and are predicted upright later."""
    folder = write(tmp_path / "own", HEADER, *rows("f,30"))
    half = Image.new("RGB", (40, 40), "black")
    half.paste("white", (0, 0, 20, 40))
    half.save(folder / "0.png", exif=_exif(6))  # its left side is what people see on top
    face = cache.images(load(folder))[0]
    assert face[:100].min() > 200
    assert face[-100:].max() < 50


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


@pytest.mark.parametrize("faces_of_a_subject", [1, 3, 40])
def test_drawn_folds_are_near_to_equal(faces_of_a_subject: int) -> None:
    """In each pair of age and gender, by whole subjects, the same for the same seed."""
    random = np.random.default_rng(0)
    subjects = np.repeat(np.arange(1200 // faces_of_a_subject), faces_of_a_subject)
    genders, ages = random.integers(0, 2, len(subjects)), random.integers(MISSING, 8, len(subjects))
    faces = pd.DataFrame({"subject": subjects, "gender": genders, "age": ages})
    fold = draw_folds(faces, seed=1)
    assert (pd.Series(fold).groupby(subjects).nunique() == 1).all()
    cells = pd.crosstab(fold, [ages, genders])
    assert (cells.max() - cells.min()).max() <= {1: 1, 3: 2, 40: 40}[faces_of_a_subject]
    assert np.ptp(np.bincount(fold, minlength=FOLDS)) <= 2 * faces_of_a_subject
    np.testing.assert_array_equal(fold, draw_folds(faces, seed=1))
    assert (fold != draw_folds(faces, seed=2)).any()


def test_folds_follow_the_seed_and_change_the_fingerprint(tmp_path: Path) -> None:
    """Two draws are two datasets."""
    folder = write(tmp_path, HEADER, *rows("f,30", "m,1"))
    assert load(folder, seed=1).fingerprint == load(folder, seed=1).fingerprint
    assert load(folder, seed=1).fingerprint != load(folder, seed=2).fingerprint


def as_table(dataset: Dataset, folder: Path) -> Path:
    """The faces of a dataset as somebody's own table, with the same folds and subjects."""
    lines = ["path,gender,age,subject,fold"]
    for face in dataset.faces.itertuples():
        source = dataset.source.root / str(face.path)
        (folder / str(face.path)).parent.mkdir(parents=True, exist_ok=True)
        (folder / str(face.path)).write_bytes(source.read_bytes())
        age, gender = AGE_LABELS[int(str(face.age))], GENDER_LABELS[int(str(face.gender))]
        lines.append(f'{face.path},{gender},"{age}",{face.subject},{face.fold}')
    (folder / "faces.csv").write_text("\n".join(lines))
    return folder


def test_same_faces_and_folds_are_trained_and_tested_alike(tiny: Dataset, tmp_path: Path) -> None:
    """The same rows in the same order and the same pixels, whatever they come from."""
    own = load(as_table(tiny, tmp_path / "own"))
    pd.testing.assert_frame_equal(own.faces, tiny.faces)
    np.testing.assert_array_equal(cache.images(own), cache.images(tiny))


def with_single_labels(tiny: Dataset, folder: Path) -> Dataset:
    """A table of ``tiny`` in which two faces have no age and one has no gender."""
    as_table(tiny, folder)
    table = pd.read_csv(folder / "faces.csv", dtype=str)
    table.loc[[0, 20], "age"] = ""
    table.loc[[1], "gender"] = ""
    table.to_csv(folder / "faces.csv", index=False)
    return load(folder)


def test_faces_with_one_label_come_last(tiny: Dataset, tmp_path: Path) -> None:
    """Each network's faces are told by its tasks, and the images follow."""
    dataset = with_single_labels(tiny, tmp_path / "own")
    assert (len(dataset.faces), len(dataset.single)) == (77, 3)
    tasks = [(), ("gender",), ("age",), ("gender", "age")]
    assert [len(dataset.labelled(some)) for some in tasks] == [80, 79, 78, 77]
    assert list(dataset.labelled().index) == list(range(80))
    places = {path: place for place, path in enumerate(tiny.faces["path"])}
    order = [places[path] for path in dataset.labelled()["path"]]
    np.testing.assert_array_equal(cache.images(dataset), cache.images(tiny)[order])


@pytest.mark.usefixtures("small_networks")
def test_network_leaves_out_and_counts_faces_without_its_labels(
    tiny: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Those of two tasks need both."""
    epoch = {"epoch": 1, "val_loss": 1.0, "seconds": 1.0, "peak_memory": 1}
    monkeypatch.setattr("adience_lib.runs.train_fold.train", lambda *_, **__: [epoch])
    dataset = with_single_labels(tiny, tmp_path / "own")
    images = cache.images(dataset)
    place = train_fold(Training(dataset, "multitask", QUICK, 0, tmp_path / "runs"), images)
    faces = read_json(place / "run.json")["faces"]
    assert (faces["train"], faces["test"], faces["left_out"]) == (63, 14, 3)
    assert "multitask, fold 0: 3 faces without a label" in capsys.readouterr().err
    place = train_fold(Training(dataset, "gender", QUICK, 0, tmp_path / "runs"), images)
    tested = pd.read_csv(place / "predictions.csv")
    assert (len(tested), (tested["age"] == MISSING).sum()) == (15, 1)


def test_table_in_an_archive_is_the_folder(tmp_path: Path) -> None:
    """Packed as a whole."""
    from test_archives import pack

    folder = write(tmp_path / "own", HEADER, *rows("f,30", "m,1"))
    members = {f"own/{file.name}": file.read_bytes() for file in folder.iterdir()}
    sent = pack(tmp_path / "sent" / "own.zip", members)
    assert load(sent).fingerprint == load(folder).fingerprint


def test_names_of_another_dataset_do_not_matter(tmp_path: Path) -> None:
    """A table beside files of UTKFace is read, and not their names."""
    folder = write(tmp_path / "own", HEADER, *rows("f,30", "m,1"))
    name = "1_0_0_1.jpg"
    assert NAME.fullmatch(name)
    (folder / name).write_bytes(b"")
    assert load(folder).name == "table"


def _check(monkeypatch: pytest.MonkeyPatch, folder: Path) -> int:
    monkeypatch.setattr("sys.argv", ["adience_lib", "check", str(folder)])
    return main()


def test_check_says_what_would_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts, reasons, faces a network, columns that are not read, and a row a fold."""
    lines = [f"{line},x" for line in rows("f,30", "m,1", "f,")]
    folder = write(tmp_path / "own", f"{HEADER},own", *lines)
    assert _check(monkeypatch, folder) == 0
    said = capsys.readouterr().out
    for words in (
        "10 rows or files; of both labels: 7 faces of 7 subjects",
        "3 not: gender only",
        "networks for gender: 10 faces",
        "networks for both: 7 faces",
        "columns that are not read: own",
    ):
        assert words in said
    assert said.splitlines()[-1].split()[:3] == ["4", "2", "2"]


def test_check_names_what_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each broken image, and a table that is wrong, in a line; with a status that is not 0."""
    folder = write(tmp_path / "own", HEADER, *rows("f,30"))
    (folder / "3.png").write_bytes(b"no image")
    assert _check(monkeypatch, folder) == 1
    assert "error: " in (said := capsys.readouterr().err)
    assert "3.png: not a JPEG or PNG image" in said
    (folder / "faces.csv").write_text("path\n")
    assert _check(monkeypatch, folder) == 1
    assert "faces.csv, line 1: no column gender" in capsys.readouterr().err
