"""The project as a whole: what is declared, paired, stored and published."""

import getpass
import io
import json
import platform
import re
import shutil
import subprocess
import tarfile
import tomllib
from pathlib import Path

import jupytext
import nbformat
import pandas as pd
import pytest
import yaml

from adience_lib.report.execution import notebooks
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError, first_line
from docs import generated

ROOT = paths.PROJECT
DEMO_FIGURES = ROOT / "figures" / "demo"
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]


def git(*words: str) -> bytes:
    """What git says of this checkout. Skips the test where it is none that git will speak of."""
    try:
        command = ["git", "rev-parse", "--show-toplevel"]
        top = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        pytest.skip(f"needs a git checkout: {first_line(reason)}")
    if Path(top.rstrip("\n")).resolve() != ROOT:
        pytest.skip(f"needs a git checkout: {ROOT.name} lies within another one")
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout


def tracked_files() -> list[Path]:
    """What git tracks, or would track once added."""
    names = git("ls-files", "--cached", "--others", "--exclude-standard", "-z").decode().split("\0")
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def pinned(lines: list[str]) -> dict[str, str]:
    """Package name to version, of lines such as ``numpy==2.4.6``."""
    pairs = [line.split("==") for line in lines if "==" in line]
    return {name.strip().lower().replace("_", "-"): version.strip() for name, version in pairs}


def declared() -> set[str]:
    """The packages that pyproject.toml names, for use and for development."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    ours, others = (
        [line for line in extras["dev"] if line.startswith("adience-lib[") is own]
        for own in (True, False)
    )
    named = [name for line in ours for name in re.split(r"[][,]", line)[1:-1]]
    lines = project["dependencies"] + others + [line for name in named for line in extras[name]]
    return {re.split(r"[<>=!~]", line)[0].strip().lower() for line in lines}


def test_conda_environment_has_the_declared_packages_at_the_pinned_versions() -> None:
    """pyproject.toml says which, constraints.txt says at what version, conda's file repeats."""
    versions = pinned((ROOT / "constraints.txt").read_text().splitlines())
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (with_pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    named = pinned(with_pip) | {"pip": dict(entry.split("=") for entry in conda)["pip"]}
    assert named == {name: versions[name] for name in declared()}


def test_given_packages_are_declared() -> None:
    """The packages that the project was founded on."""
    given = {"tensorflow", "numpy", "pandas", "matplotlib", "seaborn", "pillow"}
    assert given | {"jupytext", "papermill", "nbval", "keras", "tqdm"} <= declared()


@pytest.mark.parametrize("notebook", notebooks(), ids=lambda path: path.stem)
def test_notebook_and_script_are_the_same(notebook: Path) -> None:
    """The paired script, written anew from the notebook, is the one that is there."""
    script = jupytext.writes(jupytext.read(notebook), fmt="py:percent")
    assert script == notebook.with_suffix(".py").read_text()


@pytest.mark.parametrize("notebook", notebooks(), ids=lambda path: path.stem)
def test_notebook_is_stored_with_the_outputs_of_a_whole_run(notebook: Path) -> None:
    """Every cell has run, in order, without an error; and all but assignments show something."""
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.source]
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert len(outputs) >= 4
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert all(len(cell.source.splitlines()) <= 25 for cell in code if not _is_parameters(cell))


def _is_parameters(cell: nbformat.NotebookNode) -> bool:
    return "parameters" in cell.metadata.get("tags", [])


def test_nothing_tracked_names_a_machine_or_a_registry() -> None:
    """No absolute path of a home or a checkout, no host of a package registry."""
    hosts = ["py" + "pi.org", "python" + "hosted.org", "anaconda" + ".org", "npm" + "js.org"]
    # At the start of a path: a page's address may have a folder of that name further on.
    home = re.compile(r"(?<![\w.-])/(home|root|Users)/")
    for file in tracked_files():
        if file.suffix == ".png":
            continue
        text = file.read_text(encoding="utf-8")
        assert not home.search(text), file
        for word in (*hosts, *([f"{ROOT.parent}/"] if ROOT.parent != Path("/") else [])):
            assert word not in text, (file, word)


@pytest.mark.parametrize("notebook", notebooks(), ids=lambda path: path.stem)
def test_stored_outputs_hold_no_path_and_no_name_of_their_machine(notebook: Path) -> None:
    """No absolute path, no user, no host: those that are known here, and whatever looks so."""
    cells = nbformat.read(notebook, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    text = json.dumps([_without_pictures(output) for output in outputs])
    # Not of an address on the web, nor of a closing tag.
    path = re.compile(r"(?<![\w.:/<-])/(?:[\w.-]+/)+[\w.-]*")
    assert not path.findall(text)
    names = {platform.node(), getpass.getuser()} - {"root", "localhost", ""}
    assert not [name for name in names if re.search(rf"\b{re.escape(name)}\b", text)]


def _without_pictures(output: nbformat.NotebookNode) -> dict[str, object]:
    shown = output.get("data", {})
    return {**output, "data": {kind: shown[kind] for kind in shown if kind != "image/png"}}


def test_readme_is_short() -> None:
    """Twelve kilobytes and 180 lines; the rest stands in docs/ and on the site."""
    text = (ROOT / "README.md").read_bytes()
    assert len(text) <= 12_000
    assert text.count(b"\n") <= 180


def test_only_drawn_faces_and_no_models_are_tracked() -> None:
    """No image outside the figures, no figure with faces but the demo's, nothing large."""
    for file in tracked_files():
        assert file.suffix not in (".keras", ".h5", ".npy", ".jpg"), file
        assert file.stat().st_size < 2 << 20, file
        if file.suffix in (".png", ".svg"):
            assert "figures" in file.parts, file
            if "figure_1_" in file.name or "grad_cam_" in file.name:
                assert "demo" in file.parts, file


def test_demo_is_learned() -> None:
    """On the committed demo run, multi-task beats always giving the most frequent label by at
    least 15 points in gender and 10 in age, over five folds. (160 drawn faces; about people, this
    says nothing.)"""
    table = pd.read_csv(DEMO_FIGURES / "table_3.csv", index_col=0)
    row = table.loc["multitask"]
    assert row["folds"] == 5
    assert row["gender accuracy"] >= row["gender majority"] + 15
    assert row["age accuracy"] >= row["age majority"] + 10


def test_readme_and_docs_are_what_the_committed_figures_say(tmp_path: Path) -> None:
    """Byte for byte, so that no number of them can drift. A run on another machine changes the
    figures in the checkout, and not this."""
    archive = git("archive", "HEAD", "README.md", "docs", "figures")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(tmp_path, filter="data")
    for page, text in generated.pages(tmp_path).items():
        assert text == (tmp_path / page).read_text("utf-8"), page


@pytest.mark.parametrize("text", ["", "<!-- a --> <!-- /a --> <!-- a --> <!-- /a -->"])
def test_block_that_is_not_in_its_page_once_is_named(text: str) -> None:
    """A block that somebody deleted or copied would else go stale without a word."""
    with pytest.raises(AdienceError, match=r"README\.md: <!-- a -->"):
        generated.filled("README.md", text, {"a": "1"})


def _without_programs(page: Path) -> str:
    """A page's text, but what is fenced in it: its brackets are no links, its # no headings."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def _links(page: Path) -> list[tuple[Path, str]]:
    """The file and the anchor, or "", of each link in a page that leads to no other site."""
    targets = re.findall(r"\]\(([^)\s]+)\)", _without_programs(page))
    parts = [target.partition("#") for target in targets if "://" not in target]
    return [((page.parent / path).resolve() if path else page, to) for path, _, to in parts]


def _anchors(page: Path) -> set[str]:
    """What GitHub calls a page's headings: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", _without_programs(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file that the checkout has, and to a heading of it where they name one."""
    tracked = tracked_files()
    for file, anchor in _links(page):
        assert file in tracked, file
        assert not anchor or anchor in _anchors(file), f"{file}#{anchor}"


def test_readme_leads_to_every_page_of_docs() -> None:
    """A page that nothing leads to is not read."""
    assert set(PAGES) - {README} <= {file for file, _ in _links(README)}


def test_every_checkout_has_the_same_bytes() -> None:
    """With core.autocrlf=true, git would write other line ends, which no digest survives."""
    for line in git("ls-files", "--eol").decode().splitlines():
        kinds, name = line.split("\t")
        assert kinds.split()[2:] in (["attr/text=auto", "eol=lf"], ["attr/-text"]), name


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (FileNotFoundError(2, "No such file", "git"), "No such file"),
        (
            subprocess.CalledProcessError(128, "git", stderr="fatal: detected dubious ownership\n"),
            "dubious ownership",
        ),
        (f"{ROOT.parent}\n", "lies within another one"),
    ],
    ids=["no git", "another user's", "unpacked within a checkout"],
)
def test_what_needs_git_is_skipped_without_it(
    failure: Exception | str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason says what is in the way: sources from a ZIP, somebody else's checkout."""

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        if isinstance(failure, Exception):
            raise failure
        return subprocess.CompletedProcess(command, 0, failure)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(pytest.skip.Exception, match=reason):
        git("ls-files")


ENVIRONMENTS = {
    "whole": ("{here}/.venv/bin/python", False),
    "moved or copied": ("/elsewhere/.venv/bin/python", True),
    "without pip, as Debian leaves it": (None, True),
}


@pytest.mark.parametrize(("shebang", "anew"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_environment_that_would_run_other_code_is_made_anew(
    shebang: str | None, anew: bool, tmp_path: Path
) -> None:
    """And one that is as it was made is left alone."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text("#!/bin/sh\n")
    (programs / "python").chmod(0o755)
    if shebang:
        (programs / "pip").write_text(f"#!{shebang.format(here=tmp_path)}\nimport pip\n")
    (tmp_path / ".venv" / "installed").touch()
    command = ["make", "--dry-run", "env"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ("venv --clear .venv" in done.stdout) == anew


@pytest.mark.parametrize("notebook", notebooks(), ids=lambda path: path.stem)
def test_notebook_imports_the_library_before_keras(notebook: Path) -> None:
    """Later, its choice of the backend and of oneDNN would have no effect."""
    lines = notebook.with_suffix(".py").read_text(encoding="utf-8").splitlines()
    library = next(n for n, line in enumerate(lines) if line.startswith("from adience_lib"))
    assert "import keras" not in lines[:library]
