"""Who takes part: customers and operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a visitor is. At least one field besides `verified` is set.

    :ivar customer_id: the host's id of the customer, up to 255 characters.
    :ivar email: up to 320 characters.
    :ivar name: up to 200 characters.
    :ivar metadata: further facts, as JSON.
    :ivar verified: whether the host app has confirmed the identity. An identity from a page is not verified.
    """

    customer_id: str | None = None
    email: str | None = None
    name: str | None = None
    metadata: Mapping[str, Any] | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who replies to visitors.

    :ivar id: the host's id of the person, up to 255 characters.
    :ivar name: the name that visitors see, up to 200 characters.
    :ivar avatar: the address of a picture, up to 2048 characters.
    :ivar projects: the ids of the projects whose inbox they may open, in the order of the inbox. Empty: the default
        project.
    """

    id: str
    name: str
    avatar: str | None = None
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PresentOperator:
    """An operator who is connected now.

    :ivar id: the host's id of the person.
    :ivar name: the name that visitors see.
    :ivar avatar: the address of a picture.
    :ivar available: whether visitors see the operator as online.
    """

    id: str
    name: str
    avatar: str | None
    available: bool
