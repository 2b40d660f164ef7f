"""A batch of four, and what becomes of its mails."""

import pytest

from invites.models import Delivery
from tests.support.actions import attempt, due, send


def addresses(number):
    return [f"p{n:02}@example.org" for n in range(number)]


@pytest.fixture
def batch(owner, now):
    return send(owner, now, *addresses(4))


def attempt_first(now, *results):
    for mail, result in zip(due(now), results, strict=False):
        attempt(Delivery.get_by_id(mail.id), result, now, 550, "5.7.1 Not you")


def states():
    return [mail.state for mail in Delivery.select().order_by(Delivery.id)]
