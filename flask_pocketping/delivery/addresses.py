"""Which IP addresses the server may connect to on somebody else's behalf. `http.py` asks here
before each connection."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The tables follow the IANA special-purpose registries (RFC 6890). They stand here because the
# answers of `ipaddress.is_global` differ between Python releases.
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


def address_allowed(address: Address, allow_networks: Sequence[Network]) -> bool:
    """Whether the server may connect to an address: a public one, or one of the listed networks.

    An IPv6 address that carries IPv4 addresses (mapped, compatible, NAT64, 6to4, Teredo) is allowed
    only if those are allowed as well; one with a scope id never is.

    :param address: the address itself, never a name.
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
