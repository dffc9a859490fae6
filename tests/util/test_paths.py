"""What a path that somebody gives means."""

from pathlib import Path

import pytest

from adience_lib.util import paths
from adience_lib.util.errors import AdienceError


def test_kernel_takes_a_variable_from_the_folder_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``ADIENCE_RUNS=scratch jupyter lab``: the kernel runs in notebooks/, where nobody meant."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.setenv("ADIENCE_RUNS", "scratch")
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert paths.runs() == tmp_path / "notebooks" / "scratch"
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    assert paths.runs() == tmp_path / "scratch"


def test_programs_in_other_folders_get_absolute_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command settles them before it starts any; the word demo stays a word."""
    monkeypatch.chdir(tmp_path)
    for name, given in {"RUNS": "a/../b", "FIGURES": "~/f", "DATA": "demo", "CACHE": ""}.items():
        monkeypatch.setenv(f"ADIENCE_{name}", given)
    paths.settle()
    monkeypatch.chdir("/")
    assert paths.runs() == tmp_path / "b"
    assert paths.figures() == Path.home() / "f"
    assert paths.variable("ADIENCE_DATA") == "demo"
    assert paths.cache() == paths.PROJECT / "cache"


@pytest.mark.parametrize("path", ["a\0b", "~nobody-of-this-name/x", "\ud800"])
def test_what_can_be_no_path_is_named_with_its_parameter(path: str) -> None:
    """In one line."""
    with pytest.raises(AdienceError, match=r"^runs_dir: [^\n]*: no such file or folder can be"):
        paths.settled("runs_dir", path)
