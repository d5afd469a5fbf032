"""Install the JavaScript tools that package-lock.json names; `make check` and the tests of the JavaScript call it."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LOCK = ROOT / "package-lock.json"
# npm writes it when it has finished.
_INSTALLED = ROOT / "node_modules" / ".package-lock.json"


def install_node_tools() -> Path:
    """Run `npm ci` unless `node_modules` is up to date, in one process at a time.

    :returns: the folder of the programs.
    :raises FileNotFoundError: if they are missing and there is no npm.
    :raises subprocess.CalledProcessError: if npm fails.
    """
    with _LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _INSTALLED.exists() or _INSTALLED.stat().st_mtime < _LOCK.stat().st_mtime:
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=ROOT, check=True)
            _INSTALLED.touch()
    return ROOT / "node_modules" / ".bin"


if __name__ == "__main__":
    install_node_tools()
