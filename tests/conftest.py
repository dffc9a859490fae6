"""What the tests share: small datasets on disk, and the folders that results go to."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image
from small import shrink

from adience_lib.data import Dataset, adience, cache, load
from adience_lib.data.labels import AGE_LABELS, FOLDS
from adience_lib.protocol import SMOKE

# The same examples each time in `make test`, so that a change is what makes a test fail.
settings.register_profile(
    "test",
    max_examples=50,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile(
    "soak", settings.get_profile("test"), max_examples=2000, derandomize=False, print_blob=True
)
settings.load_profile("test")

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Real fold files, faces and weights, where they lie beside the checkout."""


def needs_shared(name: str) -> pytest.MarkDecorator:
    """Skips where the material beside the checkout is absent."""
    reason = f"needs {name} in the folder shared/ beside the checkout"
    return pytest.mark.skipif(not (SHARED / name).exists(), reason=reason)


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests, so that the demo is drawn once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, session_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No unit test reads or writes the checkout's own folders."""
    monkeypatch.setenv("ADIENCE_CACHE", str(session_cache))
    for name in ("RUNS", "FIGURES"):
        monkeypatch.setenv(f"ADIENCE_{name}", str(tmp_path / name.lower()))
    for name in ("DATA", "SMOKE", "XCEPTION_WEIGHTS", "VGG16_WEIGHTS"):
        monkeypatch.delenv(f"ADIENCE_{name}", raising=False)


Row = dict[str, object]


def write_adience(root: Path, folds: list[list[Row]]) -> Path:
    """An Adience folder with these rows, and an image of random pixels for each."""
    random = np.random.default_rng(0)
    for fold, rows in enumerate(folds):
        lines = ["\t".join(adience.COLUMNS)]
        for row in rows:
            full = {**dict.fromkeys(adience.COLUMNS, 0), **row}
            lines.append("\t".join(str(full[name]) for name in adience.COLUMNS))
            folder = root / "aligned" / str(full["user_id"])
            folder.mkdir(parents=True, exist_ok=True)
            name = f"landmark_aligned_face.{full['face_id']}.{full['original_image']}"
            Image.fromarray(random.integers(0, 256, (40, 40, 3), "uint8")).save(folder / name)
        adience.fold_file(root, fold).write_text("\n".join(lines) + "\n")
    return root


def tiny_rows() -> list[list[Row]]:
    """Two faces of each age label in each fold, one of each gender: two users a fold."""
    return [
        [
            {
                "user_id": f"user{fold}{gender}",
                "original_image": f"{age}.png",
                "face_id": fold,
                "age": label,
                "gender": gender,
            }
            for age, label in enumerate(AGE_LABELS)
            for gender in ("f", "m")
        ]
        for fold in range(FOLDS)
    ]


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """An Adience folder of 80 faces, all labels in every fold."""
    return write_adience(tmp_path / "adience", tiny_rows())


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The manifest of a folder such as ``tiny_folder``."""
    return load(write_adience(tmp_path_factory.mktemp("tiny") / "adience", tiny_rows()))


QUICK = replace(SMOKE, faces=None, batch_size=8, epochs=2)
"""Two epochs of eight steps on ``tiny``."""


@pytest.fixture(scope="session")
def images(tiny: Dataset, session_cache: Path) -> np.ndarray:
    """The decoded images of ``tiny``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADIENCE_CACHE", str(session_cache))
        return cache.images(tiny)


@pytest.fixture(scope="module")
def small_networks() -> Iterator[None]:
    """For tests of what happens around a training."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch.setattr)
        yield
