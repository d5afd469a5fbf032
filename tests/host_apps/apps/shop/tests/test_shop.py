import flask_migrate
from shop.models import Order, User, db
from sqlalchemy import inspect


def test_numbers_in_the_language_of_the_browser(client):
    assert "1,234.5" in client.get("/", headers={"Accept-Language": "en"}).text
    shown = client.get("/", headers={"Accept-Language": "pt-BR"}).text
    assert "1.234,5" in shown
    assert '<html lang="pt">' in shown


def test_orders_are_for_those_who_are_signed_in(client):
    assert client.get("/orders").location == "/sign-in?next=%2Forders"
    assert client.post("/sign-in", data={"username": "eve"}).status_code == 403
    client.post("/sign-in", data={"username": "ada"})
    assert "ada" in client.get("/").text
    assert client.post("/orders", data={"tea": "Assam"}).json == ["Assam"]
    client.post("/sign-out")
    assert client.get("/orders").status_code == 302


def test_an_order_that_is_rolled_back_is_gone(app):
    with app.app_context():
        db.session.add(Order(user_id=1, tea="Sencha"))
        db.session.flush()
        db.session.rollback()
        assert db.session.query(Order).count() == 0
        assert db.session.query(User).count() == 2


def test_migrations_find_what_changed_and_nothing_else(app, tmp_path):
    folder = str(tmp_path / "migrations")
    with app.app_context():
        db.drop_all()
        flask_migrate.init(folder)
        flask_migrate.migrate(folder, message="first")
        flask_migrate.upgrade(folder)
        assert set(inspect(db.engine).get_table_names()) == {"alembic_version", "order", "user"}
        # Nothing is left to change, so the next one writes no file.
        flask_migrate.migrate(folder, message="second")
        assert len(list((tmp_path / "migrations" / "versions").glob("*.py"))) == 1
