"""The tools and prompts that assistants get over MCP: their descriptions, and what runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields

from ...bounds import MAX_CONTENT, MAX_NAME, MAX_SEARCH, STATS_PERIODS
from ...db import retried
from ...schemas import management
from ...schemas.base import BackOfficeRequest, OutputSchema
from ...schemas.compact_json import to_json
from ...schemas.fields import Text
from ...state import State
from ...values import PROJECT_SWITCHES
from ..parsing import load
from . import actions

#: Runs a tool for the project of the caller's key, with arguments that its schema loaded.
Run = Callable[[State, str, dict[str, Any]], Any]


class NoArguments(BackOfficeRequest):
    pass


class ProjectArguments(BackOfficeRequest):
    projectId = Text(required=True)


class UpdateArguments(management.ProjectChangesRequest):
    projectId = Text(required=True)


class ConversationArguments(BackOfficeRequest):
    sessionId = Text(required=True)


class ReplyArguments(management.ReplyRequest):
    sessionId = Text(required=True)


@dataclass(frozen=True)
class Tool:
    """A tool.

    :ivar description: for the assistant, which decides by it.
    :ivar arguments: checks what it is given.
    :ivar properties: the same as JSON Schema, for the assistant.
    :ivar response: writes what it returns.
    :ivar writes: whether it changes something.
    """

    name: str
    title: str
    description: str
    arguments: type[Schema]
    properties: Mapping[str, Mapping[str, Any]]
    response: type[OutputSchema]
    run: Run
    writes: bool = False

    def describe(self) -> dict[str, Any]:
        """Make the JSON object of `tools/list`."""
        required = [name for name, field in self.arguments().fields.items() if _is_required(field)]
        schema: dict[str, Any] = {"type": "object", "properties": dict(self.properties), "additionalProperties": False}
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": schema | ({"required": required} if required else {}),
            "annotations": {"title": self.title, "readOnlyHint": not self.writes, "destructiveHint": False},
        }

    def call(self, state: State, own: str, arguments: dict[str, Any]) -> str:
        """Run it.

        :param own: the project of the caller's key.
        :param arguments: as they came.
        :return: JSON text.
        :raises APIError: if the arguments do not fit, or it can't be done.
        """
        loaded = load(self.arguments(), arguments)
        found = state.urls.complete(retried(lambda: self.run(state, own, dict(loaded))))
        schema = self.response()
        return to_json(schema.dump(schema.wrap(found)))


def _is_required(field: fields.Field[Any]) -> bool:
    return bool(field.required)


def _update(state: State, own: str, arguments: dict[str, Any]) -> Any:
    return actions.update_project(state, own, arguments.pop("projectId"), arguments)


_PROJECT = {"type": "string", "description": "The id of a project; the key's own where it is left out."}
_SESSION = {"type": "string", "description": "The id of a conversation, such as sess_01hq…."}

TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "list_projects",
            "List projects",
            "Lists the projects that the key opens, with name, domain and the number of conversations.",
            NoArguments,
            {},
            management.ProjectsResponse,
            lambda state, own, arguments: actions.list_projects(state, own),
        ),
        Tool(
            "get_project",
            "Get a project",
            "Shows a project and its switches, such as whether ratings are on.",
            ProjectArguments,
            {"projectId": {"type": "string", "description": "The id of the project."}},
            management.ProjectResponse,
            lambda state, own, arguments: actions.get_project(state, own, arguments["projectId"]),
        ),
        Tool(
            "update_project",
            "Change a project",
            "Sets some of a project's switches; those that are left out stay as they are.",
            UpdateArguments,
            {
                "projectId": {"type": "string", "description": "The id of the project."},
                **{name: {"type": "boolean"} for name in PROJECT_SWITCHES},
            },
            management.ProjectResponse,
            _update,
            writes=True,
        ),
        Tool(
            "list_sessions",
            "List conversations",
            "Lists conversations, newest activity first. With unanswered=true only those that wait for a reply; with q "
            "those where the visitor's name, email or a message has that text.",
            management.ManagementSessionsQuery,
            {
                "projectId": _PROJECT,
                "status": {"type": "string", "enum": [str(status) for status in management.STATUSES]},
                "unanswered": {"type": "boolean", "description": "Only conversations that wait for a reply."},
                "q": {"type": "string", "minLength": 1, "maxLength": MAX_SEARCH},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 25},
                "cursor": {"type": "string", "description": "`nextCursor` of the page before."},
            },
            management.ManagedSessionsResponse,
            actions.list_sessions,
        ),
        Tool(
            "get_conversation",
            "Read a conversation",
            "Shows who the visitor is, and all messages from the first to the last.",
            ConversationArguments,
            {"sessionId": _SESSION},
            management.ConversationResponse,
            lambda state, own, arguments: actions.get_conversation(state, own, arguments["sessionId"]),
        ),
        Tool(
            "get_stats",
            "Get statistics",
            "Counts conversations (also per day) and messages, and tells how many were answered, how soon, how many "
            "wait now and how satisfied visitors were. Of the last 7 or 30 days, or from one moment to another.",
            management.ManagementStatsQuery,
            {
                "projectId": _PROJECT,
                "period": {"type": "string", "enum": list(STATS_PERIODS), "default": "7d"},
                "from": {"type": "string", "description": "RFC 3339, together with `to`, instead of a period."},
                "to": {"type": "string", "description": "RFC 3339, together with `from`."},
            },
            management.ManagementStatsResponse,
            actions.get_stats,
        ),
        Tool(
            "send_reply",
            "Reply to a visitor",
            "Sends a message that the visitor sees at once, as an operator's. Ask the user before you send, unless "
            "they told you to.",
            ReplyArguments,
            {
                "sessionId": _SESSION,
                "content": {"type": "string", "minLength": 1, "maxLength": MAX_CONTENT},
                "operatorName": {"type": "string", "maxLength": MAX_NAME, "description": "Who the visitor sees."},
            },
            management.ReplyResponse,
            lambda state, own, arguments: actions.send_reply(state, own, arguments.pop("sessionId"), arguments),
            writes=True,
        ),
    )
}


@dataclass(frozen=True)
class Prompt:
    """A prompt that a person picks.

    :ivar argument: the name of its one argument.
    :ivar required: whether that must be given.
    :ivar text: makes the prompt of it.
    """

    name: str
    title: str
    description: str
    argument: str
    required: bool
    text: Callable[[str | None], str]

    def describe(self) -> dict[str, Any]:
        """Make the JSON object of `prompts/list`."""
        arguments = [{"name": self.argument, "required": self.required}]
        return {"name": self.name, "title": self.title, "description": self.description, "arguments": arguments}


def _triage(project_id: str | None) -> str:
    where = f' of the project "{project_id}"' if project_id else ""
    return (
        f"Find the conversations{where} that wait for a reply (list_sessions with unanswered=true). Read each of them, "
        "say in a sentence what the visitor needs and whether it is urgent, and suggest a reply. Send nothing."
    )


def _draft(session_id: str | None) -> str:
    return (
        f'Read the conversation "{session_id}" (get_conversation) and draft a short, friendly reply in the language of '
        "the visitor. Show it to me, and call send_reply only after I agree."
    )


PROMPTS = {
    prompt.name: prompt
    for prompt in (
        Prompt(
            "triage_unanswered",
            "Triage unanswered conversations",
            "Goes through the conversations that wait for a reply, and suggests what to do.",
            "projectId",
            False,
            _triage,
        ),
        Prompt(
            "draft_reply",
            "Draft a reply",
            "Drafts a reply to a conversation, and does not send it.",
            "sessionId",
            True,
            _draft,
        ),
    )
}
