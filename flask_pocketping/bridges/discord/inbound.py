"""`DiscordInbound` receives what operators write on Discord."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ..platform import Inbound, Receiver
from .gateway_thread import GatewayThread
from .platform import DiscordPlatform
from .session import NotWanted, Session


class DiscordInbound(Inbound):
    """Receives the events of the Gateway.

    :param platform: the outgoing calls, with the bot's token.
    :param silence: seconds without a frame after which the connection counts as dead.
    """

    def __init__(self, platform: DiscordPlatform, silence: float = 60.0) -> None:
        self._platform = platform
        self._silence = silence

    def run(self, receiver: Receiver, is_wanted: Callable[[float], bool]) -> None:
        """Receive until it is no longer wanted.

        :raises PlatformError: if Discord refuses the connection for good.
        """
        session = Session(self._platform, receiver, is_wanted)
        thread = GatewayThread(self._platform, session.put, self._silence)
        session.give_address = thread.give_address
        thread.start()
        try:
            session.work()
        except NotWanted:
            pass
        finally:
            thread.stop()
            with suppress(Exception):
                session.save()
