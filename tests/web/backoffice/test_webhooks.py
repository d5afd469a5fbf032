"""Tests the routes that register webhooks, list their deliveries and retry them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flask_pocketping.chat import projects
from flask_pocketping.delivery.leases import forget_old
from flask_pocketping.values import EVENT_TYPES

from ...conftest import Serve
from ...support.clients import Api
from ...support.contract import CheckedApi
from ...support.hooks import Hook, moment, signed_with
from ...support.office import Office, office_on
from ...support.receiver import Answer, Receiver
from ...support.servers import free_port, make_app, wait_until
from ...support.travel import Travel

HTTPS = "https://yoursite.com/webhook"
SHAPE = {"id", "url", "events", "description", "enabled", "createdAt"}


@pytest.fixture
def api(office: Office) -> Iterator[CheckedApi]:
    """The same where the database makes no difference."""
    yield from _project(office)


@pytest.fixture
def any_api(any_office: Office) -> CheckedApi:
    """A project of the test's own, on each kind of database in turn."""
    return any_office.new_project()


def _project(office: Office) -> Iterator[CheckedApi]:
    api = office.new_project()
    yield api
    # What waits for a receiver of this test must not reach one of another.
    for hook in api.ok("GET", "/webhooks")["webhooks"]:
        api.delete(f"/webhooks/{hook['id']}")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server with the defaults of a deployment: https alone, public addresses alone."""
    with office_on("sqlite", tmp_path_factory.mktemp("strict")) as made:
        yield made


# --- Registering ---


def test_registering_works_as_in_the_reference(any_api: CheckedApi) -> None:
    wanted = ["session.created", "message.created", "session.closed"]
    answer = any_api.post("/webhooks", {"url": HTTPS, "events": wanted})
    assert answer.status_code == 201
    made = answer.json()["webhook"]
    assert made.keys() == SHAPE | {"secret"}
    assert (made["url"], made["events"], made["enabled"], made["description"]) == (HTTPS, wanted, True, "")
    assert made["id"].startswith("whk_")
    shown = {key: value for key, value in made.items() if key != "secret"}
    assert any_api.ok("GET", f"/webhooks/{made['id']}") == {"webhook": shown}
    assert any_api.ok("GET", "/webhooks") == {"webhooks": [shown]}


def test_every_event_type_can_be_requested(api: CheckedApi) -> None:
    for name in ("*", *EVENT_TYPES):
        made = api.ok("POST", "/webhooks", {"url": HTTPS, "events": [name, name], "description": name})["webhook"]
        assert (made["events"], made["description"]) == ([name], name)
    assert len(api.ok("GET", "/webhooks")["webhooks"]) == 1 + len(EVENT_TYPES)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": None}, "url"),
        ({"url": 5}, "url"),
        ({"url": ""}, "url"),
        ({"url": "https://example.com/" + "a" * 2048}, "url"),
        ({"events": None}, "events"),
        ({"events": []}, "events"),
        ({"events": "message.created"}, "events"),
        ({"events": ["message.created", "message.sent"]}, "events.1"),
        ({"events": ["typing"]}, "events.0"),
        ({"description": "a" * 501}, "description"),
        ({"description": None}, "description"),
        ({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "secret"),
        ({"enabled": False}, "enabled"),
    ],
)
def test_invalid_fields_are_named(api: CheckedApi, changes: dict[str, Any], field: str) -> None:
    answer = api.post("/webhooks", {"url": HTTPS, "events": ["*"], **changes})
    assert answer.status_code == 400
    assert answer.json()["code"] == "INVALID_REQUEST"
    assert field in answer.json()["details"]
    assert api.ok("GET", "/webhooks") == {"webhooks": []}


REFUSED = [
    # Other schemes than https, and none.
    "http://example.com/hook",
    "ftp://example.com/hook",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "//example.com/hook",
    "example.com/hook",
    # Credentials, and what looks like them to some and like a host to others.
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    # This machine, in every notation that a resolver takes.
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://\uff11\uff12\uff17.0.0.1/",
    # Private, link-local, shared and reserved networks.
    "https://10.0.0.1/",
    "https://10.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1:8443/hook",
    "https://0xc0a80101/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[ff02::1]/",
]


def test_forbidden_addresses_are_refused_when_registering(strict: Office) -> None:
    api = strict.new_project()
    kept = Hook(api, HTTPS)
    for url in REFUSED:
        for answer in (
            api.post("/webhooks", {"url": url, "events": ["*"]}),
            api.patch(kept.path, {"url": url}),
        ):
            assert (url, answer.status_code) == (url, 400)
            assert answer.json()["code"] == "INVALID_REQUEST"
            assert answer.json()["details"].keys() == {"url"}
    assert [hook["url"] for hook in api.ok("GET", "/webhooks")["webhooks"]] == [HTTPS]


def test_only_listed_networks_are_allowed(api: CheckedApi) -> None:
    assert Hook(api, f"http://127.0.0.1:{free_port()}/hook").shown()["enabled"] is True
    answer = api.post("/webhooks", {"url": "http://10.0.0.1/hook", "events": ["*"]})
    assert answer.status_code == 400


# --- Changing and removing ---


def test_a_webhook_can_be_changed_in_part(api: CheckedApi) -> None:
    hook = Hook(api, HTTPS, ["message.created"])
    before = hook.shown()
    changed = hook.change(url="https://example.com/other", events=["*"], description="Moved")
    assert changed == {**before, "url": "https://example.com/other", "events": ["*"], "description": "Moved"}
    assert hook.shown() == changed
    assert hook.change(events=["session.closed", "session.closed"])["events"] == ["session.closed"]
    disabled = hook.change(enabled=False)
    assert (disabled["enabled"], bool(disabled["disabledReason"])) == (False, True)
    assert hook.change(enabled=False) == disabled
    enabled = hook.change(enabled=True)
    assert (enabled["enabled"], "disabledReason" in enabled) == (True, False)


@pytest.mark.parametrize(
    "body", [{}, {"events": []}, {"events": ["nonsense"]}, {"enabled": "yes"}, {"secret": "whsec_AAAA"}, {"url": ""}]
)
def test_an_invalid_change_is_refused(api: CheckedApi, body: dict[str, Any]) -> None:
    hook = Hook(api, HTTPS)
    before = hook.shown()
    assert api.patch(hook.path, body).status_code == 400
    assert hook.shown() == before


def test_deleting_a_webhook_deletes_its_deliveries(any_api: CheckedApi, receiver: Receiver) -> None:
    receiver.answers = [Answer(500)]
    hook = Hook(any_api, receiver.url)
    any_api.session()
    [delivery] = hook.wait_for("pending", attempts=1)
    assert any_api.delete(hook.path).status_code == 204
    for answer in (
        any_api.get(hook.path),
        any_api.patch(hook.path, {"enabled": True}),
        any_api.delete(hook.path),
        any_api.get(hook.path + "/deliveries"),
        any_api.post(hook.path + "/test"),
        any_api.post(hook.path + "/rotate"),
        any_api.post(f"{hook.path}/deliveries/{delivery['id']}/retry"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "WEBHOOK_NOT_FOUND")
    any_api.session()
    follower = Hook(any_api, receiver.url)
    follower.test()
    assert receiver.wait(2)[-1].event == "webhook.test"


def test_deleting_during_a_delivery_leaves_nothing_behind(
    any_api: CheckedApi, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    hold = threading.Event()
    receiver.answers = [Answer(500, hold=hold)]
    hook = Hook(any_api, receiver.url)
    any_api.session()
    receiver.wait(1)
    assert any_api.delete(hook.path).status_code == 204
    hold.set()
    wait_until(lambda: "deleted" in caplog.text, "the worker's word", 10, lambda: caplog.text)
    assert any_api.get(hook.path + "/deliveries").status_code == 404


def test_rotating_shows_the_new_secret_once(api: CheckedApi) -> None:
    hook = Hook(api, HTTPS)
    rotated = api.ok("POST", hook.path + "/rotate")["webhook"]
    assert rotated.keys() == SHAPE | {"secret"}
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != hook.secret
    assert "secret" not in hook.shown()


def test_concurrent_rotations_run_one_after_another(any_api: CheckedApi, receiver: Receiver) -> None:
    hook = Hook(any_api, receiver.url)
    barrier = threading.Barrier(2)
    secrets: list[str] = []

    def rotate() -> None:
        barrier.wait()
        secrets.append(any_api.ok("POST", hook.path + "/rotate")["webhook"]["secret"])

    threads = [threading.Thread(target=rotate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hook.test()
    [received] = receiver.wait(1)
    assert [signed_with(received, secret) for secret in secrets] == [True, True]


# --- Deliveries ---


def test_deliveries_are_listed_newest_first_with_their_attempts(any_api: CheckedApi, receiver: Receiver) -> None:
    receiver.answers = [Answer(500, body=b"no database")]
    hook = Hook(any_api, receiver.url, ("session.created", "session.closed"))
    session_id = any_api.session()
    hook.wait_for("pending", attempts=1)
    any_api.ok("POST", f"/sessions/{session_id}/close")
    hook.wait_for("pending", "succeeded", attempts=1)
    test = hook.test()
    hook.wait_for("pending", "succeeded", "succeeded", attempts=1)

    page = any_api.ok("GET", hook.path + "/deliveries")
    assert page["nextCursor"] is None
    newest, closed, created = page["deliveries"]
    assert newest["id"] == test["id"]
    assert "sessionId" not in newest
    assert (closed["event"], closed["sessionId"], closed["state"]) == ("session.closed", session_id, "succeeded")
    assert created.keys() == {
        *("id", "webhookId", "event", "eventId", "sessionId", "state", "createdAt", "nextAttemptAt", "attempts")
    }
    assert (created["event"], created["webhookId"]) == ("session.created", hook.id)
    assert created["eventId"] == receiver.received[0].headers["webhook-id"]
    [attempt] = created["attempts"]
    assert attempt.keys() == {"number", "startedAt", "duration", "statusCode", "error", "response"}
    assert (attempt["number"], attempt["statusCode"], attempt["error"]) == (1, 500, "HTTP 500")
    assert attempt["response"] == "no database"
    assert moment(created["nextAttemptAt"]) > moment(attempt["startedAt"])
    assert closed["nextAttemptAt"] is None


def test_deliveries_can_be_filtered_by_state_and_paged(any_api: CheckedApi, receiver: Receiver) -> None:
    receiver.answer = lambda received: Answer(500 if received.event == "session.closed" else 200)
    hook = Hook(any_api, receiver.url, ("session.created", "session.closed"))
    for _ in range(3):
        any_api.ok("POST", f"/sessions/{any_api.session()}/close")
    hook.wait_for(*["succeeded", "pending"] * 3, attempts=1)
    assert {item["event"] for item in hook.deliveries(state="pending")} == {"session.closed"}
    assert {item["event"] for item in hook.deliveries(state="succeeded")} == {"session.created"}
    for state in ("running", "failed", "cancelled"):
        assert hook.deliveries(state=state) == []

    listed = [item["id"] for item in reversed(hook.deliveries())]
    paged: list[str] = []
    cursor = None
    for size in (4, 2):
        query = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = any_api.ok("GET", hook.path + "/deliveries", params=query)
        assert len(page["deliveries"]) == size
        paged += [item["id"] for item in page["deliveries"]]
        cursor = page["nextCursor"]
    assert cursor is None
    assert paged == listed
    page = any_api.ok("GET", hook.path + "/deliveries", params={"limit": 2, "state": "pending"})
    rest = any_api.ok("GET", hook.path + "/deliveries", params={"cursor": page["nextCursor"], "state": "pending"})
    assert len(rest["deliveries"]) == 1


@pytest.mark.parametrize(
    "query", [{"state": "lost"}, {"limit": 0}, {"limit": 101}, {"cursor": "x"}, {"cursor": "dlv_"}, {"page": 2}]
)
def test_an_invalid_query_is_refused(api: CheckedApi, query: dict[str, Any]) -> None:
    answer = api.get(Hook(api, HTTPS).path + "/deliveries", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    assert answer.json()["details"].keys() == query.keys()


def test_a_manual_retry_is_delivered_immediately(any_api: CheckedApi, receiver: Receiver) -> None:
    receiver.answers = [Answer(500)]
    hook = Hook(any_api, receiver.url)
    any_api.session()
    [delivery] = hook.wait_for("pending", attempts=1)
    retry = f"{hook.path}/deliveries/{delivery['id']}/retry"
    answer = any_api.post(retry)
    assert answer.status_code == 202
    assert answer.json()["delivery"]["id"] == delivery["id"]
    hook.wait_for("succeeded", attempts=2)
    assert any_api.post(retry).status_code == 202
    hook.wait_for("succeeded", attempts=3)
    ids = [received.headers["webhook-id"] for received in receiver.received]
    assert ids == [delivery["eventId"]] * 3


def test_a_failed_delivery_can_be_retried(api: CheckedApi, receiver: Receiver, travel: Travel) -> None:
    receiver.answer = lambda received: Answer(500)
    hook = Hook(api, receiver.url)
    api.session()
    for made in range(1, 8):
        [delivery] = hook.wait_for("pending", attempts=made)
        travel.to(moment(delivery["nextAttemptAt"]))
    [delivery] = hook.wait_for("failed", attempts=8)
    retry = f"{hook.path}/deliveries/{delivery['id']}/retry"
    api.ok("POST", retry)
    hook.wait_for("failed", attempts=9)
    receiver.answer = lambda received: Answer()
    api.ok("POST", retry)
    [delivery] = hook.wait_for("succeeded", attempts=10)
    assert [attempt["number"] for attempt in delivery["attempts"]] == list(range(1, 11))


def test_a_cancelled_delivery_can_be_retried(any_api: CheckedApi, receiver: Receiver) -> None:
    receiver.answers = [Answer(500)]
    hook = Hook(any_api, receiver.url)
    any_api.session()
    hook.wait_for("pending", attempts=1)
    hook.change(enabled=False)
    [delivery] = hook.wait_for("cancelled")
    any_api.ok("POST", f"{hook.path}/deliveries/{delivery['id']}/retry")
    hook.wait_for("succeeded", attempts=2)


def test_retrying_a_running_delivery_changes_nothing(api: CheckedApi, receiver: Receiver) -> None:
    hold = threading.Event()
    receiver.answers = [Answer(hold=hold)]
    hook = Hook(api, receiver.url)
    api.session()
    receiver.wait(1)
    [delivery] = hook.wait_for("running")
    again = api.ok("POST", f"{hook.path}/deliveries/{delivery['id']}/retry")["delivery"]
    assert again["state"] == "running"
    hold.set()
    hook.wait_for("succeeded", attempts=1)
    hook.test()
    receiver.wait(2)
    assert receiver.events() == ["session.created", "webhook.test"]


# --- Whose it is ---


def test_a_webhook_of_another_project_is_not_found(any_office: Office, any_api: CheckedApi, receiver: Receiver) -> None:
    hook = Hook(any_api, receiver.url)
    delivery = hook.test()
    hook.wait_for("succeeded")
    other = any_office.new_project()
    theirs = Hook(other, receiver.url)
    assert [item["id"] for item in other.ok("GET", "/webhooks")["webhooks"]] == [theirs.id]
    for answer in (
        other.get(hook.path),
        other.patch(hook.path, {"enabled": False}),
        other.delete(hook.path),
        other.post(hook.path + "/test"),
        other.post(hook.path + "/rotate"),
        other.get(hook.path + "/deliveries"),
        other.post(f"{hook.path}/deliveries/{delivery['id']}/retry"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "WEBHOOK_NOT_FOUND")
    for client, path in ((other, theirs.path), (any_api, hook.path)):
        for unknown in ("dlv_999999999", "nonsense", "dlv_" + "9" * 30):
            answer = client.post(f"{path}/deliveries/{unknown}/retry")
            assert (answer.status_code, answer.json()["code"]) == (404, "DELIVERY_NOT_FOUND")
    stolen = other.post(f"{theirs.path}/deliveries/{delivery['id']}/retry")
    assert (stolen.status_code, stolen.json()["code"]) == (404, "DELIVERY_NOT_FOUND")
    assert hook.shown()["enabled"] is True
    assert len(hook.deliveries()[0]["attempts"]) == 1


def test_without_a_key_requests_are_refused(api: CheckedApi) -> None:
    hook = Hook(api, HTTPS)
    nobody: Api = api.with_key(None)
    for answer in (
        nobody.get("/webhooks"),
        nobody.post("/webhooks", {"url": HTTPS, "events": ["*"]}),
        nobody.get(hook.path),
        nobody.post(hook.path + "/test"),
        nobody.get(hook.path + "/deliveries"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


# --- Once ---


def test_an_idempotent_registration_is_one_webhook_with_one_secret(api: CheckedApi) -> None:
    body = {"url": HTTPS, "events": ["*"]}
    first = api.post("/webhooks", body, headers={"Idempotency-Key": "a"})
    again = api.post("/webhooks", body, headers={"Idempotency-Key": "a"})
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(api.ok("GET", "/webhooks")["webhooks"]) == 1
    other = api.post("/webhooks", {**body, "events": ["session.closed"]}, headers={"Idempotency-Key": "a"})
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_an_idempotent_test_is_sent_once(api: CheckedApi, receiver: Receiver) -> None:
    hook = Hook(api, receiver.url)
    answers = [api.post(hook.path + "/test", headers={"Idempotency-Key": "t"}).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    hook.wait_for("succeeded")
    assert len(receiver.received) == 1


def test_old_deliveries_are_deleted(
    any_office: Office, any_api: CheckedApi, receiver: Receiver, travel: Travel
) -> None:
    hook = Hook(any_api, receiver.url)
    receiver.answers = [Answer(), Answer(500)]
    old = hook.test()
    hook.wait_for("succeeded")
    hook.test()
    hook.wait_for("succeeded", "pending", attempts=1)
    travel.forward(days=29)
    forget_old(any_office.db, 30)
    assert old["id"] in {delivery["id"] for delivery in hook.deliveries()}
    hook.wait_for("succeeded", "succeeded")
    travel.forward(days=1, minutes=5)
    forget_old(any_office.db, 30)
    [left] = hook.deliveries()
    assert left["id"] != old["id"]
    assert moment(left["createdAt"]) < travel.now() - timedelta(days=30)


def test_the_number_of_webhooks_is_limited_also_for_concurrent_requests(
    any_database: str, tmp_path: Path, serve: Serve
) -> None:
    app = make_app(tmp_path, any_database, webhook_limit=5)
    api = serve(app)
    body = {"url": "https://example.com/", "events": ["*"]}
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: api.post("/webhooks", body).status_code, range(8)))
    assert (statuses.count(201), statuses.count(400)) == (5, 3)
    assert "may have 5 webhooks" in api.post("/webhooks", body).json()["message"]
    db = app.extensions["pocketping"].db
    other = api.with_key(projects.create_key(db, "A test", projects.create_project(db, "A test").id).key)
    assert other.post("/webhooks", body).status_code == 201
    [first, *_] = api.ok("GET", "/webhooks")["webhooks"]
    assert api.delete(f"/webhooks/{first['id']}").status_code == 204
    assert api.post("/webhooks", body).status_code == 201
