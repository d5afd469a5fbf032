"""Ordering tea."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import format_decimal, get_locale
from flask_login import current_user, login_required, login_user, logout_user

from .models import Order, User, db

blueprint = Blueprint("pages", __name__)


@blueprint.app_context_processor
def language():
    return {"locale": get_locale()}


@blueprint.get("/")
def home():
    return render_template("home.html", price=format_decimal(1234.5))


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in():
    if request.method == "GET":
        return render_template("home.html", price="")
    user = db.session.execute(db.select(User).filter_by(username=request.form["username"])).scalar_one_or_none()
    if user is None:
        return "Nobody of that name.", 403
    login_user(user)
    return redirect(url_for("pages.home"))


@blueprint.post("/sign-out")
def sign_out():
    logout_user()
    return redirect(url_for("pages.home"))


@blueprint.route("/orders", methods=["GET", "POST"])
@login_required
def orders():
    if request.method == "POST":
        db.session.add(Order(user_id=current_user.id, tea=request.form["tea"]))
        db.session.commit()
    found = db.session.execute(db.select(Order).filter_by(user_id=current_user.id)).scalars()
    return [order.tea for order in found]
