"""The `settings` directive: what `flask_pocketping.config.Config` says of each setting that is named in it."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any, ClassVar

from limits import RateLimitItem
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from flask_pocketping.config import Config, key_of

SETTINGS = {key_of(item.name): item for item in fields(Config)}


class Settings(SphinxDirective):
    """One key a line; each becomes an entry with its help, what it takes and its default."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[Any]:
        lines: list[str] = []
        for key in self.content:
            if key not in SETTINGS:
                raise self.error(f"{key} is not a setting.")
            lines += describe(key, SETTINGS[key])
        # What is told comes from the code, so its changes have to reach the pages.
        self.env.note_reread()
        return self.parse_text_to_nodes("\n".join(lines))


def describe(key: str, item: Field[Any]) -> list[str]:
    """The Markdown of one setting."""
    told = f"{item.metadata['help']} Takes {takes(item)}. Default: {default(item.default)}."
    return [f"`{key}`", f": {told}", ""]


def takes(item: Field[Any]) -> str:
    """What values a setting takes, in the words of its own error."""
    try:
        item.metadata["parse"]("\0")
    except ValueError as error:
        return str(error)
    return "text"


def default(value: Any) -> str:
    """A default as one would write it into the config."""
    if value is None:
        return "unset"
    if value == ():
        return "none"
    if isinstance(value, tuple) and all(isinstance(item, RateLimitItem) for item in value):
        return "`" + ";".join(rule(item) for item in value) + "`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value!r}`" if isinstance(value, bool | int) else f"`{value}`"


def rule(item: RateLimitItem) -> str:
    """A rate limit as the settings take it."""
    span = item.GRANULARITY.name if item.multiples == 1 else f"{item.multiples} {item.GRANULARITY.name}"
    return f"{item.amount}/{span}"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("settings", Settings)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
