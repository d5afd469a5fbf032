"""Makes what operators write on Discord readable elsewhere: mentions become names, its own markup becomes ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .names import Names
from .text import CODE

_TOKEN = re.compile(
    r"(?<!\\)<(?:@!?(?P<user>[0-9]+)|@&(?P<role>[0-9]+)|\#(?P<channel>[0-9]+)|a?:(?P<emoji>\w+):[0-9]+"
    r"|/(?P<command>[^<>:\n]+):[0-9]+|t:(?P<time>-?[0-9]{1,17})(?::(?P<style>[tTdDfFRsS]))?|id:(?P<guide>\w+))>"
)
_SPOILER = re.compile(r"(?<!\\)\|\|(.+?)(?<!\\)\|\|", re.DOTALL)
_SUBTEXT = re.compile(r"^-# +", re.MULTILINE)
_REST_QUOTED = re.compile(r"^>>> +(.*)\Z", re.MULTILINE | re.DOTALL)


def readable(content: str, mentions: Sequence[Mapping[str, Any]], names: Names) -> str:
    """Convert a message's content to our Markdown. Code stays as it is.

    :param mentions: the users that the message mentions, as Discord tells them.
    :param names: the names of channels and roles.
    """
    users = {str(user.get("id")): user_name(user, user.get("member")) for user in mentions if isinstance(user, dict)}
    parts = CODE.split(content)
    # Every second part is code.
    parts[::2] = [_TOKEN.sub(lambda found: _text_of(found, users, names), part) for part in parts[::2]]
    parts[::2] = [_SUBTEXT.sub("", _SPOILER.sub(r"\1", part)) for part in parts[::2]]
    return _REST_QUOTED.sub(lambda found: quoted(found[1]), "".join(parts))


def quoted(text: str) -> str:
    """Return a text as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def user_name(user: Mapping[str, Any], member: Mapping[str, Any] | None = None) -> str:
    """Return the name under which people see a user in the server."""
    member = member if isinstance(member, dict) else {}
    name = member.get("nick") or user.get("global_name") or user.get("username")
    return str(name or "Operator")


def _text_of(found: re.Match[str], users: Mapping[str, str], names: Names) -> str:
    kind, value = found.lastgroup, found[found.lastgroup or 0]
    if kind == "user":
        return f"@{users.get(value, 'user')}"
    if kind == "role":
        return f"@{names.roles.get(value, 'role')}"
    if kind == "channel":
        return f"#{names.channel_name(value) or 'channel'}"
    if kind == "emoji":
        return f":{value}:"
    if kind == "command":
        return f"/{value}"
    if kind == "guide":
        return f"#{value}"
    return _time(int(found["time"]), found["style"] or "f") or found[0]


def _time(seconds: int, style: str) -> str | None:
    """Return a moment as text. Discord shows it in each reader's time zone, so this names the zone."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    date, time = f"{moment.day} {moment:%B %Y}", f"{moment:%H:%M} UTC"
    if style in "dD":
        return date
    return time if style in "tT" else f"{date}, {time}"
