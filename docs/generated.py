"""``make readme``: the tables and numbers of README.md and of these pages, out of ``figures/``.

Each stands between two comments, ``<!-- name -->`` and ``<!-- /name -->``, and is never typed. This
lies beside the library, which knows nothing of its README.
"""

import sys
from pathlib import Path

import pandas as pd

from adience_lib.deploy import model_card
from adience_lib.evidence import claims, cost, plan
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.parameters import differences
from adience_lib.experiments.results import NOTEBOOK_OF, Results, finished_sweep
from adience_lib.protocol import LEVI_HASSNER, PAPER
from adience_lib.report import front_page, study, tables
from adience_lib.runs.read import AND_ON, Runs
from adience_lib.util import atomic, console, paths
from adience_lib.util.errors import AdienceError
from adience_lib.util.markdown import markdown
from benchmarks.table import readable_benchmark


def blocks(figures: Path) -> dict[str, str]:
    """The text of every block by its name, out of ``figures``, a folder like the committed one.
    Raises AdienceError if its records cannot be read."""
    recorded, found = study.read(figures)
    evidence = claims.decide(found)
    verdicts = claims.verdicts(evidence)
    criteria = tables.readable_claims(verdicts, claims.measured(evidence))
    empty = dict.fromkeys(("against", "bar", "met"), "")
    benchmark = pd.read_csv(figures / "bench.csv").fillna(empty)
    steps = cost.steps(figures).reset_index().set_index("network")
    columns = {"seconds": "seconds (median)", "low": "from", "high": "to"}
    return {
        "real_in_short": markdown(front_page.shares(tables.table_3(found))),
        "real_run": about_run(recorded, found),
        "real_answer": front_page.answer(verdicts, recorded.caption),
        "real_claims": markdown(criteria[["what is asked", "verdict"]]),
        "real_evidence": markdown(criteria),
        "power_of_claim_2": markdown(plan.of_claim_2()),
        "planned_power": markdown(tables.readable_plan(plan.planned())),
        "not_for": model_card.NOT_FOR,
        "steps": markdown(steps.rename(columns=columns)),
        "benchmark": about_benchmark(benchmark),
        "benchmark_table": markdown(readable_benchmark(benchmark)),
    }


def about_run(study: Experiment, results: Results) -> str:
    """How many faces and trainings, on what machine, and what differs from the paper."""
    swept = [runs for gamma, runs in finished_sweep(study).items() if gamma != study.protocol.gamma]
    finished = [results.finished[name] for name in NOTEBOOK_OF if name in results.finished]
    baseline = [*results.published.values(), *results.same_recipe.values()]
    runs = [*finished, *results.held_out.values(), *baseline, *swept]
    files = study.dataset.drops.set_index("reason")["rows"]["all rows"]
    points = [
        f"{len(study.faces):,} of the {len(study.dataset.faces):,} faces in the eight age labels "
        f"in a copy of UTKFace with {files:,} files, drawn with seed {study.protocol.seed} so that "
        "folds, ages and genders keep their shares as nearly as whole faces allow.",
        f"{sum(len(one.records) for one in runs)} trainings, in "
        f"{sum(one.records['seconds'].sum() for one in runs) / 3600:.1f} hours; these are added "
        "up, and the seconds of claim 3 were measured elsewhere.",
        *_by_machine(runs),
        "Different from the paper's protocol, which is in brackets: "
        f"{differences(study.protocol, PAPER)}.",
    ]
    return "\n".join(f"- {point}" for point in points if point)


def _by_machine(runs: list[Runs]) -> list[str]:
    """Which networks were trained on which machine; their own recipe is Levi & Hassner's."""
    trained: dict[str, dict[str, None]] = {}
    for one in runs:
        recipe = " (own recipe)" if one.protocol.name == LEVI_HASSNER.name else ""
        machines = one.records["machine"].str.split(AND_ON).explode().unique()
        machine = "; ".join(sorted(machines))
        trained.setdefault(machine, {})[f"{one.title}{recipe}"] = None
    return [
        f"On {machine.replace('accelerator: none', 'no accelerator')}: {', '.join(names)}."
        for machine, names in trained.items()
    ]


def about_benchmark(table: pd.DataFrame) -> str:
    """What the table of ``make bench`` comes to; what could not be measured is in no sentence."""
    machine = table.loc[table["group"] == "matrix product", "case"].iloc[0].rsplit(",", 1)[0]
    float32 = table["case"].str.contains("float32")
    step = float32 & (table["group"] == "training step")
    transfer = table["case"].str.startswith("transfer")
    pytorch, keras, precision = (
        table["against"].str.startswith(f"times {other}")
        for other in ("PyTorch", "plain Keras", "float32")
    )
    found = {
        "% of the machine's own rate in a step (reduced networks, float32)": step & ~transfer,
        "% of it in a step (transfer, float32)": step & transfer,
        "times as fast as PyTorch (reduced networks, float32)": float32 & pytorch,
        "times as fast as plain Keras (gender, a step and an epoch)": keras,
        "times as fast in bfloat16 as in float32": precision,
    }
    parts = []
    for words, rows in found.items():
        if rows.any():
            scale, form = (100, "{:.0f}") if words.startswith("%") else (1, "{:.1f}")
            ends = (scale * table.loc[rows, "ratio"]).agg(["min", "max"]).map(form.format)
            parts.append(f"{' to '.join(ends.unique())} {words}")
    barred, missed = table[table["met"] != ""], table[table["met"] == "no"]
    parts.append(f"{len(barred) - len(missed)} of {len(barred)} bars are met")
    parts += [
        f"missed: {row.case}, {row.ratio:.3f} {row.against} ({row.bar})"
        for row in missed.itertuples()
    ]
    return "\n".join([f"On {machine}:", "", *(f"- {part}" for part in parts)])


DOCS = {
    "docs/method.md": ("real_evidence", "power_of_claim_2", "planned_power"),
    "docs/speed.md": ("benchmark", "steps", "benchmark_table"),
}
"""The blocks that stand in other pages than README.md, by page."""


def pages(root: Path) -> dict[str, str]:
    """README.md and the pages of ``DOCS`` below ``root``, filled out of its ``figures/``. Raises
    AdienceError if the records there cannot be read, or as ``filled``."""
    texts = blocks(root / "figures")
    parts = {page: {name: texts.pop(name) for name in names} for page, names in DOCS.items()}
    parts["README.md"] = texts
    return {
        page: filled(page, (root / page).read_text("utf-8"), part) for page, part in parts.items()
    }


def filled(page: str, text: str, texts: dict[str, str]) -> str:
    """``text`` of the page ``page`` with each block replaced by its own of ``texts``. Raises
    AdienceError naming a block that is not there, or not once."""
    for name, block in texts.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, *rest = text.split(begin)
        inside = rest[0].split(end) if len(rest) == 1 else []
        if len(inside) != 2:
            raise AdienceError(f"{page}: {begin} ... {end} must stand in it once")
        text = f"{before}{begin}\n{block}\n{end}{inside[1]}"
    return text


def main() -> None:
    """Write the pages anew. Raises AdienceError as ``pages``, or naming what cannot be written."""
    for page, text in pages(paths.PROJECT).items():
        file = paths.PROJECT / page
        with atomic.writing(file):
            file.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(console.exit_status(main))
