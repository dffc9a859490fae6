"""Tables and sentences of what the paper leaves out, on runs that are known or missing."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from simulated import results_with, runs_with

from adience_lib.data.labels import LABELS
from adience_lib.report import figures, findings, further_figures, lessons, tables
from adience_lib.runs.read import Runs

TRUTH = {"gender": [0, 1] * 8, "age": [0, 1, 2, 3] * 4}


def network(model: str, *wrong: int) -> Runs:
    """Two folds of eight faces, all right but those at the places ``wrong``."""
    tasks = [task for task in TRUTH if model in ("multitask", "transfer") or model.endswith(task)]
    guesses = {
        task: [label + (place in wrong) if label == 0 else label for place, label in enumerate(of)]
        for task, of in TRUTH.items()
        if task in tasks
    }
    return runs_with(model, TRUTH, guesses)


def test_recipes_are_compared_on_the_folds_that_all_have() -> None:
    """The reduced network's other fold, on which it errs, does not count."""
    reduced = network("gender", 8, 10)
    under = network("levi_hassner_gender").on_folds([0])
    own = replace(under, ten_crops=under.predictions)
    table = tables.recipes(
        results_with(
            reduced,
            same_recipe={"levi_hassner_gender": under},
            published={"levi_hassner_gender": own},
        )
    )
    assert table["accuracy"].to_list() == [100, 100, 100, 100]
    assert table["folds"].to_list() == [1, 1, 1, 1]
    assert table["scored on"].to_list() == ["centre crop"] * 3 + ["ten crops"]
    assert "Levi & Hassner, own recipe, 20 epochs, ten crops: 100.0" in findings.about_recipes(
        table
    )


def test_gammas_have_both_accuracies_with_their_intervals() -> None:
    """A row a gamma; the sentence speaks of untrained heads only where there are any."""
    table = tables.gammas({0.25: network("multitask", 0), 0.5: network("multitask")})
    assert table.loc[0.5, ["gender", "gender low", "age high"]].to_list() == [100, 100, 100]
    assert table.loc[0.25, "age low"] < table.loc[0.25, "age"] < 100
    words = findings.about_gamma(table)
    assert "gender was best at gamma 0.5 with 100.0 %" in words
    assert "nothing trains" not in words


def test_groups_that_are_apart_are_named_and_others_are_not() -> None:
    """All women wrong, all men right; the figure shows as many groups as there are."""
    guesses = {"gender": [1] * 400, "age": [4] * 400}
    runs = runs_with("multitask", {"gender": [0, 1] * 200, "age": [4] * 400}, guesses)
    table = tables.groups(results_with(runs))
    words = findings.about_groups(table)
    assert "multitask on gender: 0 % of f" in words
    assert "multitask on age: no two groups are apart" in words
    figure = further_figures.accuracy_by_group(tables.of_model(table, "multitask"))
    assert len(figure.axes[0].get_yticks()) == 27


def test_cost_names_what_each_network_took() -> None:
    """Weights and arithmetic of the networks as built, seconds of the runs."""
    table = tables.cost(results_with(network("gender"), network("multitask")))
    assert table.loc["gender", "parameters"] == 7_192_065
    assert table.loc["multitask", "seconds"] == 105
    assert table.loc["multitask", "seconds to best"] == 50
    assert "At most 1,000 MB of memory" in findings.about_cost(table)
    figure = further_figures.accuracy_against_time(table)
    assert [axis.get_xlabel() for axis in figure.axes] == [
        "seconds of training, a fold (log scale)"
    ] * 2


def test_cost_of_different_machines_is_marked() -> None:
    """In the table, in words and on the axis."""
    gender, multitask = network("gender"), network("multitask")
    elsewhere = replace(gender, records=gender.records.assign(machine="another"))
    table = tables.cost(results_with(elsewhere, multitask))
    assert table.loc["gender", "machine"] == "another"
    assert "timed on different machines" in findings.about_cost(table)
    figure = further_figures.accuracy_against_time(table)
    assert "on different machines" in figure.axes[0].get_xlabel()


def test_held_out_runs_without_a_log_of_the_test_fold_are_left_out() -> None:
    """The rest of the report goes on."""
    assert tables.optimism(results_with(held_out={"gender": network("gender")})).empty


@pytest.mark.parametrize(
    "words",
    [
        findings.about_optimism(tables.optimism(results_with())),
        findings.about_recipes(tables.recipes(results_with())),
        findings.about_gamma(tables.gammas({})),
        findings.about_calibration(tables.calibration(results_with())),
        findings.about_groups(tables.groups(results_with())),
        findings.about_cost(tables.cost(results_with())),
    ],
)
def test_nothing_trained_is_said_in_a_sentence(words: str) -> None:
    """No traceback, and no number."""
    assert words.startswith(("No ", "There is no ", "Levi & Hassner's networks have not"))


def test_calibration_speaks_of_the_direction() -> None:
    """Ninety per cent sure and always right: not sure enough."""
    table = tables.calibration(results_with(network("gender")))
    assert findings.about_calibration(table).endswith("10.0 points, not sure enough.")


def test_nothing_of_the_curves_covers_the_caption() -> None:
    """On the written page, where a caption is long: as many of its dots as without the legend."""
    figure = figures.learning_curves(lessons.read()[1].finished["multitask"])
    figures.mark(figure, f"DEMO {'of a protocol with many differences,' * 3}")
    dots = []
    for shown in (True, False):
        figure.legends[0].set_visible(shown)
        page = io.BytesIO()
        figure.savefig(page, bbox_inches="tight", dpi=figures.DOTS_AN_INCH)
        red, green, _ = np.moveaxis(np.asarray(Image.open(page).convert("RGB"), int), -1, 0)
        dots.append(np.sum((red > 150) & (green < 60)))
    assert dots[0] == dots[1] > 100


def test_curves_show_the_loss_of_each_task_where_it_is_known() -> None:
    """A history that lacks them shows what was trained on: their weighted sum."""
    before = lessons.read()[1].finished["multitask"]
    losses = {f"{kind}{task}_cross_entropy": 1.0 for kind in ("", "val_") for task in LABELS}
    now = replace(before, history=before.history.assign(**losses))
    drawn = [
        [axis.get_ylabel() for axis in figures.learning_curves(runs).axes] for runs in (before, now)
    ]
    accuracies = ["gender accuracy (%)", "age accuracy (%)"]
    assert drawn[0] == [*accuracies, "loss of both tasks"]
    assert drawn[1] == [accuracies[0], "gender loss", accuracies[1], "age loss"]


def test_seconds_of_two_machines_are_not_compared(tmp_path: Path) -> None:
    """Only epochs are then; where all ran on one machine, the seconds are as well."""
    study = replace(lessons.read()[0], runs_dir=tmp_path / "records")
    gender, age, multitask = (network(name) for name in ("gender", "age", "multitask"))
    elsewhere = replace(age, records=age.records.assign(machine="another processor"))
    for one, compared in ((age, True), (elsewhere, False)):
        words = lessons.taught(study, results_with(gender, one, multitask))
        assert "in 0.50 times the epochs" in words
        assert ("0.50 times the seconds of the two together" in words) == compared
