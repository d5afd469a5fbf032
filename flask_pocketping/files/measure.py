"""Measures images before anything decodes them: pixels, scans, frames, colour channels and compressed metadata.

This reads only the structure, in time proportional to the file's size. `files/store.py` calls it in the request that
completes a file. `files/thumbnails.py` draws only images that pass.
"""

from __future__ import annotations

import re
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .storage import CHUNK, Readable

#: The most pixels by media type. Decoders of WebP and AVIF hold several copies of the whole image.
MOST_PIXELS = {
    "image/png": 40_000_000,
    "image/jpeg": 40_000_000,
    "image/gif": 40_000_000,
    "image/webp": 25_000_000,
    "image/avif": 25_000_000,
}
#: The most pixels of a JPEG in one scan. Decoders read it in strips, at a fraction of its size.
MOST_PIXELS_ONE_SCAN = 120_000_000
#: The most scans of a progressive JPEG. Encoders write about ten, and a decoder reads all pixels in each.
MOST_SCANS = 64
#: The most frames of an animation.
MOST_FRAMES = 1000
#: The most pixels of all scans or frames together. A decoder, or a page with the animation, must read all of them.
MOST_PIXELS_IN_ALL = 1_000_000_000
#: The most uncompressed bytes of colour profile, camera data and texts: all together, and each compressed one.
MOST_METADATA = 4 * 1024 * 1024
MOST_UNPACKED = 1024 * 1024

# The data of a JPEG's scan end at a byte 255 that is followed by no zero, no other 255 and no restart marker.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_LYING = {5, 6, 7, 8}


class NotMeasured(ValueError):
    """The file is no image of its type, is broken, or would be too expensive to decode."""


@dataclass(frozen=True, slots=True)
class Measure:
    """The facts in the structure of an image.

    :ivar width: the width as shown, in pixels.
    :ivar height: the height as shown, in pixels.
    :ivar frames: the number of frames; 1 without animation.
    :ivar scans: the number of passes over the pixels; more than 1 only in JPEG.
    """

    width: int
    height: int
    frames: int = 1
    scans: int = 1


def measure(stream: Readable, mime_type: str, size: int) -> Measure:
    """Measure an image.

    :param stream: the file, at its beginning; this reads at most to the end of the image.
    :param mime_type: one of `media_types.IMAGES`; this reads only this structure.
    :param size: the size of the file in bytes.
    :raises NotMeasured: with the reason, if the file must be treated like any other file.
    """
    source = _Source(stream, size)
    try:
        found = _MEASURES[mime_type](source)
    except (struct.error, IndexError):
        raise NotMeasured("its structure is broken") from None
    if found.frames > MOST_FRAMES:
        raise NotMeasured(f"it has {found.frames} frames")
    if found.scans > MOST_SCANS:
        raise NotMeasured(f"it has {found.scans} scans")
    one_scan = mime_type == "image/jpeg" and found.scans == 1
    pixels = found.width * found.height
    if not 0 < pixels <= (MOST_PIXELS_ONE_SCAN if one_scan else MOST_PIXELS[mime_type]):
        raise NotMeasured(f"it has {found.width} x {found.height} pixels")
    if pixels * found.frames * found.scans > MOST_PIXELS_IN_ALL:
        raise NotMeasured(f"it has {found.frames * found.scans} times {found.width} x {found.height} pixels")
    return found


class _Source:
    """Reads the bytes of a file in order. It counts steps, so that many tiny parts can't take long."""

    def __init__(self, stream: Readable, size: int) -> None:
        self._stream = stream
        self._data = b""
        self._at = 0
        self._steps = 10_000 + size // 128
        self._metadata = MOST_METADATA

    def step(self) -> None:
        """Count one part."""
        self._steps -= 1
        if self._steps < 0:
            raise NotMeasured("it has too many parts")

    def add_metadata(self, size: int) -> None:
        """Count bytes of metadata."""
        self._metadata -= size
        if self._metadata < 0:
            raise NotMeasured("it has too much metadata")

    def take(self, size: int) -> bytes:
        """Return exactly the given number of bytes."""
        while len(self._data) - self._at < size:
            self._fill()
        self._at += size
        return self._data[self._at - size : self._at]

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def number(self, size: int, order: str = "big") -> int:
        """Return the next bytes as a number."""
        return int.from_bytes(self.take(size), "little" if order == "little" else "big")

    def skip(self, size: int) -> None:
        """Skip bytes."""
        for _ in self.pieces(size):
            pass

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield the next bytes in pieces of any size."""
        while size:
            if self._at == len(self._data):
                self._fill()
            piece = self._data[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def marker(self) -> int:
        """Skip the bytes of a JPEG's scan and return the marker after them."""
        while not (found := _MARKER.search(self._data, self._at)):
            # The last byte may be the first byte of a marker.
            self._at = max(self._at, len(self._data) - 1)
            self._fill()
        self._at = found.end()
        return found[0][1]

    def at_end(self) -> bool:
        """Return whether there are no more bytes."""
        if self._at == len(self._data):
            try:
                self._fill()
            except NotMeasured:
                return True
        return False

    def _fill(self) -> None:
        # Under gevent, this lets other requests run.
        time.sleep(0)
        more = self._stream.read(CHUNK)
        if not more:
            raise NotMeasured("it ends too early")
        self._data, self._at = self._data[self._at :] + more, 0


def _turned(width: int, height: int, orientation: int) -> tuple[int, int]:
    return (height, width) if orientation in _LYING else (width, height)


def _orientation(exif: bytes) -> int:
    """Read the rotation from camera data (TIFF 6.0 with Exif's tag 274). The default is 1."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for number in range(min(count, 1000)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * number)
            if (tag, kind) == (274, 3):
                return int(value)
    except struct.error:
        pass
    return 1


# --- PNG: https://www.w3.org/TR/png-3/ ---

_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_PACKED = {b"iCCP", b"zTXt", b"iTXt"}


def _png(source: _Source) -> Measure:
    if source.take(8) != b"\x89PNG\r\n\x1a\n":
        raise NotMeasured("it does not begin as a PNG")
    width = height = frames = drawn = 0
    orientation, announced = 1, 1
    kind = b""
    while kind != b"IEND":
        source.step()
        first, size, kind = not kind, source.number(4), source.take(4)
        if first != (kind == b"IHDR") or (first and size != 13):
            raise NotMeasured("its header is not where it should be")
        data = _png_data(source, kind, size)
        if kind == b"IHDR":
            width, height, _, color = struct.unpack(">IIBB", data[:10])
            if color not in _PNG_CHANNELS:
                raise NotMeasured("its colours are unknown")
        elif kind == b"IDAT":
            drawn += size
        elif kind == b"acTL":
            announced = struct.unpack(">I", data[:4])[0]
        elif kind == b"fcTL":
            frames += 1
        elif kind == b"eXIf":
            orientation = _orientation(data)
    if not drawn:
        raise NotMeasured("there is no picture in it")
    return Measure(*_turned(width, height, orientation), frames=max(frames, announced, 1))


def _png_data(source: _Source, kind: bytes, size: int) -> bytes:
    """Return the data of a chunk if they matter. This always verifies the checksum."""
    wanted = kind in {b"IHDR", b"acTL", b"eXIf"} or kind in _PNG_PACKED
    if wanted:
        source.add_metadata(size)
    checksum, data = zlib.crc32(kind), []
    for piece in source.pieces(size):
        checksum = zlib.crc32(piece, checksum)
        if wanted:
            data.append(piece)
    if source.number(4) != checksum:
        raise NotMeasured("a checksum in it is wrong")
    if kind in _PNG_PACKED:
        source.add_metadata(_unpacked_size(kind, b"".join(data)))
    return b"".join(data)


def _unpacked_size(kind: bytes, data: bytes) -> int:
    """Return the uncompressed size of a text or colour profile. This stops at the limit."""
    _, _, rest = data.partition(b"\0")
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
        if not packed:
            return len(rest)
    else:
        rest = rest[1:]
    try:
        size = len(zlib.decompressobj().decompress(rest, MOST_UNPACKED + 1))
    except zlib.error:
        return 0
    if size > MOST_UNPACKED:
        raise NotMeasured("a packed part of it is too large")
    return size


# --- JPEG: ITU-T T.81 ---

_FRAMES = {0xC0, 0xC1, 0xC2}
_OTHER_FRAMES = {*range(0xC3, 0xD0)} - {0xC4, 0xC8, 0xCC}
_EXIF, _PROFILE = 0xE1, 0xE2


def _jpeg(source: _Source) -> Measure:
    if source.take(2) != b"\xff\xd8":
        raise NotMeasured("it does not begin as a JPEG")
    size = (0, 0)
    scans, orientation = 0, 1
    progressive = False
    while (marker := source.marker()) != 0xD9:
        source.step()
        if marker in {0x01, 0xD8}:
            continue
        length = source.number(2) - 2
        if length < 0 or marker in _OTHER_FRAMES:
            raise NotMeasured("it is a JPEG of a kind that browsers don't show")
        if marker in _FRAMES:
            if size != (0, 0):
                raise NotMeasured("it has several headers")
            _, height, width, channels = struct.unpack(">BHHB", source.take(6))
            if channels not in {1, 3, 4} or length != 6 + 3 * channels:
                raise NotMeasured("its colours are unknown")
            size, progressive, length = (width, height), marker == 0xC2, 3 * channels
        elif marker == 0xDA:
            scans += 1
        elif marker in {_EXIF, _PROFILE}:
            source.add_metadata(length)
            if marker == _EXIF:
                data, length = source.take(length), 0
                if data.startswith(b"Exif\0\0"):
                    orientation = _orientation(data)
        source.skip(length)
    if not scans or size == (0, 0):
        raise NotMeasured("there is no picture in it")
    # A decoder holds a progressive image completely, even if it has only one scan.
    return Measure(*_turned(*size, orientation), scans=max(scans, 2 if progressive else 1))


# --- GIF: the specification of version 89a ---


def _gif(source: _Source) -> Measure:
    if source.take(6) not in {b"GIF87a", b"GIF89a"}:
        raise NotMeasured("it does not begin as a GIF")
    width, height, flags = struct.unpack("<HHBxx", source.take(7))
    _skip_colors(source, flags)
    frames = 0
    while not source.at_end() and (block := source.byte()) != 0x3B:
        source.step()
        if block == 0x21:
            source.skip(1)
        elif block == 0x2C:
            left, top, wide, high, flags = struct.unpack("<HHHHB", source.take(9))
            # Decoders extend the image to the size of its frames.
            width, height = max(width, left + wide), max(height, top + high)
            _skip_colors(source, flags)
            if not 1 < source.byte() < 12:
                raise NotMeasured("it is packed in an unknown way")
            frames += 1
        elif block:
            raise NotMeasured("its structure is broken")
        if block:
            while size := source.byte():
                source.step()
                source.skip(size)
    if not frames:
        raise NotMeasured("there is no picture in it")
    return Measure(width, height, frames=frames)


def _skip_colors(source: _Source, flags: int) -> None:
    if flags & 0x80:
        source.skip(3 << (flags & 7) + 1)


# --- WebP: RFC 9649 ---


def _webp(source: _Source) -> Measure:
    if source.take(4) != b"RIFF":
        raise NotMeasured("it does not begin as a WebP")
    left = source.number(4, "little") - 4
    if source.take(4) != b"WEBP":
        raise NotMeasured("it does not begin as a WebP")
    canvas: tuple[int, int] | None = None
    frames, pictures, orientation = 0, 0, 1
    while left >= 8:
        source.step()
        kind, size = source.take(4), source.number(4, "little")
        left -= 8 + size + size % 2
        rest = size
        if kind == b"VP8X":
            rest -= 10
            canvas = _webp_canvas(source.take(10)[4:])
        elif kind == b"ANMF":
            rest -= 12
            frames += 1
            _check_within(canvas, _webp_canvas(source.take(12)[6:]))
        elif kind in {b"VP8 ", b"VP8L"}:
            rest -= 10
            pictures += 1
            drawn = _webp_picture(kind, source.take(10))
            canvas = canvas or drawn
            _check_within(canvas, drawn)
        elif kind in {b"EXIF", b"ICCP"}:
            source.add_metadata(size)
            if kind == b"EXIF":
                rest = 0
                orientation = _orientation(source.take(size))
        if rest < 0:
            raise NotMeasured("its structure is broken")
        # Some encoders omit the last byte that makes the size even.
        source.skip(rest)
        if size % 2 and left > 0:
            source.skip(1)
    if canvas is None or not frames + pictures:
        raise NotMeasured("there is no picture in it")
    return Measure(*_turned(*canvas, orientation), frames=max(frames, 1))


def _webp_canvas(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[:3], "little") + 1, int.from_bytes(data[3:6], "little") + 1


def _webp_picture(kind: bytes, data: bytes) -> tuple[int, int]:
    if kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        if data[0] == 0x2F:
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif data[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise NotMeasured("its structure is broken")


def _check_within(canvas: tuple[int, int] | None, drawn: tuple[int, int]) -> None:
    if canvas is None or drawn[0] > canvas[0] or drawn[1] > canvas[1]:
        raise NotMeasured("a part of it is larger than the whole")


# --- AVIF: boxes of ISO/IEC 14496-12 and 23008-12 ---

#: The most bytes of descriptive boxes, without the image data.
_MOST_DESCRIPTION = MOST_METADATA
_CONTAINERS = {b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl"}


def _avif(source: _Source) -> Measure:
    found = _Boxes()
    drawn = False
    for number in range(1000):
        if source.at_end():
            break
        size, kind = source.number(4), source.take(4)
        size = source.number(8) - 16 if size == 1 else size - 8
        if number == 0 and kind != b"ftyp":
            raise NotMeasured("it does not begin as an AVIF")
        # A box without a size extends to the end of the file. Only image data may do this.
        if size == -8 and kind == b"mdat":
            return found.measured()
        if size < 0:
            raise NotMeasured("its structure is broken")
        if kind in {b"meta", b"moov"}:
            source.add_metadata(size)
            data = source.take(size)
            found.read(kind, data, source.step)
        else:
            source.skip(size)
            drawn = drawn or kind in {b"mdat", b"idat"}
    if not drawn and not found.has_data:
        raise NotMeasured("there is no picture in it")
    return found.measured()


class _Boxes:
    """The facts in the descriptive boxes of an AVIF."""

    def __init__(self) -> None:
        self.has_data = False
        self._sizes: list[tuple[int, int]] = []
        self._properties: list[tuple[bytes, bytes]] = []
        self._of_items: dict[int, list[int]] = {}
        self._primary = 0
        self._frames = 1

    def read(self, kind: bytes, data: bytes, step: Callable[[], None], depth: int = 0) -> None:
        """Read a box and the boxes in it."""
        step()
        if kind == b"meta":
            data = data[4:]
        if kind in _CONTAINERS or kind == b"meta":
            if depth > 8:
                raise NotMeasured("its structure is broken")
            for inner, content in _boxes_in(data):
                if kind == b"ipco":
                    step()
                    self._add_property(inner, content)
                else:
                    self.read(inner, content, step, depth + 1)
        elif kind == b"pitm":
            self._primary = int.from_bytes(data[4:6] if data[0] == 0 else data[4:8], "big")
        elif kind == b"ipma":
            self._read_associations(data, step)
        elif kind == b"tkhd":
            self._sizes.append((int.from_bytes(data[-8:-6], "big"), int.from_bytes(data[-4:-2], "big")))
        elif kind == b"stsz":
            self._frames = max(self._frames, int.from_bytes(data[8:12], "big"))
        elif kind == b"idat":
            self.has_data = True

    def measured(self) -> Measure:
        """Return the measure of all boxes together."""
        of_primary = [self._properties[at - 1] for at in self._of_items.get(self._primary, []) if at]
        sizes = [_box_size(data) for kind, data in of_primary if kind == b"ispe"] or self._sizes
        if not sizes:
            raise NotMeasured("there is no picture in it")
        # A decoder may have to hold the largest of all images.
        largest = max(self._sizes, key=lambda size: size[0] * size[1])
        if largest[0] * largest[1] > MOST_PIXELS["image/avif"]:
            return Measure(*largest, frames=self._frames)
        width, height = sizes[0]
        lying = any(kind == b"irot" and data[0] % 2 for kind, data in of_primary)
        return Measure(*((height, width) if lying else (width, height)), frames=self._frames)

    def _add_property(self, kind: bytes, data: bytes) -> None:
        self._properties.append((kind, data))
        if kind == b"ispe":
            self._sizes.append(_box_size(data))
        elif kind == b"pixi" and data[4] > 4:
            raise NotMeasured("its colours are unknown")

    def _read_associations(self, data: bytes, step: Callable[[], None]) -> None:
        wide_items, wide_indexes = data[0] > 0, data[3] & 1
        (count,) = struct.unpack_from(">I", data, 4)
        at = 8
        for _ in range(count):
            step()
            (item,) = struct.unpack_from(">I" if wide_items else ">H", data, at)
            at += 4 if wide_items else 2
            entries = data[at]
            at += 1
            form, size, mask = (">H", 2, 0x7FFF) if wide_indexes else (">B", 1, 0x7F)
            self._of_items[item] = [
                struct.unpack_from(form, data, at + size * number)[0] & mask for number in range(entries)
            ]
            at += size * entries


def _box_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", data[4:12])
    return width, height


def _boxes_in(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if not 8 <= size <= len(data) - at:
            raise NotMeasured("its structure is broken")
        yield kind, data[at + 8 : at + size]
        at += size


_MEASURES: dict[str, Callable[[_Source], Measure]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
    "image/avif": _avif,
}
