"""`flask pocketping deliveries …`: lists and manages deliveries to webhooks, mail and other targets."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from .. import clock
from ..chat import deliveries
from ..state import current_state
from ..values import Delivery, DeliveryState
from .output import as_json, explained, plain, print_json

delivery_commands = AppGroup("deliveries", help="Manage deliveries to webhooks, mail and other targets.")

in_state = click.option(
    "--state",
    type=click.Choice([state.value for state in DeliveryState]),
    help="Include only deliveries in this state.",
)
of_target = click.option("--target", help="Include only deliveries of this target, such as webhook or email.")
of_session = click.option("--session", "session_id", help="Include only deliveries about this conversation (sess_…).")


@delivery_commands.command("list")
@in_state
@of_target
@of_session
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 500), help="The maximum number of deliveries."
)
@click.option("--cursor", help="Continue at the cursor that the previous list printed.")
@as_json
def list_deliveries(
    state: str | None, target: str | None, session_id: str | None, limit: int, cursor: str | None, json_output: bool
) -> None:
    """List deliveries, newest first."""
    wanted = deliveries.filters(target, state, session_id)
    page = explained(lambda: deliveries.list_deliveries(current_state().db, wanted, limit=limit, cursor=cursor))
    if json_output:
        print_json(page)
        return
    for delivery in page.deliveries:
        click.echo(_line(delivery))
    if not page.deliveries:
        click.echo("No deliveries.")
    if page.next_cursor:
        click.echo(f"There are more: --cursor {page.next_cursor}")


@delivery_commands.command("show")
@click.argument("delivery_id")
@as_json
def show(delivery_id: str, json_output: bool) -> None:
    """Show a delivery with its attempts."""
    delivery = explained(lambda: deliveries.get_delivery(current_state().db, delivery_id))
    if json_output:
        print_json(delivery)
        return
    click.echo(_line(delivery))
    for name, value in plain(delivery).items():
        if name not in {"attempts", "id", "state", "uncertain", "waits"}:
            click.echo(f"  {name}: {value}")
    for attempt in delivery.attempts:
        status = f" {attempt.status_code}" if attempt.status_code else ""
        word = attempt.error or "succeeded"
        when = clock.format_utc(attempt.started_at)
        click.echo(f"  attempt {attempt.number}: {when} ({attempt.duration_ms} ms){status} {word}")


@delivery_commands.command("retry")
@click.argument("delivery_id")
def retry(delivery_id: str) -> None:
    """Retry a delivery in any state. A running one is not changed."""
    delivery = explained(lambda: deliveries.retry_delivery(current_state().db, delivery_id))
    click.echo(_line(delivery))


@delivery_commands.command("cancel")
@click.argument("delivery_id")
def cancel(delivery_id: str) -> None:
    """Cancel an unfinished delivery."""
    delivery = explained(lambda: deliveries.cancel_delivery(current_state().db, delivery_id))
    click.echo(_line(delivery))


@delivery_commands.command("purge")
@click.option(
    "--older-than",
    "days",
    required=True,
    type=click.FloatRange(min=0),
    help="The minimum days since they were finished.",
)
@of_target
@in_state
@click.confirmation_option(prompt="This deletes deliveries and their attempts. Continue?")
def purge(days: float, target: str | None, state: str | None) -> None:
    """Delete old finished deliveries. Unfinished ones are kept."""
    wanted = deliveries.filters(target, state)
    removed = explained(lambda: deliveries.purge(current_state().db, clock.ago(days=days), wanted))
    click.echo(f"{removed} deleted.")


def _line(delivery: Delivery) -> str:
    state = str(delivery.state)
    if delivery.uncertain and delivery.state == DeliveryState.FAILED:
        state = "failed (may have arrived)"
    elif delivery.waits:
        state = "pending (waits for an earlier one)"
    to = " ".join(part for part in (delivery.target, delivery.target_id) if part)
    about = delivery.session_id or "-"
    tries = len(delivery.attempts)
    return f"{delivery.id}  {state}  {to}  {delivery.event_type}  {about}  {tries} attempt{'' if tries == 1 else 's'}"
