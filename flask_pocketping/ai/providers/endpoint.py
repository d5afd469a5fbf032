"""The HTTP side of a model's server: sends JSON, reads JSON or a stream of it, and explains failures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ... import clock
from ...delivery.http.client import GuardedClient, HTTPClientError, StreamedResponse
from ...delivery.retry import parse_retry_after
from .eventstream import EventTooLong, read_events
from .protocol import ProviderError

#: The largest response in bytes.
MAX_RESPONSE = 8 * 1024 * 1024
#: How many bytes of an error are read.
MAX_ERROR = 16 * 1024

#: Statuses after which the same request may succeed later. 529 is Anthropic's "overloaded".
_TRANSIENT = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
#: What reading a response of another form than its protocol describes raises.
MALFORMED = (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError)

_CODE = re.compile(r"[A-Za-z][A-Za-z_]{2,39}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The server of a model.

    :ivar url: its address, without a slash at the end.
    :ivar headers: the headers of each request, with the key.
    """

    client: GuardedClient
    url: str
    headers: Mapping[str, str] = field(repr=False)

    def post(self, path: str, body: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        """Send a request, and return the JSON object of the response.

        :raises ProviderError: if there is none.
        """
        try:
            with self._open(path, body, timeout) as response:
                _check(response)
                found = json.loads(response.read())
        except HTTPClientError as error:
            raise _unreachable(error) from None
        except (ValueError, RecursionError):
            raise ProviderError("The model's server did not answer with JSON.", transient=True) from None
        if not isinstance(found, dict):
            raise ProviderError("The model's server did not answer with a JSON object.", transient=True)
        return found

    def events(self, path: str, body: Mapping[str, Any], timeout: float) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Send a request, and yield the name and the JSON object of each event of the response.

        OpenAI's last event, `[DONE]`, is not yielded.

        :raises ProviderError: if the response is an error, or ends early.
        """
        try:
            with self._open(path, body, timeout) as response:
                _check(response)
                for name, data in read_events(response):
                    if data == "[DONE]":
                        return
                    found = json.loads(data)
                    if isinstance(found, dict):
                        yield name, found
        except HTTPClientError as error:
            raise _unreachable(error) from None
        except EventTooLong:
            raise ProviderError("The model's server sent too much.", transient=True) from None
        except (ValueError, RecursionError):
            raise ProviderError("The model's server did not answer with JSON.", transient=True) from None

    def _open(self, path: str, body: Mapping[str, Any], timeout: float) -> Any:
        return self.client.stream(
            "POST", self.url + path, max_response=MAX_RESPONSE, headers=self.headers, json=body, timeout=timeout
        )


def in_stream_error(found: Mapping[str, Any]) -> ProviderError:
    """Return the error that a server reports in the middle of a stream."""
    code = _code_of(found)
    return ProviderError(f"The model's server broke off{f' ({code})' if code else ''}.", transient=True)


def invalid() -> ProviderError:
    """Return the error for a response that does not have the form that its protocol describes."""
    return ProviderError("The model's server answered in an unknown form.", transient=True)


def _check(response: StreamedResponse) -> None:
    status = response.status_code
    if 200 <= status < 300:
        return
    try:
        body = json.loads(response.read_beginning(MAX_ERROR))
    except (ValueError, RecursionError):
        body = None
    # Errors may repeat parts of the key or of the conversation, so only a code is kept.
    code = _code_of(body)
    raise ProviderError(
        f"The model's server answered with HTTP {status}{f' ({code})' if code else ''}.",
        transient=status in _TRANSIENT,
        retry_after=parse_retry_after(response.headers.get("Retry-After"), clock.now()),
        status=status,
    )


def _code_of(body: Any) -> str | None:
    """Return the code of an error: OpenAI's `code` or `type`, Anthropic's `type`, Gemini's `status`."""
    # Gemini's stream sends errors in a list.
    error = body[0] if isinstance(body, list) and body else body
    error = error.get("error", error) if isinstance(error, dict) else None
    if not isinstance(error, dict):
        return None
    found = (error.get(name) for name in ("status", "code", "type"))
    return next((code for code in found if isinstance(code, str) and _CODE.fullmatch(code)), None)


def _unreachable(error: HTTPClientError) -> ProviderError:
    return ProviderError(f"The model's server can't be reached: {type(error).__name__}.", transient=True)
