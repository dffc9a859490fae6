"""Runs the five notebooks headless, one after the other."""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TextIO

import nbformat
import papermill
from filelock import FileLock, Timeout
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from adience_lib.experiments.parameters import check, unknown_parameter
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError

NAMES = (
    "01_data_exploration",
    "02_reduced_models",
    "03_multitask",
    "04_transfer_learning",
    "05_results",
)
"""Copies of them, and a user's own notebooks, may lie beside them and are not run."""

CELL_TIMEOUT = 14 * 24 * 3600
"""Seconds: the paper's protocol takes days without a GPU. A dead kernel is noticed anyway."""

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
    """The names of the parameters of each notebook.

    Raises AdienceError: a notebook that is not there, a parameter that none has, or a value that
    none allows.
    """
    declared = {notebook: _declared(notebook) for notebook in notebooks()}
    every = list(dict.fromkeys(name for names in declared.values() for name in names))
    for name in parameters:
        if name not in every:
            raise AdienceError(unknown_parameter(name, every))
    check(parameters)
    return declared


def _declared(notebook: Path) -> list[str]:
    if not notebook.is_file():
        raise AdienceError(f"{notebook}: no such notebook; git checkout brings it back")
    return list(papermill.inspect_notebook(_literal(notebook)))


def _literal(path: Path) -> str:
    """``path`` as papermill takes it: it fills in what stands in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


@contextmanager
def alone() -> Iterator[None]:
    """Two reports at once would mix their pages. Raises AdienceError where one is being made."""
    lock = FileLock(paths.REPORT.with_name(".report.lock"), timeout=0)
    try:
        with lock:
            yield
    except Timeout as error:
        raise AdienceError("another report is being made in this checkout") from error


def run(parameters: dict[str, Any], folder: Path, log: TextIO = sys.stderr) -> None:
    """Execute every notebook into ``folder``, under its own name.

    Each gets those of ``parameters`` that it has. What it prints on stderr (progress, and the
    libraries' messages) goes to ``log`` and is not kept.

    Raises AdienceError: a parameter that no notebook has, or what stopped a notebook.
    """
    declared = check_parameters(parameters)
    started = time.perf_counter()
    for number, (notebook, names) in enumerate(declared.items(), start=1):
        minutes = (time.perf_counter() - started) / 60
        log.write(f"\n{number} of {len(NAMES)}: {notebook.stem} ({minutes:.1f} minutes so far)\n")
        overrides = {name: parameters[name] for name in names if name in parameters}
        execute(notebook, folder / notebook.name, overrides, log)


def execute(notebook: Path, output: Path, overrides: dict[str, Any], log: TextIO) -> None:
    """Execute one notebook into ``output``. Raises AdienceError: what stopped it."""
    with tempfile.TemporaryFile("w+") as last_words:
        try:
            papermill.execute_notebook(
                _literal(notebook),
                _literal(output),
                overrides,
                kernel_name=Kernel.NAME,
                execution_timeout=CELL_TIMEOUT,
                progress_bar=False,
                stderr_file=log,
                cwd=paths.NOTEBOOKS,
                kernel_manager_class=type("_Kernel", (Kernel,), {"stderr": last_words}),
            )
        except DeadKernelError as error:
            raise AdienceError(f"{notebook.stem}: {STOPPED}") from error
        except PapermillExecutionError as error:
            stopped = error.ename in ("KeyboardInterrupt", "SystemExit")
            reason = STOPPED if stopped else error.evalue
            raise AdienceError(f"{notebook.stem}: {reason}") from error
        except RuntimeError as error:  # it died before it answered
            last_words.seek(0)
            said = [line for line in last_words.read().splitlines() if line.strip()] or [str(error)]
            raise AdienceError(
                f"{notebook.stem}: {sys.executable} cannot run notebooks ({said[-1]})"
            ) from error
    executed = nbformat.read(output, as_version=4)
    drop_messages(executed)
    nbformat.write(executed, output)


class Kernel(AsyncKernelManager):
    """A notebook's process: this interpreter with this checkout's code.

    Jupyter would take the first kernelspec named python3 that it finds, which may be another
    environment's, and that environment may have another checkout installed.
    """

    NAME = "python3"
    stderr: IO[str] | None = None
    """Where the process itself writes. What the cells write comes with their outputs."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """How the process is started."""
        others = os.environ.get("PYTHONPATH")
        path = os.pathsep.join([str(paths.PROJECT), *([others] if others else [])])
        return KernelSpec(**get_kernel_dict(), env={"PYTHONPATH": path})

    async def start_kernel(self, *arguments: Any, **keywords: Any) -> None:  # type: ignore[override]
        """Start the process."""
        await super().start_kernel(*arguments, stderr=self.stderr, **keywords)


def drop_messages(notebook: nbformat.NotebookNode) -> None:
    """Remove what the cells wrote on stderr: progress bars, and what libraries say on import."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]


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
