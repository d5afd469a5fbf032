"""A scripted stand-in for a model, so that the shop shows how an AI answers without a key.

It quotes the help page that the chat has found for a question, looks up orders, and hands over. `make run` sets
`SHOP_DEMO_AI`. A real model, by `POCKETPING_AI_PROVIDER` and so on, takes its place, and reads the same help pages.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from flask_pocketping.ai.providers.protocol import Answer, Request, ToolCall, ToolTurn, UserTurn

LABEL = "(Scripted demo, no model.) "
DISCLOSURE = "You're chatting with a scripted demo of an AI assistant, not with a model. Our team can take over."
#: Seconds until it answers, and between two words.
DELAY = "15"
PAUSE = 0.04


def demo_model(environ: Mapping[str, str]) -> ScriptedModel | None:
    """Return the stand-in, if the environment asks for it and names no model."""
    wanted = environ.get("SHOP_DEMO_AI") and not environ.get("POCKETPING_AI_PROVIDER")
    return ScriptedModel() if wanted else None


def ai_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of the shop's AI, if it has one: the help pages, and for the demo what makes it short."""
    if demo_model(environ) is not None:
        return {"POCKETPING_AI_KNOWLEDGE": "help", "POCKETPING_AI_DELAY": DELAY, "POCKETPING_AI_DISCLOSURE": DISCLOSURE}
    return {"POCKETPING_AI_KNOWLEDGE": "help"} if environ.get("POCKETPING_AI_PROVIDER") else {}


def describe_ai(environ: Mapping[str, str]) -> str:
    """Say in a line who answers when nobody does."""
    if demo_model(environ) is not None:
        return f"A scripted demo without a model answers after {DELAY} s. SHOP_DEMO_AI= turns it off."
    provider = environ.get("POCKETPING_AI_PROVIDER")
    return f"{provider} answers when nobody does." if provider else "none"


class ScriptedModel:
    """Answers by a few rules, in the form of a model."""

    def answer(self, request: Request) -> Answer:
        """Return the answer that the rules have for the last turn."""
        last = request.turns[-1]
        if isinstance(last, ToolTurn):
            result = last.results[0]
            if result.is_error:
                # The only tool is about the visitor's own orders.
                return Answer(f"{LABEL}Please sign in to the shop, then ask me again.")
            return Answer(f"{LABEL}I looked it up: {result.content}")
        said = last.text.lower() if isinstance(last, UserTurn) else ""
        if re.search(r"\b(person|human|somebody|operator)\b", said):
            call = ToolCall("demo", "hand_over", {"reason": "The visitor asks for a person."})
            return Answer(f"{LABEL}A person will reply to you here.", (call,), "tools")
        if re.search(r"\border", said) and (number := re.search(r"\d{1,9}", said)):
            return Answer("", (ToolCall("demo", "order_status", {"number": int(number[0])}),), "tools")
        if passage := best_passage(request):
            page, _, heading = passage["title"].partition(" > ")
            quoted = f"**{heading}**\n\n{passage['text']}" if heading else passage["text"]
            return Answer(f"{LABEL}Our help page [{page}]({passage['address']}) says:\n\n{quoted}")
        return Answer(f"{LABEL}Ask me about *shipping*, *gift cards* or *order 1*, or ask for a person.")

    def stream(self, request: Request) -> Iterator[str | Answer]:
        """Yield the answer word by word."""
        answer = self.answer(request)
        for word in re.findall(r"\S+\s*", answer.text):
            time.sleep(PAUSE)
            yield word
        yield answer


def best_passage(request: Request) -> Mapping[str, Any] | None:
    """Return the first of the passages that the chat has put below "Data" in the instructions."""
    data = json.loads(request.system.partition("\n\nData:\n")[2] or "{}")
    return next(iter(data.get("passages", [])), None)
