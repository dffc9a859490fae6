"""A training on a disk of its own that fills up: ``unshare --mount --map-root-user python ...``.

Arguments: the dataset's folder, an empty folder, the model, the run folder of an undisturbed
training, and the disk's size in bytes. Once the training has failed the disk is made larger, and
it must go on and end as the undisturbed one. Prints what could not be written.
"""

import re
import subprocess
import sys
from pathlib import Path

from disturbance import TrainingProcess, assert_same_run

ROOM = 8 << 30
"""Bytes: enough for any training."""


def main() -> None:
    """Fill the disk, make room, go on, compare."""
    data, scratch, model, undisturbed, size = sys.argv[1:]
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", scratch)
    training = TrainingProcess(Path(data), Path(scratch), model, small=False)
    status, _ = training.run()
    said = training.messages()
    half_written = [path for path in training.left_over() if path.endswith("npz.unfinished")]
    _mount("-o", f"remount,size={ROOM}", scratch)
    if status == 0:
        print("nothing")
        return
    assert status == 1, said
    (error,) = re.findall(r"AdienceError: (.*)", said)
    assert "cannot be written (No space left on device)" in error, said
    assert half_written == []
    assert training.run()[0] == 0, training.messages()
    assert_same_run(training.folder, Path(undisturbed))
    assert training.left_over() == []
    print("the cache" if "/cache/" in error else "the run")


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


if __name__ == "__main__":
    main()
