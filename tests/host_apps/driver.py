"""Runs the tests of the app in the current folder, and those of the chat in it, and says what they left behind.

Called as `python driver.py REPORT [CHAT_TEST]`; writes a JSON object to the file REPORT.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

TESTS, CHAT = Path("left-by-tests"), Path("left-by-chat")


class Count:
    """Counts the tests that passed."""

    def __init__(self) -> None:
        self.passed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.passed.append(report.nodeid)


def tables_of(path: Path) -> dict[str, str]:
    """The tables of a SQLite file that are not the chat's, and how each was made."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name: sql for name, sql in rows if not name.startswith("pocketping_")}


def databases_in(folder: Path) -> list[Path]:
    """The SQLite files of a folder, whatever they are called."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if path.read_bytes()[:16] == b"SQLite format 3\0"]


def files_of(folder: Path) -> list[str]:
    """The files of a folder, with an ellipsis where a part of a name is made at random."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted({re.sub("[0-9a-f]{12,}", "…", path.as_posix()) for path in found})


def main() -> None:
    """Run the tests and write the report."""
    report, chat_test = Path(sys.argv[1]), sys.argv[2:3]
    sys.path.insert(0, str(Path.cwd()))
    count = Count()
    options = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "."]
    started = time.process_time()
    status = pytest.main([*options, f"--basetemp={TESTS}", "tests"], [count])
    seconds = time.process_time() - started
    found: dict[str, Any] = {
        "status": int(status),
        "passed": sorted(count.passed),
        "seconds": seconds,
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "tables": {str(path): tables_of(path) for path in databases_in(TESTS)},
        "files": [name for folder in (TESTS, Path("instance")) for name in files_of(folder)],
    }
    if chat_test:
        found["chat"] = int(pytest.main([*options, f"--basetemp={CHAT}", *chat_test]))
    report.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
