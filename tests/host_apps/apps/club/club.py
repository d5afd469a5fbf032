"""A club's site: Talisman, CSRFProtect, Limiter, Caching and server-side sessions."""

from cachelib import FileSystemCache
from flask import Flask, redirect, render_template, request, session
from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_session import Session
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf


def create_app(folder, config=None):
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="dev",
        CACHE_TYPE="SimpleCache",
        SESSION_TYPE="cachelib",
        SESSION_CACHELIB=FileSystemCache(f"{folder}/sessions"),
    )
    app.config.update(config or {})
    app.visits = 0
    cache = Cache(app)
    Limiter(get_remote_address, app=app, default_limits=["30 per minute"], storage_uri="memory://")
    policy = {"default-src": "'self'", "script-src": "'self'"}
    Talisman(app, content_security_policy=policy, content_security_policy_nonce_in=["script-src"])
    Session(app)
    CSRFProtect(app)

    @app.get("/")
    def home():
        return render_template("page.html", text=f"Welcome, {session.get('member', 'stranger')}")

    @app.get("/news")
    @cache.cached(timeout=60)
    def news():
        app.visits += 1
        return "News"

    @app.get("/token")
    def token():
        return generate_csrf()

    @app.post("/join")
    def join():
        session["member"] = request.form["name"]
        return redirect("/")

    return app
