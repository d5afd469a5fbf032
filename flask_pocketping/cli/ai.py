"""The commands of the AI: `flask pocketping ai check` and `flask pocketping ai eval`."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from ..ai.answering import streamed
from ..ai.cassette import Cassette
from ..ai.evaluation import Report, WrongCase, evaluate, export_cases, read_cases
from ..ai.providers.protocol import Answer, Provider, ProviderError, Request, UserTurn
from ..ai.setup import AI
from ..models import DEFAULT_PROJECT
from ..state import current_state
from .knowledge import ai_commands
from .output import CommandError, as_json, explained, print_json

__all__ = ["ai_commands"]

_QUESTION = "This is a test of the connection. Reply with one short sentence."


@ai_commands.command("check")
def check_ai() -> None:
    """Ask the model one question, and show its answer, its cost and its time. Exit with 1 if it fails."""
    ai = _current_ai()
    started = time.monotonic()
    request = Request(
        "You are a helpful assistant.", (UserTurn(_QUESTION),), max_tokens=500, timeout=ai.answering.timeout
    )
    try:
        answer: str | Answer = ""
        for part in streamed(ai.answering.provider, request):
            answer = part
    except ProviderError as error:
        raise CommandError(f"{ai.name}: {error}{_advice(error)}") from None
    seconds = time.monotonic() - started
    if not isinstance(answer, Answer) or not answer.text.strip():
        raise CommandError(f"{ai.name} answered without a text. Give it more tokens, or take another model.")
    used = f"{answer.usage.input_tokens} + {answer.usage.output_tokens} tokens" if answer.usage else "tokens unknown"
    click.echo(f"{ai.name} answered: {answer.text.strip()}")
    click.echo(f"{used}, {seconds:.1f} s")


@ai_commands.command("eval")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--cassette",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file with recorded answers. Without --record, no model is asked.",
)
@click.option("--record", is_flag=True, help="Ask the model for what the cassette does not have, and record it.")
@as_json
def evaluate_ai(file: Path, cassette: Path | None, record: bool, json_output: bool) -> None:
    """Replay the conversations in FILE (JSON lines), and show what the AI would have done.

    Nothing is stored or sent, and tools with effects are not called. Exit with 1 if an expectation is not met.
    """
    ai = _current_ai()
    if record and cassette is None:
        raise click.UsageError("--record needs --cassette.")
    provider: Provider = ai.answering.provider
    if cassette is not None:
        if not record and not cassette.exists():
            raise CommandError(f"{cassette} does not exist. Make it with --record.")
        provider = explained(lambda: Cassette(cassette, ai.answering.provider if record else None))
    try:
        reports = [evaluate(ai, provider, case) for case in read_cases(file)]
    except WrongCase as error:
        raise CommandError(str(error)) from None
    if json_output:
        print_json(reports)
    else:
        _show(reports)
    if any(report.problems for report in reports):
        raise SystemExit(1)


@ai_commands.command("export")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="The most conversations.")
@click.option("--project", "project_id", default=DEFAULT_PROJECT, show_default=True, help="The project's id.")
def export(limit: int, project_id: str) -> None:
    """Print the newest conversations as JSON lines, for `ai eval`. They have what visitors wrote."""
    cases = explained(lambda: list(export_cases(current_state().db, project_id, limit)))
    for case in cases:
        click.echo(json.dumps(case, ensure_ascii=False))


def _current_ai() -> AI:
    ai = current_state().ai
    if ai is None:
        raise CommandError("There is no AI. Set POCKETPING_AI_PROVIDER, or use PocketPing(ai=…).")
    return ai


def _advice(error: ProviderError) -> str:
    advice = {
        401: " Check POCKETPING_AI_API_KEY.",
        403: " Check POCKETPING_AI_API_KEY and what it may do.",
        404: " Check POCKETPING_AI_MODEL and POCKETPING_AI_BASE_URL.",
        400: " The server may not know a parameter: see POCKETPING_AI_TOKENS_PARAMETER and POCKETPING_AI_TEMPERATURE.",
    }
    if error.status is None and "AddressNotAllowed" in str(error):
        return " Name the network of the server in POCKETPING_AI_ALLOW_NETWORKS."
    return advice.get(error.status or 0, "")


def _show(reports: list[Report]) -> None:
    for report in reports:
        click.echo(f"{'FAILED' if report.problems else 'ok':<7} {report.name}")
        for name, value in asdict(report).items():
            if name in {"name", "tokens", "duration_ms"} or not value:
                continue
            shown = "; ".join(value) if isinstance(value, list) else str(value)
            click.echo(f"        {name.replace('_', ' ')}: {' '.join(shown.split())}")
        click.echo(f"        {report.tokens} tokens, {report.duration_ms / 1000:.1f} s")
    handed = sum(report.hand_over is not None for report in reports)
    failed = sum(bool(report.problems) for report in reports)
    tokens = sum(report.tokens for report in reports)
    click.echo(f"{len(reports)} cases, {failed} failed, {handed} handed over, {tokens} tokens")
    passages = sum(len(report.retrieved) for report in reports)
    calls = sum(len(report.called) for report in reports)
    click.echo(f"{passages} passages retrieved, {calls} tools called")
