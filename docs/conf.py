"""The configuration of Sphinx: Markdown pages by MyST, the furo theme, nothing from the network."""

from __future__ import annotations

from importlib.metadata import version as distribution_version

project = "Flask-PocketPing"
author = "Flask-PocketPing contributors"
project_copyright = author
release = distribution_version("flask-pocketping")
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
# Docstrings mark code as Markdown does, with single backticks.
default_role = "literal"

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

# Quotation marks in values must stay straight.
smartquotes = False

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = f"Flask-PocketPing {version}"
