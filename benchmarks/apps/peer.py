"""The public PocketPing SDK for Python with its FastAPI router, its messages in memory."""

from __future__ import annotations

from fastapi import FastAPI
from pocketping import PocketPing
from pocketping.fastapi import create_router

app = FastAPI()
app.include_router(create_router(PocketPing()))
