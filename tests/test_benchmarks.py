"""Tests that the benchmarks run and print their results. No test checks how fast anything is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .support.servers import ROOT

pytestmark = pytest.mark.slow


def run(part: str, folder: Path) -> tuple[str, dict[str, Any]]:
    """Run one part with small numbers.

    :return: what it printed and what it wrote.
    """
    found = folder / "numbers.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", part, "--json", str(found)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout, json.loads(found.read_text())[part]


def test_messages_are_measured_against_an_empty_view(tmp_path: Path) -> None:
    printed, kept = run("message", tmp_path)
    assert "ours / bare view" in printed
    assert kept["ratio"] > 0
    assert kept["target"] == 0.5


def test_the_latency_of_sockets_is_measured(tmp_path: Path) -> None:
    printed, kept = run("fanout", tmp_path)
    assert "kB a socket" in printed
    for quantiles in kept["milliseconds"].values():
        assert all(0 < p50 <= p99 for p50, p99 in quantiles.values())
    assert "send only" in kept["milliseconds"]
    assert "100 idle WebSockets on one gthread worker" in printed


def test_lists_are_measured_at_two_sizes(tmp_path: Path) -> None:
    printed, kept = run("lists", tmp_path)
    assert "large / small" in printed
    assert kept["databases"]["SQLite"]["ratios"].keys() >= {"sessions", "sessions, far inside", "newest messages"}


def test_deliveries_are_measured_against_plain_requests(tmp_path: Path) -> None:
    printed, kept = run("webhooks", tmp_path)
    assert "one worker / requests" in printed
    assert kept["ratio"] > 0
    assert kept["target"] == 300


def test_the_start_of_an_app_is_measured_against_its_dependencies(tmp_path: Path) -> None:
    printed, kept = run("start", tmp_path)
    assert "second PocketPing(app)" in printed
    assert kept["ratios"].keys() == {"import", "second"}
    assert all(kept[name]["ms"] > 0 for name in ("peers", "import", "first", "second"))


def test_the_size_and_speed_of_the_widget_are_measured(tmp_path: Path) -> None:
    printed, kept = run("widget", tmp_path)
    assert "usable after ms" in printed
    assert 0 < kept["bytes"] <= kept["target"] == 20_000
    for times in (kept["usable"], kept["screens"]):
        assert all(0 < p50 <= p99 for p50, p99 in times.values())
    assert kept["kb_per_widget"] > 0
