"""`Guide`, with which a platform's module walks somebody through its setup in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ..config import Config
from .platform import Check


class Guide(Protocol):
    """Asks and tells in the terminal.

    :ivar config: the settings that are known so far.
    :ivar public_address: the address of our routes for browsers, such as `https://www.example.com/pocketping`, if it is
        configured.
    """

    config: Config
    public_address: str | None

    def say(self, text: str) -> None:
        """Print a paragraph."""

    def show_text(self, text: str) -> None:
        """Print a text to copy, as it is."""

    def ask(self, question: str, *, secret: bool = False, default: str | None = None) -> str:
        """Ask for a line of text.

        :param secret: whether the answer is not shown.
        """

    def confirm(self, question: str) -> bool:
        """Ask for yes or no."""

    def show(self, check: Check) -> bool:
        """Print the result of a check, and return whether there is no problem."""


#: Walks through the setup, and returns the settings to keep, by their keys. Raises `PlatformError` to give up.
Setup = Callable[[Guide], Mapping[str, str]]
