"""Where a visitor's request comes from: who is refused, and what is kept of their address.

The address is `request.remote_addr`. Behind a proxy that is the proxy's until the app's ProxyFix says otherwise:
headers that anybody can send are not read here.
"""

from __future__ import annotations

from flask import Request, current_app

from ...errors import Forbidden
from ...host.locations import anonymized, known_address
from ...state import State


def check_origin_of(state: State, asked: Request) -> None:
    """Refuse visitors whom the settings or the app's `visitor_filter` shut out.

    :raises Forbidden: if it is one of them; they are not told why.
    """
    config, chosen = state.config, state.loaders.visitor_filter
    if not (config.filters_visitors or chosen):
        return
    agent = asked.headers.get("User-Agent", "")
    if not (_address_passes(state, asked.remote_addr) and _agent_passes(state, agent)):
        raise Forbidden("The chat is not available here.")
    if chosen is not None and not current_app.ensure_sync(chosen)(asked.remote_addr or "", agent):
        raise Forbidden("The chat is not available here.")


def _address_passes(state: State, text: str | None) -> bool:
    allowed, blocked = state.config.visitor_allow_networks, state.config.visitor_block_networks
    address = known_address(text)
    if address is None:
        return not allowed
    if any(address in network for network in blocked):
        return False
    return not allowed or any(address in network for network in allowed)


def _agent_passes(state: State, agent: str) -> bool:
    allowed, blocked = state.config.visitor_allow_agents, state.config.visitor_block_agents
    lowered = agent.lower()
    if any(part in lowered for part in blocked):
        return False
    return not allowed or any(part in lowered for part in allowed)


def origin_metadata(state: State, text: str | None) -> dict[str, str]:
    """Tell what the owner wants to keep of an address: `ip`, `country` and `city`."""
    address = known_address(text)
    if address is None:
        return {}
    found = state.locations.find(str(address)) if state.locations is not None else {}
    kept = state.config.visitor_address
    if kept != "off":
        found["ip"] = str(address) if kept == "full" else anonymized(address)
    return found
