"""Files to and from Slack: the upload in steps, where an upload was shared, and downloads from Slack's hosts only."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...delivery.http.addresses import Origin, parse_origin
from ...delivery.http.client import HTTPClientError, ResponseTooLarge, StreamedResponse
from ..platform import IncomingFile, OutgoingFile, Refused, Thread, Unanswered, Unreachable
from .client import SlackClient, failure_of

#: The end of titles of our files: an invisible separator. Files have no metadata to recognise them by.
MARK = "\u2063"
#: The hosts that get the bot's token and visitors' files, besides that of the Web API. Their subdomains count too.
HOSTS = ("slack.com", "slack-files.com")
#: The timeout of a transfer in seconds, and of all uploads of a post together.
TRANSFER_TIMEOUT = 30.0

NO_SCOPE = "Slack did not give the file: the app is missing scope files:read. Add it, and install the app again."

_ID = re.compile("[A-Z0-9]{2,30}")

Json = Mapping[str, Any]


def upload(client: SlackClient, file: OutgoingFile, timeout: float) -> str:
    """Upload a file without sharing it, and return its id.

    :param timeout: seconds for the transfer.
    :raises PlatformError: if it failed. Nobody has seen anything of it, so a repeat is safe.
    """
    try:
        file_id, url = client.begin_upload(file.name, file.size)
        _check_host(client, url)
        with contextlib.closing(file.open()) as opened:
            data = opened.read()
        headers = {"Content-Type": "application/octet-stream"}
        response = client.http.post(url, data=data, headers=headers, timeout=timeout)
    except HTTPClientError as error:
        raise Unreachable(str(error)) from None
    except Unanswered as error:
        raise Unreachable(str(error)) from None
    if response.status_code >= 500:
        raise Unreachable(f"Slack did not take the file (HTTP {response.status_code}).")
    if response.status_code != 200:
        raise Refused(f"Slack did not take the file (HTTP {response.status_code}).")
    return file_id


def title_of(name: str) -> str:
    """Return the title by which a file of ours is recognised."""
    return name + MARK


def is_our_file(file: Json) -> bool:
    """Return whether we have uploaded a file."""
    title = file.get("title")
    return isinstance(title, str) and title.endswith(MARK)


def share_of(file: Json, thread: Thread) -> str | None:
    """Return the message by which a file was shared in a thread, or `None` if it was not, or not yet."""
    shares = file.get("shares")
    if not isinstance(shares, dict):
        return None
    for kind in ("public", "private"):
        channels = shares.get(kind)
        found = channels.get(thread.channel) if isinstance(channels, dict) else None
        for share in found if isinstance(found, list) else ():
            if isinstance(share, dict) and share.get("thread_ts") == thread.id and isinstance(share.get("ts"), str):
                return str(share["ts"])
    return None


def fetch(client: SlackClient, file: IncomingFile, limit: int) -> Iterator[bytes]:
    """Fetch a file that somebody has posted.

    Its address is asked for, so that no event can choose it, and only Slack's own hosts get the token.

    :param limit: the maximum size in bytes.
    """
    if not _ID.fullmatch(file.reference):
        raise Refused("This is no id of a file in Slack.")
    found = client.file(file.reference)
    size, url = found.get("size"), found.get("url_private_download") or found.get("url_private")
    if isinstance(size, int) and size > limit:
        raise Refused(f"The file has {size} bytes, and {limit} are allowed.")
    if not isinstance(url, str):
        raise Refused("Slack has no such file to download.")
    _check_host(client, url)
    try:
        with client.http.stream(
            "GET", url, max_response=limit, headers=client.bot_authorization, timeout=TRANSFER_TIMEOUT
        ) as response:
            _check_download(response)
            yield from response
    except ResponseTooLarge:
        raise Refused(f"The file has more than the {limit} bytes that are allowed.") from None
    except HTTPClientError as error:
        raise failure_of(error) from None


def _check_download(response: StreamedResponse) -> None:
    """Refuse what is no file. Without the right scope, Slack shows a page to sign in, or redirects to it."""
    status = response.status_code
    is_page = response.headers.get("Content-Type", "").lower().startswith("text/html")
    is_download = response.headers.get("Content-Disposition", "").lower().startswith("attachment")
    if 300 <= status < 400 or status in {401, 403} or (status == 200 and is_page and not is_download):
        raise Refused(NO_SCOPE)
    if status >= 500 or status == 429:
        raise Unreachable(f"Slack could not send the file just now (HTTP {status}).")
    if status != 200:
        raise Refused(f"Slack did not give the file (HTTP {status}).")


def _check_host(client: SlackClient, url: str) -> None:
    """Refuse an address that is neither one of Slack's hosts nor that of the Web API."""
    try:
        origin = parse_origin(url, allow_http=True)
    except HTTPClientError:
        raise Refused("Slack named an address that can't be read.") from None
    if origin != client.origin and not _is_slack(origin):
        raise Refused("The address of the file does not belong to Slack.")


def _is_slack(origin: Origin) -> bool:
    host = origin.host.removesuffix(".")
    ours = any(host == name or host.endswith(f".{name}") for name in HOSTS)
    return ours and origin.scheme == "https" and origin.port == 443
