"""Recognizes texts that promise a person without handing over, and texts that no visitor should read."""

from __future__ import annotations

import json
import re

_PEOPLE = {
    "en": r"(?:a |an |the |our |my |one of (?:our|my) )?(?:\w+ )?(?:human|person|colleagues?|team ?mates?|"
    r"team(?: members?)?|agents?|"
    r"operators?|representatives?|specialists?|supervisor|manager|support(?: team| staff)?|staff|someone)",
    "de": r"(?:einen?|eine[rmn]?|unser\w*|mein\w*|die|den|das|der|dem)? ?(?:\w+ )?(?:kolleg\w+|mitarbeiter\w*|team|"
    r"mensch\w*|support\w*|kundendienst|kundenservice|ansprechpartner\w*)",
    "fr": r"(?:un|une|notre|mon|ma|mes|nos|l'|la|le|à)? ?(?:\w+ )?(?:collègues?|conseill\w+|équipe|agent\w*|humain\w*|"
    r"personne|responsable)",
    "es": r"(?:un|una|nuestr\w+|mi|el|la|al)? ?(?:\w+ )?(?:compañer\w+|agentes?|equipo|persona|human\w+|asesor\w*|"
    r"representante)",
    "it": r"(?:un|una|nostr\w+|il|la|al|mio|mia)? ?(?:\w+ )?(?:colleg\w+|operat\w+|team|person\w+|uman\w+|"
    r"responsabile)",
}
_CLAIMS = [
    # I'll connect you with a colleague. I have forwarded this to our team. You are being transferred to a person.
    rf"\b(?:connect|transfer|hand|pass|forward|escalat|redirect|rout|put)\w*(?: \w+){{0,5}} "
    rf"(?:to|with|through to|on to|over to) {_PEOPLE['en']}\b",
    rf"\b(?:let|get|ask|have|bring|loop|notif\w*|inform\w*|alert\w*)(?: in)? {_PEOPLE['en']}(?: \w+){{0,3}}? "
    r"(?:know|help|take over|look|contact|reply|get back|in\b|involved)",
    r"\b(?:i(?:'ve| have|'ll| will| am going to|'m) (?:\w+ )?(?:notif|inform|alert|contact|escalat)\w*) "
    rf"{_PEOPLE['en']}\b",
    rf"\b{_PEOPLE['en']} (?:will|is going to|should) (?:\w+ )?(?:get back|contact|reach out|reply|respond|follow up|"
    r"take over|be with you|join)",
    rf"\b(?:verbind|leite|weiterleit|übergeb|überge|gebe|reiche|hole|informier|benachrichtig|kontaktier)\w*"
    rf"(?: [\w,]+){{0,7}} {_PEOPLE['de']}\b",
    rf"\b{_PEOPLE['de']} (?:wird|werden|meldet|kümmert|übernimmt|melden|kümmern)\b",
    rf"\b(?:transf|transmet|transmis|mets en relation|mettre en relation|passe|préven|prévien|inform|contact|"
    rf"redirig)\w*(?: [\w']+){{0,6}} {_PEOPLE['fr']}",
    rf"\b(?:transfer|transfier|pas(?:o|aré|ando)|conect|deriv|contact|avis|inform|notific)\w*(?: \w+){{0,6}} "
    rf"{_PEOPLE['es']}",
    rf"\b(?:trasfer|pass(?:o|erò)|metto in contatto|inoltr|contatt|avvis|inform)\w*(?: \w+){{0,6}} {_PEOPLE['it']}",
]
_CLAIM = re.compile("|".join(f"(?:{claim})" for claim in _CLAIMS), re.IGNORECASE)
#: Words that offer or refuse it, or leave it to the visitor.
_ONLY_OFFERED = re.compile(
    r"\b(?:if you(?:'d)? (?:like|want|prefer|wish)|would you like|do you want|can't|cannot|can not|unable|shall i|"
    r"should i|wenn du|wenn sie|möchten sie|möchtest|soll ich|kann nicht|si vous|souhaitez|voulez|voudriez|"
    r"si quieres|si desea|quiere\w*|desea|se vuoi|vuoi|desidera)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")


def claims_hand_over(text: str) -> bool:
    """Return whether a text says that a person takes over, in the languages of the widget.

    A sentence that only offers it does not count.
    """
    return any(
        _CLAIM.search(sentence) and not _ONLY_OFFERED.search(sentence)
        for sentence in _SENTENCE.findall(text.replace("\u2019", "'"))
    )


def is_raw_json(text: str) -> bool:
    """Return whether a text is a JSON object or list, perhaps in a code fence, that was meant for a program."""
    bare = re.sub(r"^```[a-z]*\s*|\s*```$", "", text.strip())
    if not bare.startswith(("{", "[{", '["')):
        return False
    try:
        return isinstance(json.loads(bare), dict | list)
    except (ValueError, RecursionError):
        # Cut off, or followed by something else.
        return bare.startswith('{"')
