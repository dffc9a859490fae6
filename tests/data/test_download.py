"""Downloads: resumed where they broke, never with the credentials shown. The server is local."""

import base64
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adience_lib.data import download as downloads
from adience_lib.data.download import download
from adience_lib.util.errors import AdienceError

CONTENT = bytes(range(256)) * 4000
SECRET = ("somebody", "a-secret-word")


class Server(http.server.ThreadingHTTPServer):
    """Serves ``CONTENT`` under any name to those who know the credentials."""

    address: str
    breaks_after: list[int]
    requests: list[str]
    content = CONTENT
    tag = '"first"'


class Handler(http.server.BaseHTTPRequestHandler):
    """Ranges, entity tags, basic authentication, and connections that break off."""

    server: Server

    def do_GET(self) -> None:
        """Answer, or break off as the test has planned."""
        given = self.headers.get("Authorization", "")
        self.server.requests.append(self.headers.get("Range", "all"))
        if given != "Basic " + base64.b64encode(":".join(SECRET).encode()).decode():
            self.send_error(401)
            return
        if self.path.endswith("missing"):
            self.send_error(404)
            return
        content, start = self.server.content, 0
        asked = self.headers.get("Range")
        if asked and self.headers.get("If-Range") == self.server.tag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            end, total = len(content) - 1, len(content)
            self.send_header("Content-Range", f"bytes {start}-{end}/{total}")
        else:
            self.send_response(200)
        self.send_header("ETag", self.server.tag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        if self.server.breaks_after:
            rest = rest[: self.server.breaks_after.pop(0)]
        self.wfile.write(rest)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A running server, its credentials in the environment, and no pause between attempts."""
    running = Server(("127.0.0.1", 0), Handler)
    running.breaks_after, running.requests = [], []
    running.address = f"http://127.0.0.1:{running.server_port}/adience"
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setenv(downloads.USER, SECRET[0])
    monkeypatch.setenv(downloads.PASSWORD, SECRET[1])
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setattr("time.sleep", lambda _: None)
    yield running
    running.shutdown()


def test_every_file_comes_whole_and_once(server: Server, tmp_path: Path) -> None:
    """What is there is not asked for again; nothing else is left."""
    files = download(server.address, tmp_path / "adience")
    assert [file.name for file in files] == list(downloads.FILES)
    assert all(file.read_bytes() == CONTENT for file in files)
    download(server.address, tmp_path / "adience")
    assert len(server.requests) == len(files)
    assert sorted(file.name for file in (tmp_path / "adience").iterdir()) == sorted(downloads.FILES)


def test_broken_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    """Twice, within one call."""
    server.breaks_after = [300_000, 200_000]
    (file,) = download(server.address, tmp_path, ("aligned.tar.gz",))
    assert file.read_bytes() == CONTENT
    assert server.requests == ["all", "bytes=300000-", "bytes=500000-"]


def test_later_call_goes_on_from_what_is_kept(server: Server, tmp_path: Path) -> None:
    """After the connection has broken off too often."""
    server.breaks_after = [400_000] + [0] * downloads.ATTEMPTS
    with pytest.raises(AdienceError, match=r"broke off 6 times in a row .*400,000 bytes are kept"):
        download(server.address, tmp_path, ("aligned.tar.gz",))
    server.requests.clear()
    server.breaks_after.clear()
    (file,) = download(server.address, tmp_path, ("aligned.tar.gz",))
    assert file.read_bytes() == CONTENT
    assert server.requests == ["bytes=400000-"]


def test_file_that_has_changed_meanwhile_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    """Halves of two files would make none."""
    server.breaks_after = [400_000] + [0] * downloads.ATTEMPTS
    with pytest.raises(AdienceError):
        download(server.address, tmp_path, ("aligned.tar.gz",))
    server.breaks_after.clear()
    server.content, server.tag = CONTENT[::-1], '"second"'
    (file,) = download(server.address, tmp_path, ("aligned.tar.gz",))
    assert file.read_bytes() == CONTENT[::-1]


def test_credentials_of_netrc_are_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the environment has none."""
    for name in (downloads.USER, downloads.PASSWORD):
        monkeypatch.delenv(name)
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {SECRET[0]} password {SECRET[1]}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    (file,) = download(server.address, tmp_path, ("aligned.tar.gz",))
    assert file.read_bytes() == CONTENT


def test_refusal_says_what_to_set_and_not_what_was_set(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong password is a secret too."""
    monkeypatch.setenv(downloads.PASSWORD, "another-secret")
    command = [sys.executable, "-m", "adience_lib", "download", server.address, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]  # TensorFlow describes the processor above it
    assert last.startswith("error: ")
    assert "access refused (401); set ADIENCE_USER and ADIENCE_PASSWORD" in last
    assert "another-secret" not in done.stderr + done.stdout


def test_nothing_of_the_credentials_is_stored(server: Server, tmp_path: Path) -> None:
    """Not even where a download is left half done."""
    server.breaks_after = [400_000] + [0] * downloads.ATTEMPTS
    with pytest.raises(AdienceError) as error:
        download(server.address, tmp_path, ("aligned.tar.gz",))
    secret = SECRET[1].encode()
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert kept
    assert not [content for content in kept if secret in content]
    assert SECRET[1] not in str(error.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://server/adience", "no address; it begins with https://"),
        ("adience", "no address"),
        ("https://me:word@server/adience", "holds credentials, which would end in logs"),
    ],
)
def test_impossible_address_is_refused(tmp_path: Path, address: str, words: str) -> None:
    """Before anything is asked of anybody."""
    with pytest.raises(AdienceError, match=words) as error:
        download(address, tmp_path)
    assert "word@" not in str(error.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x", "https://no-such-host.invalid/x"])
def test_server_that_cannot_be_reached_is_named_at_once(tmp_path: Path, address: str) -> None:
    """Nobody listens, or there is no such host: a second attempt would change nothing."""
    with pytest.raises(AdienceError, match=r"(:9|\.invalid): cannot be reached; check the address"):
        download(address, tmp_path)


def test_missing_file_is_named(server: Server, tmp_path: Path) -> None:
    """With the server's own status."""
    with pytest.raises(AdienceError, match=r"has no missing \(404\)"):
        download(server.address, tmp_path, ("missing",))


def test_half_of_the_credentials_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name without its password is a slip."""
    monkeypatch.setenv(downloads.USER, "somebody")
    monkeypatch.delenv(downloads.PASSWORD, raising=False)
    with pytest.raises(AdienceError, match="belong together"):
        download("https://server/adience", tmp_path)
