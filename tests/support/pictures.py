"""Pictures for tests: honest ones, and those that are made to cost a decoder time or memory."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

CAMERA, ORIENTATION = 0x010F, 0x0112


def drawn(kind: str = "PNG", size: tuple[int, int] = (960, 480), mode: str = "RGB", **options: Any) -> bytes:
    """A picture of one colour, as Pillow writes it."""
    made = io.BytesIO()
    Image.new(mode, size).save(made, kind, **options)
    return made.getvalue()


def animated(kind: str, frames: int, size: tuple[int, int] = (8, 8)) -> bytes:
    """A moving picture whose frames all differ, so that none is left out."""
    pictures = [Image.new("RGB", size, (n % 256, n // 256, 255 - n % 256)) for n in range(frames)]
    made = io.BytesIO()
    pictures[0].save(made, kind, save_all=True, append_images=pictures[1:], duration=20, lossless=True, speed=10)
    return made.getvalue()


def lying(kind: str, size: tuple[int, int] = (1200, 600)) -> bytes:
    """A photo whose camera was held on its side and noted what it is."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[CAMERA] = 6, "Secret Camera"
    return drawn(kind, size, exif=exif)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int) -> bytes:
    """A small file that says it is a large picture."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min((width + 7) // 8 + 1, 10_000_000)) * min(height, 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def png_of_noise() -> bytes:
    """A PNG with everything in its place, in which no decoder finds a picture."""
    head = struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"\x78\x9cnoise" * 9) + chunk(b"IEND", b"")


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with these parts behind its header."""
    whole = drawn("PNG", (8, 8))
    return whole[:33] + b"".join(chunk(*parts) for parts in chunks) + whole[33:]


def packed(size: int) -> bytes:
    """So many zeros, packed a thousand times smaller."""
    return zlib.compress(bytes(size))


def jpeg_of_scans(scans: int, size: tuple[int, int] = (4000, 4000)) -> bytes:
    """A progressive JPEG that has its decoder go through all pixels again and again."""
    whole = drawn("JPEG", size, progressive=True)
    head, mark, last = whole.rpartition(b"\xff\xda")
    have = whole.count(mark)
    return head + (mark + last[:-2]) * (scans - have + 1) + last[-2:]
