"""A Discord on this machine: its REST API, its Gateway and its file server on one port, as strict as the real ones."""

from .server import FakeDiscord, discord_server

__all__ = ["FakeDiscord", "discord_server"]
