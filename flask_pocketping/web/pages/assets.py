"""The files of the widget and the inbox, read once and served at addresses that change with their content.

They are compressed here, because few Flask apps have a proxy that compresses. The widget was compressed when it was
built.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path, PurePosixPath
from posixpath import normpath
from types import MappingProxyType
from typing import NamedTuple

from flask import Response, request

from ...errors import NotFound

FOLDER = Path(__file__).parents[2] / "static"

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}

_MODULE = re.compile(r"^(?:import|\}) .*from '([\w./-]+)';$", re.MULTILINE)
_IMPORT = re.compile(rb"^@import '([\w./-]+)';$", re.MULTILINE)


class Asset(NamedTuple):
    """One file."""

    content: bytes
    zipped: bytes
    type: str
    etag: str


class Assets(NamedTuple):
    """All files by path, and a name for their current content."""

    build: str
    files: MappingProxyType[str, Asset]

    def imported_by(self, path: str) -> list[str]:
        """Return the paths of the modules that a module imports, and those that they import."""
        found = [path]
        for importer in found:
            names = _MODULE.findall(self.files[importer].content.decode())
            paths = [normpath(PurePosixPath(importer).parent / name) for name in names]
            found += [imported for imported in dict.fromkeys(paths) if imported not in found]
        return found[1:]

    def serve(self, build: str, path: str) -> Response:
        """Return a file. Browsers may cache it forever if the address names its current content.

        :raises NotFound: if it does not exist. This looks up only files of our own folder.
        """
        asset = self.files.get(path)
        if asset is None:
            raise NotFound
        zipped = request.accept_encodings["gzip"] > 0
        response = Response(asset.zipped if zipped else asset.content, headers={"Content-Type": asset.type})
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.vary.add("Accept-Encoding")
        if zipped:
            response.content_encoding = "gzip"
        # A page of another version still works with the files of this one.
        current = build == self.build
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if current else "no-cache"
        response.set_etag(asset.etag + ("-gzip" if zipped else ""))
        response.make_conditional(request)
        return response


@lru_cache(maxsize=4)
def find_assets(folder: Path = FOLDER) -> Assets:
    """Read all files of a folder whose type we serve, except the source modules of the bundle."""
    files: dict[str, Asset] = {}
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TYPES and path.is_file() and path.parent.name != "src":
            name, content = path.relative_to(folder).as_posix(), _read(path)
            digest = hashlib.sha256(content)
            zipped = _gzip(path, content)
            files[name] = Asset(content, zipped, _TYPES[path.suffix], digest.hexdigest()[:16])
            whole.update(name.encode() + b"\0" + digest.digest())
    return Assets(whole.hexdigest()[:12], MappingProxyType(files))


def _read(path: Path) -> bytes:
    """Read a file. A style sheet includes the sheets that it imports, so that a page needs only one request."""
    content = path.read_bytes()
    if path.suffix == ".css":
        content = _IMPORT.sub(lambda found: _read(path.parent / found[1].decode()), content)
    return content


def _gzip(path: Path, content: bytes) -> bytes:
    """Compress the content of a file, or return the compressed file beside it, which took more effort."""
    beside = path.with_name(f"{path.name}.gz")
    zipped = beside.read_bytes() if beside.exists() else b""
    return zipped if zipped and gzip.decompress(zipped) == content else gzip.compress(content, mtime=0)
