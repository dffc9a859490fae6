"""Adience's files from its authors' server, for those who have been given access.

``python -m adience_lib download ADDRESS FOLDER``. The authors' answer names the address and the
credentials. These come from the variables ``ADIENCE_USER`` and ``ADIENCE_PASSWORD``, or from
``.netrc``, and are neither stored nor printed.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tqdm import tqdm

from adience_lib.data import adience
from adience_lib.data.labels import FOLDS
from adience_lib.util import atomic
from adience_lib.util.console import message
from adience_lib.util.errors import AdienceError

if TYPE_CHECKING:
    import requests

FILES = (
    *(adience.fold_file(Path(), fold).name for fold in range(FOLDS)),
    adience.image_archive(Path(), "aligned").name,
)
"""What the report needs: the fold files, and the images that the paper takes."""

ATTEMPTS = 6
"""In a row without one more byte. The pauses between them double from one second."""

USER, PASSWORD = "ADIENCE_USER", "ADIENCE_PASSWORD"

TIMEOUT = (10, 60)
"""Seconds: to be connected, and between two pieces of a file."""


def download(address: str, folder: Path, names: tuple[str, ...] = FILES) -> list[Path]:
    """Fetch ``names`` from below ``address`` into ``folder``, and give their paths.

    A file that is there is not fetched again. A connection that breaks off is taken up where it
    broke, also by the next call, if the server can do that and still has the same file.

    Raises AdienceError: pooch is not installed, the address is none, the server cannot be reached,
    refuses the credentials or has no such file, the connection keeps breaking, or the disk is full.
    """
    try:
        import pooch
    except ImportError as error:
        raise AdienceError(
            "downloads need the package pooch: pip install 'adience-lib[download]'"
        ) from error
    _check_address(address)
    pooch.get_logger().setLevel("ERROR")  # the bar says what it would say
    credentials = _credentials()
    fetched = []
    for name in names:
        target = folder / name
        with atomic.writing(target):
            pooch.retrieve(
                f"{address.rstrip('/')}/{name}",
                known_hash=None,  # the authors publish none; the reader checks the archive's own
                fname=name,
                path=folder,
                downloader=_downloader(target, credentials),
            )
        fetched.append(target)
    return fetched


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AdienceError(f"{address}: no address; it begins with https:// or http://")
    if parts.username or parts.password:
        raise AdienceError(
            f"the address holds credentials, which would end in logs; set {USER} and {PASSWORD}"
        )
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1"):
        message(
            f"{parts.hostname}: http:// sends user and password readably; use https:// if it can"
        )


def _credentials() -> tuple[str, str] | None:
    """From the environment; without, requests itself looks into ``.netrc``."""
    user, password = os.environ.get(USER), os.environ.get(PASSWORD)
    if bool(user) != bool(password):
        raise AdienceError(f"{USER} and {PASSWORD} belong together; one of them is not set")
    return (user, password) if user and password else None


def _downloader(
    target: Path, credentials: tuple[str, str] | None
) -> Callable[[str, str, Any], None]:
    """What pooch calls with the address and a file of its own, to be filled."""

    def fetch(address: str, output: str, _: Any) -> None:
        part = atomic.unfinished_name(target)
        _fetch(address, part, credentials)
        part.replace(output)
        _validator(part).unlink(missing_ok=True)

    return fetch


def _fetch(address: str, part: Path, credentials: tuple[str, str] | None) -> None:
    """Fill ``part``, in as many connections as it takes."""
    import requests
    from urllib3.exceptions import HTTPError

    attempts, reached = 0, False
    while True:
        before = _bytes(part)
        try:
            with requests.get(
                address,
                headers=_headers(part),
                auth=credentials,
                stream=True,
                timeout=TIMEOUT,
            ) as answer:
                reached = True
                _check_answer(answer, part.name.removesuffix(".unfinished"))
                _append(answer, part)
                return
        except (requests.RequestException, HTTPError, _BrokenOff) as error:
            if not reached and _is_unreachable(error):
                host = urlsplit(address).netloc
                raise AdienceError(
                    f"{host}: cannot be reached; check the address and this machine's network"
                ) from None
            attempts = 1 if _bytes(part) > before else attempts + 1
            if attempts == ATTEMPTS:
                raise AdienceError(
                    f"{address}: the connection broke off {ATTEMPTS} times in a row "
                    f"({type(error).__name__}); {_bytes(part):,} bytes are kept, and the same "
                    "command goes on from there"
                ) from None  # the cause may hold headers
            message(f"{address}: broken off after {_bytes(part):,} bytes; trying again")
            time.sleep(2 ** (attempts - 1))


def _is_unreachable(error: Exception) -> bool:
    """Whether there was no connection at all: no such host, or nobody listens there."""
    from urllib3.exceptions import NewConnectionError

    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


class _BrokenOff(Exception):
    """The server has closed the connection before the end."""


def _bytes(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _validator(part: Path) -> Path:
    """The file with what tells one state of the server's file from another."""
    return part.with_name(f"{part.name}.state")


def _headers(part: Path) -> dict[str, str]:
    """Ask for the rest of what has not changed since, else for all; never packed on the way."""
    headers = {"Accept-Encoding": "identity"}
    with contextlib.suppress(FileNotFoundError):
        state = _validator(part).read_text(encoding="ascii")
        if state and _bytes(part):
            headers |= {"Range": f"bytes={_bytes(part)}-", "If-Range": state}
    return headers


def _check_answer(answer: "requests.Response", name: str) -> None:
    if answer.status_code in (401, 403):
        raise AdienceError(
            f"{answer.url}: access refused ({answer.status_code}); set {USER} and {PASSWORD} to "
            "what the authors have sent, or put it into ~/.netrc"
        )
    if answer.status_code >= 500:  # the server's own trouble, which may pass
        raise _BrokenOff
    if answer.status_code not in (200, 206, 416):
        raise AdienceError(f"{answer.url}: the server has no {name} ({answer.status_code})")


def _append(answer: "requests.Response", part: Path) -> None:
    """Write the answer behind what is there, or, where it is all of the file, in its place."""
    if answer.status_code == 416:  # nothing is left: the whole file is there, or another one
        whole_size = answer.headers.get("Content-Range", "").rpartition("/")[2]
        if whole_size == str(_bytes(part)):
            return
        part.unlink(missing_ok=True)
        raise _BrokenOff
    going_on = answer.status_code == 206
    start = _bytes(part) if going_on else 0
    if going_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        part.unlink()
        raise _BrokenOff
    tag = answer.headers.get("ETag", "")
    # A weak tag does not promise equal bytes.
    state = answer.headers.get("Last-Modified", "") if tag.startswith("W/") or not tag else tag
    _validator(part).write_text(state, encoding="ascii")
    length = answer.headers.get("Content-Length")
    total = start + int(length) if length else None
    bar = {"unit": "B", "unit_scale": True, "leave": False, "mininterval": 1}
    with (
        part.open("ab" if going_on else "wb") as file,
        tqdm(
            desc=part.name.removesuffix(".unfinished"), total=total, initial=start, **bar
        ) as shown,
    ):
        for piece in answer.raw.stream(1 << 16, decode_content=False):
            file.write(piece)
            shown.update(len(piece))
    if total is not None and _bytes(part) != total:
        raise _BrokenOff
