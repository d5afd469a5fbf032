"""Tests the position of a reader in a log whose ids become visible out of order."""

from __future__ import annotations

import pytest

from flask_pocketping.realtime.log_position import GAP_WAIT, Position


class Watch:
    """A clock that stands until the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def position(watch: Watch) -> Position:
    made = Position(watch)
    made.start(10, {})
    return made


def test_the_cursor_follows_ids_without_gaps(position: Position) -> None:
    assert [position.see(number) for number in (11, 12, 13)] == [True, True, True]
    assert (position.newest, position.cursor) == (13, 13)


def test_an_id_is_new_once(position: Position) -> None:
    assert position.see(11)
    assert not position.see(11)
    assert not position.see(7)
    assert not position.is_new(11)
    assert not position.is_new(7)
    assert position.is_new(12)


def test_the_cursor_waits_below_an_id_that_is_missing(position: Position) -> None:
    position.see(14)
    assert (position.newest, position.cursor) == (14, 10)
    assert position.missing() == [11, 12, 13]
    assert position.see(12)
    assert position.cursor == 10
    assert position.see(11)
    assert position.cursor == 12
    assert position.see(13)
    assert position.cursor == 14
    assert not position.see(13)


def test_an_id_that_never_appears_is_given_up(position: Position, watch: Watch) -> None:
    position.see(12)
    watch.now += GAP_WAIT - 1
    position.see(14)
    assert position.missing() == [11, 13]
    watch.now += 2
    assert position.missing() == [13]
    assert position.cursor == 12
    assert not position.is_new(11)
    watch.now += GAP_WAIT
    assert position.missing() == []
    assert position.cursor == 14


def test_no_id_is_next_while_one_is_missing(position: Position) -> None:
    """The missing one may be of the same session, and then it comes first."""
    assert position.is_next(11)
    assert not position.is_next(12)
    position.see(12)
    assert not position.is_next(13)
    position.see(11)
    assert position.is_next(13)


def test_a_reader_starts_with_the_ids_that_may_still_appear(position: Position, watch: Watch) -> None:
    position.start(20, {15: GAP_WAIT - 1, 17: 0.0, 19: 0.0})
    assert position.cursor == 14
    watch.now += 2
    assert position.missing() == [17, 19]
    assert position.cursor == 16
    assert position.is_new(17)
    assert not position.is_new(18)
    assert position.see(17)
    assert position.cursor == 18


def test_a_snapshot_does_not_change(position: Position) -> None:
    position.see(13)
    snapshot = position.snapshot()
    position.see(11)
    position.see(14)
    assert (snapshot.newest, sorted(snapshot.gaps), snapshot.cursor) == (13, [11, 12], 10)
    assert position.snapshot().cursor == 11


def test_a_large_jump_of_ids_tracks_only_the_newest_gaps(position: Position) -> None:
    position.see(5_000_000)
    assert len(position.missing()) == 1000
    assert position.cursor == 5_000_000 - 1001
