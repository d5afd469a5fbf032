"""Tests handles: they can be read repeatedly, and only signed ones are valid."""

from __future__ import annotations

import pytest

from flask_pocketping.errors import SessionNotFound
from flask_pocketping.security.handles import Handles


def test_a_cached_handle_does_not_validate_others() -> None:
    handles = Handles([b"secret"])
    handle = handles.sign("sess_1")
    for _ in range(3):
        assert handles.read(handle) == "sess_1"
        for forged in (handle[:-1], handle + "x", handle.replace("sess_1", "sess_2"), "sess_1", "", None, "x" * 201):
            with pytest.raises(SessionNotFound):
                handles.read(forged)


def test_a_handle_of_one_app_is_invalid_in_another() -> None:
    mine, other = Handles([b"secret"]), Handles([b"another secret"])
    handle = mine.sign("sess_1")
    assert mine.read(handle) == "sess_1"
    with pytest.raises(SessionNotFound):
        other.read(handle)
    assert Handles([b"secret", b"another secret"]).read(handle) == "sess_1"
