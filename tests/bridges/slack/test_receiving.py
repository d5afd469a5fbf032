"""Tests of Socket Mode and of what comes in after a time without connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from flask_pocketping.bridges.platform import Incoming, IncomingMessage, IncomingThreadChange, Refused, Thread
from flask_pocketping.bridges.slack import catch_up
from flask_pocketping.bridges.slack.client import SlackClient
from flask_pocketping.bridges.slack.events import EventReader
from flask_pocketping.bridges.slack.platform import SlackPlatform
from flask_pocketping.bridges.slack.receiving import CatchUpInbound, SocketModeInbound
from tests.support.servers import wait_until
from tests.support.slack import FakeSlack
from tests.support.slack.server import Fault

from .test_platform import opened


class Store:
    """Takes things in as a bridge does: each message once, and after it the cursor and newest message."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.taken: list[Incoming] = []
        self.threads: list[Thread] = []
        self.newest: dict[Thread, str] = {}
        self.saved: str | None = None
        #: How many of the next ones fail, as with a database that is away.
        self.failures = 0

    def receive(self, incoming: Incoming) -> None:
        with self.lock:
            if self.failures:
                self.failures -= 1
                raise RuntimeError("the database is away")
            if isinstance(incoming, IncomingMessage):
                if any(isinstance(one, IncomingMessage) and one.id == incoming.id for one in self.taken):
                    return
                known = self.newest.get(incoming.thread)
                self.newest[incoming.thread] = max(known or "", incoming.id)
            self.taken.append(incoming)

    def cursor(self) -> str | None:
        return self.saved

    def save_cursor(self, cursor: str) -> None:
        self.saved = cursor

    def open_threads(self) -> Sequence[tuple[Thread, str | None]]:
        return [(thread, self.newest.get(thread)) for thread in self.threads]

    def texts(self) -> list[str]:
        return [one.text for one in list(self.taken) if isinstance(one, IncomingMessage)]


class Running:
    """An inbound road in a thread, under a lease that the test can take away."""

    def __init__(self, run: Callable[..., None], store: Store) -> None:
        self.wanted = threading.Event()
        self.wanted.set()
        self.error: BaseException | None = None
        self._unwanted = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(run, store), name="test-inbound")
        self._thread.start()

    def _run(self, run: Callable[..., None], store: Store) -> None:
        try:
            run(store, self._is_wanted)
        except BaseException as error:
            self.error = error

    def _is_wanted(self, seconds: float) -> bool:
        return not self._unwanted.wait(seconds)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._unwanted.set()
        self._thread.join(15)
        assert not self._thread.is_alive()


Start = Callable[..., Running]


@pytest.fixture
def start(slack: FakeSlack, client: SlackClient, reader: EventReader) -> Iterator[Start]:
    """Start Socket Mode, or another road."""
    made: list[Running] = []
    slack.uses_sockets = True

    def begin(store: Store, road: type = SocketModeInbound, **options: float) -> Running:
        inbound = road(client, reader, **{"pause": 0.0, **options})
        made.append(Running(inbound.run, store))
        return made[-1]

    yield begin
    for running in made:
        running.stop()


@pytest.fixture
def store() -> Store:
    return Store()


def connected(slack: FakeSlack, times: int = 1) -> None:
    wait_until(lambda: slack.sockets.opened >= times and slack.sockets.open, f"{times} connections", 20)


def test_messages_come_over_the_socket_in_order_and_are_confirmed(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start
) -> None:
    thread = opened(platform)
    start(store)
    connected(slack)
    for number in range(30):
        slack.workspace.write(thread.channel, thread.id, str(number))
    wait_until(lambda: len(store.texts()) == 30, "all messages", 10, store.texts)
    assert store.texts() == [str(number) for number in range(30)]
    wait_until(lambda: not slack.sockets.waiting, "all are confirmed")


def test_what_could_not_be_stored_is_not_confirmed(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start
) -> None:
    """Slack repeats it, so a database that is away for some seconds loses nothing."""
    thread = opened(platform)
    store.threads = [thread]
    running = start(store)
    connected(slack)
    wait_until(lambda: not slack.sockets.waiting, "everything before is confirmed")
    store.failures = 1
    slack.workspace.write(thread.channel, thread.id, "hello")
    wait_until(lambda: not running.is_alive, "the error")
    assert isinstance(running.error, RuntimeError)
    assert not any(envelope["event"]["text"] == "hello" for envelope in slack.sockets.confirmed)
    # The bridge starts it again.
    start(store)
    wait_until(lambda: store.texts() == ["hello"], "the message", 20)


def test_a_lost_connection_is_opened_again_and_nothing_is_missed(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start
) -> None:
    thread = opened(platform)
    store.threads = [thread]
    # The end of the stream alone tells it, long before a ping fails.
    start(store, ping=60.0)
    connected(slack)
    slack.workspace.write(thread.channel, thread.id, "before")
    wait_until(lambda: store.texts() == ["before"], "the first message")
    slack.uses_sockets = False
    slack.sockets.cut()
    slack.workspace.write(thread.channel, thread.id, "meanwhile")
    slack.uses_sockets = True
    connected(slack, 2)
    slack.workspace.write(thread.channel, thread.id, "after")
    wait_until(lambda: len(store.texts()) == 3, "all three", 15, store.texts)
    assert store.texts() == ["before", "meanwhile", "after"]


@pytest.mark.parametrize("how", ["silent", "dead"])
def test_a_connection_that_went_silent_is_replaced(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start, how: str
) -> None:
    """One still answers pings, and the other does not even do that."""
    thread = opened(platform)
    store.threads = [thread]
    start(store, idle=1.0 if how == "silent" else 300.0, ping=0.25)
    connected(slack)
    setattr(slack.sockets, how, True)
    slack.uses_sockets = False
    slack.workspace.write(thread.channel, thread.id, "anybody?")
    wait_until(lambda: slack.sockets.opened >= 2, "another connection", 20)
    setattr(slack.sockets, how, False)
    wait_until(lambda: store.texts() == ["anybody?"], "the message", 20)


def test_slack_may_ask_for_a_new_connection(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start
) -> None:
    thread = opened(platform)
    start(store)
    connected(slack)
    slack.sockets.refresh()
    connected(slack, 2)
    wait_until(lambda: len(slack.sockets.open) == 1, "the old one is closed")
    slack.workspace.write(thread.channel, thread.id, "hello")
    wait_until(lambda: store.texts() == ["hello"], "the message", 10)


def test_what_was_written_meanwhile_comes_before_what_is_written_now(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start
) -> None:
    """A message over the socket waits until its thread was read. It would hide what was written before it."""
    threads = [opened(platform) for _ in range(5)]
    store.threads = threads
    for thread in threads:
        slack.workspace.write(thread.channel, thread.id, f"old {threads.index(thread)}")
    start(store, pause=0.5)
    connected(slack)
    slack.workspace.write(threads[4].channel, threads[4].id, "new 4")
    wait_until(lambda: len(store.texts()) == 6, "all messages", 20, store.texts)
    texts = store.texts()
    assert texts.index("old 4") < texts.index("new 4")
    assert sorted(texts) == ["new 4", *(f"old {number}" for number in range(5))]
    # It came in although other threads were still to be read.
    assert texts.index("new 4") < 5
    wait_until(lambda: store.saved, "the time up to which all is known")


def test_a_day_without_connection_is_read_afterwards(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only threads with something new are read, and messages of ours and deleted threads are told apart."""
    monkeypatch.setattr(catch_up, "OVERLAP", 0)
    quiet, busy, gone, grave = (opened(platform) for _ in range(4))
    for thread in (quiet, busy, gone, grave):
        store.newest[thread] = slack.workspace.write(thread.channel, thread.id, "known")
    store.threads = [quiet, busy, gone, grave]
    store.saved = slack.workspace.new_ts()
    slack.workspace.write(busy.channel, busy.id, "one")
    platform.close(busy)
    slack.workspace.write(busy.channel, busy.id, "two")
    slack.workspace.remove_thread(gone.channel, gone.id)
    slack.workspace.remove(grave.channel, grave.id)
    start(store, CatchUpInbound, sweep=60.0)
    wait_until(lambda: len(store.taken) >= 4, "what is new", 10, lambda: store.taken)
    assert store.texts() == ["one", "two"]
    changes = [one for one in store.taken if isinstance(one, IncomingThreadChange)]
    assert {change.thread for change in changes} == {gone, grave}
    assert quiet.id not in {call["ts"] for call in slack.called("conversations.replies")}
    wait_until(lambda: float(store.saved or 0) > float(busy.id), "the new time")


def test_events_that_the_address_never_got_are_read_every_few_minutes(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start
) -> None:
    thread = opened(platform)
    store.threads = [thread]
    start(store, CatchUpInbound, sweep=0.2)
    wait_until(lambda: store.saved, "the first time")
    slack.workspace.write(thread.channel, thread.id, "lost on its way")
    wait_until(lambda: store.texts() == ["lost on its way"], "the message", 10)


def test_an_event_that_never_came_is_read_while_the_connection_lasts(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start
) -> None:
    thread = opened(platform)
    store.threads = [thread]
    start(store, sweep=0.5)
    connected(slack)
    wait_until(lambda: store.saved, "the first time")
    slack.uses_sockets = False
    slack.workspace.write(thread.channel, thread.id, "lost on its way")
    slack.uses_sockets = True
    wait_until(lambda: store.texts() == ["lost on its way"], "the message", 10)
    assert slack.sockets.opened == 1


def test_what_live_events_have_hidden_is_read_too(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start
) -> None:
    """After a break, a live event may come in before the threads are read. The saved time tells how far to go back."""
    thread = opened(platform)
    slack.workspace.write(thread.channel, thread.id, "known")
    store.saved = slack.workspace.new_ts()
    slack.workspace.write(thread.channel, thread.id, "missed")
    store.newest[thread] = slack.workspace.write(thread.channel, thread.id, "live")
    store.threads = [thread]
    start(store, CatchUpInbound, sweep=60.0)
    wait_until(lambda: "missed" in store.texts(), "what was missed", 10, store.texts)
    assert "known" not in store.texts()


def test_a_thread_that_slack_refuses_holds_up_no_other(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start
) -> None:
    """As those of an earlier channel, of which the bot is no member any more."""
    elsewhere = slack.workspace.add_channel("C0EARLIER", "earlier")
    old = Thread(elsewhere.id, slack.workspace.write(elsewhere.id, None, "root"))
    elsewhere.members.clear()
    thread = opened(platform)
    store.threads = [old, thread]
    store.saved = slack.workspace.new_ts()
    slack.workspace.write(thread.channel, thread.id, "hello")
    running = start(store)
    wait_until(lambda: store.texts() == ["hello"], "the message", 10)
    assert running.is_alive


@pytest.mark.parametrize("road", [SocketModeInbound, CatchUpInbound])
def test_a_limit_is_waited_for_without_beginning_anew(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start, road: type
) -> None:
    threads = [opened(platform) for _ in range(3)]
    store.threads = threads
    for thread in threads:
        slack.workspace.write(thread.channel, thread.id, "x")
    slack.throttle("conversations.replies", 1)
    start(store, road)
    wait_until(lambda: len(store.texts()) == 3, "all messages", 15, store.texts)
    # Each thread was read once, and nothing while Slack wanted to wait.
    assert len(slack.called("conversations.replies")) == 3


def test_failures_of_slack_are_waited_out(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    thread = opened(platform)
    slack.fail("apps.connections.open", Fault(502))
    start(store)
    connected(slack)
    slack.workspace.write(thread.channel, thread.id, "hello")
    wait_until(lambda: store.texts() == ["hello"], "the message", 10)
    assert "ticket" not in caplog.text
    assert "xapp" not in caplog.text


@pytest.mark.parametrize("code", ["invalid_auth", "not_allowed_token_type", "missing_scope"])
def test_a_wrong_token_ends_it(slack: FakeSlack, store: Store, start: Start, code: str) -> None:
    slack.refuse("apps.connections.open", code)
    running = start(store)
    wait_until(lambda: not running.is_alive, "the end")
    assert isinstance(running.error, Refused)


def test_an_address_without_tls_is_refused(slack: FakeSlack, store: Store, start: Start) -> None:
    body = b'{"ok": true, "url": "ws://evil.example:8080/link/?ticket=1"}'
    slack.fail("apps.connections.open", Fault(200, body))
    running = start(store)
    wait_until(lambda: not running.is_alive, "the end")
    assert isinstance(running.error, Refused)
    assert "evil" not in str(running.error)


def test_without_the_lease_nothing_is_confirmed(
    slack: FakeSlack, platform: SlackPlatform, store: Store, start: Start
) -> None:
    thread = opened(platform)
    running = start(store)
    connected(slack)
    running.stop()
    slack.workspace.write(thread.channel, thread.id, "for the next one")
    assert store.texts() == []
    start(store)
    connected(slack, 2)
    wait_until(lambda: store.texts() == ["for the next one"], "the message", 10)


def test_the_environment_does_not_choose_a_proxy(
    slack: FakeSlack, store: Store, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    start(store)
    connected(slack)
