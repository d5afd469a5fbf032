"""Tests the JavaScript of the widget and the inbox: its types, its own tests, and the size of the widget."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .support.node import install_node_tools
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
    """The programs that the lock names."""
    try:
        return install_node_tools()
    except FileNotFoundError as error:
        missing("npm", error)
        raise


@pytest.fixture
def tsc(tools: Path) -> str:
    """TypeScript's compiler."""
    return str(tools / "tsc")


def test_the_bundle_is_built_from_the_current_modules(tools: Path, tmp_path: Path) -> None:
    made = tmp_path / "widget.js"
    run("npm", "run", "--silent", "widget", str(made))
    for name in ("widget.js", "widget.js.gz"):
        assert (tmp_path / name).read_bytes() == (STATIC / "widget" / name).read_bytes(), "run: make widget"


def test_the_types_are_correct(tsc: str) -> None:
    run(tsc, "-p", str(ROOT / "tsconfig.json"))


def test_a_wrong_type_is_found(tsc: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.js").write_text("/** @type {number} */\nexport const wrong = 'a text';\n")
    (tmp_path / "tsconfig.json").write_text(f'{{"extends": "{ROOT / "tsconfig.json"}", "include": ["wrong.js"]}}')
    with pytest.raises(AssertionError, match="TS2322"):
        run(tsc, "-p", str(tmp_path / "tsconfig.json"))


@pytest.mark.parametrize("part", ["widget", "inbox", "shared"])
def test_its_own_tests_pass(part: str) -> None:
    if shutil.which("node") is None:
        missing("Node", FileNotFoundError())
    # Node's versions differ in what a folder means, so the files are named.
    tests = sorted(str(path) for path in (SCRIPTS / part).rglob("*.test.js"))
    assert tests, f"no tests in {SCRIPTS / part}"
    output = run("node", "--test", "--test-reporter=tap", *tests)
    assert "# fail 0" in output
    assert "# pass 0" not in output
