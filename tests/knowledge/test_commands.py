"""Tests what a host app calls: the methods of `PocketPing`, the commands, and the code of docs/knowledge.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_pocketping import PocketPing
from flask_pocketping.errors import InvalidRequest
from flask_pocketping.values import KnowledgeChanges, KnowledgeDocument

from ..conftest import LOCAL
from ..support.pages import DOCS, blocks
from ..support.servers import make_app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "help"
    made.mkdir()
    (made / "returns.md").write_text("---\nurl: /returns\n---\n# Returns\n## Refunds\nYou get your money back.")
    (made / "blank.md").write_text("")
    return made


@pytest.fixture
def pocketping(shop: Flask) -> Iterator[PocketPing]:
    """The extension of the shop, within its context."""
    with shop.app_context():
        yield pocketping_of(shop)


@pytest.fixture
def shop(tmp_path: Path, folder: Path) -> Iterator[Flask]:
    app = make_app(tmp_path, ai_knowledge=folder, **LOCAL)
    yield app
    app.extensions["pocketping"].runtime.close()


def run(app: Flask, *arguments: str, code: int = 0) -> Any:
    result = app.test_cli_runner().invoke(args=["pocketping", "ai", *arguments])
    assert result.exit_code == code, result.output
    return result


def pocketping_of(app: Flask) -> PocketPing:
    found = app.extensions["test_pocketping"]
    assert isinstance(found, PocketPing)
    return found


def test_index_reads_the_folder_and_tells_what_it_left_out(shop: Flask, folder: Path) -> None:
    done = run(shop, "index")
    assert done.stdout == f"{folder}: 1 added, 0 changed, 0 removed, 0 unchanged.\n"
    assert done.stderr == "blank.md is not indexed: text: May not be blank.\n"
    (folder / "returns.md").unlink()
    assert json.loads(run(shop, "index", "--json").stdout) == {"added": 0, "changed": 0, "removed": 1, "unchanged": 0}
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert "can't be read: No such file or directory." in run(shop, "index", code=1).output


def test_search_shows_what_a_question_finds(shop: Flask) -> None:
    run(shop, "index")
    assert run(shop, "search", "Do I get my money?").stdout == (
        "1. Returns > Refunds (folder: returns.md, version 1) /returns\n   You get your money back.\n"
    )
    assert run(shop, "search", "nothing").stdout == "No passage has a word of this question.\n"
    (found,) = json.loads(run(shop, "search", "money", "--json").stdout)
    assert found | {"id": "", "score": 0} == {
        "id": "",
        "version": 1,
        "title": "Returns > Refunds",
        "text": "You get your money back.",
        "url": "/returns",
        "document": "returns.md",
        "source": "folder",
        "score": 0,
    }
    assert run(shop, "search", "money", "--project", "proj_none").stdout == "No passage has a word of this question.\n"
    run(shop, "search", "money", "--limit", "21", code=2)


def test_without_the_setting_what_was_indexed_is_removed(tmp_path: Path, shop: Flask) -> None:
    run(shop, "index")
    with shop.app_context():
        pocketping_of(shop).add_knowledge("k", "Code", "money")
    bare = make_app(tmp_path, **LOCAL)
    told = run(bare, "index").stdout
    assert told == "POCKETPING_AI_KNOWLEDGE is not set. 0 added, 0 changed, 1 removed, 0 unchanged.\n"
    with bare.app_context():
        assert [passage.title for passage in pocketping_of(bare).search_knowledge("money")] == ["Code"]
    bare.extensions["pocketping"].runtime.close()


def test_an_app_hands_over_texts(pocketping: PocketPing) -> None:
    assert pocketping.add_knowledge("faq/1", "Gift cards", "<p>Three years.", url="/faq", format="html") is True
    assert pocketping.add_knowledge("faq/1", "Gift cards", "<p>Three years.", url="/faq", format="html") is False
    (passage,) = pocketping.search_knowledge("years", limit=3)
    assert (passage.title, passage.text, passage.url) == ("Gift cards", "Three years.", "/faq")
    assert pocketping.sync_knowledge(
        [{"key": "a", "title": "A", "text": "alpha"}, KnowledgeDocument("b", "", "# B\nbeta")]
    ) == KnowledgeChanges(added=2, removed=1)
    assert pocketping.search_knowledge("years") == []
    assert pocketping.remove_knowledge("a") is True
    assert pocketping.remove_knowledge("a") is False
    with pytest.raises(InvalidRequest, match="url"):
        pocketping.add_knowledge("c", "C", "text", url="javascript:alert(1)")
    with pytest.raises(TypeError):
        pocketping.sync_knowledge([{"key": "a", "title": "A", "body": "alpha"}])


def test_the_code_of_the_page_runs(pocketping: PocketPing, capsys: pytest.CaptureFixture[str]) -> None:
    add, sync = blocks(DOCS / "knowledge.md", "python")
    exec(add.text, {"pocketping": pocketping})
    exec(sync.text, {"pocketping": pocketping})
    assert capsys.readouterr().out == "1 0 0 0\n"
    assert pocketping.search_knowledge("dishwasher")[0].url == "/products/1"
