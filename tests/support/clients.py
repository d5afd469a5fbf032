"""Clients as users write them: HTTP by requests, WebSocket by websocket-client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any

import requests
import websocket

#: What browsers call themselves, so that nobody takes a test for a crawler.
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Api:
    """The back office of one server.

    :param url: the bridge URL, without a slash at its end.
    """

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        self.key = key

    def with_key(self, key: str | None) -> Api:
        """The same server with another key, or with none."""
        return Api(self.url, key)

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        headers |= kwargs.pop("headers", {})
        return requests.request(method, self.url + path, headers=headers, timeout=30, **kwargs)

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> requests.Response:
        return self.request("POST", path, **({"json": body} if body is not None else {}), **kwargs)

    def patch(self, path: str, body: Any, **kwargs: Any) -> requests.Response:
        return self.request("PATCH", path, json=body, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> requests.Response:
        return self.request("DELETE", path, **kwargs)

    def ok(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
        """The JSON of an answer that must be a success."""
        response = self.request(method, path, **({"json": body} if body is not None else {}), **kwargs)
        assert response.status_code < 300, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def session(self, **body: Any) -> str:
        """The id of a new session."""
        return str(self.ok("POST", "/sessions", body)["session"]["id"])

    def visitor(self, **body: Any) -> Visitor:
        """A visitor's page that has connected."""
        return Visitor(self.url, **body)

    def socket(self, *, auth: bool = True, **fields: Any) -> Socket:
        """A connection to `/ws`, authenticated unless `auth` is false.

        :param fields: further fields of the auth frame.
        """
        made = Socket(self.url + "/ws")
        if auth:
            made.send({"type": "auth", "apiKey": self.key, **fields})
            made.hello = made.receive()
            assert made.hello["type"] == "auth.ok", made.hello
        return made


class Visitor:
    """A visitor's page, as the chat widget would act for it."""

    def __init__(self, url: str, **body: Any) -> None:
        self.url = url
        answer = self.request("POST", "/connect", {"visitorId": None, "sessionId": None, "metadata": {}, **body})
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        self.hello = answer.json()
        self.handle: str = self.hello["sessionId"]

    @property
    def session_id(self) -> str:
        """The public id within the handle."""
        return self.handle.split(".")[0]

    def request(self, method: str, path: str, body: Any = None, **kwargs: Any) -> requests.Response:
        headers = {"User-Agent": BROWSER, **kwargs.pop("headers", {})}
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=30, **kwargs)

    def say(self, content: str, **body: Any) -> dict[str, Any]:
        """Send a message that must be accepted."""
        answer = self.request("POST", "/message", {"sessionId": self.handle, "content": content, **body})
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return dict(answer.json())

    def messages(self, **query: Any) -> list[dict[str, Any]]:
        """What the page would show."""
        answer = self.request("GET", "/messages", params={"sessionId": self.handle, **query})
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return list(answer.json()["messages"])

    def stream(self, **query: Any) -> Socket:
        """The page's WebSocket."""
        params = "".join(f"&{name}={value}" for name, value in query.items())
        return Socket(f"{self.url}/stream?sessionId={self.handle}{params}")


class Socket:
    """A WebSocket as a dialogue: send a frame, expect a frame."""

    def __init__(self, url: str, **options: Any) -> None:
        self.hello: dict[str, Any] = {}
        self.ws = websocket.create_connection(
            url.replace("http", "ws", 1), timeout=10, header={"User-Agent": BROWSER}, **options
        )

    def __enter__(self) -> Socket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, frame: Any) -> None:
        self.ws.send(frame if isinstance(frame, str) else json.dumps(frame))

    def receive(self, timeout: float = 10.0) -> dict[str, Any]:
        """The next frame."""
        self.ws.settimeout(timeout)
        opcode, data = self.ws.recv_data()
        assert opcode == websocket.ABNF.OPCODE_TEXT, f"closed: {data!r}"
        return dict(json.loads(data))

    def expect(self, type: str, timeout: float = 10.0) -> dict[str, Any]:
        """The next frame of a type; others before it are passed over."""
        return self.collect(lambda frames: frames[-1]["type"] == type, timeout)[-1]

    def collect(self, enough: Callable[[list[dict[str, Any]]], bool], timeout: float = 10.0) -> list[dict[str, Any]]:
        """Frames until there are enough of them."""
        deadline = time.monotonic() + timeout
        frames: list[dict[str, Any]] = []
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"not within {timeout} s; got {[frame['type'] for frame in frames]}"
            try:
                frames.append(self.receive(left))
            except websocket.WebSocketTimeoutException:
                raise AssertionError(f"not within {timeout} s; got {[frame['type'] for frame in frames]}") from None
            if enough(frames):
                return frames

    def silent(self, seconds: float = 0.5, *, besides: Collection[str] = ()) -> None:
        """Check that nothing comes for a while.

        :param besides: types of frames that may come.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                frame = self.receive(left)
            except websocket.WebSocketTimeoutException:
                return
            assert frame["type"] in besides, f"expected silence, got {frame}"

    def close_code(self, timeout: float = 15.0) -> int:
        """The code with which the server closes; frames before that are passed over."""
        self.ws.settimeout(timeout)
        while True:
            opcode, data = self.ws.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")

    def close(self) -> None:
        self.ws.close(timeout=1)
        # Where the server closed first, the call above leaves the line open.
        self.drop()

    def drop(self) -> None:
        """Go without a word."""
        self.ws.shutdown()  # type: ignore[no-untyped-call]
