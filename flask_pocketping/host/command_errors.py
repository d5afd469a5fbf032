"""Errors in the settings as the `flask` command shows them. `PocketPing.init_app` calls this."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from ..errors import ConfigurationError


class CommandConfigurationError(ConfigurationError, click.ClickException):
    """A `ConfigurationError` that a command prints in one line before it exits with 1."""


@contextmanager
def errors_for_commands() -> Iterator[None]:
    """Let a command that loads the app print a configuration error without a traceback.

    Flask shows the traceback of any exception of an app that it loads, except click's own. Outside of commands, errors
    stay as they are.

    :raises CommandConfigurationError: for a `ConfigurationError` within a command.
    """
    try:
        yield
    except ConfigurationError as error:
        if click.get_current_context(silent=True) is None:
            raise
        raise CommandConfigurationError(str(error)) from None
