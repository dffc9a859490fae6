"""One image file to one face, a 256x256x3 array; and the images of a dataset, as files."""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from adience_lib.data.labels import SIDE
from adience_lib.util.errors import AdienceError, first_line

DECODER = "draft-bicubic-1"
"""Name of the pixel rules below, part of every cache's key. Change it when a pixel may change."""
MINIMUM_SIDE = 8
"""Pixels: one JPEG block. A smaller image cannot hold a face."""
FORMATS = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n"}
"""Those that are read, and their first bytes."""
ENDINGS = (".jpg", ".jpeg", ".png")
"""Of the names of images, in small letters."""
PLAIN_MODES = ("1", "L", "P", "RGB", "CMYK", "YCbCr")


def read_face(image: Path | BinaryIO, name: str = "", *, turned: bool = False) -> np.ndarray:
    """The face in ``image``, a file or its content, as a (256, 256, 3) uint8 array, RGB.

    The shorter side is scaled to 256 pixels and the centre square is kept, in one bicubic step
    with anti-aliasing. A JPEG is first reduced while it is decoded, by the largest of 1, 2, 4, 8
    that leaves both sides at 256 pixels or more (an 816x816 image of Adience is read at 408x408).
    ``turned``: as the image's orientation tag (EXIF) says, or as stored. ``name``: what errors call
    it; a file's own path where there is none. Raises AdienceError: missing, not a JPEG or PNG,
    truncated, smaller than 8 pixels, larger than Pillow's limit, or with transparent pixels.
    """
    with _opened(image, name) as opened:
        opened.draft("RGB", (SIDE, SIDE))
        side = min(opened.size)
        left, top = (opened.width - side) / 2, (opened.height - side) / 2
        square = (left, top, left + side, top + side)
        face = _to_rgb(opened, name or str(image))
        face = face.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=square)
        if turned:
            with contextlib.suppress(Exception):  # of a damaged tag: Pillow raises nearly anything
                face = ImageOps.exif_transpose(face)
        return np.asarray(face)


def shorter_side(image: Path | BinaryIO, name: str = "") -> int:
    """Pixels of the shorter side of ``image`` as it is stored. Errors are ``read_face``'s."""
    with _opened(image, name) as opened:
        return min(opened.size)


@contextlib.contextmanager
def _opened(image: Path | BinaryIO, name: str) -> Iterator[Image.Image]:
    """Pillow's image, whose errors here and meanwhile become one line with the file's name."""
    name = name or str(image)
    try:
        with Image.open(image, formats=list(FORMATS)) as opened:
            if opened.width * opened.height > (Image.MAX_IMAGE_PIXELS or 0):
                raise Image.DecompressionBombError  # as Pillow does from twice as many on
            if min(opened.size) < MINIMUM_SIDE:
                size = f"{opened.width}x{opened.height} pixels"
                raise AdienceError(f"{name}: the image is {size}, too small for a face")
            yield opened
    except UnidentifiedImageError as error:
        raise AdienceError(f"{name}: not a JPEG or PNG image") from error
    except Image.DecompressionBombError as error:
        most = f"{Image.MAX_IMAGE_PIXELS:,} pixels, Pillow's safety limit"
        raise AdienceError(f"{name}: the image has more than {most}") from error
    except FileNotFoundError as error:
        raise AdienceError(f"{name}: no such image") from error
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for a damaged file
        raise AdienceError(f"{name}: the image cannot be read ({first_line(error)})") from error


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Grey, palette and CMYK images become RGB; transparency would have to be guessed at."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            raise AdienceError(f"{name}: the image has transparent pixels; flatten it first")
    elif image.mode not in PLAIN_MODES:
        raise AdienceError(f"{name}: images of mode {image.mode} are not supported; convert to RGB")
    return image.convert("RGB")


def is_image(file: Path) -> bool:
    """Whether ``file`` is a JPEG or PNG by its ending or its first bytes; no device is read."""
    if not file.is_file() or file.suffix.lower() in ENDINGS:
        return file.is_file()
    with contextlib.suppress(OSError), file.open("rb") as opened:
        return opened.read(8).startswith(tuple(FORMATS.values()))
    return False


def brightness(face: np.ndarray) -> float:
    """The mean of all values of a face, (256, 256, 3) uint8, from 0 (black) to 1 (white)."""
    return float(face.mean() / 255)


GO_ON = "To go on without them: allow_missing=True (in a notebook, the parameter allow_missing)"
"""What to do about images that are missing or cannot be read."""
READ_AHEAD = 256
"""Images decoded before their reader must have caught up: 50 MB, whatever the dataset's size."""


@dataclass(frozen=True)
class Folder:
    """Images that lie as files under ``root``; ``turned`` as their orientation tags say or not."""

    root: Path
    turned: bool = False

    def names(self) -> list[str]:
        """Every ``.jpg`` directly in it, in order, but for a Mac's notes ("._" and a name)."""
        names = (path.name for path in self.root.iterdir() if path.suffix.lower() == ".jpg")
        return sorted(name for name in names if not name.startswith("._"))

    def missing(self, names: Iterable[str]) -> set[str]:
        """Those of ``names`` that are no files."""
        return {name for name in names if not (self.root / name).is_file()}

    def size(self, name: str) -> int:
        """Bytes of an image."""
        return (self.root / name).stat().st_size

    def digest(self, name: str) -> str:
        """SHA-256 of an image's bytes, in hexadecimal."""
        with (self.root / name).open("rb") as file:  # in pieces: it may be of any size
            return hashlib.file_digest(file, "sha256").hexdigest()

    def faces(self, names: list[str]) -> Iterator[np.ndarray | AdienceError]:
        """The images as of ``read_face``, or why one cannot be read, in order. Pillow releases
        Python's lock while it decodes: there are as many threads as cores."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(names), READ_AHEAD):
                yield from pool.map(self._face_or_error, names[start : start + READ_AHEAD])

    def _face_or_error(self, name: str) -> np.ndarray | AdienceError:
        try:
            return read_face(self.root / name, turned=self.turned)
        except AdienceError as error:
            return error

    def check_inside(self, names: Iterable[str], folders: Iterable[str] = ()) -> None:
        """Raise AdienceError for images that are links to somewhere else: a dataset may come from
        anybody. ``folders``: of the dataset, may be links themselves, as its owner sets them up."""
        roots = tuple(os.path.realpath(self.root / folder) + os.sep for folder in ("", *folders))
        outside = [one for one in names if not os.path.realpath(self.root / one).startswith(roots)]
        if outside:
            raise AdienceError(
                f"{self.root}: {len(outside)} images are links that lead out of the dataset, the "
                f"first: {outside[0]}; put the images themselves there"
            )
