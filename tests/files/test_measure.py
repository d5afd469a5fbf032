"""Tests that images are measured before they are decoded: valid ones pass, broken ones and bombs do not."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
from collections.abc import Callable

import pytest

from flask_pocketping.files.measure import MOST_FRAMES, MOST_SCANS, Measure, NotMeasured, measure
from flask_pocketping.files.media_types import IMAGES

from ..support.pictures import animated, chunk, drawn, jpeg_of_scans, lying, packed, png_of, png_with

PNG, JPEG, GIF, WEBP, AVIF = IMAGES

A_MB = 1024 * 1024


def measured(content: bytes, mime_type: str) -> Measure:
    return measure(io.BytesIO(content), mime_type, len(content))


@pytest.mark.parametrize(("mime_type", "kind"), IMAGES.items())
def test_each_image_format_is_measured(mime_type: str, kind: str) -> None:
    assert measured(drawn(kind, (1200, 600)), mime_type) == Measure(1200, 600)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
@pytest.mark.parametrize(("mime_type", "kind"), IMAGES.items())
def test_each_color_mode_passes(mime_type: str, kind: str, mode: str) -> None:
    try:
        content = drawn(kind, (30, 20), mode)
    except (OSError, ValueError):
        pytest.skip(f"{kind} has no {mode}")
    assert measured(content, mime_type) == Measure(30, 20)


@pytest.mark.parametrize(("mime_type", "kind"), [item for item in IMAGES.items() if item[1] != "GIF"])
def test_a_rotated_photo_is_measured_upright(mime_type: str, kind: str) -> None:
    assert measured(lying(kind, (1200, 600)), mime_type) == Measure(600, 1200)


@pytest.mark.parametrize("mime_type", [PNG, GIF, WEBP, AVIF])
def test_frames_are_counted(mime_type: str) -> None:
    assert measured(animated(IMAGES[mime_type], 12), mime_type) == Measure(8, 8, frames=12)


def test_the_scans_of_a_progressive_photo_are_counted() -> None:
    photo = drawn("JPEG", (600, 400), progressive=True)
    assert measured(photo, JPEG) == Measure(600, 400, scans=photo.count(b"\xff\xda"))


def test_a_large_photo_passes_only_if_it_is_not_progressive() -> None:
    assert measured(drawn("JPEG", (7000, 7000), "L"), JPEG).scans == 1
    with pytest.raises(NotMeasured, match="pixels"):
        measured(drawn("JPEG", (7000, 7000), "L", progressive=True), JPEG)


def gif_with_frame_at(left: int, top: int) -> bytes:
    """A small GIF whose frame lies outside of it, which widens it."""
    whole = drawn("GIF", (8, 8), "P")
    at = whole.index(b"\x2c\0\0\0\0\x08\0\x08\0")
    return whole[: at + 1] + struct.pack("<HH", left, top) + whole[at + 5 :]


def gif_of(whole: bytes, width: int, height: int) -> bytes:
    """A GIF whose small frames are on a large canvas."""
    return whole[:6] + struct.pack("<HH", width, height) + whole[10:]


def webp_of(width: int, height: int) -> bytes:
    """A small WebP with a canvas that is not small."""
    whole = animated("WEBP", 2)
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return whole[:24] + sides + whole[30:]


def avif_of(width: int, height: int) -> bytes:
    return drawn("AVIF", (64, 48)).replace(struct.pack(">II", 64, 48), struct.pack(">II", width, height))


BOMBS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "progressive JPEG with thousands of scans": (JPEG, lambda: jpeg_of_scans(4000, (64, 64)), "scans"),
    "JPEG with a little more scans than pass": (JPEG, lambda: jpeg_of_scans(MOST_SCANS + 1, (64, 64)), "scans"),
    "JPEG whose scans have a billion pixels": (JPEG, lambda: jpeg_of_scans(MOST_SCANS, (4100, 4100)), "64 times"),
    "JPEG of tiny segments": (JPEG, lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 250_000, "parts"),
    "JPEG with a large profile": (JPEG, lambda: b"\xff\xd8" + (b"\xff\xe2\xff\xff" + bytes(65533)) * 80, "metadata"),
    "PNG of 100 billion pixels": (PNG, lambda: png_of(100_000, 100_000), "pixels"),
    "PNG of one endless row": (PNG, lambda: png_of(2**31 - 1, 1), "pixels"),
    "PNG with a packed profile": (PNG, lambda: png_with((b"iCCP", b"x\0\0" + packed(50 * A_MB))), "packed"),
    "PNG with a packed text": (PNG, lambda: png_with((b"zTXt", b"x\0\0" + packed(50 * A_MB))), "packed"),
    "PNG with a packed text of our time": (
        PNG,
        lambda: png_with((b"iTXt", b"x\0\1\0en\0x\0" + packed(50 * A_MB))),
        "packed",
    ),
    "PNG with many packed texts": (PNG, lambda: png_with(*[(b"zTXt", b"x\0\0" + packed(A_MB))] * 20), "metadata"),
    "PNG of tiny parts": (PNG, lambda: png_with(*[(b"teSt", b"")] * 100_000), "parts"),
    "PNG of many frames": (PNG, lambda: animated("PNG", MOST_FRAMES + 1), "frames"),
    "PNG that says it has many frames": (PNG, lambda: png_with((b"acTL", struct.pack(">II", 10**9, 0))), "frames"),
    "GIF of thousands of frames": (GIF, lambda: animated("GIF", 2000), "frames|parts"),
    "GIF of 4 billion pixels": (GIF, lambda: gif_with_frame_at(65527, 65527), "pixels"),
    "GIF whose frames have a billion pixels": (GIF, lambda: gif_of(animated("GIF", 50), 5000, 5000), "50 times"),
    "GIF of tiny blocks": (GIF, lambda: b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\1x" * 200_000, "parts"),
    "WebP of many frames": (WEBP, lambda: animated("WEBP", MOST_FRAMES + 1), "frames"),
    "WebP with a large canvas": (WEBP, lambda: webp_of(16_000, 16_000), "pixels"),
    "AVIF of a billion pixels": (AVIF, lambda: avif_of(32_000, 32_000), "pixels"),
    "AVIF of many frames": (AVIF, lambda: animated("AVIF", MOST_FRAMES + 1), "frames"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_decompression_bomb_is_rejected_without_decompressing_it(name: str) -> None:
    mime_type, make, reason = BOMBS[name]
    content = make()
    assert len(content) < 6 * A_MB
    tracemalloc.start()
    try:
        with pytest.raises(NotMeasured, match=reason):
            measured(content, mime_type)
        assert tracemalloc.get_traced_memory()[1] < 12 * A_MB
    finally:
        tracemalloc.stop()


def test_metadata_of_cameras_and_editors_passes() -> None:
    profile = b"icc\0\0" + packed(600_000)
    texts = b"XML:com.adobe.xmp\0\0\0\0\0" + b"<x:xmpmeta/>" * 1000
    assert measured(png_with((b"iCCP", profile), (b"iTXt", texts), (b"zTXt", b"k\0\0broken")), PNG) == Measure(8, 8)
    photo = drawn("JPEG", (80, 60), icc_profile=bytes(300_000), comment=b"holidays", exif=b"Exif\0\0MM\0*" + bytes(9))
    assert measured(photo, JPEG) == Measure(80, 60)


@pytest.mark.parametrize(("mime_type", "kind"), IMAGES.items())
def test_a_truncated_image_is_rejected(mime_type: str, kind: str) -> None:
    whole = drawn(kind, (40, 30), "P" if kind == "GIF" else "RGB")
    # A GIF is whole without the byte that says so.
    for size in range(len(whole) - 1):
        with pytest.raises(NotMeasured):
            measured(whole[:size], mime_type)


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (b"GIF89a<script>alert(1)</script>", GIF),
        (b"\xff\xd8\xff" + b"<script>alert(1)</script>" * 50, JPEG),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 500, PNG),
        (png_with((b"IHDR", bytes(13))), PNG),
        (drawn("PNG").replace(b"IDAT", b"IDAX"), PNG),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\0") + chunk(b"IEND", b""), PNG),
        (b"RIFF\x0c\0\0\0WEBPVP8X\0\0\0\0", WEBP),
        (drawn("PNG"), JPEG),
        (drawn("JPEG"), PNG),
        (b"GIF89a" + bytes(7) + b";", GIF),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1", AVIF),
    ],
)
def test_other_files_are_not_images(content: bytes, mime_type: str) -> None:
    with pytest.raises(NotMeasured):
        measured(content, mime_type)


@pytest.mark.parametrize(("mime_type", "kind"), IMAGES.items())
def test_a_corrupted_image_is_measured_or_rejected_without_an_error(mime_type: str, kind: str) -> None:
    chance = random.Random(20)
    whole = animated(kind, 3) if kind != "JPEG" else drawn(kind, (40, 30), progressive=True)
    for _ in range(2000):
        changed = bytearray(whole)
        for _ in range(chance.choice([1, 1, 2, 8])):
            changed[chance.randrange(len(changed))] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
        try:
            found = measured(bytes(changed), mime_type)
        except NotMeasured:
            continue
        assert found.width > 0 < found.height
