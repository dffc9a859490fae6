"""Protocols: what is the paper's, what a run is called by, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from adience_lib.protocol import DEMO, PAPER, SMOKE, Protocol
from adience_lib.util.errors import AdienceError


def test_paper_protocol_is_the_papers() -> None:
    """Section 3.4, word for word."""
    assert (PAPER.epochs, PAPER.batch_size, PAPER.patience) == (100, 128, 10)
    adam = (PAPER.learning_rate, PAPER.beta_1, PAPER.beta_2, PAPER.epsilon)
    assert adam == (1e-4, 0.9, 0.999, 1e-7)
    assert (PAPER.monitor, PAPER.precision, PAPER.faces) == ("test_fold", "float32", None)


@pytest.mark.parametrize(
    ("protocol", "label"),
    [
        (PAPER, "paper"),
        (replace(PAPER, gamma=0.3, monitor="held_out"), "paper,gamma=0.3,monitor=held_out"),
        (replace(DEMO, epochs=1), "demo,epochs=1"),
        (replace(PAPER, gamma=1), "paper,gamma=1"),
        (replace(PAPER, gamma=1.0, learning_rate=3e-5), "paper,learning_rate=3e-05,gamma=1"),
        (SMOKE, "smoke"),
    ],
)
def test_label_names_what_differs_from_the_base(protocol: Protocol, label: str) -> None:
    """Runs that differ in anything lie in different folders."""
    assert protocol.label == label


@pytest.mark.parametrize(
    "change",
    [{"gamma": 1.5}, {"epochs": 0}, {"monitor": "train"}, {"precision": "int8"}, {"faces": 3}],
)
def test_value_out_of_range_says_what_is_allowed(change: dict[str, Any]) -> None:
    """The field, its value and the range."""
    (name,) = change
    with pytest.raises(AdienceError, match=f"{name} is .*; allowed: "):
        replace(PAPER, **change)


def test_no_two_trainings_of_a_network_share_a_seed() -> None:
    """What a repetition draws is another draw, and at 0 what has always been drawn."""
    again = [replace(PAPER, repetition=repetition) for repetition in range(4)]
    seeds = [protocol.training_seed(fold) for protocol in again for fold in range(5)]
    assert len(set(seeds)) == len(seeds)
    assert seeds[:5] == [2022, 2023, 2024, 2025, 2026]
