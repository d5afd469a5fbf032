"""Tests the detection of media types by content, and which file names are allowed."""

from __future__ import annotations

import io
import sys
import unicodedata
import zipfile
from typing import Literal

import pytest
from PIL import Image

from flask_pocketping.files.media_types import HEAD, IMAGES, ascii_filename, clean_filename, kind_of


def image(kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (4, 4)).save(made, kind)
    return made.getvalue()


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, "x" * 200)
    return made.getvalue()


@pytest.mark.parametrize(("mime_type", "name"), IMAGES.items())
def test_images_are_detected(mime_type: str, name: str) -> None:
    assert kind_of(image(name)[:HEAD]) == mime_type


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "application/pdf"),
        (archive("a.txt"), "application/zip"),
        (
            archive("[Content_Types].xml", "word/document.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "video/mp4"),
        (b"ID3\x03\x00\x00\x00", "audio/mpeg"),
        ("Grüße, 世界\r\n\tindented".encode(), "text/plain"),
        (b"\xef\xbb\xbfwith a mark", "text/plain"),
        ("é".encode() * 6000, "text/plain"),
        (("x" + "é" * 6000).encode()[:HEAD], "text/plain"),
        ("Ärger".encode("latin-1"), "application/octet-stream"),
        (b"nul \x00 in it", "application/octet-stream"),
        (b"\x7fELF\x02\x01\x01", "application/octet-stream"),
        (b"MZ\x90\x00\x03", "application/octet-stream"),
        (b"CWS\x09flash", "application/octet-stream"),
        (b"\x00asm\x01\x00\x00\x00", "application/octet-stream"),
    ],
)
def test_other_files_get_a_general_media_type(content: bytes, kind: str) -> None:
    assert kind_of(content[:HEAD]) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"<!doctype html><script>alert(1)</script>",
        b"<html><body onload=alert(1)>",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b'<?xml version="1.0"?><?xml-stylesheet href="x"?><a/>',
        b"alert(document.domain)",
        b"%!PS-Adobe-3.0",
    ],
)
def test_active_content_has_a_harmless_media_type(content: bytes) -> None:
    assert kind_of(content) in {"text/plain", "application/octet-stream"}


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\photo.jpg", "photo.jpg"),
        ("a\x00b\r\nc\x1b.txt", "abc.txt"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("half \ud800.txt", "half .txt"),
        ("line\u2028break.txt", "linebreak.txt"),
        ("  spaced .txt. ", "spaced .txt"),
        ("..", "file.bin"),
        ("/", "file.bin"),
        ("", "file.bin"),
        ("thumbnail", "thumbnail.bin"),
        ("Übersicht 世界 👨‍👩‍👧.pdf", "Übersicht 世界 👨‍👩‍👧.pdf"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("x" * 300, "x" * 255),
        ("ü" * 300 + ".pdf", "ü" * 125 + ".pdf"),
        ("\uff0e\uff0e\uff0f\uff0e\uff0e\uff0f.bashrc", "bashrc"),
        ("C:\\a:b.txt", "a_b.txt"),
        ("C:evil.exe", "C_evil.exe"),
        ("con", "_con"),
        ("NUL.tar.gz", "_NUL.tar.gz"),
        ("lpt1 .txt", "_lpt1 .txt"),
        ("COM¹", "_COM¹"),
        ("console.txt", "console.txt"),
        ("\u3000name\u00a0.txt\u2003", "name .txt"),
        ("\u200d.\u200d", "file.bin"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("." + "x" * 300, "x" * 255),
        ("a." + "x" * 300, "a." + "x" * 253),
        ('"quoted"; filename=x.html', '"quoted"; filename=x.html'),
    ],
)
def test_misleading_characters_are_removed_from_names(given: str, cleaned: str) -> None:
    assert clean_filename(given) == cleaned
    assert clean_filename(cleaned) == cleaned


FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")


@pytest.mark.parametrize("around", ["{}", "a{}b", "..{}..{}x", "{}.txt", "x.{}", "{}{}", "con{}", "a{}.b"])
def test_no_normal_form_of_a_cleaned_name_contains_a_path(around: str) -> None:
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        # Those that stand for nothing else behave like one another.
        if number > 0x3400 and unicodedata.normalize("NFKD", character) == character:
            continue
        cleaned = clean_filename(around.replace("{}", character))
        assert clean_filename(cleaned) == cleaned, hex(number)
        for form in FORMS:
            made = unicodedata.normalize(form, cleaned)
            assert not set(made) & set("/\\:\0\r\n"), hex(number)
            assert made, hex(number)
            assert made[0] != ".", hex(number)
            assert made[-1] not in " .", hex(number)


def test_an_ascii_name_is_made_for_old_clients() -> None:
    assert ascii_filename("Übersicht.pdf") == "Ubersicht.pdf"
    assert ascii_filename("名前.pdf") == "file.pdf"
    assert ascii_filename("名前") == "file"
    assert ascii_filename("½.txt") == "12.txt"
    assert ascii_filename("ñul.txt") == "_nul.txt"
