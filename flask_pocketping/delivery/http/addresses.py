"""Checks which URLs and IP addresses the server may connect to for others.

There is only one parser for URLs, so `adapter.py` connects to the address that was checked at registration.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urlsplit

from .errors import AddressNotAllowed, BadURL

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: The maximum length of a URL in characters.
MAX_URL_LENGTH = 2048

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PRINTABLE_ASCII = re.compile(r"[!-~]+")
_AUTHORITY = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[0-9a-z._-]+))(?::(?P<port>[0-9]*))?", re.IGNORECASE)
_LABEL = re.compile(r"[0-9a-z_-]{1,63}", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)

# The tables follow the IANA special-purpose registries (RFC 6890), because `ipaddress.is_global` differs between Python
# releases.
_NOT_PUBLIC_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's platform service, reachable from its machines only
            "169.254.0.0/16",  # link-local, with the metadata services of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved and broadcast
        ),
    )
)
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, with Teredo and benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_ENDS_IN_IPV4 = (
    IPv6Network("::/96"),  # IPv4-compatible
    _NAT64,
    IPv6Network("64:ff9b:1::/48"),  # a network's own NAT64, in its usual /96 form
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a URL (RFC 6454): connections to one origin can be shared.

    :ivar host: the host in lower case, with a final dot if it has one.
    :ivar address: the IP address, if the host is one.
    """

    scheme: str
    host: str
    port: int
    address: Address | None

    @property
    def authority(self) -> str:
        """The value of the `Host` header (RFC 9110, section 7.2)."""
        name = self.host.removesuffix(".")
        host = f"[{name}]" if ":" in name else name
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(url: str, *, allow_http: bool, allow_networks: Sequence[Network]) -> None:
    """Check a URL without using the network, for example when an endpoint is registered.

    :param allow_http: whether http is allowed besides https.
    :param allow_networks: networks that are allowed although they are not public.
    :raises BadURL: if it is not a valid URL.
    :raises AddressNotAllowed: if its host is a forbidden IP address, in any notation.
    """
    origin = parse_origin(url, allow_http=allow_http)
    if origin.address is not None:
        check_addresses(origin, [origin.address], allow_networks)


def parse_origin(url: str, *, allow_http: bool) -> Origin:
    """Parse the origin of a URL.

    :param allow_http: whether http is allowed besides https.
    :raises BadURL: if it is not a plain http(s) URL.
    """
    if len(url) > MAX_URL_LENGTH:
        raise BadURL(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if not _PRINTABLE_ASCII.fullmatch(url):
        raise BadURL(
            "The URL may have no spaces, control characters or characters outside ASCII. "
            "Percent-encode them, and write the host in its xn-- form."
        )
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadURL("The host in the URL can't be read.") from None
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise BadURL(f"The URL must begin with https://{' or http://' if allow_http else ''}.")
    authority = _match_authority(parts.netloc)
    address = _parse_address(authority)
    port = int(authority["port"] or _DEFAULT_PORTS[parts.scheme])
    if not 1 <= port <= 65535:
        raise BadURL("The port in the URL must be between 1 and 65535.")
    host = authority["name"].lower() if address is None else str(address)
    return Origin(scheme=parts.scheme, host=host, port=port, address=address)


def check_addresses(origin: Origin, addresses: Sequence[Address], allow_networks: Sequence[Network]) -> None:
    """Refuse an origin if any of its addresses is not allowed.

    The error does not name the address, because this could reveal internal networks.

    :raises AddressNotAllowed: if one is not allowed.
    """
    if not all(address_allowed(address, allow_networks) for address in addresses):
        raise AddressNotAllowed(
            f"{origin.authority} is not allowed: it leads to an address that is not public "
            "(such as a loopback, private or link-local one)."
        )


def address_allowed(address: Address, allow_networks: Sequence[Network]) -> bool:
    """Return whether the server may connect to an address, which must be public or in one of the listed networks.

    An IPv6 address that contains IPv4 addresses (mapped, compatible, NAT64, 6to4, Teredo) is allowed only if those are
    allowed too. One with a scope id is never allowed.

    :param address: the IP address.
    :param allow_networks: networks that are allowed although they are not public.
    """
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            return address_allowed(address.ipv4_mapped, allow_networks)
        if not all(address_allowed(inner, allow_networks) for inner in _carried(address)):
            return False
    return _is_public(address) or any(address in network for network in allow_networks)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    if address in _NAT64:
        return True
    return address in _GLOBAL_UNICAST_V6 and not any(address in net for net in _NOT_PUBLIC_V6)


def _carried(address: IPv6Address) -> Sequence[IPv4Address]:
    if address.is_loopback or address.is_unspecified:
        return ()
    if address.teredo is not None:
        return address.teredo
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if any(address in network for network in _ENDS_IN_IPV4):
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    return ()


def _match_authority(text: str) -> re.Match[str]:
    if not text:
        raise BadURL("The URL has no host.")
    if "@" in text:
        raise BadURL("The URL may not contain a user name or a password.")
    authority = _AUTHORITY.fullmatch(text)
    if authority is None:
        raise BadURL("The host or the port in the URL can't be read.")
    return authority


def _parse_address(authority: re.Match[str]) -> Address | None:
    """Return the IP address, if the host is one.

    A host whose last label is a number is always an address (WHATWG URL standard). `inet_aton` reads every notation
    that the system accepts.
    """
    name = authority["name"]
    try:
        if name is None:
            return IPv6Address(authority["ipv6"])
        labels = name.removesuffix(".").split(".")
        if _NUMBER.fullmatch(labels[-1]):
            return IPv4Address(socket.inet_aton(name.removesuffix(".")))
    except (OSError, ValueError):
        raise BadURL("The address in the URL can't be read.") from None
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise BadURL("The host in the URL is not a valid name.")
    return None
