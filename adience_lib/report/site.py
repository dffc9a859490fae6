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

from adience_lib.experiments import experiment
from adience_lib.report import execution, front_page
from adience_lib.report.front_page import Shown
from adience_lib.util import atomic, console, paths
from adience_lib.util.errors import AdienceError

PAGES = paths.PROJECT / "docs"
STUDY = paths.COMMITTED / "utkface"
"""The results on real faces that come with the checkout."""

STORED = Shown(paths.COMMITTED / "demo", "the built-in demo of drawn faces", decides=False)
"""The results of the notebooks as they are stored."""

NOTEBOOKS = "notebooks"
"""The folder of the executed notebooks and of their pages, in the report and in its sources."""

OPEN = "show-input"
"""The tag of a cell whose code a reader sees at once. All others are folded."""


def make(parameters: dict[str, Any], log: TextIO = sys.stderr) -> None:
    """Run the notebooks and write ``report/index.html``; ``log`` as in ``execution.run``.

    Raises AdienceError: what ``execution.run`` raises, or naming what could not be written.
    """
    execution.check_parameters(parameters)
    executed = paths.REPORT / NOTEBOOKS
    started = time.perf_counter()
    with _writing(), execution.alone():
        empty(paths.REPORT)
        executed.mkdir()
        execution.run(parameters, executed, log)
        build(executed, of_run(parameters), paths.REPORT, log)
    minutes = (time.perf_counter() - started) / 60
    page = paths.shown(paths.REPORT / "index.html")
    log.write(f"\n{page} is ready after {minutes:.1f} minutes.\n")


def make_of_stored() -> None:
    """Write ``report/index.html`` out of the notebooks as they are stored; nothing is run."""
    with _writing(), execution.alone():
        empty(paths.REPORT)
        build(paths.NOTEBOOKS, STORED, paths.REPORT, sys.stderr)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AdienceError(f"{paths.REPORT}: cannot be written ({error})") from error


def empty(folder: Path) -> None:
    """Make ``folder``, or delete what an earlier report left there, which would look like a part
    of this one. Raises OSError, and AdienceError for a link: what lies there may be the user's."""
    if folder.is_symlink():
        raise AdienceError(
            f"{folder}: is a link to {folder.readlink()}, and a report replaces all that is in its "
            "folder; remove the link, or let a link elsewhere lead to this folder"
        )
    if folder.exists():
        atomic.remove(folder)
    folder.mkdir()


def of_run(parameters: dict[str, Any]) -> Shown:
    """Where the notebooks that were run with ``parameters`` have left their results."""
    asked = experiment.start(parameters)
    if asked.dataset.is_demo:
        words = f"the built-in demo of {len(asked.faces):,} drawn faces"
    else:
        words = f"{len(asked.faces):,} faces of {asked.dataset.name}"
    return Shown(asked.figures_dir, words, decides=not asked.dataset.is_demo)


def of_study() -> Shown:
    """The results on real faces that come with the checkout."""
    faces = pd.read_csv(STUDY / "groups.csv")["faces"].max()
    return Shown(STUDY, f"{faces:,} real faces of UTKFace")


def build(executed: Path, own: Shown, target: Path, log: TextIO) -> None:
    """Write the site into ``target``: the notebooks of ``executed``, ``docs/``, the first page.

    ``own``: the results of those notebooks. Sphinx's warnings go to ``log``.

    Raises AdienceError naming a file of results that cannot be read.
    """
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    shown = own, of_study()
    with tempfile.TemporaryDirectory() as folder:
        # MyST-NB leaves a folder of its own beside the pages.
        sources, pages = Path(folder, "sources"), Path(folder, "pages")
        _gather(executed, shown, sources)
        with patch_docutils(PAGES), docutils_namespace():
            Sphinx(
                sources,
                PAGES,
                pages,
                Path(folder, "doctrees"),
                "html",
                confoverrides={"myst_substitutions": front_page.parts(*shown)},
                status=None,
                warning=log,
            ).build()
        shutil.copytree(pages, target, dirs_exist_ok=True)


def _gather(executed: Path, shown: tuple[Shown, ...], sources: Path) -> None:
    """One folder that holds every page, and what the pages show."""
    (sources / NOTEBOOKS).mkdir(parents=True)
    for page in PAGES.glob("*.md"):
        # The pages lie beside the notebooks here, and in the checkout one folder below.
        (sources / page.name).write_text(page.read_text("utf-8").replace("](../", "]("), "utf-8")
    readme = (paths.PROJECT / "README.md").read_text("utf-8")
    (sources / "README.md").write_text(readme.replace("](docs/", "]("), "utf-8")
    for name in ("LICENSE", "CITATION.cff", "figures"):
        (sources / name).symlink_to(paths.PROJECT / name)
    for one in {item.folder: item for item in shown}.values():
        link = sources / front_page.source_of(one)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(one.folder.resolve())
    for name in execution.NAMES:
        notebook = nbformat.read(executed / f"{name}.ipynb", as_version=4)
        nbformat.write(for_readers(notebook), sources / NOTEBOOKS / f"{name}.ipynb")


def _alternatives(cell: nbformat.NotebookNode) -> Iterator[str]:
    """The words that stand for the pictures of a cell (``notebook.show``)."""
    for output in cell.outputs:
        if words := output.get("metadata", {}).get("image/png", {}).get("alt"):
            yield words


def for_readers(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """``notebook`` with its code folded, and with words for each picture: its own, or its section's
    heading."""
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            titles = [line for line in cell.source.splitlines() if line.startswith("#")]
            heading = titles[-1].lstrip("# ") if titles else heading
        elif cell.cell_type == "code":
            tags = cell.metadata.setdefault("tags", [])
            if OPEN not in tags:
                tags.append("hide-input")
            shown = cell.metadata.setdefault("mystnb", {}).setdefault("image", {})
            shown.setdefault("alt", next(_alternatives(cell), heading))
    return notebook


if __name__ == "__main__":
    sys.exit(console.exit_status(make_of_stored))
