"""The channels, threads and roles that the Gateway told about, to place messages and to show mentions as names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: How many threads are remembered. The oldest are forgotten first.
MAX_THREADS = 10_000
#: The types of channels that are threads.
THREADS = {10, 11, 12}


@dataclass(frozen=True, slots=True)
class Place:
    """A channel or a thread.

    :ivar guild: the id of its server.
    :ivar parent: the id of the channel that it is a thread of, or `None` if it is no thread.
    """

    name: str
    guild: str
    parent: str | None


class Names:
    """What the events of one Gateway connection told. Only the thread that reads events uses it."""

    def __init__(self) -> None:
        self.roles: dict[str, str] = {}
        self._places: dict[str, Place] = {}

    def learn(self, event: str, data: Mapping[str, Any]) -> None:
        """Take names from an event.

        :param event: its name, such as `GUILD_CREATE`.
        :param data: what it has.
        """
        if event == "GUILD_CREATE":
            guild = str(data.get("id"))
            self._learn_places(_list(data, "channels"), guild)
            self._learn_places(_list(data, "threads"), guild)
            self._learn_roles(_list(data, "roles"))
        elif event in {"CHANNEL_CREATE", "CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_UPDATE"}:
            self.learn_place(data)
        elif event == "THREAD_LIST_SYNC":
            self._learn_places(_list(data, "threads"), str(data.get("guild_id")))
        elif event in {"GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE"}:
            self._learn_roles([data.get("role")])

    def place(self, channel: str) -> Place | None:
        """Return what is known of a channel or thread."""
        return self._places.get(channel)

    def channel_name(self, channel: str) -> str | None:
        """Return the name of a channel or thread, if it is known."""
        place = self._places.get(channel)
        return place.name if place is not None else None

    def learn_place(self, data: Mapping[str, Any], guild: str = "") -> Place:
        """Remember a channel or thread, as Discord describes it."""
        parent = str(data.get("parent_id")) if data.get("type") in THREADS else None
        place = Place(str(data.get("name") or ""), str(data.get("guild_id") or guild), parent)
        self._places.pop(str(data.get("id")), None)
        self._places[str(data.get("id"))] = place
        if len(self._places) > MAX_THREADS:
            del self._places[next(iter(self._places))]
        return place

    def _learn_places(self, channels: Iterable[Any], guild: str) -> None:
        for channel in channels:
            if isinstance(channel, dict):
                self.learn_place(channel, guild)

    def _learn_roles(self, roles: Iterable[Any]) -> None:
        for role in roles:
            if isinstance(role, dict):
                self.roles[str(role.get("id"))] = str(role.get("name") or "role")


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    found = data.get(name)
    return found if isinstance(found, list) else []
