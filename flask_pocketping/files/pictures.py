"""Images: whether they are what they seem to be, how large they are, and small pictures of them."""

from __future__ import annotations

import io
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from .kinds import IMAGES

if TYPE_CHECKING:
    from PIL import Image

logger = logging.getLogger("flask_pocketping")

#: Pixels of the longer side of a small picture.
LONGEST = 480
THUMBNAIL_TYPE = "image/webp"

#: Pixels that are decoded at the most. JPEG is decoded at a fraction of its size, so there is more room.
MOST_PIXELS = 40_000_000
MOST_PIXELS_JPEG = 120_000_000

# A decoded image takes up to 4 bytes a pixel; so many are in memory at once in a process.
_turns = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of an image.

    :ivar width: in pixels, as it is shown.
    :ivar height: in pixels, as it is shown.
    :ivar thumbnail: a small picture of it as WebP, without anything that a camera notes.
    """

    width: int
    height: int
    thumbnail: bytes


def look_at(file: BinaryIO, mime_type: str) -> Picture | None:
    """Decode an image.

    :param file: at its beginning.
    :param mime_type: one of `IMAGES`; nothing else is tried.
    :return: nothing, if it is no such image, a broken one, or one with more pixels than can be decoded safely.
    """
    # Pillow takes longer to load than all of the chat.
    from PIL import Image

    try:
        with _turns, Image.open(file, formats=(IMAGES[mime_type],)) as image:
            return _picture(image)
    except Exception as error:
        # Decoders of images raise whatever comes to hand on bytes that were made to break them.
        logger.info("An image can't be read: %s", type(error).__name__)
        return None


def _picture(image: Image.Image) -> Picture | None:
    from PIL import ImageOps

    pixels = image.width * image.height
    if pixels > (MOST_PIXELS_JPEG if image.format == "JPEG" else MOST_PIXELS):
        return None
    width, height = image.size
    if image.getexif().get(0x0112, 1) in {5, 6, 7, 8}:
        # These orientations lie on their side.
        width, height = height, width
    image.draft("RGB", (LONGEST * 2, LONGEST * 2))
    image.load()
    small = image.copy()
    small.thumbnail((LONGEST * 2, LONGEST * 2))
    small = ImageOps.exif_transpose(small)
    small = small.convert("RGBA" if small.has_transparency_data else "RGB")
    small.thumbnail((LONGEST, LONGEST))
    small.info.clear()
    made = io.BytesIO()
    small.save(made, "WEBP", quality=80)
    return Picture(width, height, made.getvalue())
