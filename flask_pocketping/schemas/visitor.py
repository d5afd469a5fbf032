"""Requests and responses of the visitor API, and messages in its form, as `web/visitor` serves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from .. import bounds
from ..values import RECEIPTS, MessagePage, MessageStatus, MessageType, SessionStatus
from .base import AcceptedResponse, OutputSchema, VisitorRequest
from .fields import (
    PROJECT_ID,
    VISITOR_ID,
    FreeObject,
    FreeValue,
    StrictBoolean,
    Text,
    Time,
    TruncatedText,
    content_field,
    count,
    length,
    matching,
    one_of,
    page_size,
)
from .public_urls import PublicURLs
from .values import AttachmentSchema, dump_message

_AS_THEY_ARE = ("replyTo", "status", "deliveredAt", "readAt", "editedAt", "deletedAt", "operatorName", "attachments")


class PageMetadataSchema(VisitorRequest):
    """What the widget says of its page; `url` is its name for `pageUrl`."""

    url = TruncatedText(bounds.MAX_URL)
    referrer = TruncatedText(bounds.MAX_URL)
    pageTitle = TruncatedText(bounds.MAX_TITLE)
    userAgent = TruncatedText(bounds.MAX_USER_AGENT)
    timezone = TruncatedText(bounds.MAX_TIMEZONE)
    language = TruncatedText(bounds.MAX_LANGUAGE)
    screenResolution = TruncatedText(bounds.MAX_SCREEN_RESOLUTION)


class ConnectRequest(VisitorRequest):
    visitorId = Text(allow_none=True, load_default=None, **VISITOR_ID)
    sessionId = fields.Raw(allow_none=True, load_default=None)
    metadata = fields.Nested(PageMetadataSchema, load_default=dict)
    identity = FreeObject(allow_none=True, load_default=None)
    identityToken = fields.Raw(allow_none=True, load_default=None)
    create = StrictBoolean(load_default=True)
    project = Text(allow_none=True, load_default=None, **PROJECT_ID)


class PreChatFormSchema(OutputSchema):
    enabled = fields.Boolean(required=True)
    required = fields.Boolean(required=True)
    timing = fields.String(required=True, metadata={"enum": ["before-first-message", "after-first-message"]})
    fields_ = fields.String(
        data_key="fields",
        attribute="fields",
        required=True,
        metadata={"enum": ["email-only", "phone-only", "email-or-phone", "email-and-phone"]},
    )
    completed = fields.Boolean(required=True, metadata={"description": "There is nothing left to ask for."})


class ConnectResponse(OutputSchema):
    optional = frozenset(
        {
            *("identity", "status", "csatRequestedAt", "preChatForm", "welcomeMessage", "operatorName"),
            *("operatorAvatar", "primaryColor", "headerColor", "footerColor", "chatBackground", "toggleColor"),
            *("operatorReachable", "aiActive", "hasMore", "transports", "user", "maxUploadSize", "replyTime"),
        }
    )

    sessionId = fields.String(
        required=True, allow_none=True, metadata={"description": "The handle; keep it. Null where nothing was opened."}
    )
    visitorId = fields.String(required=True)
    status = fields.String(metadata={"enum": list(SessionStatus)})
    operatorOnline = fields.Boolean(required=True)
    operatorReachable = fields.Boolean(metadata={"description": "Somebody would learn of a message now."})
    operatorName = fields.String()
    operatorAvatar = fields.String()
    aiActive = fields.Boolean()
    welcomeMessage = fields.String()
    primaryColor = fields.String()
    headerColor = fields.String()
    footerColor = fields.String()
    chatBackground = fields.String()
    toggleColor = fields.String()
    preChatForm = fields.Nested(PreChatFormSchema)
    csatRequestedAt = Time(metadata={"description": "A rating was asked for and is not given yet."})
    replyTime = fields.Integer(
        metadata={"description": "Seconds in which half of the first replies of the last seven days came."}
    )
    maxUploadSize = fields.Integer(
        metadata={"description": "Bytes of the largest file; left out where uploads are off."}
    )
    messages = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    hasMore = fields.Boolean(metadata={"description": "There are older messages: `GET /messages` with `before`."})
    identity = fields.Raw(metadata={"type": "object"})
    user = fields.String(metadata={"description": "Names the customer of the `identityToken`, to compare."})
    cursor = fields.String(required=True, metadata={"description": "Where `/stream` goes on: its `after`."})
    transports = fields.List(
        fields.String(metadata={"enum": ["ws", "sse", "poll"]}),
        metadata={"description": "How pages may hear of events on this server."},
    )


class IdentityResponse(OutputSchema):
    identityToken = fields.String(required=True, allow_none=True, metadata={"description": "For `POST /connect`."})
    user = fields.String(required=True, allow_none=True, metadata={"description": "Names the customer, to compare."})


def _visitor_sender() -> fields.String:
    """Make the field for the `sender` of what a page sends."""
    only = validate.OneOf((MessageType.VISITOR.value,), error="A page can only send as visitor.")
    return fields.String(load_default=MessageType.VISITOR, validate=only)


class VisitorSendRequest(VisitorRequest):
    sessionId = fields.Raw(required=True)
    content = content_field(required=True)
    sender = _visitor_sender()
    replyTo = Text(allow_none=True, load_default=None)
    attachmentIds = fields.List(Text(), allow_none=True, load_default=list, validate=count(bounds.MAX_ATTACHMENTS))
    clientId = Text(
        allow_none=True,
        load_default=None,
        **matching(
            f"[!-~]{{1,{bounds.MAX_CLIENT_ID}}}",
            f"Must be 1–{bounds.MAX_CLIENT_ID} printable ASCII characters without spaces.",
        ),
    )


class VisitorSendResponse(OutputSchema):
    optional = frozenset({"attachments"})

    messageId = fields.String(required=True)
    timestamp = Time(required=True)
    attachments = fields.List(fields.Nested(AttachmentSchema))


class VisitorMessagesQuery(VisitorRequest):
    sessionId = fields.Raw(required=True)
    after = Text(metadata={"description": "An ISO time, a message id or a seq."})
    before = Text(metadata={"description": "A message id or a seq."})
    limit = page_size()


class VisitorMessagesResponse(OutputSchema):
    messages = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    hasMore = fields.Boolean(required=True)


class VisitorEditRequest(VisitorRequest):
    sessionId = fields.Raw(required=True)
    content = content_field(required=True)


class EditedMessageSchema(OutputSchema):
    id = fields.String(required=True)
    content = fields.String(required=True)
    editedAt = Time(attribute="edited_at", required=True, allow_none=True)


class VisitorEditResponse(OutputSchema):
    holds = "message"

    message = fields.Nested(EditedMessageSchema, required=True)


class HandleQuery(VisitorRequest):
    sessionId = fields.Raw(required=True)


class DeletedResponse(OutputSchema):
    holds = "deleted"

    deleted = fields.Boolean(required=True)


class VisitorTypingRequest(VisitorRequest):
    sessionId = fields.Raw(required=True)
    sender = _visitor_sender()
    isTyping = StrictBoolean(load_default=True)


class VisitorReadRequest(VisitorRequest):
    sessionId = fields.Raw(required=True)
    messageIds = fields.List(Text(), required=True, validate=count(bounds.MAX_RECEIPTS))
    status = one_of(RECEIPTS, load_default=MessageStatus.READ)


class VisitorEventRequest(VisitorRequest):
    name = Text(required=True, validate=length(bounds.MAX_EVENT_NAME, least=1))
    data = FreeValue(allow_none=True, load_default=None)
    sessionId = fields.Raw(required=True)


class VisitorIdentifyRequest(VisitorRequest):
    sessionId = fields.Raw(required=True)
    identity = FreeObject(required=True)


class BeaconRequest(VisitorRequest):
    sessionId = fields.Raw(required=True)


class VisibleOperatorSchema(OutputSchema):
    optional = frozenset({"avatar"})

    name = fields.String(required=True)
    avatar = fields.String()


class PresenceQuery(VisitorRequest):
    project = Text(load_default=None, **PROJECT_ID)


class PresenceResponse(OutputSchema):
    online = fields.Boolean(required=True)
    operators = fields.List(fields.Nested(VisibleOperatorSchema), required=True)
    aiEnabled = fields.Boolean(required=True)
    aiActiveAfter = fields.Float(
        required=True, allow_none=True, metadata={"description": "Seconds until the AI answers, or null."}
    )


class PreChatRequest(VisitorRequest):
    sessionId = fields.Raw(required=True, allow_none=True)
    email = Text(allow_none=True, load_default=None, validate=[length(bounds.MAX_EMAIL), validate.Email()])
    phone = Text(
        allow_none=True,
        load_default=None,
        **matching(r"\+[1-9][0-9]{5,14}", "Include the country code, for example +4930123456."),
    )
    phoneCountry = Text(
        allow_none=True,
        load_default=None,
        **matching("[A-Z]{2}", "Must be the two capital letters of a country, such as DE."),
    )

    @validates_schema
    def _check_contact(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["email"] is None and data["phone"] is None:
            raise ValidationError("Enter an email address or a phone number.")


class RateConversationRequest(VisitorRequest):
    sessionId = fields.Raw(required=True, allow_none=True)
    score = fields.Integer(required=True, strict=True, validate=validate.Range(1, 5))
    comment = Text(allow_none=True, load_default=None, validate=length(bounds.MAX_COMMENT))


class RatedResponse(AcceptedResponse):
    optional = frozenset({"alreadyRated"})

    alreadyRated = fields.Boolean(metadata={"description": "There was a rating before; that one stands."})


class StreamQuery(VisitorRequest):
    sessionId = fields.Raw(required=True)
    after = Text(metadata={"description": "A cursor, or an ISO time."})


class PollQuery(StreamQuery):
    limit = page_size(bounds.POLL_SIZE, bounds.MAX_POLL_SIZE)


class PollResponse(OutputSchema):
    frames = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    cursor = fields.String(required=True, metadata={"description": "Where the next call goes on: its `after`."})
    hasMore = fields.Boolean(required=True)
    operatorOnline = fields.Boolean(required=True)


class ScreenshotsResponse(OutputSchema):
    holds = "requests"

    requests = fields.List(fields.Raw(metadata={"type": "object"}), required=True)


def visitor_message(message: Mapping[str, Any], handle: str) -> dict[str, Any]:
    """Make the JSON object of a message as the visitor's page knows it.

    :param message: its object in the REST API.
    :param handle: of its session; the page knows no other id.
    """
    system = message["type"] == MessageType.SYSTEM
    made = {
        "id": message["id"],
        "sessionId": handle,
        "seq": message["seq"],
        "content": message["content"],
        "sender": MessageType.OPERATOR if system else message["type"],
        "timestamp": message["createdAt"],
        **{name: message[name] for name in _AS_THEY_ARE if name in message},
    }
    if system:
        made["metadata"] = {"system": True, **({"kind": message["kind"]} if "kind" in message else {})}
    return made


def visitor_messages(page: MessagePage, handle: str, urls: PublicURLs) -> list[dict[str, Any]]:
    """Make the JSON of a page of messages as the visitor's page knows them."""
    return [visitor_message(dump_message(item), handle) for item in urls.complete(page).messages]
