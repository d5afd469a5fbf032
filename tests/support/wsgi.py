"""The host app of tests that need processes of their own; its settings stand in the environment."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask_pocketping import clock
from tests.support.servers import make_app

if ahead := float(os.environ.get("TEST_CLOCK_AHEAD", 0)):
    clock.set_clock(lambda: datetime.now(UTC) + timedelta(seconds=ahead))

app = make_app(
    Path(os.environ["TEST_FOLDER"]),
    **{
        key.removeprefix("POCKETPING_").lower(): value
        for key, value in os.environ.items()
        if key.startswith("POCKETPING_") and not key.startswith("POCKETPING_TEST_")
    },
)
