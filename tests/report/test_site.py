"""The runner: its parameters, what it keeps, and what the notebooks promise."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from conftest import SHARED, needs_shared

from adience_lib.experiments.parameters import PARAMETERS
from adience_lib.report import site
from adience_lib.report.site import drop_messages, notebooks, run, store
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """The outcome of the runner's command line."""
    program = [sys.executable, "-m", "adience_lib", "report", *words]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_parameter_that_no_notebook_has_is_refused_before_anything_runs() -> None:
    """One line on stderr, exit status 1, and a hint."""
    outcome = command("-p", "gama", "0.5")
    assert outcome.returncode == 1
    last = outcome.stderr.splitlines()[-1]  # TensorFlow describes the processor above it
    assert last.startswith("error: unknown parameter 'gama' (did you mean 'gamma'")


def test_wrong_folder_ends_the_run_with_the_notebooks_own_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a notebook raises comes back as one line with the notebook's name."""
    monkeypatch.setattr(paths, "REPORT", tmp_path / "report")
    with pytest.raises(AdienceError, match=r"^01_data_exploration: /nowhere: no such folder"):
        run({"data": "/nowhere"})


def test_every_parameter_has_a_type_and_a_meaning() -> None:
    """papermill --help-notebook reads like a manual, and the checks know each name."""
    for notebook in notebooks():
        parameters = papermill.inspect_notebook(notebook)
        assert len(parameters) >= 5, notebook
        for name, parameter in parameters.items():
            assert name in PARAMETERS
            assert parameter["inferred_type_name"] != "None"
            assert len(parameter["help"]) > 20, (notebook.stem, name)


def test_a_parameter_means_the_same_in_every_notebook() -> None:
    """Each has its own parameters cell; the lines that they share are the same lines."""
    seen: dict[str, dict[str, object]] = {}
    for notebook in notebooks():
        for name, parameter in papermill.inspect_notebook(notebook).items():
            assert seen.setdefault(name, parameter) == parameter, (notebook.stem, name)
    assert set(seen) == set(PARAMETERS)


def test_messages_are_dropped_and_results_are_kept() -> None:
    """Progress and libraries' messages go to the terminal, not into the report."""
    cell = nbformat.v4.new_code_cell("train()")
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="12%|##"),
        nbformat.v4.new_output("stream", name="stdout", text="random features"),
    ]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    drop_messages(notebook)
    assert [output.name for output in notebook.cells[0].outputs] == ["stdout"]


def test_outputs_are_stored_without_papermills_additions(tmp_path: Path) -> None:
    """The cell with the parameters and the record of times stay out."""
    target, executed = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in ("x = 1", "x + 1")]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    written = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(written, target)
    papermill.execute_notebook(target, executed, {"x": 5}, progress_bar=False)
    store(executed, target)
    stored = nbformat.read(target, as_version=4)
    assert [cell.source for cell in stored.cells] == ["x = 1", "x + 1"]
    assert stored.cells[1].outputs[0].data["text/plain"] == "6"
    assert "papermill" not in stored.metadata
    assert [cell.execution_count for cell in stored.cells] == [1, 2]


def test_first_page_shows_what_is_tagged_and_then_each_notebook(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A section's text stands once above its tagged outputs; other outputs stay in the notebook."""
    monkeypatch.setattr(paths, "REPORT", tmp_path)
    cells = [
        nbformat.v4.new_markdown_cell("# 5. Results\n\nWhat is asked."),
        nbformat.v4.new_markdown_cell("## The claims\n\nEach has a criterion."),
        *(nbformat.v4.new_code_cell(source) for source in ("verdicts", "figure", "hidden")),
        nbformat.v4.new_markdown_cell("## What was found"),
        nbformat.v4.new_code_cell("words"),
    ]
    shown = {"text/markdown": "| claim |\n| --- |\n| **supported** |"}, {"image/png": "iVBO"}
    hidden, found = {"text/markdown": "not here"}, {"text/markdown": "found <here>"}
    for cell, data in zip((*cells[2:5], cells[6]), (*shown, hidden, found), strict=True):
        cell.outputs = [nbformat.v4.new_output("display_data", data)]
    for cell in cells[2:4]:
        cell.metadata["tags"] = [site.FIRST_PAGE]
    notebook = tmp_path / "05_results.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    site._write_index([notebook], {})
    page = (tmp_path / "index.html").read_text()
    assert page.count("The claims") == 1
    assert "<strong>supported</strong>" in page
    assert 'src="data:image/png;base64,iVBO"' in page
    assert "not here" not in page
    assert "¶" not in page
    claims, last = page.index("The claims"), page.index("The notebooks")
    assert claims < last < page.index("What is asked") < page.index("found")


@needs_shared("utkface")
def test_real_faces_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data, training and results on real faces: 300 faces, two folds, one epoch."""
    faces: dict[str, object] = {"data": str(SHARED / "utkface")}
    short: dict[str, object] = {
        **faces,
        "faces": 300,
        "folds": "[0, 1]",
        "epochs": 1,
        "batch_size": 16,
    }
    wanted: dict[str, dict[str, object]] = {
        "01_data_exploration": faces,
        "03_multitask": {**short, "gammas": "[]"},
        "05_results": short,
    }
    for name, parameters in wanted.items():
        notebook = paths.NOTEBOOKS / f"{name}.ipynb"
        site._execute(notebook, tmp_path / notebook.name, parameters, sys.stderr)
    (figures,) = (tmp_path / "figures" / "utkface").glob("paper,*")
    scores = (figures / "figure_6_multitask_folds.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in scores] == ["fold", "0", "1"]
    text = (tmp_path / "05_results.ipynb").read_text()
    assert "papermill 02_reduced_models.ipynb" in text  # what is missing, and how to make it
    assert "not of Adience" in text
    shutil.rmtree(tmp_path / "runs")
