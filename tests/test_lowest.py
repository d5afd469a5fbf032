"""Tests that `make test-lowest` and the pages name the oldest allowed versions."""

from __future__ import annotations

import re
import tomllib

from .support.pages import DOCS, README, rows, sections
from .support.servers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def floors() -> dict[str, str]:
    """The lower bounds of what every installation gets, and of the client for Redis."""
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["redis"]]
    return dict(requirement.split(",")[0].split(">=") for requirement in wanted)


def shortest(version: str) -> str:
    return re.sub(r"(\.0)+$", "", version)


def test_the_short_suite_installs_exactly_the_lower_bounds() -> None:
    pins = dict(line.split("==") for line in (ROOT / "tests" / "lowest.txt").read_text().split())
    for name, floor in floors().items():
        assert shortest(pins[name]) == shortest(floor), name


def test_the_pages_name_the_lower_bounds() -> None:
    listed = {row[0].strip("`").lower(): row[1] for row in rows(sections(DOCS / "start.md")["Set up"])}
    for name in ("flask", "sqlalchemy", "marshmallow", "werkzeug"):
        assert shortest(listed[name]) == shortest(floors().get(name, "3.0")), name
    assert f"Flask {floors()['flask']}" in README.read_text()
