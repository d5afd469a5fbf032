"""The tables of the shop, in a SQLite file. The chat has its own tables and never uses these."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import cast

from flask import Flask, current_app
from sqlalchemy import DateTime, ForeignKey, NullPool, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker
from sqlalchemy.schema import CreateTable


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    has_chatted: Mapped[bool] = mapped_column(default=False)


class Employee(Base):
    """A person who works in the shop and replies in its chat."""

    __tablename__ = "employees"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]


class Product(Base):
    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    summary: Mapped[str]
    description: Mapped[str]
    price: Mapped[int]
    """In cents."""
    questions: Mapped[int] = mapped_column(default=0)
    """The number of chat messages that visitors sent from this product's page."""


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int] = mapped_column(default=1)
    placed_on: Mapped[date] = mapped_column(default=date.today)
    product: Mapped[Product] = relationship(lazy="joined", innerjoin=True)


class ContactLog(Base):
    """One row per conversation: the shop's own record of the page on which it began."""

    __tablename__ = "contact_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(unique=True)
    page_url: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def init_shop(app: Flask) -> None:
    """Open the shop's database and create missing tables."""
    path = Path(app.instance_path) / "shop.sqlite3"
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
    app.extensions["shop"] = sessionmaker(engine, expire_on_commit=False)


def shop_session(app: Flask = current_app) -> Session:
    """Return a new database session of the shop. The caller closes it."""
    return cast("sessionmaker[Session]", app.extensions["shop"])()
