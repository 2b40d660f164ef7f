"""The limits on sending."""

import pytest

from invites.core.errors import Reason
from invites.models import MailThrottle
from invites.outbox import throttle
from invites.outbox.throttle import MAX_CONNECTIONS, MAX_PER_MINUTE, Limits
from tests.support.actions import refused


def test_the_default_is_no_limit_and_four_connections(database):
    assert throttle.read() == Limits(per_minute=None, connections=4)


@pytest.mark.parametrize(
    ("per_minute", "connections", "expected"),
    [
        ("30", "1", Limits(30, 1)),
        (" 100000 ", "32", Limits(MAX_PER_MINUTE, MAX_CONNECTIONS)),
        ("", "2", Limits(None, 2)),
        ("  ", "2", Limits(None, 2)),
    ],
)
def test_changed_limits_are_stored(database, per_minute, connections, expected):
    throttle.change(per_minute, connections)
    assert throttle.read() == expected


def test_later_limits_replace_earlier_ones(database):
    throttle.change("30", "1")
    throttle.change("", "8")
    assert throttle.read() == Limits(None, 8)
    assert MailThrottle.select().count() == 1


WRONG = ["0", "-1", "1.5", "1,000", "a few", "٣", "9" * 5000, "\x00"]


@pytest.mark.parametrize("wrong", [*WRONG, "100001"])
def test_an_invalid_number_of_mails_changes_nothing(database, wrong):
    throttle.change("30", "2")
    with refused(Reason.NUMBER_OUT_OF_RANGE):
        throttle.change(wrong, "3")
    assert throttle.read() == Limits(30, 2)


@pytest.mark.parametrize("wrong", [*WRONG, "33", ""])
def test_an_invalid_number_of_connections_changes_nothing(database, wrong):
    throttle.change("30", "2")
    with refused(Reason.NUMBER_OUT_OF_RANGE):
        throttle.change("40", wrong)
    assert throttle.read() == Limits(30, 2)
