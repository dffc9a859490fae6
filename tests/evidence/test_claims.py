"""Verdicts on simulated runs: what is decided, what is not, and why."""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from simulated import again, results_with, runs_with

from adience_lib.data.labels import LABELS
from adience_lib.evidence import claims, comparison, contrast, cost, metrics, paper, quality
from adience_lib.evidence.claims import (
    CONTRADICTED,
    INCONCLUSIVE,
    NOT_TESTED,
    SUPPORTED,
    UNTESTABLE,
    Evidence,
)
from adience_lib.evidence.comparison import Part
from adience_lib.evidence.contrast import LEVEL, Contrast
from adience_lib.protocol import LEVI_HASSNER, PAPER
from adience_lib.runs.read import Runs
from adience_lib.util.errors import AdienceError

FACES = 2000
ROWS = [claim.row for claim in paper.CLAIMS]


@pytest.fixture(autouse=True)
def _plan_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is drawn 20,000 times for each comparison, and decides nothing."""
    monkeypatch.setattr(contrast, "power", lambda *_: 0.8)


@cache
def network(model: str, *, gender: float = 0.8, age: float = 0.6, seed: int = 0) -> Runs:
    """Five folds of a network that gets these shares of the faces right, the same ones for equal
    seeds. Truth is balanced over the labels, and each face has a subject of its own."""
    numbers = np.arange(FACES)
    truth = {"gender": numbers % 2, "age": numbers // 2 % 8}
    guesses = {}
    for task, share in (("gender", gender), ("age", age)):
        if model in ("multitask", "transfer") or model.endswith(task):
            classes = len(LABELS[task])
            wrong = np.random.default_rng((seed, classes)).random(FACES) >= share
            guesses[task] = list((truth[task] + wrong) % classes)
    return runs_with(model, {task: list(of) for task, of in truth.items()}, guesses, folds=5)


def three(**multitask: float) -> list[Runs]:
    """Multi-task with these shares right, and the two networks for one task."""
    return [network("multitask", **multitask), network("gender"), network("age")]


def decide(*networks: Runs, rows: Collection[str] = ROWS, **others: object) -> dict[str, Evidence]:
    """The evidence for ``rows``: the others would take their time."""
    asked = tuple(claim for claim in paper.CLAIMS if claim.row in rows)
    assert len(asked) == len(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper, "CLAIMS", asked)
        return claims.decide(results_with(*networks, **others))


def of(row: str, *networks: Runs, **others: object) -> Evidence:
    """The evidence for one row."""
    return decide(*networks, rows=[row], **others)[row]


def why(evidence: Evidence) -> str:
    """Why nothing was tested."""
    assert evidence.verdict == NOT_TESTED
    return evidence.doubt


# The list of claims.


def test_nine_claims_have_criteria_and_places() -> None:
    """Each row is tested, and says what must be shown either way."""
    assert sorted({int(claim.row[0]) for claim in paper.CLAIMS}) == list(range(1, 10))
    assert all(claim.place and claim.holds and claim.fails for claim in paper.CLAIMS)
    table = claims.verdicts(decide())
    assert list(table.index) == ROWS == list(dict.fromkeys(ROWS))
    assert set(table["verdict"]) <= set(claims.VERDICTS)
    assert table.loc["2", ["claim", "holds if"]].to_list() == [
        paper.CLAIMS[2].words,
        paper.CLAIMS[2].holds,
    ]


def test_nothing_trained_leaves_what_needs_no_run() -> None:
    """Each of the others says what is missing."""
    table = claims.verdicts(decide())
    assert table.loc["2", "because"] == "multitask has not been trained"
    assert table.loc["1", "because"] == "gender has not been trained"
    assert "premise can be tested" in table.loc["6", "because"]
    untested = table.index[table["verdict"] == NOT_TESTED]
    assert set(ROWS) - set(untested) == {"6", "7", "7, as published"}
    assert (table.loc[untested, ["p holds", "p fails"]] == 1).all(axis=None)
    assert table.loc["7", "because"] == ""


def test_run_that_cannot_be_read_is_not_called_untrained() -> None:
    """The fault is named instead."""
    fault = "runs/demo/multitask/paper/fold_0: not a finished run"
    assert why(of("2", network("gender"), unreadable=[fault])) == fault


def test_demo_decides_nothing() -> None:
    """The same runs on drawn faces: what was measured stands there, and no verdict."""
    found = decide(*three(), is_demo=True)
    table = claims.verdicts(found)
    assert set(table["verdict"]) == {NOT_TESTED}
    assert set(table["because"]) == {"drawn faces decide nothing"}
    assert {"2", "7"} <= set(claims.measured(found)["row"])


# Verdicts from parts.


def holding(p: float) -> Part:
    """A part that holds with this p-value."""
    return Part("", "points", Contrast(float(stats.norm.isf(p)), 1, np.inf), low=0)


def failing(p: float) -> Part:
    """A part that fails with this p-value."""
    return Part("", "points", Contrast(float(stats.norm.isf(p)), 1, np.inf), high=0)


@pytest.mark.parametrize(
    ("p_fails", "parts", "expected"),
    [
        (0.9 * LEVEL, 1, CONTRADICTED),
        (0.9 * LEVEL, 2, INCONCLUSIVE),
        (0.45 * LEVEL, 2, CONTRADICTED),
        (0.45 * LEVEL, 3, INCONCLUSIVE),
    ],
)
def test_one_of_several_parts_contradicts_at_its_share_of_the_level(
    p_fails: float, parts: int, expected: str
) -> None:
    """Any of m parts may fail by chance, so each has the level through m."""
    others = [holding(0.5) for _ in range(parts - 1)]
    assert Evidence([failing(p_fails), *others]).verdict == expected


@pytest.mark.parametrize(("worst", "expected"), [(0.9, SUPPORTED), (1.1, INCONCLUSIVE)])
def test_every_part_must_hold_and_each_has_the_whole_level(worst: float, expected: str) -> None:
    """An intersection-union test pays for nothing."""
    parts = [holding(p) for p in (worst * LEVEL, 0.9 * LEVEL, 0.001)]
    assert Evidence(parts).verdict == expected


def test_reasons_go_before_numbers() -> None:
    """What decides nothing does so whatever was found; no reason and no part is no verdict."""
    held = [holding(0.001)]
    assert Evidence(held, doubt="cut off").verdict == NOT_TESTED
    assert Evidence(held, doubt="cut off", here="no first fold").verdict == UNTESTABLE
    assert Evidence().verdict == INCONCLUSIVE


# Multi-task against two networks: claims 2 and 6.


def test_equal_networks_are_equal() -> None:
    """All the same faces right but for one in a hundred: no more, so the premise of 6 holds too."""
    found = decide(*three(gender=0.81), rows=["2", "6", "6, premise"])
    assert found["2"].verdict == found["6, premise"].verdict == SUPPORTED
    assert found["6"].verdict == UNTESTABLE
    table = claims.measured(found).set_index(["row", "what"])
    gender, age = (table.loc[("2", f"{task}, multitask minus {task}")] for task in LABELS)
    assert 0.5 < gender["value"] < gender["smallest margin"] < 3
    assert age[["value", "low", "high", "smallest margin"]].to_list() == [0, 0, 0, 0]
    assert (gender["paper"], gender["from"], gender["to"]) == (pytest.approx(-0.8), -3, 3)
    assert gender["planned power"] == 0.8
    assert "2,000 faces, 1 training a fold" in gender["found"]


@pytest.mark.parametrize(
    ("age", "equal", "premise"),
    [(0.5, CONTRADICTED, SUPPORTED), (0.7, CONTRADICTED, CONTRADICTED)],
)
def test_network_that_is_worse_or_better_is_not_equal(age: float, equal: str, premise: str) -> None:
    """Ten points on one task are enough, whatever the other shows. Worse is not better."""
    found = decide(*three(age=age), rows=["2", "6, premise"])
    assert (found["2"].verdict, found["6, premise"].verdict) == (equal, premise)


def test_few_faces_show_nothing_either_way() -> None:
    """Two networks of equal skill that err on different faces, 200 of them."""
    few = [
        replace(runs, predictions=runs.predictions.groupby("fold").head(40))
        for runs in (network("multitask", seed=1), network("gender"), network("age"))
    ]
    found = decide(*few, rows=["2"])
    assert found["2"].verdict == INCONCLUSIVE
    assert (found["2"].doubt, found["2"].here) == ("", "")
    assert (claims.measured(found)["smallest margin"] > 3).all()


def test_networks_that_learned_nothing_decide_nothing() -> None:
    """Nor does one beside two that did: it may be worse, and nothing is known of a trained one."""
    idle = [network(name, gender=0.49, age=0.12) for name in ("multitask", "gender", "age")]
    assert why(of("2", *idle)) == (
        "not shown to beat the most frequent label: multitask on gender, multitask on age, "
        "gender on gender, age on age"
    )
    for row in ("2", "3b", "6, premise"):
        one_idle = of(row, idle[0], network("gender"), network("age"))
        assert "most frequent label: multitask on gender, multitask on age" in why(one_idle)


def test_two_trainings_on_one_fold_are_enough_for_accuracies() -> None:
    """One is not: what it adds by chance is unknown. Epochs need folds in any case."""
    first = [runs.on_folds([0]) for runs in three()]
    faces = network("gender").predictions
    assert "one training on one fold" in why(of("2", *first, faces=faces))
    twice = decide(*(again(runs, runs) for runs in first), faces=faces, rows=["2", "3b"])
    assert twice["2"].verdict == SUPPORTED
    assert "one fold only" in why(twice["3b"])


def test_networks_are_compared_on_the_folds_that_both_have() -> None:
    """Three of five, and the accuracies that are told are those of the three."""
    both, gender, age = three(age=0.61)
    found = of("2", both.on_folds([0, 1, 2, 3]), gender, age.on_folds([1, 2, 3])).parts[1]
    assert "1,200 faces" in found.found
    ours, theirs = (quality.accuracy(one.on_folds([1, 2, 3]), "age") for one in (both, age))
    assert found.estimate.value == pytest.approx(ours.value - theirs.value)
    assert f"{ours.value:.1f} % and {theirs.value:.1f} % right" in found.found


def test_folds_that_do_not_match_are_said() -> None:
    """Neither is scored on the other's faces."""
    one, other = network("multitask").on_folds([0, 1]), network("gender").on_folds([2, 3])
    for row in ("2", "3b"):
        found = of(row, one, other, network("age"), faces=network("age").predictions)
        assert "multitask tested folds [0, 1], gender tested folds [2, 3]" in why(found)
        assert "none in common" in why(found)


@pytest.mark.parametrize(
    "change",
    [
        lambda runs: replace(runs, fingerprint="other"),
        lambda runs: replace(runs, protocol=replace(PAPER, faces=100)),
        lambda runs: replace(runs, protocol=replace(PAPER, seed=7)),
        lambda runs: replace(
            runs, predictions=runs.predictions.assign(face=lambda t: "x" + t["face"])
        ),
    ],
)
def test_runs_that_cannot_be_compared_are_not(change: Callable[[Runs], Runs]) -> None:
    """The criterion stays untested with one line, and the rest of the report goes on."""
    networks = (network("multitask"), change(network("gender")), network("age"))
    found = decide(*networks, rows=["2", "8"])
    assert "gender were run on different datasets or samples of faces" in why(found["2"])
    assert found["8"].verdict == INCONCLUSIVE


def test_trainings_that_were_cut_off_do_not_decide_about_trained_networks() -> None:
    """Six epochs of the paper's hundred, all of them used."""
    short = replace(PAPER, epochs=6)
    networks = [replace(stopping(runs, 6, 6), protocol=short) for runs in three()]
    found = decide(*networks, rows=["2", "3b", "6, premise", "8"])
    said = "cut off before the paper's 100 epochs: multitask at 6, gender at 6, age at 6"
    for row in ("2", "3b", "6, premise"):
        assert said in why(found[row])
    assert "multitask at 6" in why(found["8"])
    assert "gender at 6" in why(of("9", *two_trainings_of_folds(epochs=6)))


# The baseline: claims 1 and 4.


def under_protocol(**shares: float) -> dict[str, Runs]:
    """Levi & Hassner's networks as the paper's protocol trains them."""
    names = [f"levi_hassner_{task}" for task in LABELS]
    return {name: network(name, **shares) for name in names}


def own_recipe(epochs: int = LEVI_HASSNER.epochs) -> dict[str, Runs]:
    """The same by their authors' recipe; the centre crop alone gets nothing right."""
    recipe = replace(LEVI_HASSNER, epochs=epochs)
    return {
        name: replace(
            runs,
            ten_crops=runs.predictions,
            predictions=network(name, gender=0, age=0).predictions,
            protocol=recipe,
        )
        for name, runs in under_protocol().items()
    }


@pytest.mark.parametrize(
    ("gender", "age", "expected"),
    [
        (0.8, 0.6, SUPPORTED),
        (0.9, 0.59, SUPPORTED),
        (0.8, 0.57, INCONCLUSIVE),
        (0.8, 0.54, CONTRADICTED),
    ],
)
def test_on_par_is_not_inferior_by_the_margin(gender: float, age: float, expected: str) -> None:
    """Better will do, a point worse too; on the margin nothing is shown, twice as far it is."""
    networks = (network("gender", gender=gender), network("age", age=age))
    found = of("1", *networks, same_recipe=under_protocol())
    assert found.verdict == expected
    assert [one.paper for one in found.parts] == pytest.approx([-2.0, -3.9])


@pytest.mark.parametrize(
    ("gender", "age", "expected"),
    [
        (0.85, 0.59, SUPPORTED),
        (0.8, 0.7, INCONCLUSIVE),
        (0.78, 0.7, CONTRADICTED),
        (0.9, 0.5, CONTRADICTED),
    ],
)
def test_transfer_is_better_on_gender_and_not_inferior_on_age(
    gender: float, age: float, expected: str
) -> None:
    """As good is not better, two points worse is worse; on age a point may be missing."""
    transfer = network("transfer", gender=gender, age=age)
    assert of("4", transfer, same_recipe=under_protocol()).verdict == expected


def test_random_features_transfer_nothing() -> None:
    """However good the network is."""
    random = replace(network("transfer", gender=0.9), protocol=replace(PAPER, weights="random"))
    for row in ("4", "5", "5, against multi-task"):
        found = of(row, random, network("multitask"), same_recipe=under_protocol())
        assert "nothing was transferred: transfer (random features)" in why(found)


def test_baseline_under_one_recipe_says_nothing_about_the_other() -> None:
    """A number that was only published is no run of it either."""
    networks = (network("gender"), network("age"), network("transfer", gender=0.9))
    held_out = {runs.model: runs for runs in networks}
    for row in ("1", "4"):
        rows = [row, f"{row}, own recipe"]
        same = decide(*networks, rows=rows, same_recipe=under_protocol(), held_out=held_out)
        assert same[row].verdict == SUPPORTED
        assert "only published decides nothing" in why(same[rows[1]])
        own = decide(*networks, rows=rows, published=own_recipe(), held_out=held_out)
        assert own[rows[1]].verdict == SUPPORTED
        assert "gender has not been trained under this protocol" in why(own[row])


def test_own_recipe_takes_epochs_that_were_not_chosen_on_the_scored_faces() -> None:
    """The optimism would go one way. Held-out trainings are asked for, and decide."""
    networks = (network("gender"), network("age"))
    found = of("1, own recipe", *networks, published=own_recipe())
    assert "gender has chosen its epochs on the scored faces" in why(found)
    worse = {name: network(name, gender=0.7, age=0.5) for name in LABELS}
    found = of("1, own recipe", *networks, published=own_recipe(), held_out=worse)
    assert found.verdict == CONTRADICTED


def test_shortened_recipe_is_not_the_baselines() -> None:
    """Two of 192 epochs decide nothing about Levi & Hassner's networks."""
    networks = (network("gender"), network("age"))
    held_out = {runs.model: runs for runs in networks}
    found = of("1, own recipe", *networks, published=own_recipe(epochs=2), held_out=held_out)
    assert "own recipe was cut to 2 of its 192 epochs" in why(found)


def test_baseline_that_learned_nothing_is_not_matched() -> None:
    """To be as good as it means nothing."""
    found = of("1", network("gender"), network("age"), same_recipe=under_protocol(age=0.12))
    assert "most frequent label: Levi & Hassner's on age" in why(found)


# What a training costs: claims 3, 5 and 7.


def stopping(runs: Runs, epochs: int, best: int | None = None) -> Runs:
    """The same network with other epochs, one more or less in some folds; at a hundred in none."""
    around = np.roll([0, 1, -1, 1, -1], len(runs.model))[runs.records["fold"]]
    around = around * (epochs < PAPER.epochs)
    best = max(1, epochs - PAPER.patience) if best is None else best
    moved = {"epochs": epochs + around, "best_epoch": np.maximum(1, best + around)}
    return replace(runs, records=runs.records.assign(**moved))


def stopped(multitask: int, gender: int = 50, age: int = 34) -> list[Runs]:
    """The three networks, ended by early stopping after about so many epochs."""
    every = zip(three(), (multitask, gender, age), strict=True)
    return [stopping(runs, epochs) for runs, epochs in every]


Measured = Callable[..., None]


@pytest.fixture
def measured_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measured:
    """Lets updates take so many seconds, a network each; ten times as many in bfloat16."""

    def write(**seconds: float) -> None:
        rows = [
            (name, precision, 128, 9, times * second, second, second, "a machine")
            for name, second in seconds.items()
            for precision, times in (("float32", 1), ("mixed_bfloat16", 10))
        ]
        columns = ["network", "precision", "batch", "rounds", "seconds", "low", "high", "machine"]
        pd.DataFrame(rows, columns=columns).to_csv(tmp_path / cost.STEPS, index=False)
        read = cost.steps
        monkeypatch.setattr(cost, "steps", lambda: read(tmp_path))

    return write


@pytest.mark.parametrize(
    ("epochs", "half", "any_less"),
    [
        (26, SUPPORTED, SUPPORTED),
        (42, INCONCLUSIVE, SUPPORTED),
        (60, CONTRADICTED, SUPPORTED),
        (95, CONTRADICTED, CONTRADICTED),
    ],
)
def test_time_is_cut_drastically_or_at_all(
    measured_steps: Measured, epochs: int, half: str, any_less: str
) -> None:
    """42 of 84 updates that take the same are half of the time."""
    measured_steps(multitask=0.5, gender=0.5, age=0.5)
    found = decide(*stopped(epochs), rows=["3a", "3a, any less"])
    assert (found["3a"].verdict, found["3a, any less"].verdict) == (half, any_less)


def test_time_is_updates_times_measured_seconds(measured_steps: Measured) -> None:
    """What trainings took themselves counts for nothing, nor does another precision."""
    measured_steps(multitask=2.0, gender=1.0, age=0.5)
    networks = [
        replace(runs, records=runs.records.assign(train=300, seconds=7e6)) for runs in stopped(26)
    ]
    networks[0] = replace(networks[0], protocol=replace(PAPER, batch_size=60))
    found = of("3a", *networks)
    epochs = [runs.records["epochs"].to_numpy() for runs in networks]
    # 300 faces are three updates of 128 faces, or five of 60.
    ratio = epochs[0] * 5 * 2.0 / (epochs[1] * 3 * 1.0 + epochs[2] * 3 * 0.5)
    (row,) = claims.measured({"3a": found}).to_dict("records")
    assert row["value"] == pytest.approx(np.exp(np.log(ratio).mean()))
    assert (row["unit"], row["from"], row["to"]) == ("times", 0, pytest.approx(0.5))
    assert row["low"] < row["value"] < row["high"]
    assert np.isnan(row["smallest margin"])
    assert row["paper"] == pytest.approx(26.0 * 95 / ((50.8 + 34.2) * 85))
    assert row["found"] == "seconds an update: multitask 2.00, gender 1.00, age 0.50"


def test_time_of_repeated_trainings_is_that_of_those_that_all_have(
    measured_steps: Measured,
) -> None:
    """Ratios are taken within a repetition, and one that a network lacks is left out."""
    measured_steps(multitask=1, gender=1, age=1)
    first, second = stopped(26), stopped(52, 97, 68)
    twice = [again(*runs) for runs in zip(first, second, strict=True)]
    once, both, lacking = (
        of("3a", *networks).parts[0].estimate.value
        for networks in (first, twice, [*twice[:2], first[2]])
    )
    alone = of("3a", *second).parts[0].estimate.value
    assert both == pytest.approx((once + alone) / 2)
    assert lacking == pytest.approx(once)


def test_time_without_measured_seconds_is_not_tested(
    measured_steps: Measured, tmp_path: Path
) -> None:
    """The benchmark is named that measures them."""
    measured_steps(multitask=1, gender=1)
    assert "an update of age were not measured" in why(of("3a", *stopped(26)))
    for text in ("", "network,seconds\nage,1\n"):
        (tmp_path / cost.STEPS).write_text(text)
        said = why(of("3a, any less", *stopped(26)))
        assert "no table of measured updates" in said
        assert "python -m benchmarks" in said
    (tmp_path / cost.STEPS).unlink()
    with pytest.raises(AdienceError, match="no table of measured updates"):
        cost.steps()


@pytest.mark.parametrize(
    ("multitask", "gender", "expected"),
    [
        (26, 50, SUPPORTED),
        (34, 50, INCONCLUSIVE),
        (42, 50, CONTRADICTED),
        (60, 50, CONTRADICTED),
    ],
)
def test_epochs_are_fewer_than_those_of_each(multitask: int, gender: int, expected: str) -> None:
    """As many as age's 34 shows nothing; more than one of the two is against it."""
    found = of("3b", *stopped(multitask, gender))
    assert found.verdict == expected
    assert f"epochs: multitask {multitask}.0, gender {gender}.0" in found.parts[0].found


def test_paper_needs_fewer_epochs() -> None:
    """26 against 50.8 and 34.2, as ratios."""
    found = claims.measured({"3b": of("3b", *stopped(26))})
    assert found["paper"].to_list() == pytest.approx([26 / 50.8, 26 / 34.2])


def test_limit_of_epochs_leaves_times_and_epochs_open(measured_steps: Measured) -> None:
    """A training that ran into it has no end of its own; accuracies are compared still."""
    measured_steps(multitask=1, gender=1, age=1)
    found = decide(*stopped(100), rows=["2", "3a", "3b"])
    for row in ("3a", "3b"):
        said = "ended by the limit of epochs, not by early stopping: 5 of multitask"
        assert said in why(found[row])
    assert found["2"].verdict == SUPPORTED
    assert "5 of transfer" in why(of("5", stopping(network("transfer"), 100)))


def test_limit_counts_every_training() -> None:
    """Five folds twice each, of which one training was ended."""
    once, *alone = stopped(26)
    ended = replace(once, records=once.records.assign(epochs=[20, 20, 100, 20, 20]))
    found = of("3b", again(once, ended), *alone)
    assert "early stopping: 1 of multitask" in why(found)


@pytest.mark.parametrize(
    ("transfer", "few", "half"),
    [
        (3, SUPPORTED, SUPPORTED),
        (5, INCONCLUSIVE, SUPPORTED),
        (9, CONTRADICTED, SUPPORTED),
        (16, CONTRADICTED, INCONCLUSIVE),
        (30, CONTRADICTED, CONTRADICTED),
    ],
)
def test_convergence_is_the_best_epoch_and_not_the_last(transfer: int, few: str, half: str) -> None:
    """Below five, and at most half of multi-task's 32; patience adds ten epochs to each."""
    networks = (
        stopping(network("transfer"), transfer + 10, transfer),
        stopping(network("multitask"), 42, 32),
    )
    found = decide(*networks, rows=["5", "5, against multi-task"])
    assert (found["5"].verdict, found["5, against multi-task"].verdict) == (few, half)


def test_network_that_learned_nothing_does_not_converge() -> None:
    """It stops soon as well. And one fold alone says nothing of others."""
    soon = stopping(network("transfer"), 13, 3)
    idle = stopping(network("transfer", gender=0.49, age=0.12), 13, 3)
    assert "not shown to beat the most frequent label" in why(of("5", idle))
    assert "one fold only" in why(of("5", soon.on_folds([1]), faces=soon.predictions))


def test_multiply_adds_are_counted_without_any_run() -> None:
    """A thirteenth of the baseline as the paper reads it, and more than it was published with."""
    found = decide(rows=["7", "7, as published"])
    assert found["7"].verdict == SUPPORTED
    assert found["7, as published"].verdict == CONTRADICTED
    table = claims.measured(found).set_index("row")
    assert table.loc["7", "value"] == pytest.approx(0.0755, abs=0.0001)
    assert table.loc["7, as published", ["low", "value", "high"]].nunique() == 1
    assert table.loc["7", "found"] == "749 and 9,918 million, exact"
    assert table.loc["7, as published", "found"] == "749 and 709 million, exact"


# Ages and folds: claims 8 and 9.


def ages_right(shares: dict[int, float], seed: int = 0) -> Runs:
    """A multi-task network that gets these shares of some ages right, and half of the others."""
    runs = network("multitask", age=1)
    random, table = np.random.default_rng(seed), runs.predictions
    wrong = random.random(FACES) >= table["age"].map(lambda age: shares.get(age, 0.5))
    guesses = {"age": list((table["age"] + wrong) % 8), "gender": list(table["gender"])}
    truth = {"age": list(table["age"]), "gender": list(table["gender"])}
    return runs_with("multitask", truth, guesses, folds=5)


@pytest.mark.parametrize(
    ("shares", "expected"), [({4: 1}, SUPPORTED), ({0: 1}, CONTRADICTED), ({}, INCONCLUSIVE)]
)
def test_best_age_is_the_one_with_the_highest_share(
    shares: dict[int, float], expected: str
) -> None:
    """25 to 32 ahead of all others, behind one of them, or like them."""
    found = of("8", ages_right(shares))
    assert found.verdict == expected
    assert len(found.parts) == 7


def test_best_age_is_the_mean_over_trainings() -> None:
    """A training in which another age was ahead counts half."""
    ahead, behind = ages_right({4: 1}), ages_right({4: 0})
    found = of("8", again(ahead, behind)).parts[0].estimate.value
    both = [of("8", runs).parts[0].estimate.value for runs in (ahead, behind)]
    assert found == pytest.approx(np.mean(both))


def test_best_age_is_looked_for_where_it_is_the_most_frequent() -> None:
    """That is why the paper expects it to be the best."""
    runs = ages_right({4: 1})
    few = of("8", runs, faces=runs.predictions[runs.predictions["age"] != 4])
    assert few.verdict == UNTESTABLE
    assert "the most frequent age is (0, 2) here" in few.here


def test_equal_ages_do_not_contradict_each_other() -> None:
    """One of seven others is always ahead by chance; that it was picked is reckoned with."""
    found = [of("8", ages_right({}, seed)).verdict for seed in range(8)]
    assert set(found) == {INCONCLUSIVE}


def test_network_that_always_says_one_age_is_not_effective_at_it() -> None:
    """All faces of that age are right, and nothing was learned."""
    runs = network("multitask")
    truth = {name: list(runs.predictions[name]) for name in ("age", "gender")}
    always = runs_with("multitask", truth, {"age": [4] * FACES, "gender": truth["gender"]}, 5)
    assert "most frequent label: multitask on age" in why(of("8", always))


@pytest.mark.parametrize("folds", [range(5), [2]])
def test_age_without_test_faces_is_named(folds: list[int]) -> None:
    """In one fold or in all."""
    runs = network("multitask")
    gone = (runs.predictions["age"] == 7) & runs.predictions["fold"].isin(folds)
    without = replace(runs, predictions=runs.predictions[~gone])
    assert why(of("8", without)) == "a fold has no test faces aged (60, 100)"


def by_fold(task: str, shares: list[float]) -> Runs:
    """A network for one task whose folds have these shares right, trained twice: both trainings
    get as many faces right, and not the same ones."""
    runs = network(task, **{task: 1})
    table = runs.predictions
    place, share = table.groupby("fold").cumcount(), table["fold"].map(dict(enumerate(shares)))
    truth = {name: list(table[name]) for name in LABELS}
    trainings = []
    for shift in (0, 1):
        wrong = (place + shift) % 100 >= (100 * share).round()
        guesses = {task: list((table[task] + wrong) % len(LABELS[task]))}
        trainings.append(runs_with(task, truth, guesses, folds=5))
    return again(*trainings)


def two_trainings_of_folds(epochs: int = 20) -> list[Runs]:
    """As the paper saw it: age varies five times as much and the first fold leads. With fewer than
    20 epochs all of them are used."""
    networks = [
        by_fold("gender", [0.92, 0.80, 0.81, 0.79, 0.80]),
        by_fold("age", [0.95, 0.30, 0.20, 0.60, 0.40]),
    ]
    protocol = replace(PAPER, epochs=epochs) if epochs < 20 else PAPER
    return [replace(stopping(runs, epochs), protocol=protocol) for runs in networks]


def test_spread_over_folds_and_the_first_of_them() -> None:
    """Nine parts: one ratio of spreads, and the first fold against four others on two tasks."""
    gender, age = two_trainings_of_folds()
    found = of("9", gender, age)
    assert (found.verdict, len(found.parts)) == (SUPPORTED, 9)
    measured = claims.measured({"9": found}).set_index("what")
    spread = measured.loc["spread over folds: age by gender"]
    assert spread["value"] == pytest.approx(
        np.std([95, 30, 20, 60, 40]) / np.std([92, 80, 81, 79, 80])
    )
    assert measured.loc["gender, fold 0 minus fold 3", "value"] == pytest.approx(13)
    last = by_fold("gender", [0.80, 0.81, 0.79, 0.80, 0.90])
    assert of("9", last, age).verdict == CONTRADICTED


def test_spread_over_folds_needs_adience_five_folds_and_two_trainings() -> None:
    """Each lack is said."""
    gender, age = two_trainings_of_folds()
    elsewhere = of("9", gender, age, is_adience=False)
    assert elsewhere.verdict == UNTESTABLE
    assert "these folds are not Adience's" in elsewhere.here
    few = of("9", gender.on_folds([0, 1]), age, faces=age.predictions)
    assert why(few) == "needs all five folds, has 0, 1"
    once = of("9", network("gender"), network("age"))
    assert "one training of a fold" in why(once)


def test_folds_that_are_all_alike_have_no_spread_to_compare() -> None:
    """As those of networks that always say the same."""
    alike = [by_fold(task, [0.8] * 5) for task in LABELS]
    assert "the folds are all alike" in why(of("9", *alike))


def test_ratio_of_spreads_is_pitman_and_morgans() -> None:
    """More errors alone are no larger spread: the folds vary alike, and p is 1/2 either way."""
    age = by_fold("age", [0.50, 0.52, 0.54, 0.48, 0.46])
    gender = by_fold("gender", [0.91, 0.95, 0.93, 0.99, 0.97])
    alike = of("9", gender, age).parts[0]
    assert (alike.p_holds, alike.p_fails) == pytest.approx((0.5, 0.5))
    gender, age = two_trainings_of_folds()
    one, other = (metrics.fold_scores(runs)[runs.model] for runs in (age, gender))
    reference = stats.pearsonr(one + other, one - other, alternative="greater")
    assert of("9", gender, age).parts[0].p_holds == pytest.approx(reference.pvalue)


# Trainings that were repeated, and the one mean.


def test_one_training_is_tested_as_it_is() -> None:
    """The difference of single trainings, face by face, with the error of faces and folds."""
    both, gender, _ = networks = three(seed=1)
    hits = [metrics.correct(runs.predictions, "gender")[:, None] for runs in (both, gender)]
    faces = both.predictions
    expected = contrast.nested(hits[0], hits[1], faces["fold"], faces["subject"])
    assert of("2", *networks).parts[0].estimate == expected


def test_repeated_trainings_are_told_from_folds() -> None:
    """Two of each: both networks' hits have two columns, and the error is that of two."""
    networks = [
        again(*(network(name, seed=seed) for seed in (1, 2)))
        for name in ("multitask", "gender", "age")
    ]
    found = of("2", *networks).parts[1]
    hits = [metrics.hits(runs, "age") for runs in (networks[0], networks[2])]
    assert all(one.right.shape == (FACES, 2) for one in hits)
    faces = hits[0].faces
    expected = contrast.nested(hits[0].right, hits[1].right, faces["fold"], faces["subject"])
    assert found.estimate == expected
    assert "2 trainings a fold" in found.found


def test_trainings_that_one_network_lacks_are_left_out_of_a_difference() -> None:
    """Two of multi-task against one of each other."""
    both, gender, age = three()
    twice = again(both, network("multitask", seed=1))
    found, once = of("2", twice, gender, age), of("2", both, gender, age)
    assert [one.estimate for one in found.parts] == [one.estimate for one in once.parts]
    assert "1 training a fold" in found.parts[0].found


@pytest.mark.parametrize("trainings", [1, 2])
def test_difference_is_that_of_table_3s_accuracies(trainings: int) -> None:
    """Folds of unequal size weigh alike everywhere; the mean over all faces is another number."""
    networks = [
        again(*(uneven(network(name, seed=seed)) for seed in range(first, first + trainings)))
        for name, first in (("multitask", 0), ("gender", 3), ("age", 6))
    ]
    found = claims.measured(decide(*networks, rows=["2"])).set_index("what")
    for task, alone in zip(LABELS, networks[1:], strict=True):
        value = found.loc[f"{task}, multitask minus {task}", "value"]
        pair = (networks[0], alone)
        table_3 = [metrics.fold_scores(runs)[task].mean() for runs in pair]
        assert value == pytest.approx(table_3[0] - table_3[1], abs=1e-9)
        assert [quality.accuracy(runs, task).value for runs in pair] == pytest.approx(table_3)
        pooled = [100 * metrics.correct(runs.predictions, task).mean() for runs in pair]
        assert abs(pooled[0] - pooled[1] - value) > 0.01


def uneven(runs: Runs) -> Runs:
    """A tenth of the first fold's faces, half of the second's."""
    place = runs.predictions.groupby("fold").cumcount()
    size = runs.predictions["fold"].map({0: 40, 1: 200}).fillna(FACES)
    return replace(runs, predictions=runs.predictions[place < size])


# What is reckoned beside a verdict.


def test_check_of_sensitivity_decides_nothing() -> None:
    """The corrected t-test over folds is wider, and stands beside the verdict."""
    found = of("2", *three(gender=0.81))
    corrected = found.parts[0].corrected
    assert corrected is not None
    assert corrected.value == pytest.approx(found.parts[0].estimate.value)
    shown = claims.measured({"2": found})["p holds, corrected t-test"]
    assert shown.to_list() == [one.p_corrected for one in found.parts]


def test_fewer_training_faces_make_folds_less_sure() -> None:
    """A tenth is taken out for monitoring: 0.2 tested by 0.72 trained on, in place of 0.25."""
    gender, age = network("gender"), network("age")
    taken_out = replace(gender, protocol=replace(PAPER, monitor="held_out"))
    assert comparison._test_to_train(gender, age) == pytest.approx(0.2 / 0.8)
    assert comparison._test_to_train(gender, taken_out) == pytest.approx(0.2 / 0.72)


def test_nothing_measured_is_a_table_with_its_columns() -> None:
    """As where no criterion has a part."""
    none = claims.measured({"2": Evidence(doubt="multitask has not been trained")})
    assert none.empty
    assert tuple(none.columns) == claims.MEASURED


def test_trainings_that_tested_other_faces_are_an_error() -> None:
    """As many, but others: they cannot be paired by their place."""
    runs = runs_with("age", {"age": [0, 1, 2, 3]}, {"age": [0, 1, 2, 3]})
    other = replace(runs, predictions=runs.predictions.assign(face=lambda t: "x" + t["face"]))
    with pytest.raises(AdienceError):
        metrics.hits(again(runs, other), "age")


def test_unequal_trainings_have_one_mean() -> None:
    """Fold 0 twice, the others once: all take the first training of each."""
    first, second = network("age"), network("age", seed=1, age=0.5)
    runs = again(first, second)
    kept = {
        name: table[(table["repetition"] == 0) | (table["fold"] == 0)]
        for name in ("predictions", "records", "history")
        for table in [getattr(runs, name)]
    }
    runs = replace(runs, **kept)
    mean = metrics.fold_scores(runs)["age"].mean()
    assert quality.accuracy(runs, "age").value == pytest.approx(mean)


def test_found_shares_differ_by_the_value() -> None:
    """Two trainings of one network against one of the other."""
    both, gender, age = three()
    twice = again(both, network("multitask", seed=1, age=0.5))
    part = of("2", twice, gender, age).parts[1]
    shares = re.match(r"([\d.]+) % and ([\d.]+) %", part.found)
    assert shares
    assert part.corrected
    assert float(shares[1]) - float(shares[2]) == pytest.approx(part.estimate.value, abs=0.11)
    assert part.corrected.value == pytest.approx(part.estimate.value)


def test_fold_of_one_subject_keeps_the_mean_over_folds() -> None:
    """How its subjects vary is unknown; the mean is not."""
    runs = network("age")
    p = runs.predictions
    p = p[(p.fold != 0) | (p.groupby("fold").cumcount() < 20)]
    p = p.assign(subject=p["subject"].where(p["fold"] != 0, "one"))
    r = replace(runs, predictions=p)
    mean = metrics.fold_scores(r)["age"].mean()
    assert quality.accuracy(r, "age").value == pytest.approx(mean)


def test_albums_of_unequal_size_are_worth_less_than_their_number() -> None:
    """One person has ninety of a hundred faces: eleven people are hardly more than one."""
    people = pd.Series([0] * 90 + list(range(1, 11)))
    assert quality.share(np.repeat([1.0, 0.0], [90, 10]), people).low < 40


def test_idle_multitask_has_no_best_epoch_to_compare() -> None:
    """What stops soon may never have begun."""
    idle = stopping(network("multitask", gender=0.49, age=0.12), 42, 32)
    found = of("5, against multi-task", stopping(network("transfer"), 13, 3), idle)
    assert "most frequent label: multitask" in found.doubt


def test_whole_epochs_that_agree_are_not_certain() -> None:
    """Two folds with best epoch 4: each is known to half an epoch."""
    runs = network("transfer").on_folds([0, 1])
    runs = replace(runs, records=runs.records.assign(epochs=14, best_epoch=4))
    found = of("5", runs, faces=network("transfer").predictions)
    assert found.p_holds > 0.0167


def test_epochs_of_common_folds_only_limit() -> None:
    """A training cut short on a fold that is not compared."""
    multi, gender, age = (stopping(r, e) for r, e in zip(three(), (26, 50, 34), strict=True))
    multi = replace(multi, records=multi.records.assign(epochs=[20, 21, 20, 21, 100]))
    found = of("3b", multi, gender.on_folds([0, 1, 2, 3]), age)
    assert found.verdict != "not tested"
