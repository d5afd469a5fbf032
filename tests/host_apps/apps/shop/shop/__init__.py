"""A tea shop: Flask-Login, Flask-SQLAlchemy, Flask-Migrate and Flask-Babel."""

from flask import Flask, request
from flask_babel import Babel
from flask_login import LoginManager
from flask_migrate import Migrate

from .models import User, db

babel = Babel()
login = LoginManager()
migrate = Migrate()


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(SECRET_KEY="dev", SQLALCHEMY_DATABASE_URI="sqlite:///shop.db")
    app.config.update(config or {})
    db.init_app(app)
    migrate.init_app(app, db)
    babel.init_app(app, locale_selector=lambda: request.accept_languages.best_match(["en", "de", "pt_BR"]))
    login.init_app(app)
    login.login_view = "pages.sign_in"

    from .pages import blueprint

    app.register_blueprint(blueprint)
    return app


@login.user_loader
def load_user(user_id):
    return db.session.get(User, int(user_id))
