"""Who is signed in, by the session."""

import functools
import sqlite3

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from werkzeug.security import check_password_hash, generate_password_hash

from .db import get_db

blueprint = Blueprint("auth", __name__)


@blueprint.before_app_request
def load_person():
    person_id = session.get("person_id")
    g.person = get_db().execute("SELECT * FROM person WHERE id = ?", (person_id,)).fetchone() if person_id else None


def login_required(view):
    @functools.wraps(view)
    def wrapped(**kwargs):
        return redirect(url_for("auth.login")) if g.person is None else view(**kwargs)

    return wrapped


@blueprint.post("/register")
def register():
    name, password = request.form["name"], request.form["password"]
    try:
        get_db().execute("INSERT INTO person (name, password) VALUES (?, ?)", (name, generate_password_hash(password)))
        get_db().commit()
    except sqlite3.IntegrityError:
        return "That name is taken.", 409
    return redirect(url_for("auth.login"))


@blueprint.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "GET":
        return render_template("login.html")
    person = get_db().execute("SELECT * FROM person WHERE name = ?", (request.form["name"],)).fetchone()
    if person is None or not check_password_hash(person["password"], request.form["password"]):
        return "Wrong name or password.", 403
    session.clear()
    session["person_id"] = person["id"]
    return redirect(url_for("pages.notes"))


@blueprint.post("/logout")
def logout():
    session.clear()
    return redirect(url_for("auth.login"))
