"""What a file is by its content, whatever its sender says, and what it may be called."""

from __future__ import annotations

import codecs
import unicodedata

#: How much of a file's beginning is looked at.
HEAD = 8192

UNKNOWN = "application/octet-stream"
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


def clean_filename(name: str, size: int = 255) -> str:
    """A file's name without folders, control characters and what turns the direction of writing.

    :param size: how many characters it may have; what comes before the ending is cut.
    """
    name = name.replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if c in _JOINERS or unicodedata.category(c) not in _UNPRINTABLE).strip(" .")
    # Its own address would be that of the small picture.
    if name in {"", "thumbnail"}:
        return f"{name or 'file'}.bin"
    stem, dot, ending = name.rpartition(".")
    if len(name) <= size or not stem or len(ending) > 20:
        return name[:size]
    return stem[: size - len(ending) - 1] + dot + ending
