"""Finding queued mail."""

import pytest

from invites.members import installation
from invites.models import Delivery
from invites.outbox.retry import SendResult
from tests.support.actions import attempt, send


@pytest.fixture
def batch(owner, now):
    return send(owner, now, *(f"p{n}@example.org" for n in range(60)))


def test_queued_mail_is_listed_newest_first_in_pages(batch):
    assert [mail.recipient for mail in installation.queued_page(1)][:2] == [
        "p59@example.org",
        "p58@example.org",
    ]
    assert (installation.queued_page(2).first, installation.queued_page(2).total) == (51, 60)


def test_sent_mail_is_no_longer_listed(batch, now):
    delivery = Delivery.select().order_by(Delivery.id).first()
    assert installation.find_queued(delivery.id) == delivery
    attempt(delivery, SendResult.SENT, now)
    assert installation.find_queued(delivery.id) is None
    assert installation.queued_page(1).total == Delivery.select().count() - 1


@pytest.mark.parametrize("number", [0, -1])
def test_an_id_that_does_not_exist_finds_nothing(batch, number):
    assert installation.find_queued(number) is None
