"""Runs the five notebooks headless and makes a page of each."""

import html
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import nbformat
import papermill
from filelock import FileLock, Timeout
from nbconvert import HTMLExporter
from papermill.exceptions import PapermillExecutionError

from adience_lib.experiments.parameters import check, unknown_parameter
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError

CELL_TIMEOUT = 14 * 24 * 3600
"""Seconds: the paper's protocol takes days without a GPU. A dead kernel is noticed anyway."""


def notebooks() -> list[Path]:
    """The numbered notebooks in their order."""
    return sorted(paths.NOTEBOOKS.glob("[0-9]*.ipynb"))


def run(parameters: dict[str, Any], log: TextIO = sys.stderr) -> None:
    """Execute every notebook into ``report/`` and write a page of each, and an index.

    Each notebook gets those of ``parameters`` that it has. What a notebook prints on stderr
    (progress, and the libraries' messages) goes to ``log`` and is not kept.

    Raises AdienceError: a parameter that no notebook has, or what stopped a notebook.
    """
    declared = check_parameters(parameters)
    with _only_one_at_a_time():
        _run(declared, parameters, log)


def check_parameters(parameters: dict[str, Any]) -> dict[Path, list[str]]:
    """The names of the parameters of each notebook.

    Raises AdienceError: a parameter that no notebook has, or a value that none allows.
    """
    declared = {notebook: _declared(notebook) for notebook in notebooks()}
    every = list(dict.fromkeys(name for names in declared.values() for name in names))
    for name in parameters:
        if name not in every:
            raise AdienceError(unknown_parameter(name, every))
    check(parameters)
    return declared


@contextmanager
def _only_one_at_a_time() -> Iterator[None]:
    """Two reports at once would mix their pages."""
    lock = FileLock(paths.REPORT.with_name(".report.lock"), timeout=0)
    try:
        with lock:
            yield
    except Timeout as error:
        raise AdienceError("another report is being made in this checkout") from error
    except OSError as error:
        raise AdienceError(f"{paths.REPORT}: cannot be written ({error.strerror})") from error


def _run(declared: dict[Path, list[str]], parameters: dict[str, Any], log: TextIO) -> None:
    # What an earlier report has left would look like a part of this one.
    shutil.rmtree(paths.REPORT, ignore_errors=True)
    paths.REPORT.mkdir()
    started = time.perf_counter()
    for number, (notebook, names) in enumerate(declared.items(), start=1):
        minutes = (time.perf_counter() - started) / 60
        progress = f"{number} of {len(declared)}: {notebook.stem}"
        log.write(f"\n{progress} ({minutes:.1f} minutes so far)\n")
        overrides = {name: parameters[name] for name in names if name in parameters}
        _execute(notebook, paths.REPORT / notebook.name, overrides, log)
        _write_page(paths.REPORT / notebook.name)
    _write_index([paths.REPORT / notebook.name for notebook in declared], parameters)
    minutes = (time.perf_counter() - started) / 60
    page = paths.shown(paths.REPORT / "index.html")
    log.write(f"\n{page} is ready after {minutes:.1f} minutes.\n")


def _declared(notebook: Path) -> list[str]:
    return list(papermill.inspect_notebook(notebook))


def _execute(notebook: Path, output: Path, overrides: dict[str, Any], log: TextIO) -> None:
    try:
        papermill.execute_notebook(
            notebook,
            output,
            overrides,
            kernel_name="python3",
            execution_timeout=CELL_TIMEOUT,
            progress_bar=False,
            stderr_file=log,
            cwd=paths.NOTEBOOKS,
        )
    except PapermillExecutionError as error:
        raise AdienceError(f"{notebook.stem}: {error.evalue}") from error
    executed = nbformat.read(output, as_version=4)
    drop_messages(executed)
    nbformat.write(executed, output)


def drop_messages(notebook: nbformat.NotebookNode) -> None:
    """Remove what the cells wrote on stderr: progress bars, and what libraries say on import."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]


def _write_page(notebook: Path) -> None:
    page, _ = HTMLExporter(embed_images=True).from_filename(str(notebook))
    notebook.with_suffix(".html").write_text(page, encoding="utf-8")


def _write_index(executed: list[Path], parameters: dict[str, Any]) -> None:
    """One page: what the cells tagged "first-page" show, then each notebook's title, what it
    asks and what it found."""
    overrides = ", ".join(f"{name} = {value!r}" for name, value in parameters.items())
    page = _INDEX.format(
        first="\n".join(part for notebook in executed for part in _first_page(notebook)),
        entries="\n".join(_entry(notebook) for notebook in executed),
        given=html.escape(overrides or "none: the built-in demo"),
    )
    (paths.REPORT / "index.html").write_text(page, encoding="utf-8")


FIRST_PAGE = "first-page"
"""The tag of a cell whose outputs stand on the report's first page, below its section's text."""


def _first_page(notebook: Path) -> Iterator[str]:
    section = ""
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "markdown":
            section = cell.source
        elif FIRST_PAGE in cell.metadata.get("tags", []):
            yield _to_html(section)
            section = ""
            yield from (_shown(output) for output in cell.outputs if "data" in output)


def _shown(output: nbformat.NotebookNode) -> str:
    if "image/png" in output.data:
        return f'<img alt="" src="data:image/png;base64,{output.data["image/png"]}">'
    return _to_html(output.data.get("text/markdown", ""))


def _entry(notebook: Path) -> str:
    cells = nbformat.read(notebook, as_version=4).cells
    title, _, asked = cells[0].source.partition("\n\n")
    last_text = max(place for place, cell in enumerate(cells) if cell.cell_type == "markdown")
    outputs = [output for cell in cells[last_text + 1 :] for output in cell.outputs]
    found = "\n\n".join(output.data.get("text/markdown", "") for output in outputs)
    page = notebook.with_suffix(".html").name
    return (
        f'<h2><a href="{page}">{html.escape(title.lstrip("# "))}</a></h2>\n'
        f"{_to_html(asked)}\n{_to_html(found)}"
    )


def _to_html(markdown: str) -> str:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    # A heading's link to itself, a pilcrow, belongs to a notebook's page.
    return re.sub(r'<a class="anchor-link".*?</a>', "", str(markdown2html_mistune(markdown)))


_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gender and age from faces: a reproduction report</title>
<style>
body {{ font: 16px/1.55 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; }}
p, ul {{ max-width: 46rem; }}
h2 {{ margin-top: 2rem; }}
table {{ border-collapse: collapse; font-size: 0.85rem; line-height: 1.4; }}
table {{ display: block; overflow-x: auto; }}
th, td {{ text-align: left; vertical-align: top; padding: 0.35rem 0.7rem; }}
th, td {{ border-bottom: 1px solid #ddd; }}
img {{ max-width: 100%; }}
</style>
</head>
<body>
<h1>Gender and age from faces: a reproduction report</h1>
<p>Parameters given: {given}.</p>
{first}
<hr>
<h1>The notebooks</h1>
{entries}
</body>
</html>
"""


def store(executed: Path, notebook: Path) -> None:
    """Copy the outputs of an executed notebook into the notebook itself, without what papermill
    adds: the cell with the parameters, and its record of times and paths."""
    outputs = {
        cell.source: cell
        for cell in nbformat.read(executed, as_version=4).cells
        if cell.cell_type == "code"
    }
    target = nbformat.read(notebook, as_version=4)
    count = 0
    for cell in target.cells:
        if cell.cell_type == "code":
            count += 1
            cell.outputs, cell.execution_count = outputs[cell.source].outputs, count
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = count
    nbformat.write(target, notebook)
