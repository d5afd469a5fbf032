"""Makes Markdown of ours from what operators write in Slack: rich text blocks, or mrkdwn where there are none."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

#: How deep lists and quotes are read. Slack's own clients never nest elements deeper.
_DEEPEST = 8

_TOKEN = re.compile(r"<([^<>\n]{1,3000})>")
_CODE = re.compile(r"```(?P<block>[\s\S]{1,12000}?)```|`(?P<code>[^`\n]{1,3000})`")
_STYLES = (
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,3000}?)(?<=\S)\*(?![\w*])"), r"**\1**"),
    (re.compile(r"(?<![\w~])~(?=[^\s~])([^~\n]{1,3000}?)(?<=\S)~(?![\w~])"), r"~~\1~~"),
)
_EMOJI_CODE = re.compile(r"[0-9a-f]{2,6}(?:-[0-9a-f]{2,6}){0,9}")


class Names(Protocol):
    """Finds the names of people and channels."""

    def user(self, user_id: str) -> str:
        """Return the name to show of a user."""

    def channel(self, channel_id: str) -> str:
        """Return the name of a channel, without `#`."""


def to_markdown(message: Mapping[str, Any], names: Names) -> str:
    """Return the text of a message as Markdown. Mentions and channels are names, and links are readable.

    :param message: a message of the Web API or of an event.
    """
    blocks = message.get("blocks")
    if isinstance(blocks, list):
        found = [block for block in blocks if isinstance(block, dict) and block.get("type") == "rich_text"]
        if found and len(found) == len(blocks):
            return _lines("\n".join(_block(block, names) for block in found))
    text = message.get("text")
    return _lines(from_mrkdwn(text, names)) if isinstance(text, str) else ""


def from_mrkdwn(text: str, names: Names) -> str:
    """Convert mrkdwn, whose `&`, `<` and `>` are escaped, to Markdown."""
    parts = []
    end = 0
    for match in _CODE.finditer(text):
        parts.append(_styled(text[end : match.start()], names))
        code = html.unescape(_TOKEN.sub(lambda token: _target(token[1]), match["block"] or match["code"]))
        parts.append(_fenced(code) if match["block"] else f"`{code}`")
        end = match.end()
    return "".join([*parts, _styled(text[end:], names)])


def _styled(text: str, names: Names) -> str:
    for pattern, replacement in _STYLES:
        text = pattern.sub(replacement, text)
    text = re.sub(r"(?m)^([ \t]*)[•◦▪][ \t]+", lambda match: f"{match[1]}- ", text)
    parts = []
    end = 0
    for match in _TOKEN.finditer(text):
        parts += [_unescape(text[end : match.start()]), _token(match[1], names)]
        end = match.end()
    return "".join([*parts, _unescape(text[end:])])


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _token(token: str, names: Names) -> str:
    """Return the Markdown of what stands in angle brackets: a link or a mention."""
    target, _, label = token.partition("|")
    label = _unescape(label)
    if target.startswith("@"):
        return f"@{names.user(target[1:])}"
    if target.startswith("#"):
        return f"#{label or names.channel(target[1:])}"
    if target.startswith("!"):
        command = target[1:].split("^")[0]
        return label or ("@group" if command == "subteam" else f"@{command}")
    return _link(_unescape(target), label)


def _target(token: str) -> str:
    target, _, label = token.partition("|")
    return label or target


def _link(url: str, label: str) -> str:
    plain = url.removeprefix("mailto:").removeprefix("tel:")
    if not label or label in {url, plain} or url.rstrip("/").endswith(f"://{label.rstrip('/')}"):
        return plain
    return f"[{label.replace('[', '(').replace(']', ')')}]({url.replace('(', '%28').replace(')', '%29')})"


def _fenced(code: str) -> str:
    return "```\n" + code.strip("\n") + "\n```"


def _lines(text: str) -> str:
    """Remove spaces at the end, and empty lines around."""
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


# Rich text blocks


def _children(element: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = element.get("elements")
    return [child for child in found if isinstance(child, dict)] if isinstance(found, list) else []


def _block(block: Mapping[str, Any], names: Names) -> str:
    return "\n".join(text for element in _children(block) for text in _paragraph(element, names, 0))


def _paragraph(element: Mapping[str, Any], names: Names, depth: int) -> Iterator[str]:
    """Return the lines of a section, list, quote or block of code."""
    kind = element.get("type")
    if depth > _DEEPEST:
        return
    if kind == "rich_text_list":
        yield from _list(element, names, depth)
    elif kind == "rich_text_preformatted":
        yield _fenced("".join(_plain(child) for child in _children(element)))
    elif kind == "rich_text_quote":
        text = "".join(_inline(child, names) for child in _children(element))
        yield "\n".join(f"> {line}" for line in text.strip("\n").split("\n"))
    else:
        yield "".join(_inline(child, names) for child in _children(element)).rstrip("\n")


def _list(element: Mapping[str, Any], names: Names, depth: int) -> Iterator[str]:
    indent = "    " * _number(element.get("indent"), 8)
    first = 1 + _number(element.get("offset"), 10_000)
    ordered = element.get("style") == "ordered"
    for number, child in enumerate(_children(element), first):
        text = " ".join(_paragraph(child, names, depth + 1)).replace("\n", " ")
        yield f"{indent}{f'{number}.' if ordered else '-'} {text}"


def _number(value: object, most: int) -> int:
    return max(0, min(value, most)) if isinstance(value, int) else 0


def _inline(element: Mapping[str, Any], names: Names) -> str:
    style = element.get("style")
    styles = style if isinstance(style, dict) else {}
    text = _mention(element, names) or _plain(element)
    if element.get("type") == "link":
        label = _string(element, "text")
        text = _link(_string(element, "url"), label)
    if not text.strip():
        return text
    # Marks must touch the text, so spaces around it stay outside of them.
    core = text.strip()
    before, after = text[: text.index(core)], text[text.index(core) + len(core) :]
    if styles.get("code"):
        core = f"`{core}`"
    for name, mark in (("strike", "~~"), ("italic", "_"), ("bold", "**")):
        if styles.get(name) and "\n" not in core:
            core = mark + core + mark
    return before + core + after


def _mention(element: Mapping[str, Any], names: Names) -> str:
    kind = element.get("type")
    if kind == "user":
        return f"@{names.user(_string(element, 'user_id'))}"
    if kind == "channel":
        return f"#{names.channel(_string(element, 'channel_id'))}"
    if kind == "usergroup":
        return "@group"
    if kind == "broadcast":
        return f"@{_string(element, 'range') or 'channel'}"
    return ""


def _plain(element: Mapping[str, Any]) -> str:
    kind = element.get("type")
    if kind == "emoji":
        return _emoji(element)
    if kind == "link":
        return _string(element, "url")
    if kind == "date":
        return _string(element, "fallback")
    if kind == "color":
        return _string(element, "value")
    return _string(element, "text")


def _emoji(element: Mapping[str, Any]) -> str:
    code = _string(element, "unicode").lower()
    if _EMOJI_CODE.fullmatch(code):
        numbers = [int(part, 16) for part in code.split("-")]
        if all(0x20 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF for number in numbers):
            return "".join(map(chr, numbers))
    name = _string(element, "name")
    return f":{name}:" if name else ""


def _string(element: Mapping[str, Any], name: str) -> str:
    value = element.get(name)
    return value if isinstance(value, str) else ""
