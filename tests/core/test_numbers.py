"""Numbers out of URLs, forms and tokens."""

import pytest

from invites.core.errors import Reason
from invites.core.numbers import number_up_to, whole_number
from invites.models import Account
from tests.support.actions import refused


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


def test_a_number_in_a_form_may_have_spaces_around_it():
    assert (number_up_to(32, "1"), number_up_to(32, " 32 ")) == (1, 32)


@pytest.mark.parametrize(
    "wrong", ["0", "33", "", " ", "-1", "1.5", "1,000", "a few", "٣", "9" * 5000, "\x00"]
)
def test_any_other_number_in_a_form_is_refused(wrong):
    with refused(Reason.NUMBER_OUT_OF_RANGE):
        number_up_to(32, wrong)
