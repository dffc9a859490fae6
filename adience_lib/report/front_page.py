"""The parts of the site's first page that come out of finished results.

Each part is Markdown as MyST reads it. ``docs/index.md`` says where it stands.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from adience_lib.data.labels import LABELS
from adience_lib.evidence import contrast, paper
from adience_lib.evidence.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from adience_lib.experiments.results import NOTEBOOK_OF
from adience_lib.report.discrepancies import numbered
from adience_lib.report.findings import by_verdict
from adience_lib.report.tables import known, majority, with_interval
from adience_lib.util.errors import AdienceError
from adience_lib.util.markdown import markdown


@dataclass(frozen=True)
class Shown:
    """Results as notebook 05 keeps them in a ``folder``. ``data``: what stands in each caption, so
    that no number can be taken for another dataset's. ``decides``: False for drawn faces."""

    folder: Path
    data: str
    decides: bool = True


def parts(own: Shown, study: Shown) -> dict[str, str]:
    """The text of each part by its name: of this report's ``own`` run, and of the ``study`` that
    comes with the checkout. Drawn faces never give the answer. Raises AdienceError naming a file
    of results that cannot be read."""
    first, second = (own, study) if own.decides else (study, own)
    others = "\n\n".join(_results(second).values())
    if first.folder == second.folder:
        others = "No other faces were run."
    elif not second.decides:
        others = f"These are drawings: the numbers show that the programs work.\n\n{others}"
    discrepancies = _captioned(
        numbered(_read(first, "ledger")).drop(columns="from"),
        "discrepancies",
        "High: a claim of the paper rests on it. Medium: whoever rebuilds the networks has to "
        "settle it. Low: no result changes with it.",
    )
    about = {"which": _which(own, study), "discrepancies": discrepancies, "second": others}
    return about | _results(first)


def _results(shown: Shown) -> dict[str, str]:
    """The answer, the figure of the claims, why each claim has its verdict, and the accuracies."""
    data, name = shown.data, shown.folder.name
    verdicts = _read(shown, "claims")[["claim", "verdict", "because"]].fillna("")
    said = answer(verdicts, data[:1].upper() + data[1:])
    if "adience" not in data:
        said += "\n\nThe paper used the faces of Adience, which its authors give out on request."
    figure = (
        f"```{{figure}} {source_of(shown.folder)}/claims.svg\n"
        f":name: claims-figure-{name}\n"
        f":alt: A row a claim: what was measured on {data}, with its interval\n\n"
        f"The claims on {data}: the paper's own value, what was found with its 95 % interval, and "
        "a band where the criterion holds. Verdicts ask for more than 95 %, so an interval outside "
        "its band may be inconclusive.\n```"
    )
    why = verdicts.assign(verdict="**" + verdicts["verdict"] + "**").rename_axis("no.")
    claims = _captioned(why, f"claims-{name}", f"The claims on {data}.")
    networks = _captioned(
        shares(_read(shown, "table_3")),
        f"networks-{name}",
        f"The share of the test faces that are labelled correctly on {data}: a mean over the "
        "folds, with its 95 % interval.",
    )
    claims += f"\n\n{further_criteria()}"
    return {"answer": said, "forest": figure, "claims": claims, "networks": networks}


def _which(own: Shown, study: Shown) -> str:
    """What was run, and whose the answer is."""
    if not own.decides:
        return (
            f"```{{warning}}\nThis report was run on {own.data}, and **drawn faces decide "
            "nothing**, neither about people nor about the paper. The answer below is not theirs: "
            f"it is of {study.data}, whose results come with the checkout. What the drawings gave "
            "stands [further down](#what-other-faces-gave) and in the notebooks.\n```"
        )
    return f"```{{note}}\nThis report was run on {own.data}; the answer below is of these.\n```"


_AS_GOOD_AS_TWO = {
    SUPPORTED: f"One network for both tasks equals two, within {contrast.MARGIN:g} points.",
    CONTRADICTED: f"One network for both tasks is not within {contrast.MARGIN:g} points of two.",
    INCONCLUSIVE: "That one network equals two was neither shown nor refuted.",
}


def answer(verdicts: pd.DataFrame, data: str) -> str:
    """What is supported and contradicted on ``data``, and the numbers of the rest, out of
    ``claims.verdicts``. Also a block of the README."""
    of_2 = verdicts["verdict"].get("2", "")
    otherwise = "One network was not set against two."
    parts = [f"**{data}.** {_AS_GOOD_AS_TWO.get(of_2, otherwise)}"]
    for verdict in (SUPPORTED, CONTRADICTED):
        words = verdicts.loc[verdicts["verdict"] == verdict, "claim"]
        parts.append(f"**{verdict.capitalize()}:** {' '.join(words) or 'nothing.'}")
    rest = verdicts[~verdicts["verdict"].isin([SUPPORTED, CONTRADICTED])]
    parts.append(f"The other criteria, as the table below has them: {by_verdict(rest)}.")
    return "\n\n".join(parts)


def further_criteria() -> str:
    """Which criteria are not counted in what the level of the tests guarantees."""
    rows = pd.Series([claim.row for claim in paper.CLAIMS])
    others = rows[rows.str[0].duplicated()]
    return (
        "In a group of three claims (1, 2, 4; 3, 5, 7; 6, 8, 9) the first criteria err in one case "
        f"of twenty at most. The others ({'; '.join(others)}) have no such bound."
    )


def shares(table_3: pd.DataFrame) -> pd.DataFrame:
    """Of ``tables.table_3``, what each network gets right, and what one label for all would. Also
    a block of the README."""
    trained = table_3.loc[[name for name in NOTEBOOK_OF if name in table_3.index]]
    rows = {
        name: [with_interval(row, f"{task} accuracy", task, "{:.0f}", " %") for task in LABELS]
        for name, row in trained.iterrows()
    }
    always = [known(majority(trained, task), "{:.0f} %") for task in LABELS]
    rows["always the most frequent label"] = always
    columns = [f"right on {task}" for task in LABELS]
    return pd.DataFrame.from_dict(rows, "index", columns=columns).rename_axis("network")


def source_of(folder: Path) -> str:
    """Where the site's sources have the figures of a folder of results."""
    return f"results/{folder.name}"


def _read(shown: Shown, name: str) -> pd.DataFrame:
    file = shown.folder / f"{name}.csv"
    try:
        return pd.read_csv(file, index_col=0)
    except (OSError, ValueError) as error:
        raise AdienceError(f"{file}: cannot be read ({error}); notebook 05 writes it") from error


def _captioned(table: pd.DataFrame, name: str, caption: str) -> str:
    return f"```{{table}} {caption}\n:name: {name}\n\n{markdown(table)}\n```"
