"""Running the notebooks: their parameters, what is kept, and what stops one."""

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import papermill
import pytest
from conftest import SHARED, needs_shared

from adience_lib import __main__
from adience_lib.experiments.parameters import PARAMETERS
from adience_lib.report import execution
from adience_lib.report.execution import Kernel, execute, notebooks, run, store
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError

PYTHON_3 = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}


def test_parameter_that_no_notebook_has_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr, exit status 1, and a hint."""
    monkeypatch.setattr(sys, "argv", ["adience_lib", "report", "-p", "gama", "0.5"])
    assert __main__.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("error: unknown parameter 'gama' (did you mean 'gamma'")
    assert said.count("\n") == 1


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


def test_outputs_are_stored_without_papermills_additions(tmp_path: Path) -> None:
    """The cell with the parameters and the record of times stay out."""
    target, executed = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in ("x = 1", "x + 1")]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=PYTHON_3), target)
    papermill.execute_notebook(target, executed, {"x": 5}, progress_bar=False)
    store(executed, target)
    stored = nbformat.read(target, as_version=4)
    assert [cell.source for cell in stored.cells] == ["x = 1", "x + 1"]
    assert stored.cells[1].outputs[0].data["text/plain"] == "6"
    assert "papermill" not in stored.metadata
    assert [cell.execution_count for cell in stored.cells] == [1, 2]


def test_copies_of_notebooks_are_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a user keeps beside the five is the user's own."""
    for name in (*execution.NAMES, "03_multitask-Copy1", "06_mine"):
        (tmp_path / f"{name}.ipynb").touch()
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    assert [notebook.stem for notebook in notebooks()] == list(execution.NAMES)


def test_notebook_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In one line, before anything runs."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    with pytest.raises(AdienceError, match=r"01_data_exploration\.ipynb: no such notebook"):
        run({}, tmp_path)


def test_kernelspec_of_another_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """This interpreter with this checkout's code, whatever Jupyter finds under the name."""
    folder = tmp_path / "kernels" / Kernel.NAME
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text('{"argv": ["/elsewhere/python"], "display_name": "x"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", "/another/checkout")
    started = Kernel(kernel_name=Kernel.NAME)
    assert started.format_kernel_cmd()[0] == sys.executable
    assert started.kernel_spec.env["PYTHONPATH"] == f"{paths.PROJECT}:/another/checkout"


@pytest.fixture
def run_cell(tmp_path: Path) -> Callable[[str], str]:
    """Runs a notebook of one cell, and gives what the cell printed."""

    def run_it(source: str) -> str:
        notebook, executed = tmp_path / "cell.ipynb", tmp_path / "executed.ipynb"
        cell = nbformat.v4.new_code_cell(source)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=PYTHON_3), notebook)
        execute(notebook, executed, {}, io.StringIO())
        return nbformat.read(executed, as_version=4).cells[0].outputs[0].text

    return run_it


def test_notebook_runs_this_checkouts_code(run_cell: Callable[[str], str]) -> None:
    """With this interpreter; another checkout may be the one that is installed."""
    told = run_cell("import sys; print(sys.executable, sys.path[0], sep='\\n')")
    assert told.splitlines() == [sys.executable, str(paths.PROJECT)]


def test_messages_are_dropped_and_results_are_kept(run_cell: Callable[[str], str]) -> None:
    """Progress and libraries' messages go to the terminal, not into the report."""
    assert run_cell("import sys; print('12%|##', file=sys.stderr); print('found')") == "found\n"


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "sys.exit(143)"])
def test_process_that_is_killed_is_one_line(
    end: str, run_cell: Callable[[str], str], capfd: pytest.CaptureFixture[str]
) -> None:
    """As by a machine that is out of memory, or a scheduler that ends a whole job."""
    with pytest.raises(
        AdienceError, match=r"^cell: .*stopped.* kept, and the same command goes on"
    ):
        run_cell(f"import os, sys; {end}")
    assert capfd.readouterr().err == ""


def test_interpreter_that_cannot_run_notebooks_is_named(
    run_cell: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the command that tells more."""
    (tmp_path / "ipykernel_launcher.py").write_text("raise ImportError('no such library')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(AdienceError, match=rf"^cell: .*; {sys.executable} -m ipykernel_launcher "):
        run_cell("1")


def test_what_a_notebook_raises_is_one_line_with_its_name(run_cell: Callable[[str], str]) -> None:
    """The library's own words, without the traceback that the notebook holds."""
    with pytest.raises(AdienceError, match=r"^cell: no such folder$"):
        run_cell("raise ValueError('no such folder')")


@needs_shared("utkface")
def test_real_faces_end_to_end(tmp_path: Path) -> None:
    """Data, training and results on real faces: 200 faces, two folds, one epoch, and one fold
    again with held-out subjects."""
    some = tmp_path / "utkface"
    some.mkdir()
    for file in sorted((SHARED / "utkface").iterdir())[::40]:
        (some / file.name).write_bytes(file.read_bytes())
    faces: dict[str, object] = {"data": str(some)}
    short: dict[str, object] = {**faces, "faces": 200, "folds": "[0, 1]", "epochs": 1}
    short["batch_size"] = 16
    wanted: dict[str, dict[str, object]] = {
        "01_data_exploration": faces,
        "03_multitask": {**short, "gammas": "[]"},
        "05_results": short,
    }
    for name, parameters in wanted.items():
        notebook = paths.NOTEBOOKS / f"{name}.ipynb"
        execute(notebook, tmp_path / notebook.name, parameters, sys.stderr)
    (figures,) = (tmp_path / "figures" / "utkface").glob("paper,*")
    scores = (figures / "figure_6_multitask_folds.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in scores] == ["fold", "0", "1"]
    text = (tmp_path / "05_results.ipynb").read_text()
    assert "papermill 02_reduced_models.ipynb" in text  # what is missing, and how to make it
    assert "not of Adience" in text
    shutil.rmtree(tmp_path / "runs")
