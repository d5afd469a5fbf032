"""Says which addresses are Discord's: files are fetched and the Gateway is opened only there."""

from __future__ import annotations

from ...delivery.http.addresses import Origin, parse_origin
from ...delivery.http.client import BadURL

#: The hosts of attachments.
FILE_HOSTS = {"cdn.discordapp.com", "media.discordapp.net"}
#: The domain of the Gateway's hosts.
GATEWAY_DOMAIN = ".discord.gg"

_SCHEMES = {"wss": "https", "ws": "http"}


class Hosts:
    """The addresses that are Discord's, for one address of the API.

    :param api_url: the address of the API. What has the same scheme, host and port counts as Discord's.
    """

    def __init__(self, api_url: str) -> None:
        self._api = parse_origin(api_url, allow_http=True)

    def has_file(self, url: str) -> bool:
        """Return whether a file may be fetched from an address."""
        origin = _origin(url)
        return origin is not None and (origin == self._api or (_is_public(origin) and origin.host in FILE_HOSTS))

    def has_gateway(self, url: str) -> bool:
        """Return whether the Gateway may be at an address, which gets the bot's token."""
        scheme, separator, rest = url.partition("://")
        origin = _origin(f"{_SCHEMES.get(scheme)}{separator}{rest}")
        return origin is not None and (
            origin == self._api or (_is_public(origin) and f".{origin.host}".endswith(GATEWAY_DOMAIN))
        )


def _origin(url: str) -> Origin | None:
    try:
        return parse_origin(url, allow_http=True)
    except BadURL:
        return None


def _is_public(origin: Origin) -> bool:
    return origin.scheme == "https" and origin.port == 443 and origin.address is None
