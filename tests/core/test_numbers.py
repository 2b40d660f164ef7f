"""Numbers out of URLs, forms and tokens."""

import pytest

from invites.core.numbers import whole_number
from invites.models import Account


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("7", 7), ("007", 7), ("9" * 18, 10**18 - 1)]
)
def test_digits_are_a_number(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text",
    [None, "", "x", "-1", "+1", "1.5", " 7", "1_0", "²", "७", "9" * 19, "0" * 19, "9" * 5000],
)
def test_anything_else_or_longer_is_none(text):
    assert whole_number(text) is None


def test_a_query_can_ask_for_the_largest_number(account):
    assert Account.get_or_none(Account.id == whole_number("9" * 18)) is None
