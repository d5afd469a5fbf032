"""The rows that docs/configuration.md has for the settings, made from `flask_pocketping.config.Config`."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any

from flask_pocketping.config import Config, key_of
from flask_pocketping.config_parsers import RateRule


def setting_rows() -> dict[str, list[str]]:
    """The cells of each setting's row, by its key: setting, default, allowed values, meaning."""
    return {
        key_of(item.name): [f"`{key_of(item.name)}`", _default(item.default), _allowed(item), item.metadata["help"]]
        for item in fields(Config)
    }


def _allowed(item: Field[Any]) -> str:
    """What values a setting allows, in the words of its own error."""
    try:
        item.metadata["parse"]("\0")
    except ValueError as error:
        return str(error)
    return "text, or unset"


def _default(value: Any) -> str:
    """A default as one would write it into the config."""
    if value is None:
        return "unset"
    if value == ():
        return "none"
    if isinstance(value, tuple) and isinstance(value[0], RateRule):
        return "`" + ";".join(_rule(rule) for rule in value) + "`"
    if isinstance(value, tuple):
        return "`" + ",".join(value) + "`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value!r}`" if isinstance(value, bool | int) else f"`{value}`"


def _rule(rule: RateRule) -> str:
    span = rule.unit if rule.multiples == 1 else f"{rule.multiples} {rule.unit}"
    return f"{rule.amount}/{span}"
