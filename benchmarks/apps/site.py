"""A page with the widget in it, and an inbox that everybody may open."""

from __future__ import annotations

from flask import render_template_string

from flask_pocketping.values import Operator

from .ours import app, pocketping

__all__ = ["app"]

_PAGE = "<!doctype html><html lang=en><title>Benchmark</title><h1>A page</h1>{{ pocketping_widget(open=true) }}"


@pocketping.operator_loader
def operator() -> Operator:
    return Operator("ana", "Ana")


@app.get("/")
def page() -> str:
    return render_template_string(_PAGE)
