"""Verdicts on simulated runs: what is decided, what is not, and why."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from simulated import results_with, runs_with

from adience_lib.data import DEMO, load
from adience_lib.evidence import claims, comparison, paper, significance
from adience_lib.evidence.claims import CONTRADICTED, SUPPORTED, UNDECIDED, verdicts
from adience_lib.evidence.comparison import Part
from adience_lib.experiments.results import Results
from adience_lib.protocol import LEVI_HASSNER, PAPER
from adience_lib.report import findings
from adience_lib.runs.read import AND_ON, Runs
from adience_lib.util.errors import AdienceError

FACES = 3000


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for what is decided here."""
    monkeypatch.setattr(significance, "RESAMPLES", 1999)


def network(model: str, *, gender: float = 0.8, age: float = 0.6, seed: int = 0) -> Runs:
    """Five folds of a network that gets these shares of the faces right, the same ones for equal
    seeds. Truth is balanced over the labels."""
    numbers = np.arange(FACES)
    truth = {"gender": numbers % 2, "age": numbers // 2 % 8}
    guesses = {}
    for task, share in (("gender", gender), ("age", age)):
        if model in ("multitask", "transfer") or model.endswith(task):
            classes = {"gender": 2, "age": 8}[task]
            wrong = np.random.default_rng((seed, classes)).random(FACES) >= share
            guesses[task] = list((truth[task] + wrong) % classes)
    return runs_with(model, {task: list(of) for task, of in truth.items()}, guesses, folds=5)


def baseline(epochs: int = LEVI_HASSNER.epochs) -> dict[str, Runs]:
    """Levi & Hassner's networks by their own recipe, as good on ten crops as on one."""
    recipe = replace(LEVI_HASSNER, epochs=epochs)
    networks = [network(f"levi_hassner_{task}") for task in ("gender", "age")]
    return {
        runs.model: replace(runs, ten_crops=runs.predictions, protocol=recipe) for runs in networks
    }


def held_out(*networks: Runs) -> dict[str, Runs]:
    """The same networks with epochs that were not chosen on the scored faces."""
    return {runs.model: runs for runs in networks}


_LAST: list[tuple[Results, pd.DataFrame]] = []


def table(results: Results) -> pd.DataFrame:
    """All verdicts, computed once where a test asks twice."""
    if not _LAST or _LAST[0][0] is not results:
        _LAST[:] = [(results, verdicts(results))]
    return _LAST[0][1]


def verdict(results: Results, number: int) -> str:
    """The verdict of one claim."""
    return str(table(results).loc[number, "verdict"])


def why(results: Results, number: int) -> str:
    """What was found for one claim."""
    return str(table(results).loc[number, "why"])


def test_each_claim_has_a_criterion_and_a_place() -> None:
    """Nine claims, numbered, each with what decides it."""
    assert [claim.number for claim in paper.CLAIMS] == list(range(1, 10))
    assert all(claim.place and len(claim.criterion) > 40 for claim in paper.CLAIMS)


def test_equal_networks_with_enough_faces_are_equal() -> None:
    """The same faces right but for a few: claim 2 holds, and the report says by how much."""
    found = results_with(network("multitask"), network("gender"), network("age"))
    assert verdict(found, 2) == SUPPORTED
    assert re.search(
        r"multitask (\d+\.\d) %, gender \1 %, difference \+0.0 points \[\+0.0, \+0.0\]",
        why(found, 2),
    )
    assert "if they were equal, 5 folds would show it in 100% of cases" in why(found, 2)


def test_worse_network_contradicts_equality() -> None:
    """Ten points on one task are enough, whatever the other shows."""
    found = results_with(network("multitask", age=0.5), network("gender"), network("age"))
    assert verdict(found, 2) == CONTRADICTED


def test_few_faces_decide_nothing_and_say_how_many_would() -> None:
    """Two networks of equal skill that err on different faces, 200 of them."""
    few = [
        replace(runs, predictions=runs.predictions.groupby("fold").head(40))
        for runs in (
            network("multitask", seed=1),
            network("gender", seed=2),
            network("age", seed=3),
        )
    ]
    found = results_with(*few)
    assert verdict(found, 2) == UNDECIDED
    assert "to decide a difference of this size: more than 100 times the subjects" in why(found, 2)


def test_networks_that_learned_nothing_are_not_called_equal() -> None:
    """Both always say the same: equal, and worth nothing."""
    networks = [network(name, gender=0.49, age=0.12) for name in ("multitask", "gender", "age")]
    found = results_with(*networks)
    assert verdict(found, 2) == UNDECIDED
    assert "not shown to beat the most frequent label: gender on gender" in why(found, 2)


def test_network_that_learned_nothing_can_still_be_worse() -> None:
    """Two tasks at once that are not learned, against two networks that do."""
    idle = network("multitask", gender=0.49, age=0.12)
    assert verdict(results_with(idle, network("gender"), network("age")), 2) == CONTRADICTED


def test_number_that_was_only_published_decides_nothing() -> None:
    """Without Levi & Hassner's networks run here, claims 1 and 4 stay open."""
    found = results_with(network("gender"), network("age"), network("transfer", gender=0.95))
    for number in (1, 4):
        assert verdict(found, number) == UNDECIDED
        assert "only published is undecided by nature" in why(found, number)


def test_baseline_that_was_run_decides() -> None:
    """Equal networks for claim 1, a better one on gender and an equal one on age for claim 4."""
    networks = (network("gender"), network("age"), network("transfer", gender=0.9))
    found = results_with(*networks, published=baseline(), held_out=held_out(*networks))
    assert verdict(found, 1) == SUPPORTED
    assert verdict(found, 4) == SUPPORTED
    worse = network("transfer", gender=0.7)
    against = results_with(worse, published=baseline(), held_out=held_out(worse))
    assert verdict(against, 4) == CONTRADICTED


def test_epochs_chosen_on_the_scored_faces_are_not_set_against_a_baseline_without() -> None:
    """The optimism would go one way. Held-out trainings are asked for."""
    found = results_with(network("gender"), network("age"), published=baseline())
    assert verdict(found, 1) == UNDECIDED
    assert "gender has chosen its epochs on the scored faces" in why(found, 1)


def test_shortened_recipe_is_not_the_baselines() -> None:
    """Two of 192 epochs decide nothing about Levi & Hassner's networks."""
    networks = (network("gender"), network("age"))
    found = results_with(*networks, published=baseline(epochs=2), held_out=held_out(*networks))
    assert verdict(found, 1) == UNDECIDED
    assert "own recipe was cut to 2 of its 192 epochs" in why(found, 1)


def test_trainings_that_were_cut_off_do_not_decide_about_trained_networks() -> None:
    """Six epochs of the paper's hundred, all of them used."""
    short = replace(PAPER, epochs=6)
    networks = [
        replace(stopping(network(name), 6, 6, 100), protocol=short)
        for name in ("multitask", "gender", "age")
    ]
    found = results_with(*networks)
    assert verdict(found, 2) == UNDECIDED
    assert "cut off before the paper's 100 epochs: multitask at 6, gender at 6" in why(found, 2)


def test_demo_decides_nothing() -> None:
    """The same runs on drawn faces: what was found stands there, and no verdict."""
    drawn = load(DEMO)
    found = results_with(network("multitask"), network("gender"), network("age"), is_demo=True)
    made = verdicts(found)
    assert set(made["verdict"]) == {UNDECIDED}
    assert made["why"].str.contains("drawn faces decide nothing").all()
    words = findings.about_claims(made, found, drawn)
    assert "0 supported, 0 contradicted, 9 undecided. " in words


def stopping(runs: Runs, epochs: int, best: int, seconds: float) -> Runs:
    """The same network with other times."""
    records = runs.records.assign(epochs=epochs, best_epoch=best, seconds=seconds)
    spread = np.array([0.98, 0.99, 1, 1.01, 1.02])
    return replace(runs, records=records.assign(seconds=seconds * spread))


@pytest.mark.parametrize(
    ("seconds", "expected"), [(70.0, SUPPORTED), (150.0, CONTRADICTED), (100.0, UNDECIDED)]
)
def test_time_is_cut_drastically_or_not(seconds: float, expected: str) -> None:
    """Half of the two together, 100 of 200 seconds, is the line."""
    found = results_with(
        stopping(network("multitask"), 26, 16, seconds),
        stopping(network("gender"), 50, 40, 100),
        stopping(network("age"), 34, 24, 100),
    )
    assert verdict(found, 3) == expected


def test_time_decides_nothing_where_early_stopping_did_not_end_it() -> None:
    """A training that ran into the limit of epochs has no time of its own."""
    found = results_with(
        stopping(network("multitask"), 100, 99, 70),
        stopping(network("gender"), 50, 40, 100),
        stopping(network("age"), 34, 24, 100),
    )
    assert verdict(found, 3) == UNDECIDED
    assert "ended by the limit of epochs, not by early stopping: 5 of multitask" in why(found, 3)


def test_times_of_different_machines_are_not_compared() -> None:
    """The message names them."""
    other = network("multitask")
    other = replace(other, records=other.records.assign(machine="a GPU"))
    found = results_with(other, network("gender"), network("age"))
    assert "timed on different machines: a GPU; a processor" in why(found, 3)


@pytest.mark.parametrize(("best", "expected"), [(3, SUPPORTED), (12, CONTRADICTED)])
def test_convergence_is_the_best_epoch_and_not_the_last(best: int, expected: str) -> None:
    """Patience adds ten epochs to each training that say nothing about convergence."""
    found = results_with(stopping(network("transfer"), best + 10, best, 100))
    assert verdict(found, 5) == expected


def test_nothing_that_was_not_transferred_or_learned_converges() -> None:
    """A network with random features, or one that stays at chance, stops soon as well."""
    soon = stopping(network("transfer"), 13, 3, 100)
    random = replace(soon, protocol=replace(PAPER, weights="random"))
    assert "nothing was transferred" in why(results_with(random), 5)
    idle = stopping(network("transfer", gender=0.49, age=0.12), 13, 3, 100)
    assert verdict(results_with(idle), 5) == UNDECIDED
    assert "not shown to beat the most frequent label" in why(results_with(idle), 5)


def linear_probes(trained: float, untrained: float, pixels: float) -> dict[str, Runs]:
    """Both directions, with these shares right."""
    runs = {}
    for task, other in (("age", "gender"), ("gender", "age")):
        for source, share in ((other, trained), ("untrained", untrained), ("pixels", pixels)):
            name = f"{task}_from_{source}"
            simulated = network(task, gender=share, age=share)
            runs[name] = replace(simulated, model=name)
    return runs


@pytest.mark.parametrize(
    ("trained", "expected"), [(0.5, SUPPORTED), (0.7, CONTRADICTED), (0.52, UNDECIDED)]
)
def test_features_of_the_other_task_are_there_or_not(trained: float, expected: str) -> None:
    """More than two points better than off the untrained trunk and off the pixels, or not."""
    networks = (network("gender"), network("age"))
    found = results_with(*networks, linear_probes=linear_probes(trained, 0.5, 0.4))
    assert verdict(found, 6) == expected
    assert "age read off the trained gender trunk " in why(found, 6)


def test_networks_without_any_features_support_nothing_about_them() -> None:
    """An untrained trunk is as good as itself."""
    idle = (network("gender", gender=0.49), network("age", age=0.12))
    assert verdict(results_with(*idle, linear_probes=linear_probes(0.5, 0.5, 0.5)), 6) == UNDECIDED


def with_seconds(runs: Runs, seconds: float) -> Runs:
    """Folds whose second epoch took about so long, and whose first took twice that."""
    spread = 1 + 0.01 * runs.history["fold"]
    times = seconds * spread * np.where(runs.history["epoch"] == 1, 2, 1)
    return replace(runs, history=runs.history.assign(seconds=times))


def test_cost_is_seconds_and_arithmetic() -> None:
    """The published network needs fewer multiply-adds: being faster alone supports nothing."""
    published = {"levi_hassner_gender": with_seconds(network("levi_hassner_gender"), 10)}
    slower = results_with(with_seconds(network("gender"), 20), same_recipe=published)
    faster = results_with(with_seconds(network("gender"), 5), same_recipe=published)
    assert verdict(slower, 7) == CONTRADICTED
    assert verdict(faster, 7) == UNDECIDED
    assert "749 million multiply-adds a face against 709" in why(faster, 7)


def test_network_that_is_built_otherwise_by_now_decides_nothing() -> None:
    """The claim is about another one; a claim without it is decided still."""
    old = replace(network("gender"), version=1)
    found = results_with(network("multitask"), old, network("age"))
    for number in (2, 3, 9):
        assert verdict(found, number) == UNDECIDED
        assert "without Table 1's third normalisation: gender" in why(found, number)
    assert "normalisation" not in why(found, 8)


def test_training_that_went_on_elsewhere_is_of_two_machines() -> None:
    """Even where all went the same way: how much of each ran where is not said."""
    networks = [network(name) for name in ("multitask", "gender", "age")]
    moved = [
        replace(runs, records=runs.records.assign(machine=f"one{AND_ON}another"))
        for runs in networks
    ]
    assert "timed on different machines: another; one" in why(results_with(*moved), 3)
    assert "times the seconds" in why(results_with(*networks), 3)


def test_seconds_of_one_fold_are_one_measurement() -> None:
    """However many epochs it has: a machine that was busy then is busy in all of them."""
    one = with_seconds(network("levi_hassner_gender"), 10).on_folds([0])
    found = results_with(
        with_seconds(network("gender"), 20), same_recipe={"levi_hassner_gender": one}
    )
    assert verdict(found, 7) == UNDECIDED
    assert "fold 0 only" in why(found, 7)


def ages_right(shares: dict[int, float]) -> Runs:
    """A multi-task network that gets these shares of some ages right, and half of the others."""
    runs = network("multitask", age=1)
    random, table = np.random.default_rng(0), runs.predictions
    wrong = random.random(FACES) >= table["age"].map(lambda age: shares.get(age, 0.5))
    guesses = {"age": list((table["age"] + wrong) % 8), "gender": list(table["gender"])}
    truth = {"age": list(table["age"]), "gender": list(table["gender"])}
    return runs_with("multitask", truth, guesses, folds=5)


def test_best_age_is_the_one_with_the_highest_share() -> None:
    """25 to 32 ahead of all others, or behind one of them."""
    assert verdict(as_many_of_each(ages_right({4: 1})), 8) == SUPPORTED
    assert verdict(as_many_of_each(ages_right({0: 1})), 8) == CONTRADICTED
    assert verdict(as_many_of_each(ages_right({})), 8) == UNDECIDED


def as_many_of_each(runs: Runs) -> Results:
    """The runs of a dataset in which no age is more frequent than another."""
    return results_with(runs, faces=runs.predictions[: FACES // 16 * 16])


def test_best_age_is_looked_for_where_it_is_the_most_frequent() -> None:
    """That is why the paper expects it to be the best."""
    runs = ages_right({4: 1})
    few = results_with(runs, faces=runs.predictions[runs.predictions["age"] != 4])
    assert verdict(few, 8) == UNDECIDED
    assert "the most frequent age is (0, 2) here" in why(few, 8)


def test_equal_ages_do_not_contradict_each_other() -> None:
    """One of seven others is always ahead by chance; that it was picked is reckoned with."""
    networks = [network("multitask", seed=seed) for seed in range(8)]
    wrong = [verdict(as_many_of_each(runs), 8) for runs in networks]
    assert set(wrong) == {UNDECIDED}


def test_network_that_always_says_one_age_is_not_effective_at_it() -> None:
    """All faces of that age are right, and nothing was learned."""
    runs = network("multitask")
    truth = {name: list(runs.predictions[name]) for name in ("age", "gender")}
    always = runs_with("multitask", truth, {"age": [4] * FACES, "gender": truth["gender"]}, 5)
    assert verdict(results_with(always), 8) == UNDECIDED
    assert "the network says (25, 32) of 100 % of all faces" in why(results_with(always), 8)


def test_age_without_test_faces_leaves_the_claim_open() -> None:
    """The message names the age; the other claims are still decided."""
    runs = network("multitask")
    without = replace(runs, predictions=runs.predictions[runs.predictions["age"] != 7])
    assert "no test faces aged (60, 100)" in why(results_with(without), 8)


def by_fold(task: str, shares: list[float]) -> Runs:
    """A network for one task whose folds have these shares right."""
    runs = network(task, **{task: 1})
    table, classes = runs.predictions, {"gender": 2, "age": 8}[task]
    place = table.groupby("fold").cumcount() / (FACES / 5)
    wrong = (place * 8 % 1) >= table["fold"].map(dict(enumerate(shares)))
    truth = {name: list(table[name]) for name in ("gender", "age")}
    return runs_with(task, truth, {task: list((table[task] + wrong) % classes)}, folds=5)


def test_spread_over_folds_is_adiences_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Age varies five times as much and the first fold leads: so the paper saw it."""
    monkeypatch.setattr(significance, "RESAMPLES", 9999)  # as in a report: p-values down to 0.0001
    gender = by_fold("gender", [0.92, 0.80, 0.81, 0.79, 0.80])
    age = by_fold("age", [0.95, 0.30, 0.20, 0.60, 0.40])
    assert verdict(results_with(gender, age), 9) == SUPPORTED
    elsewhere = results_with(gender, age, is_adience=False)
    assert verdict(elsewhere, 9) == UNDECIDED
    assert "these folds are not Adience's" in why(elsewhere, 9)
    last = by_fold("gender", [0.80, 0.81, 0.79, 0.80, 0.90])
    assert verdict(results_with(last, age), 9) == CONTRADICTED


def test_folds_that_are_all_alike_leave_the_other_claims_their_verdicts() -> None:
    """Networks that always say the same have no spread to compare; claim 2 is decided still."""
    count = 1600  # as many of each label in every fold
    truth = {"gender": [0, 1] * 800, "age": [i // 2 % 8 for i in range(count)]}
    alike = [runs_with(task, truth, {task: [0] * count}, folds=5) for task in ("gender", "age")]
    both = runs_with("multitask", truth, truth, folds=5)
    made = table(results_with(both, *alike))
    assert "standard deviation 0.0 points of age, 0.0 of gender" in made.loc[9, "why"]
    assert made["p for"].notna().all()
    assert made.loc[9, "because"].startswith("not shown to beat the most frequent label")
    assert made.loc[2, "verdict"] == CONTRADICTED


def test_more_errors_alone_are_no_larger_spread_over_folds() -> None:
    """Draws scatter more about 50 % than about 95 %; the folds vary alike: both p are near 1/2."""
    age = by_fold("age", [0.50, 0.52, 0.54, 0.48, 0.46])
    gender = by_fold("gender", [0.91, 0.95, 0.93, 0.99, 0.97])
    spread = claims._varies_over_folds(results_with(gender, age)).parts[0]
    assert spread.p_for == pytest.approx(0.5, abs=0.05)
    assert spread.p_against == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("gap", "side"), [(1.0, "p_for"), (-4.0, "p_against")])
def test_as_many_subjects_as_are_said_decide(
    monkeypatch: pytest.MonkeyPatch, gap: float, side: str
) -> None:
    """Within the margin one test decides, beyond it either side could: two tests are paid for."""
    by_fold = gap + np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    draws = np.random.default_rng(0).normal(gap, 0.01, 999)

    def part(times: float) -> Part:
        scaled = gap + (by_fold - gap) / np.sqrt(times)
        found = significance.Resampled(gap, draws, 100), scaled
        monkeypatch.setattr(comparison, "paired_difference", lambda *_: found)
        return comparison.equal(network("multitask"), network("gender"), "gender")

    said = re.search(r"about ([\d.]+) times the subjects", part(1).more)
    assert said
    assert getattr(part(float(said[1])), side) == pytest.approx(0.05 / 9, rel=0.05)


def test_fewer_training_faces_make_folds_less_sure() -> None:
    """A tenth is taken out for monitoring: 0.2 tested by 0.72 trained on, in place of 0.25."""
    gender, age = network("gender"), network("age")
    taken_out = replace(gender, protocol=replace(PAPER, monitor="held_out"))
    assert comparison._test_to_train(gender, age) == pytest.approx(0.2 / 0.8)
    assert comparison._test_to_train(gender, taken_out) == pytest.approx(0.2 / 0.72)


def test_missing_folds_leave_the_spread_open() -> None:
    """The message says which are there."""
    found = results_with(network("gender").on_folds([0, 1]), network("age"))
    assert "gender: needs all five folds, has [0, 1]" in why(found, 9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda runs: replace(runs, fingerprint="other"), "were run on different datasets"),
        (
            lambda runs: replace(runs, protocol=replace(PAPER, faces=100)),
            "were run on different samples",
        ),
        (
            lambda runs: replace(
                runs, predictions=runs.predictions.assign(face=lambda t: "x" + t["face"])
            ),
            "tested other faces on the same folds",
        ),
    ],
)
def test_runs_that_cannot_be_compared_are_not(change: Callable[[Runs], Runs], message: str) -> None:
    """The claim stays open with one line, and the rest of the report goes on."""
    found = results_with(network("multitask"), change(network("gender")), network("age"))
    assert message in why(found, 2)
    assert len(verdicts(found)) == 9


def test_folds_that_do_not_match_are_said() -> None:
    """Neither is scored on the other's faces."""
    one, other = network("multitask").on_folds([0, 1]), network("gender").on_folds([2])
    apart = results_with(one, other, network("age"), faces=network("age").predictions)
    assert "gender tested folds [2]" in why(apart, 2)
    assert "age tested folds [0, 1, 2, 3, 4]: none in common" in why(apart, 3)
    with pytest.raises(
        AdienceError, match=r"tested folds \[0, 1\], gender tested folds \[2\]: none"
    ):
        comparison.paired_difference(one, other, "gender")


def test_one_fold_only_is_said_and_decides_nothing() -> None:
    """The draws alone would call them equal; there is no t-test to agree."""
    networks = [network(name) for name in ("multitask", "gender", "age")]
    first = [runs.on_folds([0]) for runs in networks]
    found = results_with(*first, faces=networks[0].predictions)
    assert verdict(found, 2) == UNDECIDED
    assert "fold 0 only, and no t-test is possible over one fold" in why(found, 2)


def test_nothing_trained_is_nine_open_claims() -> None:
    """Each says what is missing."""
    made = verdicts(results_with())
    assert set(made["verdict"]) == {UNDECIDED}
    assert made.loc[2, "why"] == "multitask has not been trained"


def test_what_is_decided_does_not_change_when_other_claims_are_tested() -> None:
    """Claims without runs count in Holm's correction as well."""
    alone = verdicts(results_with(network("multitask"), network("gender"), network("age")))
    assert alone.loc[2, "p for"] == pytest.approx(9 / 2000)
    assert alone.loc[1, "p for"] == 1


def test_run_that_cannot_be_read_is_not_called_untrained() -> None:
    """The fault is named instead."""
    fault = "runs/demo/multitask/paper/fold_0: not a finished run"
    assert why(results_with(network("gender"), unreadable=[fault]), 2) == fault
