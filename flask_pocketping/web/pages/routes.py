"""The routes that are not JSON: the inbox, and the files that pages load."""

from __future__ import annotations

from flask import Blueprint, Response
from werkzeug.wrappers import Response as AnyResponse

from ...state import State
from .assets import find_assets
from .inbox import serve_inbox

#: The paths of each endpoint. The fixed length excludes the host's own assets if the prefix is the root.
PAGES = {
    "assets": ("/assets/<string(length=12):build>/<path:path>",),
    "inbox": ("/inbox", "/inbox/<path:rest>"),
}


def add_pages(state: State, blueprint: Blueprint) -> None:
    """Register the routes of pages and assets."""

    def assets(build: str, path: str) -> Response:
        return find_assets().serve(build, path)

    def inbox(rest: str = "") -> AnyResponse:
        return serve_inbox(state, rest)

    for view in (assets, inbox):
        for path in PAGES[view.__name__]:
            blueprint.add_url_rule(path, view.__name__, view)
