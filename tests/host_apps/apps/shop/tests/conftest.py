import pytest
from shop import create_app
from shop.models import User, db


@pytest.fixture
def app(tmp_path):
    app = create_app({"TESTING": True, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/shop.db"})
    with app.app_context():
        db.create_all()
        db.session.add_all([User(username="ada"), User(username="ana", staff=True)])
        db.session.commit()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app):
    return app.test_client()
