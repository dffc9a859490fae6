"""Runs the five notebooks headless, one after the other."""

import logging
import os
import sys
import time
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, TextIO

import nbformat
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from adience_lib.experiments.parameters import PARAMETERS, check, unknown_parameter
from adience_lib.util import console, paths
from adience_lib.util.errors import AdienceError

NAMES = (
    "01_data_exploration",
    "02_reduced_models",
    "03_multitask",
    "04_transfer_learning",
    "05_results",
)
"""Copies of them, and a user's own notebooks, may lie beside them and are not run."""

STOPPED = (
    "its process was stopped from outside, most often because the memory was full; every finished "
    "epoch is kept, and the same command goes on from there"
)

# What these two say of a process that died, the error says too.
for _name in ("papermill", "asyncio"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


def notebooks() -> list[Path]:
    """The five notebooks in their order."""
    return [paths.NOTEBOOKS / f"{name}.ipynb" for name in NAMES]


def check_parameters(parameters: dict[str, Any]) -> dict[Path, list[str]]:
    """The names of the parameters of each notebook. Raises AdienceError: one of ``parameters`` that
    none has, a value that none allows, or a notebook that is not there."""
    for name in parameters:
        if name not in PARAMETERS:
            raise AdienceError(unknown_parameter(name, list(PARAMETERS)))
    check(parameters)
    for notebook in notebooks():
        if not notebook.is_file():
            raise AdienceError(f"{notebook}: no such notebook; git checkout brings it back")
    return {notebook: list(papermill.inspect_notebook(notebook)) for notebook in notebooks()}


def run(parameters: dict[str, Any], folder: Path) -> None:
    """Execute every notebook into ``folder``, under its own name, with those of ``parameters`` that
    it has. What it prints on stderr (progress, and the libraries' messages) is shown and not kept.
    Raises AdienceError: as ``check_parameters``, or what stopped a notebook."""
    declared = check_parameters(parameters)
    started = time.perf_counter()
    for number, (notebook, names) in enumerate(declared.items(), start=1):
        minutes = (time.perf_counter() - started) / 60
        so_far = f"({minutes:.1f} minutes so far)"
        console.message(f"\n{number} of {len(NAMES)}: {notebook.stem} {so_far}")
        overrides = {name: parameters[name] for name in names if name in parameters}
        execute(notebook, folder / notebook.name, overrides, sys.stderr)


def execute(notebook: Path, output: Path, overrides: dict[str, Any], log: TextIO) -> None:
    """Execute one notebook into ``output`` (``run``). Raises AdienceError: what stopped it."""
    try:
        papermill.execute_notebook(
            notebook,
            output,
            overrides,
            kernel_name=Kernel.NAME,
            progress_bar=False,
            stderr_file=log,
            cwd=paths.NOTEBOOKS,
            kernel_manager_class=Kernel,
        )
    except DeadKernelError as error:
        raise AdienceError(f"{notebook.stem}: {STOPPED}") from error
    except PapermillExecutionError as error:
        stopped = error.ename in ("KeyboardInterrupt", "SystemExit")
        raise AdienceError(f"{notebook.stem}: {STOPPED if stopped else error.evalue}") from error
    except RuntimeError as error:  # it died before it answered
        why = f"{sys.executable} -m ipykernel_launcher says why"
        raise AdienceError(f"{notebook.stem}: notebooks cannot be run here; {why}") from error
    executed = nbformat.read(output, as_version=4)
    for cell in _code(executed):
        cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
    nbformat.write(executed, output)


class Kernel(AsyncKernelManager):
    """A notebook's process: this interpreter with this checkout's code. Jupyter would take the
    first kernelspec named python3 that it finds, which may be another environment's."""

    NAME = "python3"

    @property
    def kernel_spec(self) -> KernelSpec:
        """How the process is started."""
        path = filter(None, [str(paths.PROJECT), os.environ.get("PYTHONPATH")])
        return KernelSpec(**get_kernel_dict(), env={"PYTHONPATH": os.pathsep.join(path)})

    async def start_kernel(self, *arguments: Any, **keywords: Any) -> None:  # type: ignore[override]
        """Start the process. What it writes itself is dropped; what its cells write is not."""
        await super().start_kernel(*arguments, stderr=DEVNULL, **keywords)


def store(executed: Path, notebook: Path) -> None:
    """Copy the outputs of an executed notebook into the notebook itself, without what papermill
    adds: the cell with the parameters, and its record of times and paths."""
    outputs = {cell.source: cell.outputs for cell in _code(nbformat.read(executed, as_version=4))}
    target = nbformat.read(notebook, as_version=4)
    for count, cell in enumerate(_code(target), start=1):
        cell.outputs, cell.execution_count = outputs[cell.source], count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
    nbformat.write(target, notebook)


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
