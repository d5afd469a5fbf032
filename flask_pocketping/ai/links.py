"""Takes links out of an answer that lead nowhere known: models invent addresses."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

#: A link or picture in Markdown, the definition of a reference, a bare address, and what runs as script. HTML makes no
#: link, because only Markdown is shown as such.
_MARKDOWN = re.compile(r"!?\[(?P<label>[^\[\]]*)\]\(\s*<?(?P<target>[^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?[^()]*\)")
_DEFINITION = re.compile(r"^ {0,3}\[[^\[\]]+\]:\s*\S+.*$", re.MULTILINE)
_BARE = re.compile(r"<?\b(?P<target>(?:[a-z][a-z0-9+.-]{1,15}://|www\.)[^\s<>\"'`\[\]]+)>?", re.IGNORECASE)
_SCRIPT = re.compile(r"\b(?:javascript|data|vbscript):\S+", re.IGNORECASE)
#: What ends a sentence and not an address.
_ENDS = ".,;:!?)*_"


class Links:
    """Which addresses an answer may have.

    :param hosts: hosts that may be linked. One that begins with a dot stands for its subdomains too.
    :param addresses: single addresses that may be linked, without their fragments.
    """

    def __init__(self, hosts: Collection[str], addresses: Collection[str] = ()) -> None:
        self._hosts = frozenset(hosts)
        self._addresses = {address.partition("#")[0] for address in addresses}

    def with_addresses(self, addresses: Collection[str]) -> Links:
        """Return links that may also lead to these addresses."""
        return Links(self._hosts, {*self._addresses, *addresses})

    def clean(self, text: str) -> str:
        """Return a text in which links to other places are replaced by their label, or taken out."""
        text = _DEFINITION.sub("", text)
        text = _MARKDOWN.sub(self._markdown, text)
        text = _BARE.sub(self._bare, text)
        return _SCRIPT.sub("", text)

    def allows(self, address: str) -> bool:
        """Return whether an answer may link to an address."""
        plain = address.partition("#")[0]
        if plain in self._addresses:
            return True
        if plain.startswith("/") and not plain.startswith(("//", "/\\")):
            # A path of the site; only known ones are good for anything.
            return False
        try:
            parts = urlsplit(plain if "://" in plain else f"https://{plain}")
            port = f":{parts.port}" if parts.port else ""
            host = f"{parts.hostname or ''}{port}"
        except ValueError:
            return False
        if parts.scheme not in {"http", "https"} or parts.username is not None or "\\" in plain:
            return False
        return any(host == known or (known.startswith(".") and f".{host}".endswith(known)) for known in self._hosts)

    def _markdown(self, match: re.Match[str]) -> str:
        # A picture would be loaded from wherever the model says.
        if self.allows(match["target"]) and not match[0].startswith("!"):
            return f"[{match['label']}]({match['target']})"
        label = match["label"]
        return label if not _BARE.fullmatch(label) else ""

    def _bare(self, match: re.Match[str]) -> str:
        target = match["target"].rstrip(_ENDS)
        after = match["target"][len(target) :]
        # Within a Markdown link, which is allowed already.
        if self.allows(target):
            return match[0]
        return after


def complete_part(text: str) -> str:
    """Return the beginning of a growing text in which no link is incomplete."""
    end = max(text.rfind(" "), text.rfind("\n"))
    text = text[: end + 1]
    opened = text.rfind("[")
    if opened >= 0 and not _MARKDOWN.match(text, opened) and len(text) - opened < 400:
        return text[:opened]
    return text
