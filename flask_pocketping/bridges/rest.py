"""`Rest`, the thin JSON client of the platforms: requests on the guarded session, with the errors of bridges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from .. import clock
from ..config_parsers import Network
from ..delivery.http.client import BadResponse, GuardedClient, HTTPClientError, Response, StreamedResponse
from ..delivery.retry import parse_retry_after
from .platform import Refused, Throttled, Unanswered, Unreachable

#: The largest JSON response that is read, in bytes.
MAX_RESPONSE = 8 * 1024 * 1024
#: Seconds for a request, and for one that carries or fetches a file.
TIMEOUT = 15.0
FILE_TIMEOUT = 30.0

#: Seconds to wait where the platform does not say for how long.
DEFAULT_WAIT = 5.0
#: Where the body of an error says what is wrong.
_REASONS = ("error", "message", "description")

Files = Mapping[str, tuple[str, bytes | BinaryIO, str]]


class Rest:
    """Sends requests below the base address of a platform.

    :param label: what people call the platform, for errors.
    :param base: the base address, without a slash at its end. It may contain a token, because no error shows it.
    :param allow_networks: networks that the address may be in besides public ones.
    :param headers: the headers of all requests, such as that with a token.
    """

    def __init__(
        self,
        label: str,
        base: str,
        *,
        allow_networks: Sequence[Network] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._label = label
        self._base = base
        self._headers = dict(headers or {})
        self._client = GuardedClient(
            allow_http=base.startswith("http://"), allow_networks=allow_networks, timeout=TIMEOUT
        )

    def __repr__(self) -> str:
        return f"Rest({self._label!r})"

    @property
    def origin(self) -> tuple[str, str]:
        """The scheme, and the host with its port, of the base address."""
        parts = urlsplit(self._base)
        return parts.scheme, parts.netloc

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        fields: Mapping[str, str] | bytes | None = None,
        params: Mapping[str, str] | None = None,
        files: Files | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        repeatable: bool | None = None,
    ) -> Response:
        """Send a request and read its response, with any status below 500.

        :param path: the path below the base address, or a whole address. The base's headers are sent only below it.
        :param json: the body as JSON.
        :param fields: the body as a form, or as bytes.
        :param files: the files of a multipart form.
        :param timeout: seconds for the whole request.
        :param repeatable: whether the platform may get it twice.
        :raises Unreachable: if it certainly was not carried out, or may be repeated.
        :raises Unanswered: if it may have been carried out, and may not be repeated. A status of 500 or more is no
            proof that nothing was done.
        """
        options: dict[str, Any] = {"timeout": timeout or (FILE_TIMEOUT if files else TIMEOUT)}
        given = {"json": json, "data": fields, "params": params, "files": files, "repeatable": repeatable}
        options |= {name: value for name, value in given.items() if value is not None}
        url = path if "://" in path else self._base + path
        own = {} if "://" in path else self._headers
        with self._explained(method, repeatable):
            response = self._client.request(
                method, url, max_response=MAX_RESPONSE, headers={**own, **(headers or {})}, **options
            )
        if response.status_code >= 500:
            # Whatever stands before the platform may answer so, and the platform itself too, after it did the work.
            error = Unreachable if _is_safe(method, repeatable) else Unanswered
            raise error(f"{self._label} has an error of its own (HTTP {response.status_code}).")
        return response

    def json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Send a request and return the JSON object that answers it.

        :param options: those of `call`.
        :raises Throttled: if the status is 429. `Retry-After` says how long to wait.
        :raises Refused: if the status is another error, or the response is no JSON object.
        """
        response = self.call(method, path, **options)
        if response.status_code == 429:
            after = parse_retry_after(response.headers.get("Retry-After"), clock.now())
            raise Throttled(DEFAULT_WAIT if after is None else after)
        try:
            found = response.json()
        except BadResponse:
            found = None
        if response.status_code < 300 and isinstance(found, dict):
            return found
        said = next((found[name] for name in _REASONS if name in found), "") if isinstance(found, dict) else ""
        raise Refused(f"{self._label} refused it (HTTP {response.status_code}). {said}"[:300].strip())

    def fetch(self, url: str, limit: int, headers: Mapping[str, str] | None = None) -> Iterator[bytes]:
        """Fetch a file.

        :param url: its address. The caller checks that its host is one of the platform's.
        :param limit: the maximum size in bytes.
        :raises Refused: if the response is no success, or too large.
        :raises Unreachable: if the platform can't be reached.
        """
        try:
            with self._client.stream(
                "GET", url, max_response=limit, headers=headers or {}, timeout=FILE_TIMEOUT
            ) as response:
                self.check_file(response)
                yield from response
        except HTTPClientError as error:
            if type(error).__name__ == "ResponseTooLarge":
                raise Refused("The file is too large.") from None
            raise Unreachable(f"The file can't be fetched from {self._label} now: {error}") from None

    def check_file(self, response: StreamedResponse) -> None:
        """Check the head of a file's response.

        :raises Refused: if it is no success.
        """
        if response.status_code >= 500:
            raise Unreachable(f"{self._label} has an error of its own (HTTP {response.status_code}).")
        if response.status_code != 200:
            raise Refused(f"{self._label} does not give the file (HTTP {response.status_code}).")

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()

    @contextmanager
    def _explained(self, method: str, repeatable: bool | None) -> Iterator[None]:
        try:
            yield
        except HTTPClientError as error:
            if error.maybe_sent and not _is_safe(method, repeatable):
                raise Unanswered(f"{self._label} gave no answer: {error}") from None
            raise Unreachable(f"{self._label} can't be reached: {error}") from None


def _is_safe(method: str, repeatable: bool | None) -> bool:
    return method == "GET" if repeatable is None else repeatable
