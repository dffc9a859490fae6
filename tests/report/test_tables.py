"""Tables and sentences of what the paper leaves out, on runs that are known or missing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from simulated import results_with, runs_with

from adience_lib.data import DEMO, load
from adience_lib.evidence import cost
from adience_lib.report import findings, tables
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
    assert findings.about_recipes(table).startswith("On 1 fold(s). Their own recipe differs ")


def test_recipes_are_levi_and_hassners() -> None:
    """The reduced networks alone are no comparison of recipes."""
    table = tables.recipes(results_with(network("gender"), network("age")))
    assert "have not been trained" in findings.about_recipes(table)


def test_gammas_have_both_accuracies_with_their_intervals() -> None:
    """A row a gamma."""
    table = tables.gammas({0.25: network("multitask", 0), 0.5: network("multitask")})
    assert table.loc[0.5, ["gender", "gender low", "age high"]].to_list() == [100, 100, 100]
    assert table.loc[0.25, "age low"] < table.loc[0.25, "age"] < 100


def test_cost_is_updates_times_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 training faces in batches of 128 are one update an epoch, half a second each."""
    steps = pd.DataFrame({"seconds": [0.5]}, pd.MultiIndex.from_tuples([("gender", "float32")]))
    monkeypatch.setattr(cost, "steps", lambda: steps)
    table = tables.cost(results_with(network("gender"), network("multitask")))
    assert table.loc["gender", "parameters"] == 7_192_065
    assert table.loc["gender", ["updates", "updates to best"]].to_list() == [20.5, 10.5]
    assert table.loc["gender", ["faces seen", "faces seen to best"]].to_list() == [2050, 1050]
    assert table.loc["gender", f"hours{tables.MEASURED}"] == 0.5 * 20.5 / 3600
    assert np.isnan(table.loc["multitask", f"hours{tables.MEASURED}"]), "it was not measured"


def test_held_out_runs_without_a_log_of_the_test_fold_are_left_out() -> None:
    """The rest of the report goes on."""
    assert tables.optimism(results_with(held_out={"gender": network("gender")})).empty


def test_nothing_trained_is_said_in_a_sentence() -> None:
    """No traceback, and no number; a table is empty, and its figure is not shown."""
    nothing = results_with()
    assert "have not been trained" in findings.about_recipes(tables.recipes(nothing))
    for table in (tables.optimism, tables.calibration, tables.groups, tables.cost):
        assert table(nothing).empty


def test_table_3_and_sentences_have_one_mean() -> None:
    """Folds weigh alike, whatever their sizes: so everywhere."""
    truth = {"gender": [0, 1] * 50, "age": [0] * 100}
    runs = runs_with("gender", truth, {"gender": [0] * 20 + truth["gender"][20:]})
    sizes = np.where(np.arange(100) < 20, 0, 1)
    runs = replace(runs, predictions=runs.predictions.assign(fold=sizes))
    assert tables.table_3(results_with(runs)).loc["gender", "gender accuracy"] == 75
    assert "gender 75.0 % right" in findings.about_runs(load(DEMO), runs.predictions, runs)
