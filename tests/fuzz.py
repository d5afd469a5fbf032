"""Cases made from the OpenAPI document, sent to a real server: no answer may be a 5xx, or other than the document says.

Run by `make fuzz`, or `python -m tests.fuzz --cases 2000 --database postgresql`. What fails is printed with a command
that repeats it; the same `--seed` gives the same cases.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .support.clients import Api, Visitor
from .support.servers import make_app, serving
from .support.services import empty_database

Case = schemathesis.Case[Any]

#: Streams that have no end, and what is asked of them is said in their first bytes.
WITHOUT_END = {"stream_events"}
ROUNDS = 5
#: What the server is to show: not what stands in the way of asking for it.
SETTINGS: dict[str, Any] = {
    **dict.fromkeys(("visitor_message_limit", "visitor_address_limit", "visitor_session_limit"), "off"),
    **dict.fromkeys(("visitor_upload_limit", "visitor_address_upload_limit", "failed_key_limit"), "off"),
    "visitor_daily_bytes": 0,
    "webhook_limit": 10_000,
    "worker": "off",
}


class Things:
    """What cases can be about: half of the ids and handles that are made up lead nowhere, the others to these."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._turn = itertools.count()
        visitor = Visitor(api.url)
        said = visitor.say("Hello")
        webhook = api.ok("POST", "/webhooks", {"url": "https://example.com/", "events": ["*"]})["webhook"]
        delivery = api.ok("POST", f"/webhooks/{webhook['id']}/test")["delivery"]
        answer = api.ok("POST", "/saved-replies", {"shortcut": "hi", "content": "Hello!"})["savedReply"]
        attachment = api.ok("POST", f"/sessions/{visitor.session_id}/attachments?filename=a.txt", None, data=b"text")[
            "attachment"
        ]
        self.handle = visitor.handle
        self.ids = {
            "session_id": visitor.session_id,
            "message_id": said["messageId"],
            "webhook_id": webhook["id"],
            "delivery_id": delivery["id"],
            "reply_id": answer["id"],
            "attachment_id": attachment["id"],
            "key": attachment["url"].split("/")[-2],
        }

    def put_into(self, case: Case) -> None:
        """Have every other case be about something that exists."""
        if next(self._turn) % 2:
            return
        if case.path_parameters:
            case.path_parameters.update({name: self.ids[name] for name in case.path_parameters if name in self.ids})
        if isinstance(case.body, dict) and "sessionId" in case.body:
            case.body["sessionId"] = self.handle
        if case.query and "sessionId" in case.query:
            case.query["sessionId"] = self.handle


def fuzz(api: Api, cases: int, number: int) -> tuple[Counter[int], list[str]]:
    """Send cases, as many for each operation.

    :param number: of the seed.
    :return: how many answers had each status, and what went wrong.
    """
    schema = schemathesis.openapi.from_url(f"{api.url}/openapi.json")
    all_operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    operations = [found for found in all_operations if found.definition.raw["operationId"] not in WITHOUT_END]
    things = Things(api)
    statuses: Counter[int] = Counter()
    failures: list[str] = []
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {api.key}"
        # Of some operations there are few different cases, so others get more of them in further rounds.
        for index, operation in itertools.islice(enumerate(itertools.cycle(operations)), ROUNDS * len(operations)):
            left = len(operations) - index % len(operations)
            budget = -(-(cases - statuses.total()) // left)
            if budget <= 0:
                break

            def check(case: Case) -> None:
                things.put_into(case)
                response = case.call(session=session, timeout=30)
                statuses[response.status_code] += 1
                try:
                    case.validate_response(response, checks=_CHECKS)
                except FailureGroup as group:
                    failures.append(
                        "\n".join(str(failure) for failure in group.exceptions) + "\n" + case.as_curl_command()
                    )

            good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
            bad = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
            _run(check, st.one_of(good, bad), budget, number + index // len(operations))
    return statuses, failures


_CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance, status_code_conformance]


def _run(check: Any, cases: Any, count: int, number: int) -> None:
    options = settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed(number)(options(given(case=cases)(check)))()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="how many for each database")
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql", "mariadb"])
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    failed = False
    for kind in chosen.database or ["sqlite"]:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = stack.enter_context(empty_database(kind, folder))
            api = stack.enter_context(serving(make_app(folder, url, **SETTINGS)))
            started = time.monotonic()
            statuses, failures = fuzz(api, chosen.cases, chosen.seed)
        wrong = sum(count for status, count in statuses.items() if status >= 500)
        print(
            f"{kind}: {statuses.total()} cases in {time.monotonic() - started:.0f} s, {wrong} answers 5xx, "
            f"{len(failures)} off the schema; {dict(sorted(statuses.items()))}"
        )
        for failure in failures[:10]:
            print(f"\n{failure}")
        failed |= bool(failures or wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
