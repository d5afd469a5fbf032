"""What Slack answers instead of a result, as the errors of a platform, in words for operators."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..platform import PlatformError, Refused, Throttled, Unanswered, Unreachable

#: The delay in seconds if Slack asks to wait and does not say for how long.
DEFAULT_WAIT = 30.0

#: Errors after which a repeat is safe, because nothing was done.
_NOTHING_DONE = {"service_unavailable", "request_timeout", "team_added_to_org", "team_access_not_granted"}
#: Errors after which something may have been done. Slack says so of `fatal_error`.
_MAYBE_DONE = {"fatal_error", "internal_error"}
_RATE_LIMITED = {"ratelimited", "rate_limited", "message_limit_exceeded"}

#: Errors that no other thread or channel would be spared.
HOPELESS = {
    *("account_inactive", "invalid_auth", "missing_scope", "not_allowed_token_type", "not_authed"),
    *("token_expired", "token_revoked"),
}

_TEXTS = {
    "account_inactive": "The Slack app was removed from the workspace. Install it again, and set its new bot token.",
    "channel_not_found": "Slack does not know the channel, or the app is no member of it. Check the channel's ID, and "
    "invite the app there.",
    "file_not_found": "The file does not exist in Slack any more.",
    "invalid_auth": "Slack does not accept the token.",
    "is_archived": "The Slack channel is archived.",
    "message_not_found": "The message does not exist in Slack any more.",
    "msg_too_long": "The text is too long for Slack.",
    "no_permission": "The Slack app may not do this here.",
    "not_allowed_token_type": "Slack does not accept this kind of token here.",
    "not_authed": "Slack got no token.",
    "not_in_channel": "The Slack app is no member of the channel. Invite it there.",
    "restricted_action": "A setting of the Slack workspace does not allow the app to do this.",
    "token_expired": "The Slack token has expired.",
    "token_revoked": "The Slack token was revoked. Install the app again, and set its new bot token.",
}
_CODE = re.compile("[a-z0-9_]{1,60}")
_SCOPES = re.compile("[a-z0-9_.:,]{1,200}")


class SlackRefused(Refused):
    """Slack answered with an error.

    :ivar code: Slack's own name of the error, such as `not_in_channel`.
    """

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


def error_of(answer: Mapping[str, Any], retry_after: float | None) -> PlatformError:
    """Return the error for an answer whose `ok` is not true.

    :param answer: the answer.
    :param retry_after: the value of the `Retry-After` header in seconds.
    """
    found = answer.get("error")
    code = found if isinstance(found, str) and _CODE.fullmatch(found) else "unknown_error"
    if code in _RATE_LIMITED:
        return Throttled(DEFAULT_WAIT if retry_after is None else retry_after)
    if code in _NOTHING_DONE:
        return Unreachable(f"Slack could not do it just now ({code}).")
    if code in _MAYBE_DONE:
        return Unanswered(f"Slack had an error of its own ({code}).")
    return SlackRefused(_text(code, answer.get("needed")), code)


def _text(code: str, needed: object) -> str:
    if code == "missing_scope":
        scopes = needed if isinstance(needed, str) and _SCOPES.fullmatch(needed) else "unknown"
        return f"The Slack app is missing scope {scopes}. Add it to the app, and install the app again."
    text = _TEXTS.get(code)
    return f"{text} ({code})" if text else f"Slack refused it: {code}."
