"""The notes of whoever is signed in."""

from flask import Blueprint, abort, g, redirect, render_template, request, url_for

from .auth import login_required
from .db import get_db

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@login_required
def notes():
    found = get_db().execute("SELECT * FROM note WHERE person_id = ? ORDER BY id", (g.person["id"],)).fetchall()
    return render_template("notes.html", notes=found)


@blueprint.post("/")
@login_required
def add():
    if not request.form.get("body"):
        abort(400)
    get_db().execute("INSERT INTO note (person_id, body) VALUES (?, ?)", (g.person["id"], request.form["body"]))
    get_db().commit()
    return redirect(url_for("pages.notes"))


@blueprint.app_errorhandler(404)
def not_found(error):
    return "Nothing here.", 404
