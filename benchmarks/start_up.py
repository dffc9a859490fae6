"""How long a user waits before anything is trained. Nothing of the library is imported before."""

import time
from collections.abc import Iterator

from benchmarks.harness import Bench, Row


def start_up(_: Bench) -> Iterator[Row]:
    """From the import of the library to the end of the first step on the demo, by part."""
    parts: dict[str, float] = {}
    last = time.perf_counter()

    def mark(part: str) -> None:
        nonlocal last
        now = time.perf_counter()
        parts[part], last = now - last, now

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
    slowest = sorted(parts, key=lambda part: -parts[part])
    named = ", ".join(f"{part} {parts[part]:.1f}" for part in slowest)
    yield Row("start-up", named, sum(parts.values()), "s")
