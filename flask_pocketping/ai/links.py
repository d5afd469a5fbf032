"""Takes links out of an answer that lead nowhere known: models invent addresses."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

#: What ends an address in the pages that show answers: the white space of JavaScript, which is not that of Python.
_ENDS_ADDRESS = '\\t\\n\\v\\f\\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff<>"'
#: A link or picture in Markdown, the definition of a reference, a bare address, one of email, and what runs as script.
#: HTML makes no link, because only Markdown is shown as such. Pages link http addresses also in the middle of a word.
#: No pattern goes back, so the time is linear.
_LINK = (
    r"!?\[(?P<label>[^\[\]]*+)\]\(\s*+<?(?P<target>[^()\s<>]*+(?:\([^()\s]*+\)[^()\s<>]*+)*+)"
    r"(?P<ending>>?[^()]*+\))"
)
_DEFINITION = r"(?P<definition>^ {0,3}\[[^\[\]]++\]:\s*+\S.*$)"
_BARE = (
    r"(?P<bare>(?:https?://|(?<![a-z0-9])[a-z][a-z0-9+.-]{1,15}://|(?<![a-z0-9])www\.(?=[^\s.]))"
    rf"[^{_ENDS_ADDRESS}]*+)"
)
_EMAIL = r"(?P<email>(?<![a-z0-9_.+-])[a-z0-9_.+-]++@[a-z0-9_-]++(?:\.[a-z0-9_-]++)++)"
_SCRIPT = r"(?<![a-z0-9])(?:javascript|data|vbscript):\S++"
_TOKEN = re.compile(f"{_DEFINITION}|{_LINK}|<?{_BARE}>?|{_EMAIL}|{_SCRIPT}", re.IGNORECASE | re.MULTILINE)
_MARKDOWN = re.compile(_LINK)
_EMAILS = re.compile(_EMAIL, re.IGNORECASE)
#: What makes a link of a text.
_MARKS = re.compile(r"[@:]|www\.", re.IGNORECASE)
#: What ends a sentence and not an address.
_ENDS = ".,;:!?)]}*~_"
#: How often what is left is read again: taking a link out may join the halves of another one.
_ROUNDS = 5


class Links:
    """Which addresses an answer may have.

    :param hosts: hosts that may be linked. One that begins with a dot stands for its subdomains too.
    :param addresses: single addresses that may be linked, without their fragments.
    :param emails: addresses of email that may be named, besides those of the hosts.
    """

    def __init__(self, hosts: Collection[str], addresses: Collection[str] = (), emails: Collection[str] = ()) -> None:
        self._hosts = frozenset(hosts)
        self._addresses = {address.partition("#")[0] for address in addresses}
        self._emails = frozenset(emails)

    def with_addresses(self, addresses: Collection[str], texts: Collection[str] = ()) -> Links:
        """Return links that may also lead to these addresses.

        :param texts: what the model was shown. The addresses of email in it may be named in an answer.
        """
        found = (match[0].lower() for text in texts for match in _EMAILS.finditer(text))
        return Links(self._hosts, {*self._addresses, *addresses}, {*self._emails, *found})

    def clean(self, text: str) -> str:
        """Return a text in which links to other places are replaced by their label, or taken out."""
        for _ in range(_ROUNDS):
            before, text = text, _TOKEN.sub(self._replacement, text)
            if text == before:
                return text
        # Only a text that was made to slip through gets here.
        return _MARKS.sub(" ", text)

    def allows(self, address: str) -> bool:
        """Return whether an answer may link to an address."""
        plain = address.partition("#")[0]
        if plain in self._addresses:
            return True
        if plain.startswith("/") or not plain.isprintable():
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

    def _replacement(self, match: re.Match[str]) -> str:
        if match["label"] is not None:
            return self._markdown(match["label"], match["target"], is_picture=match[0].startswith("!"))
        if match["email"] is not None:
            return match[0] if self._allows_email(match[0]) else ""
        if match["bare"] is None:
            return ""
        target = match["bare"].rstrip(_ENDS)
        return match[0] if self.allows(target) else match["bare"][len(target) :]

    def _allows_email(self, address: str) -> bool:
        return address.lower() in self._emails or self.allows(f"https://{address.rpartition('@')[2]}")

    def _markdown(self, label: str, target: str, *, is_picture: bool) -> str:
        label = self.clean(label)
        # A picture would be loaded from wherever the model says.
        if is_picture or not self.allows(target):
            return label
        if label.strip():
            return f"[{label}]({target})"
        return target if "://" in target else ""


def complete_part(text: str) -> str:
    """Return the beginning of a growing text in which no link is incomplete."""
    end = max(text.rfind(" "), text.rfind("\n"))
    text = text[: end + 1]
    opened = text.rfind("[")
    if opened >= 0 and not _MARKDOWN.match(text, opened) and len(text) - opened < 400:
        return text[:opened]
    return text
