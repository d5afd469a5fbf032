"""Small pictures of images, and images that are none or are made to do harm."""

from __future__ import annotations

import io
import zlib
from typing import Any

import pytest
from PIL import Image

from flask_pocketping.files.kinds import IMAGES
from flask_pocketping.files.pictures import LONGEST, look_at

ORIENTATION, MAKER = 0x0112, 0x010F


def drawn(size: tuple[int, int] = (1200, 600), kind: str = "PNG", mode: str = "RGB", **options: Any) -> io.BytesIO:
    made = io.BytesIO()
    Image.new(mode, size).save(made, kind, **options)
    made.seek(0)
    return made


@pytest.mark.parametrize(("mime_type", "name"), IMAGES.items())
def test_each_kind_of_image_gets_a_small_picture(mime_type: str, name: str) -> None:
    picture = look_at(drawn(kind=name), mime_type)
    assert picture is not None
    assert (picture.width, picture.height) == (1200, 600)
    with Image.open(io.BytesIO(picture.thumbnail)) as small:
        assert (small.format, small.size) == ("WEBP", (LONGEST, LONGEST // 2))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_each_mode_of_colours_does(mode: str) -> None:
    picture = look_at(drawn((30, 20), mode=mode), "image/png")
    assert picture is not None
    with Image.open(io.BytesIO(picture.thumbnail)) as small:
        assert small.size == (30, 20)
        assert small.mode == ("RGBA" if mode in {"LA", "RGBA"} else "RGB")


def test_a_photo_that_lies_on_its_side_is_turned_and_tells_nothing_of_its_camera() -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = 6, "Secret Camera"
    photo = drawn((1200, 600), "JPEG", exif=exif)
    assert b"Secret Camera" in photo.getvalue()
    picture = look_at(photo, "image/jpeg")
    assert picture is not None
    assert (picture.width, picture.height) == (600, 1200)
    assert b"Secret" not in picture.thumbnail
    with Image.open(io.BytesIO(picture.thumbnail)) as small:
        assert small.size == (LONGEST // 2, LONGEST)
        assert dict(small.getexif()) == {}
        assert small.info.get("icc_profile") is None


def test_of_moving_pictures_the_first_counts() -> None:
    made = io.BytesIO()
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    frames[0].save(made, "GIF", save_all=True, append_images=frames[1:])
    made.seek(0)
    picture = look_at(made, "image/gif")
    assert picture is not None
    with Image.open(io.BytesIO(picture.thumbnail)) as small:
        red, _, blue = small.convert("RGB").getpixel((20, 20))  # type: ignore[misc]
        assert red > 200 > 50 > blue
        assert getattr(small, "n_frames", 1) == 1


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png_of(width: int, height: int) -> io.BytesIO:
    """A small file that says it is a large image."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((1, 0, 0, 0, 0))
    data = zlib.compress(bytes((width + 7) // 8 + 1) * min(height, 100))
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


@pytest.mark.parametrize("size", [(7000, 7000), (12_000, 12_000), (100_000, 100_000), (1, 2**31 - 1)])
def test_an_image_that_would_fill_the_memory_is_not_decoded(size: tuple[int, int]) -> None:
    assert look_at(png_of(*size), "image/png") is None


def test_what_is_broken_or_something_else_is_no_image() -> None:
    whole = drawn().getvalue()
    for content in (b"", whole[:40], whole[: len(whole) // 2], b"\x89PNG\r\n\x1a\n" + b"x" * 500):
        assert look_at(io.BytesIO(content), "image/png") is None
    # What is declared otherwise is not tried with another decoder.
    assert look_at(io.BytesIO(whole), "image/jpeg") is None
