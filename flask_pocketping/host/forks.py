"""Resets objects with threads, locks or sockets in a forked process, because they belong to the parent process."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

_known: WeakKeyDictionary[object, Callable[..., None]] = WeakKeyDictionary()


def begin_anew_after_fork(owner: T, begin: Callable[[T], None]) -> None:
    """Call `begin(owner)` in each process that is forked from now on, before anything else runs there.

    :param owner: the object to reset; this keeps no strong reference to it.
    """
    _known[owner] = begin


def _begin_all_anew() -> None:
    for owner, begin in list(_known.items()):
        begin(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all_anew)
