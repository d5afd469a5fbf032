"""The pages of the shop. The chat needs no code here."""

from __future__ import annotations

import re
import secrets
from typing import Any, TypeVar

from flask import Blueprint, abort, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.exceptions import HTTPException
from werkzeug.security import check_password_hash, generate_password_hash

from .help_pages import help_pages
from .models import Customer, Employee, Order, Product, shop_session

shop = Blueprint("shop", __name__)

Person = TypeVar("Person", Customer, Employee)

# The hash for unknown emails, so that both kinds of refusal take the same time.
NOBODY = generate_password_hash(secrets.token_hex())


@shop.get("/")
def home() -> ResponseReturnValue:
    with shop_session() as db:
        products = db.scalars(select(Product).order_by(Product.id)).all()
    return render_template("home.html", products=products)


@shop.get("/products/<slug>")
def product(slug: str) -> ResponseReturnValue:
    return render_template("product.html", product=find_product(slug))


@shop.post("/products/<slug>/order")
def order(slug: str) -> ResponseReturnValue:
    customer = current_customer()
    if customer is None:
        return redirect(url_for("shop.sign_in"), 303)
    with shop_session() as db, db.begin():
        db.add(Order(customer_id=customer.id, product_id=find_product(slug).id))
    return redirect(url_for("shop.account"), 303)


@shop.get("/about")
def about() -> ResponseReturnValue:
    return render_template("about.html")


@shop.get("/help")
def help_overview() -> ResponseReturnValue:
    return render_template("help.html", pages=help_pages().values())


@shop.get("/help/<name>")
def help_page(name: str) -> ResponseReturnValue:
    return render_template("help.html", page=help_pages().get(name) or abort(404, "We have no such help page."))


@shop.get("/account")
def account() -> ResponseReturnValue:
    customer = current_customer()
    if customer is None:
        return redirect(url_for("shop.staff" if current_employee() else "shop.sign_in"))
    mine = select(Order).where(Order.customer_id == customer.id).order_by(Order.id.desc())
    with shop_session() as db:
        return render_template("account.html", orders=db.scalars(mine).all())


@shop.get("/staff")
def staff() -> ResponseReturnValue:
    if current_employee() is None:
        return redirect(url_for("shop.sign_in"))
    return render_template("staff.html")


@shop.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    return render_template("sign_in.html")


@shop.post("/sign-in")
def sign_in_with_password() -> ResponseReturnValue:
    email = request.form.get("email", "").strip().lower()
    person = find_person(email)
    expected = person.password_hash if person else NOBODY
    if not check_password_hash(expected, request.form.get("password", "")) or person is None:
        return render_template("sign_in.html", email=email, next=request.form.get("next"), refused=True), 400
    session.clear()
    session["customer_id" if isinstance(person, Customer) else "employee_id"] = person.id
    return redirect(own_path(request.form.get("next", "")) or url_for("shop.account"), 303)


@shop.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    session.clear()
    return redirect(url_for("shop.home"), 303)


@shop.before_request
def check_csrf_token() -> None:
    """Refuse a form that is not from a page of the shop."""
    if request.method != "POST":
        return
    expected = session.get("csrf_token", "")
    given = request.form.get("csrf_token", "")
    if not expected or not secrets.compare_digest(expected.encode(), given.encode()):
        abort(400, "This form has expired. Go back, load the page again and send it once more.")


@shop.app_errorhandler(404)
@shop.errorhandler(400)
def show_error(error: HTTPException) -> ResponseReturnValue:
    return render_template("error.html", error=error), error.code or 500


@shop.app_context_processor
def page_values() -> dict[str, Any]:
    return {"current_customer": current_customer, "current_employee": current_employee, "csrf_token": csrf_token}


@shop.app_template_filter()
def money(cents: int) -> str:
    return f"€{cents / 100:.2f}"


def own_path(address: str) -> str | None:
    """Return an address if it is a path of the shop. Redirects to other addresses could mislead people."""
    return address if re.fullmatch(r"/[\w-]+(/[\w-]+)*", address, re.ASCII) else None


def current_customer() -> Customer | None:
    """Return the customer who is signed in. This queries once per request."""
    return signed_in("customer", Customer)


def current_employee() -> Employee | None:
    """Return the employee who is signed in. This queries once per request."""
    return signed_in("employee", Employee)


def signed_in(role: str, model: type[Person]) -> Person | None:
    if role not in g:
        with shop_session() as db:
            setattr(g, role, db.get(model, session.get(f"{role}_id", 0)))
    person: Person | None = g.get(role)
    return person


def find_person(email: str) -> Customer | Employee | None:
    """Return the customer or employee with this email."""
    with shop_session() as db:
        return db.scalar(select(Customer).where(Customer.email == email)) or db.scalar(
            select(Employee).where(Employee.email == email)
        )


def csrf_token() -> str:
    """Return the token that a form must send back. The signed session cookie contains it too."""
    token: str = session.setdefault("csrf_token", secrets.token_urlsafe())
    return token


def find_product(slug: str) -> Product:
    """Return the product with this slug, or respond with 404."""
    with shop_session() as db:
        found = db.scalar(select(Product).where(Product.slug == slug))
    return found or abort(404, "We don't have that on our shelves.")
