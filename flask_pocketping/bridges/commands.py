"""The commands that operators write in a thread, such as `/close`. Nothing of them reaches the visitor."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import APIError

#: A command, perhaps with the name of the bot that it is for, and what follows it.
_COMMAND = re.compile(
    r"(?P<mark>[/!])(?P<name>[A-Za-z][A-Za-z0-9_]{0,31})(?:@\w+)?(?=\s|$)\s*(?P<argument>.*)", re.DOTALL
)
#: The name of a command.
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NOTE = re.compile(r"note:\s*(?P<text>.*)", re.DOTALL | re.IGNORECASE)
#: The beginning of what operators say among themselves.
ASIDE = "//"

HELP = """\
/close – close the conversation
/reopen – open it again
/info – who the visitor is, and what they look at
/ai on, /ai off – let the AI answer, or not
/send – send the AI's draft (/send text: a changed one)
/drop – drop the AI's draft
/csat – ask for a rating
/note text – a note for operators (so is: note: text)
/delete – as a reply: delete your message for the visitor
/help – this list
A line that begins with // stays here."""


@dataclass(frozen=True, slots=True)
class BridgeCommand:
    """A command that an operator wrote in a thread.

    :ivar name: its name in small letters, without its mark.
    :ivar argument: what follows it.
    :ivar session_id: the public id of the conversation.
    :ivar operator_id: who wrote it, by their id on the platform.
    :ivar operator_name: the name of the operator.
    :ivar bridge: the name of the bridge.
    :ivar reply_to: the id of the message that it replies to, if that is known.
    """

    name: str
    argument: str
    session_id: str
    operator_id: str
    operator_name: str
    bridge: str
    reply_to: str | None = None


Command = Callable[[BridgeCommand], Any]


def is_command(text: str) -> bool:
    """Return whether a text is not for the visitor."""
    return text.startswith(ASIDE) or bool(_NOTE.match(text)) or bool(_COMMAND.match(text))


def parse(text: str) -> tuple[str, str, str] | None:
    """Return the mark, the name and the argument of a command, or `None` for an aside."""
    if text.startswith(ASIDE):
        return None
    note = _NOTE.match(text)
    if note is not None:
        return "/", "note", note["text"]
    found = _COMMAND.match(text)
    return None if found is None else (found["mark"], found["name"].lower(), found["argument"].strip())


def run(commands: Mapping[str, Command], command: BridgeCommand) -> str | None:
    """Run a command.

    :return: the answer for the operators, if there is one.
    """
    function = commands.get(command.name)
    if function is None:
        return f"There is no command /{command.name}.\n{HELP}"
    try:
        found = function(command)
    except APIError as error:
        return error.message
    return None if found is None else str(found)
