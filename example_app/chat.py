"""Where the shop meets the chat: the extension and every hook on it, in one room."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy import func, update
from werkzeug.exceptions import HTTPException

from flask_pocketping import MessageRejected, PocketPing, signals
from flask_pocketping.values import Message, MessageDraft, Session

from .models import ContactLog, Customer, Product, shop_session

pocketping = PocketPing()

CARD_NUMBER = re.compile(r"\b\d{4}([ -])\d{4}\1\d{4}\1\d{4}\b")


def connect_hooks(app: Flask) -> None:
    """Connect the hooks below to the chat of one app.

    A signal holds its receivers weakly, so they are functions of this module: one defined in here
    would be gone when this returns.
    """
    signals.message_received.connect(mind_the_language, sender=app)
    signals.session_created.connect(log_contact, sender=app)
    signals.visitor_identified.connect(tag_customer, sender=app)
    signals.message_created.connect(count_question, sender=app)


def mind_the_language(app: Flask, draft: MessageDraft, **extra: object) -> None:
    """Refuse a visitor's message with a word from `SHOP_BAD_WORDS`, and take out card numbers."""
    if draft.type != "visitor":
        return
    words = set(re.findall(r"\w+", draft.content.casefold()))
    if words & {word.strip().casefold() for word in app.config["SHOP_BAD_WORDS"]}:
        raise MessageRejected("Please mind your language: we are a quiet little tea shop.")
    draft.content = CARD_NUMBER.sub("[card number removed]", draft.content)


def log_contact(app: Flask, session: Session, **extra: object) -> None:
    """Write the conversation into the shop's own contact log."""
    entry = ContactLog(
        session_id=session.id,
        page_url=session.metadata.get("pageUrl"),
        created_at=session.created_at,
    )
    with shop_session(app) as db, db.begin():
        db.add(entry)


def tag_customer(app: Flask, session: Session, **extra: object) -> None:
    """Mark the customer with the visitor's email as one who has chatted."""
    if session.identity is None or session.identity.email is None:
        return
    email = session.identity.email.lower()
    with shop_session(app) as db, db.begin():
        db.execute(update(Customer).where(func.lower(Customer.email) == email).values(has_chatted=True))


def count_question(app: Flask, message: Message, **extra: object) -> None:
    """Count a visitor's message for the product whose page the conversation began on."""
    if message.type != "visitor":
        return
    session = pocketping.get_session(message.session_id)
    slug = product_slug(app, session.metadata.get("pageUrl") or "")
    if slug is None:
        return
    with shop_session(app) as db, db.begin():
        db.execute(update(Product).where(Product.slug == slug).values(questions=Product.questions + 1))


def product_slug(app: Flask, page_url: str) -> str | None:
    """The product that an address of the shop shows, or nothing."""
    try:
        endpoint, values = app.url_map.bind("").match(urlsplit(page_url).path)
    except (HTTPException, ValueError):
        return None
    return values["slug"] if endpoint == "shop.product" else None
