"""Notes that people keep: an app factory, raw sqlite3, and a login in the session."""

from flask import Flask

from . import auth, db, pages


def create_app(config=None):
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(SECRET_KEY="dev", DATABASE="notes.sqlite")
    app.config.update(config or {})
    db.init_app(app)
    app.register_blueprint(auth.blueprint)
    app.register_blueprint(pages.blueprint)
    return app
