"""One connection for each request, closed at its end."""

import sqlite3

import click
from flask import current_app, g
from flask.cli import with_appcontext


def get_db():
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
    return g.db


def close_db(error=None):
    connection = g.pop("db", None)
    if connection is not None:
        connection.close()


@click.command("init-tables")
@with_appcontext
def init_tables():
    """Make the tables."""
    with current_app.open_resource("schema.sql") as file:
        get_db().executescript(file.read().decode())
    click.echo("Done.")


def init_app(app):
    app.teardown_appcontext(close_db)
    app.cli.add_command(init_tables)
