"""Where a URL leads, read in one way only: what is checked when an endpoint is registered is what the
guarded HTTP client connects to."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from .addresses import Address, Network, address_allowed
from .errors import AddressNotAllowed, BadURL

MAX_LENGTH = 2048

_PRINTABLE_ASCII = re.compile(r"[!-~]+")
_AUTHORITY = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[0-9a-z._-]+))(?::(?P<port>[0-9]*))?", re.IGNORECASE)
_LABEL = re.compile(r"[0-9a-z_-]{1,63}", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads.

    :ivar host: in lower case, as it is looked up: a final dot stays.
    :ivar address: what the host is, if it is written as an address.
    :ivar target: path and query, as the request line has them.
    """

    tls: bool
    host: str
    address: Address | None
    port: int
    target: str

    @property
    def name(self) -> str:
        """The host as certificates and headers have it."""
        return self.host.removesuffix(".")

    @property
    def authority(self) -> str:
        """The value of the `Host` header (RFC 9110, section 7.2)."""
        host = f"[{self.name}]" if ":" in self.name else self.name
        return host if self.port == _default_port(self.tls) else f"{host}:{self.port}"


def check_url(url: str, *, allow_http: bool, allow_networks: Sequence[Network]) -> None:
    """Check a URL as far as that goes without a network: when an endpoint is registered.

    :param allow_http: whether http is as good as https.
    :param allow_networks: networks that are allowed although they are not public.
    :raises BadURL: if no request could be sent to it.
    :raises AddressNotAllowed: if its host is an address that is not allowed, in whatever notation.
    """
    place = read_url(url, allow_http=allow_http)
    if place.address is not None:
        check_addresses(place, [place.address], allow_networks)


def read_url(url: str, *, allow_http: bool) -> Place:
    """Find out where a URL leads.

    :param allow_http: whether http is as good as https.
    :raises BadURL: if it is not a plain http(s) URL.
    """
    if len(url) > MAX_LENGTH:
        raise BadURL(f"The URL is longer than {MAX_LENGTH} characters.")
    if not _PRINTABLE_ASCII.fullmatch(url):
        raise BadURL(
            "The URL may have no spaces, control characters or characters outside ASCII. "
            "Percent-encode them, and write the host in its xn-- form."
        )
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadURL("The host in the URL can't be read.") from error
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise BadURL(f"The URL must begin with https://{' or http://' if allow_http else ''}.")
    tls = parts.scheme == "https"
    authority = _read_authority(parts.netloc)
    address = _literal(authority)
    return Place(
        tls=tls,
        host=authority["name"].lower() if address is None else str(address),
        address=address,
        port=_read_port(authority["port"], tls),
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )


def check_addresses(place: Place, addresses: Sequence[Address], allow_networks: Sequence[Network]) -> None:
    """Refuse a place if any of its addresses is not allowed.

    The text leaves out what a name resolved to: that could tell a stranger about inner networks.

    :raises AddressNotAllowed: with a text for a person.
    """
    if not all(address_allowed(address, allow_networks) for address in addresses):
        raise AddressNotAllowed(
            f"{place.authority} is not allowed: it leads to an address that is not public "
            "(such as a loopback, private or link-local one)."
        )


def _read_authority(text: str) -> re.Match[str]:
    if not text:
        raise BadURL("The URL has no host.")
    if "@" in text:
        raise BadURL("The URL may not contain a user name or a password.")
    authority = _AUTHORITY.fullmatch(text)
    if authority is None:
        raise BadURL("The host or the port in the URL can't be read.")
    return authority


def _literal(authority: re.Match[str]) -> Address | None:
    """The address that the host is, if it is one. A host whose last label is a number always is (WHATWG
    URL standard), and `inet_aton` reads every notation that the system does."""
    name = authority["name"]
    try:
        if name is None:
            return IPv6Address(authority["ipv6"])
        labels = name.removesuffix(".").split(".")
        if _NUMBER.fullmatch(labels[-1]):
            return IPv4Address(socket.inet_aton(name.removesuffix(".")))
    except (OSError, ValueError) as error:
        raise BadURL("The address in the URL can't be read.") from error
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise BadURL("The host in the URL is not a valid name.")
    return None


def _read_port(text: str | None, tls: bool) -> int:
    port = int(text or _default_port(tls))
    if not 1 <= port <= 65535:
        raise BadURL("The port in the URL must be between 1 and 65535.")
    return port


def _default_port(tls: bool) -> int:
    return 443 if tls else 80
