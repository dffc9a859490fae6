"""A training in a process of its own, which something befalls: ``python disturbed.py <json>``.

The JSON object has ``data``, ``runs``, ``model`` and ``protocol`` (fields of ``Protocol``), and
may have one of these faults:

- ``operation`` or ``file``, ``delay``, ``signal``: that many seconds after the so-manieth operation
  (from 1) on a file in the runs and the cache (opening to write, renaming, deleting, making a
  folder), or after one on a file of that name, the process gets the signal.
- ``batch``: an exception is raised in a callback after so many batches.

It says ``ready`` when its imports are done, and at its end how many operations there were.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")


class Operations:
    """Counts what is done to files below ``folders``, and lets the fault happen."""

    def __init__(self, folders: list[str], fault: dict[str, Any]) -> None:
        self.folders, self.fault, self.count = tuple(folders), fault, 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook of the interpreter."""
        if event == "open":
            path, mode, flags = arguments
            writes = (mode and set(mode) & set("wax+")) or (not mode and flags & os.O_CREAT)
            if not writes:
                return
        elif event in CHANGES:
            path = arguments[0]
        else:
            return
        if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(self.folders):
            self.count += 1
            name = Path(path).name
            if self.fault.get("operation") == self.count or self.fault.get("file") == name:
                self._strike()

    def _strike(self) -> None:
        def kill() -> None:
            os.kill(os.getpid(), self.fault["signal"])

        if self.fault["delay"]:
            threading.Timer(self.fault["delay"], kill).start()
        else:
            kill()


def main() -> None:
    """Train the one fold that the command line names."""
    task = json.loads(sys.argv[1])

    from small import shrink

    from adience_lib import data, training
    from adience_lib.data import cache
    from adience_lib.experiments import cross_validation
    from adience_lib.protocol import Protocol
    from adience_lib.runs.folder import Training

    if task["small"]:
        shrink()
    if "batch" in task:
        _raise_after(training, task["batch"])
    operations = Operations([task["runs"], os.environ["ADIENCE_CACHE"]], task)
    sys.addaudithook(operations)
    print("ready", flush=True)
    dataset = data.load(task["data"])
    protocol = Protocol(**task["protocol"])
    one = Training(dataset, task["model"], protocol, 0, Path(task["runs"]))
    cross_validation.cross_validate([one], cache.images(dataset))
    print(operations.count, flush=True)


def _raise_after(training: Any, batch: int) -> None:
    count = 0
    unharmed = training._Epochs.on_train_batch_end

    def on_train_batch_end(self: Any, *arguments: Any, **logs: Any) -> None:
        nonlocal count
        count += 1
        if count == batch:
            raise RuntimeError("a callback fails")
        unharmed(self, *arguments, **logs)

    training._Epochs.on_train_batch_end = on_train_batch_end


if __name__ == "__main__":
    main()
