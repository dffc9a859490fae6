"""Downloads: whole or absent, never with the credentials shown. The server is local."""

import base64
import http.server
import resource
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
    requests: list[str]
    breaks_after = len(CONTENT)


class Handler(http.server.BaseHTTPRequestHandler):
    """Basic authentication, and connections that break off."""

    server: Server

    def do_GET(self) -> None:
        """Answer, or break off as the test has planned."""
        given = self.headers.get("Authorization", "")
        self.server.requests.append(self.path)
        if given != "Basic " + base64.b64encode(":".join(SECRET).encode()).decode():
            self.send_error(401)
            return
        if self.path.endswith(("missing", "overloaded")):
            self.send_error(404 if self.path.endswith("missing") else 503)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: self.server.breaks_after])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A running server, and its credentials in the environment."""
    running = Server(("127.0.0.1", 0), Handler)
    running.requests = []
    running.address = f"http://127.0.0.1:{running.server_port}/adience"
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setenv(downloads.USER, SECRET[0])
    monkeypatch.setenv(downloads.PASSWORD, SECRET[1])
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    yield running
    running.shutdown()


def test_every_file_comes_whole_and_once(server: Server, tmp_path: Path) -> None:
    """What is there is not asked for again; nothing else is left."""
    files = download(server.address, tmp_path / "adience")
    assert [file.name for file in files] == list(downloads.FILES)
    assert all(file.read_bytes() == CONTENT for file in files)
    download(server.address, tmp_path / "adience")
    assert server.requests == [f"/adience/{name}" for name in downloads.FILES]
    assert sorted(file.name for file in (tmp_path / "adience").iterdir()) == sorted(downloads.FILES)


@pytest.mark.parametrize("length", [0, 100, 400_000])
def test_broken_connection_leaves_nothing_and_says_what_goes_on(
    server: Server, tmp_path: Path, length: int
) -> None:
    """The same command fetches the file whole."""
    server.breaks_after = length
    words = r"aligned\.tar\.gz: not fetched \(\w+\), .*: curl -C - --netrc --fail -o \S+\.part http"
    with pytest.raises(AdienceError, match=words) as error:
        download(server.address, tmp_path, ("aligned.tar.gz",))
    assert SECRET[1] not in str(error.value)
    assert not list(tmp_path.iterdir())
    server.breaks_after = len(CONTENT)
    (file,) = download(server.address, tmp_path, ("aligned.tar.gz",))
    assert file.read_bytes() == CONTENT


def test_full_disk_is_an_error_and_nothing_is_left(server: Server, tmp_path: Path) -> None:
    """The system refuses to let the file grow, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
    try:
        with pytest.raises(AdienceError, match=r"aligned\.tar\.gz: cannot be written"):
            download(server.address, tmp_path, ("aligned.tar.gz",))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


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


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://server/adience", "must begin with https://"),
        ("adience", "must begin with https://"),
        ("https://me:word@server/adience", "hold no user or password, which would end in logs"),
    ],
)
def test_impossible_address_is_refused(tmp_path: Path, address: str, words: str) -> None:
    """Before anything is asked of anybody."""
    with pytest.raises(AdienceError, match=words) as error:
        download(address, tmp_path)
    assert "word@" not in str(error.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x", "https://no-such-host.invalid/x"])
def test_server_that_cannot_be_reached_is_named_at_once(tmp_path: Path, address: str) -> None:
    """Nobody listens, or there is no such host."""
    words = r"(:9|\.invalid)/\S+: not fetched \(ConnectionError\).*; check the address"
    with pytest.raises(AdienceError, match=words):
        download(address, tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [("missing", r"missing: not fetched \(404\)"), ("overloaded", r"loaded: not fetched \(503\)")],
)
def test_file_that_the_server_does_not_give_is_named(
    server: Server, tmp_path: Path, name: str, words: str
) -> None:
    """With the server's own status."""
    with pytest.raises(AdienceError, match=words):
        download(server.address, tmp_path, (name,))
    assert not list(tmp_path.iterdir())
