"""A name that ends with a period gets no second one at the end of a sentence."""

from collections.abc import Iterator

import pytest
from flask import Flask, render_template_string
from flask_babel import gettext, lazy_gettext, ngettext

from invites.mail.rendering import render
from invites.models import Account, Delivery, User
from tests.support.populated_account import Site, services


@pytest.fixture(autouse=True)
def request_context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Relief Inc.", "You left Relief Inc."),
        ("Relief", "You left Relief."),
        ("", "You left ."),
        ("Relief. Inc", "You left Relief. Inc."),
    ],
)
def test_a_sentence_ends_with_one_period(name: str, words: str) -> None:
    assert gettext("You left %(name)s.", name=name) == words
    assert str(lazy_gettext("You left %(name)s.", name=name)) == words
    assert ngettext("You left %(name)s.", "%(num)s left.", 1, name=name) == words
    assert render_template_string("{{ _('You left %(name)s.', name=name) }}", name=name) == words
    once = "{{ ngettext('You left %(name)s.', '%(num)s left.', 1, name=name) }}"
    assert render_template_string(once, name=name) == words


def test_other_periods_stay() -> None:
    assert gettext("%(name)s: 5. Go on.", name="A.") == "A.: 5. Go on."
    assert gettext("%(name)s... and %(number)d", name="A", number=2) == "A... and 2"


def test_names_in_sentences_of_a_page_are_escaped() -> None:
    words = render_template_string("{{ _('You left %(name)s.', name='<b>.') }}")
    assert words == "You left &lt;b&gt;."
    marked = "{{ _('<b>%(name)s</b>', name='&') }} {{ ngettext('%(num)s &', '%(num)s', 1) }}"
    assert render_template_string(marked) == "<b>&amp;</b> 1 &"


def test_mails_and_pages_of_an_organization_with_a_period(site: Site) -> None:
    Account.update(name="Riverside Relief Inc.").execute()
    User.update(name="Olive Martin Jr.").execute()
    delivery = Delivery.get(Delivery.invitation == site.rows.pending)
    mail = render(delivery, services(site.app).mail_context, site.rows.now)
    assert mail is not None
    page = site.device("nobody").open(site.mailed(site.rows.pending)).text
    for text in (mail.body, mail.html, page):
        assert "Relief Inc." in text
        assert ".." not in text
