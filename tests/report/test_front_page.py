"""The site's first page: whose answer it gives, and what it says of results."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adience_lib.report import front_page
from adience_lib.report.discrepancies import numbered
from adience_lib.report.front_page import Shown
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError

STUDY = Shown(paths.COMMITTED / "utkface", "the study's faces")


@pytest.fixture
def own(tmp_path: Path) -> Shown:
    """A run of one network on real faces, with one claim supported and one not decided."""
    pd.DataFrame(
        {
            "claim": ["It is so.", "It may be."],
            "verdict": ["supported", "not tested"],
            "because": ["", "one fold only"],
        },
        index=pd.Index(["1", "3a"], name="row"),
    ).to_csv(tmp_path / "claims.csv")
    gender = {"accuracy": 80.4, "low": 78.0, "high": 83.0, "majority": 52.0}
    table_3 = {"folds": 2.0} | {f"gender {name}": value for name, value in gender.items()}
    table_3 |= {f"age {name}": np.nan for name in gender}
    pd.DataFrame(table_3, index=["gender"]).to_csv(tmp_path / "table_3.csv")
    pd.DataFrame(
        {"the paper": "1 %", "found": "2 %", "from": "this report"},
        index=pd.Index(["Women", "The baseline"], name="topic"),
    ).to_csv(tmp_path / "ledger.csv")
    return Shown(tmp_path, "my faces")


def test_real_faces_that_were_run_give_the_answer(own: Shown) -> None:
    """The study that comes with the checkout then stands apart, under its own name."""
    parts = front_page.parts(own, STUDY)
    first = [parts[name] for name in ("which", "answer", "claims", "networks")]
    assert all("y faces" in part and "the study's" not in part for part in first)
    assert "the study's faces" in parts["second"]
    assert "my faces" not in parts["second"]


def test_drawn_faces_never_give_the_answer(own: Shown) -> None:
    """The study does, and what the drawings gave is called so."""
    parts = front_page.parts(Shown(own.folder, "drawings", decides=False), STUDY)
    assert "drawn faces decide nothing" in parts["which"]
    assert all("he study's faces" in parts[name] for name in ("answer", "claims", "networks"))
    assert parts["second"].startswith("These are drawings")


def test_results_of_the_study_itself_are_shown_once() -> None:
    """As after a run on the same faces, which replaces its files."""
    assert front_page.parts(STUDY, STUDY)["second"] == "No other faces were run."


def test_answer_is_in_words_before_numbers() -> None:
    """What is supported by what its row asks; of the rest, the numbers."""
    verdicts = pd.DataFrame(
        {
            "claim": ["Both are equal.", "It is cheaper (weaker than 3a).", "It is best."],
            "verdict": ["inconclusive", "supported", "not tested"],
        },
        index=["2", "3a, any less", "4"],
    )
    said = front_page.answer(verdicts, "Ten faces").split("\n\n")
    assert said[0].startswith(
        "**Ten faces.** That one network equals two was neither shown nor refuted."
    )
    assert said[1:3] == [
        "**Supported:** It is cheaper (weaker than 3a).",
        "**Contradicted:** nothing.",
    ]
    assert said[3].endswith("1 inconclusive (2), 1 not tested (4).")


def test_network_that_was_not_trained_has_no_row(own: Shown) -> None:
    """A task without a network has a dash."""
    table = front_page.parts(own, STUDY)["networks"]
    assert "| gender | 80 % [78, 83] | - |" in table
    assert "| always the most frequent label | 52 % | - |" in table
    assert "transfer" not in table


def test_figure_of_the_claims_has_a_text(own: Shown) -> None:
    """For those who do not see it."""
    figure = front_page.parts(own, STUDY)["forest"]
    assert f"results/{own.folder.name}/claims.svg\n:" in figure and ":alt: " in figure


def test_results_that_are_not_there_are_named(tmp_path: Path) -> None:
    """With the notebook that writes them."""
    with pytest.raises(AdienceError, match=r"ledger\.csv: cannot be read .*notebook 05"):
        front_page.parts(Shown(tmp_path, "my faces"), STUDY)


def test_severe_discrepancies_come_first(own: Shown) -> None:
    """Numbered from 1; a topic without a severity is an error, not a gap."""
    table = numbered(pd.read_csv(own.folder / "ledger.csv", index_col=0))
    assert list(table.index) == [1, 2]
    assert list(table["topic"]) == ["The baseline", "Women"]
    with pytest.raises(KeyError, match="a new one"):
        numbered(table.set_index("topic").rename({"Women": "a new one"}))


@pytest.mark.parametrize("page", ["README.md", "docs/method.md"])
def test_further_criteria_are_said_to_be_outside_the_guarantee(own: Shown, page: str) -> None:
    """Below every table of the claims, whoever wrote the page."""
    said = front_page.further_criteria()
    assert "(1, own recipe; 3a, any less; 3b; " in said
    assert front_page.parts(own, STUDY)["claims"].endswith(said)
    assert said in " ".join((paths.PROJECT / page).read_text("utf-8").split())
