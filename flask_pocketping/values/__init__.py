"""Frozen values: what `chat/` returns, what signals carry and what the schemas turn into JSON."""

from .ai import AIAction, AIAnswer, AIDraft, AISource
from .attachments import Attachment, AttachmentStatus
from .bridges import BridgeDelivery, BridgeThread, Claim, PostState
from .deliveries import FINISHED_STATES, OPEN_STATES, Attempt, Cancel, Deliver, Delivery, DeliveryPage, DeliveryState
from .events import EVENT_TYPES, Event
from .knowledge import KnowledgeChanges, KnowledgeDocument, Passage
from .messages import NOTICES, RECEIPTS, Message, MessageDraft, MessagePage, MessageStatus, MessageType, SearchMatch
from .people import Identity, Operator, PresentOperator
from .projects import PROJECT_SWITCHES, APIKey, Project
from .saved_replies import SavedReply, SavedReplyPage
from .sessions import CSAT, PageVisit, PageVisits, Session, SessionCounts, SessionPage, SessionStatus
from .statistics import CSATSummary, Day, Stats
from .webhooks import Webhook, WebhookPage

__all__ = [
    "CSAT",
    "EVENT_TYPES",
    "FINISHED_STATES",
    "NOTICES",
    "OPEN_STATES",
    "PROJECT_SWITCHES",
    "RECEIPTS",
    "AIAction",
    "AIAnswer",
    "AIDraft",
    "AISource",
    "APIKey",
    "Attachment",
    "AttachmentStatus",
    "Attempt",
    "BridgeDelivery",
    "BridgeThread",
    "CSATSummary",
    "Cancel",
    "Claim",
    "Day",
    "Deliver",
    "Delivery",
    "DeliveryPage",
    "DeliveryState",
    "Event",
    "Identity",
    "KnowledgeChanges",
    "KnowledgeDocument",
    "Message",
    "MessageDraft",
    "MessagePage",
    "MessageStatus",
    "MessageType",
    "Operator",
    "PageVisit",
    "PageVisits",
    "Passage",
    "PostState",
    "PresentOperator",
    "Project",
    "SavedReply",
    "SavedReplyPage",
    "SearchMatch",
    "Session",
    "SessionCounts",
    "SessionPage",
    "SessionStatus",
    "Stats",
    "Webhook",
    "WebhookPage",
]
