"""The settings of webhooks and the results of their deliveries. `targets/webhooks.py` sends the requests."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select, update

from .. import clock
from ..bounds import PAGE_SIZE
from ..db import Database, Transaction
from ..errors import InvalidRequest, WebhookNotFound
from ..models import DEFAULT_PROJECT, WebhookEndpoint, table
from ..outbox import deliveries, new_delivery
from ..schemas.compact_json import to_json
from ..values import EVENT_TYPES, Delivery, DeliveryPage, DeliveryState, Webhook, WebhookPage
from . import deliveries as all_deliveries
from .deliveries import attempts
from .idempotency import IdempotentRequest
from .mappers import Row
from .paging import fit, json_size
from .projects import lock_project

#: How long an old secret signs in addition to the new one.
ROTATION = timedelta(hours=24)

#: The most webhooks on a page.
WEBHOOKS_A_PAGE = 100

#: The name of the target; see `webhooks.py`.
TARGET = "webhook"

endpoints = table(WebhookEndpoint)


def create_webhook(
    db: Database,
    url: str,
    wanted: Sequence[str],
    *,
    description: str = "",
    project_id: str = DEFAULT_PROJECT,
    most: int | None = None,
    idempotency: IdempotentRequest | None = None,
) -> Webhook:
    """Register a webhook. The returned value has its secret, which is shown only once.

    :param url: the URL, which the caller has checked.
    :param wanted: event types, or `"*"` for all.
    :param most: the limit of webhooks per project.
    :raises InvalidRequest: if the project has reached the limit.
    :raises ProjectNotFound: if the project does not exist.
    """
    check_events(wanted)
    row: dict[str, Any] = {
        "id": clock.new_id("whk"),
        "project_id": project_id,
        "url": url,
        "events": list(dict.fromkeys(wanted)),
        "description": description,
        "enabled": True,
        "disabled_reason": None,
        "created_at": clock.now(),
        "secret": _new_secret(),
    }
    value = _value(row, secret=row["secret"])
    with db.transaction() as tx:
        if idempotency:
            idempotency.claim(tx)
        if most is not None:
            # Requests that register webhooks at the same time wait for each other here.
            lock_project(tx, project_id)
            mine = select(func.count()).where(endpoints.c.project_id == project_id)
            if tx.execute(mine).scalar_one() >= most:
                raise InvalidRequest(f"A project may have {most} webhooks. Delete one first.")
        tx.execute(insert(endpoints), row)
        if idempotency:
            idempotency.keep(tx, value)
    return value


def get_webhook(db: Database, webhook_id: str, project_id: str | None = None) -> Webhook:
    """Return a webhook.

    :raises WebhookNotFound: if the webhook does not exist in the project.
    """
    with db.read() as connection:
        return _value(_row(connection, webhook_id, project_id))


def list_webhooks(db: Database, project_id: str = DEFAULT_PROJECT, *, cursor: str | None = None) -> WebhookPage:
    """Return a page of the webhooks of a project, oldest first.

    :param cursor: `next_cursor` of the previous page.
    """
    query = select(endpoints).where(endpoints.c.project_id == project_id)
    if cursor is not None:
        query = query.where(endpoints.c.id > cursor)
    with db.read() as connection:
        rows = connection.execute(query.order_by(endpoints.c.id).limit(WEBHOOKS_A_PAGE + 1)).mappings().all()
    kept = fit(rows[:WEBHOOKS_A_PAGE], lambda row: json_size(row["url"], row["events"], row["description"]))
    return WebhookPage([_value(row) for row in kept], kept[-1]["id"] if len(rows) > len(kept) else None)


def update_webhook(
    db: Database, webhook_id: str, changes: Mapping[str, Any], *, project_id: str | None = None
) -> Webhook:
    """Change the URL, events, description or state of a webhook.

    Enabling it clears the reason why it was disabled. Disabling it cancels its waiting deliveries.
    """
    values = dict(changes)
    if "events" in values:
        check_events(values["events"])
        values["events"] = list(dict.fromkeys(values["events"]))
    with db.transaction() as tx:
        row = _row(tx.connection, webhook_id, project_id, lock=True)
        if values.get("enabled") is True:
            values |= {"disabled_reason": None, "failing_since": None}
        elif values.get("enabled") is False and row["enabled"]:
            values["disabled_reason"] = "Disabled by hand."
            cancel_deliveries(tx, webhook_id)
        if values:
            tx.execute(update(endpoints).where(endpoints.c.id == webhook_id).values(values))
        return _value({**row, **values})


def delete_webhook(db: Database, webhook_id: str, project_id: str | None = None) -> None:
    """Delete a webhook and its deliveries."""
    with db.transaction() as tx:
        _row(tx.connection, webhook_id, project_id)
        mine = select(deliveries.c.id).where(*_deliveries_of(webhook_id))
        tx.execute(delete(attempts).where(attempts.c.delivery_id.in_(mine)))
        tx.execute(delete(deliveries).where(*_deliveries_of(webhook_id)))
        tx.execute(delete(endpoints).where(endpoints.c.id == webhook_id))


def rotate_secret(db: Database, webhook_id: str, project_id: str | None = None) -> Webhook:
    """Create a new secret. The old one also signs for 24 hours."""
    secret = _new_secret()
    with db.transaction() as tx:
        row = _row(tx.connection, webhook_id, project_id, lock=True)
        values = {
            "secret": secret,
            "previous_secret": row["secret"],
            "previous_secret_until": clock.now() + ROTATION,
        }
        tx.execute(update(endpoints).where(endpoints.c.id == webhook_id).values(values))
    return _value(row, secret=secret)


def send_test(
    db: Database,
    webhook_id: str,
    *,
    project_id: str | None = None,
    idempotency: IdempotentRequest | None = None,
) -> Delivery:
    """Send a `webhook.test` event to a webhook, even if it is disabled."""
    moment = clock.now()
    with db.transaction() as tx:
        if idempotency:
            idempotency.claim(tx)
        row = _row(tx.connection, webhook_id, project_id)
        payload = {
            "event": "webhook.test",
            "timestamp": clock.format_utc(moment),
            "data": {"webhookId": webhook_id, "message": "A test from Flask-PocketPing."},
        }
        fields = new_delivery(row["project_id"], TARGET, webhook_id, "", moment)
        result = tx.execute(insert(deliveries), {**fields, "payload": to_json(payload)})
        tx.deliveries += 1
        key = result.inserted_primary_key
        assert key is not None
        value = all_deliveries.load(tx.connection, int(key[0]))
        if idempotency:
            idempotency.keep(tx, value)
    return value


def list_deliveries(
    db: Database,
    webhook_id: str,
    *,
    project_id: str | None = None,
    state: str | None = None,
    limit: int = PAGE_SIZE,
    cursor: str | None = None,
) -> DeliveryPage:
    """Return a page of a webhook's deliveries with their attempts, newest first.

    :param cursor: `next_cursor` of the previous page.
    """
    wanted = [*_deliveries_of(webhook_id), *all_deliveries.filters(state=state)]
    with db.read() as connection:
        _row(connection, webhook_id, project_id)
        return all_deliveries.page_of(connection, wanted, limit=limit, cursor=cursor)


def retry_delivery(db: Database, webhook_id: str, delivery_id: str, *, project_id: str | None = None) -> Delivery:
    """Make a delivery due now, whatever became of it; one that is being made right now stays as it is."""
    with db.read() as connection:
        _row(connection, webhook_id, project_id)
    return all_deliveries.retry_delivery(db, delivery_id, _deliveries_of(webhook_id))


def check_events(wanted: Sequence[str]) -> None:
    """Check a list of event types.

    :raises InvalidRequest: if the list is empty or has an unknown type.
    """
    if not wanted:
        raise InvalidRequest.field("events", 'At least one event type, or "*".')
    unknown = [name for name in wanted if name not in EVENT_TYPES and name != "*"]
    if unknown:
        raise InvalidRequest.field("events", f"Unknown: {', '.join(unknown)}. Known: *, {', '.join(EVENT_TYPES)}.")


def cancel_deliveries(tx: Transaction, webhook_id: str, *which: ColumnElement[bool]) -> None:
    """Cancel the waiting deliveries of a webhook.

    :param which: only deliveries for which this condition holds.
    """
    tx.execute(
        update(deliveries)
        .where(*_deliveries_of(webhook_id), deliveries.c.state == DeliveryState.PENDING, *which)
        .values(state=DeliveryState.CANCELLED, finished_at=clock.now())
    )


def _deliveries_of(webhook_id: str) -> tuple[Any, Any]:
    return deliveries.c.target_id == webhook_id, deliveries.c.target == TARGET


def _row(connection: Connection, webhook_id: str, project_id: str | None, *, lock: bool = False) -> RowMapping:
    query = select(endpoints).where(endpoints.c.id == webhook_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None or project_id not in {None, row["project_id"]}:
        raise WebhookNotFound
    return row


def _value(row: Row, *, secret: str | None = None) -> Webhook:
    return Webhook(
        id=row["id"],
        project_id=row["project_id"],
        url=row["url"],
        events=list(row["events"]),
        description=row["description"],
        enabled=bool(row["enabled"]),
        created_at=row["created_at"],
        disabled_reason=row["disabled_reason"],
        secret=secret,
    )


def _new_secret() -> str:
    """Make a secret as Standard Webhooks specifies: `whsec_` and 24 to 64 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
