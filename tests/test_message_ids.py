"""Message-IDs: which delivery a mail was."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.message_ids import Origin, message_id, read_origin

MOMENTS = st.datetimes(min_value=datetime(2020, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds it


@given(st.integers(1, 10**12), MOMENTS)
def test_what_is_written_is_read(delivery_id, created_at):
    written = message_id(delivery_id, created_at, "invites.example.org")
    assert read_origin(f"In-Reply-To: {written} and more") == Origin.of(delivery_id, created_at)


def test_it_is_id_and_millisecond_at_the_senders_domain(now):
    assert message_id(1207, now, "example.org") == "<1207.1793642651123@example.org>"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1207.1793642651123@example.org",
        "<CAByYQsF5qdTf@mail.example.org>",
        "<1207@example.org>",
        "<1207.1793642651123.9@example.org>",
        "<-1.2@example.org>",
        "<١٢.٣٤@example.org>",
        f"<{'9' * 40}.1@example.org>",
    ],
)
def test_other_ids_are_nobodys(text):
    assert read_origin(text) is None
