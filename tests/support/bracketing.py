"""A language that puts every message in brackets, to find text that can't be translated."""

import re

from babel.support import NullTranslations
from bs4 import BeautifulSoup, Comment, Doctype, Tag

READ_ALOUD = ["aria-label", "placeholder", "title", "alt", "data-label"]
SAID_BY_SCRIPTS = [
    "data-copied",
    "data-refused",
    "data-offline",
    "data-offline-retrying",
    "data-offline-upload",
    "data-over-limit",
    "data-too-large",
]

# What isn't translated: names, addresses, links, replies of mail servers.
DATA = re.compile(
    r"""Riverside\ Relief | Elsewhere | Olive\ Martin | Ada\ Okafor | Mo\ Diaz | Uma\ Roy
    | Ina\ Active | Una\ Proven | Ace\ Pted | Alma\ Else | Zoe\ Blank
    | Invites\ (?=<) | \bida\b
    | \S+@\S+ | https?://\S+ | 5\.1\.1\ Nobody | 4\.3\.0\ Later
    | See\ your\ assignments  # an account's default label
    | Phone | rubbish | not\ an\ address | people\.csv
    | \b(?:[A-Z2-7]{4}[\ -]){2,7}[A-Z2-7]{4}\b  # codes
    | \d{1,2}\ [A-Z][a-z]{2}\ \d{4}   # a date
    """,
    re.VERBOSE,
)


class Bracketing(NullTranslations):
    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return f"⟦{singular if number == 1 else plural}⟧"

    ugettext = gettext
    ungettext = ngettext


def untranslated(text: str) -> str:
    """The text outside of brackets, apart from data."""
    while "⟦" in text:
        text, count = re.subn(r"⟦[^⟦⟧]*⟧", " ", text)
        assert count, f"brackets don't match in {text!r}"
    text = DATA.sub(" ", text)
    return text if re.search(r"[^\W\d_]", text) else ""


def words_in(page: BeautifulSoup) -> list[str]:
    for tag in page.select("style, .monogram, iframe, pre, [data-time-zones], #time_zone option"):
        tag.decompose()
    texts = [t for t in page.find_all(string=True) if not isinstance(t, Comment | Doctype)]
    return [str(text) for text in texts] + [
        str(tag[name]) for tag in page.find_all(True) for name in attributes(tag)
    ]


def attributes(tag: Tag) -> list[str]:
    said = [*READ_ALOUD, *SAID_BY_SCRIPTS]
    if tag.name == "input" and tag.get("type") == "submit":
        said.append("value")
    return [name for name in said if tag.has_attr(name) and tag[name] != "https://"]


def untranslated_in(page: BeautifulSoup) -> list[str]:
    """Text of a page or email outside of brackets, apart from data. Removes tags from ``page``."""
    return [text.strip() for text in words_in(page) if untranslated(text)]
