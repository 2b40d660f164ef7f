"""The batches of one account."""

from datetime import timedelta

import pytest

from invites.invitations import manage
from invites.members.account_batches import AccountBatches
from tests.support.actions import attempt_all, send


@pytest.fixture
def batches(account):
    return AccountBatches(account)


def test_batches_are_listed_newest_first_with_the_number_of_people(batches, people, owner, now):
    sent = [send(owner, now, *(f"p{n}{m}@example.org" for m in range(n + 1))) for n in range(4)]
    manage.revoke(owner, sent[3].invitations[0], now)
    send(people.stranger, now, "x@example.org")
    found = batches.page(1, size=3)
    assert [(one.batch, one.people) for one in found] == [(sent[3], 4), (sent[2], 3), (sent[1], 2)]
    assert found.total == 4
    assert [one.batch for one in batches.page(2, size=3)] == [sent[0]]


def test_a_person_who_is_mailed_again_counts_once_in_each_batch(batches, owner, now):
    first = send(owner, now, "p@example.org")
    attempt_all(now)
    manage.resend(owner, first.invitations[0], now)
    attempt_all(now)
    send(owner, now + timedelta(days=2), "p@example.org", "q@example.org")
    assert [one.people for one in batches.page(1)] == [2, 1]
