"""Reads Markdown and plain text into sections. The text of a section stays Markdown, which models read well."""

from __future__ import annotations

import re

from .pages import Outline, Page, Section

#: Lines that the block of facts at the top of a file may have.
MAX_FACTS = 50

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_ANCHOR = re.compile(r"\{#[\w-]*\}$")
_FENCES = ("```", "~~~")


def read_text(text: str) -> Page:
    """Read plain text, which has no headings."""
    stripped = text.strip()
    return Page(sections=[Section("", stripped)] if stripped else [])


def read_markdown(text: str) -> Page:
    """Read Markdown: its front matter (`title` and `url`), headings of both kinds, and fenced code.

    Comments are left out. Indented code counts as text.
    """
    facts, lines = _front_matter(without_comments(text).splitlines())
    outline = Outline(facts.get("title", ""), facts.get("url"))
    # The line before, which a line of dashes would make a heading, and the mark that ends a block of code.
    waiting, fence = "", ""
    for line in lines:
        stripped = line.strip()
        if fence:
            fence = "" if stripped.startswith(fence) and not stripped.strip(fence[0]) else fence
        elif stripped.startswith(_FENCES):
            fence = stripped[: len(stripped) - len(stripped.lstrip(stripped[0]))]
        elif (level := _atx_level(line)) is not None:
            outline.add(waiting)
            outline.heading(level, _plain(stripped[level:].strip().rstrip("#")))
            waiting = ""
            continue
        elif waiting.strip() and stripped and not stripped.strip(stripped[0]) and stripped[0] in "=-":
            outline.heading(1 if stripped[0] == "=" else 2, _plain(waiting.strip()))
            waiting = ""
            continue
        outline.add(waiting)
        waiting = line + "\n"
    outline.add(waiting)
    return outline.finish()


def without_comments(text: str) -> str:
    """Return Markdown without comments of HTML, which its readers do not see."""
    kept, start = [], 0
    while (begin := text.find("<!--", start)) >= 0 and (end := text.find("-->", begin + 4)) >= 0:
        kept.append(text[start:begin])
        start = end + 3
    return "".join([*kept, text[start:]])


def _front_matter(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    if not lines or lines[0].strip() != "---":
        return {}, lines
    for number, line in enumerate(lines[1 : MAX_FACTS + 1], 1):
        if line.strip() in {"---", "..."}:
            named = (fact.partition(":") for fact in lines[1:number])
            return {name.strip().lower(): value.strip().strip("\"'") for name, _, value in named}, lines[number + 1 :]
    return {}, lines


def _atx_level(line: str) -> int | None:
    stripped = line.lstrip(" ")
    level = len(stripped) - len(stripped.lstrip("#"))
    is_heading = 1 <= level <= 6 and len(line) - len(stripped) <= 3 and stripped[level : level + 1] in {"", " ", "\t"}
    return level if is_heading else None


def _plain(heading: str) -> str:
    """A heading without marks of emphasis, code, links and anchors."""
    return re.sub(r"[*`]|__", "", _LINK.sub(r"\1", _ANCHOR.sub("", heading.strip()))).strip()
