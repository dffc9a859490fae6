"""Many folds: one after the other, or by other processes here and on other machines.

Any executor of ``concurrent.futures`` will do. Those that the notebooks' parameter ``scheduler``
asks for are Dask's, which runs them here, on a cluster, or through a batch system.
"""

import ctypes
import functools
import io
import os
import pickle
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from adience_lib.data import cache
from adience_lib.models import pretrained
from adience_lib.models.pretrained import Weights
from adience_lib.runs import checkpoint
from adience_lib.runs.folder import Training
from adience_lib.runs.train_fold import train_fold
from adience_lib.util import atomic, backend, paths
from adience_lib.util.console import message
from adience_lib.util.errors import AdienceError, first_line

SECONDS_BETWEEN_LOOKS = 1.0
"""At how far the folds are."""


def cross_validate(
    trainings: list[Training], images: np.ndarray, executor: Executor | None = None
) -> list[Path]:
    """Do ``trainings``, and give the run folders. ``images``: as of ``train_fold``.

    One progress bar runs over all of them; it knows the most epochs there can be, and jumps ahead
    where early stopping ends a training.

    ``executor``: any of ``concurrent.futures``, whose workers train the folds side by side
    (``train_on``). The runs are the same, bit for bit, as without one, at equal numbers of threads
    on equal machines.
    """
    if executor is not None:
        done = sorted(train_on(executor, trainings), key=lambda training: training.fold)
        return [training.folder for training in done]
    epochs = sum(training.protocol.epochs for training in trainings)
    with tqdm(total=epochs, mininterval=1, **BAR) as bar:
        return [train_fold(training, images, bar) for training in trainings]


BAR: dict[str, Any] = {
    "unit": "epoch",
    "leave": False,
    "bar_format": "{desc}{percentage:3.0f}%|{bar:20}| {elapsed} so far, {remaining} left",
}


def train_on(executor: Executor, trainings: list[Training]) -> Iterator[Training]:
    """Do ``trainings`` on ``executor``, and give each back as it ends, its run folder in place.

    A worker maps the cache of its own machine, which it builds where there is none. One progress
    bar runs over all trainings; it says how many epochs each that is under way has behind it, where
    its worker sees the same folder. A training whose worker dies goes on elsewhere after its last
    whole epoch, if the executor gives its work to another (Dask's do) and the folder is one that
    all see; else from the start.

    Raises AdienceError: what a training raises, or the executor's workers are gone.
    """
    with _announced(trainings) as token:
        waiting = {executor.submit(work, training, token): training for training in trainings}
        try:
            yield from _as_they_end(waiting, executor)
        except BaseException:
            for future in waiting:
                future.cancel()
            raise


@contextmanager
def _announced(trainings: list[Training]) -> Iterator[str]:
    """The name of a file in each of their folders of runs, by which a worker finds out whether it
    sees the same folder."""
    token = f".seen-{uuid.uuid4().hex}"
    files = {training.runs_dir / token for training in trainings}
    try:
        for file in files:
            with atomic.writing(file):
                file.touch()
        yield token
    finally:
        for file in files:
            atomic.remove(file)


def _as_they_end(
    waiting: dict["Future[bytes | None]", Training], executor: Executor
) -> Iterator[Training]:
    alone = False
    most = sum(training.protocol.epochs for training in waiting.values())
    ended = 0
    with tqdm(total=most, **BAR) as bar:
        while waiting:
            done, _ = wait(waiting, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
            for future in done:
                training = waiting.pop(future)
                _unpack(_result(future, training), training)
                ended += training.protocol.epochs
                yield training
            was_alone, alone = alone, bool(waiting) and _is_alone(executor)
            if alone and not was_alone:
                message(f"No worker is left; {len(waiting)} trainings wait for one.")
            under_way = {training: _epochs(training) for training in waiting.values()}
            bar.set_description(_progress(under_way), refresh=False)
            bar.n = ended + sum(under_way.values())
            bar.refresh()


def _progress(under_way: dict[Training, int]) -> str:
    return "; ".join(
        f"{training.model_name} fold {training.fold} epoch {epochs}"
        for training, epochs in under_way.items()
        if epochs
    )


def _epochs(training: Training) -> int:
    if training.folder.exists():  # finished, and its worker is about to say so
        return training.protocol.epochs
    return checkpoint.finished_epochs(atomic.unfinished_name(training.folder))


def _result(future: "Future[bytes | None]", training: Training) -> bytes | None:
    try:
        return future.result()
    except AdienceError:
        raise
    except Exception as error:  # each executor has its own errors for workers that are gone
        raise AdienceError(
            f"{training.name}: its worker failed ({type(error).__name__}: {error}); the same "
            "command goes on after the last whole epoch"
        ) from error


TRIES = 3
"""Of a fold whose process is killed, by the system for want of memory for example."""


def work(training: Training, token: str) -> bytes | None:
    """What a worker does: train into the folder of runs, if it sees ``token`` there.

    Where it does not, it trains into a folder of its own, and gives the run folder as an archive.

    The training has a process to itself. Weights begin with Python's own random numbers, of which
    a worker's other threads take some too, so that no two trainings would be equal.
    """
    for _ in range(TRIES):
        with tempfile.TemporaryDirectory() as place:
            answer = Path(place) / "answer"
            program = (
                f"from adience_lib.experiments import cross_validation as c; "
                f"c.train_alone({os.getpid()})"
            )
            command = [sys.executable, "-c", program, str(answer)]
            given = pickle.dumps((training, token))
            status = subprocess.run(command, input=given, check=False).returncode
            if status == 0:
                found = pickle.loads(answer.read_bytes())
                if isinstance(found, AdienceError):
                    raise found
                return found
        if status > 0:
            break
    raise RuntimeError(f"the training ended with status {status}")


def train_alone(parent: int) -> None:
    """The process of one training: what ``work`` was given on standard input, its result in the
    file that the command line names. It dies with the process ``parent``, whose work another will
    take up."""
    _die_with(parent)
    try:
        found: bytes | AdienceError | None = _train(*pickle.load(sys.stdin.buffer))
    except AdienceError as error:
        found = error
    Path(sys.argv[1]).write_bytes(pickle.dumps(found))


def _die_with(parent: int) -> None:
    """Ask Linux for it; elsewhere a training whose worker is killed ends its fold alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before it was asked
            sys.exit(1)


PR_SET_PDEATHSIG = 1
"""Of ``linux/prctl.h``: the signal that a process gets when its parent dies."""


def _train(training: Training, token: str) -> bytes | None:
    shared = (training.runs_dir / token).exists()
    here = training if shared else replace(training, runs_dir=paths.runs())
    images = cache.images(here.dataset)
    folder = train_fold(replace(here, weights=_weights_here(here.weights)), images)
    return None if shared else _packed(folder)


def _weights_here(weights: Weights | None) -> Weights | None:
    """The same weights on this machine."""
    if weights is None or weights.file.exists():
        return weights
    if weights.label == "imagenet":
        return pretrained.find_imagenet()
    raise AdienceError(f"{weights.file}: not on a worker's machine")


def _packed(folder: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(folder, folder.name)
    return content.getvalue()


def _unpack(content: bytes | None, training: Training) -> None:
    """Put a run folder that came as an archive where it belongs; it is checked when it is read."""
    if content is None:
        return

    def write(unfinished: Path) -> None:
        with (
            tempfile.TemporaryDirectory(dir=unfinished.parent) as place,
            tarfile.open(fileobj=io.BytesIO(content)) as archive,
        ):
            archive.extractall(place, filter="data")
            (Path(place) / training.folder.name).rename(unfinished)

    atomic.make_whole(training.folder, write)


def executor(scheduler: str) -> Executor:
    """The executor of a Dask scheduler: "local:N" for N processes here, or its address.

    Each of N processes gets its share of the cores. Where workers declare a resource "GPU", a fold
    takes one, so that no two share a card. Waits for the first worker, which tells that, and says
    so: those of a batch system may have to queue.

    Raises AdienceError: Dask is not installed, or nobody answers at the address.
    """
    client = _client(scheduler)
    if not _workers(client):
        message(f"scheduler {scheduler}: it has no worker yet; waiting for the first")
        # Work to do, and no mere wait: a cluster that adapts starts no worker without it.
        client.submit(bool, pure=False).result()
    has_gpu = any("GPU" in worker.get("resources", {}) for worker in _workers(client))
    made = client.get_executor(pure=False, resources={"GPU": 1} if has_gpu else None)
    made.client = client
    return made


def _workers(client: Any) -> list[dict[str, Any]]:
    return list(client.scheduler_info(n_workers=-1)["workers"].values())


def _is_alone(executor: Executor) -> bool:
    """Whether nobody is there to work, as far as the executor can tell: Dask's can."""
    client = getattr(executor, "client", None)
    return client is not None and not _workers(client)


CONNECTING = 20
"""Seconds in which a scheduler must answer."""

LOCAL = re.compile(r"local:([1-9]\d?)")


@functools.cache
def _client(scheduler: str) -> Any:
    """Connected once in a process, and closed with it."""
    try:
        import distributed
    except ImportError as error:
        raise AdienceError(
            "scheduler needs Dask: pip install 'adience-lib[cluster]', or leave it at None"
        ) from error
    local = LOCAL.fullmatch(scheduler)
    try:
        if local is None:
            return distributed.Client(scheduler, timeout=CONNECTING)
        return distributed.Client(_local_cluster(int(local[1])))
    except (OSError, TimeoutError, ValueError) as error:
        raise AdienceError(f"scheduler is {scheduler!r}: nobody answers there ({error})") from error
    except RuntimeError as error:  # what Dask raises for processes that end before they begin
        raise AdienceError(
            f"scheduler is {scheduler!r}: its processes do not start ({first_line(error)}); they "
            "need a /dev/shm that can be written to; with None, this process trains all folds"
        ) from error


def _local_cluster(workers: int) -> Any:
    import distributed

    threads = str(max(1, backend.cores() // workers))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,  # of Dask's: folds at a time
        processes=True,
        dashboard_address=None,
        memory_limit=0,  # Dask would kill what the backend rightly holds
        env=dict.fromkeys(names, threads),
    )
