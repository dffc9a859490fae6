"""One image file to one face: a 256x256x3 array.

The decoder and the filter are fixed here. Whatever makes reading faster later must give the
same pixels; ``DECODER`` is part of every cache's key.
"""

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from adience_lib.data.labels import SIDE
from adience_lib.util.errors import AdienceError, first_line

DECODER = "draft-bicubic-1"
"""Name of the pixel rules below. Change it whenever a pixel may change."""

MINIMUM_SIDE = 8
"""Pixels: one JPEG block. A smaller image cannot hold a face."""

FORMATS = ("JPEG", "PNG")
ENDINGS = (".jpg", ".jpeg", ".png")
"""Of the names of images, in small letters."""
STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""First bytes of a JPEG and of a PNG."""
PLAIN_MODES = ("1", "L", "P", "RGB", "CMYK", "YCbCr")
ALPHA_MODES = ("LA", "PA", "RGBA")

# Pillow warns from this many pixels on (a decompression bomb) and raises at twice as many.
# Here the first is an error too, and says so in one line instead of a warning.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def read_face(image: Path | BinaryIO, name: str = "", *, turned: bool = False) -> np.ndarray:
    """The face in ``image``, a file or its content, as a (256, 256, 3) uint8 array, RGB.

    ``name``: what errors call it; a file's own path where there is none.

    The shorter side is scaled to 256 pixels and the centre square is kept, in one bicubic step
    with anti-aliasing. A JPEG is first reduced while it is decoded, by the largest of 1, 2, 4, 8
    that leaves both sides at 256 pixels or more (an 816x816 image of Adience is read at 408x408).
    ``turned``: as the image's orientation tag (EXIF) says, as people see a photograph. Otherwise
    the pixels are taken as stored: the crops of Adience and UTKFace are upright.

    Raises AdienceError naming the file: missing, not a JPEG or PNG, truncated, smaller than 8
    pixels, larger than Pillow's limit, or with transparent pixels.
    """
    name = name or str(image)
    try:
        with Image.open(image, formats=FORMATS) as opened:
            _check(opened, name)
            opened.draft("RGB", (SIDE, SIDE))
            side = min(opened.size)
            left, top = (opened.width - side) / 2, (opened.height - side) / 2
            square = (left, top, left + side, top + side)
            face = _to_rgb(opened, name).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=square)
            if turned:
                face = _upright(face)
    except UnidentifiedImageError as error:
        raise AdienceError(f"{name}: not a JPEG or PNG image") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise AdienceError(f"{name}: {_too_large()}") from error
    except FileNotFoundError as error:
        raise AdienceError(f"{name}: no such image") from error
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for a damaged file
        raise AdienceError(f"{name}: the image cannot be read ({first_line(error)})") from error
    return np.asarray(face)


def is_image(file: Path) -> bool:
    """Whether ``file`` is a JPEG or PNG by its first bytes, or says so by its ending; no device."""
    if not file.is_file():
        return False
    try:
        with file.open("rb") as opened:
            return opened.read(8).startswith(STARTS) or file.suffix.lower() in ENDINGS
    except OSError:
        return file.suffix.lower() in ENDINGS


def _upright(face: Image.Image) -> Image.Image:
    """As its orientation tag says; a tag that is damaged says nothing, as to other programs."""
    try:
        return ImageOps.exif_transpose(face)
    except Exception:  # Pillow's parser raises nearly anything
        return face


def _check(image: Image.Image, name: str) -> None:
    if image.width * image.height > (Image.MAX_IMAGE_PIXELS or 0):
        raise AdienceError(f"{name}: {_too_large()}")
    if min(image.size) < MINIMUM_SIDE:
        width, height = image.size
        raise AdienceError(
            f"{name}: the image is {width}x{height} pixels, too small for a face "
            f"(at least {MINIMUM_SIDE}x{MINIMUM_SIDE})"
        )


def _too_large() -> str:
    return f"the image has more than {Image.MAX_IMAGE_PIXELS:,} pixels, Pillow's safety limit"


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    """Grey, palette and CMYK images become RGB; transparency would have to be guessed at."""
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            raise AdienceError(f"{name}: the image has transparent pixels; flatten it first")
    elif image.mode not in PLAIN_MODES:
        raise AdienceError(f"{name}: images of mode {image.mode} are not supported; convert to RGB")
    return image.convert("RGB")


def shorter_side(image: Path | BinaryIO, name: str = "") -> int:
    """Pixels of the shorter side of ``image`` as it is stored, which ``read_face`` scales.

    Reads the image's header only. Raises AdienceError as ``read_face`` does.
    """
    name = name or str(image)
    if not isinstance(image, Path):
        image.seek(0)
    try:
        with Image.open(image, formats=FORMATS) as opened:
            return min(opened.size)
    except (OSError, SyntaxError, ValueError) as error:
        raise AdienceError(f"{name}: the image cannot be read ({first_line(error)})") from error


def brightness(face: np.ndarray) -> float:
    """The mean of all values of a face, (256, 256, 3) uint8, from 0 (black) to 1 (white)."""
    return float(face.mean() / 255)
