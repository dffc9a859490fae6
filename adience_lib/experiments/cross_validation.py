"""Many folds: one after the other, or by other processes here and on other machines. Any executor
of ``concurrent.futures`` will do; those that the parameter ``scheduler`` asks for are Dask's, which
runs them here, on a cluster, or through a batch system."""

import ctypes
import functools
import io
import os
import pickle
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from adience_lib.data import cache
from adience_lib.models import pretrained
from adience_lib.runs import checkpoint
from adience_lib.runs.folder import Training
from adience_lib.runs.train_fold import train_fold
from adience_lib.util import atomic, backend, paths
from adience_lib.util.console import message
from adience_lib.util.errors import AdienceError, first_line

SECONDS_BETWEEN_LOOKS = 1.0
"""At how far the folds are."""

BAR: dict[str, Any] = {
    "unit": "epoch",
    "leave": False,
    "bar_format": "{desc}{percentage:3.0f}%|{bar:20}| {elapsed} so far, {remaining} left",
}


def cross_validate(
    trainings: list[Training], images: np.ndarray, executor: Executor | None = None
) -> list[Path]:
    """Do ``trainings``, and give the run folders. ``images``: as of ``train_fold``.

    One progress bar runs over all of them; it jumps ahead where early stopping ends a training. The
    workers of an ``executor`` train the folds side by side (``train_on``). The runs are the same,
    bit for bit, as without one, at equal numbers of threads on equal machines.
    """
    if executor is not None:
        done = sorted(train_on(executor, trainings), key=lambda training: training.fold)
        return [training.folder for training in done]
    epochs = sum(training.protocol.epochs for training in trainings)
    with tqdm(total=epochs, mininterval=1, **BAR) as bar:
        return [train_fold(training, images, bar) for training in trainings]


def train_on(executor: Executor, trainings: list[Training]) -> Iterator[Training]:
    """Do ``trainings`` on ``executor``, and give each back as it ends, its run folder in place.

    A worker maps the cache of its own machine, which it builds where there is none. The progress
    bar says how many epochs each training that is under way has behind it, where its worker sees
    the same folder. A training whose worker dies goes on elsewhere after its last whole epoch, if
    the executor gives its work to another (Dask's do) and all see the folder; else from the start.
    Raises AdienceError: what a training raises, or the executor's workers are gone.
    """
    runs_dir = trainings[0].runs_dir
    with atomic.writing(runs_dir / ".seen"):  # by which a worker knows the folder
        mark = tempfile.NamedTemporaryFile(dir=runs_dir, prefix=".seen-")  # noqa: SIM115 (below)
    with mark:
        token = Path(mark.name).name
        waiting = {executor.submit(work, training, token): training for training in trainings}
        try:
            yield from _as_they_end(waiting, executor)
        finally:  # those that an error or the caller has left
            for future in waiting:
                future.cancel()


def _as_they_end(
    waiting: dict["Future[bytes | None]", Training], executor: Executor
) -> Iterator[Training]:
    client = getattr(executor, "client", None)  # Dask's, which knows whether nobody is there
    alone, ended = False, 0
    with tqdm(total=sum(one.protocol.epochs for one in waiting.values()), **BAR) as bar:
        while waiting:
            for future in wait(waiting, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED).done:
                training = waiting.pop(future)
                _unpack(_result(future, training), training)
                ended += training.protocol.epochs
                yield training
            was_alone, alone = alone, bool(waiting and client and not _workers(client))
            if alone and not was_alone:
                message(f"No worker is left; {len(waiting)} trainings wait for one.")
            behind = [(one.name, _epochs(one)) for one in waiting.values()]
            words = [f"{name}, epoch {epochs}" for name, epochs in behind if epochs]
            bar.set_description("; ".join(words), refresh=False)
            bar.n = ended + sum(epochs for _, epochs in behind)
            bar.refresh()


def _epochs(training: Training) -> int:
    if training.folder.exists():  # finished, and its worker is about to say so
        return training.protocol.epochs
    return checkpoint.finished_epochs(training.unfinished)


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


def work(training: Training, token: str) -> bytes | None:
    """What a worker does: train into the folder of runs, if it sees ``token`` there. Else it trains
    into a folder of its own, and gives the run folder as an archive.

    The training has a process to itself. Weights begin with Python's own random numbers, of which
    a worker's other threads take some too, so that no two trainings would be equal.
    """
    with tempfile.TemporaryDirectory() as place:
        answer = Path(place) / "answer"
        program = "from adience_lib.experiments import cross_validation as c; c.train_alone()"
        command = [sys.executable, "-c", program, str(os.getpid()), str(answer)]
        given = pickle.dumps((training, token))
        for _ in range(3):  # times: the system may kill it, for want of memory for example
            status = subprocess.run(command, input=given, check=False).returncode
            if status >= 0:  # no signal has ended it
                break
        if status:
            raise RuntimeError(f"the training ended with status {status}")
        found = pickle.loads(answer.read_bytes())
    if isinstance(found, AdienceError):
        raise found
    return found


def train_alone() -> None:
    """The process of one training, with ``work``'s arguments on standard input. The command line
    names the process with which it dies, since another will take up that one's work, and the file
    for its result."""
    _, parent, answer = sys.argv
    if sys.platform == "linux":  # elsewhere a training whose worker is killed ends its fold alone
        pr_set_pdeathsig = 1  # of linux/prctl.h: what this process gets when its parent dies
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != int(parent):  # it died before it was asked
            sys.exit(1)
    try:
        found: bytes | AdienceError | None = _train(*pickle.load(sys.stdin.buffer))
    except AdienceError as error:
        found = error
    Path(answer).write_bytes(pickle.dumps(found))


def _train(training: Training, token: str) -> bytes | None:
    shared = (training.runs_dir / token).exists()
    here = training if shared else replace(training, runs_dir=paths.runs())
    weights = training.weights
    if weights and not weights.file.exists():  # on another machine
        named = weights.label != "imagenet"
        weights = pretrained.from_file(weights.file) if named else pretrained.find_imagenet()
    folder = train_fold(replace(here, weights=weights), cache.images(here.dataset))
    if shared:
        return None
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(folder, ".")
    return content.getvalue()


def _unpack(content: bytes | None, training: Training) -> None:
    """Put a run folder that came as an archive where it belongs; it is checked when it is read."""
    if content is not None:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            atomic.make_whole(training.folder, lambda to: archive.extractall(to, filter="data"))


def executor(scheduler: str) -> Executor:
    """The executor of a Dask scheduler: "local:N" for N processes here, or its address.

    Each of N processes gets its share of the cores. Where workers declare a resource "GPU", a fold
    takes one, so that no two share a card. Waits for the first worker, which tells that. Raises
    AdienceError: Dask is not installed, or nobody answers at the address.
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


CONNECTING = 20
"""Seconds in which a scheduler must answer."""


@functools.cache
def _client(scheduler: str) -> Any:
    """Connected once in a process, and closed with it."""
    try:
        import distributed
    except ImportError as error:
        raise AdienceError(
            "scheduler needs Dask: pip install 'adience-lib[cluster]', or leave it at None"
        ) from error
    kind, _, workers = scheduler.partition(":")
    try:
        address = _local_cluster(int(workers)) if kind == "local" else scheduler
        return distributed.Client(address, timeout=CONNECTING)
    except (OSError, ValueError) as error:
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
