"""Tests what is done with the words of an answer: links, promises of a person, raw data, and a visitor's yes."""

from __future__ import annotations

import time

import pytest

from flask_pocketping.ai.claims import claims_hand_over, is_raw_json
from flask_pocketping.ai.consent import ask_for_yes, says_yes
from flask_pocketping.ai.links import Links, complete_part

LINKS = Links({"shop.example", ".docs.example", "127.0.0.1:5000"}, {"https://help.example/returns#top"})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See [returns](https://help.example/returns).", "See [returns](https://help.example/returns)."),
        ("See https://help.example/returns#how for more.", "See https://help.example/returns#how for more."),
        ("See [our page](https://evil.example/x).", "See our page."),
        ("See https://evil.example/x, please.", "See , please."),
        ("See www.evil.example/x!", "See !"),
        ("[https://evil.example](https://evil.example/)", ""),
        ("[a](https://shop.example/x(1)) b", "[a](https://shop.example/x(1)) b"),
        ("[a](javascript:alert(1)) b", "a b"),
        ("Click javascript:alert(1) now", "Click  now"),
        ("![x](https://shop.example/pixel.png)", "x"),
        ("[a](https://shop.example@evil.example/)", "a"),
        ("[a](https://shop.example.evil.example/)", "a"),
        ("[a](https://evilshop.example/)", "a"),
        (
            "[a](https://a.docs.example/x) [b](https://docs.example)",
            "[a](https://a.docs.example/x) [b](https://docs.example)",
        ),
        ("[a](//evil.example/x)", "a"),
        ("[a](/orders/17)", "a"),
        ("[a](http://127.0.0.1:5000/x) [b](http://127.0.0.1:5001/x)", "[a](http://127.0.0.1:5000/x) b"),
        ("[a][1]\n\n[1]: https://evil.example", "[a][1]\n\n"),
        ("<https://evil.example/x>", ""),
        ("ftp://shop.example/x", ""),
        ("[a](https://shop.example\\@evil.example/)", "a"),
        ("It costs 5 € [per pound].", "It costs 5 € [per pound]."),
    ],
)
def test_only_known_addresses_stay(text: str, shown: str) -> None:
    assert LINKS.clean(text) == shown


#: Texts that pages would make links of, to `evil.example`, if nobody took them out. `browser/test_ai.py` shows them to
#: the widget.
SLIPPERY = [
    "https:<https://x.example>//evil.example/?q=secret",
    "hthttps://x.exampletps://evil.example/",
    f"{'a' * 30}https://evil.example/",
    "_https://evil.example/x_",
    "1https://evil.example",
    "\u00e9https://evil.example",
    "\u00e9www.evil.example/x",
    "www.-evil.example",
    "www._x.evil.example",
    "HTTPS://EVIL.example",
    "https://shop.example]@evil.example/",
    "https://shop.example[x]@evil.example/",
    "https://shop.example'@evil.example/",
    "https://shop.example`@evil.example/",
    "https://shop.example\x1f@evil.example/",
    "https://shop.example\x85@evil.example/",
    "https://shop.example:443@evil.example/",
    "https://shop.example\u200b.evil.example/",
    "https:///evil.example/",
    "[a](https://evil.example/(x(y)))",
    "[a](https://evil.example/ 'title')",
    "[a](<https://evil.example/a b>)",
    "[![i](https://evil.example/p.png)](https://evil.example/)",
    "[https://evil.example/x](https://shop.example/)",
    "[a [b](https://evil.example/b)](https://evil.example/c)",
    "[a](https://shop.example/a)[b](https://evil.example/b)",
    "[a](https://shop.example\x1f@evil.example/)",
    "x@evil.example",
    "[a](mailto:x@evil.example)",
    "mailto:x@evil.example?body=secret",
    "[a](//evil.example/x)",
    "[a](/\\evil.example/x)",
]


@pytest.mark.parametrize("text", SLIPPERY)
def test_no_text_slips_through(text: str) -> None:
    cleaned = LINKS.clean(f"See {text} now")
    assert "evil.example" not in cleaned.lower()
    assert LINKS.clean(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        *("[a](" + "x" * 50_000, "[a](" + " " * 50_000, "[a](" * 12_000, "[" * 50_000, "[a](x(" * 12_000),
        *(
            "[a](" + "(x)" * 20_000,
            "a" * 50_000,
            "a@b." * 12_000,
            "a.b@" * 12_000,
            "\n[a]:" * 10_000,
            "https://" * 6000,
        ),
        "https:<" * 8000,
    ],
    ids=lambda text: text[:8],
)
def test_long_texts_take_no_longer_than_their_length(text: str) -> None:
    started = time.process_time()
    LINKS.clean(text)
    complete_part(text)
    assert time.process_time() - started < 1


def test_only_known_addresses_of_email_stay() -> None:
    links = LINKS.with_addresses((), ["Passage: write to Help@partner.example, please."])
    said = links.clean("Write to help@partner.example, tea@shop.example or made-up@gmail.example.")
    assert said == "Write to help@partner.example, tea@shop.example or ."


def test_a_path_of_the_site_stays_if_a_passage_has_it() -> None:
    links = LINKS.with_addresses(["/help/returns"])
    said = links.clean("[a](/help/returns#how) [b](/help/other) [c](/help/returns/../x)")
    assert said == "[a](/help/returns#how) b c"


def test_a_growing_text_shows_no_incomplete_link() -> None:
    assert complete_part("See [our page](https://evil.exa") == "See "
    assert complete_part("Hello wor") == "Hello "
    assert complete_part("See [a](https://x.example) and mo") == "See [a](https://x.example) and "


CLAIMS = [
    "I'll connect you with a colleague now.",
    "I have forwarded your request to our support team.",
    "You are being transferred to a human agent.",
    "Let me get someone to help you.",
    "I've notified the team.",
    "A team member will get back to you shortly.",
    "I\u2019m escalating this to a specialist.",
    "Our support team will contact you.",
    "Ich verbinde Sie mit einem Kollegen.",
    "Ich leite das an unser Team weiter.",
    "Ein Mitarbeiter wird sich bei Ihnen melden.",
    "Je transmets votre demande à un collègue.",
    "Le paso con un compañero.",
    "La metto in contatto con un collega.",
]
NO_CLAIMS = [
    "Our team is online from 9 to 17.",
    "Would you like me to connect you with a colleague?",
    "If you like, I can hand you over to a person.",
    "I can't transfer you to a person.",
    "You can contact our team at the counter.",
    "Connect the kettle to the socket.",
    "We pass the tea through a filter.",
    "Our support hours are on the page.",
    "Soll ich Sie mit einem Kollegen verbinden?",
    "Unser Team besteht aus fünf Menschen.",
    "The order was handed to the carrier.",
    "Put the leaves into the pot.",
]


@pytest.mark.parametrize("text", CLAIMS)
def test_a_promise_of_a_person_is_recognized(text: str) -> None:
    assert claims_hand_over(f"Thanks for asking. {text}")


@pytest.mark.parametrize("text", NO_CLAIMS)
def test_an_offer_or_another_sentence_is_no_promise(text: str) -> None:
    assert not claims_hand_over(text)


@pytest.mark.parametrize("text", ['{"answer": "x"}', '```json\n{"a": 1}\n```', '[{"a": 1}]', '{"cut": "of', '["a"]'])
def test_raw_data_is_recognized(text: str) -> None:
    assert is_raw_json(text)


@pytest.mark.parametrize(
    "text", ["[1] See below", "{name} is missing", "Send {} as the body", "[a](https://x.example)"]
)
def test_a_text_with_brackets_is_no_raw_data(text: str) -> None:
    assert not is_raw_json(text)


@pytest.mark.parametrize("text", ["yes", "Yes!", " YES. ", "Ja", "oui", "Sí", "sì", "“yes”", "Yes, please", "ok"])
def test_a_yes_is_a_yes(text: str) -> None:
    assert says_yes(text)


@pytest.mark.parametrize("text", ["yes but not now", "no", "yes?", "", "What does yes mean", "Yes, and cancel 18 too"])
def test_nothing_else_is_a_yes(text: str) -> None:
    assert not says_yes(text)


def test_the_yes_is_asked_for_in_the_visitors_language() -> None:
    assert says_yes("ja")
    assert "„Ja“" in ask_for_yes("de-CH")
    assert ask_for_yes("tlh") == ask_for_yes("en")
