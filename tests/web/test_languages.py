"""Every word that a person sees goes through gettext, so that it can be translated."""

import re
from collections.abc import Iterator

import pytest
from babel.support import NullTranslations
from bs4 import BeautifulSoup, Comment, Doctype, Tag
from flask_babel import get_domain

from invites.mail.rendering import render
from invites.models import Account, Delivery, DeliveryKind, SecurityEvent
from invites.people import security_notices
from invites.sending.test_mail import build_test_mail
from tests.support.page_cases import BUTTONS, PAGES, PageCase
from tests.support.populated_account import Site, services

pytestmark = pytest.mark.slow

READ_ALOUD = ["aria-label", "placeholder", "title", "alt", "data-label"]
SAID_BY_SCRIPTS = [
    "data-copied",
    "data-refused",
    "data-offline",
    "data-offline-retrying",
    "data-offline-upload",
    "data-too-large",
]

# What stays as it is in every language: names, addresses, links, the words of mail servers.
DATA = re.compile(
    r"""Riverside\ Relief | Elsewhere | Olive\ Martin | Ada\ Okafor | Mo\ Diaz | Uma\ Roy
    | Ina\ Active | Una\ Proven | Ace\ Pted | Alma\ Else | Zoe\ Blank
    | Invites\ (?=<) | \bida\b
    | \S+@\S+ | https?://\S+ | 5\.1\.1\ Nobody | 4\.3\.0\ Later
    | See\ your\ assignments  # until somebody sets another label
    | Phone | rubbish | not\ an\ address | people\.csv
    | \b(?:[A-Z2-7]{4}[\ -]){2,7}[A-Z2-7]{4}\b  # codes
    | \d{1,2}\ [A-Z][a-z]{2}\ \d{4}   # a date in the language of the page
    """,
    re.VERBOSE,
)


class Bracketing(NullTranslations):
    """A language in which every message stands in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return f"⟦{singular if number == 1 else plural}⟧"

    ugettext = gettext
    ungettext = ngettext


@pytest.fixture
def bracketing(site: Site) -> Iterator[Site]:
    """An application in that language."""
    with site.app.app_context():
        domain = get_domain()
    domain.cache["en", domain.domain[0]] = Bracketing()
    yield site
    domain.cache.clear()


def untranslated(text: str) -> str:
    """What stands outside of brackets, apart from data."""
    while "⟦" in text:
        text, count = re.subn(r"⟦[^⟦⟧]*⟧", " ", text)
        assert count, f"brackets don't match in {text!r}"
    text = DATA.sub(" ", text)
    return text if re.search(r"[^\W\d_]", text) else ""


def words_in(page: BeautifulSoup) -> list[str]:
    for tag in page.select("style, .seal, iframe, pre, [data-time-zones], #time_zone option"):
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


@pytest.mark.parametrize("case", (PAGES | BUTTONS).values(), ids=(PAGES | BUTTONS).keys())
def test_every_word_of_a_page_can_be_translated(bracketing: Site, case: PageCase) -> None:
    answer = case.show(bracketing, htmx=case in BUTTONS.values())
    page = BeautifulSoup(answer.text, "html.parser")
    words = words_in(page)
    assert any("⟦" in text for text in words)
    assert [text.strip() for text in words if untranslated(text)] == []


def test_every_word_of_an_error_can_be_translated(bracketing: Site) -> None:
    for url in ("/nowhere", "/logout", "/accounts/riverside-relief/settings"):
        page = BeautifulSoup(bracketing.device("user").open(url).response.text, "html.parser")
        assert [text for text in words_in(page) if untranslated(text)] == []


def test_every_word_of_a_mail_can_be_translated(bracketing: Site) -> None:
    Account.update(requires_two_step=True).execute()
    for event in SecurityEvent:
        security_notices.tell(bracketing.rows.owner.user, event, bracketing.rows.now)
    invitations = (bracketing.rows.pending, bracketing.rows.known)
    mails = [Delivery.get(Delivery.invitation == invitation) for invitation in invitations]
    mails += list(Delivery.select().where(Delivery.kind != DeliveryKind.INVITATION))
    mail_context, now = services(bracketing.app).mail_context, bracketing.rows.now
    with bracketing.app.app_context():
        sent = [render(delivery, mail_context, now) for delivery in mails]
        sent.append(build_test_mail("olive@example.org", mail_context, now))
    for mail in sent:
        page = BeautifulSoup(mail.html, "html.parser")
        assert [line for line in mail.body.splitlines() if untranslated(line)] == []
        assert [text for text in words_in(page) if untranslated(text)] == []
        assert untranslated(mail.subject) == ""
