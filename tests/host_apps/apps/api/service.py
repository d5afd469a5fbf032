"""A JSON API: tokens in the header for programs, in a cookie for the pages of its own."""

from datetime import timedelta

from flask import Flask, jsonify, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    get_jwt_identity,
    jwt_required,
    set_access_cookies,
    unset_jwt_cookies,
)

PEOPLE = {"1": {"name": "ada", "role": "customer"}, "2": {"name": "ana", "role": "support"}}

jwt = JWTManager()


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="a secret of the service that is long",
        JWT_SECRET_KEY="another secret of the service, long enough for HS256",
        JWT_TOKEN_LOCATION=["headers", "cookies"],
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(minutes=15),
    )
    app.config.update(config or {})
    jwt.init_app(app)
    app.teas = ["Assam"]

    @app.post("/login")
    def login():
        found = [number for number, person in PEOPLE.items() if person["name"] == request.get_json().get("name")]
        if not found:
            return {"error": "Unknown name"}, 401
        token = create_access_token(identity=found[0], additional_claims={"role": PEOPLE[found[0]]["role"]})
        answer = jsonify(token=token)
        set_access_cookies(answer, token)
        return answer

    @app.post("/logout")
    def logout():
        answer = jsonify(done=True)
        unset_jwt_cookies(answer)
        return answer

    @app.get("/teas")
    def teas():
        return app.teas

    @app.post("/teas")
    @jwt_required()
    def add_tea():
        app.teas.append(request.get_json()["name"])
        return {"teas": app.teas, "by": get_jwt_identity()}, 201

    @app.errorhandler(404)
    def not_found(error):
        return {"error": "No such resource"}, 404

    return app
