"""Predictions for photographs: the network's own answer, calibrated, and honest about bad input."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from simulated import made_up

from adience_lib import models
from adience_lib.__main__ import main
from adience_lib.data import Dataset
from adience_lib.data.images import read_face
from adience_lib.data.labels import LABELS
from adience_lib.deploy import predict
from adience_lib.evidence import calibration
from adience_lib.experiments import experiment
from adience_lib.runs.folder import read_json, write_json, write_sums
from adience_lib.util.errors import AdienceError

BRIGHTNESS, SIDE = (0.2, 0.8), (40, 816)
"""Of the faces that the network "was trained on"."""


@pytest.fixture(scope="module")
def model(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``best.keras`` of a run whose network was never trained."""
    runs_dir = str(tmp_path_factory.mktemp("runs"))
    folder = made_up(experiment.of(tiny, {"runs_dir": runs_dir}), "multitask", 0)
    models.build("multitask").save(folder / "best.keras")
    inputs = {"brightness": BRIGHTNESS, "side": SIDE}
    write_json(folder / "run.json", {**read_json(folder / "run.json"), "inputs": inputs})
    write_sums(folder)
    return folder / "best.keras"


@pytest.fixture(scope="module")
def predictor(model: Path) -> predict.Predictor:
    """That of the network."""
    return predict.load(model)


def photo(file: Path, *, side: int = 60, grey: int = 128) -> Path:
    """A picture of noise around a grey."""
    pixels = np.random.default_rng(side + grey).integers(-20, 21, (side, side, 3)) + grey
    Image.fromarray(pixels.clip(0, 255).astype("uint8")).save(file)
    return file


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: Path) -> Run:
    """The command ``predict`` with these words: status, what it prints, what it says on stderr."""

    def command(*words: object, standard_input: bytes = b"") -> tuple[int, str, str]:
        given = ["adience_lib", "predict", *map(str, words), "--model", str(model)]
        monkeypatch.setattr("sys.argv", given)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(standard_input)))
        status = main()
        return status, *capsys.readouterr()

    return command


def test_probabilities_are_the_networks_with_its_temperature(
    predictor: predict.Predictor, model: Path, tmp_path: Path
) -> None:
    """For more photos than a batch has; uncalibrated, they are those of the network as written."""
    files = [photo(tmp_path / f"{k}.png", grey=100 + k) for k in range(predict.BATCH + 3)]
    answers = predictor.predict(files)
    assert [answer.name for answer in answers] == [str(file) for file in files]
    written = models.load(model).predict(np.stack([read_face(f) for f in files]), verbose=0)
    for task, labels in LABELS.items():
        ours = [[answer.probabilities[task][label] for label in labels] for answer in answers]
        raw = written[task] if task == "age" else np.hstack([1 - written[task], written[task]])
        expected = calibration.calibrated(raw, predictor.temperatures[task])
        np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_photos_unlike_the_training_faces_are_doubted(
    predictor: predict.Predictor, tmp_path: Path
) -> None:
    """Brightness and size, each on both sides; a usual one is not."""
    files = {
        "darker": photo(tmp_path / "a.png", grey=30),
        "brighter": photo(tmp_path / "b.png", grey=230),
        "smaller": photo(tmp_path / "c.png", side=30),
        "larger": photo(tmp_path / "d.png", side=900),
        "": photo(tmp_path / "e.png"),
    }
    for words, answer in zip(files, predictor.predict(files.values()), strict=True):
        doubts = answer.doubts or ()
        assert [doubt.split(" than ")[0] for doubt in doubts] == ([words] if words else [])


def test_bad_photo_is_named_and_the_others_are_done(run: Run, tmp_path: Path) -> None:
    """One line on stderr each, and a status that is not 0."""
    good = photo(tmp_path / "good.png")
    text = tmp_path / "text.png"
    text.write_text("no image")
    status, printed, said = run(text, tmp_path / "nowhere.jpg", good)
    assert status == 1
    assert [line.split()[0] for line in printed.splitlines()] == [str(good)]
    errors = [line for line in said.splitlines() if line.startswith("error")]
    assert len(errors) == 2
    assert "text.png: not a JPEG or PNG" in errors[0]
    assert "nowhere.jpg: no such image" in errors[1]


def test_folder_and_standard_input_are_photos_too(run: Run, tmp_path: Path) -> None:
    """Every image in a folder in order; "-" is one photo."""
    for name in ("b.png", "a.png"):
        photo(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not asked for")
    status, printed, _ = run("-", tmp_path, standard_input=(tmp_path / "a.png").read_bytes())
    lines = printed.splitlines()
    assert status == 0
    assert lines[0].startswith("photo 1 ")
    assert [Path(line.split()[0]).name for line in lines[1:]] == ["a.png", "b.png"]
    assert lines[0].removeprefix("photo 1") == lines[1].split("a.png")[1]


def test_folder_without_photos_is_an_error(run: Run, tmp_path: Path) -> None:
    """Nothing asked for is skipped in silence."""
    status, printed, said = run(tmp_path)
    assert (status, printed) == (1, "")
    assert f"error: {tmp_path}: holds no JPEG or PNG image" in said


def test_content_decides_what_is_a_photo(run: Run, tmp_path: Path) -> None:
    """Whatever a JPEG is called; what is none is said, and a Mac's notes are nothing."""
    content = io.BytesIO()
    Image.new("RGB", (60, 60), "grey").save(content, "JPEG")
    for name in ("a.jfif", "b.jpe", "c", "d.JPG"):
        (tmp_path / name).write_bytes(content.getvalue())
    for name in ("._a.jpg", "e.heic"):
        (tmp_path / name).write_bytes(b"something else")
    (tmp_path / "folder.jpg").mkdir()
    status, printed, said = run(tmp_path)
    assert status == 0
    names = [Path(line.split()[0]).name for line in printed.splitlines()]
    assert names == ["a.jfif", "b.jpe", "c", "d.JPG"]
    assert f"note: {tmp_path}: 1 files are no JPEG or PNG, the first: e.heic" in said


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photo_on_its_side_is_turned(
    predictor: predict.Predictor, tmp_path: Path, orientation: int
) -> None:
    """As its tag says, in all eight ways that a camera can be held; people see the same photo."""
    upright = Image.open(photo(tmp_path / "upright.png"))
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = upright.transpose(stored[orientation]) if orientation > 1 else upright
    turned.save(tmp_path / "turned.png", exif=exif)
    one, other = predictor.predict([tmp_path / "upright.png", tmp_path / "turned.png"])
    for label, probability in one.probabilities["age"].items():
        assert other.probabilities["age"][label] == pytest.approx(probability, abs=1e-5)


ODD_NAMES = ("b\udce9ta.png", "two\nlines.png", "é.png")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_a_terminal_cannot_show_are_escaped(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Bytes that are no UTF-8, a line's end, a letter that the encoding lacks: a line each."""
    for name in ODD_NAMES:
        photo(tmp_path / name)
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding=encoding))
    status, _, said = run(*(tmp_path / name for name in (*ODD_NAMES, "not\nthere.png")))
    assert status == 1
    names = [Path(line.split()[0]).name for line in written.getvalue().decode().splitlines()]
    assert names == [
        "b\\udce9ta.png",
        "two\\nlines.png",
        "é.png" if encoding == "utf-8" else "\\xe9.png",
    ]
    assert "not\\nthere.png: no such image" in said


class _Broken(io.TextIOWrapper):
    """A stream whose other end is gone, or whose disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__(io.BytesIO())
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def test_reader_that_wants_no_more_ends_in_silence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As ``head -1`` does; the status is the shell's own for it."""
    monkeypatch.setattr("sys.stdout", _Broken(BrokenPipeError(32, "Broken pipe")))
    with pytest.raises(SystemExit) as end:
        run(photo(tmp_path / "a.png"))
    assert end.value.code == 141
    assert [line for line in capsys.readouterr().err.splitlines() if "note" not in line] == []


@pytest.mark.parametrize(
    ("stdout", "words"),
    [
        (lambda: _Broken(OSError(28, "No space left on device")), "No space left on device"),
        (lambda: None, "standard output is closed"),
    ],
)
def test_output_that_cannot_be_written_is_one_line(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stdout: Callable[[], object],
    words: str,
) -> None:
    """A full disk, and a stream that was closed before."""
    monkeypatch.setattr("sys.stdout", stdout())
    status, _, said = run(photo(tmp_path / "a.png"))
    assert status == 1
    assert [line for line in said.splitlines() if "note" not in line] == [
        f"error: standard output: cannot be written to ({words})"
        if "left" in words
        else f"error: {words}"
    ]


def test_closed_standard_input_concerns_only_who_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    """The other photos are done; a folder given as standard input is an error, too."""
    file = photo(tmp_path / "a.png")
    unreadable = _Unreadable()
    for stdin, words in (
        (None, "photo 1: is empty"),
        (unreadable, "cannot be read ([Errno 21] Is a directory)"),
    ):
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr(
            "sys.argv", ["adience_lib", "predict", "-", str(file), "--model", str(model)]
        )
        assert main() == 1
        printed, said = capsys.readouterr()
        assert len(printed.splitlines()) == 1
        assert words in said


class _Unreadable:
    """What ``sys.stdin`` is where a folder was given."""

    @property
    def buffer(self) -> "_Unreadable":
        return self

    def read(self) -> bytes:
        raise IsADirectoryError(21, "Is a directory")


def test_name_that_is_too_long_is_a_photo_that_is_not_there(run: Run, tmp_path: Path) -> None:
    """And the others are done."""
    status, printed, said = run("x" * 5000, photo(tmp_path / "a.png"))
    assert (status, len(printed.splitlines())) == (1, 1)
    assert "File name too long" in said


def test_no_temporary_folder_is_said(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of advice to delete the run."""

    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none)
    with pytest.raises(AdienceError, match="no temporary folder can be written to"):
        predict.load(model)


def test_nothing_on_standard_input_is_an_error(run: Run) -> None:
    """As from a command before it that failed."""
    status, printed, said = run("-")
    assert (status, printed) == (1, "")
    assert "error: photo 1: is empty" in said


def test_photos_are_paths_bytes_or_open_files(predictor: predict.Predictor, tmp_path: Path) -> None:
    """All of the same photo, with one answer; anything else is named, and the others are done."""
    file = photo(tmp_path / "a.png")
    with file.open("rb") as opened:
        answers = predictor.predict([file, str(file), file.read_bytes(), opened, np.zeros(3)])  # type: ignore[list-item]
    assert [answer.name for answer in answers] == [
        *[str(file)] * 2,
        "photo 3",
        str(file),
        "photo 5",
    ]
    assert all(answer.probabilities == answers[0].probabilities for answer in answers[:4])
    assert (
        answers[4].error == "photo 5: is a ndarray; give a path, bytes, or a file opened as binary"
    )
    with pytest.raises(AdienceError, match=r"give a list: predict\(\[photo\]\)"):
        predictor.predict(str(file))  # a text is a list of texts, too


def test_run_folder_stands_for_its_network(model: Path, predictor: predict.Predictor) -> None:
    """Named as a path or as a text."""
    assert predict.load(str(model.parent)).temperatures == predictor.temperatures


def test_json_is_an_object_a_line(run: Run, tmp_path: Path) -> None:
    """Labels, all probabilities and doubts; or the error."""
    status, printed, _ = run("--json", photo(tmp_path / "a.png", grey=30), tmp_path / "b.png")
    good, bad = map(json.loads, printed.splitlines())
    assert status == 1
    assert set(good) == {"file", "gender", "age", "probabilities", "doubts"}
    women = good["probabilities"]["gender"]["f"]
    assert good["gender"] == ("f" if women >= 0.5 else "m")
    for task, labels in LABELS.items():
        assert list(good["probabilities"][task]) == list(labels)
        assert sum(good["probabilities"][task].values()) == pytest.approx(1)
    assert good["doubts"][0].startswith("darker than the training faces")
    assert set(bad) == {"file", "error"}


def test_network_without_its_run_says_what_it_lacks(model: Path, tmp_path: Path) -> None:
    """It still answers."""
    alone = tmp_path / "alone.keras"
    alone.write_bytes(model.read_bytes())
    predictor = predict.load(alone)
    assert len(predict.notes(predictor)) == 3
    (answer,) = predictor.predict([photo(tmp_path / "a.png", grey=1)])
    assert answer.doubts is None
    assert answer.as_json()["doubts"] is None
    assert set(answer.probabilities) == {"gender", "age"}


@pytest.mark.parametrize(
    ("name", "words"), [("no.keras", "no such network"), ("x.h5", "only networks in Keras")]
)
def test_network_that_is_not_there_is_named(tmp_path: Path, name: str, words: str) -> None:
    """Before any photo is looked at."""
    with pytest.raises(AdienceError, match=words):
        predict.load(tmp_path / name)


@pytest.mark.parametrize("sureness", [0.3, 1.0, 3.0])
def test_temperature_undoes_what_made_a_network_too_sure(sureness: float) -> None:
    """Answers drawn with the probabilities themselves are calibrated; powers of them are not."""
    random = np.random.default_rng(1)
    honest = random.dirichlet(np.ones(4), 20_000)
    truth = (honest.cumsum(axis=1) > random.random((len(honest), 1))).argmax(axis=1)
    given = calibration.calibrated(honest, 1 / sureness)
    found = calibration.temperature(given, truth)
    assert found == pytest.approx(sureness, rel=0.05)
    np.testing.assert_array_equal(
        calibration.calibrated(given, found).argmax(axis=1), given.argmax(axis=1)
    )
