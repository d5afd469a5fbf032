"""The help pages of the shop: short texts in `help/`, which its AI reads too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent / "help"


@dataclass(frozen=True, slots=True)
class HelpPage:
    """A help page.

    :ivar name: its name in the address.
    :ivar blocks: the kind (`h2`, `p`, `ul` or `ol`) and the lines of each block.
    """

    name: str
    title: str
    blocks: list[tuple[str, list[str]]]


@cache
def help_pages() -> Mapping[str, HelpPage]:
    """Return all help pages by name."""
    return MappingProxyType({path.stem: read_page(path) for path in sorted(FOLDER.glob("*.md"))})


def read_page(path: Path) -> HelpPage:
    """Read a page: front matter, then headings, paragraphs and lists with blank lines between."""
    _, facts, text = path.read_text(encoding="utf-8").split("---\n", 2)
    title = next(line.partition(":")[2].strip() for line in facts.splitlines() if line.startswith("title:"))
    return HelpPage(path.stem, title, [read_block(block) for block in text.strip().split("\n\n")])


def read_block(text: str) -> tuple[str, list[str]]:
    """Return the kind and the lines of a block."""
    if text.startswith("## "):
        return "h2", [text.removeprefix("## ")]
    lines = text.splitlines()
    if text.startswith("- "):
        return "ul", [line.removeprefix("- ") for line in lines]
    if text.startswith("1. "):
        return "ol", [line.partition(". ")[2] for line in lines]
    return "p", [" ".join(lines)]
