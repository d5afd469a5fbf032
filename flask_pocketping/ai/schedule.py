"""When the AI answers: how long it waits, and in which hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from ..config_parsers import Hours

#: How long the AI waits for the end of a burst of messages, and by how much a burst can delay it at the most.
BURST = timedelta(seconds=1.5)
LONGEST_BURST = timedelta(seconds=15)
#: How often to look whether the last operator has left.
RECHECK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the AI answers.

    :ivar delay: from the first unanswered message, while an operator is available.
    :ivar offline_delay: the same while none is.
    :ivar hours: when it may answer; empty: always.
    :ivar zone: the time zone of the hours.
    """

    delay: timedelta
    offline_delay: timedelta
    hours: Hours = ()
    zone: tzinfo = UTC

    def due(self, first: datetime, last: datetime, *, active: bool, attended: bool) -> datetime:
        """Return when to answer.

        :param first: when the first unanswered message was sent.
        :param last: when the last one was sent.
        :param active: whether the AI answers in this conversation already, so that it waits for nobody.
        :param attended: whether an operator is available.
        """
        wait = timedelta() if active else self.delay if attended else self.offline_delay
        moment = first + wait
        return self.open_from(max(moment, min(last + BURST, moment + LONGEST_BURST)))

    def next_look(self, first: datetime, last: datetime, now: datetime, *, active: bool, attended: bool) -> datetime:
        """Return when to decide again: when it is due, or sooner if it may become due sooner by operators who leave."""
        due = self.due(first, last, active=active, attended=attended)
        if active or not attended or self.offline_delay >= self.delay:
            return due
        return min(due, max(self.due(first, last, active=False, attended=False), now + RECHECK))

    def open_from(self, moment: datetime) -> datetime:
        """Return a moment if it is within the hours, or else the beginning of the next ones."""
        if not self.hours:
            return moment
        today = moment.astimezone(self.zone).date()
        # Hours of yesterday may end today, and the next ones begin within a week.
        spans = sorted(
            self._span(today + timedelta(days=offset), start, end)
            for offset in range(-1, 9)
            for day, start, end in self.hours
            if (today + timedelta(days=offset)).weekday() == day
        )
        return next(max(moment, begin) for begin, end in spans if end > moment)

    def _span(self, day: date, start: int, end: int) -> tuple[datetime, datetime]:
        return self._at(day, start), self._at(day, end)

    def _at(self, day: date, minutes: int) -> datetime:
        days, rest = divmod(minutes, 1440)
        local = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), self.zone)
        return local.astimezone(UTC)
