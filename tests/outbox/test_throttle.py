"""The limits on sending."""

import pytest

from invites.models import MailThrottle
from invites.outbox import throttle
from invites.outbox.throttle import MAX_CONNECTIONS, MAX_PER_MINUTE, Limits


def test_the_default_is_no_limit_and_four_connections(database):
    assert throttle.read() == Limits(per_minute=None, connections=4)


@pytest.mark.parametrize(
    "limits", [Limits(30, 1), Limits(MAX_PER_MINUTE, MAX_CONNECTIONS), Limits(None, 2)]
)
def test_changed_limits_are_stored(database, limits):
    throttle.change(limits)
    assert throttle.read() == limits


def test_later_limits_replace_earlier_ones(database):
    throttle.change(Limits(30, 1))
    throttle.change(Limits(None, 8))
    assert throttle.read() == Limits(None, 8)
    assert MailThrottle.select().count() == 1
