"""How hard the box may work its mail server."""

import pytest

from invites import mail_policy
from invites.core.errors import Reason
from invites.mail_policy import MOST_CONNECTIONS, MOST_PER_MINUTE, Limits
from invites.models import MailPolicy
from tests.shorthand import refused


def test_without_a_choice_there_is_no_limit_and_four_connections(database):
    assert mail_policy.read() == Limits(per_minute=None, connections=4)


@pytest.mark.parametrize(
    ("per_minute", "connections", "expected"),
    [
        ("30", "1", Limits(30, 1)),
        (" 100000 ", "32", Limits(MOST_PER_MINUTE, MOST_CONNECTIONS)),
        ("", "2", Limits(None, 2)),
        ("  ", "2", Limits(None, 2)),
    ],
)
def test_what_is_chosen_is_kept(database, per_minute, connections, expected):
    mail_policy.change(per_minute, connections)
    assert mail_policy.read() == expected


def test_a_later_choice_takes_the_place_of_the_first(database):
    mail_policy.change("30", "1")
    mail_policy.change("", "8")
    assert mail_policy.read() == Limits(None, 8)
    assert MailPolicy.select().count() == 1


WRONG = ["0", "-1", "1.5", "1,000", "a few", "٣", "9" * 5000, "\x00"]


@pytest.mark.parametrize("wrong", [*WRONG, "100001"])
def test_a_wrong_number_of_mails_is_refused_and_changes_nothing(database, wrong):
    mail_policy.change("30", "2")
    with refused(Reason.NUMBER_OUT_OF_RANGE):
        mail_policy.change(wrong, "3")
    assert mail_policy.read() == Limits(30, 2)


@pytest.mark.parametrize("wrong", [*WRONG, "33", ""])
def test_a_wrong_number_of_connections_is_refused_and_changes_nothing(database, wrong):
    mail_policy.change("30", "2")
    with refused(Reason.NUMBER_OUT_OF_RANGE):
        mail_policy.change("40", wrong)
    assert mail_policy.read() == Limits(30, 2)
