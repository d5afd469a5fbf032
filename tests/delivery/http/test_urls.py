"""Tests which URLs are accepted."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from flask_pocketping.delivery.http.addresses import check_url, parse_origin
from flask_pocketping.delivery.http.client import GuardedClient
from flask_pocketping.delivery.http.errors import AddressNotAllowed, BadURL

THIS_MACHINE = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/a/b?c=d#e",
        "HTTPS://Example.COM./hook",
        "https://my_service.example.com/",
        "https://xn--bcher-kva.example/",
        "https://8.8.8.8/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]:8443/",
        "https://example.com/" + "a" * 2028,
    ],
)
def test_valid_urls_are_accepted(url: str) -> None:
    check_url(url, allow_http=False, allow_networks=[])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/", "must begin with https://"),
        ("ftp://example.com/", "must begin with https://"),
        ("file:///etc/passwd", "must begin with https://"),
        ("//example.com/", "must begin with https://"),
        ("example.com", "must begin with https://"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https:example.com", "no host"),
        ("https://user@example.com/", "user name or a password"),
        ("https://user:secret@example.com/", "user name or a password"),
        ("https://@example.com/", "user name or a password"),
        ("https://example.com\\@127.0.0.1/", "user name or a password"),
        ("https://127.0.0.1\\.example.com/", "can't be read"),
        ("https://example.com/" + "a" * 2029, "longer than 2048"),
        ("", "The URL"),
        (" https://example.com/", "no spaces"),
        ("https://example.com/a b", "no spaces"),
        ("https://example.com/\n", "no spaces"),
        ("https://exa\tmple.com/", "no spaces"),
        ("https://example.com/\x00", "no spaces"),
        ("https://example.com/\x7f", "no spaces"),
        ("https://bücher.example/", "outside ASCII"),
        ("https://\uff11\uff12\uff17.0.0.1/", "outside ASCII"),
        ("https://example.com:0/", "port"),
        ("https://example.com:65536/", "port"),
        ("https://example.com:-1/", "can't be read"),
        ("https://example.com:http/", "can't be read"),
        ("https://a:1:2/", "can't be read"),
        ("https://ex%61mple.com/", "can't be read"),
        ("https://[::1/", "can't be read"),
        ("https://[::1]x/", "can't be read"),
        ("https://x[::1]/", "can't be read"),
        ("https://[1:2]/", "can't be read"),
        ("https://[v1.fe80]/", "can't be read"),
        ("https://[fe80::1%25eth0]/", "can't be read"),
        ("https://[fe80::1%eth0]/", "can't be read"),
        ("https://256.1.1.1/", "can't be read"),
        ("https://1.2.3.4.5/", "can't be read"),
        ("https://example.0x7f/", "can't be read"),
        ("https://a..b/", "not a valid name"),
        ("https://.example.com/", "not a valid name"),
        ("https://example.com../", "not a valid name"),
        ("https://" + "a" * 64 + ".com/", "not a valid name"),
        ("https://" + "a." * 130 + "com/", "not a valid name"),
    ],
)
def test_invalid_urls_are_refused(url: str, reason: str) -> None:
    with pytest.raises(BadURL, match=reason) as caught:
        check_url(url, allow_http=False, allow_networks=[])
    assert isinstance(caught.value, ValueError)
    assert "secret" not in str(caught.value)


def test_http_needs_a_setting() -> None:
    check_url("http://example.com/", allow_http=True, allow_networks=[])
    with pytest.raises(BadURL, match="https:// or http://"):
        check_url("ftp://example.com/", allow_http=True, allow_networks=[])


THIS_MACHINE_WRITTEN = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.01",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7f00:1]",
]


@pytest.mark.parametrize(
    "host",
    [
        *THIS_MACHINE_WRITTEN,
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "0xa9fea9fe",
        "169.254.169.254",
        "255.255.255.255",
        "[::]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::10.0.0.1]",
        "[2002:7f00:1::]",
        "[2001:0:808:808::80ff:fffe]",
        "[fd00::1]",
        "[fe80::1]",
        "[ff02::1]",
    ],
)
def test_a_forbidden_address_is_refused_in_every_notation(host: str) -> None:
    with pytest.raises(AddressNotAllowed, match="not public") as caught:
        check_url(f"https://{host}/", allow_http=False, allow_networks=[])
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("host", THIS_MACHINE_WRITTEN)
def test_a_listed_address_is_allowed_in_every_notation(host: str) -> None:
    check_url(f"https://{host}/", allow_http=False, allow_networks=THIS_MACHINE)


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://Example.COM", "example.com", "/"),
        ("https://example.com.:443?a=b#c", "example.com", "/?a=b"),
        ("http://example.com:443/", "example.com:443", "/"),
        ("http://example.com:80//a/../b;c?d=/e?f", "example.com", "//a/../b;c?d=/e?f"),
        ("https://[2606:2800:0::1]:8443/", "[2606:2800::1]:8443", "/"),
        ("https://0x08080808/", "8.8.8.8", "/"),
    ],
)
def test_a_request_has_the_path_and_host_of_its_url(url: str, authority: str, target: str) -> None:
    origin = parse_origin(url, allow_http=True)
    request = GuardedClient(allow_http=True, allow_networks=[]).prepare("GET", url)
    assert (origin.authority, request.path_url) == (authority, target)
