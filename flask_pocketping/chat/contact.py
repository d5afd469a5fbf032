"""The contact details that a visitor enters in the form before or after the first message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..bounds import check_identity
from ..db import Database
from ..errors import InvalidRequest
from ..schemas.values import dump_identity
from ..values import Identity, Session
from .log import change_session
from .sessions import current

#: The keys of a visitor's own phone number in the metadata of an identity.
PHONE, COUNTRY = "phone", "phoneCountry"

# ITU-T E.164: a plus sign and at most 15 digits.
_E164 = re.compile(r"\+[1-9][0-9]{5,14}")
_ISO_3166 = re.compile("[A-Z]{2}")


def note_contact(
    db: Database,
    session_id: str,
    *,
    email: str | None = None,
    phone: str | None = None,
    phone_country: str | None = None,
) -> Session:
    """Store a visitor's contact details and log `visitor.identified`.

    Other known facts do not change. The details are unverified, so a verified identity does not change either.

    :param phone: in the form of E.164, such as `+4930123456`.
    :param phone_country: two letters of ISO 3166.
    :raises InvalidRequest: if both are missing, or one is invalid.
    """
    if email is None and phone is None:
        raise InvalidRequest("Enter an email address or a phone number.")
    if phone is not None and not _E164.fullmatch(phone):
        raise InvalidRequest.field("phone", "Include the country code, for example +4930123456.")
    if phone_country is not None and not _ISO_3166.fullmatch(phone_country):
        raise InvalidRequest.field("phoneCountry", "Must be the two capital letters of a country, such as DE.")
    check_identity(Identity(email=email))
    with change_session(db, session_id) as change:
        if change.row["identity_verified"]:
            return current(change)
        given = _columns(change.row["identity_metadata"] or {}, email, phone, phone_country)
        if not given.items() <= change.row.items():
            change.set(**given)
            value = current(change)
            change.log("visitor.identified", {"identity": dump_identity(value.identity)}, session=value)
        return current(change)


def missing_contact(identity: Identity | None, wanted: str) -> list[str]:
    """Return which of the requested contact details are missing. A customer of the host app needs none.

    :param wanted: email-only, phone-only, email-or-phone or email-and-phone.
    :return: a subset of email and phone. With email-or-phone, it has both or neither.
    """
    if identity is not None and identity.verified:
        return []
    known = {
        "email": bool(identity and identity.email),
        "phone": bool(identity and identity.metadata and identity.metadata.get(PHONE)),
    }
    if wanted == "email-or-phone":
        return [] if any(known.values()) else [*known]
    return [name for name, is_known in known.items() if name in wanted and not is_known]


def with_contact(given: Mapping[str, Any], metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the columns of an identity from a page, and keep the phone number that the visitor entered.

    :param metadata: the known metadata.
    """
    reported = given.get("identity_metadata")
    if reported is None or PHONE in reported:
        return dict(given)
    kept = {key: item for key, item in (metadata or {}).items() if key in {PHONE, COUNTRY}}
    return {**given, "identity_metadata": {**reported, **kept}}


def _columns(metadata: dict[str, Any], email: str | None, phone: str | None, country: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if email is not None:
        found["email"] = email
    if phone is not None:
        rest = {key: item for key, item in metadata.items() if key not in {PHONE, COUNTRY}}
        found["identity_metadata"] = {**rest, PHONE: phone, **({COUNTRY: country} if country else {})}
    return found
