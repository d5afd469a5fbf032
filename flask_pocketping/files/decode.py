"""Draws the thumbnail of one picture. A script that `thumbnails.py` runs in a process of its own; imported by nobody.

Bytes that were made to break a decoder, or to keep it busy, come no further than this process: before it looks at them
it gives up everything it doesn't need. The picture is its standard input, a file; the thumbnail its standard output.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

#: The exit code that says: the picture is broken, or needs more than it may have.
REFUSED = 65


def main(format: str, longest: str, seconds: str, memory: str, libraries: str) -> int:
    """Draw it.

    :param format: Pillow's name for the kind of picture; no other decoder is tried.
    :param longest: pixels of the thumbnail's longer side.
    :param seconds: of processor time that may be used.
    :param memory: bytes of address space that may be used.
    :param libraries: the folder that has Pillow, in case this interpreter would not find it.
    :return: the exit code.
    """
    _limit(int(seconds), int(memory))
    sys.path.append(libraries)
    # Not before there are limits, and no `PIL.Image.init()`: only the one decoder is loaded.
    from PIL import Image

    with contextlib.suppress(ImportError):
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    # The picture was measured, by pixels too.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(sys.stdin.buffer, formats=(format,)) as image:
            thumbnail = _draw(image, int(longest))
        thumbnail.save(sys.stdout.buffer, "WEBP", quality=80)
    except Exception:
        # Decoders raise anything on bytes that were made to break them.
        return REFUSED
    sys.stdout.buffer.flush()
    return 0


def _limit(seconds: int, memory: int) -> None:
    try:
        import os
        import resource
    except ImportError:
        # Windows has no such limits; what is left there is the time by the clock, which the parent sees to.
        return
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        # Not every system has each of them, and a lower one may be in force.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most + 1 if kind == resource.RLIMIT_CPU else most))
    with contextlib.suppress(OSError):
        # The site's own requests go first.
        os.nice(5)


def _draw(image: Any, longest: int) -> Any:
    from PIL import ImageOps

    # A JPEG is decoded at about the size that is needed.
    image.draft("RGB", (longest * 2, longest * 2))
    image.load()
    # Camera data say how the picture is turned. Texts may too, but browsers don't go by them.
    for key in ("xmp", "XML:com.adobe.xmp"):
        image.info.pop(key, None)
    if image.mode not in {"L", "LA", "RGB", "RGBA"}:
        image = _plain(image)
    image.thumbnail((longest * 2, longest * 2))
    image = _plain(ImageOps.exif_transpose(image))
    image.thumbnail((longest, longest))
    # Nothing that a camera notes goes along.
    image.info.clear()
    return image


def _plain(image: Any) -> Any:
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
