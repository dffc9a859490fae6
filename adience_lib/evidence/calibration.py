"""Temperature scaling: one number a task that makes a network as sure as it is right (Guo et al.
2017, *On calibration of modern neural networks*, section 4.2)."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax

COLDEST, HOTTEST = 0.05, 20.0
"""Temperatures that are looked at: from twenty times as sure to a twentieth."""

SMALLEST = 1e-12
"""A probability of 0, whose logarithm would be infinite, is taken for this."""


def calibrated(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """(n, classes): ``probabilities`` with their logits divided by ``temperature``."""
    logits = np.log(np.maximum(probabilities, SMALLEST, dtype="float64")) / temperature
    return softmax(logits, axis=1)


def temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The temperature under which ``truth``, (n,) positions of labels, is the most probable."""
    rows = np.arange(len(truth))

    def surprise(log_temperature: float) -> float:
        given = calibrated(probabilities, np.exp(log_temperature))[rows, truth]
        return float(-np.log(np.maximum(given, SMALLEST)).mean())

    found = minimize_scalar(surprise, bounds=np.log([COLDEST, HOTTEST]), method="bounded")
    return float(np.exp(found.x))
