"""Makes the report: runs the notebooks, and builds the site out of them by Sphinx.

Sphinx finds its settings and the pages in ``docs/``.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import nbformat
import pandas as pd
from filelock import FileLock, Timeout

from adience_lib.experiments import experiment
from adience_lib.report import execution, front_page
from adience_lib.report.front_page import Shown
from adience_lib.util import atomic, console, paths
from adience_lib.util.errors import AdienceError

PAGES = paths.PROJECT / "docs"

STORED = Shown(paths.COMMITTED / "demo", "the built-in demo of drawn faces", decides=False)
"""The results of the notebooks as they are stored."""

NOTEBOOKS = "notebooks"
"""The folder of the executed notebooks and of their pages, in the report and in its sources."""

OPEN = "show-input"
"""The tag of a cell whose code a reader sees at once. All others are folded."""


def make(parameters: dict[str, Any]) -> None:
    """Run the notebooks and write ``report/index.html``. Raises AdienceError as ``execution.run``
    and ``emptied`` do."""
    execution.check_parameters(parameters)
    started = time.perf_counter()
    with emptied() as report:
        (report / NOTEBOOKS).mkdir()
        execution.run(parameters, report / NOTEBOOKS)
        build(report / NOTEBOOKS, of_run(parameters), report, sys.stderr)
    page, minutes = paths.shown(report / "index.html"), (time.perf_counter() - started) / 60
    console.message(f"\n{page} is ready after {minutes:.1f} minutes.")


def make_of_stored() -> None:
    """Write ``report/index.html`` out of the notebooks as they are stored; nothing is run."""
    with emptied() as report:
        build(paths.NOTEBOOKS, STORED, report, sys.stderr)


@contextmanager
def emptied() -> Iterator[Path]:
    """The report's folder, without what an earlier report left. Raises AdienceError: it is a link,
    and what lies there may be the user's; it cannot be written; another report is being made."""
    folder = paths.REPORT
    if folder.is_symlink():
        raise AdienceError(
            f"{folder}: is a link to {folder.readlink()}, and a report replaces all that is in its "
            "folder; remove the link, or let a link elsewhere lead to this folder"
        )
    try:
        with FileLock(folder.with_name(".report.lock"), timeout=0):
            atomic.remove(folder)
            folder.mkdir()
            yield folder
    except Timeout as error:
        raise AdienceError("another report is being made in this checkout") from error
    except OSError as error:
        raise AdienceError(f"{folder}: cannot be written ({error})") from error


def of_run(parameters: dict[str, Any]) -> Shown:
    """Where the notebooks that were run with ``parameters`` have left their results."""
    asked = experiment.start(parameters)
    count, demo = f"{len(asked.faces):,}", asked.dataset.is_demo
    real = f"{count} faces of {asked.dataset.name}"
    words = f"the built-in demo of {count} drawn faces" if demo else real
    return Shown(asked.figures_dir, words, decides=not demo)


def of_study() -> Shown:
    """The results on real faces that come with the checkout."""
    folder = paths.COMMITTED / "utkface"
    faces = pd.read_csv(folder / "groups.csv")["faces"].max()
    return Shown(folder, f"{faces:,} real faces of UTKFace")


def build(executed: Path, own: Shown, target: Path, log: TextIO) -> None:
    """Write the site into ``target``: the notebooks of ``executed``, whose results are ``own``,
    ``docs/``, and the first page. Sphinx's warnings go to ``log``. Raises AdienceError naming a
    file of results that cannot be read."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    study = of_study()
    with tempfile.TemporaryDirectory() as folder:
        # MyST-NB leaves a folder of its own beside the pages.
        sources, pages = Path(folder, "sources"), Path(folder, "pages")
        _gather(executed, (own, study), sources)
        with patch_docutils(PAGES), docutils_namespace():
            Sphinx(
                sources,
                PAGES,
                pages,
                Path(folder, "doctrees"),
                "html",
                confoverrides={"myst_substitutions": front_page.parts(own, study)},
                status=None,
                warning=log,
            ).build()
        shutil.copytree(pages, target, dirs_exist_ok=True)


def _gather(executed: Path, shown: tuple[Shown, ...], sources: Path) -> None:
    """One folder that holds every page, and what the pages show."""
    (sources / NOTEBOOKS).mkdir(parents=True)
    for page in (*PAGES.glob("*.md"), paths.PROJECT / "README.md"):
        # All pages lie beside the notebooks here.
        text = page.read_text("utf-8").replace("](../", "](").replace("](docs/", "](")
        (sources / page.name).write_text(text, "utf-8")
    for name in ("LICENSE", "CITATION.cff", "figures"):
        (sources / name).symlink_to(paths.PROJECT / name)
    for folder in {one.folder for one in shown}:
        link = sources / front_page.source_of(folder)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(folder.resolve())
    for name in execution.NAMES:
        notebook = nbformat.read(executed / f"{name}.ipynb", as_version=4)
        nbformat.write(for_readers(notebook), sources / NOTEBOOKS / f"{name}.ipynb")


def for_readers(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """``notebook`` with its code folded, and with words for each picture: its own
    (``notebook.show``), or its section's heading."""
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            titles = [line for line in cell.source.splitlines() if line.startswith("#")]
            heading = titles[-1].lstrip("# ") if titles else heading
        elif cell.cell_type == "code":
            tags = cell.metadata.setdefault("tags", [])
            if OPEN not in tags:
                tags.append("hide-input")
            pictures = [one.get("metadata", {}).get("image/png", {}) for one in cell.outputs]
            own = [picture["alt"] for picture in pictures if picture.get("alt")]
            shown = cell.metadata.setdefault("mystnb", {}).setdefault("image", {})
            shown.setdefault("alt", own[0] if own else heading)
    return notebook


if __name__ == "__main__":
    sys.exit(console.exit_status(make_of_stored))
