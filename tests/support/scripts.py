"""Running what pages show: shell lines, Python modules, JavaScript in Node."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

from .servers import ROOT, Process
from .services import missing

NODE = ("node", "--experimental-websocket")

# Each answer on a line of its own, and an error of HTTP is an error of the script.
_PROLOGUE = """
set -eu
curl() { command curl --fail-with-body --max-time 20 "$@" && echo; }
"""


def environment(**variables: str) -> dict[str, str]:
    """The environment of somebody who has activated this one's virtual environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **variables}


def run_shell(script: str, folder: Path, replace: Mapping[str, str]) -> str:
    """Run the lines of a shell script and return what they print.

    :param replace: what to write in the place of texts that must be there, such as addresses.
    """
    for tool in ("bash", "curl"):
        if shutil.which(tool) is None:
            missing(tool, FileNotFoundError())
    result = subprocess.run(
        ["bash", "-c", _PROLOGUE + replaced(script, replace)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout


def run_python(code: str, *arguments: str) -> None:
    """Run code in a process of its own, which must end well."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@contextmanager
def run_node(script: Path) -> Iterator[Process]:
    """Run a script in Node until the end of the block; its output is in the process's log."""
    _check_node()
    process = Process([*NODE, str(script)], environment(), script.with_suffix(".log"))
    try:
        yield process
    finally:
        process.kill()


@contextmanager
def imported(folder: Path, *names: str) -> Iterator[list[ModuleType]]:
    """Import modules from a folder, and forget them at the end of the block."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        yield [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            found = getattr(sys.modules[name], "__file__", None)
            if found and Path(found).is_relative_to(folder):
                del sys.modules[name]


def replaced(text: str, replace: Mapping[str, str]) -> str:
    """A text with other addresses and keys in it."""
    for old, new in replace.items():
        assert old in text, f"{old!r} is not in the page any more"
        text = text.replace(old, new)
    return text


@cache
def _node_works() -> bool:
    if shutil.which(NODE[0]) is None:
        return False
    return subprocess.run([*NODE, "-e", "WebSocket"], capture_output=True, timeout=60).returncode == 0


def _check_node() -> None:
    if not _node_works():
        missing("Node with WebSocket (20.10 or later)", FileNotFoundError())
