"""Checks the version of the chat widget, for all responses to a visitor's page and for its streams."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from ...config import Config
from ...errors import UpgradeRequired

HEADER = "X-PocketPing-Version"

Status = Literal["ok", "outdated", "deprecated", "unsupported"]

_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})(?:[-+].{0,64})?")
_MESSAGES: dict[Status, str] = {
    "ok": "",
    "outdated": "There is a newer version of this chat widget.",
    "deprecated": "This version of the chat widget will stop working. Please update it.",
    "unsupported": "This version of the chat widget is no longer supported. Please update it.",
}
# What the public widget knows: it shows an `error` to the visitor, and writes the others to the console.
_SEVERITIES: dict[Status, str] = {"ok": "info", "outdated": "info", "deprecated": "warning", "unsupported": "error"}


@dataclass(frozen=True)
class VersionStatus:
    """A widget's version compared with the settings."""

    status: Status
    min_version: str | None
    latest_version: str | None

    @property
    def message(self) -> str:
        """A sentence for people; empty if the version is fine."""
        return _MESSAGES[self.status]

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The headers of a response."""
        values = {
            f"{HEADER}-Status": self.status,
            "X-PocketPing-Min-Version": self.min_version,
            "X-PocketPing-Latest-Version": self.latest_version,
            f"{HEADER}-Message": self.message,
        }
        return {name: value for name, value in values.items() if value}

    @property
    def warning(self) -> dict[str, str | bool] | None:
        """The data of the first frame of a stream, if there is a warning."""
        if self.status == "ok":
            return None
        payload = {
            "severity": _SEVERITIES[self.status],
            "status": self.status,
            "minVersion": self.min_version,
            "latestVersion": self.latest_version,
            "message": self.message,
            "canContinue": self.status != "unsupported",
        }
        return {name: value for name, value in payload.items() if value is not None}

    def check(self) -> None:
        """Refuse a version that is too old.

        :raises UpgradeRequired: if it is.
        """
        if self.status == "unsupported":
            raise UpgradeRequired(self.message)


def version_status(config: Config, version: str | None) -> VersionStatus:
    """Compare a version with the settings. A missing or unreadable version counts as fine.

    :param version: the request's `X-PocketPing-Version`.
    """
    return _version_status(version, config.widget_min_version, config.widget_latest_version)


# A site has few versions of the widget on its pages, and says which with every request.
@lru_cache(maxsize=64)
def _version_status(version: str | None, min_version: str | None, latest_version: str | None) -> VersionStatus:
    return VersionStatus(_status(version, min_version, latest_version), min_version, latest_version)


def _status(version: str | None, min_version: str | None, latest_version: str | None) -> Status:
    match = _VERSION.fullmatch((version or "").strip())
    if match is None:
        return "ok"
    numbers = _numbers(match[1])
    if min_version and numbers < _numbers(min_version):
        return "unsupported"
    if latest_version is None:
        return "ok"
    latest = _numbers(latest_version)
    if numbers[0] < latest[0]:
        return "deprecated"
    return "outdated" if numbers < latest else "ok"


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version. Missing ones are 0."""
    numbers = [int(part) for part in version.split(".")]
    return (*numbers, *(0 for _ in range(4 - len(numbers))))
