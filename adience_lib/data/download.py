"""Adience's files from its authors' server, for those who have been given access.

``python -m adience_lib download ADDRESS FOLDER``. The authors' answer names the address and the
credentials. These come from the variables ``ADIENCE_USER`` and ``ADIENCE_PASSWORD``, or from
``.netrc``, and are neither stored nor printed.
"""

import os
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from tqdm import tqdm

from adience_lib.data import adience
from adience_lib.data.labels import FOLDS
from adience_lib.util import atomic, console
from adience_lib.util.errors import AdienceError

FILES = (*(adience.fold_file(Path(), fold).name for fold in range(FOLDS)), "aligned.tar.gz")
"""What the report needs: the fold files, and the images that the paper takes."""
USER, PASSWORD = "ADIENCE_USER", "ADIENCE_PASSWORD"


def download(address: str, folder: Path, names: tuple[str, ...] = FILES) -> list[Path]:
    """Fetch ``names`` from below ``address`` into ``folder``, and give their paths.

    Each is there whole or not at all, and one that is there is not fetched again. Raises
    AdienceError: pooch is not installed, the address is none or holds credentials, the server
    cannot be reached, refuses or has no such file, it breaks off, or the disk is full.
    """
    try:
        import pooch
        import requests
    except ImportError as error:
        raise AdienceError(
            "downloads need the package pooch: pip install 'adience-lib[download]'"
        ) from error
    asked = {
        "auth": _credentials(address),
        "timeout": (10, 60),  # seconds: to be connected, and between two pieces of a file
        "headers": {"Accept-Encoding": "identity"},  # an archive as it lies there
    }
    for target in (folder / name for name in names if not (folder / name).exists()):
        url = f"{address.rstrip('/')}/{target.name}"
        with atomic.writing(target), tqdm(desc=target.name, total=1, **console.BYTES) as shown:
            # The server says the total; a bar without one would count as none.
            fetch = pooch.HTTPDownloader(progressbar=shown, chunk_size=1 << 16, **asked)
            try:
                atomic.write_file(target, partial(fetch, url, pooch=None))
            except requests.RequestException as error:
                raise AdienceError(_failure(error, url, target)) from None  # it may hold headers
    return [folder / name for name in names]


def _credentials(address: str) -> tuple[str, str] | None:
    """From the environment; without, requests itself looks into ``.netrc``."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise AdienceError(
            "the address must begin with https:// or http://, and hold no user or password, which "
            f"would end in logs; set {USER} and {PASSWORD}"
        )
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1"):
        console.message(f"{parts.hostname}: http:// sends passwords readably; use https:// instead")
    user, password = os.environ.get(USER), os.environ.get(PASSWORD)
    return (user, password) if user and password else None


def _failure(error: Exception, url: str, target: Path) -> str:
    answer = getattr(error, "response", None)
    reason = type(error).__name__ if answer is None else answer.status_code
    if reason in (401, 403):
        advice = f"set {USER} and {PASSWORD} to what the authors have sent, or put it in ~/.netrc"
        return f"{url}: access refused ({reason}); {advice}"
    return (
        f"{url}: not fetched ({reason}), and nothing is kept; check the address and the network "
        "and start again, or on a line that breaks often repeat until it is whole: "
        f"curl -C - --netrc --fail -o {target}.part {url}, and name it {target.name} then"
    )
