"""The site: what is on its pages, where they lead, and where it is written."""

import re
import warnings
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml

from adience_lib.report import execution, site
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError


class Page(HTMLParser):
    """Of a page: its anchors, what it links to, what it loads, and the texts of its pictures."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.alternatives: list[str | None] = []
        self.feed(file.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element names."""
        given = dict(attrs)
        self.anchors.add(given.get("id") or "")
        if tag == "a":
            self.links.append(given.get("href") or "")
        elif address := given.get("src") or given.get("href"):
            self.loaded.append(address)
        if tag == "img":
            self.alternatives.append(given.get("alt"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The site of the stored notebooks and the demo's results, and what Sphinx warned of."""
    folder, log = tmp_path_factory.mktemp("site") / "report", StringIO()
    with warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning):
        site.build(paths.NOTEBOOKS, site.STORED, folder, log)
    return folder, log.getvalue()


@pytest.fixture(scope="session")
def pages(built: tuple[Path, str]) -> dict[Path, Page]:
    """Every page of the site by its file."""
    files = [*built[0].glob("*.html"), *built[0].glob("notebooks/*.html")]
    return {file.resolve(): Page(file) for file in files}


def test_site_is_built_without_a_warning(built: tuple[Path, str]) -> None:
    """A picture that is not there, a link to nowhere, a table that is none."""
    assert built[1] == ""


def test_nothing_is_left_beside_the_site(built: tuple[Path, str]) -> None:
    """The checkout holds nothing of it but the report's folder."""
    assert list(built[0].parent.iterdir()) == [built[0]]


def test_every_page_is_in_the_contents(pages: dict[Path, Page]) -> None:
    """The notebooks, the pages of docs/ and README are one click from the first page."""
    names = {file.stem for file in pages}
    assert {*execution.NAMES, "index", "running", "method", "speed", "README", "search"} <= names


def _inside(page: Path, address: str) -> tuple[Path, str] | None:
    """The file and the anchor that an address names; None where it leads out of the site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    return ((page.parent / unquote(parts.path)).resolve() if parts.path else page, parts.fragment)


def test_every_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    """To a file of the site, and to an anchor on it where it names one."""
    for file, page in pages.items():
        for address in page.links:
            target = _inside(file, address)
            if target is not None:
                assert target[0].is_file(), (file.name, address)
                known = pages[target[0]].anchors if target[0] in pages else set()
                assert target[1] in {"", *known}, (file.name, address)


def test_nothing_is_loaded_from_another_host(
    built: tuple[Path, str], pages: dict[Path, Page]
) -> None:
    """Offline, a page is the same: scripts, styles, pictures and fonts lie in the site."""
    for file, page in pages.items():
        for address in page.loaded:
            target = _inside(file, address)
            assert address.startswith("data:") or (target and target[0].is_file()), address
    for style in built[0].rglob("*.css"):
        addresses = re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s]+)", style.read_text("utf-8"))
        assert not [address for address in addresses if re.match(r"(https?:)?//", address)], style


def test_every_picture_of_a_page_says_what_it_shows(pages: dict[Path, Page]) -> None:
    """For those who do not see it; a notebook's by its section."""
    assert all(alternative for page in pages.values() for alternative in page.alternatives)


def test_each_notebook_can_be_downloaded(built: tuple[Path, str], pages: dict[Path, Page]) -> None:
    """From its own page, with its outputs."""
    for name in execution.NAMES:
        page = (built[0] / "notebooks" / f"{name}.html").resolve()
        assert f"../_sources/notebooks/{name}.ipynb" in pages[page].links


@pytest.fixture(scope="session")
def first_page(built: tuple[Path, str]) -> str:
    """The HTML of the first page."""
    return (built[0] / "index.html").read_text("utf-8")


def _between(text: str, begin: str, end: str) -> str:
    return text[text.index(f'id="{begin}"') : text.index(f'id="{end}"')]


def test_drawn_faces_give_no_answer(first_page: str) -> None:
    """The answer is of the real faces of the study, and what the demo gave stands apart."""
    answer = _between(first_page, "does-the-paper-hold", "two-commands")
    assert "real faces of UTKFace" in answer
    assert "drawn" not in answer
    own = _between(first_page, "what-other-faces-gave", "the-notebooks")
    assert "drawn faces" in own
    assert "UTKFace" not in own


def test_discrepancies_are_numbered(first_page: str) -> None:
    """With their severity, the highest first."""
    part = _between(first_page, "discrepancies-found-in-the-paper", "what-other-faces-gave")
    cells = re.findall(r"<p>(\d+|high|medium|low)</p>", part)
    severities = cells[1::2]
    assert cells[::2] == [str(number) for number in range(1, len(severities) + 1)]
    assert severities == sorted(severities, key=["high", "medium", "low"].index)


def test_citation_is_the_same_everywhere() -> None:
    """In CITATION.cff, on the site, and what pyproject.toml and README call the project."""
    cited = yaml.safe_load((paths.PROJECT / "CITATION.cff").read_text("utf-8"))
    page = (site.PAGES / "index.md").read_text("utf-8")
    project = (paths.PROJECT / "pyproject.toml").read_text("utf-8")
    assert f"title  = {{{cited['title']}}}" in page
    assert f"Version {cited['version']}" in page
    assert f'version = "{cited["version"]}"' in project
    assert (paths.PROJECT / "README.md").read_text("utf-8").startswith(f"# {cited['title']}")


def test_code_is_folded_unless_its_cell_says_otherwise() -> None:
    """A reader opens it; cells that show the method are open."""
    folded, shown = (nbformat.v4.new_code_cell("x") for _ in range(2))
    shown.metadata["tags"] = [site.OPEN]
    site.for_readers(nbformat.v4.new_notebook(cells=[folded, shown]))
    assert folded.metadata["tags"] == ["hide-input"]
    assert shown.metadata["tags"] == [site.OPEN]


def test_folder_of_an_earlier_report_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier report has left would look like a part of this one."""
    monkeypatch.setattr(paths, "REPORT", tmp_path / "report")
    for _ in range(2):
        with site.emptied() as folder:
            assert not list(folder.iterdir())
            (folder / "old.html").touch()


def test_report_does_not_empty_what_a_link_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's own pages may lie there."""
    monkeypatch.setattr(paths, "REPORT", tmp_path / "report")
    (tmp_path / "report").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AdienceError, match=f"^{tmp_path}/report: is a link to .*elsewhere"):
        site.make({})


def test_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a checkout that belongs to somebody else."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(paths, "REPORT", tmp_path / "file" / "report")
    with pytest.raises(AdienceError, match=f"^{tmp_path}/file/report: cannot be written"):
        site.make({})
