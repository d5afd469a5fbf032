"""The first data of the shop: products, two customers with orders, and two employees."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from werkzeug.security import generate_password_hash

from .models import Base, Customer, Employee, Order, Product, shop_session

CUSTOMERS = [("Ada Marsh", "ada@example.com"), ("Ben Okafor", "ben@example.com")]
EMPLOYEES = [("Ana Duarte", "ana@hearthandleaf.example"), ("Tom Whitby", "tom@hearthandleaf.example")]
PASSWORD = "tea-for-two"

PRODUCTS: list[dict[str, Any]] = [
    {
        "slug": "morning-assam",
        "name": "Morning Assam",
        "summary": "Malty, strong, takes milk well.",
        "description": (
            "Second-flush leaves from a small garden in Upper Assam. Four minutes, water just off"
            " the boil, and it stands up to milk and to Mondays. 100 g, about forty cups."
        ),
        "price": 950,
    },
    {
        "slug": "garden-sencha",
        "name": "Garden Sencha",
        "summary": "Fresh and grassy, from Uji.",
        "description": (
            "Steamed the day it is picked. Give it cooler water, 70 °C, and no more than ninety "
            "seconds; the second cup is the better one. 80 g, about thirty cups."
        ),
        "price": 1480,
    },
    {
        "slug": "bergamot-grey",
        "name": "Bergamot Grey",
        "summary": "Black tea, real citrus oil.",
        "description": (
            "Ceylon tea with cold-pressed oil of Calabrian bergamot and nothing else. Three "
            "minutes, no milk, a slice of orange if you like. 100 g, about forty cups."
        ),
        "price": 1100,
    },
    {
        "slug": "meadow-chamomile",
        "name": "Meadow Chamomile",
        "summary": "Whole flowers, no caffeine.",
        "description": (
            "Whole flower heads, dried slowly so that they keep their honey. Boiling water, a lid"
            " on the cup, seven minutes. 50 g, about twenty-five cups."
        ),
        "price": 790,
    },
    {
        "slug": "river-teapot",
        "name": "River Teapot",
        "summary": "Cast iron, holds 0.8 litres.",
        "description": (
            "Sand-cast iron with an enamelled inside and a steel basket. It pours without a drip "
            "and keeps three cups hot for an hour. Not for the hob."
        ),
        "price": 6400,
    },
    {
        "slug": "stoneware-cup",
        "name": "Stoneware Cup",
        "summary": "Thrown by hand, 250 ml.",
        "description": (
            "Each one a little different, glazed in ash white. It fits two hands on a cold day "
            "and the top rack of a dishwasher on any other."
        ),
        "price": 1850,
    },
]


def fill_shop(app: Flask) -> None:
    """Add products, customers and employees to an empty shop. Existing rows do not change."""
    with shop_session(app) as db, db.begin():
        rows: dict[type[Base], list[dict[str, Any]]] = {}
        if db.scalar(select(Product.id).limit(1)) is None:
            rows |= {Product: products(), Customer: people(CUSTOMERS, has_chatted=False), Order: orders()}
        if db.scalar(select(Employee.id).limit(1)) is None:
            rows |= {Employee: people(EMPLOYEES)}
        for model, values in rows.items():
            # Two processes may start with the same empty file. The second one adds nothing.
            db.execute(insert(model).values(values).on_conflict_do_nothing())


def products() -> list[dict[str, Any]]:
    return [{"id": n, "questions": 0, **product} for n, product in enumerate(PRODUCTS, 1)]


def people(names: list[tuple[str, str]], **more: Any) -> list[dict[str, Any]]:
    password_hash = generate_password_hash(PASSWORD)
    return [
        {"id": n, "name": name, "email": email, "password_hash": password_hash, **more}
        for n, (name, email) in enumerate(names, 1)
    ]


def orders() -> list[dict[str, Any]]:
    columns = ("id", "customer_id", "product_id", "quantity", "placed_on")
    bought = [
        (1, 1, 1, 2, date(2025, 3, 4)),
        (2, 1, 5, 1, date(2025, 3, 4)),
        (3, 2, 4, 3, date(2025, 5, 19)),
    ]
    return [dict(zip(columns, order, strict=True)) for order in bought]
