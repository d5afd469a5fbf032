"""How Sphinx builds these pages: Markdown by MyST, the furo theme, and nothing from the network."""

from __future__ import annotations

import sys
from importlib.metadata import version as distribution_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Flask-PocketPing"
author = "Flask-PocketPing contributors"
project_copyright = author
release = distribution_version("flask-pocketping")
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser", "settings", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "_ext"]
# Docstrings write code as Markdown does, between single backticks.
default_role = "literal"

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

# A straight quotation mark in a value is part of it.
smartquotes = False

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = f"Flask-PocketPing {version}"
