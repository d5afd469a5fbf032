"""The host app of tests that need processes of their own; its settings stand in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.servers import make_app

app = make_app(
    Path(os.environ["TEST_FOLDER"]),
    **{
        key.removeprefix("POCKETPING_").lower(): value
        for key, value in os.environ.items()
        if key.startswith("POCKETPING_") and not key.startswith("POCKETPING_TEST_")
    },
)
