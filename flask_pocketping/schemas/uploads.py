"""Requests and responses about files, as `web/uploads` serves them."""

from __future__ import annotations

from marshmallow import fields

from ..bounds import MAX_GIVEN_FILENAME
from .base import BackOfficeRequest, OutputSchema, VisitorRequest
from .fields import Text, Time, length
from .values import AttachmentSchema


class AnnounceUploadRequest(VisitorRequest):
    sessionId = fields.Raw(required=True)
    filename = Text(required=True, validate=length(MAX_GIVEN_FILENAME, least=1))
    mimeType = fields.Raw(allow_none=True, metadata={"description": "Not believed: what it is tells its content."})
    size = fields.Integer(required=True, strict=True, metadata={"description": "In bytes."})


class UploadResponse(OutputSchema):
    attachmentId = fields.String(required=True)
    uploadUrl = fields.String(required=True, metadata={"description": "Takes the file's bytes by PUT."})
    expiresAt = Time(required=True)


class CompleteUploadRequest(VisitorRequest):
    sessionId = fields.Raw(required=True)
    attachmentId = Text(required=True)


class AddAttachmentQuery(BackOfficeRequest):
    filename = Text(required=True, validate=length(MAX_GIVEN_FILENAME, least=1))


class AttachmentResponse(OutputSchema):
    holds = "attachment"

    attachment = fields.Nested(AttachmentSchema, required=True)


class DownloadQuery(VisitorRequest):
    download = fields.Raw(metadata={"description": "Given with any value, the file is saved and not shown."})
