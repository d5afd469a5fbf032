"""The target for webhooks: it selects the endpoints for an event, sends signed requests, and disables endpoints."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from .. import clock
from ..chat.deliveries import public_delivery_id
from ..chat.webhooks import TARGET, cancel_deliveries, endpoints
from ..db import Transaction
from ..delivery.batch import Batch, Job
from ..delivery.http.client import GuardedClient, HTTPClientError
from ..delivery.retry import parse_retry_after
from ..delivery.target import Outcome, Target
from ..outbox import deliveries
from ..prepared import Prepared
from ..schemas.compact_json import to_json
from ..schemas.public_urls import PublicURLs
from ..values import Deliver, Event
from .bridge_format import bridge_event

#: The duration of continuous failures that disables an endpoint.
FAILING_LIMIT = timedelta(days=5)

_OF_PROJECT = Prepared(
    select(endpoints.c.id, endpoints.c.events).where(
        endpoints.c.project_id == bindparam("project_id"), endpoints.c.enabled
    )
)
_PREPARE = select(endpoints).where(endpoints.c.id.in_(bindparam("ids", expanding=True)))


class WebhookTarget(Target):
    """Posts events to the endpoints of their project.

    :param urls: makes the addresses of files.
    :param disabled: told, after the commit, the id of an endpoint that was disabled.
    :param format: `standard`, or `pocketping` for the shape of `bridge_format.py`.
    """

    name = TARGET
    strict_order = False
    # The settings ensure that the lease is longer than the timeout of a request.
    timeout = 0.0

    def __init__(
        self,
        client: GuardedClient,
        urls: PublicURLs,
        disabled: Callable[[str], None] = lambda webhook_id: None,
        format: str = "standard",
    ) -> None:
        self._client = client
        self._urls = urls
        self._disabled = disabled
        self._convert = _convert if format == "pocketping" else None

    def follow(self, event: Event, tx: Transaction) -> Iterable[Deliver]:
        """Return a delivery for each endpoint that is registered for the event."""
        key = f"webhooks {event.project_id}"
        if key not in tx.cache:
            tx.cache[key] = _OF_PROJECT.rows(tx.connection, {"project_id": event.project_id})
        return [Deliver(row["id"]) for row in tx.cache[key] if "*" in row["events"] or event.type in row["events"]]

    def prepare(self, connection: Connection, target_ids: Sequence[str]) -> Mapping[str, Any]:
        """Read the settings of the endpoints."""
        rows = connection.execute(_PREPARE, {"ids": list(target_ids)}).mappings()
        return {row["id"]: row for row in rows}

    def send(self, batch: Batch) -> Outcome:
        """Send one event. Headers and signature follow the Standard Webhooks specification."""
        from standardwebhooks import Webhook as Signer

        endpoint = batch.prepared
        body, event_type, message_id = _content(batch.first, self._urls)
        if self._convert is not None:
            body, event_type = self._convert(body)
        moment = clock.now()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": " ".join(
                Signer(secret).sign(message_id, moment, body) for secret in _secrets(endpoint, moment)
            ),
            "X-PocketPing-Event": event_type,
            "X-PocketPing-Signature": "sha256=" + plain_signature(endpoint["secret"], body),
        }
        try:
            result = self._client.post(endpoint["url"], data=body.encode(), headers=headers, repeatable=True)
        except HTTPClientError as error:
            return Outcome(ok=False, error=str(error), duration_ms=_milliseconds(moment))
        status = result.status_code
        return Outcome(
            ok=200 <= status < 300,
            duration_ms=result.duration_ms,
            status_code=status,
            error=_reason(status),
            response=result.excerpt,
            retry_after=parse_retry_after(result.headers.get("Retry-After"), clock.now()),
            give_up="The receiver answered 410 Gone." if status == 410 else None,
        )

    def settle(self, tx: Transaction, batch: Batch, outcome: Outcome) -> Callable[[], None] | None:
        """Record since when an endpoint fails. Disable it after a 410 response or if it has failed for too long."""
        now = clock.now()
        webhook_id = batch.target_id
        mine = endpoints.c.id == webhook_id
        query = select(endpoints.c.enabled, endpoints.c.failing_since).where(mine)
        # After a failure, lock the row, so that nobody disables or enables the endpoint before this is committed.
        row = tx.execute(query if outcome.ok else query.with_for_update()).one_or_none()
        if row is None:
            return None
        if outcome.ok:
            if row.failing_since is not None:
                tx.execute(update(endpoints).where(mine).values(failing_since=None))
            return None
        if not row.enabled:
            # The endpoint was disabled during the attempt, or this is a test event. It is not retried.
            cancel_deliveries(tx, webhook_id, deliveries.c.id == batch.first.id)
            return None
        since = row.failing_since or now
        reason = outcome.give_up
        if reason is None and now - since >= FAILING_LIMIT:
            reason = "Nothing but failures for five days."
        if reason is None:
            if row.failing_since is None:
                tx.execute(update(endpoints).where(mine).values(failing_since=now))
            return None
        tx.execute(update(endpoints).where(mine).values(enabled=False, disabled_reason=reason, failing_since=since))
        cancel_deliveries(tx, webhook_id)
        return lambda: self._disabled(webhook_id)


def plain_signature(secret: str, body: str) -> str:
    """Return the signature that receivers for PocketPing check: the hex HMAC-SHA256 of the body."""
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def _content(job: Job, urls: PublicURLs) -> tuple[str, str, str]:
    """Return body, event type and message id. They are the same at each attempt, unless the app's address changes."""
    if job.event is None:
        assert job.payload is not None
        return job.payload, "webhook.test", public_delivery_id(job.id)
    event = job.event
    data = urls.complete_json(event.data)
    body = f'{{"event":"{event.type}","timestamp":"{clock.format_utc(event.created_at)}","data":{data}}}'
    return body, event.type, event.public_id


def _convert(body: str) -> tuple[str, str]:
    """Make the older shape of a body, and its name of the event."""
    found = json.loads(body)
    event = bridge_event(found["event"], found["timestamp"], found["data"])
    return to_json(event), event["type"]


def _reason(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return f"HTTP {status}" + (": redirects are not followed" if 300 <= status < 400 else "")


def _secrets(endpoint: Mapping[str, Any], now: datetime) -> list[str]:
    secrets = [endpoint["secret"]]
    until = endpoint["previous_secret_until"]
    if until is not None and now < until:
        secrets.append(endpoint["previous_secret"])
    return secrets


def _milliseconds(since: datetime) -> int:
    return round((clock.now() - since).total_seconds() * 1000)
