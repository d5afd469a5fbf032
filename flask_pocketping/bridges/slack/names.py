"""Remembers the names of people, bots and channels, so that an event rarely needs a request."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..platform import PlatformError
from .client import SlackClient
from .errors import SlackRefused

#: How long a name is remembered, and how long that it could not be found out, in seconds.
KEPT = 3600.0
KEPT_UNKNOWN = 60.0
#: How long nothing is asked for after Slack gave no answer, in seconds.
REST = 5.0
#: The number of names that are remembered.
MAX_NAMES = 2000
#: The timeout of a request for a name in seconds. Slack waits three seconds for the answer to an event.
TIMEOUT = 1.5

#: The names of those whose name is not known.
SOMEBODY = "Operator"
SOME_CHANNEL = "channel"

_ID = re.compile("[A-Z0-9]{2,30}")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a user or channel. An empty name is unknown."""

    name: str = ""
    is_bot: bool = False


_UNKNOWN = _Known()


class NameCache:
    """The names of users and channels by their ids. Threads may share it."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._rests_until = 0.0
        #: What is known by id, and until when it is remembered.
        self._known: OrderedDict[str, tuple[_Known, float]] = OrderedDict()

    def user(self, user_id: str) -> str:
        """Return the name to show of a user."""
        return self._find(user_id, self._read_user).name or SOMEBODY

    def is_bot(self, user_id: str) -> bool:
        """Return whether a user is a bot."""
        return self._find(user_id, self._read_user).is_bot

    def channel(self, channel_id: str) -> str:
        """Return the name of a channel, without `#`."""
        return self._find(channel_id, self._read_channel).name or SOME_CHANNEL

    def _find(self, key: str, read: Callable[[str], _Known]) -> _Known:
        if not _ID.fullmatch(key):
            return _UNKNOWN
        with self._lock:
            known, until = self._known.get(key, (_UNKNOWN, 0.0))
        if until > time.monotonic():
            return known
        if time.monotonic() < self._rests_until:
            return known
        try:
            known = read(key)
        except SlackRefused:
            pass
        except PlatformError:
            # An old name is better than none, and no name better than to wait for all names of an event.
            self._rests_until = time.monotonic() + REST
            return known
        with self._lock:
            self._known[key] = (known, time.monotonic() + (KEPT if known.name else KEPT_UNKNOWN))
            self._known.move_to_end(key)
            while len(self._known) > MAX_NAMES:
                self._known.popitem(last=False)
        return known

    def _read_user(self, user_id: str) -> _Known:
        user = self._client.user(user_id, TIMEOUT)
        profile = user.get("profile")
        name = shown_name(profile if isinstance(profile, dict) else {}, user)
        return _Known(name, user.get("is_bot") is True)

    def _read_channel(self, channel_id: str) -> _Known:
        name = self._client.channel(channel_id, TIMEOUT).get("name")
        return _Known(name if isinstance(name, str) else "")


def shown_name(profile: Mapping[str, Any], user: Mapping[str, Any]) -> str:
    """Return the name that Slack shows of a user, or an empty text.

    :param profile: the user's profile.
    :param user: the user.
    """
    found = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
    return next((name.strip()[:100] for name in found if isinstance(name, str) and name.strip()), "")
