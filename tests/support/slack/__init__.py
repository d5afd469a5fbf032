"""A local Slack: Web API, files, Events API and Socket Mode over real sockets, as strict as the real one."""

from .server import FakeSlack, slack_server

__all__ = ["FakeSlack", "slack_server"]
