"""Every text that a person sees goes through gettext, so that it can be translated.

Pages are checked by test_every_page.
"""

import pytest
from bs4 import BeautifulSoup

from invites.mail.rendering import render, render_service_failure, render_test_mail
from invites.models import Account, Delivery, DeliveryKind, SecurityEvent
from invites.people import security_notices
from tests.support.bracketing import untranslated, untranslated_in
from tests.support.populated_account import Site, services

pytestmark = pytest.mark.slow


def test_every_word_of_an_error_can_be_translated(bracketing: Site) -> None:
    for url in ("/nowhere", "/logout", "/accounts/riverside-relief/settings"):
        page = BeautifulSoup(bracketing.device("user").open(url).response.text, "html.parser")
        assert untranslated_in(page) == []


def test_every_word_of_a_mail_can_be_translated(bracketing: Site) -> None:
    Account.update(requires_two_step=True).execute()
    for event in SecurityEvent:
        security_notices.send(bracketing.rows.owner.user, event, bracketing.rows.now)
    invitations = (bracketing.rows.pending, bracketing.rows.known)
    mails = [Delivery.get(Delivery.invitation == invitation) for invitation in invitations]
    mails += list(Delivery.select().where(Delivery.kind != DeliveryKind.INVITATION))
    mail_context, now = services(bracketing.app).mail_context, bracketing.rows.now
    with bracketing.app.app_context():
        sent = [render(delivery, mail_context, now) for delivery in mails]
        sent.append(render_test_mail("olive@example.org", mail_context, now))
        sent.append(render_service_failure("olive@example.org", "", mail_context, now))
    for mail in sent:
        page = BeautifulSoup(mail.html, "html.parser")
        assert [line for line in mail.body.splitlines() if untranslated(line)] == []
        assert untranslated_in(page) == []
        assert untranslated(mail.subject) == ""
