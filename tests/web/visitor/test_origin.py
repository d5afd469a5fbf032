"""Who is shut out by address, user agent or code, and what is kept of where visitors come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, request
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_pocketping.errors import ConfigurationError

from ...conftest import LOCAL, Serve
from ...support.clients import BROWSER, Api, Visitor
from ...support.servers import make_app
from ...support.wire import Wire


def proxied(folder: Path, **settings: Any) -> Flask:
    """An app behind a proxy, which says by a header where a request comes from."""
    app = make_app(folder, **LOCAL, **settings)
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    return app


def connect(api: Api, address: str, agent: str = BROWSER) -> requests.Response:
    headers = {"X-Forwarded-For": address, "User-Agent": agent}
    return requests.post(f"{api.url}/connect", json={"metadata": {}}, headers=headers, timeout=30)


def metadata_of(api: Api, handle: str) -> dict[str, Any]:
    return dict(api.ok("GET", f"/sessions/{handle.split('.')[0]}")["session"]["metadata"])


@pytest.mark.parametrize(
    ("settings", "allowed", "refused"),
    [
        ({"visitor_block_networks": "203.0.113.0/24"}, ["203.0.112.255", "2001:db8::1"], ["203.0.113.9"]),
        ({"visitor_block_networks": "203.0.113.0/24"}, [], ["::ffff:203.0.113.9"]),
        ({"visitor_allow_networks": "203.0.113.7"}, ["203.0.113.7"], ["203.0.113.8", "2001:db8::1", "unknown"]),
        ({"visitor_allow_networks": "2001:db8::/32"}, ["2001:db8:5::1"], ["2001:db9::1", "203.0.113.8"]),
        (
            {"visitor_allow_networks": "203.0.113.0/24", "visitor_block_networks": "203.0.113.64/26"},
            ["203.0.113.1"],
            ["203.0.113.65", "198.51.100.1"],
        ),
    ],
)
def test_addresses_are_shut_out(
    settings: dict[str, str], allowed: list[str], refused: list[str], tmp_path: Path, serve: Serve
) -> None:
    api = serve(proxied(tmp_path, **settings))
    for address in allowed:
        assert connect(api, address).status_code == 200, address
    for address in refused:
        answer = connect(api, address)
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN"), address
    assert len(api.ok("GET", "/sessions")["sessions"]) == len(allowed)


def test_only_what_the_proxy_says_counts(tmp_path: Path, serve: Serve) -> None:
    """Without ProxyFix the header is the visitor's own invention."""
    api = serve(make_app(tmp_path, **LOCAL, visitor_block_networks="127.0.0.0/8", visitor_address="full"))
    assert connect(api, "203.0.113.9").status_code == 403


@pytest.mark.parametrize(
    ("settings", "statuses"),
    [
        ({"visitor_block_agents": "acmescan"}, [200, 403]),
        ({"visitor_allow_agents": "Firefox, OtherApp"}, [200, 403]),
        ({"visitor_allow_agents": "Firefox", "visitor_block_agents": "rv:140"}, [403, 403]),
    ],
)
def test_user_agents_are_shut_out(settings: dict[str, str], statuses: list[int], tmp_path: Path, serve: Serve) -> None:
    api = serve(make_app(tmp_path, **LOCAL, **settings))
    assert [connect(api, "", agent).status_code for agent in (BROWSER, "AcmeScan/2.0 (x)")] == statuses


def test_every_road_of_a_visitor_is_closed_and_no_other(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, **LOCAL)
    shut: list[str] = []
    app.extensions["test_pocketping"].visitor_filter(lambda address, agent: agent not in shut)
    api = serve(app)
    page = api.visitor()
    page.say("Hello")
    session = f"/sessions/{page.session_id}"
    attachment = api.ok("POST", f"{session}/attachments?filename=a.txt", data=b"text")["attachment"]
    shut.append(BROWSER)
    query = f"?sessionId={page.handle}"
    for method, path, body in (
        ("POST", "/connect", {"sessionId": page.handle}),
        ("POST", "/message", {"sessionId": page.handle, "content": "Again"}),
        ("GET", f"/messages{query}", None),
        ("GET", f"/events{query}", None),
        ("GET", f"/stream{query}", None),
        ("GET", "/presence", None),
        ("POST", "/disconnect", {"sessionId": page.handle}),
    ):
        answer = page.request(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN"), path
    with Wire(f"{api.url}/stream{query}", User_Agent=BROWSER) as wire:
        assert wire.status == 403
    assert requests.get(f"{api.url}/files/{attachment['url'].split('/files/')[1]}", timeout=30).status_code == 200
    assert api.get(session, headers={"User-Agent": BROWSER}).status_code == 200


def test_the_filter_gets_address_and_agent_and_fails_closed(tmp_path: Path, serve: Serve) -> None:
    app = proxied(tmp_path)
    seen: list[tuple[str, str, str]] = []

    @app.extensions["test_pocketping"].visitor_filter  # type: ignore[untyped-decorator]
    def may_chat(address: str, agent: str) -> bool:
        seen.append((address, agent, request.path))
        if address == "203.0.113.9":
            raise RuntimeError("the list of addresses is gone")
        return True

    api = serve(app)
    assert connect(api, "2001:db8::1").status_code == 200
    assert seen == [("2001:db8::1", BROWSER, "/connect")]
    assert connect(api, "203.0.113.9").status_code == 500
    assert len(api.ok("GET", "/sessions")["sessions"]) == 1


def test_nothing_of_an_address_is_kept_unless_it_is_wanted(tmp_path: Path, serve: Serve) -> None:
    api = serve(proxied(tmp_path))
    page = Visitor(api.url, metadata={"ip": "203.0.113.1", "country": "DE", "city": "Berlin"})
    assert not metadata_of(api, page.handle).keys() & {"ip", "country", "city"}


@pytest.mark.parametrize(
    ("kept", "address", "expected"),
    [
        ("full", "203.0.113.9", "203.0.113.9"),
        ("full", "::ffff:203.0.113.9", "203.0.113.9"),
        ("anonymized", "203.0.113.9", "203.0.113.0"),
        ("anonymized", "2001:db8:1:2:3::4", "2001:db8:1::"),
    ],
)
def test_an_address_is_kept(kept: str, address: str, expected: str, tmp_path: Path, serve: Serve) -> None:
    api = serve(proxied(tmp_path, visitor_address=kept))
    answer = connect(api, address)
    assert metadata_of(api, answer.json()["sessionId"])["ip"] == expected
    assert address not in answer.text
    assert connect(api, "unknown").status_code == 200


def geo_file(folder: Path, kind: str) -> Path:
    writer = MMDBWriter(6, kind, ipv4_compatible=True)
    city = {"city": {"names": {"en": "Lyon", "de": "Lyon!"}}} if "City" in kind else {}
    writer.insert_network(IPSet(["203.0.113.0/24", "2001:db8::/32"]), {"country": {"iso_code": "FR"}, **city})
    path = folder / "places.mmdb"
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize(
    ("kind", "found"), [("GeoLite2-City", {"country": "FR", "city": "Lyon"}), ("GeoLite2-Country", {"country": "FR"})]
)
def test_country_and_city_come_from_the_owners_file(
    kind: str, found: dict[str, str], tmp_path: Path, serve: Serve
) -> None:
    api = serve(proxied(tmp_path, geoip_database=geo_file(tmp_path, kind)))
    for address, expected in (("203.0.113.9", found), ("2001:db8::1", found), ("198.51.100.1", {}), ("unknown", {})):
        handle = connect(api, address).json()["sessionId"]
        kept = metadata_of(api, handle)
        assert {name: kept[name] for name in ("ip", "country", "city") if name in kept} == expected, address


def test_a_file_that_is_none_leaves_the_chat_alone(
    tmp_path: Path, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"nothing")
    api = serve(proxied(tmp_path, geoip_database=str(broken)))
    for _ in range(2):
        assert connect(api, "203.0.113.9").status_code == 200
    assert [record.message for record in caplog.records if "GEOIP" in record.message] == [
        "POCKETPING_GEOIP_DATABASE can't be used, so countries are unknown: InvalidDatabaseError"
    ]
    with pytest.raises(ConfigurationError, match="POCKETPING_GEOIP_DATABASE must be the path of a file"):
        make_app(tmp_path, geoip_database=str(tmp_path / "missing.mmdb"))
