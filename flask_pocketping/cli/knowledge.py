"""`flask pocketping ai index` and `… search`: the knowledge base of the AI."""

from __future__ import annotations

import textwrap

import click
from flask.cli import AppGroup

from ..models import DEFAULT_PROJECT
from ..state import current_state
from ..values import KnowledgeChanges
from .output import CommandError, as_json, explained, print_json

ai_commands = AppGroup("ai", help="Check the AI, replay conversations, and manage what it knows.")


@ai_commands.command("index")
@as_json
def index(json_output: bool) -> None:
    """Index the folder of POCKETPING_AI_KNOWLEDGE. Without this setting, remove what was indexed from a folder."""
    state = current_state()
    if state.folder_indexer is None:
        removed = explained(lambda: state.knowledge.sync(DEFAULT_PROJECT, [], "folder"))
        if json_output:
            print_json(removed)
            return
        click.echo(f"POCKETPING_AI_KNOWLEDGE is not set. {_told(removed)}")
        return
    try:
        report = explained(state.folder_indexer.index)
    except OSError as error:
        raise CommandError(f"{state.folder_indexer.folder} can't be read: {error.strerror}.") from None
    for skipped in report.skipped:
        click.echo(f"{skipped.path} is not indexed: {skipped.reason}", err=True)
    if json_output:
        print_json(report.changes)
        return
    click.echo(f"{state.folder_indexer.folder}: {_told(report.changes)}")


@ai_commands.command("search")
@click.argument("question")
@click.option(
    "--limit", default=5, show_default=True, type=click.IntRange(1, 20), help="The maximum number of passages."
)
@click.option("--project", "project_id", default=DEFAULT_PROJECT, show_default=True, help="The project's id.")
@as_json
def search(question: str, limit: int, project_id: str, json_output: bool) -> None:
    """Show the passages that a search for QUESTION finds, best first."""
    found = explained(lambda: current_state().knowledge.search(project_id, question, limit))
    if json_output:
        print_json(found)
        return
    for number, passage in enumerate(found, 1):
        where = f"{passage.source}: {passage.document}, version {passage.version}"
        click.echo(f"{number}. {passage.title} ({where}){f' {passage.url}' if passage.url else ''}")
        click.echo(textwrap.indent(textwrap.shorten(passage.text, 300, placeholder=" …"), "   "))
    if not found:
        click.echo("No passage has a word of this question.")


def _told(changes: KnowledgeChanges) -> str:
    return (
        f"{changes.added} added, {changes.changed} changed, {changes.removed} removed, {changes.unchanged} unchanged."
    )
