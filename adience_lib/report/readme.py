"""``python -m adience_lib.readme``: the README's tables and numbers, out of the committed figures.

Each stands between two comments, ``<!-- name -->`` and ``<!-- /name -->``, and is never typed.
"""

import sys
from pathlib import Path

import pandas as pd

from adience_lib.deploy import model_card
from adience_lib.evidence import claims
from adience_lib.report import benchmark_table, findings, lessons, tables
from adience_lib.util import atomic, paths
from adience_lib.util.errors import AdienceError
from adience_lib.util.markdown import markdown


def blocks(figures: Path) -> dict[str, str]:
    """The text of every block by its name, out of ``figures``, a folder like the committed one.

    Raises AdienceError if its records cannot be read.
    """
    study, found = lessons.read(figures)
    verdicts = claims.verdicts(found)
    table_3 = pd.read_csv(figures / "demo" / "table_3.csv", index_col=0)
    benchmark = benchmark_table.read(figures / "bench.csv")
    return {
        "real_in_short": lessons.in_short(found),
        "real_run": lessons.about_run(study, found),
        "real_verdicts": f"**{findings.counted(verdicts)}**",
        "real_claims": markdown(tables.claims_in_short(verdicts)),
        "real_evidence": _claims(verdicts, "decided by", "found"),
        "real_table_3": markdown(tables.both_ways(found)),
        "demo_table_3": markdown(tables.readable_table_3(table_3)),
        "not_for": model_card.NOT_FOR,
        "benchmark": benchmark_table.in_words(benchmark),
        "benchmark_table": benchmark_table.in_markdown(benchmark),
    }


def _claims(verdicts: pd.DataFrame, *columns: str) -> str:
    shown = tables.readable_claims(verdicts)[["the paper says", *columns]]
    return markdown(shown.rename_axis("claim"))


def filled(readme: str, texts: dict[str, str]) -> str:
    """``readme`` with each block replaced by its text.

    Raises AdienceError naming a block that is not there, or not once.
    """
    for name, text in texts.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, *rest = readme.split(begin)
        inside = rest[0].split(end) if len(rest) == 1 else []
        if len(inside) != 2:
            raise AdienceError(f"README.md: {begin} ... {end} must stand in it once")
        readme = f"{before}{begin}\n{text}\n{end}{inside[1]}"
    return readme


def main() -> int:
    """Write README.md anew; the exit status."""
    file = paths.PROJECT / "README.md"
    try:
        readme = filled(file.read_text(encoding="utf-8"), blocks(paths.COMMITTED))
    except (AdienceError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    atomic.write_file(file, lambda open_file: open_file.write(readme.encode()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
