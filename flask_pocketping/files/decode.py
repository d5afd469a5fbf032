"""Draws the thumbnail of one image. `thumbnails.py` runs this script in a separate process; no module imports it.

A malicious image can break a decoder or keep it busy. So this process gives up everything that it does not need before
it reads the image. It reads the image from standard input and writes the thumbnail to standard output.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

#: The exit code for an image that is broken or exceeds a limit.
REFUSED = 65


def main(format: str, longest: str, seconds: str, memory: str, libraries: str) -> int:
    """Draw the thumbnail.

    :param format: Pillow's name for the type of image; no other decoder is used.
    :param longest: the longer side of the thumbnail in pixels.
    :param seconds: the limit of processor time.
    :param memory: the limit of address space in bytes.
    :param libraries: the folder of Pillow, in case this interpreter does not find it.
    :return: the exit code.
    """
    _limit(int(seconds), int(memory))
    sys.path.append(libraries)
    # Import Pillow only after the limits are set. Without `PIL.Image.init()`, only one decoder is loaded.
    from PIL import Image

    with contextlib.suppress(ImportError):
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    # `measure.py` has checked the number of pixels.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(sys.stdin.buffer, formats=(format,)) as image:
            thumbnail = _draw(image, int(longest))
        thumbnail.save(sys.stdout.buffer, "WEBP", quality=80)
    except Exception:
        # Decoders can raise any exception for malicious bytes.
        return REFUSED
    sys.stdout.buffer.flush()
    return 0


def _limit(seconds: int, memory: int) -> None:
    try:
        import os
        import resource
    except ImportError:
        # Windows has no such limits. There, the parent process limits the time.
        return
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        # Some systems lack some of these limits, and a lower limit may already be set.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most + 1 if kind == resource.RLIMIT_CPU else most))
    with contextlib.suppress(OSError):
        # The requests of the site have priority.
        os.nice(5)


def _draw(image: Any, longest: int) -> Any:
    from PIL import ImageOps

    # This decodes a JPEG at about the size of the thumbnail.
    image.draft("RGB", (longest * 2, longest * 2))
    image.load()
    # The camera data contain the rotation. Browsers ignore rotations in texts.
    for key in ("xmp", "XML:com.adobe.xmp"):
        image.info.pop(key, None)
    if image.mode not in {"L", "LA", "RGB", "RGBA"}:
        image = _plain(image)
    image.thumbnail((longest * 2, longest * 2))
    image = _plain(ImageOps.exif_transpose(image))
    image.thumbnail((longest, longest))
    # The thumbnail contains no camera data.
    image.info.clear()
    return image


def _plain(image: Any) -> Any:
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
