"""Moments in Python and in tables."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.db import UtcField
from invites.models import Account
from tests.support.actions import reread

moments = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]),
    min_value=datetime(2, 1, 1),  # noqa: DTZ001  # the strategy adds the zone
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001  # the strategy adds the zone
)


@given(moments)
def test_a_moment_is_stored_to_the_microsecond(moment):
    back = UtcField().python_value(UtcField().db_value(moment))
    assert back == moment
    assert back.tzinfo is UTC


@given(moments, moments)
def test_stored_moments_sort_like_moments(one, other):
    field = UtcField()
    assert (one < other) == (field.db_value(one) < field.db_value(other))


def test_none_is_stored_as_null():
    assert UtcField().db_value(None) is None
    assert UtcField().python_value(None) is None


def test_a_moment_without_a_time_zone_is_an_error():
    with pytest.raises(ValueError, match="needs a time zone"):
        UtcField().db_value(datetime(2026, 1, 1))  # noqa: DTZ001  # on purpose


def test_a_moment_is_the_same_in_a_row(account, now):
    moment = now.astimezone(timezone(timedelta(hours=5)))
    Account.update(created_at=moment).execute()
    assert reread(account).created_at == now
    assert Account.get(Account.created_at == moment) == account
