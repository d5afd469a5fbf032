"""Tests that the pages name every setting, route, event, signal, error, close code and command, and no other."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import click
import pytest
from blinker import Signal
from marshmallow import Schema
from sqlalchemy import select

import flask_pocketping
from flask_pocketping import PocketPing, errors, models, signals, testing, values
from flask_pocketping.bounds import MAX_CONTENT
from flask_pocketping.cli import commands
from flask_pocketping.config import PREFIX, Config, key_of
from flask_pocketping.delivery.retry import DELAYS
from flask_pocketping.models import Event, table
from flask_pocketping.realtime import connection, encoders
from flask_pocketping.realtime import websocket as websocket_module
from flask_pocketping.schemas.base import OutputSchema
from flask_pocketping.schemas.public_urls import PublicURLs
from flask_pocketping.schemas.values import (
    AttemptSchema,
    CSATSchema,
    CSATSummarySchema,
    DaySchema,
    DeliverySchema,
    IdentitySchema,
    MessageSchema,
    PageVisitSchema,
    SavedReplySchema,
    SessionSchema,
    WebhookSchema,
)
from flask_pocketping.security.handles import Handles
from flask_pocketping.testing import recorded_signals
from flask_pocketping.values import EVENT_TYPES
from flask_pocketping.web import registry
from flask_pocketping.web.operations import Operation
from flask_pocketping.web.streams import websockets

from .conftest import LOCAL, Serve
from .support.clients import Api
from .support.pages import DOCS, README, blocks, code, pages, rows, sections
from .support.receiver import Answer, Receiver
from .support.servers import ROOT, make_app, wait_until
from .support.settings import setting_rows

METHOD_AND_PATH = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE|HEAD) (/[\w:/.-]*\w)")
SOCKETS = {"GET /stream"}


def page(name: str) -> Path:
    return DOCS / f"{name}.md"


@cache
def text(name: str) -> str:
    return page(name).read_text()


def everything() -> str:
    return "\n".join(path.read_text() for path in [*pages(), ROOT / "CHANGELOG.md"])


# --- Settings


def listed_settings() -> list[list[str]]:
    return [row for row in rows(text("configuration")) if row[0].startswith(f"`{PREFIX}")]


def test_each_setting_is_described_once() -> None:
    listed = [code(row[0])[0] for row in listed_settings()]
    assert sorted(listed) == sorted(key_of(item.name) for item in fields(Config))


def test_the_row_of_a_setting_has_the_default_and_the_help_of_the_code() -> None:
    for row in listed_settings():
        expected = setting_rows()[code(row[0])[0]]
        assert row == expected, f"Write: | {' | '.join(expected)} |"


def test_no_page_names_a_setting_that_does_not_exist() -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z0-9_]*[A-Z0-9]", everything()))
    # Those of the tests, and one of PocketPing's own tools.
    named = {key for key in named if not key.startswith(f"{PREFIX}TEST_")} - {f"{PREFIX}API_URL"}
    assert named - {key_of(item.name) for item in fields(Config)} == set()


# --- Routes


def described(operation: Operation) -> str:
    """Method and path as the pages write them."""
    path = re.sub(r"<(\w+)_id>", r":\1Id", operation.path)
    return f"{operation.method} " + re.sub(r"<(\w+)>", r":\1", path)


def route_sections() -> dict[str, str]:
    found = {**sections(page("rest-api")), **sections(page("management-api")), **sections(page("visitor-api"))}
    return {heading: body for heading, body in found.items() if METHOD_AND_PATH.fullmatch(heading)}


OPERATIONS = registry.all_operations()


def test_the_pages_describe_every_route_and_no_other() -> None:
    assert set(route_sections()) == {described(operation) for operation in OPERATIONS} | SOCKETS


def test_every_route_that_any_page_mentions_exists() -> None:
    mentioned = {
        f"{method} {path.removeprefix('/pocketping')}" for method, path in METHOD_AND_PATH.findall(everything())
    }
    assert mentioned - set(route_sections()) == set()


@pytest.mark.parametrize("operation", OPERATIONS, ids=described)
def test_a_route_is_described_with_all_that_it_takes(operation: Operation) -> None:
    told = route_sections()[described(operation)]
    named = set(re.findall(r"\w+", " ".join(code(told))))
    for schema in (operation.body_schema, operation.query_schema):
        if schema is not None:
            assert {field.data_key or name for name, field in schema.fields.items()} - named == set()
    if operation.caller != "visitor":
        assert re.search(rf"^{operation.status}\b", told, re.MULTILINE), f"says nothing of its {operation.status}"
        assert ("*Once.*" in told) == operation.creates
        assert ("body may be left out" in told) == operation.body_optional


@pytest.mark.parametrize(
    ("heading", "shape"),
    [
        ("Session", SessionSchema),
        ("Message", MessageSchema),
        ("Webhook", WebhookSchema),
        ("Delivery", DeliverySchema),
        ("Delivery", AttemptSchema),
        ("Session", IdentitySchema),
        ("Session", CSATSchema),
        ("GET /sessions/:sessionId/pages", PageVisitSchema),
        ("Saved replies", SavedReplySchema),
        ("GET /stats", CSATSummarySchema),
        ("GET /stats", DaySchema),
    ],
)
def test_shapes_are_described_with_all_their_fields(heading: str, shape: type[Schema]) -> None:
    told = sections(page("rest-api"))[heading]
    assert set(shape().fields) - set(re.findall(r"\w+", told)) == set()


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_examples_in_json_have_the_shapes(path: Path) -> None:
    for block in blocks(path, "json"):
        check_shapes(json.loads(block.text), str(block))


SHAPES: dict[str, type[OutputSchema]] = {
    "session": SessionSchema,
    "message": MessageSchema,
    "webhook": WebhookSchema,
    "delivery": DeliverySchema,
}
BY_ID = {"sess_": "session", "msg_": "message", "whk_": "webhook", "dlv_": "delivery"}


def check_shapes(found: Any, where: str) -> None:
    if isinstance(found, list):
        for item in found:
            check_shapes(item, where)
    if not isinstance(found, dict):
        return
    kind = BY_ID.get(re.sub(r"_.*", "_", str(found.get("id", ""))))
    if kind is not None and "sender" not in found:
        shape = SHAPES[kind]
        required = set(shape().fields) - shape.optional
        assert required <= set(found) <= set(shape().fields), where
    for item in found.values():
        check_shapes(item, where)


# --- Events, signals and frames


def table_of(name: str, heading: str) -> dict[str, list[str]]:
    """The rows of a section's tables, by the code in their first cells."""
    return {code(row[0])[0]: row for row in rows(sections(page(name))[heading]) if code(row[0])}


def test_the_pages_list_every_event_type_and_no_other() -> None:
    assert list(table_of("websocket", "Events")) == list(EVENT_TYPES)
    for name in ("websocket", "webhooks", "rest-api", "visitor-api"):
        dotted = re.findall(
            r"\b(?:session|message|visitor|ai|event|csat|webhook)\.[a-z]+\b", " ".join(code(text(name)))
        )
        assert set(dotted) - {*EVENT_TYPES, "webhook.test"} == set()
    assert "webhook.test" in text("webhooks")


def all_signals() -> dict[str, Signal]:
    return {name: item for name, item in vars(signals).items() if isinstance(item, Signal)}


def test_the_pages_list_every_signal_and_show_each_in_use() -> None:
    assert set(table_of("signals", "The payloads")) == set(all_signals())
    shown = "\n".join(block.text for block in blocks(page("signals"), "python"))
    assert {name for name in all_signals() if f"@signals.{name}.connect_via(app)" not in shown} == set()


def test_no_page_names_a_signal_that_does_not_exist() -> None:
    assert set(re.findall(r"\bsignals\.([a-z_]+)", everything())) - {*all_signals(), "md"} == set()


def test_the_tables_of_events_and_signals_tell_what_is_sent(tmp_path: Path, serve: Serve, receiver: Receiver) -> None:
    app = make_app(tmp_path, None, disconnect_grace=1, **LOCAL)
    with recorded_signals(app) as sent:
        live_through_everything(serve(app), receiver, sent)
    with app.extensions["pocketping"].db.read() as connection:
        logged = {row.type: set(json.loads(row.data)) for row in connection.execute(select(table(Event)))}

    listed = table_of("websocket", "Events")
    not_yet = {name for name, row in listed.items() if "nothing sends it yet" in row[2]}
    assert set(logged) == set(EVENT_TYPES) - not_yet
    for name, found in logged.items():
        told = set(code(listed[name][1]))
        if name == "message.read":
            told.remove("deliveredAt")
        assert found == told | {"sessionId"}, name

    payloads = table_of("signals", "The payloads")
    below = sections(page("signals"))["The payloads"].rpartition("|")[2]
    assert "sent by nothing yet" in below
    silent = {name for name in code(below) if name in all_signals()}
    assert {signal.name for signal in sent} == set(all_signals()) - silent - {"message_received"}
    for name, payload in sent:
        _, keywords, event = payloads[name]
        assert set(payload) == {*code(keywords), *(["event"] if event != "none" else [])}, name
        if event != "none":
            assert payload["event"].type == code(event)[0]


def live_through_everything(api: Api, receiver: Receiver, sent: list[testing.SentSignal]) -> None:
    """Make happen all that can happen now."""
    receiver.answers = [Answer(), Answer(status=410)]
    api.ok("POST", "/webhooks", {"url": receiver.url, "events": ["session.created"]})
    visitor = api.visitor()
    visitor.request("POST", "/connect", {"sessionId": visitor.handle, "metadata": {"url": "https://shop.example/"}})
    visitor.say("Hello")
    with visitor.stream() as page:
        # It leaves at once; what it said before counts.
        page.send({"type": "event", "data": {"name": "clicked"}})
    session = f"/sessions/{visitor.session_id}"
    message = api.ok("POST", f"{session}/messages", {"content": "Hi"})["message"]["id"]
    api.ok("PATCH", f"{session}/messages/{message}", {"content": "Hi!"})
    api.ok("DELETE", f"{session}/messages/{message}")
    api.ok("POST", f"{session}/read")
    api.ok("POST", f"{session}/identify", {"email": "ada@example.com"})
    api.ok("POST", f"{session}/ai", {"enabled": False})
    api.ok("POST", f"{session}/events", {"name": "offer"})
    api.ok("POST", f"{session}/csat")
    visitor.request("POST", "/csat", {"sessionId": visitor.handle, "score": 5, "comment": "Quick and kind"})
    api.ok("POST", f"{session}/close")
    api.ok("POST", f"{session}/reopen")
    receiver.wait(1)
    api.session()
    last = {"event_received", "visitor_disconnected", "webhook_disabled"}
    wait_until(
        lambda: last <= {signal.name for signal in sent}, f"{last} are sent", seen=lambda: [name for name, _ in sent]
    )


def test_the_pages_list_every_frame_of_the_visitors_stream() -> None:
    message = {"id": "msg_1", "seq": 2, "content": "Hello", "type": "visitor", "status": "sent", "createdAt": "now"}
    message |= {"editedAt": "now", "deletedAt": "now"}
    data: dict[str, Any] = {"message": message, "reason": "nobody is here", "name": "offer", "data": None}
    data["requestedAt"] = "now"
    receipt = {"messageIds": ["msg_1"], "status": "read", "readAt": "now"}
    made = encoders.Frames(Handles([b"secret"]), PublicURLs("/pocketping"))
    sent = {}
    for type in EVENT_TYPES:
        found = json.dumps({"sessionId": "sess_1", **(receipt if type == "message.read" else data)})
        event = values.Event(1, "proj_default", "sess_1", 2, type, datetime.now(UTC), found)
        frame = made.visitor_json(event)
        if frame is not None:
            sent[frame["type"]] = set(frame["data"])
    listed = {name: set(code(row[1])) for name, row in table_of("visitor-api", "GET /stream").items() if len(row) == 2}
    listed = {name: fields - {"deliveredAt"} for name, fields in listed.items() if name not in {"sessionId", "after"}}
    assert set(listed) == {*sent, "typing", "presence", "version_warning", "message_stream"}
    for name in set(sent) - {"message"}:
        assert sent[name] == listed[name], name


# --- Errors, close codes and numbers


def all_errors() -> Iterator[type[errors.APIError]]:
    waiting: list[type[errors.APIError]] = [errors.APIError]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += found.__subclasses__()


def test_the_pages_list_every_error_code_with_its_status() -> None:
    listed = {(int(row[0]), code(row[1])[0]) for row in rows(sections(page("rest-api"))["Errors"])}
    assert listed == {(error.status, error.code) for error in all_errors()}


def test_no_page_names_an_error_code_that_does_not_exist() -> None:
    known = {error.code for error in all_errors()}
    ends = {code.rpartition("_")[2] for code in known if "_" in code}
    named = {name for name in code(everything()) if re.fullmatch(rf"[A-Z]+(_[A-Z]+)*_({'|'.join(ends)})", name)}
    assert {name for name in named if not name.startswith(PREFIX)} - known <= {"MAX_CONTENT_LENGTH", "SECRET_KEY"}


def test_the_pages_list_every_close_code() -> None:
    listed = {int(row[0]) for row in rows(sections(page("websocket"))["Close codes"])}
    used = {value for value in vars(connection).values() if type(value) is int and 1000 <= value < 5000}
    assert listed == used
    assert {int(number) for number in re.findall(r"\b(1[01]\d\d|4[04]\d\d)\b", text("visitor-api"))} & listed <= listed


def test_the_numbers_of_the_pages_are_those_of_the_code() -> None:
    websocket = text("websocket")
    assert f"{websocket_module.MAX_FRAME // 1024} kB" in websocket
    assert f"pings every {websocket_module.PING_INTERVAL:g} seconds" in websocket
    assert f"within {websockets.AUTH_WAIT:g} seconds" in websocket
    assert f"1 to {MAX_CONTENT} characters" in text("rest-api")


def test_the_retry_table_is_the_schedule() -> None:
    units = {"second": 1, "minute": 60, "hour": 3600}
    waits = [row[1] for row in rows(sections(page("webhooks"))["Retries"]) if row[0].isdecimal()]
    told = [0 if wait == "at once" else int(wait.split()[0]) * units[wait.split()[1].rstrip("s")] for wait in waits]
    assert tuple(told) == DELAYS


# --- Commands


def all_commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_the_pages_list_every_command_with_its_options() -> None:
    known = dict(all_commands(commands, "flask pocketping"))
    listed = table_of("api", "Commands")
    assert set(listed) == set(known)
    for name, command in known.items():
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        assert {word for word in code(listed[name][1]) if word.startswith("--")} == options, name


def test_every_command_that_a_page_shows_exists() -> None:
    known = dict(all_commands(commands, "pocketping"))
    shown = re.findall(r"flask (?:--app \S+ )?(pocketping(?: [a-z-]+){1,2})(?:(?= --)[^\n`)]*)?", everything())
    assert len(shown) > 15
    for words in shown:
        assert any(words == name or words.startswith(f"{name} ") for name in known), words


def test_tests_that_a_page_names_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", everything()))
    assert len(named) > 20
    written = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert {name for name in named if f"def {name}(" not in written} == set()


# --- Python


def listed_names(name: str, heading: str) -> list[str]:
    """All names in the first cells of a section's tables."""
    return [found for row in rows(sections(page(name))[heading]) for found in code(row[0])]


def test_the_pages_list_every_method_of_the_extension() -> None:
    public = {name for name in vars(PocketPing) if not name.startswith("_")}
    assert sorted(listed_names("api", "The extension")) == sorted({"PocketPing", *public})


def classes_of(module: ModuleType) -> set[str]:
    """The public classes that are written in a module, or in the modules of a package."""
    return {
        name
        for name, thing in vars(module).items()
        if inspect.isclass(thing)
        and (thing.__module__ == module.__name__ or thing.__module__.startswith(module.__name__ + "."))
        and not name.startswith("_")
    }


def test_the_pages_list_every_value_and_every_table() -> None:
    assert sorted(listed_names("api", "Values")) == sorted(classes_of(values))
    assert sorted(listed_names("api", "Tables")) == sorted(classes_of(models) - {"Base", "UTCDateTime"})


def test_the_pages_list_every_test_helper() -> None:
    methods = {
        f"{kind.__name__}.{name}"
        for kind in (testing.Visitor, testing.OperatorClient)
        for name in vars(kind)
        if not name.startswith("_")
    }
    assert sorted(listed_names("testing", "Helpers")) == sorted({*testing.__all__, *methods})


def test_make_targets_that_a_page_shows_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", everything())) - targets == set()


# --- The pages themselves


def test_the_guide_in_the_readme_has_every_page() -> None:
    listed = re.findall(r"\]\(docs/([\w-]+)\.md\)", sections(README)["The guide"])
    assert set(listed) == {path.stem for path in DOCS.glob("*.md")} - {"index"}
    trees = [line.split() for tree in blocks(page("index"), "{toctree}") for line in tree.text.splitlines()]
    assert listed == [line[0] for line in trees if line and not line[0].startswith(":")]


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if not target.startswith(("http://", "https://", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_pictures_stand_alone_and_can_be_read_in_the_light_and_in_the_dark() -> None:
    pictures = list((DOCS / "images").glob("*.svg"))
    assert pictures
    for picture in pictures:
        source = picture.read_text()
        root = ElementTree.fromstring(source)
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert {"title", "desc"} <= names
        assert names.isdisjoint({"script", "foreignObject", "image", "use"})
        assert "prefers-color-scheme: dark" in source
        assert "http" not in source.replace("http://www.w3.org/2000/svg", "")


def public_things() -> Iterator[tuple[str, Any]]:
    """Everything that `docs/api.md` shows."""
    yield "PocketPing", PocketPing
    for module in (errors, values, testing):
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", None) == module.__name__ and not name.startswith("_"):
                yield name, thing
    for kind in (PocketPing, testing.Visitor):
        for name, thing in vars(kind).items():
            if inspect.isfunction(thing) and not name.startswith("_"):
                yield f"{kind.__name__}.{name}", thing


@pytest.mark.parametrize(
    ("name", "thing"), list(public_things()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_public_names_explain_themselves(name: str, thing: Any) -> None:
    told = inspect.getdoc(thing) or ""
    made_up = inspect.isclass(thing) and ("__doc__" not in vars(thing) or told.startswith(f"{name}("))
    assert told, f"{name} has no docstring"
    assert not made_up, f"{name} has no docstring of its own"
    if inspect.isfunction(thing):
        parameters = [item for item in inspect.signature(thing).parameters if item not in {"self", "app"}]
        assert [item for item in parameters if f":param {item}:" not in told] == []
    if hasattr(thing, "__dataclass_fields__"):
        assert [item for item in thing.__dataclass_fields__ if f":ivar {item}:" not in told] == []


def test_the_package_exports_what_the_pages_import() -> None:
    for block in (block for path in pages() for block in blocks(path, "python")):
        for names in re.findall(r"^\s*from flask_pocketping import ([^\n(]+)", block.text, re.MULTILINE):
            for name in names.split(","):
                assert hasattr(flask_pocketping, name.strip()), f"{block}: {name}"


def test_the_widgets_words_are_all_listed() -> None:
    scripts = ROOT / "flask_pocketping" / "static" / "widget" / "src"
    names = (scripts / "texts.js").read_text().partition("\n  '")[2].partition("'")[0]
    english = (scripts / "languages.js").read_text().partition("en: `")[2].partition("`")[0]
    told = {row[0].strip("`"): row[1] for row in rows((DOCS / "widget.md").read_text()) if row[0].startswith("`")}
    words = dict(zip(names.split(), english.splitlines(), strict=True))
    assert len(words) > 30
    assert {name: told.get(name) for name in words} == words
    listed = (DOCS / "widget.md").read_text().partition("| name | in English |")[2]
    assert {row[0].strip("`") for row in rows("| name | in English |" + listed)} == set(words)
