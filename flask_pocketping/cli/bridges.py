"""`flask pocketping doctor` and `flask pocketping bridge setup`: check bridges, and set them up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from ..bridges.connected import Bridge
from ..bridges.doctor import LiveTest
from ..bridges.platform import Check, PlatformError
from ..bridges.registry import PLATFORMS, setup_of
from ..config import Config
from ..state import current_state
from .output import CommandError

bridge_commands = AppGroup("bridge", help="Set up bridges to chat platforms.")


@click.command("doctor")
@click.option("--live", is_flag=True, help="Post, receive, edit and delete a test message on each bridge.")
@click.option("--wait", default=60.0, show_default=True, help="Seconds that you have to reply, with --live.")
@with_appcontext
def doctor(live: bool, wait: float) -> None:
    """Check the settings of all bridges against their platforms. Exit with 1 if something is wrong."""
    state = current_state()
    bridges = state.bridges.bridges
    if not bridges:
        click.echo("No bridge is set up. Set one up with: flask pocketping bridge setup telegram")
        return
    try:
        found = [_check(bridge) for bridge in bridges.values()]
        good = all(found) and (not live or _test_live(wait))
    finally:
        state.bridges.close()
    if not good:
        raise SystemExit(1)


@bridge_commands.command("setup")
@click.argument("platform", type=click.Choice(PLATFORMS))
@click.option("--env", "env_file", type=click.Path(dir_okay=False), help="Append the settings to this file.")
def setup(platform: str, env_file: str | None) -> None:
    """Walk through the setup of PLATFORM, and check each step against it."""
    state = current_state()
    address = f"{state.config.public_url}{state.config.url_prefix}" if state.config.public_url else None
    try:
        settings = setup_of(platform)(_Terminal(state.config, address))
    except PlatformError as error:
        raise CommandError(str(error)) from None
    if env_file is not None:
        _append(Path(env_file), settings)
        click.echo(f"\nThe settings are in {env_file}. Load it before the app starts.")
        return
    click.echo("\nSet these where the app runs:\n")
    for key, value in settings.items():
        click.echo(f"  {key}={value}")
    click.echo("\nThen check them with: flask pocketping doctor")


class _Terminal:
    """The guide of a setup, in the terminal."""

    def __init__(self, config: Config, public_address: str | None) -> None:
        self.config = config
        self.public_address = public_address

    def say(self, text: str) -> None:
        """Print a paragraph."""
        click.echo(f"\n{click.wrap_text(text)}")

    def show_text(self, text: str) -> None:
        """Print a text to copy, as it is."""
        click.echo(f"\n{text}")

    def ask(self, question: str, *, secret: bool = False, default: str | None = None) -> str:
        """Ask for a line of text."""
        return str(click.prompt(question, hide_input=secret, default=default)).strip()

    def confirm(self, question: str) -> bool:
        """Ask for yes or no."""
        return click.confirm(question, default=True)

    def show(self, check: Check) -> bool:
        """Print the result of a check."""
        return _show(check)


def _test_live(wait: float) -> bool:
    state = current_state()
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def run(work: object) -> None:
        with app.app_context():
            work()  # type: ignore[operator]

    good = True
    state.bridges.start(run)
    try:
        for bridge in state.bridges.bridges.values():
            click.echo(f"\n{bridge.platform.label}, live")
            for step in LiveTest(state.db, bridge, state.runtime.deliver_due, wait).run():
                took = "" if step.seconds is None else f" ({step.seconds:.1f} s)"
                good &= step.problem is None
                mark = "ok     " if step.problem is None else "problem"
                click.echo(f"  {mark} {step.name}{took}" if took or step.problem else f"  {step.name}")
                if step.problem:
                    click.echo(f"          -> {step.problem}")
    finally:
        state.bridges.stop()
    return good


def _check(bridge: Bridge) -> bool:
    click.echo(f"{bridge.platform.label}")
    try:
        found = [_show(check) for check in bridge.platform.check()]
    except PlatformError as error:
        return _show(Check("The platform can be reached", str(error)))
    return all(found)


def _show(check: Check) -> bool:
    facts = ", ".join(f"{name}: {value}" for name, value in check.facts.items())
    click.echo(f"  {'ok     ' if check.problem is None else 'problem'} {check.name}{f' ({facts})' if facts else ''}")
    if check.problem is not None:
        click.echo(f"          -> {check.problem}")
    return check.problem is None


def _append(path: Path, settings: Mapping[str, str]) -> None:
    """Append settings to a file that only its owner can read, if it is new."""
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
        file.writelines(f"{key}={value}\n" for key, value in settings.items())
