"""What the chat costs an app that only has it installed: time and memory to import it, and time for each app."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from .report import Report
from .servers import ROOT

#: Milliseconds that the import, and the second app of a process, may take.
IMPORT_TARGET, APP_TARGET = 120.0, 10.0

# Milliseconds of processor time, which other work on the machine changes least, and kB of memory.
_MEASURE = """
import json, sys, time

def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE // 1024

def timed(work):
    memory_before, began = memory(), time.process_time()
    work()
    return {"ms": (time.process_time() - began) * 1000, "kb": memory() - memory_before}

def peers():
    import flask, marshmallow, sqlalchemy.orm

def ours():
    from flask_pocketping import PocketPing

def bare():
    import flask
    apps.append(flask.Flask("shop"))
    apps[-1].secret_key = "a secret of this benchmark"

def chat():
    import flask_pocketping
    flask_pocketping.PocketPing(apps[-1])

apps = []
found = {"peers": timed(peers), "import": timed(ours)}
bare()
found["first"] = timed(chat)
found["bare"] = timed(bare)
found["second"] = timed(chat)
print(json.dumps(found))
"""


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Time the start in processes of their own, and take the median."""
    report.title("The start of an app (processor time, median of fresh processes)")
    runs = [_run(folder) for _ in range(3 if quick else 15)]
    found = {
        name: {unit: statistics.median(run[name][unit] for run in runs) for unit in ("ms", "kb")} for name in runs[0]
    }
    labels = {
        "peers": "import Flask, SQLAlchemy and marshmallow",
        "import": "import PocketPing beside them",
        "first": "first PocketPing(app) of a process",
        "second": "second PocketPing(app)",
        "bare": "Flask(name), for comparison",
    }
    report.table(["", "ms", "MB"], [[labels[name], found[name]["ms"], found[name]["kb"] / 1024] for name in labels])
    ratios = {
        "import": found["import"]["ms"] / found["peers"]["ms"],
        "second": found["second"]["ms"] / found["first"]["ms"],
    }
    report.line(f"ours / the three it stands beside = {ratios['import']:.2f}; second / first = {ratios['second']:.2f}")
    for name, target in (("import", IMPORT_TARGET), ("second", APP_TARGET)):
        verdict = "met" if found[name]["ms"] <= target else "missed"
        report.line(
            f"Counts: {labels[name]} = {found[name]['ms']:.1f} ms; the target is {target:g} or less: {verdict}."
        )
    report.keep("start", {**found, "ratios": ratios, "targets": {"import": IMPORT_TARGET, "second": APP_TARGET}})


def _run(folder: Path) -> dict[str, Any]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("POCKETPING_", "FLASK_"))}
    shown = subprocess.run(
        [sys.executable, "-c", f"PAGE = {os.sysconf('SC_PAGE_SIZE')}\n{_MEASURE}"],
        cwd=folder,
        env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(shown.stdout)
    return found
