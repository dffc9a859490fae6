"""The networks' twins against the networks: the same function, the same gradients, less work."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import SHARED, needs_shared

from adience_lib import models
from adience_lib.data.labels import SIDE
from adience_lib.models.networks import CROP
from adience_lib.models.summary import leaf_layers, parameter_counts
from adience_lib.speed import rewritten as lean_module
from adience_lib.speed.rewritten import InParts, PooledConvolution, lean
from adience_lib.util import backend

NETWORKS = ("gender", "multitask", "transfer", "levi_hassner_age")

Arrays = dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def wide_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin of a processor with AVX-512, whatever this one is."""
    monkeypatch.setattr(backend, "has_wide_vectors", lambda: True)


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> keras.Model:
    """In double precision, so that a difference of rounding is told from one of content, with
    biases and statistics that are not those of a fresh network."""
    return _network(request.param, "float64")


def _network(name: str, precision: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    with backend.precision(precision):
        network = models.build(name)
    random = np.random.default_rng(0)
    for layer in leaf_layers(network):
        for variable in layer.weights:
            if variable.name in ("bias", "beta", "moving_mean"):
                variable.assign(random.normal(0, 0.1, variable.shape))
            if variable.name in ("gamma", "moving_variance"):
                variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return network


def _faces(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 256, 256, 3), "uint8")


def _outputs_and_gradients(model: keras.Model, network: keras.Model, count: int) -> Arrays:
    """Of one step of training on ``count`` faces, the crops and the dropout always the same."""
    for generator in _generators(network):
        generator.state.assign([1, 2])
    with tf.GradientTape() as tape:
        outputs = model(_faces(count), training=True)
        loss = sum(tf.reduce_sum(tf.math.log(value[:, :1])) for value in outputs.values())
    gradients = tape.gradient(loss, [weight.value for weight in network.trainable_weights])
    named = {
        weight.path: gradient
        for weight, gradient in zip(network.trainable_weights, gradients, strict=True)
    }
    return {name: np.asarray(value) for name, value in {**outputs, **named}.items()}


def _generators(network: keras.Model) -> list[keras.random.SeedGenerator]:
    return [found for layer in leaf_layers(network) for found in layer._seed_generators]


@pytest.mark.parametrize("batch_size", [None, 3])
def test_outputs_and_gradients_are_the_networks(
    network: keras.Model, batch_size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In training, for every output and every trainable weight, batch statistics included; in
    parts of one face where there are parts."""
    monkeypatch.setattr(lean_module, "FACES_AT_ONCE", 1)
    expected = _outputs_and_gradients(network, network, 3)
    found = _outputs_and_gradients(lean(network, batch_size), network, 3)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert np.abs(value).max() > 0, name
        np.testing.assert_allclose(
            found[name], value, rtol=1e-9, atol=1e-10 * np.abs(value).max(), err_msg=name
        )


def test_twin_of_a_reduced_network_leaves_work_out() -> None:
    """A trunk in parts, of the rows that are read; the columns of the first two convolutions, with
    24 filters or channels, in pairs and therefore of an even number."""
    (parts,) = [
        layer for layer in lean(models.build("gender"), 64).layers if isinstance(layer, InParts)
    ]
    pooled = [layer for layer in parts.trunk.layers if isinstance(layer, PooledConvolution)]
    assert parts.parts == 8
    assert [layer.reached for layer in pooled] == [(221, 224), (107, 108), (51, 51)]
    assert [layer.in_pairs for layer in pooled] == [True, True, False]


def test_a_batch_of_fewer_faces_than_parts() -> None:
    """As the last one of an epoch: every face is there once, in its order."""
    network = _network("age", "float32")
    for count in (1, 5, 17):
        found = lean(network, 128)(_faces(count))["age"]
        np.testing.assert_allclose(found, network(_faces(count))["age"], rtol=1e-4)


def test_what_is_left_out_decides_nothing() -> None:
    """Of a 227 x 227 crop, the features depend on 221 x 221 pixels and on no others."""
    network = _network("age", "float64")
    faces = _faces(1)
    expected = network(faces)["age"]
    first = (SIDE - CROP) // 2  # of the centre crop
    for row, changes in ((first + 220, True), (first + 221, False)):
        other = faces.copy()
        other[:, row:] = 255 - other[:, row:]
        assert (np.abs(network(other)["age"] - expected).max() > 0) == changes
        other = faces.copy()
        other[:, :, row:] = 255 - other[:, :, row:]
        assert (np.abs(network(other)["age"] - expected).max() > 0) == changes


def test_frozen_part_is_a_forward_pass_and_nothing_else() -> None:
    """No gradient, no optimizer state, no normalisation of its own; the weights that are trained
    are the network's."""
    network = models.build("transfer")
    twin = lean(network, 32)
    assert {id(weight) for weight in twin.trainable_weights} == {
        id(weight) for weight in network.trainable_weights
    }
    left = [
        layer for layer in leaf_layers(twin) if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(left) == 3
    assert all(layer.trainable for layer in left)
    twin.compile(
        "adam", {"gender": "binary_crossentropy", "age": "sparse_categorical_crossentropy"}
    )
    twin.optimizer.build(twin.trainable_variables)
    state = sum(int(np.prod(variable.shape)) for variable in twin.optimizer.variables)
    assert state == 2 * parameter_counts(network)["trainable"] + 2  # steps and rate


@needs_shared("weights")
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("mixed_bfloat16", 0.05)])
def test_folding_keeps_what_imagenet_taught(precision: str, tolerance: float) -> None:
    """With the real statistics of ImageNet, to the rounding of each precision."""
    weights = SHARED / "weights" / "xception_imagenet_notop.weights.h5"
    with backend.precision(precision):
        network = models.build("transfer", weights)
    expected, found = (np.log(one(_faces(4))["age"]) for one in (network, lean(network)))
    assert np.ptp(expected) > 0.5
    assert np.abs(found - expected).max() <= tolerance * np.ptp(expected)
