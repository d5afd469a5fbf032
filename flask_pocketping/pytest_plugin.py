"""The pytest plugin, for the tests of host apps: fixtures, and a guard for the developer's own files.

pytest loads it in every run, so nothing else of the package is imported before a fixture asks for it.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pytest

from .host import folders

if TYPE_CHECKING:
    from flask import Flask

    from .testing import OperatorClient, SentSignal, Visitor

_BEFORE = pytest.StashKey[Callable[["Flask"], Path] | None]()
_MINE = pytest.StashKey["_TemporaryFolders"]()
_numbers = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the default SQLite file and the default folder of uploads out of instance folders while pytest runs."""
    config.stash[_BEFORE] = folders.redirect
    config.stash[_MINE] = folders.redirect = _TemporaryFolders(config.rootpath, config.getoption("basetemp"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the tests have left there."""
    mine = config.stash.get(_MINE, None)
    if mine is not None:
        folders.redirect = config.stash[_BEFORE]
        mine.close()


class _TemporaryFolders:
    """Gives each app a folder that ends with the run of pytest.

    :param root: pytest's root directory. An instance folder in it is the developer's, wherever that is.
    :param basetemp: where the folders of tests are, if that is not the system's own choice.
    """

    def __init__(self, root: Path, basetemp: str | None) -> None:
        self._root = root.resolve()
        self._basetemp = Path(basetemp).resolve() if basetemp else None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._folders: WeakKeyDictionary[Flask, Path] = WeakKeyDictionary()

    def __call__(self, app: Flask) -> Path:
        own = Path(app.instance_path)
        if self._is_temporary(own.resolve()):
            return own
        if app not in self._folders:
            if self._temporary is None:
                self._temporary = tempfile.TemporaryDirectory(prefix="pytest-pocketping-", ignore_cleanup_errors=True)
            self._folders[app] = Path(tempfile.mkdtemp(dir=self._temporary.name))
        return self._folders[app]

    def close(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def _is_temporary(self, folder: Path) -> bool:
        if self._basetemp is not None and folder.is_relative_to(self._basetemp):
            return True
        system = Path(tempfile.gettempdir()).resolve()
        return folder.is_relative_to(system) and not folder.is_relative_to(self._root)


@pytest.fixture
def pocketping_app(request: pytest.FixtureRequest) -> Flask:
    """The app under test: what the fixture `app` gives. Override this one if yours has another name."""
    found: Flask = request.getfixturevalue("app")
    return found


@pytest.fixture
def pocketping_database(pocketping_app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty database for the chat, for the length of the test.

    An app whose engine was passed to `PocketPing` (`engine=`, `db=`) keeps it: the chat is then in the database that
    the app's own tests made.
    """
    from .testing import empty_database

    with empty_database(pocketping_app, tmp_path_factory.mktemp("pocketping")):
        yield


@pytest.fixture
def pocketping_visitor(pocketping_app: Flask, pocketping_database: None) -> Visitor:
    """A visitor with a conversation, as `flask_pocketping.testing.Visitor`, at an address of their own."""
    from .testing import Visitor

    # Limits are counted for each address, also over many tests of one app. These addresses are for tests (RFC 2544).
    number = next(_numbers) % 65536
    return Visitor(pocketping_app, address=f"198.18.{number // 256}.{number % 256}")


@pytest.fixture
def pocketping_operator(pocketping_app: Flask, pocketping_database: None) -> OperatorClient:
    """Somebody who answers, as `flask_pocketping.testing.OperatorClient`."""
    from .testing import OperatorClient

    return OperatorClient(pocketping_app)


@pytest.fixture
def pocketping_signals(pocketping_app: Flask) -> Iterator[list[SentSignal]]:
    """The signals that the app sends during the test, in order, as `flask_pocketping.testing.recorded_signals`."""
    from .testing import recorded_signals

    with recorded_signals(pocketping_app) as sent:
        yield sent
