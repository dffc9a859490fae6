"""SGD as Caffe runs it, against the same arithmetic in NumPy."""

import keras
import numpy as np

from adience_lib.models.baselines import CaffeSGD, tenths
from adience_lib.speed import FusedAdam


def test_three_steps_are_caffes() -> None:
    """Momentum, decay of kernels alone, doubled rates of biases, tenfold of the last layer."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(2, name="a_output")]
    )
    for layer in network.layers:
        layer.bias.assign(np.full(layer.bias.shape, 0.5))
    weights = [np.array(weight) for weight in network.get_weights()]
    momenta = [np.zeros_like(weight) for weight in weights]
    rates, decays = (1.0, 2.0, 10.0, 20.0), (0.1, 0, 0.1, 0)
    optimizer = CaffeSGD(0.01, momentum=0.9, decay=0.1)
    random = np.random.default_rng(0)
    for _ in range(3):
        gradients = [random.normal(size=weight.shape).astype("float32") for weight in weights]
        tensors = [keras.ops.convert_to_tensor(gradient) for gradient in gradients]
        optimizer.apply(tensors, network.trainable_variables)
        for i, gradient in enumerate(gradients):
            momenta[i] = 0.9 * momenta[i] - 0.01 * rates[i] * (gradient + decays[i] * weights[i])
            weights[i] = weights[i] + momenta[i]
    for ours, reference in zip(network.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-5, atol=1e-7)


def test_rate_falls_by_tenths_at_equal_distances() -> None:
    """Four drops are five equal parts; steps that do not divide evenly change nothing."""
    schedule = tenths(1e-3, drops=4, steps=13)
    rates = [float(schedule(step)) for step in range(13)]
    np.testing.assert_allclose(rates[:3], 1e-3, rtol=1e-5)
    np.testing.assert_allclose(rates[-2:], 1e-7, rtol=1e-5)
    assert len({round(np.log10(rate)) for rate in rates}) == 5


def test_fused_adam_takes_the_steps_of_keras_adam() -> None:
    """Five steps from the same weights with the same gradients, in one call each."""
    random = np.random.default_rng(0)
    start = random.normal(size=(7, 5)).astype("float32")
    gradients = random.normal(size=(5, 7, 5)).astype("float32")
    ends = []
    for optimizer in (keras.optimizers.Adam(1e-2), FusedAdam(1e-2)):
        weight = keras.Variable(start)
        optimizer.build([weight])
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight.value])
        ends.append(keras.ops.convert_to_numpy(weight.value))
        assert int(optimizer.iterations) == 5
    np.testing.assert_allclose(ends[1], ends[0], atol=1e-6)  # of steps of 0.01 each
    assert np.abs(ends[0] - start).min() > 1e-3
