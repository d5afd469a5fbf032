"""Routes of webhooks in the REST API, and of their deliveries."""

from __future__ import annotations

from typing import Any

from ...chat import webhooks
from ...errors import InvalidRequest
from ...schemas import backoffice
from ..operations import Call, Routes

routes = Routes(caller="program")


@routes(
    "POST /webhooks",
    body=backoffice.CreateWebhookRequest,
    response=backoffice.WebhookResponse,
    status=201,
    creates=True,
)
def create_webhook(call: Call) -> Any:
    """Register a webhook. Its secret is shown only in this response."""
    call.state.check_url(call.body["url"])
    return webhooks.create_webhook(
        call.state.db,
        call.body["url"],
        call.body["events"],
        description=call.body["description"],
        project_id=call.project_id,
        most=call.state.config.webhook_limit,
        idempotency=call.idempotency,
    )


@routes("GET /webhooks", query=backoffice.CursorQuery, response=backoffice.WebhooksResponse)
def list_webhooks(call: Call) -> Any:
    """List webhooks, oldest first."""
    return webhooks.list_webhooks(call.state.db, call.project_id, **call.query)


@routes("GET /webhooks/<webhook_id>", response=backoffice.WebhookResponse)
def get_webhook(call: Call, webhook_id: str) -> Any:
    """Get one webhook."""
    return webhooks.get_webhook(call.state.db, webhook_id, call.project_id)


@routes("PATCH /webhooks/<webhook_id>", body=backoffice.UpdateWebhookRequest, response=backoffice.WebhookResponse)
def update_webhook(call: Call, webhook_id: str) -> Any:
    """Change a webhook. Enabling it clears its failures."""
    if not call.body:
        raise InvalidRequest("Send at least one of url, events, description and enabled.")
    if "url" in call.body:
        call.state.check_url(call.body["url"])
    return webhooks.update_webhook(call.state.db, webhook_id, call.body, project_id=call.project_id)


@routes("DELETE /webhooks/<webhook_id>", status=204)
def delete_webhook(call: Call, webhook_id: str) -> Any:
    """Delete a webhook and its deliveries."""
    webhooks.delete_webhook(call.state.db, webhook_id, call.project_id)


@routes("POST /webhooks/<webhook_id>/test", response=backoffice.DeliveryResponse, status=202, creates=True)
def send_test(call: Call, webhook_id: str) -> Any:
    """Send a `webhook.test` event to this webhook."""
    return webhooks.send_test(call.state.db, webhook_id, project_id=call.project_id, idempotency=call.idempotency)


@routes("POST /webhooks/<webhook_id>/rotate", response=backoffice.WebhookResponse)
def rotate_secret(call: Call, webhook_id: str) -> Any:
    """Create a new secret for the webhook. The old one also signs for 24 hours."""
    return webhooks.rotate_secret(call.state.db, webhook_id, call.project_id)


@routes(
    "GET /webhooks/<webhook_id>/deliveries", query=backoffice.DeliveriesQuery, response=backoffice.DeliveriesResponse
)
def list_deliveries(call: Call, webhook_id: str) -> Any:
    """List deliveries with their attempts, newest first."""
    return webhooks.list_deliveries(call.state.db, webhook_id, project_id=call.project_id, **call.query)


@routes("POST /webhooks/<webhook_id>/deliveries/<delivery_id>/retry", response=backoffice.DeliveryResponse, status=202)
def retry_delivery(call: Call, webhook_id: str, delivery_id: str) -> Any:
    """Retry a delivery now."""
    return webhooks.retry_delivery(call.state.db, webhook_id, delivery_id, project_id=call.project_id)
