"""Identities of visitors: signed by the host app, or unverified from the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g

from ...host.loaders import current_identity
from ...schemas import backoffice, visitor
from ...values import Identity
from ..operation_limits import ADDRESS
from ..operations import Call, Routes
from ..origins import check_same_origin

routes = Routes(caller="anyone")

_IDENTITY = backoffice.IdentifyRequest()
#: The response belongs to one person, so caches must not store it and pages of other origins must not embed it.
_PRIVATE = {"Cache-Control": "no-store", "Vary": "Cookie", "Cross-Origin-Resource-Policy": "same-origin"}


@routes("GET /identity", response=visitor.IdentityResponse)
def get_identity(call: Call) -> Any:
    """Get a new signature of the customer who is signed in to the host app, by its cookies."""
    # Kept for any response, including errors.
    g.pocketping_headers = _PRIVATE
    check_same_origin()
    ADDRESS.count(call.state)
    identity = current_identity(call.state.loaders)
    if identity is None:
        return {"identityToken": None, "user": None}
    return {"identityToken": call.state.identities.make(identity), "user": call.state.identities.name_of(identity)}


def page_identity(given: Mapping[str, Any]) -> Identity | None:
    """Read an identity from a page, with `id` and further keys. It is unverified.

    This drops invalid parts, because a visitor could not correct them.
    """
    number = given.get("id")
    known: dict[str, Any] = {
        "customerId": str(number) if isinstance(number, int) and not isinstance(number, bool) else number,
        "email": given.get("email"),
        "name": given.get("name"),
        "metadata": {key: value for key, value in given.items() if key not in {"id", "email", "name"}} or None,
    }
    fields = {name: value for name, value in known.items() if value is not None and _fits(name, value)}
    if not fields:
        return None
    return Identity(fields.get("customerId"), fields.get("email"), fields.get("name"), fields.get("metadata"))


def _fits(name: str, value: Any) -> bool:
    return not _IDENTITY.validate({name: value})
