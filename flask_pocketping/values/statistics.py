"""Statistics of a period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Day:
    """The statistics of one day.

    :ivar day: the day, in UTC.
    :ivar conversations: the number of conversations that began.
    :ivar answered: how many of them have a response, from any day.
    """

    day: date
    conversations: int
    answered: int


@dataclass(frozen=True, slots=True)
class CSATSummary:
    """The ratings of the conversations of a period.

    :ivar score: the mean, 1 to 5; `None` without ratings.
    :ivar satisfied: the share of the ratings 4 and 5, 0 to 1; `None` without ratings.
    :ivar count: the number of ratings.
    :ivar scores: the number of each rating from 1 to 5.
    """

    score: float | None
    satisfied: float | None
    count: int
    scores: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Stats:
    """The statistics of a period, about the conversations that began in it.

    :ivar period: 7d or 30d; `custom` for the time between two moments.
    :ivar first_day: its first day, in UTC.
    :ivar last_day: its last day, which is today.
    :ivar conversations: the number of conversations that began.
    :ivar answered: how many of them an operator or the AI has answered.
    :ivar response_rate: `answered` divided by `conversations`, 0 to 1; `None` without conversations.
    :ivar median_first_response: the median time until the first response, in seconds; `None` without responses.
    :ivar unanswered: the number of open conversations that wait for a response now, from any day.
    :ivar csat: the ratings.
    :ivar days: all days of the period, oldest first.
    """

    period: str
    first_day: date
    last_day: date
    conversations: int
    answered: int
    response_rate: float | None
    median_first_response: float | None
    unanswered: int
    csat: CSATSummary
    days: tuple[Day, ...]
