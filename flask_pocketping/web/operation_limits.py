"""Rate limits that operations declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask import request

from ..security.rate_limits import address_key
from ..state import State

Setting = Literal[
    "visitor_address_limit",
    "visitor_address_upload_limit",
    "visitor_message_limit",
    "visitor_session_limit",
    "visitor_silent_session_limit",
    "visitor_upload_limit",
]


@dataclass(frozen=True)
class Limit:
    """How many requests of a kind one session or one address may send.

    :ivar setting: the field of `Config` that has the rules.
    :ivar name: what is counted. Limits of the same setting and another name count for themselves.
    """

    setting: Setting
    name: str

    def count(self, state: State, session_id: str | None = None) -> None:
        """Count the current request.

        :param session_id: whom it counts for; the address that it comes from if there is none.
        :raises RateLimited: if it is one too many.
        """
        owner = address_key(request.remote_addr) if session_id is None else session_id
        state.limiter.hit(getattr(state.config, self.setting), self.name, owner)


#: Every request of a visitor.
ADDRESS = Limit("visitor_address_limit", "address")
