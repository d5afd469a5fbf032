"""Tests the chat in four apps: their own tests pass, and it changes none of their threads, tables or files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ..support.scripts import environment
from ..support.services import missing

HERE = Path(__file__).parent
APPS = sorted(path.name for path in (HERE / "apps").iterdir() if path.is_dir())


@contextmanager
def running(name: str, folder: Path, *, chat: bool) -> Iterator[subprocess.Popen[str]]:
    """Copy an app, put the chat into it if wanted, and run its tests until the end of the block."""
    shutil.copytree(HERE / "apps" / name, folder)
    arguments = ["report.json"]
    if chat:
        embedding = (HERE / "apps" / name / "embedding.diff").read_text()
        subprocess.run(["git", "apply", "-p0", "-"], cwd=folder, input=embedding, text=True, check=True)
        arguments.append("chat_test.py")
    with subprocess.Popen(
        [sys.executable, str(HERE / "driver.py"), *arguments],
        cwd=folder,
        # Plugins of other tests take longer to import than these tests to run.
        env=environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTHONDONTWRITEBYTECODE="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def report_of(process: subprocess.Popen[str], folder: Path) -> dict[str, Any]:
    """What the driver wrote, once it is through."""
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    assert (found["status"], found.get("chat", 0)) == (0, 0), output
    return found


@pytest.fixture(params=APPS)
def name(request: pytest.FixtureRequest) -> str:
    if shutil.which("git") is None:
        missing("git", FileNotFoundError())
    return str(request.param)


def test_an_apps_own_tests_pass_with_the_chat_and_nothing_of_it_changes(name: str, tmp_path: Path) -> None:
    plain, embedded = tmp_path / "plain", tmp_path / "embedded"
    with running(name, plain, chat=False) as first, running(name, embedded, chat=True) as second:
        without, with_chat = report_of(first, plain), report_of(second, embedded)
    assert len(without["passed"]) >= 4
    for what in ("passed", "threads", "tables", "files"):
        assert with_chat[what] == without[what], what
    # In seconds of the processor: importing the chat, and setting it up for the app of each test.
    assert with_chat["seconds"] < without["seconds"] + 3


@pytest.mark.parametrize("name", APPS)
def test_the_chat_is_put_into_an_app_by_at_most_twenty_lines(name: str) -> None:
    embedding = (HERE / "apps" / name / "embedding.diff").read_text()
    added = [line for line in embedding.splitlines() if re.match(r"\+(?!\+\+ )\s*\S", line)]
    assert 5 <= len(added) <= 20, added
    assert "PocketPing" in embedding


def test_the_apps_are_those_that_people_write() -> None:
    sources = {name: "".join(path.read_text() for path in (HERE / "apps" / name).rglob("*.py")) for name in APPS}
    assert {"sqlite3", "session"} <= set(re.findall(r"\w+", sources["notes"]))
    wanted = {
        "shop": {"flask_login", "flask_sqlalchemy", "flask_migrate", "flask_babel"},
        "api": {"flask_jwt_extended"},
        "club": {"flask_talisman", "flask_wtf", "flask_limiter", "flask_caching", "flask_session"},
    }
    for name, packages in wanted.items():
        assert packages <= set(re.findall(r"from (\w+)", sources[name])), name
