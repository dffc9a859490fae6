"""Bad input by the hundred: either the right result, or one line of the project's own error.

``make test`` tries the same examples each time, ``make soak`` twenty times as many, at random.
What this has found has a plain test of its own beside the code that it was found in.
"""

import csv
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import tiny_rows, write_adience
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from adience_lib import models
from adience_lib.data import Dataset, adience, cache, load
from adience_lib.data.images import read_face
from adience_lib.data.labels import AGE_LABELS, FOLDS, GENDER_LABELS, SIDE
from adience_lib.experiments import experiment, parameters
from adience_lib.models import pretrained
from adience_lib.protocol import PAPER
from adience_lib.runs import checkpoint
from adience_lib.runs.folder import (
    FORMAT,
    Training,
    write_json,
    write_once,
    write_sums,
    write_table,
)
from adience_lib.runs.read import read_runs
from adience_lib.training import State
from adience_lib.util.errors import AdienceError

pytestmark = pytest.mark.fuzz


def assert_one_line_about(error: AdienceError, *names: object) -> None:
    """The message is one line, not too long to read, and names one of ``names``."""
    message = str(error)
    assert "\n" not in message, message
    assert len(message) < 2000, message
    assert any(str(name) in message for name in names), message


# --- bytes -------------------------------------------------------------------------------------

Damage = Callable[[bytes], bytes]


def _flip(content: bytes, place: int, change: int) -> bytes:
    place %= max(1, len(content))
    return (
        content[:place]
        + bytes(byte ^ change for byte in content[place : place + 1])
        + (content[place + 1 :])
    )


places = st.integers(0, 1 << 20)

damages: st.SearchStrategy[Damage] = st.one_of(
    places.map(lambda place: lambda content: content[: place % (len(content) + 1)]),
    st.tuples(places, st.integers(1, 255)).map(lambda flip: lambda content: _flip(content, *flip)),
    st.tuples(places, st.binary(min_size=1, max_size=40)).map(
        lambda more: (
            lambda content: (
                content[: more[0] % (len(content) + 1)]
                + more[1]
                + content[more[0] % (len(content) + 1) :]
            )
        )
    ),
    st.tuples(places, st.integers(1, 2000)).map(
        lambda hole: (
            lambda content: (
                content[: hole[0] % (len(content) + 1)]
                + content[hole[0] % (len(content) + 1) + hole[1] :]
            )
        )
    ),
    st.binary(max_size=200).map(lambda other: lambda content: other),
)
"""Cut off, a byte changed, bytes put in, bytes taken out, and something else altogether."""


def damaged(content: bytes, done: list[Damage]) -> bytes:
    """``content`` after every damage of the list."""
    for damage in done:
        content = damage(content)
    return content


several = st.lists(damages, min_size=1, max_size=3)


# --- fold files --------------------------------------------------------------------------------

odd_values = st.one_of(
    st.sampled_from(
        ["", "None", "nan", "1e5", "-0", " 5", "5 ", "٣", "0x10", "(8, 13)", "F", "\x00"]
    ),
    st.sampled_from(
        ["..", "/etc/passwd", "a/b", "a\\b", "~", "\ufeff", "\r", "\x85", "\u2028", '"']
    ),
    st.text(max_size=10),
    st.integers(1, 100_000).map(lambda length: "9" * length),
    st.sampled_from([*AGE_LABELS, *GENDER_LABELS]),
)

Change = Callable[[str], str]


def _field(at: tuple[int, int, str]) -> Change:
    row, column, value = at

    def change(text: str) -> str:
        lines = [line.split("\t") for line in text.split("\n")]
        fields = lines[row % len(lines)]
        fields[column % len(fields)] = value
        return "\n".join("\t".join(line) for line in lines)

    return change


def _column(at: tuple[int, int]) -> Change:
    one, other = at

    def change(text: str) -> str:
        lines = [line.split("\t") for line in text.split("\n")]
        for fields in lines:
            if len(fields) == len(adience.COLUMNS):
                fields.insert(other % 12, fields.pop(one % 12))
        return "\n".join("\t".join(line) for line in lines)

    return change


changes: st.SearchStrategy[Change] = st.one_of(
    st.tuples(places, places, odd_values).map(_field),
    st.tuples(places, places).map(_column),
    st.sampled_from(["\r\n", "\r", "\n\n", "\t\n", "\n\r", "\x0b"]).map(
        lambda end: lambda text: text.replace("\n", end)
    ),
    places.map(lambda place: lambda text: text[: place % (len(text) + 1)]),
    places.map(
        lambda place: lambda text: text + (lines := text.split("\n"))[place % len(lines)] + "\n"
    ),
)
encodings = st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp037"])


@pytest.fixture(scope="module")
def faces_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset; the third fold file is written anew for each example."""
    return write_adience(tmp_path_factory.mktemp("fuzz") / "adience", tiny_rows())


@pytest.fixture(scope="module")
def whole_text(faces_folder: Path) -> str:
    """The third fold file as it should be."""
    return adience.fold_file(faces_folder, 2).read_text()


def _expected(root: Path, encoding: str) -> Counter[tuple[str, str, str, int]]:
    """The faces that pass the paper's filter, read another way: image, age, gender, fold."""
    found: Counter[tuple[str, str, str, int]] = Counter()
    for fold in range(FOLDS):
        text = adience.fold_file(root, fold).read_text(encoding=encoding if fold == 2 else "utf-8")
        rows = csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
        for row in [row for row in rows if any(row)][1:]:
            gender = row[4].strip().lower()
            age = f"({', '.join(_numbers(row[3]))})"
            if age in AGE_LABELS and gender in GENDER_LABELS:
                name = f"aligned/{row[0]}/landmark_aligned_face.{int(row[2])}.{row[1]}"
                found[name, age, gender, fold] += 1
    return found


def _numbers(text: str) -> list[str]:
    return "".join(sign if sign.isdigit() else " " for sign in text).split()


def _assert_read_right_or_refused(root: Path, encoding: str = "utf-8") -> None:
    try:
        dataset = load(root)
    except AdienceError as error:
        assert_one_line_about(error, root)
        return
    faces = dataset.faces
    labels = [faces["age"].map(AGE_LABELS.__getitem__), faces["gender"].map("fm".__getitem__)]
    found = Counter(zip(faces["path"], *labels, faces["fold"], strict=True))
    assert found == _expected(root, encoding)


@given(done=st.lists(changes, min_size=1, max_size=3), encoding=encodings)
def test_fold_file_with_other_fields_columns_lines_and_encodings(
    faces_folder: Path, whole_text: str, done: list[Change], encoding: str
) -> None:
    """The faces that the file names, or one line that names the file."""
    text = whole_text
    for change in done:
        text = change(text)
    adience.fold_file(faces_folder, 2).write_bytes(text.encode(encoding, errors="replace"))
    marked = encoding if encoding in ("utf-8-sig", "utf-16") else "utf-8"
    _assert_read_right_or_refused(faces_folder, marked)


@given(done=several)
def test_fold_file_with_damaged_bytes(
    faces_folder: Path, whole_text: str, done: list[Damage]
) -> None:
    """The same, where the damage knows nothing of fields."""
    adience.fold_file(faces_folder, 2).write_bytes(damaged(whole_text.encode(), done))
    _assert_read_right_or_refused(faces_folder)


@pytest.fixture(scope="module")
def table_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten images; their table is written anew for each example."""
    root = tmp_path_factory.mktemp("table")
    for number in range(10):
        Image.new("RGB", (20, 20), (number, 0, 0)).save(root / f"{number}.png")
    return root


@given(done=several, encoding=encodings)
def test_table_of_own_faces_with_damaged_bytes(
    table_folder: Path, done: list[Damage], encoding: str
) -> None:
    """Faces with labels and folds that there are, or one line that names the file."""
    rows = [f'{number}.png,f,"(25, 32)",{number % 4},{number % 4},x' for number in range(10)]
    text = "\n".join(["path,gender,age,subject,fold,race", *rows])
    file = table_folder / "faces.csv"
    file.write_bytes(damaged(text.encode(encoding), done))
    try:
        dataset = load(table_folder)
    except AdienceError as error:
        assert_one_line_about(error, table_folder)
        return
    every = dataset.labelled()
    assert set(every["path"]) <= {f"{number}.png" for number in range(10)}
    assert every["fold"].between(0, 4).all()
    assert (every["age"].between(0, 7) | every["gender"].between(0, 1)).all()


utkface_names = st.one_of(
    st.from_regex(r"[0-9]{0,4}_[0-2]?_[0-5]_[0-9]{1,17}\.jpg(\.chip\.jpg)?", fullmatch=True),
    st.text(
        st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60
    ).map(lambda name: f"{name}.jpg"),
)


@given(names=st.lists(utkface_names, max_size=12, unique_by=str.lower))
def test_utkface_names_of_every_kind(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    """Every file is kept or counted under a reason."""
    root = tmp_path_factory.mktemp("utkface")
    for number, name in enumerate(["26_1_2_2017.jpg.chip.jpg", *names]):
        try:
            Image.new("RGB", (20, 20), (number, 0, 0)).save(root / name, "JPEG")
        except OSError:  # longer than the file system takes
            continue
    try:
        dataset = load(root)
    except AdienceError as error:
        assert "no face with a label is left" in str(error)
        return
    assert dataset.drops.set_index("reason")["rows"]["all rows"] == len(list(root.iterdir()))
    assert dataset.faces["age"].between(0, 7).all()
    assert dataset.faces["gender"].between(0, 1).all()


# --- images ------------------------------------------------------------------------------------


def _encoded(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    small = np.random.default_rng(2).integers(0, 256, (5, 6, 3), "uint8")
    picture = Image.fromarray(small).resize((40, 36), Image.Resampling.BICUBIC).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


PICTURES = {
    "jpeg": _encoded("JPEG"),
    "progressive": _encoded("JPEG", progressive=True, subsampling=2),
    "cmyk": _encoded("JPEG", "CMYK"),
    "grey": _encoded("JPEG", "L", quality=30),
    "png": _encoded("PNG"),
    "palette": _encoded("PNG", "P"),
    "alpha": _encoded("PNG", "RGBA"),
    "gif": _encoded("GIF"),
    "bmp": _encoded("BMP"),
    "webp": _encoded("WEBP"),
    "tiff": _encoded("TIFF"),
}


def _read(tmp_path: Path, content: bytes) -> np.ndarray | None:
    """The face, or None for one line that names the file."""
    file = tmp_path / "face.jpg"
    file.write_bytes(content)
    try:
        face = read_face(file)
    except AdienceError as error:
        assert_one_line_about(error, file)
        return None
    assert face.shape == (SIDE, SIDE, 3)
    assert face.dtype == np.uint8
    return face


@given(kind=st.sampled_from(list(PICTURES)), done=several)
def test_image_with_damaged_bytes(tmp_path: Path, kind: str, done: list[Damage]) -> None:
    """A face of the right shape, or one line that names the file."""
    _read(tmp_path, damaged(PICTURES[kind], done))


@pytest.mark.parametrize("kind", ["jpeg", "progressive", "png"])
def test_image_cut_off_at_every_length(tmp_path: Path, kind: str) -> None:
    """An error; or the whole picture, where only the end's mark is gone."""
    content = PICTURES[kind]
    picture = _read(tmp_path, content)
    assert picture is not None
    for length in range(len(content)):
        face = _read(tmp_path, content[:length])
        if face is not None:
            np.testing.assert_array_equal(face, picture)


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


LONG_TEXT = zlib.compress(bytes(70 << 20))
"""70 MB of zeros in some 70 KB."""


@given(width=st.integers(0, 1 << 32), height=st.integers(0, 1 << 32), long_text=st.booleans())
def test_image_bombs(tmp_path: Path, width: int, height: int, long_text: bool) -> None:
    """Any size in the header over few bytes; a text that unpacks to many megabytes."""
    size = (width % (1 << 32)).to_bytes(4, "big") + (height % (1 << 32)).to_bytes(4, "big")
    content = PICTURES["png"]
    head = content[:8] + _png_chunk(b"IHDR", size + bytes([8, 2, 0, 0, 0]))
    bomb = _png_chunk(b"zTXt", b"comment\0\0" + (LONG_TEXT if long_text else b"x"))
    _read(tmp_path, head + bomb + content[33:])


# --- parameters --------------------------------------------------------------------------------

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-2, 200),
    st.integers(10**300, 10**400),
    st.floats(),
    st.floats(0, 1),
    st.text(max_size=30),
    st.sampled_from(
        ["demo", "paper", "held_out", "[0, 1]", "[", "(" * 3000, "[0," * 200, "9" * 5000]
    ),
    st.sampled_from(
        ["\0", "a\0b", "x" * 5000, "/dev/null", "/proc/self/mem", "~nobody/x", "\ud800"]
    ),
    st.lists(
        st.one_of(st.integers(-1, 6), st.floats(), st.booleans(), st.text(max_size=3)), max_size=6
    ),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.binary(max_size=5),
)
names = st.one_of(st.sampled_from(parameters.PARAMETERS), st.text(max_size=12))


@given(given_values=st.dictionaries(names, values, max_size=5))
def test_parameters_of_every_kind(
    given_values: dict[str, Any], faces_folder: Path, whole_text: str
) -> None:
    """An experiment that says what was asked, or one line that names a parameter or a file."""
    adience.fold_file(faces_folder, 2).write_text(whole_text)
    asked = {"data": str(faces_folder), **given_values}
    declared = dict.fromkeys(parameters.PARAMETERS)
    try:
        begun = experiment.start({"__annotations__": declared, **declared, **asked})
    except AdienceError as error:
        assert_one_line_about(error, *parameters.PARAMETERS, faces_folder)
        return
    taken = parameters.settled(asked)
    for name in {"epochs", "batch_size", "gamma", "seed", "monitor"} & set(asked):
        if asked[name] is not None:
            assert getattr(begun.protocol, name) == taken[name]
    assert set(begun.extra_folds) <= set(begun.folds) <= set(range(5))


# --- run folders, states, networks, caches -----------------------------------------------------


def _finished_run(folder: Path, accuracy: float = 0.5) -> dict[str, bytes]:
    """The files of a finished run of two faces, by name."""
    folder.mkdir()
    specification = {"format": FORMAT, "model": "gender", "fold": 0, "fingerprint": "f"}
    write_json(folder / "protocol.json", {**specification, "version": 2, "protocol": asdict(PAPER)})
    machine = {"processor": "p", "cores": 2, "accelerator": "none"}
    counts = {"epochs": 2, "best_epoch": 1, "seconds": 3.0, "peak_memory": None}
    sizes = {"parameters": {"total": 5}, "faces": {"train": 8}, "machines": [machine]}
    write_json(folder / "run.json", {**counts, **sizes})
    history = {"epoch": [1, 2], "gender_accuracy": accuracy, "seconds": [1.0, 2.0]}
    write_table(pd.DataFrame(history), folder / "history.csv")
    faces = {"face": ["a", "b"], "subject": ["s", "t"], "gender": [0, 1], "age": [2, 3]}
    write_table(
        pd.DataFrame({**faces, "gender f": accuracy, "gender m": 1 - accuracy}),
        folder / "predictions.csv",
    )
    write_sums(folder)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


RUN_FILES = ("protocol.json", "run.json", "history.csv", "predictions.csv", "SHA256SUMS")

mutations = st.one_of(
    st.tuples(st.just("damage"), several),
    st.tuples(st.just("missing"), st.none()),
    st.tuples(st.just("of another run"), st.none()),
    st.tuples(st.just("a folder"), st.none()),
    st.tuples(
        st.just("another value"),
        st.tuples(
            st.sampled_from(["format", "protocol", "epochs", "best_epoch", "machines", "new"]),
            st.one_of(st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers())),
        ),
    ),
)


@given(name=st.sampled_from(RUN_FILES), mutation=mutations, summed=st.booleans())
def test_run_folder_that_is_not_as_it_was_left(
    tmp_path_factory: pytest.TempPathFactory, name: str, mutation: tuple[str, Any], summed: bool
) -> None:
    """The same tables, or one line that names the folder; also where the sums were made anew."""
    root = tmp_path_factory.mktemp("runs")
    _finished_run(root / "fold_0")
    others = _finished_run(root / "other", accuracy=0.25)
    before = read_runs([root / "fold_0"])
    file = root / "fold_0" / name
    kind, how = mutation
    content = file.read_bytes()
    file.unlink()
    if kind == "damage":
        file.write_bytes(damaged(content, how))
    elif kind == "of another run":
        file.write_bytes(others[name])
    elif kind == "a folder":
        file.mkdir()
    elif kind == "another value":
        record = json.loads(content) if name.endswith(".json") else {}
        file.write_text(json.dumps({**record, how[0]: how[1]}))
    # Who makes the sums anew means the change: numbers are then theirs, but never a traceback.
    renewed = summed and name.endswith(".json") and kind != "of another run" and file.is_file()
    if renewed:
        write_sums(root / "fold_0")
    try:
        after = read_runs([root / "fold_0"])
    except AdienceError as error:
        assert_one_line_about(error, root / "fold_0")
        return
    if not renewed:
        pd.testing.assert_frame_equal(after.predictions, before.predictions)
        pd.testing.assert_frame_equal(after.records, before.records)
        pd.testing.assert_frame_equal(after.history, before.history)


@given(done=several, begun=st.booleans())
def test_record_of_a_run_that_is_damaged(
    tiny: Dataset, tmp_path_factory: pytest.TempPathFactory, done: list[Damage], begun: bool
) -> None:
    """A finished or an unfinished run whose record is not readable is not taken for this one."""
    training = Training(tiny, "gender", PAPER, 0, tmp_path_factory.mktemp("runs"))
    folder, specification = training.folder, training.specification
    made = folder.with_name("fold_0.unfinished") if begun else folder
    made.mkdir(parents=True)
    text = damaged(json.dumps(specification).encode(), done)
    (made / "protocol.json").write_bytes(text)
    try:
        write_once(training, lambda result: {})
    except AdienceError as error:
        assert_one_line_about(error, made)
        return
    assert json.loads(text) == specification


def _small_network() -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((6, 6, 1))
    features = keras.layers.Dropout(0.5)(keras.layers.Flatten()(image))
    network = keras.Model(image, keras.layers.Dense(2)(features))
    network.compile("adam", "mse")
    network.optimizer.build(network.trainable_variables)
    return network


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A few weights, a random state and an optimizer."""
    return _small_network()


def _state(network: keras.Model) -> State:
    kinds = (network.variables, network.optimizer.variables)
    model, optimizer = ([np.array(one.value) for one in kind] for kind in kinds)
    return State([{"epoch": 1, "val_loss": 0.5}], model, optimizer, model)


@given(done=several)
def test_state_with_damaged_bytes(
    network: keras.Model, tmp_path_factory: pytest.TempPathFactory, done: list[Damage]
) -> None:
    """All of the state, or one line that names the file."""
    folder = tmp_path_factory.mktemp("states")
    specification, machines, written = {"fold": 0}, [{"processor": "p"}], _state(network)
    checkpoint.save(folder, written, specification, machines, best_epoch=1)
    file = folder / "epoch_1.npz"
    file.write_bytes(damaged(file.read_bytes(), done))
    try:
        found = checkpoint.load(folder, specification, network, len)
    except AdienceError as error:
        assert_one_line_about(error, file)
        return
    assert found is not None
    assert (found[0].history, found[1]) == (written.history, machines)
    for kind in ("network", "optimizer", "best"):
        for ours, theirs in zip(getattr(found[0], kind), getattr(written, kind), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@settings(max_examples=20)  # each builds Xception, which takes most of a second
@given(done=several)
def test_weights_file_with_damaged_bytes(
    tmp_path_factory: pytest.TempPathFactory, done: list[Damage]
) -> None:
    """Refused by name: none of these is a file of Xception's weights."""
    file = tmp_path_factory.mktemp("weights") / "some.weights.h5"
    small = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    small.save_weights(file)
    file.write_bytes(damaged(file.read_bytes(), done))
    with pytest.raises(
        AdienceError, match=r"some\.weights\.h5: not the weights of Xception"
    ) as error:
        pretrained.digest(file)
    assert_one_line_about(error.value, file)


@given(done=several)
def test_network_with_damaged_bytes(
    network: keras.Model, tmp_path_factory: pytest.TempPathFactory, done: list[Damage]
) -> None:
    """The same network, or one line that names the file."""
    file = tmp_path_factory.mktemp("network") / "best.keras"
    network.save(file)
    file.write_bytes(damaged(file.read_bytes(), done))
    try:
        found = models.load(file)
    except AdienceError as error:
        assert_one_line_about(error, file)
        return
    for one, other in zip(found.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def cached(tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, bytes]:
    """The file of the decoded images, in a cache that holds no other, and its content."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ADIENCE_CACHE", str(folder))
    cache.images(tiny)
    (file,) = folder.glob("adience-*.npy")
    return file, file.read_bytes()


@given(done=several)
def test_image_cache_of_another_size(
    tiny: Dataset, cached: tuple[Path, bytes], done: list[Damage]
) -> None:
    """The right number of images, or one line that names the file."""
    file, content = cached
    cut = damaged(content[:128], done)
    file.write_bytes(cut + content[128:] if len(cut) >= 128 else cut)
    try:
        images = cache.images(tiny)
        assert images.shape == (len(tiny.faces), SIDE, SIDE, 3)
        assert images.dtype == np.uint8
    except AdienceError as error:
        assert_one_line_about(error, file)
    finally:
        file.write_bytes(content)
