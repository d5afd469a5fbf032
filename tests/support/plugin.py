"""How a run of pytest gets our plugin."""

from __future__ import annotations

from importlib.metadata import entry_points

PLUGIN = "flask_pocketping.pytest_plugin"
#: Options for it. None are needed unless this checkout was installed before the plugin was declared.
LOAD = () if any(item.value == PLUGIN for item in entry_points(group="pytest11")) else ("-p", PLUGIN)
