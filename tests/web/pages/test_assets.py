"""Tests the files of the widget and the inbox: their addresses, types and caching."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
import requests
from flask import Flask

from flask_pocketping.web.pages.assets import find_assets

from ...conftest import Serve
from ...support.clients import Api

WIDGET = "widget/widget.js"


def fetch(api: Api, path: str, build: str | None = None, **headers: str) -> requests.Response:
    address = f"{api.url}/assets/{build or find_assets().build}/{path}"
    return requests.get(address, headers=headers, timeout=30)


def test_a_file_at_its_current_address_is_cached_forever(shared: Api) -> None:
    answer = fetch(shared, WIDGET)
    assert answer.status_code == 200
    assert answer.content == find_assets().files[WIDGET].content
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_clients_that_accept_gzip_get_it(shared: Api) -> None:
    zipped, plain = (fetch(shared, WIDGET, **{"Accept-Encoding": name}) for name in ("gzip", "identity"))
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert zipped.content == plain.content
    assert int(zipped.headers["Content-Length"]) < int(plain.headers["Content-Length"])
    assert zipped.headers["ETag"] != plain.headers["ETag"]
    assert all("Accept-Encoding" in answer.headers["Vary"] for answer in (zipped, plain))


def test_the_whole_widget_is_small() -> None:
    sizes = {path: len(asset.zipped) for path, asset in find_assets().files.items() if path.startswith("widget/")}
    assert sum(sizes.values()) <= 20_000, sizes


def test_a_page_of_another_version_gets_the_current_file_uncached(shared: Api) -> None:
    answer = fetch(shared, WIDGET, "0123456789ab")
    assert answer.content == find_assets().files[WIDGET].content
    assert answer.headers["Cache-Control"] == "no-cache"
    again = fetch(shared, WIDGET, "0123456789ab", **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["widget/none.js", "widget", "..%2f__init__.py", "widget/..%2f..%2f__init__.py", "widget/%2e%2e/x.js", "%00"],
)
def test_only_files_in_the_folder_are_served(shared: Api, path: str) -> None:
    answer = fetch(shared, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_a_compressed_file_beside_a_file_is_used_while_it_is_current(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b"current")
    for content, used in ((b"current", True), (b"stale", False)):
        find_assets.cache_clear()
        beside = gzip.compress(content, 1)
        (tmp_path / "a.js.gz").write_bytes(beside)
        assets = find_assets(tmp_path)
        assert set(assets.files) == {"a.js"}
        assert gzip.decompress(assets.files["a.js"].zipped) == b"current"
        assert (assets.files["a.js"].zipped == beside) == used
    find_assets.cache_clear()


def test_files_of_other_types_are_not_served(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "notes.txt").write_text("secret")
    (tmp_path / "page.html").write_text("<script>")
    assert set(find_assets(tmp_path).files) == {"a.js"}


def test_the_modules_of_a_bundle_are_not_served(tmp_path: Path) -> None:
    (tmp_path / "widget" / "src").mkdir(parents=True)
    (tmp_path / "widget" / "src" / "main.js").write_text("1")
    (tmp_path / "widget" / "widget.js").write_text("2")
    assert set(find_assets(tmp_path).files) == {"widget/widget.js"}


def test_a_style_sheet_includes_its_imports(tmp_path: Path) -> None:
    (tmp_path / "styles").mkdir()
    (tmp_path / "styles" / "list.css").write_text("ul { margin: 0; }\n")
    (tmp_path / "styles.css").write_text("@import 'styles/list.css';\np { margin: 0; }\n")
    assert find_assets(tmp_path).files["styles.css"].content == b"ul { margin: 0; }\n\np { margin: 0; }\n"


def test_the_modules_that_a_module_imports_are_found_each_once(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "main.js").write_text("import { App } from './app.js';\nimport {\n  a,\n} from './a.js';\n")
    (tmp_path / "app.js").write_text("import { Store } from './store/store.js';\n// from './none.js'\n")
    (tmp_path / "store" / "store.js").write_text("import { a } from '../a.js';\n")
    (tmp_path / "a.js").write_text("/** @import {App} from './types.js' */\nexport const a = 1;\n")
    assert find_assets(tmp_path).imported_by("main.js") == ["app.js", "a.js", "store/store.js"]


def test_the_address_changes_with_the_content_of_any_file(tmp_path: Path) -> None:
    builds = set()
    for name, content in (("a.js", "1"), ("a.js", "2"), ("b.css", "3")):
        (tmp_path / name).write_text(content)
        find_assets.cache_clear()
        builds.add(find_assets(tmp_path).build)
    find_assets.cache_clear()
    assert len(builds) == 3
    assert all(re.fullmatch("[0-9a-f]{12}", build) for build in builds)


def test_modules_load_from_listed_origins_only(serve: Serve) -> None:
    api = serve(cors_origins="https://shop.example")
    allowed = fetch(api, WIDGET, Origin="https://shop.example")
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Origin" in allowed.headers["Vary"]
    assert "Access-Control-Allow-Origin" not in fetch(api, WIDGET, Origin="https://evil.example").headers


def test_the_hosts_own_assets_are_served_if_the_prefix_is_the_root(app: Flask, serve: Serve) -> None:
    app.add_url_rule("/assets/img/<path:name>", "own", lambda name: f"own {name}")
    api = serve(app)
    assert requests.get(api.url + "/assets/img/deep/logo.js", timeout=30).text == "own deep/logo.js"


def test_files_can_be_read_but_not_deleted(shared: Api) -> None:
    address = f"{shared.url}/assets/{find_assets().build}/{WIDGET}"
    assert requests.head(address, timeout=30).status_code == 200
    assert requests.delete(address, timeout=30).status_code == 405
