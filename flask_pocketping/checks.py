"""The checks of `flask pocketping check`. Each one reports findings with advice, and none changes anything."""

from __future__ import annotations

import argparse
import ast
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool
from werkzeug.middleware.proxy_fix import ProxyFix

from .chat.projects import is_ready
from .errors import PocketPingError
from .host.servers import open_files_limit
from .knowledge.indexer import FolderIndexer
from .models import DEFAULT_PROJECT
from .state import State, state_of

Level = Literal["ok", "warning", "error"]

_LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
_NEW_KEY = "Create one with: python -c 'import secrets; print(secrets.token_hex())'"
_INDEX = "Run `flask pocketping ai index`, or start the worker, which does it too."
#: Worker classes of gunicorn whose sockets can be taken over.
_LIVE = {"sync", "gthread", "gevent"}
_GUESSED = {"dev", "development", "secret", "secretkey", "changeme", "test", "testing", "password", "key", "notsecret"}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    :ivar level: `ok`, `warning` or `error`. Do not deploy an app with an `error`.
    :ivar subject: the subject of the check, in a word or two.
    :ivar text: the result in one sentence, without secrets.
    :ivar advice: what to do, in one sentence; empty if there is nothing to do.
    """

    level: Level
    subject: str
    text: str
    advice: str = ""


@dataclass(frozen=True)
class ServerSettings:
    """The settings of gunicorn, read without starting it.

    :ivar source: where the settings are from; empty if there are none.
    :ivar values: the settings by gunicorn's names; `None` for a computed value.
    """

    source: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def worker_class(self) -> str | None:
        """The worker class of gunicorn, or `None` if it is computed."""
        found = self.values.get("worker_class", "sync")
        # gunicorn replaces sync workers with threads by gthread workers.
        return "gthread" if found == "sync" and (self.threads or 2) > 1 else found

    @property
    def threads(self) -> int | None:
        """The number of threads per process, or `None` if it is computed."""
        return _whole(self.values.get("threads", 1))

    @property
    def workers(self) -> int | None:
        """The number of processes, or `None` if it is computed."""
        return _whole(self.values.get("workers", 1))


def run_checks(app: Flask, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> list[Finding]:
    """Check the deployment of an app.

    :param app: an app with `PocketPing`.
    :param environ: the environment variables. Default: those of this process.
    :param folder: the folder where gunicorn starts. Default: the current folder.
    :return: the findings, in the order of the docs.
    """
    state = state_of(app)
    server = read_gunicorn(os.environ if environ is None else environ, folder or Path.cwd())
    return [
        *_check_server(state, server),
        *_check_debug(app),
        *_check_secret(app, state),
        *_check_database(state, server),
        *_check_redis(state, server),
        *_check_proxy(app, state, server),
        *_check_addresses(app, state),
        *_check_worker(state),
        *_check_knowledge(state),
    ]


def read_gunicorn(environ: Mapping[str, str], folder: Path) -> ServerSettings:
    """Read gunicorn's settings from `GUNICORN_CMD_ARGS`, its configuration file and `WEB_CONCURRENCY`.

    The configuration file is Python code. This function reads it without running it, so computed values are unknown.

    :param environ: the environment variables.
    :param folder: the folder where gunicorn starts.
    """
    values: dict[str, Any] = {}
    sources = []
    if concurrency := environ.get("WEB_CONCURRENCY"):
        values["workers"] = concurrency
    given = _read_arguments(environ.get("GUNICORN_CMD_ARGS", ""))
    named = str(given.pop("config", "./gunicorn.conf.py")).removeprefix("file:")
    path = folder / named
    if not named.startswith("python:") and path.is_file():
        sources.append(path.name)
        values |= _read_assignments(path)
    if given:
        sources.append("GUNICORN_CMD_ARGS")
        values |= given
    return ServerSettings(" and ".join(sources), values)


def _read_arguments(text: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS, exit_on_error=False)
    parser.add_argument("-c", "--config")
    parser.add_argument("-k", "--worker-class")
    parser.add_argument("-w", "--workers")
    parser.add_argument("-b", "--bind")
    parser.add_argument("--threads")
    parser.add_argument("--worker-connections")
    parser.add_argument("--certfile")
    try:
        found, _ = parser.parse_known_args(shlex.split(text))
    except (ValueError, argparse.ArgumentError):
        return {}
    return vars(found)


def _read_assignments(path: Path) -> dict[str, Any]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return {}
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                value = None
            found |= dict.fromkeys(names, value)
    return found


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


# --- The checks


def _check_server(state: State, server: ServerSettings) -> Iterator[Finding]:
    subject = "Server"
    if not server.source:
        yield Finding(
            "ok",
            subject,
            "The web server is unknown: there is no gunicorn.conf.py in this folder and no GUNICORN_CMD_ARGS.",
            "Serve the app with gunicorn, not with `flask run`, and put its settings into gunicorn.conf.py.",
        )
        return
    name = server.worker_class
    which = f"gunicorn ({server.source}) with {name or 'a computed worker class'}"
    if name not in _LIVE:
        yield Finding(
            "warning",
            subject,
            f"{which}: its support for live connections is not known. Without support, pages poll.",
            "Set worker_class to sync, gthread or gevent, which are tested.",
        )
    elif server.values.get("certfile") and name == "sync":
        yield Finding(
            "warning",
            subject,
            f"{which} handles TLS itself, so it can't hold live connections, and pages poll.",
            'Set worker_class to "gthread" with threads, or let a proxy handle TLS.',
        )
    elif server.values.get("certfile"):
        yield Finding(
            "warning",
            subject,
            f"{which} handles TLS itself, so live connections hold threads or greenlets, at most a quarter of them.",
            "Let a proxy handle TLS, or set threads to more than four times the connections that you expect.",
        )
    else:
        most = state.config.process_socket_limit or open_files_limit() * 3 // 4
        yield Finding("ok", subject, f"{which}: each process can hold {most} live connections.")


def _check_debug(app: Flask) -> Iterator[Finding]:
    if app.debug:
        yield Finding(
            "error",
            "Debug mode",
            "Debug mode is on. Anyone who reaches its debugger can run code.",
            "Unset FLASK_DEBUG and DEBUG.",
        )


def _check_secret(app: Flask, state: State) -> Iterator[Finding]:
    subject = "SECRET_KEY" if not state.config.secret else "POCKETPING_SECRET"
    key = state.config.secret or app.secret_key or ""
    text = key if isinstance(key, str) else key.decode("latin-1")
    guessed = "".join(filter(str.isalnum, text)).lower() in _GUESSED
    if guessed or len(text) < 16 or len(set(text)) < 5:
        yield Finding("error", subject, "The key that signs visitors' handles is easy to guess.", _NEW_KEY)
    elif len(text) < 32:
        yield Finding("warning", subject, f"The key for visitors' handles has only {len(text)} characters.", _NEW_KEY)
    else:
        yield Finding("ok", subject, f"The key for visitors' handles has {len(text)} characters.")
    if state.config.secret:
        yield from _check_host_secret(app)
    api_key = state.config.api_key
    if api_key is not None and (len(api_key) < 20 or len(set(api_key)) < 5):
        yield Finding(
            "error",
            "POCKETPING_API_KEY",
            "The API key, which opens every conversation, is easy to guess.",
            "Create one with `flask pocketping keys create` and unset this, or set 32 random characters.",
        )


def _check_host_secret(app: Flask) -> Iterator[Finding]:
    if app.secret_key and len(app.secret_key) < 16:
        yield Finding("warning", "SECRET_KEY", "The key that signs the app's cookies is easy to guess.", _NEW_KEY)


def table_problem(state: State) -> str:
    """Find a problem with the tables.

    :return: a sentence that names the command to run, or an empty string.
    :raises DBAPIError: if the database does not respond.
    """
    try:
        if is_ready(state.db):
            return ""
    except PocketPingError as error:
        return str(error)
    return "The default project is missing. Create it with: flask pocketping init-db"


def _check_database(state: State, server: ServerSettings) -> Iterator[Finding]:
    try:
        problem = table_problem(state)
    except (DBAPIError, OSError) as error:
        yield Finding(
            "error",
            "Database",
            f"The database can't be used ({type(getattr(error, 'orig', error)).__name__}).",
            "Make sure that it runs and that POCKETPING_DATABASE_URI (or the app's own setting) is right.",
        )
        return
    if problem:
        what, _, advice = problem.partition(". ")
        yield Finding("error", "Tables", f"{what}.", advice or "Run: flask pocketping init-db")
    else:
        yield Finding("ok", "Tables", "All tables exist.")
    yield from _check_pool(state, server)


def _check_pool(state: State, server: ServerSettings) -> Iterator[Finding]:
    pool = state.db.engine.pool
    if state.db.is_sqlite:
        if isinstance(pool, StaticPool) or not state.db.engine.url.database:
            yield Finding(
                "error",
                "Database",
                "The database is in memory. It ends with the process, and other processes can't use it.",
                "Set POCKETPING_DATABASE_URI to a permanent database.",
            )
        else:
            yield Finding("ok", "Database", "SQLite works well on one machine with a local disk.")
    elif isinstance(pool, QueuePool):
        yield from _check_size(pool, server)


def _check_size(pool: QueuePool, server: ServerSettings) -> Iterator[Finding]:
    # SQLAlchemy has no public name for this; -1 means no limit.
    overflow = getattr(pool, "_max_overflow", 0)
    if overflow < 0:
        yield Finding("ok", "Pool", "The engine has no limit of connections.")
        return
    size = pool.size() + overflow
    # The thread that follows the log and the one that makes deliveries use connections too.
    wanted = (server.threads or 1) + 2 if server.worker_class == "gthread" else 3
    if server.worker_class in {"gevent", "eventlet"}:
        wanted = 10
    if size < wanted:
        yield Finding(
            "warning",
            "Pool",
            f"The engine opens at most {size} connections per process, and a process may need {wanted} at once.",
            "Give the engine a larger pool_size.",
        )
    else:
        processes = f", in {server.workers} processes" if (server.workers or 1) > 1 else ""
        yield Finding("ok", "Pool", f"The engine opens at most {size} connections per process{processes}.")


def _check_redis(state: State, server: ServerSettings) -> Iterator[Finding]:
    if not state.config.redis_url:
        several = (server.workers or 2) > 1 and server.source
        late = f" Messages from other processes arrive about {state.config.poll_interval:g} s late."
        yield Finding("ok", "Redis", f"Redis is not used.{late if several else ''}")
        return
    # The app would not have started without this extra.
    import redis

    client = redis.Redis.from_url(state.config.redis_url, socket_timeout=2.0, socket_connect_timeout=2.0)
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        yield Finding(
            "error",
            "Redis",
            f"Redis can't be reached ({type(error).__name__}). Updates are late, and limits count per process.",
            "Make sure that it runs and that POCKETPING_REDIS_URL is right.",
        )
    else:
        yield Finding("ok", "Redis", "Redis responds.")
    finally:
        client.close()


def _check_proxy(app: Flask, state: State, server: ServerSettings) -> Iterator[Finding]:
    if _has_proxy_fix(app):
        yield Finding("ok", "Proxy", "ProxyFix gives the app the visitors' addresses.")
        return
    hints = []
    if urlsplit(state.config.public_url or "").scheme == "https" and not server.values.get("certfile"):
        hints.append("POCKETPING_PUBLIC_URL is https")
    bind = server.values.get("bind") or ""
    binds = [bind] if isinstance(bind, str) else [str(item) for item in bind]
    if any(item.startswith(("unix:", "127.", "localhost", "[::1]")) for item in binds):
        hints.append("gunicorn listens only on this machine")
    if not hints:
        yield Finding("ok", "Proxy", "There seems to be no proxy.")
        return
    yield Finding(
        "warning",
        "Proxy",
        f"There seems to be a proxy ({' and '.join(hints)}), and the app has no ProxyFix. So all visitors have the "
        "same address and share its limits.",
        "Add app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1) to the module that gunicorn loads.",
    )


def _has_proxy_fix(app: Flask) -> bool:
    # Middleware has no common name for the app that it wraps. These are the usual ones.
    seen: list[Any] = [app.wsgi_app]
    for layer in seen:
        if isinstance(layer, ProxyFix):
            return True
        for name in ("app", "wsgi_app", "application", "_app"):
            inner = getattr(layer, name, None)
            if callable(inner) and not isinstance(inner, Flask) and inner not in seen and len(seen) < 20:
                seen.append(inner)
    return False


def _check_addresses(app: Flask, state: State) -> Iterator[Finding]:
    public_url, origins = state.config.public_url, state.config.cors_origins
    if origins and not public_url:
        yield Finding(
            "warning",
            "Public URL",
            "Pages of other origins use the chat (POCKETPING_CORS_ORIGINS), but the addresses of files are relative.",
            "Set POCKETPING_PUBLIC_URL to the address of the app for browsers.",
        )
    elif public_url:
        yield Finding("ok", "Public URL", f"The addresses of files begin with {public_url}.")
    else:
        yield Finding("ok", "Public URL", "Not set. This is fine for pages of the app's own origin.")
    insecure = [url for url in (public_url, *origins) if url and _is_insecure(url)]
    if insecure:
        yield Finding(
            "warning",
            "HTTPS",
            f"Without https, others can read what visitors write: {', '.join(insecure)}.",
            "Serve these addresses over https and change them in POCKETPING_PUBLIC_URL and POCKETPING_CORS_ORIGINS.",
        )
    elif public_url and public_url.startswith("https://") and not app.config.get("SESSION_COOKIE_SECURE"):
        yield Finding(
            "warning",
            "HTTPS",
            "Browsers send the app's session cookie, which identifies operators, over http too.",
            "Set SESSION_COOKIE_SECURE to True.",
        )
    elif public_url:
        yield Finding("ok", "HTTPS", "Visitors and operators use https.")
    else:
        yield Finding("ok", "HTTPS", "Unknown without POCKETPING_PUBLIC_URL.", "Set it to check this.")


def _is_insecure(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.netloc.rpartition("@")[2].partition(":")[0] not in _LOCAL_HOSTS


def _check_worker(state: State) -> Iterator[Finding]:
    if state.config.worker == "off":
        yield Finding(
            "ok",
            "Deliveries",
            "The serving processes make no deliveries (POCKETPING_WORKER is off).",
            "Keep `flask pocketping worker` running.",
        )
    else:
        yield Finding("ok", "Deliveries", "Each serving process makes deliveries.")


def _check_knowledge(state: State) -> Iterator[Finding]:
    """Check the knowledge base of the default project, if there is one or an AI that could use it."""
    subject = "Knowledge"
    try:
        if state.folder_indexer is not None:
            yield from _check_folder(state.folder_indexer)
        elif left := len(state.knowledge.stored(DEFAULT_PROJECT, "folder")):
            yield Finding(
                "warning",
                subject,
                f"POCKETPING_AI_KNOWLEDGE is not set, but {_counted(left, 'text')} of an earlier folder can be found.",
                "Run: flask pocketping ai index",
            )
        if code := state.knowledge.stored(DEFAULT_PROJECT):
            number = sum(document.passages for document in code.values())
            text = f"{_counted(len(code), 'text')} of the app, with {_counted(number, 'passage')}, can be found."
            yield Finding("ok", subject, text)
        elif state.ai is not None and state.folder_indexer is None:
            yield Finding(
                "ok",
                subject,
                "The AI has no texts of the site to answer from.",
                "Set POCKETPING_AI_KNOWLEDGE to a folder with help pages, or call add_knowledge.",
            )
    except (DBAPIError, PocketPingError):
        # The check of the database has said why.
        return


def _check_folder(indexer: FolderIndexer) -> Iterator[Finding]:
    subject, folder = "Knowledge", indexer.folder
    try:
        found = indexer.inspect()
    except OSError as error:
        yield Finding(
            "error",
            subject,
            f"{folder} can't be read: {error.strerror or type(error).__name__}.",
            "Create the folder of POCKETPING_AI_KNOWLEDGE, and let the app's user read it.",
        )
        return
    if found.skipped:
        yield Finding(
            "warning",
            subject,
            f"{_counted(len(found.skipped), 'file')} of {folder} can't be indexed.",
            "Run `flask pocketping ai index`, which names them.",
        )
    if not found.files and not found.texts:
        yield Finding(
            "warning",
            subject,
            f"{folder} has no texts.",
            "Put Markdown, text or HTML files into it, or unset POCKETPING_AI_KNOWLEDGE.",
        )
    elif not found.texts:
        yield Finding(
            "warning", subject, f"{_counted(found.files, 'text')} of {folder} can't be found: not indexed yet.", _INDEX
        )
    elif not found.is_current:
        yield Finding(
            "warning",
            subject,
            f"The index of {folder} is out of date: {found.new} new, {found.changed} changed, {found.gone} removed.",
            _INDEX,
        )
    else:
        indexed = f"{_counted(found.texts, 'text')}, with {_counted(found.passages, 'passage')}"
        yield Finding("ok", subject, f"{folder} is indexed: {indexed}.")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
