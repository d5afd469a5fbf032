"""A server that speaks as much of S3 as a storage needs, and lets in nobody whose signature is not right."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager

from .http_server import QuietHandler, http_server

ACCESS_KEY = "AKTEST0123456789"
SECRET_KEY = "test-secret-key/0123456789"


class Bucket:
    """What the server holds, and what it was asked.

    :ivar objects: by bucket and key, as `/bucket/key`.
    :ivar requests: method and path of each, as they came.
    :ivar user_agents: what those who asked call themselves.
    :ivar broken: whether all is answered with 500.
    :ivar stuttering: whether objects break off in the middle.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.user_agents: set[str] = set()
        self.broken = False
        self.stuttering = False


@contextmanager
def serving_bucket() -> Iterator[Bucket]:
    """Serve it in a thread, on a free port."""
    with http_server(_Handler, "bucket") as server:
        server.bucket = Bucket(server.server_port)  # type: ignore[attr-defined]
        yield server.bucket  # type: ignore[attr-defined]


class _Handler(QuietHandler):
    def do_PUT(self) -> None:
        body = self._let_in()
        if body is not None:
            self._bucket.objects[self.path] = body
            self._answer(200)

    def do_GET(self) -> None:
        if self._let_in() is None:
            return
        found = self._bucket.objects.get(self.path)
        if found is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>Gone.</Message></Error>")
        elif self._bucket.stuttering:
            self.send_response(200)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found[: len(found) // 2])
            self.close_connection = True
        else:
            self._answer(200, found)

    def do_DELETE(self) -> None:
        if self._let_in() is not None:
            self._bucket.objects.pop(self.path, None)
            self._answer(204)

    @property
    def _bucket(self) -> Bucket:
        return self.server.bucket  # type: ignore[attr-defined, no-any-return]

    def _let_in(self) -> bytes | None:
        self.path, _, query = self.path.partition("?")
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._bucket.requests.append(f"{self.command} {self.path}")
        self._bucket.user_agents.add(self.headers["User-Agent"])
        if self._bucket.broken:
            self._answer(500, b"<Error><Code>InternalError</Code><Message>Broken.</Message></Error>")
        elif not self._signed(body, query):
            self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code><Message>No.</Message></Error>")
        else:
            return body
        return None

    def _signed(self, body: bytes, query: str) -> bool:
        """Check the signature, version 4, over what really came."""
        fields = dict(part.strip().split("=", 1) for part in self.headers["Authorization"].split(" ", 1)[1].split(","))
        access_key, date, region, service, end = fields["Credential"].split("/")
        names = fields["SignedHeaders"].split(";")
        headers = "".join(f"{name}:{' '.join(self.headers[name].split())}\n" for name in names)
        digest = hashlib.sha256(body).hexdigest()
        asked = "\n".join((self.command, self.path, query, headers, ";".join(names), digest))
        scope = f"{date}/{region}/{service}/{end}"
        text = "\n".join(
            ("AWS4-HMAC-SHA256", self.headers["X-Amz-Date"], scope, hashlib.sha256(asked.encode()).hexdigest())
        )
        key = f"AWS4{SECRET_KEY}".encode()
        for part in (date, region, service, end):
            key = hmac.digest(key, part.encode(), "sha256")
        right = hmac.new(key, text.encode(), "sha256").hexdigest()
        return access_key == ACCESS_KEY and hmac.compare_digest(right, fields["Signature"])

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
