"""The extension object of the shop, its loaders and its hooks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Flask, has_request_context, redirect, request, url_for
from sqlalchemy import select, update
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from flask_pocketping import Identity, Message, MessageDraft, MessageRejected, PocketPing, Session, signals
from flask_pocketping.values import Operator

from .demo_ai import demo_model
from .mail import mail_target
from .models import ContactLog, Customer, Order, Product, shop_session
from .seed import EMPLOYEES
from .views import current_customer, current_employee, money

pocketping = PocketPing(targets=mail_target(os.environ), ai=demo_model(os.environ))

CUSTOMER_ID = re.compile("[1-9][0-9]{0,17}")
CARD_NUMBER = re.compile(r"\b\d{4}([ -])\d{4}\1\d{4}\1\d{4}\b")


@pocketping.identity_loader
def who_is_here() -> Identity | None:
    """Return the customer who is signed in."""
    customer = current_customer()
    return Identity(customer_id=str(customer.id), email=customer.email, name=customer.name) if customer else None


@pocketping.operator_loader
def who_answers() -> Operator | Response:
    """Return the employee who is signed in, or redirect to the sign-in page."""
    employee = current_employee()
    if employee is None:
        return redirect(url_for("shop.sign_in", next=request.path))
    return Operator(id=str(employee.id), name=employee.name, avatar=portrait(employee.id))


def portrait(employee_id: int) -> str | None:
    """Return the address of an employee's picture. Only those of the seed have one."""
    if employee_id > len(EMPLOYEES):
        return None
    return url_for("static", filename=f"people/{employee_id}.svg")


@pocketping.context
def what_they_bought(session: Session) -> Mapping[str, object]:
    """Return the facts about a customer that the inbox shows. Visitors who are not signed in have none."""
    customer_id = customer_of(session)
    if customer_id is None:
        return {}
    mine = select(Order).where(Order.customer_id == customer_id).order_by(Order.id.desc())
    with shop_session() as db:
        orders = db.scalars(mine).all()
    if not orders:
        return {"Orders": 0}
    last = orders[0].product
    # The AI and bridges ask outside of requests, where the shop does not know its own address.
    bought = (
        (last.name, url_for("shop.product", slug=last.slug, _external=True)) if has_request_context() else last.name
    )
    return {
        "Orders": len(orders),
        "Spent": money(sum(order.quantity * order.product.price for order in orders)),
        "Last bought": bought,
    }


@pocketping.ai_tool
def order_status(number: int, customer: Identity) -> str:
    """Tell what the visitor ordered and when. Call this if they ask for one of their orders.

    :param number: the number of the order.
    """
    if not CUSTOMER_ID.fullmatch(customer.customer_id or ""):
        return "There is no such order."
    mine = select(Order).where(Order.id == number, Order.customer_id == int(customer.customer_id or ""))
    with shop_session() as db:
        order = db.scalars(mine).one_or_none()
        if order is None:
            return "There is no such order."
        return f"Order {order.id}: {order.quantity} of {order.product.name}, placed on {order.placed_on:%Y-%m-%d}."


def customer_of(session: Session) -> int | None:
    """Return the id of the customer in a conversation, or `None`.

    Only a verified identity counts. Its id is any text, because another system may have sent it over the API. So this
    function checks whether it is an id of the shop.
    """
    identity = session.identity
    if identity is None or not identity.verified or not CUSTOMER_ID.fullmatch(identity.customer_id or ""):
        return None
    return int(identity.customer_id or "")


def connect_hooks(app: Flask) -> None:
    """Connect the hooks below to the signals of one app.

    A signal keeps only weak references to its receivers. So the hooks are functions of this module: a function defined
    in here would disappear when this one returns.
    """
    signals.message_received.connect(mind_the_language, sender=app)
    signals.session_created.connect(log_contact, sender=app)
    signals.session_created.connect(tag_customer, sender=app)
    signals.visitor_identified.connect(tag_customer, sender=app)
    signals.message_created.connect(count_question, sender=app)


def mind_the_language(app: Flask, draft: MessageDraft, **extra: object) -> None:
    """Refuse a visitor's message with a word from `SHOP_BAD_WORDS`, and remove card numbers."""
    if draft.type != "visitor":
        return
    words = set(re.findall(r"\w+", draft.content.casefold()))
    if words & {word.strip().casefold() for word in app.config["SHOP_BAD_WORDS"]}:
        raise MessageRejected("Please mind your language: we are a quiet little tea shop.")
    draft.content = CARD_NUMBER.sub("[card number removed]", draft.content)


def log_contact(app: Flask, session: Session, **extra: object) -> None:
    """Add the conversation to the shop's contact log."""
    entry = ContactLog(
        session_id=session.id,
        page_url=session.metadata.get("pageUrl"),
        created_at=session.created_at,
    )
    with shop_session(app) as db, db.begin():
        db.add(entry)


def tag_customer(app: Flask, session: Session, **extra: object) -> None:
    """Mark a verified customer as one who has chatted."""
    customer_id = customer_of(session)
    if customer_id is None:
        return
    with shop_session(app) as db, db.begin():
        db.execute(update(Customer).where(Customer.id == customer_id).values(has_chatted=True))


def count_question(app: Flask, message: Message, **extra: object) -> None:
    """Count a visitor's message for the product on whose page the visitor is."""
    if message.type != "visitor":
        return
    session = pocketping.get_session(message.session_id)
    slug = product_slug(app, session.metadata.get("pageUrl") or "")
    if slug is None:
        return
    with shop_session(app) as db, db.begin():
        db.execute(update(Product).where(Product.slug == slug).values(questions=Product.questions + 1))


def product_slug(app: Flask, page_url: str) -> str | None:
    """Return the slug of the product that an address of the shop shows, or `None`."""
    try:
        endpoint, values = app.url_map.bind("").match(urlsplit(page_url).path)
    except (HTTPException, ValueError):
        return None
    return values["slug"] if endpoint == "shop.product" else None
