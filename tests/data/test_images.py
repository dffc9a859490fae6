"""The image reader: its geometry, and every kind of file that is no face."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adience_lib.data.images import read_face
from adience_lib.data.labels import SIDE
from adience_lib.util.errors import AdienceError


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photograph(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Smooth random colours."""
    small = np.random.default_rng(1).integers(0, 256, (6, 8, 3), "uint8")
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def read(tmp_path: Path, content: bytes) -> np.ndarray:
    """The face in a file with these bytes."""
    file = tmp_path / "face.jpg"
    file.write_bytes(content)
    return read_face(file)


@pytest.mark.parametrize("size", [(816, 816), (200, 200), (300, 500), (500, 300), (8, 9)])
def test_any_shape_becomes_256_pixels_square(tmp_path: Path, size: tuple[int, int]) -> None:
    """Height and width are 256, three channels, eight bits."""
    face = read(tmp_path, encoded(photograph(size)))
    assert face.shape == (SIDE, SIDE, 3)
    assert face.dtype == np.uint8


def test_centre_square_is_kept(tmp_path: Path) -> None:
    """The ends of the longer side are cut off in equal parts."""
    image = Image.new("RGB", (600, 200), "red")
    image.paste("blue", (200, 0, 400, 200))
    face = read(tmp_path, encoded(image, "PNG"))
    assert (face == (0, 0, 255)).mean() > 0.98


def test_large_jpeg_is_close_to_a_full_decode(tmp_path: Path) -> None:
    """Reducing while decoding changes pixels by a rounding, not the picture."""
    image = photograph((816, 816))
    full = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC), "int64")
    face = read(tmp_path, encoded(image, quality=95))
    assert np.abs(face - full).mean() < 2


@pytest.mark.parametrize("mode", ["L", "CMYK", "1", "P"])
def test_other_colour_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    """Grey, palette and CMYK images hold the same picture."""
    image = photograph().convert(mode)
    face = read(tmp_path, encoded(image, "JPEG" if mode in ("L", "CMYK") else "PNG"))
    expected = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, (8, 0, 56, 48))
    assert np.abs(face.astype("int64") - np.asarray(expected)).mean() < 8


def test_opaque_alpha_is_dropped_and_transparency_is_an_error(tmp_path: Path) -> None:
    """What lies behind a transparent pixel would be a guess."""
    image = photograph()
    image.putalpha(255)
    assert read(tmp_path, encoded(image, "PNG")).shape == (SIDE, SIDE, 3)
    image.putalpha(200)
    with pytest.raises(AdienceError, match=r"face.jpg: the image has transparent pixels"):
        read(tmp_path, encoded(image, "PNG"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a JPEG or PNG image"),
        (b"no image at all", "not a JPEG or PNG image"),
        (encoded(photograph(), "GIF"), "not a JPEG or PNG image"),
        (encoded(photograph((1, 1))), "1x1 pixels, too small for a face"),
        (encoded(photograph())[:-60], "the image cannot be read"),
        (encoded(Image.new("1", (12_000, 12_000)), "PNG"), "Pillow's safety limit"),
        (encoded(Image.new("1", (20_000, 20_000)), "PNG"), "Pillow's safety limit"),
        (encoded(Image.new("I;16", (20, 20)), "PNG"), "images of mode I;16 are not supported"),
    ],
)
def test_what_is_no_face_is_one_line_with_the_file(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """Every fault names the file, and never ends in Pillow's own error."""
    with pytest.raises(AdienceError) as error:
        read(tmp_path, content)
    assert str(tmp_path / "face.jpg") in str(error.value)
    assert message in str(error.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A path without a file is an error of its own."""
    with pytest.raises(AdienceError, match=r"gone.jpg: no such image"):
        read_face(tmp_path / "gone.jpg")
