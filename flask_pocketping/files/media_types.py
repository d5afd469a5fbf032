"""Finds the media type of a file in its content, and cleans file names."""

from __future__ import annotations

import codecs
import re
import unicodedata

from ..chat.attachments import UNKNOWN

#: How many bytes from the beginning of a file this reads.
HEAD = 8192

TEXT = "text/plain"

#: Images that browsers show and that can't contain scripts, with Pillow's names.
IMAGES = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
}

# These types have names here. No browser shows or runs them as a page.
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

# Persian and Hindi names and emoji contain joiners.
_JOINERS = "\u200c\u200d"
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# These characters lead to another folder or hide a file, even after normalization.
_MEANINGFUL = set("/\\:.")
# Windows treats these as devices, with any extension. It reads superscript digits as digits.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE | re.DOTALL)
# File systems count bytes.
_MOST_BYTES = 255


def kind_of(head: bytes) -> str:
    """Return the media type of a file.

    Content that a browser could run, such as HTML, SVG and scripts, counts as text.

    :param head: the first `HEAD` bytes of the file, or all if there are fewer.
    """
    import filetype

    found = filetype.guess_mime(head)
    if found in _NAMED:
        return str(found)
    if found is None and is_text(head):
        return TEXT
    return UNKNOWN


def is_text(head: bytes) -> bool:
    """Return whether these bytes are UTF-8 text, or the beginning of it."""
    try:
        # The last character may be incomplete.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character >= " " or character in "\t\n\r\f" for character in text)


def clean_filename(name: str) -> str:
    """Return a file name that is safe on every system, in every Unicode normal form.

    It has no folders, no control characters, no marks for the direction of writing and no dots or blanks at its ends.
    It is no device name of Windows. It has at most 255 bytes: this cuts the part before the extension. Cleaning a
    clean name changes nothing.
    """
    name = "".join(map(_plain_separators, unicodedata.normalize("NFC", name)))
    name = name.replace("\\", "/").rpartition("/")[2].replace(":", "_")
    name = "".join(c for c in name if c in _JOINERS or unicodedata.category(c) not in _UNPRINTABLE)
    stem, ending = _parted(_trimmed(name))
    name = _trimmed(_cut(stem, _MOST_BYTES - len(ending.encode())) + ending)
    # The address of such a file would be that of its thumbnail.
    if name in {"", "thumbnail"}:
        return f"{name or 'file'}.bin"
    device = _DEVICE.fullmatch(unicodedata.normalize("NFKC", name))
    return _trimmed(_cut(f"_{name}", _MOST_BYTES)) if device else name


def ascii_filename(name: str) -> str:
    """Return an ASCII version of a clean name, for clients that understand only ASCII."""
    stem, ending = (unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode() for part in _parted(name))
    return clean_filename((stem.strip(" .") or "file") + ending)


def _plain_separators(character: str) -> str:
    """Return the character, or the separator that it stands for: a full-width slash counts as a slash."""
    plain = unicodedata.normalize("NFKD", character)
    if unicodedata.category(character) == "Zs":
        return " "
    return plain if not character.isascii() and _MEANINGFUL.intersection(plain) else character


def _trimmed(name: str) -> str:
    return name.strip(f" .{_JOINERS}")


def _parted(name: str) -> tuple[str, str]:
    """Split a name into its stem and its extension with the dot. A very long extension does not count."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem and len(ending.encode()) <= 20 else (name, "")


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
