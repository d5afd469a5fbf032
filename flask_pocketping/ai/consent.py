"""The visitor's yes to a tool with effects. The server reads it: the model has no part in it."""

from __future__ import annotations

import unicodedata

#: What asks for it, by language.
_ASK = {
    "en": "Reply “yes” to confirm.",
    "de": "Antworten Sie mit „Ja“, um das zu bestätigen.",
    "fr": "Répondez « oui » pour confirmer.",
    "es": "Responda «sí» para confirmar.",
    "it": "Risponda «sì» per confermare.",
}
_YES = {
    *("yes", "yes please", "yes, please", "yep", "yeah", "confirm", "i confirm", "ok", "okay"),
    *("ja", "ja bitte", "ja, bitte", "oui", "oui merci", "si", "si, por favor", "si por favor", "si grazie"),
}


def ask_for_yes(language: str) -> str:
    """Return the sentence that says how to confirm.

    :param language: a language tag such as `de-CH`.
    """
    return _ASK.get(language.lower()[:2], _ASK["en"])


def says_yes(text: str) -> bool:
    """Return whether a message is a yes and nothing else."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(char))
    return " ".join(plain.split()).strip(" .!«»“”\"'„") in _YES
