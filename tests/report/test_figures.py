"""Figures: what is drawn, what stands for it in words, and what nothing may cover."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image
from simulated import results_with, runs_with

from adience_lib import models
from adience_lib.data.labels import AGE_LABELS, LABELS
from adience_lib.evidence import claims
from adience_lib.evidence.grad_cam import Attention
from adience_lib.experiments import records
from adience_lib.experiments.experiment import Experiment
from adience_lib.models.summary import architecture_table
from adience_lib.protocol import LEVI_HASSNER
from adience_lib.report import figures, forest, further_figures, notebook, tables
from adience_lib.report.study import RECORDS
from adience_lib.report.style import look, sign, style
from adience_lib.runs.read import Runs
from adience_lib.util import paths

COUNT = 320
TRUTH = {"gender": [0, 1] * (COUNT // 2), "age": [place % 8 for place in range(COUNT)]}
EPOCHS = {0: 6, 1: 9}
"""Of each fold; the best one was two before."""


def network(model: str) -> Runs:
    """Two folds with a history; every tenth face is wrong, and no age is taken for "(38, 43)"."""
    tasks = [task for task in TRUTH if model in ("multitask", "transfer") or model.endswith(task)]
    guesses = {task: list(TRUTH[task]) for task in tasks}
    for task in tasks:
        guesses[task][::10] = [0] * (COUNT // 10)
    if "age" in tasks:
        guesses["age"] = [4 if age == 5 else age for age in guesses["age"]]
    runs = runs_with(model, TRUTH, guesses)
    history = pd.DataFrame(
        [(fold, 0, epoch) for fold, last in EPOCHS.items() for epoch in range(1, last + 1)],
        columns=["fold", "repetition", "epoch"],
    )
    for name in ("loss", *(f"{task}_accuracy" for task in tasks)):
        for kind in ("", "val_"):
            history[f"{kind}{name}"] = 0.1 * history["fold"] + 0.05 * history["epoch"]
    ends = np.array(list(EPOCHS.values()))
    rows = runs.records.assign(epochs=ends, best_epoch=ends - 2)
    return replace(runs, history=history, records=rows)


@pytest.fixture(scope="module")
def found() -> dict[str, Runs]:
    """The networks of Table 3."""
    return {name: network(name) for name in ("gender", "age", "multitask", "transfer")}


@pytest.fixture(scope="module")
def drawn(found: dict[str, Runs]) -> dict[str, Figure]:
    """Every figure of the report."""
    results = results_with(*found.values(), held_out={})
    faces = results.faces.assign(race="a race")
    counts = tables.folds(faces)
    cost = pd.DataFrame(
        {
            "faces seen": 20.0,
            "faces seen to best": 10.0,
            "million multiply-adds, training": 2100.0,
            "gender": 90.0,
        },
        ["gender", "multitask", "levi_hassner_gender", "levi_hassner_gender, own recipe"],
    )
    optimism = pd.DataFrame(
        {"model": ["multitask"] * 2, "fold": [0, 1], "gender": [1.0, -1.0], "age": [0.5, 2.0]}
    )
    gammas = dict.fromkeys((0.0, 0.5, 1.0), found["multitask"])
    seen = Attention(np.zeros((2, 9, 9, 3), "uint8"), np.zeros((2, 9, 9)), np.array([0, 1]))
    chance = {"gender": 50.0, "age": 12.5}
    return {
        "samples": figures.sample_faces(np.zeros((COUNT, 9, 9, 3), "uint8"), faces, 0),
        "ages": figures.age_by_gender(tables.ages(faces)),
        "folds": figures.fold_composition(counts[list(AGE_LABELS)]),
        "architecture": figures.architecture(architecture_table(models.build("multitask"))),
        "gender curves": figures.learning_curves(found["gender"]),
        "curves": figures.learning_curves(found["multitask"]),
        "confusion": figures.confusion_matrices({n: found[n] for n in ("age", "multitask")}, "age"),
        "table 3": figures.table_3(tables.table_3(results)),
        "claims": forest.claims(measured()),
        "gamma": further_figures.accuracy_by_gamma(tables.gammas(gammas)),
        "optimism": further_figures.optimism(optimism),
        "recipes": further_figures.intervals(readouts(), ["read off"], chance),
        "calibration": further_figures.calibration(tables.calibration(results)),
        "groups": further_figures.accuracy_by_group(
            tables.only(tables.groups(results), "model", "multitask")
        ),
        "recall": further_figures.recall(tables.classes(results)),
        "cost": further_figures.accuracy_against_work(cost),
        "attention": further_figures.attention(seen, faces[:2], "multitask", "gender"),
    }


def readouts() -> pd.DataFrame:
    """What a linear model reads off two trunks."""
    return pd.DataFrame(
        {
            "task": ["gender", "age"],
            "read off": ["the trained age trunk", "the pixels"],
            "accuracy": [75.0, 40.0],
            "low": [70.0, 35.0],
            "high": [80.0, 45.0],
        }
    )


def measured() -> pd.DataFrame:
    """Of three criteria, one of which was not tested."""
    table = pd.DataFrame(
        {
            "row": ["2", "2", "7", "8"],
            "what": ["gender", "age", "multiply-adds", "recall"],
            "unit": ["points", "points", "times", "points"],
            "paper": [-0.8, 0.5, np.nan, np.nan],
            "value": [1.2, -1.8, 0.08, 3.0],
            "low": [-3.0, -4.0, 0.08, 1.0],
            "high": [5.4, 0.4, 0.08, 5.0],
            "from": [-3.0, -3.0, 0.0, 0.0],
            "to": [3.0, 3.0, 1.0, np.inf],
        }
    )
    verdicts = [claims.INCONCLUSIVE, claims.INCONCLUSIVE, claims.SUPPORTED, claims.NOT_TESTED]
    return table.assign(verdict=verdicts)


@pytest.fixture(scope="module")
def study() -> Experiment:
    """The experiment of the records on real faces, as if it were of a few of them."""
    whole = records.read(paths.COMMITTED / RECORDS)
    few = replace(whole.dataset, faces=whole.dataset.faces.head(100))
    return replace(whole, dataset=few, protocol=replace(whole.protocol, faces=None))


def lines(figure: Figure, label: str, panel: int = 0) -> list[Any]:
    """The lines of a panel that have ``label`` in a legend."""
    return [line for line in figure.axes[panel].lines if line.get_label() == label]


def xs(line: Any) -> list[float]:
    """Where a line has its points."""
    return np.asarray(line.get_xdata(), float).tolist()


def told(figure: Figure) -> str:
    """What stands for a figure where it is not seen."""
    return str(figure.get_label())


def words(figure: Figure) -> list[str]:
    """The texts in the panels of a figure."""
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_network_has_one_colour_and_marker() -> None:
    """By its name, by its title, and however it was trained; and no two have the same."""
    names = ["gender", "age", "multitask", "transfer", "levi_hassner_gender"]
    for look_of in zip(*map(look, names), strict=True):
        assert len(set(look_of)) == len(names)
    assert look("multitask, held out") == look("multitask")
    assert look("transfer (random features)") == look("transfer")
    assert look("baseline (Levi & Hassner)") == look("levi_hassner_age, own recipe")


def test_network_has_its_colour_in_every_legend(drawn: dict[str, Figure]) -> None:
    """Wherever a legend names it."""
    named = []
    for name, figure in drawn.items():
        for axis in figure.axes:
            for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
                if label.split(" (")[0] in ("gender", "age", "multitask", "transfer"):
                    line: Any = handle[0] if isinstance(handle, tuple) else handle
                    assert to_hex(line.get_color()) == look(label)[0].lower(), name
                    named.append(name)
    assert set(named) == {"calibration", "recall"}


@pytest.mark.parametrize("name", ["curves", "confusion", "claims"])
def test_nothing_covers_the_footer(drawn: dict[str, Figure], name: str) -> None:
    """Neither legends nor squares; nor does a long one make its figure wider."""
    figure = drawn[name]
    sign(figure, f"DEMO: drawn faces, {'with many differences from the paper, ' * 4}")
    figure.draw_without_rendering()
    footer = figure.texts[-1].get_window_extent()
    others: list[Any] = [axis.get_tightbbox() for axis in figure.axes]
    others += [legend.get_window_extent() for legend in figure.legends]
    assert not any(footer.overlaps(box) for box in others)
    assert footer.x1 < figure.bbox.x1


def test_every_figure_says_what_is_seen(drawn: dict[str, Figure]) -> None:
    """In sentences, with numbers."""
    for name, figure in drawn.items():
        said = told(figure)
        assert re.search(r"\d", said) and said.endswith("."), name
        assert 30 < len(said) < 800, name
        assert "nan" not in said, name


def test_shown_figure_keeps_its_text_in_notebook_and_files(
    study: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And equal tables are equal files."""
    shown: list[Any] = []
    monkeypatch.setattr(notebook, "display", shown.append)
    for folder in ("once", "again"):
        table = tables.ages(study.faces)
        one = replace(study, figures_dir=tmp_path / folder)
        notebook.show(one, figures.age_by_gender(table), "ages")
    for kind in ("png", "svg"):
        once, again = (tmp_path / folder / f"ages.{kind}" for folder in ("once", "again"))
        assert once.read_bytes() == again.read_bytes()
    data, metadata = DisplayFormatter().format(shown[0])
    said = metadata["image/png"]["alt"]
    assert said.startswith("Bars of 100 faces") and said.endswith(f"{study.caption}.")
    assert said in (tmp_path / "once" / "ages.svg").read_text("utf-8")
    with Image.open(tmp_path / "once" / "ages.png") as picture:
        assert picture.info["Description"] == said
    assert "image/png" in data


def test_pictures_of_faces_have_no_second_file(
    drawn: dict[str, Figure], study: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drawing in lines would hold the same dots."""
    monkeypatch.setattr(notebook, "display", lambda _: None)
    notebook.show(replace(study, figures_dir=tmp_path), drawn["attention"], "grad_cam")
    assert [file.name for file in tmp_path.iterdir()] == ["grad_cam.png"]


def test_style_is_the_report_s_whatever_a_user_has_set() -> None:
    """And the user's is back afterwards."""
    with matplotlib.rc_context({"font.size": 40, "axes.spines.top": True}):
        with style():
            axis = Figure().subplots()
        assert matplotlib.rcParams["font.size"] == 40
    assert not axis.spines["top"].get_visible()
    assert axis.xaxis.label.get_fontsize() == 10


def test_caption_is_in_words(study: Experiment) -> None:
    """What differs from the paper, and no protocol's label."""
    faces = f"100 faces of UTKFace, batches of {study.protocol.batch_size}"
    assert study.caption == f"{faces}, bfloat16"
    recipe = replace(LEVI_HASSNER, monitor="held_out", gamma=0.3)
    assert replace(study, protocol=recipe, folds=(0, 1)).caption == (
        "100 faces of UTKFace, batches of 50, at most 192 epochs, learning rate 0.001, Caffe's "
        "SGD, momentum 0.9, weight decay 0.0005, rate drops 4, gamma 0.3, epoch chosen on held-out "
        "subjects, folds 0, 1"
    )
    demo = replace(study, dataset=replace(study.dataset, name="demo"))
    assert demo.caption.startswith("DEMO: drawn faces, not people; ")


def test_mean_of_the_curves_ends_with_the_first_fold(drawn: dict[str, Figure]) -> None:
    """It would move when a fold stops; the fold's own line goes on to its end."""
    figure = drawn["gender curves"]
    (mean,) = lines(figure, "mean, while all folds train")
    assert xs(mean) == list(range(1, 7))
    longest = max(len(xs(line)) for line in figure.axes[0].lines)
    assert longest == 9


def test_curves_mark_each_fold_s_best_epoch(drawn: dict[str, Figure]) -> None:
    """By the number of the fold."""
    marks = [line for line in drawn["gender curves"].axes[1].lines if len(xs(line)) == 1]
    assert {line.get_marker(): xs(line)[0] for line in marks} == {"$0$": 4, "$1$": 7}


def test_legend_of_the_curves_tells_the_band(drawn: dict[str, Figure]) -> None:
    """What it is the deviation of; and a legend has no title."""
    (legend,) = drawn["curves"].legends
    assert "standard deviation over folds" in [text.get_text() for text in legend.texts]
    assert not legend.get_title().get_text()


def test_curves_show_the_loss_of_each_task_where_it_is_known(found: dict[str, Runs]) -> None:
    """A history that lacks them shows what was trained on: their weighted sum."""
    before = found["multitask"]
    losses = {f"{kind}{task}_cross_entropy": 1.0 for kind in ("", "val_") for task in LABELS}
    now = replace(before, history=before.history.assign(**losses))
    drawn = [
        [axis.get_ylabel() for axis in figures.learning_curves(runs).axes] for runs in (before, now)
    ]
    accuracies = ["gender accuracy (%)", "age accuracy (%)"]
    assert drawn[0] == [*accuracies, "loss of both tasks"]
    assert drawn[1] == [accuracies[0], "gender loss", accuracies[1], "age loss"]


def test_architecture_is_a_trunk_and_two_heads(drawn: dict[str, Figure]) -> None:
    """A box for the image and one for each layer with weights, with the sizes of Table 1."""
    said = [text for text in words(drawn["architecture"]) if "→" in text]
    assert len(said) == 4 + 3 + 3
    assert "→ 110 × 110 × 24,  3,552 weights" in said[1]
    assert said[6].startswith("gender: fully connected, sigmoid")
    assert drawn["architecture"].get_figheight() < 5


def test_confusions_of_a_task_stand_side_by_side(drawn: dict[str, Figure]) -> None:
    """A panel a network; a cell without faces has no number."""
    one, other = drawn["confusion"].axes
    assert one.get_position().y0 == pytest.approx(other.get_position().y0)
    assert "0" not in words(drawn["confusion"])
    assert "least of the true (38, 43) (0 %)" in told(drawn["confusion"])


def test_folds_show_how_their_ages_differ() -> None:
    """In points from the share of all: the first fold has all of the old."""
    counts = pd.DataFrame([[10, 10], [20, 0]], index=[0, 1], columns=["young", "old"])
    figure = figures.fold_composition(counts)
    marks = [line for line in figure.axes[0].lines if len(xs(line)) == 1]
    heights = [float(np.asarray(line.get_ydata())[0]) for line in marks]
    assert heights == [-25, 25, 25, -25]


def test_table_3_shows_no_row_without_a_value(drawn: dict[str, Figure]) -> None:
    """Neither the other task's network nor what was not run; the paper's baseline is there."""
    rows = [[tick.get_text() for tick in axis.get_yticklabels()] for axis in drawn["table 3"].axes]
    assert rows[0] == ["baseline (Levi & Hassner)", "gender", "multitask", "transfer"]
    assert rows[2] == ["age", "multitask", "transfer"]


def test_baseline_that_was_run_is_marked(found: dict[str, Runs]) -> None:
    """It is scored otherwise than the others: hollow, and the legend says how."""
    own = network("levi_hassner_gender").on_folds([0])
    own = replace(own, ten_crops=own.predictions)
    results = results_with(found["gender"], published={"levi_hassner_gender": own})
    figure = figures.table_3(tables.table_3(results))
    rows = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert rows[:2] == ["baseline (Levi & Hassner)*", "gender"]
    assert "*1 fold, ten crops" in [text.get_text() for text in figure.legends[0].texts]
    (mark,) = [line for line in figure.axes[0].lines if line.get_marker() == "X"]
    assert mark.get_markerfacecolor() == "white"


def test_network_with_fewer_folds_than_others_is_marked(found: dict[str, Runs]) -> None:
    """Its wide interval is not its network's doing."""
    few = found | {"transfer": found["transfer"].on_folds([0])}
    figure = figures.table_3(tables.table_3(results_with(*few.values())))
    rows = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert [row for row in rows if row.endswith("*")] == ["transfer*"]
    assert "*1 fold" in [text.get_text() for text in figure.legends[0].texts]


def test_forest_plot_has_every_criterion_that_was_tested(drawn: dict[str, Figure]) -> None:
    """Once, with its words and its verdict; a panel a unit."""
    said = words(drawn["claims"])
    assert [text for text in said if text in claims.VERDICTS] == ["inconclusive", "supported"]
    assert said[0].startswith("2: Multi-task equals the two")
    assert [axis.get_xlabel() for axis in drawn["claims"].axes] == [
        "points of accuracy, one network minus another",
        "ratio (log scale)",
    ]
    drawings = measured().assign(verdict=claims.NOT_TESTED)
    assert words(forest.claims(drawings)) == ["No criterion was tested."]


def test_heads_that_nothing_trained_have_no_point(drawn: dict[str, Figure]) -> None:
    """Gender at gamma 0, age at gamma 1."""
    gender, age = drawn["gamma"].axes[0].lines
    assert xs(gender) == [0.5, 1.0]
    assert xs(age) == [0.0, 0.5]


def test_both_tasks_are_on_one_axis_with_the_most_frequent_label(
    drawn: dict[str, Figure],
) -> None:
    """So that a gap is as wide in one as in the other."""
    one, other = drawn["recipes"].axes
    assert one.get_xlim() == other.get_xlim() == (0, 100)
    label = "always the most frequent label"
    chance = [xs(*lines(drawn["recipes"], label, panel))[0] for panel in (0, 1)]
    assert chance == [50.0, 12.5]


def test_probability_of_two_labels_begins_at_a_half(drawn: dict[str, Figure]) -> None:
    """Below it no answer lies."""
    gender, age = drawn["calibration"].axes
    assert gender.get_xlim()[0] > 45
    assert age.get_xlim()[0] < 15


def test_groups_have_their_number_of_faces_and_a_reference(drawn: dict[str, Figure]) -> None:
    """A row a group by one division: two genders and eight ages."""
    axis = drawn["groups"].axes[0]
    rows = [tick.get_text() for tick in axis.get_yticklabels()]
    assert rows[0] == f"f, n {COUNT // 2}"
    assert len(rows) == 2 + 8
    assert lines(drawn["groups"], "all faces")
    assert "lowest (38, 43) (0 %)" in told(drawn["groups"])


def test_ages_are_not_joined(drawn: dict[str, Figure]) -> None:
    """They are groups of people; and each has its number of faces."""
    axis = drawn["recall"].axes[0]
    assert {line.get_linestyle() for line in axis.lines} == {"None"}
    assert axis.get_xticklabels()[0].get_text() == f"(0, 2)\nn {COUNT // 8}"


def test_own_recipe_is_told_from_the_paper_s(drawn: dict[str, Figure]) -> None:
    """The same colour, and a hollow mark."""
    marks = [line for line in drawn["cost"].axes[0].lines if line.get_marker() == "X"]
    assert [line.get_markerfacecolor() for line in marks] == [look("levi_hassner")[0], "white"]
