"""Prints results and errors of commands."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click
from sqlalchemy.exc import DBAPIError

from .. import clock
from ..errors import PocketPingError

T = TypeVar("T")

as_json = click.option("--json", "json_output", is_flag=True, help="Print JSON, for programs.")


class CommandError(click.ClickException):
    """An error that is printed without a traceback."""

    exit_code = 1


def explained(work: Callable[[], T]) -> T:
    """Call a function, and convert its errors to a message of one line."""
    try:
        return work()
    except (PocketPingError, ValueError) as error:
        raise CommandError(str(error)) from None
    except DBAPIError as error:
        notes = getattr(error, "__notes__", [])
        raise CommandError(" ".join([f"The database can't be used: {error.orig}.", *notes])) from None


def print_json(value: Any) -> None:
    """Print a value, or a list of values, with the names of the API."""
    listed = [plain(item) for item in value] if isinstance(value, list) else plain(value)
    click.echo(json.dumps(listed, indent=2))


def plain(value: Any) -> dict[str, Any]:
    """Return a value as a mapping with the names of the API."""
    # The switches of a project belong to the management API.
    return _renamed({name: item for name, item in dataclasses.asdict(value).items() if name != "switches"})


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in fields.items():
        first, *rest = name.split("_")
        key = first + "".join(word.capitalize() for word in rest)
        if isinstance(item, list):
            found[key] = [_renamed(one) if isinstance(one, dict) else one for one in item]
        elif item is not None or name == "revoked_at":
            found[key] = clock.format_utc(item) if isinstance(item, datetime) else item
    return found
