"""How long a user waits before anything is trained. Nothing of the library is imported before."""

import itertools
import time
from collections.abc import Iterator

from benchmarks.harness import Bench, Row


def start_up(_: Bench) -> Iterator[Row]:
    """From the import of the library to the end of the first step on the demo, by part."""
    marks = [("", time.perf_counter())]

    def mark(part: str) -> None:
        marks.append((part, time.perf_counter()))

    import adience_lib  # noqa: F401 (timed)

    mark("import adience_lib")
    from adience_lib import data, training
    from adience_lib.data import cache
    from adience_lib.data.loader import Batches
    from adience_lib.protocol import DEMO
    from adience_lib.runs.train_fold import initial_network

    mark("import adience_lib.training")
    demo = data.load("demo")
    images = cache.images(demo)
    mark("open the demo")
    rewritten = training.compiled(initial_network("gender", DEMO, 0), DEMO, 1)
    mark("build and compile")
    rewritten.train_on_batch(*Batches(images, demo.faces, ("gender",), 8)[0])
    mark("first step")
    parts = [(end - begin, part) for (_, begin), (part, end) in itertools.pairwise(marks)]
    named = ", ".join(f"{part} {seconds:.1f}" for seconds, part in sorted(parts, reverse=True))
    yield Row("start-up", named, marks[-1][1] - marks[0][1], "s")
