"""The architectures: the paper's counts and sizes, what learns, and what is saved."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from adience_lib import models
from adience_lib.evidence import paper
from adience_lib.models import baselines
from adience_lib.models.networks import CROP
from adience_lib.models.summary import architecture_table, parameter_counts, training_multiply_adds
from adience_lib.report import tables
from adience_lib.util.errors import AdienceError

PUBLISHED_TOTALS = {
    "gender": 7_192_065,
    "age": 7_192_968,
    "multitask": 14_287_625,
    "transfer": 46_586_033,
    "levi_hassner_gender": 11_411_970,
    "levi_hassner_age": 11_415_048,
    "full_width_gender": 115_023_873,
}


@pytest.fixture(scope="module")
def networks() -> dict[str, keras.Model]:
    """Every network, built once."""
    return {name: models.build(name) for name in models.NAMES}


@pytest.mark.parametrize("name", models.NAMES)
def test_weights_are_as_many_as_published(networks: dict[str, keras.Model], name: str) -> None:
    """The total of each network; nothing but Xception's part is frozen."""
    counts = parameter_counts(networks[name])
    assert counts["total"] == PUBLISHED_TOTALS[name]
    assert counts["frozen"] == (15_365_160 if name == "transfer" else 0)


@pytest.mark.parametrize("name", models.NAMES)
def test_outputs_are_probabilities_of_the_tasks(
    networks: dict[str, keras.Model], name: str
) -> None:
    """From 256x256x3 bytes to float32 probabilities of the labels."""
    images = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), "uint8")
    outputs = networks[name](images)
    assert tuple(outputs) == models.tasks(name)
    for task, values in outputs.items():
        width = {"age": 8, "gender": 2 if name.startswith("levi") else 1}[task]
        assert values.shape == (2, width)
        assert values.dtype == "float32"
        if width > 1:
            np.testing.assert_allclose(np.sum(values, axis=1), 1, rtol=1e-5)


def test_table_1_is_the_papers() -> None:
    """All 23 rows: operation, output size and parameters."""
    table = tables.table_1()
    assert len(table) == len(paper.TABLE_1) == 23
    assert table["match"].all()


def test_table_2_is_the_papers() -> None:
    """Trainable, frozen and total of all five rows."""
    assert tables.table_2()["match"].all()


def test_arithmetic_of_the_baselines() -> None:
    """Levi & Hassner's network needs fewer multiply-adds than the reduced one."""
    counts = tables.baseline().set_index("model")["million multiply-adds"]
    assert counts.to_dict() == {
        "gender": 749,
        "full_width_gender": 9918,
        "levi_hassner_gender": 709,
        "levi_hassner_age": 709,
    }


def test_training_step_goes_back_through_what_is_trained_only(
    networks: dict[str, keras.Model],
) -> None:
    """Three times the forward pass, but for what is frozen: 295 of 4,609 million are trained."""
    layers = {name: architecture_table(networks[name]) for name in ("multitask", "transfer")}
    million = {name: training_multiply_adds(table) / 1e6 for name, table in layers.items()}
    assert million["multitask"] == pytest.approx(3 * 756.203144)
    assert million["transfer"] == pytest.approx(4608.830688 + 2 * 294.592128)


def test_levi_hassner_feature_maps(networks: dict[str, keras.Model]) -> None:
    """56, 28, 28, 14, 14, 7: Caffe's sizes with ceil-mode pooling."""
    table = architecture_table(networks["levi_hassner_age"]).set_index("layer")["output"]
    sizes = [table[f"{kind}_{n}"].split(" ")[0] for n in (1, 2, 3) for kind in _CONVOLVED_POOLED]
    assert sizes == ["56", "28", "28", "14", "14", "7"]


_CONVOLVED_POOLED = ("convolution", "pooling")


@pytest.mark.parametrize("side", [56, 28, 14])
def test_same_pooling_is_caffes_ceil_mode(side: int) -> None:
    """Windows start at 0, 2, 4...; the last one is cut off at the border."""
    x = np.random.default_rng(0).normal(size=(1, side, side, 2)).astype("float32")
    half = side // 2
    expected = np.empty((1, half, half, 2), "float32")
    for i in range(half):
        for j in range(half):
            expected[:, i, j] = x[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max(axis=(1, 2))
    np.testing.assert_array_equal(keras.layers.MaxPooling2D(3, 2, "same")(x), expected)


def test_unknown_model_says_which_there_are() -> None:
    """The message lists the names."""
    with pytest.raises(AdienceError, match="unknown model 'resnet'; choose one of gender, age"):
        models.build("resnet")


def test_transfer_trains_the_last_ten_layers_and_nothing_before() -> None:
    """After a step, frozen weights and statistics are as before; the three last batch
    normalisations have learned and moved."""
    keras.utils.set_random_seed(0)
    network = models.build("transfer")
    network.compile("adam", {"gender": "binary_crossentropy", "age": _AGE_LOSS}, jit_compile=False)
    xception = network.get_layer("functional_layer")
    before = {layer.name: layer.get_weights() for layer in xception.layers}
    images = np.random.default_rng(0).integers(0, 256, (4, 256, 256, 3), "uint8")
    labels = {"gender": np.array([[0.0], [1], [0], [1]]), "age": np.arange(4)[:, None]}
    network.train_on_batch(images, labels)
    changed = [layer.name for layer in xception.layers if _differs(layer, before[layer.name])]
    trained = [layer.name for layer in xception.layers[-10:] if layer.weights]
    assert changed == trained
    assert sum("normalization" in name or name.endswith("_bn") for name in changed) == 3


_AGE_LOSS = "sparse_categorical_crossentropy"


def _differs(layer: keras.layers.Layer, before: list[np.ndarray]) -> bool:
    """Every weight of the layer has moved (and it has weights)."""
    after = layer.get_weights()
    return bool(after) and all((a != b).any() for a, b in zip(after, before, strict=True))


def test_saved_network_opens_in_a_fresh_process(tmp_path: Path) -> None:
    """With safe mode on and nothing but the package imported, it takes a byte image."""
    keras.utils.set_random_seed(0)
    network = models.build("multitask")
    network.save(tmp_path / "best.keras")
    images = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), "uint8")
    np.save(tmp_path / "images.npy", images)
    program = (
        "import sys, keras, numpy as np, adience_lib;"
        "model = keras.saving.load_model(sys.argv[1] + '/best.keras', safe_mode=True);"
        "images = np.load(sys.argv[1] + '/images.npy');"
        "np.save(sys.argv[1] + '/ages.npy', model(images)['age'])"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "ages.npy"), network(images)["age"])


def test_ten_crops_are_the_centre_and_the_corners_and_their_mirrors() -> None:
    """The mean of the network's own answers to ten images, each of which shows one crop."""
    keras.utils.set_random_seed(1)
    network = models.build("levi_hassner_age")
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (256, 256, 3), "uint8")
    last, margin = 256 - CROP, (256 - CROP) // 2
    answers = []
    for top, left in ((margin, margin), (0, 0), (0, last), (last, 0), (last, last)):
        window = image[top : top + CROP, left : left + CROP]
        for shown in (window, window[:, ::-1]):
            framed = np.zeros((1, 256, 256, 3), "uint8")
            framed[0, margin : margin + CROP, margin : margin + CROP] = shown
            answers.append(network.predict(framed, verbose=0)["age"])
    ten = baselines.ten_crops(network).predict(image[None], verbose=0)["age"]
    np.testing.assert_allclose(ten, np.mean(answers, axis=0), rtol=1e-4)


def test_file_that_is_no_network_is_named(tmp_path: Path) -> None:
    """A run folder without its network, or with a broken one."""
    (tmp_path / "best.keras").write_bytes(b"PK")
    with pytest.raises(AdienceError, match=r"best\.keras: no network that can be loaded"):
        models.load(tmp_path / "best.keras")
    with pytest.raises(AdienceError, match=r"missing\.keras: no such network"):
        models.load(tmp_path / "missing.keras")


def test_network_that_brings_code_is_refused(tmp_path: Path) -> None:
    """A Lambda layer holds a program, which would run when the file is opened."""
    marker = tmp_path / "ran"
    image = keras.Input((2,))
    program = f"(lambda x: __import__('pathlib').Path({str(marker)!r}).touch() or x)"
    keras.Model(image, keras.layers.Lambda(eval(program))(image)).save(tmp_path / "best.keras")
    marker.unlink()  # the layer has run while the network was made
    with pytest.raises(AdienceError, match="no network that can be loaded"):
        models.load(tmp_path / "best.keras")
    assert not marker.exists()
    keras.saving.load_model(tmp_path / "best.keras", safe_mode=False)
    assert marker.exists()  # it would have run


def test_network_that_names_a_function_of_the_system_is_refused(tmp_path: Path) -> None:
    """A file whose description asks for something else than layers."""
    file = tmp_path / "best.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(file)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    marker = tmp_path / "ran"
    call = {"module": "os", "class_name": "system", "config": f"touch {marker}"}
    parts["config.json"] = json.dumps({**call, "registered_name": "system"}).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(AdienceError, match="no network that can be loaded"):
        models.load(file)
    assert not marker.exists()


def test_older_formats_of_networks_are_not_opened(tmp_path: Path) -> None:
    """HDF5 and pickles can bring code."""
    (tmp_path / "best.h5").write_bytes(b"")
    with pytest.raises(AdienceError, match=r"best\.h5: only networks in Keras' own format"):
        models.load(tmp_path / "best.h5")
