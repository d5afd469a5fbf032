"""Tests the bus between processes with a real Redis that stops and restarts."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from flask_pocketping.realtime.bus import Bus, RedisBus

from ..support.proxy import Proxy, proxying
from ..support.servers import wait_until


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RedisBus, "RETRY", 0.2)


@pytest.fixture
def channel() -> str:
    return f"pocketping-test:{secrets.token_hex(8)}"


class Heard(list[dict[str, Any]]):
    """What a process heard, without its sender."""

    def __call__(self, message: dict[str, Any]) -> None:
        self.append({key: value for key, value in message.items() if key != "from"})

    def silent(self, seconds: float) -> None:
        """Check that nothing is heard for a while."""
        end = time.monotonic() + seconds
        wait_until(lambda: self or time.monotonic() > end, "the time is over", seconds + 5)
        assert self == []

    def wait(self, wanted: dict[str, Any], timeout: float = 10.0) -> None:
        wait_until(lambda: wanted in self, f"{wanted} is heard", timeout, lambda: list(self))


Join = Callable[..., tuple[RedisBus, Heard]]


@pytest.fixture
def join(redis_url: str, channel: str) -> Iterator[Join]:
    """Put a process on the bus; once it listens, it has heard that it should look into the log."""
    buses: list[RedisBus] = []

    def start(url: str = redis_url, channel: str = channel) -> tuple[RedisBus, Heard]:
        bus, heard = RedisBus(url, channel), Heard()
        buses.append(bus)
        bus.on_message = heard
        bus.listen()
        heard.wait({"wake": True})
        heard.clear()
        return bus, heard

    yield start
    with ThreadPoolExecutor() as pool:
        list(pool.map(RedisBus.close, buses))


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    address = urlsplit(redis_url)
    with proxying(address.hostname or "127.0.0.1", address.port or 6379) as made:
        yield made


@pytest.fixture
def through_proxy(proxy: Proxy, redis_url: str) -> str:
    return f"redis://127.0.0.1:{proxy.port}{urlsplit(redis_url).path}"


def test_without_redis_no_message_arrives() -> None:
    bus, heard = Bus(), Heard()
    bus.on_message = heard
    bus.listen()
    bus.publish({"wake": True})
    bus.close()
    assert heard == []


def test_a_process_receives_messages_of_others_but_not_its_own(join: Join) -> None:
    (one, heard_by_one), (two, heard_by_two), (_, heard_by_three) = join(), join(), join()
    one.publish({"wake": True, "deliveries": 2})
    two.publish({"typing": {"sessionId": "sess_1", "sender": "operator", "isTyping": True}, "project": "é"})
    for heard in (heard_by_one, heard_by_three):
        heard.wait({"typing": {"sessionId": "sess_1", "sender": "operator", "isTyping": True}, "project": "é"})
    for heard in (heard_by_two, heard_by_three):
        heard.wait({"wake": True, "deliveries": 2})
    assert (len(heard_by_one), len(heard_by_two), len(heard_by_three)) == (1, 1, 2)


def test_messages_of_other_channels_are_ignored(join: Join, channel: str) -> None:
    (one, heard_by_one), (two, heard_by_two) = join(), join(channel=channel + ":other")
    (third, _), (fourth, _) = join(), join(channel=channel + ":other")
    one.publish({"wake": 1})
    two.publish({"wake": 2})
    third.publish({"wake": 3})
    fourth.publish({"wake": 4})
    heard_by_one.wait({"wake": 3})
    heard_by_two.wait({"wake": 4})
    assert {"wake": 2} not in heard_by_one
    assert {"wake": 1} not in heard_by_two


def test_an_invalid_message_does_not_end_the_listener(join: Join, redis_url: str, channel: str) -> None:
    bus, _ = join()
    _, heard = join()
    client = redis.Redis.from_url(redis_url)
    for rubbish in ("no JSON", "[1, 2]", "7", b"\xff\xfe"):
        client.publish(channel, rubbish)
    client.close()
    bus.publish({"wake": True})
    heard.wait({"wake": True})


def test_an_error_in_the_handler_does_not_end_the_listener(join: Join, caplog: pytest.LogCaptureFixture) -> None:
    bus, _ = join()
    listener, heard = join()

    def fail_once(message: dict[str, Any]) -> None:
        listener.on_message = heard
        raise RuntimeError("once")

    listener.on_message = fail_once
    bus.publish({"wake": 1})
    wait_until(lambda: "could not be handled" in caplog.text, "the failure is logged")
    bus.publish({"wake": 2})
    heard.wait({"wake": 2})


def test_the_bus_reconnects_when_redis_comes_back(
    join: Join, proxy: Proxy, through_proxy: str, caplog: pytest.LogCaptureFixture
) -> None:
    near, _ = join()
    far, heard = join(through_proxy)
    proxy.down()
    wait_until(lambda: "Redis is unavailable" in caplog.text, "it is noticed")
    far.publish({"wake": "lost, but it is in the log"})
    heard.clear()
    proxy.up()
    # Whoever was away looks into the log first, since what was published meanwhile is lost.
    heard.wait({"wake": True})
    near.publish({"wake": "again"})
    heard.wait({"wake": "again"})
    _, heard_nearby = join()

    def arrives() -> bool:
        far.publish({"wake": "from afar"})
        return {"wake": "from afar"} in heard_nearby

    wait_until(arrives, "publishing works again", seen=lambda: heard_nearby)


def test_a_dead_connection_to_redis_is_noticed(
    join: Join, proxy: Proxy, through_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedisBus, "HEARTBEAT", 1.0)
    near, _ = join()
    _, heard = join(through_proxy)
    heard.silent(3.0)
    proxy.freeze()
    heard.wait({"wake": True})
    near.publish({"wake": "again"})
    heard.wait({"wake": "again"})


def test_a_redis_that_is_down_from_the_start_blocks_nothing(
    through_proxy: str, proxy: Proxy, channel: str, join: Join
) -> None:
    proxy.down()
    bus, heard = RedisBus(through_proxy, channel), Heard()
    bus.on_message = heard
    bus.listen()
    bus.publish({"wake": True})
    bus.publish({"wake": True})
    proxy.up()
    heard.wait({"wake": True})
    other, _ = join()
    other.publish({"wake": "heard"})
    heard.wait({"wake": "heard"})
    bus.close()


def test_listening_can_stop_and_start_again(join: Join) -> None:
    bus, heard = join()
    other, _ = join()
    bus.close()
    other.publish({"wake": "unheard"})
    bus.listen()
    bus.listen()
    heard.wait({"wake": True})
    other.publish({"wake": "heard"})
    heard.wait({"wake": "heard"})
    assert heard.count({"wake": "heard"}) == 1
    assert {"wake": "unheard"} not in heard
