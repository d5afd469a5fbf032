"""The shop for a production server: `gunicorn --worker-class gevent example_app.wsgi:app`."""

from __future__ import annotations

from . import create_app

app = create_app()
