"""The REST API of the fake Discord: the routes that a chat bridge needs, with the checks of the real ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from .bodies import Body, read_body
from .world import (
    CREATE_THREADS,
    FILES,
    HISTORY,
    MANAGE_MESSAGES,
    MANAGE_THREADS,
    SEND_IN_THREADS,
    ApiError,
    Json,
    StoredFile,
    World,
    hidden,
    invalid,
    is_thread,
)

Handler = Callable[["Rest", web.Request, Body], Any]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler. `:id` in the path stands for an id, which the handler finds in `match_info`."""
    pattern = re.compile(re.sub(r"(?<!\?):(\w+)", r"(?P<\1>[0-9]{15,20})", path) + "$")

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, handler))
        return handler

    return register


class Rest:
    """Answers requests. The world's lock is held."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def answer(self, request: web.Request, path: str) -> tuple[int, Any]:
        """Carry out a request."""
        body = await read_body(request, self.world.max_file_size)
        with self.world.lock:
            for method, pattern, handler in ROUTES:
                match = pattern.match(path)
                if match is not None and method == request.method:
                    body.ids = match.groupdict()
                    found = handler(self, request, body)
                    return (204, None) if found is None else (201 if isinstance(found, Created) else 200, found)
        raise ApiError(404, 0, "404: Not Found")


class Created(dict[str, Any]):
    """What was made by a request that answers 201."""


@route("GET", "/users/@me")
def me(rest: Rest, request: web.Request, body: Body) -> Json:
    return rest.world.bot


@route("GET", "/(?:oauth2/)?applications/@me")
def application(rest: Rest, request: web.Request, body: Body) -> Json:
    world = rest.world
    return {
        **{"id": world.application, "name": "PocketPing", "icon": None, "description": "", "summary": ""},
        **{"bot_public": False, "bot_require_code_grant": False, "verify_key": "0" * 64, "bot": world.bot},
        **{"flags": world.application_flags, "owner": world.bot, "team": None},
    }


@route("GET", "/gateway/bot")
def gateway(rest: Rest, request: web.Request, body: Body) -> Json:
    limit = {"total": 1000, "remaining": rest.world.sessions_left, "reset_after": 1500, "max_concurrency": 1}
    address = rest.world.base.replace("http", "ws", 1)
    return {"url": f"{address}/gateway/", "shards": 1, "session_start_limit": limit}


@route("GET", "/channels/:channel")
def channel(rest: Rest, request: web.Request, body: Body) -> Json:
    found = rest.world.find(body.ids["channel"])
    rest.world.require(found)
    return found


@route("PATCH", "/channels/:channel")
def change_channel(rest: Rest, request: web.Request, body: Body) -> Json:
    world = rest.world
    thread = world.find(body.ids["channel"])
    world.require(thread, MANAGE_THREADS)
    if not is_thread(thread):
        raise ApiError(403, 50013, "Missing Permissions")
    if body.json.get("auto_archive_duration", 60) not in {60, 1440, 4320, 10080}:
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of (60, 1440, 4320, 10080).")
    changes = {
        key: value
        for key, value in body.json.items()
        if key in {"archived", "locked", "auto_archive_duration"} and value != thread["thread_metadata"][key]
    }
    if thread["thread_metadata"]["archived"] and changes and body.json.get("archived") is not False:
        raise ApiError(400, 50083, "Thread is archived")
    if changes:
        world.set_state(thread, **changes)
    return thread


@route("DELETE", "/channels/:channel")
def delete_channel(rest: Rest, request: web.Request, body: Body) -> Json:
    world = rest.world
    thread = world.find(body.ids["channel"])
    world.require(thread, MANAGE_THREADS)
    del world.channels[thread["id"]]
    del world.messages[thread["id"]]
    world.emit("THREAD_DELETE", {key: thread[key] for key in ("id", "guild_id", "parent_id", "type")})
    return thread


@route("POST", "/channels/:channel/threads")
def open_thread(rest: Rest, request: web.Request, body: Body) -> Json:
    world = rest.world
    parent = world.find(body.ids["channel"])
    world.require(parent, CREATE_THREADS)
    data = body.json
    if not isinstance(data.get("name"), str) or not 1 <= len(data["name"]) <= 100:
        raise invalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    minutes = data.get("auto_archive_duration", 4320)
    if minutes not in {60, 1440, 4320, 10080}:
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of (60, 1440, 4320, 10080).")
    if parent["type"] == 15:
        if not isinstance(data.get("message"), dict):
            raise invalid("message", "BASE_TYPE_REQUIRED", "This field is required")
        if parent["flags"] & 1 << 4 and not data.get("applied_tags"):
            raise ApiError(400, 40067, "A tag is required to create a forum post in this channel")
        check_content(world, data["message"], [])
        thread = world.make_thread(parent, data["name"], 11, minutes, world.bot["id"])
        thread["applied_tags"] = data.get("applied_tags", [])
        # The first message of a forum post has the id of its thread.
        message = world.make_message(thread, world.bot, {**data["message"], "id": thread["id"]}, [])
        return Created(**thread, message=world.shown(message))
    if parent["type"] not in {0, 5}:
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    # Without a type, Discord makes a private thread.
    kind = data.get("type", 12)
    if kind not in ({10} if parent["type"] == 5 else {11, 12}):
        raise invalid("type", "BASE_TYPE_CHOICES", "Value must be one of (11, 12).")
    return Created(world.make_thread(parent, data["name"], kind, minutes, world.bot["id"]))


@route("GET", "/channels/:channel/messages")
def messages(rest: Rest, request: web.Request, body: Body) -> Any:
    world = rest.world
    found = world.find(body.ids["channel"])
    world.require(found, HISTORY)
    limit = request.query.get("limit", "50")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")
    kept = [each for each in world.messages[found["id"]] if int(each["id"]) > int(request.query.get("after", "0"))]
    # After an id, the oldest of the newer ones, else the newest. Always newest first.
    kept = kept[: int(limit)] if "after" in request.query else kept[-int(limit) :]
    return [visible(world, each) for each in reversed(kept)]


@route("GET", "/channels/:channel/messages/:message")
def one_message(rest: Rest, request: web.Request, body: Body) -> Json:
    world = rest.world
    world.require(world.find(body.ids["channel"]), HISTORY)
    return visible(world, world.find_message(body.ids["channel"], body.ids["message"]))


@route("POST", "/channels/:channel/messages")
def post(rest: Rest, request: web.Request, body: Body) -> Json:
    world = rest.world
    target = world.find(body.ids["channel"])
    if not is_thread(target):
        raise ApiError(400, 50024, "Cannot execute action on this channel type")
    world.require(target, SEND_IN_THREADS, *([FILES] if body.files else []))
    data = body.json
    check_content(world, data, body.files)
    nonce = data.get("nonce")
    if nonce is not None and (not isinstance(nonce, (str, int)) or len(str(nonce)) > 25):
        raise invalid("nonce", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    key = (world.bot["id"], target["id"], str(nonce))
    known = world.nonces.get(key)
    if data.get("enforce_nonce") and nonce is not None and known and world.now() < known[1] + world.nonce_seconds:
        # A message that was deleted since is not made again.
        return world.shown(world.find_message(target["id"], known[0]))
    if target["thread_metadata"]["locked"]:
        raise ApiError(400, 160005, "Thread is locked")
    reference = data.get("message_reference")
    if reference is not None and not any(
        each["id"] == str(reference.get("message_id")) for each in world.messages[target["id"]]
    ):
        if reference.get("fail_if_not_exists", True):
            raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        data = {key: value for key, value in data.items() if key != "message_reference"}
    stored = []
    for name, content, mime_type in body.files:
        file = StoredFile(world.new_id(), target["id"], name, content, mime_type)
        world.files[file.id] = file
        stored.append(file)
    data = {**data, "content": str(data.get("content") or "").strip()}
    made = world.make_message(target, world.bot, data, stored)
    world.nonces[key] = (made["id"], world.now())
    return {**world.shown(made), **({"nonce": nonce} if nonce is not None else {})}


@route("PATCH", "/channels/:channel/messages/:message")
def edit(rest: Rest, request: web.Request, body: Body) -> Json:
    world = rest.world
    target = world.find(body.ids["channel"])
    message = world.find_message(target["id"], body.ids["message"])
    if message["author"]["id"] != world.bot["id"]:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    if is_thread(target) and target["thread_metadata"]["archived"]:
        raise ApiError(400, 50083, "Thread is archived")
    check_content(world, body.json, message["attachments"])
    message.update(content=str(body.json["content"]).strip(), edited_timestamp=world.stamp())
    world.emit("MESSAGE_UPDATE", {**world.shown(message), **world.member(message["author"])})
    return world.shown(message)


@route("DELETE", "/channels/:channel/messages/:message")
def delete(rest: Rest, request: web.Request, body: Body) -> None:
    world = rest.world
    target = world.find(body.ids["channel"])
    message = world.find_message(target["id"], body.ids["message"])
    if message["author"]["id"] != world.bot["id"]:
        world.require(target, MANAGE_MESSAGES)
    world.messages[target["id"]].remove(message)
    world.emit("MESSAGE_DELETE", {"id": message["id"], "channel_id": target["id"], "guild_id": world.guild})


@route("POST", "/channels/:channel/typing")
def typing(rest: Rest, request: web.Request, body: Body) -> None:
    world = rest.world
    channel = world.find(body.ids["channel"])
    world.require(channel)
    world.emit_typing(channel, world.bot)


@route("GET", "/channels/:channel/threads/archived/public")
def archived(rest: Rest, request: web.Request, body: Body) -> Json:
    world = rest.world
    parent = world.find(body.ids["channel"])
    world.require(parent, HISTORY)
    found = [each for each in world.channels.values() if each["parent_id"] == parent["id"]]
    found = [each for each in found if each["thread_metadata"]["archived"]]
    found.sort(key=lambda each: str(each["thread_metadata"]["archive_timestamp"]), reverse=True)
    before = request.query.get("before")
    found = [each for each in found if before is None or each["thread_metadata"]["archive_timestamp"] < before]
    limit = int(request.query.get("limit", "50"))
    return {"threads": found[:limit], "members": [], "has_more": len(found) > limit}


@route("GET", "/guilds/:guild/threads/active")
def active(rest: Rest, request: web.Request, body: Body) -> Json:
    return {"threads": rest.world.active_threads(), "members": []}


@route("GET", "/guilds/:guild/roles")
def roles(rest: Rest, request: web.Request, body: Body) -> Any:
    return rest.world.roles


@route("GET", "/guilds/:guild/members/:user")
def guild_member(rest: Rest, request: web.Request, body: Body) -> Json:
    user = rest.world.users.get(body.ids["user"])
    if user is None:
        raise ApiError(404, 10007, "Unknown Member")
    return {"user": user, "roles": [rest.world.bot_role], "nick": user.get("nick"), "joined_at": rest.world.stamp()}


def visible(world: World, message: Json) -> Json:
    """A message as the bot gets it."""
    return hidden(world.shown(message)) if world.hides(message) else world.shown(message)


def check_content(world: World, data: Json, files: Any) -> None:
    """Refuse a message that is too long or empty, and note one that could mention somebody."""
    if (data.get("allowed_mentions") or {}).get("parse") != []:
        world.may_mention.append(data)
    content = data.get("content")
    if content is not None and not isinstance(content, str):
        raise invalid("content", "STRING_TYPE_CONVERT", "Could not interpret as string.")
    if len(content or "") > 2000:
        raise invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    if not (content or "").strip() and not files:
        raise ApiError(400, 50006, "Cannot send an empty message")
