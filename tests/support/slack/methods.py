"""The methods of the Web API, each a function of the workspace and the arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from .workspace import ApiError, Channel, Message, Workspace

Args = dict[str, Any]

#: The scopes that a method needs; one of each tuple.
NEEDS: dict[str, tuple[str, ...]] = {
    "auth.test": (),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.delete": ("chat:write",),
    "chat.getPermalink": (),
    "conversations.replies": ("channels:history",),
    "conversations.history": ("channels:history",),
    "conversations.info": ("channels:read",),
    "users.info": ("users:read",),
    "reactions.add": ("reactions:write",),
    "reactions.remove": ("reactions:write",),
    "files.info": ("files:read",),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
}
#: The methods that take JSON. The others know only forms.
TAKES_JSON = {
    *("chat.postMessage", "chat.update", "chat.delete", "reactions.add", "reactions.remove"),
    *("files.completeUploadExternal", "auth.test"),
}
TEXT_LIMIT = 4000
_RICH = {"rich_text_section", "rich_text_quote", "rich_text_list", "rich_text_preformatted"}


def call(workspace: Workspace, method: str, args: Args, url: str) -> dict[str, Any]:
    """Carry out a method.

    :param url: the server's own address, for addresses of files.
    """
    with workspace.lock:
        for scope in NEEDS[method]:
            if scope not in workspace.scopes:
                raise ApiError("missing_scope", needed=scope, provided=",".join(sorted(workspace.scopes)))
        return {"ok": True, **_METHODS[method](workspace, args, url)}


def _auth_test(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    who = {"user": "chatbot", "user_id": workspace.bot_user, "bot_id": workspace.bot_id}
    return {"url": "https://fake.slack.com/", "team": "Fake", "team_id": workspace.team, **who}


def _post(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    channel = _channel(workspace, args, member=True)
    text, blocks = str(args.get("text") or ""), args.get("blocks")
    if not text and not blocks:
        raise ApiError("no_text")
    _check_text(text, blocks)
    message: Message = {
        "type": "message",
        "subtype": "bot_message",
        "text": text,
        "ts": workspace.new_ts(),
        "bot_id": workspace.bot_id,
        "app_id": workspace.app_id,
        "team": workspace.team,
    }
    if blocks:
        message["blocks"] = blocks
    if args.get("username") and "chat:write.customize" in workspace.scopes:
        message["username"] = args["username"]
        if args.get("icon_url"):
            message["icons"] = {"image_48": args["icon_url"]}
    else:
        # Posts under the app's own name have its user as author too.
        del message["subtype"]
        message |= {"user": workspace.bot_user, "bot_profile": {"id": workspace.bot_id, "name": "chatbot"}}
    metadata = args.get("metadata")
    if metadata is not None:
        if not isinstance(metadata, dict) or not {"event_type", "event_payload"} <= metadata.keys():
            raise ApiError("invalid_metadata_format")
        message["metadata"] = metadata
    # A thread that does not exist is no error: the message stands openly in the channel.
    if args.get("thread_ts") in channel.messages:
        message["thread_ts"] = args["thread_ts"]
    workspace.add(channel.id, message)
    return {"channel": channel.id, "ts": message["ts"], "message": deepcopy(message)}


def _update(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    channel = _channel(workspace, args, member=True)
    message = _message(channel, args.get("ts"))
    if message.get("bot_id") != workspace.bot_id:
        raise ApiError("cant_update_message")
    text, blocks = str(args.get("text") or ""), args.get("blocks")
    if not text and not blocks:
        raise ApiError("no_text")
    _check_text(text, blocks)
    changes: dict[str, Any] = {"metadata": args["metadata"]} if "metadata" in args else {}
    if blocks is not None:
        changes["blocks"] = blocks
    workspace.edit(channel.id, message["ts"], text, workspace.bot_user, **changes)
    return {"channel": channel.id, "ts": message["ts"], "text": text}


def _delete(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    channel = _channel(workspace, args, member=True)
    message = _message(channel, args.get("ts"))
    if message.get("bot_id") != workspace.bot_id and message.get("user") != workspace.bot_user:
        raise ApiError("cant_delete_message")
    workspace.remove(channel.id, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


def _permalink(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    channel = _channel(workspace, args)
    ts = _message(channel, args.get("message_ts"))["ts"]
    return {"channel": channel.id, "permalink": f"https://fake.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"}


def _replies(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    channel = _channel(workspace, args, member=True)
    ts = str(args.get("ts") or "")
    if ts not in channel.messages:
        raise ApiError("thread_not_found")
    oldest = float(args.get("oldest") or 0)
    newer = [found for found in channel.replies(ts) if float(found["ts"]) > oldest]
    return _page([channel.messages[ts], *newer], args)


def _history(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    channel = _channel(workspace, args, member=True)
    oldest, inclusive = float(args.get("oldest") or 0), args.get("inclusive") in {"true", "1", True}
    roots = [found for found in channel.messages.values() if found.get("thread_ts", found["ts"]) == found["ts"]]
    shown = [one for one in roots if float(one["ts"]) > oldest or (inclusive and float(one["ts"]) == oldest)]
    return _page(shown[::-1], args)


def _channel_info(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    channel = _channel(workspace, args)
    about = {"id": channel.id, "name": channel.name, "is_channel": True, "is_private": channel.private}
    member = workspace.bot_user in channel.members
    return {"channel": {**about, "is_archived": channel.archived, "is_member": member}}


def _user_info(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    user = workspace.users.get(str(args.get("user")))
    if user is None:
        raise ApiError("user_not_found")
    return {"user": deepcopy(user)}


def _react(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    names = _message(_channel(workspace, args, member=True), args.get("timestamp")).setdefault("reactions", [])
    if args.get("name") in names:
        raise ApiError("already_reacted")
    names.append(args.get("name"))
    return {}


def _unreact(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    names = _message(_channel(workspace, args, member=True), args.get("timestamp")).setdefault("reactions", [])
    if args.get("name") not in names:
        raise ApiError("no_reaction")
    names.remove(args.get("name"))
    return {}


def _file_info(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    file = workspace.files.get(str(args.get("file")))
    if file is None:
        raise ApiError("file_not_found")
    if file["late"] > 0:
        file["late"] -= 1
    elif "share" in file:
        share(workspace, [file])
    about = {**file["about"], "shares": deepcopy(file["about"]["shares"])}
    if "data" in file:
        about["url_private_download"] = file.get("address") or f"{url}/files-pri/{about['id']}/download/{about['name']}"
    return {"file": about}


def share(workspace: Workspace, files: list[dict[str, Any]]) -> None:
    """Let files that were shared some time ago appear, as one message."""
    channel, thread, group = files[0].pop("share")
    files = [*files, *(one for one in workspace.files.values() if one.get("share") == (channel, thread, group))]
    ts = workspace.new_ts()
    for file in files:
        file.pop("share", None)
        place = {"ts": ts, "thread_ts": thread} if thread else {"ts": ts}
        file["about"]["shares"].setdefault("public", {}).setdefault(channel, []).append(place)
    message = {"type": "message", "subtype": "file_share", "text": "", "ts": ts, "user": workspace.bot_user}
    if thread:
        message["thread_ts"] = thread
    workspace.add(channel, {**message, "upload": True, "files": [dict(one["about"]) for one in files]})


def _begin_upload(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    if not args.get("filename") or not re.fullmatch("[1-9][0-9]*", str(args.get("length"))):
        raise ApiError("invalid_arguments")
    file_id = f"F{workspace.number():08d}"
    about = {"id": file_id, "name": args["filename"], "size": int(args["length"]), "mode": "hosted", "shares": {}}
    workspace.files[file_id] = {"about": {**about, "user": workspace.bot_user}, "late": 0, "open": True}
    return {"file_id": file_id, "upload_url": f"{url}/upload/v1/secret-of-{file_id}"}


def _complete_upload(workspace: Workspace, args: Args, url: str) -> dict[str, Any]:
    files = args.get("files")
    if not isinstance(files, list) or not files:
        raise ApiError("invalid_arguments")
    channel = _channel(workspace, {"channel": args.get("channel_id")}, member=True)
    found = []
    for entry in files:
        file = workspace.files.get(entry.get("id"))
        if file is None or "data" not in file:
            raise ApiError("file_not_found")
        found.append(file)
    group = workspace.number()
    thread = args.get("thread_ts") if args.get("thread_ts") in channel.messages else None
    for file, entry in zip(found, files, strict=True):
        file["about"]["title"] = entry.get("title") or file["about"]["name"]
        # Virus scanners and the like take their time: the answer has no shares yet.
        file |= {"late": workspace.late_shares, "share": (channel.id, thread, group), "open": False}
    return {"files": [{**file["about"], "shares": {}} for file in found]}


def _page(messages: list[Message], args: Args) -> dict[str, Any]:
    limit, start = min(int(args.get("limit") or 100), 1000), int(args.get("cursor") or 0)
    shown = deepcopy(messages[start : start + limit])
    if args.get("include_all_metadata") not in {"true", "1", True}:
        for message in shown:
            message.pop("metadata", None)
    more = start + limit < len(messages)
    cursor = str(start + limit) if more else ""
    return {"messages": shown, "has_more": more, "response_metadata": {"next_cursor": cursor}}


def _channel(workspace: Workspace, args: Args, member: bool = False) -> Channel:
    channel = workspace.channels.get(str(args.get("channel")))
    if channel is None or (channel.private and workspace.bot_user not in channel.members):
        raise ApiError("channel_not_found")
    if member and channel.archived:
        raise ApiError("is_archived")
    if member and workspace.bot_user not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def _message(channel: Channel, ts: object) -> Message:
    message = channel.messages.get(str(ts))
    if message is None or message.get("subtype") == "tombstone":
        raise ApiError("message_not_found")
    return message


def _check_text(text: str, blocks: object) -> None:
    if len(text) > TEXT_LIMIT:
        raise ApiError("msg_too_long")
    for block in blocks if isinstance(blocks, list) else ():
        _check_block(block)


def _check_block(block: Any) -> None:
    if block.get("type") != "rich_text" or not block.get("elements"):
        raise ApiError("invalid_blocks")
    for element in block["elements"]:
        if element.get("type") not in _RICH or not element.get("elements"):
            raise ApiError("invalid_blocks")
        for part in element["elements"]:
            known = {"text": "text", "link": "url"}.get(part.get("type"), "elements")
            if not part.get(known):
                raise ApiError("invalid_blocks")


_METHODS: dict[str, Callable[[Workspace, Args, str], dict[str, Any]]] = {
    "auth.test": _auth_test,
    "chat.postMessage": _post,
    "chat.update": _update,
    "chat.delete": _delete,
    "chat.getPermalink": _permalink,
    "conversations.replies": _replies,
    "conversations.history": _history,
    "conversations.info": _channel_info,
    "users.info": _user_info,
    "reactions.add": _react,
    "reactions.remove": _unreact,
    "files.info": _file_info,
    "files.getUploadURLExternal": _begin_upload,
    "files.completeUploadExternal": _complete_upload,
}
