"""What a file is by its content, whatever its sender says, and what it may be called."""

from __future__ import annotations

import codecs
import re
import unicodedata

from ..chat.attachments import UNKNOWN

#: How much of a file's beginning is looked at.
HEAD = 8192

TEXT = "text/plain"

#: Images that browsers show and that can hold no script; by the name that Pillow has for them.
IMAGES = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
}

# Of all that can be told, these are named; none of them is shown or run by a browser as a page would be.
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
_NAMED = {
    *IMAGES,
    *("application/pdf", "application/zip", "application/gzip", "application/x-7z-compressed", "application/rtf"),
    *("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"),
    *(f"{_OFFICE}.wordprocessingml.document", f"{_OFFICE}.spreadsheetml.sheet"),
    *(f"{_OFFICE}.presentationml.presentation", f"{_OPEN}.text", f"{_OPEN}.spreadsheet", f"{_OPEN}.presentation"),
    *("image/heic", "image/tiff", "image/bmp"),
    *("audio/mpeg", "audio/mp4", "audio/ogg", "audio/aac", "audio/x-wav", "audio/x-flac"),
    *("video/mp4", "video/webm", "video/quicktime", "video/x-msvideo", "video/x-matroska", "video/3gpp"),
}

# Joiners belong to names in Persian and Hindi, and to emoji.
_JOINERS = "\u200c\u200d"
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# What leads into another folder, or hides a file, also in what a system makes of the letters.
_MEANINGFUL = set("/\\:.")
# Windows takes these for devices, whatever the ending is; it reads raised digits as digits.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE | re.DOTALL)
# File systems count bytes.
_MOST_BYTES = 255


def kind_of(head: bytes) -> str:
    """The media type of a file.

    Whatever a browser could run, such as HTML, SVG and scripts, is text to us.

    :param head: its first `HEAD` bytes, or all where there are fewer.
    """
    import filetype

    found = filetype.guess_mime(head)
    if found in _NAMED:
        return str(found)
    if found is None and is_text(head):
        return TEXT
    return UNKNOWN


def is_text(head: bytes) -> bool:
    """Whether these bytes are, or begin, text in UTF-8."""
    try:
        # A character may be cut in two at the end.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character >= " " or character in "\t\n\r\f" for character in text)


def clean_filename(name: str) -> str:
    """A file's name that is safe to save under, whichever system saves it and whatever it normalises.

    It has no folders, no control characters, nothing that turns the direction of writing, no dots or blanks at its
    ends, is no device of Windows and has at most 255 bytes; what comes before the ending is cut. Cleaning a clean name
    changes nothing.
    """
    name = "".join(map(_plain_separators, unicodedata.normalize("NFC", name)))
    name = name.replace("\\", "/").rpartition("/")[2].replace(":", "_")
    name = "".join(c for c in name if c in _JOINERS or unicodedata.category(c) not in _UNPRINTABLE)
    stem, ending = _parted(_trimmed(name))
    name = _trimmed(_cut(stem, _MOST_BYTES - len(ending.encode())) + ending)
    # Its own address would be that of the small picture.
    if name in {"", "thumbnail"}:
        return f"{name or 'file'}.bin"
    device = _DEVICE.fullmatch(unicodedata.normalize("NFKC", name))
    return _trimmed(_cut(f"_{name}", _MOST_BYTES)) if device else name


def ascii_filename(name: str) -> str:
    """A clean name for those who understand only ASCII."""
    stem, ending = (unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode() for part in _parted(name))
    return clean_filename((stem.strip(" .") or "file") + ending)


def _plain_separators(character: str) -> str:
    """The character; or what it stands for, where that means something in names: a full-width slash is a slash."""
    plain = unicodedata.normalize("NFKD", character)
    if unicodedata.category(character) == "Zs":
        return " "
    return plain if not character.isascii() and _MEANINGFUL.intersection(plain) else character


def _trimmed(name: str) -> str:
    return name.strip(f" .{_JOINERS}")


def _parted(name: str) -> tuple[str, str]:
    """A name without its ending, and that with its dot; one that is too long is none."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem and len(ending.encode()) <= 20 else (name, "")


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
