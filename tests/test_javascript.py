"""The JavaScript of widget and inbox: its types hold, its own tests pass, and it stays as small as promised."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from .support.servers import ROOT
from .support.services import missing

SCRIPTS = ROOT / "tests" / "js"
STATIC = ROOT / "flask_pocketping" / "static"


def run(*command: str) -> str:
    """Run a program in the project's folder; it must succeed."""
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert result.returncode == 0, f"{result.stdout[-5000:]}\n{result.stderr[-2000:]}"
    return result.stdout


@pytest.fixture
def tools() -> Path:
    """The programs that the lock names, installed if they are not there as it says; one worker at a time."""
    wanted = SCRIPTS / "package-lock.json"
    # What npm writes when it has finished.
    installed = SCRIPTS / "node_modules" / ".package-lock.json"
    with wanted.open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
            if shutil.which("npm") is None:
                missing("npm", FileNotFoundError())
            run("npm", "ci", "--prefix", str(SCRIPTS), "--no-audit", "--no-fund")
            installed.touch()
    return SCRIPTS / "node_modules" / ".bin"


@pytest.fixture
def tsc(tools: Path) -> str:
    """TypeScript's compiler."""
    return str(tools / "tsc")


def test_the_script_that_pages_load_is_made_of_the_modules_as_they_are(tools: Path, tmp_path: Path) -> None:
    made = tmp_path / "widget.js"
    run("npm", "run", "--prefix", str(SCRIPTS), "--silent", "widget", "--", f"--outfile={made}")
    assert made.read_bytes() == (STATIC / "widget" / "widget.js").read_bytes(), "run: make widget"


def test_the_types_hold(tsc: str) -> None:
    run(tsc, "-p", str(SCRIPTS / "tsconfig.json"))


def test_a_wrong_type_is_seen(tsc: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.js").write_text("/** @type {number} */\nexport const wrong = 'a text';\n")
    (tmp_path / "tsconfig.json").write_text(f'{{"extends": "{SCRIPTS / "tsconfig.json"}", "include": ["wrong.js"]}}')
    with pytest.raises(AssertionError, match="TS2322"):
        run(tsc, "-p", str(tmp_path / "tsconfig.json"))


@pytest.mark.parametrize("part", ["widget", "inbox"])
def test_its_own_tests_pass(part: str) -> None:
    if shutil.which("node") is None:
        missing("Node", FileNotFoundError())
    # Named one by one: what a folder means has changed between versions of Node.
    tests = sorted(str(path) for path in (SCRIPTS / part).rglob("*.test.js"))
    assert tests, f"no tests in {SCRIPTS / part}"
    output = run("node", *modules_by_default(), "--test", "--test-reporter=tap", *tests)
    assert "# fail 0" in output
    assert "# pass 0" not in output


def modules_by_default() -> list[str]:
    """What lets a Node take `.js` as modules that does not see it by itself."""
    flag = "--experimental-default-type"
    known = run("node", "-p", f"process.allowedNodeEnvironmentFlags.has('{flag}')")
    return [f"{flag}=module"] if known.strip() == "true" else []
