"""The commands of `flask pocketping`. Each parses its arguments, calls one function and prints the result."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from .. import clock
from ..chat import projects
from ..migrations import schema
from ..migrations.neighbours import HOST_MANAGES, UNMANAGED, find_manager
from ..models import DEFAULT_PROJECT
from ..state import current_state
from .ai import ai_commands
from .bridges import bridge_commands, doctor
from .deliveries import delivery_commands
from .output import CommandError, as_json, explained, print_json

commands = AppGroup("pocketping", help="Manage the live chat: tables, projects, API keys and the delivery worker.")
keys = AppGroup("keys", help="Manage API keys for the REST API and the WebSocket.")
project_commands = AppGroup("projects", help="Manage projects: sites with their own conversations and keys.")
commands.add_command(keys)
commands.add_command(project_commands)

db_commands = AppGroup("db", help="Create and upgrade the tables.")
commands.add_command(db_commands)

commands.add_command(delivery_commands)
commands.add_command(bridge_commands)
commands.add_command(doctor)
commands.add_command(ai_commands)


@commands.command("init-db")
def init_db() -> None:
    """Create the tables or upgrade them to the newest revision, as `db upgrade` does."""
    _upgrade("head")


@db_commands.command("upgrade")
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Create the tables or upgrade them to REVISION (default: the newest)."""
    _upgrade(revision)


@db_commands.command("downgrade")
@click.argument("revision")
@click.confirmation_option(prompt="This deletes data that the older tables can't store. Continue?")
def downgrade(revision: str) -> None:
    """Downgrade the tables to REVISION. `base` drops all tables."""
    explained(lambda: current_state().db.downgrade(revision))
    click.echo(f"The tables are at revision {revision}.")


@db_commands.command("current")
def current() -> None:
    """Show the revision of the tables and the newest revision."""
    with _inspecting() as connection:
        revision = schema.read_revision(connection)
        recorded = revision or ("none recorded" if schema.tables_present(connection) else "no tables")
    click.echo(f"{recorded} (newest: {schema.HEAD})")


@db_commands.command("check")
def check_tables() -> None:
    """Compare the tables with those that this version needs. Exit with 1 if they differ."""
    from ..migrations.runner import differences

    with _inspecting() as connection:
        if problem := schema.find_problem(connection, closely=True):
            raise CommandError(str(problem))
        found = differences(connection)
    if found:
        raise CommandError("\n  ".join(["The tables differ from what this version needs:", *found]))
    click.echo("The tables are as this version needs them.")


@db_commands.command("stamp")
@click.argument("revision", default="head")
def stamp(revision: str) -> None:
    """Record REVISION (default: the newest) as that of the tables without changing them."""
    explained(lambda: current_state().db.stamp(revision))
    click.echo(f"Recorded: revision {schema.HEAD if revision == 'head' else revision}.")


@commands.command("check")
@as_json
def check(json_output: bool) -> None:
    """Check the deployment and suggest fixes. Exit with 1 if there is an error."""
    from ..checks import run_checks

    findings = run_checks(current_app._get_current_object())  # type: ignore[attr-defined]
    if json_output:
        print_json(findings)
    for found in [] if json_output else findings:
        click.echo(f"{found.level:<8} {found.subject}: {found.text}")
        if found.advice:
            click.echo(f"         -> {found.advice}")
    if any(found.level == "error" for found in findings):
        raise SystemExit(1)


@commands.command("worker")
def worker() -> None:
    """Run the delivery worker. Ctrl-C or SIGTERM stops it after the running deliveries."""
    state = current_state()
    # Closing waits for deliveries, which a signal's handler must not do.
    closing = threading.Thread(target=state.runtime.close, name="pocketping-close")

    stopping = False

    def on_signal(number: int, frame: Any) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            closing.start()

    def ready() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, on_signal)
        click.echo("The delivery worker is running. Press Ctrl-C to stop it.")

    state.runtime.work(ready)
    if stopping:
        # An exiting interpreter starts no threads, but a running delivery may need one.
        closing.join()


@keys.command("create")
@click.option("--name", default="Unnamed", show_default=True, help="A label for this key.")
@click.option("--project", "project_id", default=DEFAULT_PROJECT, show_default=True, help="Its project's id.")
@as_json
def create_key(name: str, project_id: str, json_output: bool) -> None:
    """Create an API key. It's shown only once."""
    made = explained(lambda: projects.create_key(current_state().db, name, project_id))
    if json_output:
        print_json(made)
        return
    click.echo(f"{made.key}\n")
    click.echo(f"This is key {made.id} of project {made.project_id}. Copy it now: it is not shown again.")


@keys.command("list")
@click.option("--project", "project_id", default=None, help="List only the keys of this project.")
@as_json
def list_keys(project_id: str | None, json_output: bool) -> None:
    """List API keys (partially hidden)."""
    found = explained(lambda: projects.list_keys(current_state().db, project_id))
    if json_output:
        print_json(found)
        return
    for key in found:
        state = f"revoked {clock.format_utc(key.revoked_at)}" if key.revoked_at else "active"
        click.echo(f"{key.id}  {key.hint}  {key.project_id}  {state}  {key.name}")
    if not found:
        click.echo("There are no API keys. Create one with: flask pocketping keys create")


@keys.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """Revoke a key immediately."""
    explained(lambda: projects.revoke_key(current_state().db, key_id))
    click.echo(f"Key {key_id} is revoked.")


@project_commands.command("create")
@click.argument("name")
@as_json
def create_project(name: str, json_output: bool) -> None:
    """Create a project."""
    made = explained(lambda: projects.create_project(current_state().db, name))
    if json_output:
        print_json(made)
        return
    click.echo(f"{made.id}\n\nCreate an API key for it with: flask pocketping keys create --project {made.id}")


@project_commands.command("list")
@as_json
def list_projects(json_output: bool) -> None:
    """List projects."""
    found = explained(lambda: projects.list_projects(current_state().db))
    if json_output:
        print_json(found)
        return
    for project in found:
        click.echo(f"{project.id}  {project.name}")


def _upgrade(revision: str) -> None:
    db = current_state().db
    manager = explained(lambda: find_manager(current_app.extensions.get("migrate"), db.engine))
    if manager == "host":
        # Two sets of migrations must not change the same tables.
        try:
            explained(db.ensure_tables)
        except CommandError as error:
            raise CommandError(f"{error.message}\n{HOST_MANAGES}") from None
        click.echo("The app's own migrations manage the tables of Flask-PocketPing. They are ready.")
        return
    if manager == "nobody":
        click.echo(UNMANAGED, err=True)
    explained(lambda: db.upgrade(revision))
    click.echo("The tables are ready.")


@contextmanager
def _inspecting() -> Iterator[Connection]:
    try:
        with current_state().db.inspecting() as connection:
            yield connection
    except DBAPIError as error:
        raise CommandError(f"The database can't be used: {error.orig}") from None
