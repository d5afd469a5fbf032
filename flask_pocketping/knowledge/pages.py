"""What the readers of Markdown, HTML and text return, and how they put it together."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Section:
    """The text below one heading.

    :ivar heading: the headings above it, such as `Returns > Refunds`; empty at the top of the page.
    :ivar text: Markdown.
    """

    heading: str
    text: str


@dataclass(slots=True)
class Page:
    """A document that was read.

    :ivar title: what it says of itself: its title, or its first heading; empty if it has none.
    :ivar url: the address that it gives, if any.
    :ivar sections: its parts with text, in order.
    """

    title: str = ""
    url: str | None = None
    sections: list[Section] = field(default_factory=list)


class Outline:
    """Collects the sections of a page while its reader meets headings and text."""

    def __init__(self, title: str = "", url: str | None = None) -> None:
        self.page = Page(title, url)
        self._headings: list[tuple[int, str]] = []
        self._parts: list[str] = []

    def heading(self, level: int, text: str) -> None:
        """Begin a section. A heading of the first level before all text is the title of the page.

        :param level: 1 to 6.
        """
        self._end_section()
        text = " ".join(text.split())
        if not self.page.title and not self.page.sections and level == 1:
            self.page.title = text
            return
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        if text and not (text == self.page.title and not self._headings):
            self._headings.append((level, text))

    def add(self, text: str) -> None:
        """Add text to the current section."""
        self._parts.append(text)

    def finish(self) -> Page:
        """Return the page."""
        self._end_section()
        return self.page

    def _end_section(self) -> None:
        text = "".join(self._parts).strip()
        self._parts = []
        if text:
            self.page.sections.append(Section(" > ".join(text for _, text in self._headings), text))
