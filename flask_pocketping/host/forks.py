"""Prepares objects for a fork, and resets those with threads, locks or sockets in the child, which has only copies."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

_known: WeakKeyDictionary[object, Callable[..., None]] = WeakKeyDictionary()
_pausing: WeakKeyDictionary[object, tuple[Callable[..., None], Callable[..., None]]] = WeakKeyDictionary()


def begin_anew_after_fork(owner: T, begin: Callable[[T], None]) -> None:
    """Call `begin(owner)` in each process that is forked from now on, before anything else runs there.

    :param owner: the object to reset; this keeps no strong reference to it.
    """
    _known[owner] = begin


def pause_for_fork(owner: T, pause: Callable[[T], None], resume: Callable[[T], None]) -> None:
    """Call `pause(owner)` before each fork of this process, and `resume(owner)` in this process after it.

    :param owner: the object to pause; this keeps no strong reference to it.
    """
    _pausing[owner] = pause, resume


def _begin_all_anew() -> None:
    for owner, begin in list(_known.items()):
        begin(owner)


def _pause_all() -> None:
    for owner, (pause, _) in list(_pausing.items()):
        pause(owner)


def _resume_all() -> None:
    for owner, (_, resume) in list(_pausing.items()):
        resume(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_pause_all, after_in_parent=_resume_all, after_in_child=_begin_all_anew)
