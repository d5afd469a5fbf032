"""`python -m example_app` prints the addresses and accounts, then serves the shop until Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
import os
import signal

from flask import Flask
from sqlalchemy.exc import DBAPIError
from werkzeug.serving import make_server

from flask_pocketping import PocketPingError

from . import create_app, pocketping
from .demo_ai import describe_ai
from .seed import CUSTOMERS, EMPLOYEES, PASSWORD

GREETING = """\

  Hearth & Leaf, a tea shop with live chat

  Shop        {url}/
  Inbox       {api}/inbox
  Customer    {customer}
  Operator    {operator}
  Password    {password} (for both)
  API key     {key}
  AI          {ai}

  List the conversations:
    curl -H "Authorization: Bearer {key}" {api}/sessions

  API         {api}/openapi.json
  Guide       docs/index.md
  Stop        Ctrl-C
"""


def main() -> None:
    """Serve the shop on `HOST` (default 127.0.0.1) and `PORT` (default 3001; 0 for any free port)."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    host = os.environ.get("HOST", "127.0.0.1")
    app = create_app()
    make_tables(app)
    try:
        server = make_server(host, int(os.environ.get("PORT", "3001")), app, threaded=True)
        print(greeting(app, host, server.port), flush=True)
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        pocketping.close(app)


def make_tables(app: Flask) -> None:
    """Create or upgrade the tables of the chat in its database."""
    try:
        pocketping.upgrade(app)
    except (PocketPingError, DBAPIError) as error:
        raise SystemExit(f"The chat's database can't be used: {getattr(error, 'orig', error)}") from None


def greeting(app: Flask, host: str, port: int) -> str:
    local = host in {"127.0.0.1", "0.0.0.0", "::", "::1"}
    url = f"http://{'localhost' if local else host}:{port}"
    return GREETING.format(
        url=url,
        api=url + app.config["POCKETPING_URL_PREFIX"].rstrip("/"),
        key=app.config["POCKETPING_API_KEY"],
        customer=CUSTOMERS[0][1],
        operator=EMPLOYEES[0][1],
        password=PASSWORD,
        ai=describe_ai(os.environ),
    )


if __name__ == "__main__":
    main()
