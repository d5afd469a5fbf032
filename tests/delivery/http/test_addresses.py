"""Tests which IP addresses the server may connect to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest

from flask_pocketping.delivery.http.addresses import address_allowed

PRIVATE = [ip_network("10.0.0.0/8")]


@pytest.mark.parametrize(
    "text",
    [
        "93.184.216.34",
        "8.8.8.8",
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "223.255.255.255",
        "2606:2800:220:1:248:1893:25c8:1946",
        "2001:4860:4860::8888",
        "2a00:1450:4001:81b::200e",
    ],
)
def test_public_addresses_are_allowed(text: str) -> None:
    assert address_allowed(ip_address(text), [])


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "100::1",
        "2001:2::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_addresses_that_are_not_public_are_refused(text: str) -> None:
    assert not address_allowed(ip_address(text), [])


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1"])
@pytest.mark.parametrize(
    "form",
    ["mapped", "compatible", "nat64", "local nat64", "6to4", "teredo client", "teredo server"],
)
def test_ipv4_addresses_inside_ipv6_are_checked(form: str, inner: str) -> None:
    everywhere = [ip_network("::/0")]
    assert not address_allowed(carrying(form, inner), [])
    assert not address_allowed(carrying(form, inner), everywhere)
    assert address_allowed(carrying(form, inner), [*everywhere, ip_network(f"{inner}/32")])


def test_nat64_addresses_of_public_ones_are_allowed() -> None:
    assert address_allowed(carrying("nat64", "8.8.8.8"), [])


@pytest.mark.parametrize("form", ["compatible", "local nat64", "6to4", "teredo client"])
def test_other_ipv6_forms_are_refused_even_with_a_public_ipv4_address(form: str) -> None:
    assert not address_allowed(carrying(form, "8.8.8.8"), [])


def test_a_mapped_address_counts_as_its_ipv4_address() -> None:
    assert address_allowed(carrying("mapped", "8.8.8.8"), [])
    assert address_allowed(carrying("mapped", "10.0.0.1"), PRIVATE)


def test_listed_networks_are_allowed_and_no_others() -> None:
    assert address_allowed(ip_address("10.1.2.3"), PRIVATE)
    assert not address_allowed(ip_address("192.168.0.1"), PRIVATE)
    assert not address_allowed(ip_address("::1"), PRIVATE)
    assert address_allowed(ip_address("::1"), [ip_network("::1/128")])
    assert address_allowed(ip_address("fd00::1"), [ip_network("fd00::/8")])


def test_a_scope_id_is_never_allowed() -> None:
    assert not address_allowed(IPv6Address("fe80::1%eth0"), [ip_network("fe80::/10")])
    assert not address_allowed(IPv6Address("2606:2800::1%1"), [])


def carrying(form: str, inner: str) -> IPv6Address:
    ipv4 = int(IPv4Address(inner))
    public = int(IPv4Address("8.8.8.8"))
    inverted = 0xFFFF_FFFF ^ ipv4
    return {
        "mapped": IPv6Address(int(IPv6Address("::ffff:0:0")) | ipv4),
        "compatible": IPv6Address(ipv4),
        "nat64": IPv6Address(int(IPv6Address("64:ff9b::")) | ipv4),
        "local nat64": IPv6Address(int(IPv6Address("64:ff9b:1::")) | ipv4),
        "6to4": IPv6Address(int(IPv6Address("2002::")) | ipv4 << 80 | 1),
        "teredo client": IPv6Address(int(IPv6Address("2001::")) | public << 64 | inverted),
        "teredo server": IPv6Address(int(IPv6Address("2001::")) | ipv4 << 64 | (0xFFFF_FFFF ^ public)),
    }[form]
