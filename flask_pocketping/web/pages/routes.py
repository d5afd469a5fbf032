"""The routes that are no JSON: the inbox, and the files that pages load."""

from __future__ import annotations

from flask import Blueprint, Response
from werkzeug.wrappers import Response as AnyResponse

from ...state import State
from .assets import find_assets
from .inbox import serve_inbox

#: The paths of each endpoint. The length keeps files of a host's own, beside us at the root, out of this.
PAGES = {
    "assets": ("/assets/<string(length=12):build>/<path:path>",),
    "inbox": ("/inbox", "/inbox/<path:rest>"),
}


def add_pages(state: State, blueprint: Blueprint) -> None:
    """Register them."""

    def assets(build: str, path: str) -> Response:
        return find_assets().serve(build, path)

    def inbox(rest: str = "") -> AnyResponse:
        return serve_inbox(state)

    for view in (assets, inbox):
        for path in PAGES[view.__name__]:
            blueprint.add_url_rule(path, view.__name__, view)
