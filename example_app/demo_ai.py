"""A scripted stand-in for a model, so that the shop shows how an AI answers without a key. It knows four answers.

`make run` sets `SHOP_DEMO_AI`. A real model, by `POCKETPING_AI_PROVIDER` and so on, takes its place.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping

from flask_pocketping.ai.providers.protocol import Answer, Request, ToolCall, ToolTurn, UserTurn

LABEL = "(Scripted demo, no model.) "
DISCLOSURE = "You're chatting with a scripted demo of an AI assistant, not with a model. Our team can take over."
#: Seconds until it answers, and between two words.
DELAY = "15"
PAUSE = 0.06


def demo_model(environ: Mapping[str, str]) -> ScriptedModel | None:
    """Return the stand-in, if the environment asks for it and names no model."""
    wanted = environ.get("SHOP_DEMO_AI") and not environ.get("POCKETPING_AI_PROVIDER")
    return ScriptedModel() if wanted else None


def demo_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return settings with which the demo is worth watching."""
    if demo_model(environ) is None:
        return {}
    return {"POCKETPING_AI_DELAY": DELAY, "POCKETPING_AI_DISCLOSURE": DISCLOSURE}


class ScriptedModel:
    """Answers by a few rules, in the form of a model."""

    def answer(self, request: Request) -> Answer:
        """Return the answer that the rules have for the last turn."""
        last = request.turns[-1]
        if isinstance(last, ToolTurn):
            return Answer(f"{LABEL}I looked it up: {last.results[0].content}")
        said = last.text.lower() if isinstance(last, UserTurn) else ""
        if re.search(r"\b(person|human|somebody|operator)\b", said):
            call = ToolCall("demo", "hand_over", {"reason": "The visitor asks for a person."})
            return Answer(f"{LABEL}A person will reply to you here.", (call,), "tools")
        if re.search(r"\border", said) and (number := re.search(r"\d{1,9}", said)):
            return Answer("", (ToolCall("demo", "order_status", {"number": int(number[0])}),), "tools")
        if re.search(r"\b(ship|deliver|send)", said):
            return Answer(f"{LABEL}We ship **within two days**:\n\n- to Germany\n- to France\n- to Norway")
        return Answer(f"{LABEL}Ask me about *shipping* or about *order 1*, or ask for a person.")

    def stream(self, request: Request) -> Iterator[str | Answer]:
        """Yield the answer word by word."""
        answer = self.answer(request)
        for word in re.findall(r"\S+\s*", answer.text):
            time.sleep(PAUSE)
            yield word
        yield answer
