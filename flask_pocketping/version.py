"""What the package calls itself to the servers that it asks for something."""

from __future__ import annotations

from functools import cache


@cache
def user_agent() -> str:
    """Return the `User-Agent` of outgoing requests: the project and its version, nothing of the host or its machine."""
    # Looking the version up takes longer than an app that sends nothing should wait for.
    from . import __version__

    return f"Flask-PocketPing/{__version__}"
