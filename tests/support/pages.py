"""The pages that people read, taken apart: README.md and docs/*.md, their sections, tables and code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from .servers import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "docs"

_NAMED = re.compile(r"(?:#|//) (?P<name>[\w./-]+\.\w+)(?: \((?P<part>[^)]*)\))?\n")


def pages() -> list[Path]:
    """All of them."""
    return [README, *sorted(DOCS.glob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    :ivar name: of the file that it is, if its first line is a comment that says so.
    :ivar part: what that line says behind the name: which part of the file it is.
    """

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str | None:
        found = _NAMED.match(self.text)
        return found["name"] if found else None

    @property
    def part(self) -> str | None:
        found = _NAMED.match(self.text)
        return found["part"] if found else None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page in these languages, or all."""
    return [
        Block(page, (token.map or [0])[0] + 1, token.info.strip(), token.content)
        for token in MarkdownIt().parse(page.read_text())
        if token.type == "fence" and (not languages or token.info.strip() in languages)
    ]


def write_files(page: Path, folder: Path) -> list[Path]:
    """Write the blocks that name a file, each into that file; a further part of one is added to it."""
    written = []
    for block in blocks(page):
        if block.name is None or block.name.startswith("/"):
            continue
        path = folder / block.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(block.text + "\n")
        written.append(path)
    return written


def sections(page: Path) -> dict[str, str]:
    """The text below each heading, up to the next heading of whatever level."""
    found: dict[str, str] = {}
    heading = ""
    fenced = False
    for line in page.read_text().splitlines():
        fenced ^= line.lstrip().startswith("```")
        if line.startswith("#") and not fenced:
            heading = line.lstrip("# ")
            found[heading] = ""
        elif heading:
            found[heading] += line + "\n"
    return found


def rows(text: str) -> Iterator[list[str]]:
    """The rows of the tables in a text, without their heads."""
    previous: list[str] | None = None
    for line in text.splitlines():
        if not line.startswith("|"):
            previous = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if previous is not None and not set("".join(cells)) <= set("- :"):
            yield cells
        previous = cells


def code(text: str) -> list[str]:
    """What stands between single backticks."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
