"""Rate limits that operations declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..security.rate_limits import address_key
from ..state import State
from .context import current_request

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

    :ivar setting: the field of `Config` with the rules.
    :ivar name: the name of the counter. Limits with the same setting but other names are counted separately.
    """

    setting: Setting
    name: str

    def count(self, state: State, session_id: str | None = None) -> None:
        """Count the current request.

        :param session_id: the session to count for. Without one, this counts for the address of the request.
        :raises RateLimited: if the limit is exceeded.
        """
        owner = address_key(current_request().remote_addr) if session_id is None else session_id
        state.limiter.hit(getattr(state.config, self.setting), self.name, owner)


#: The limit of all visitor requests of an address.
ADDRESS = Limit("visitor_address_limit", "address")
