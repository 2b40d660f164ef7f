"""The labels: each reason has one, and numbers have a singular and a plural."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from invites.core.errors import Reason, RuleError
from invites.models import EmailTokenPurpose
from invites.people import email_tokens, passwords
from invites.web.error_labels import sentence
from invites.web.labels import try_again_in
from tests.support.populated_account import Site


@pytest.fixture(autouse=True)
def request_context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_a_whole_sentence(reason: Reason) -> None:
    words = sentence(RuleError(reason, limit=12_345, left=1, row=3))
    assert "%" not in words
    assert len(words) > 10


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (1, "was emailed 1 time within"),
        (3, "was emailed 3 times within"),
        (1200, "was emailed 1,200 times within"),
    ],
)
def test_limits_have_singular_plural_and_separators(limit: int, words: str) -> None:
    assert words in sentence(RuleError(Reason.RECIPIENT_LIMIT, limit=limit))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second."),
        (59, "59 seconds."),
        (60, "1 minute."),
        (61, "2 minutes."),
        (900, "15 minutes."),
    ],
)
def test_waiting_times_are_in_minutes_or_seconds(seconds: int, words: str) -> None:
    assert try_again_in(seconds) == f"Try again in {words}"


def test_pages_state_the_limits_of_the_rules(site: Site) -> None:
    least, hours = (
        passwords.MIN_LENGTH,
        email_tokens.lifetime_hours(EmailTokenPurpose.RESET_PASSWORD),
    )
    newcomer = site.device("nobody")
    for url in (site.mailed(site.rows.pending), site.joining):
        assert f"At least {least} characters." in newcomer.open(url).text
    assert re.search(rf"\bfor {hours} hours\b", newcomer.open("/password-reset/1-closed").text)
