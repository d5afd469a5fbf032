"""discord.py for tests. Importing it warns of a module of Python that it uses for voice."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord

__all__ = ["discord"]
