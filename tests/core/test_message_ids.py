"""Message-IDs and the deliveries they belong to."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.core.message_ids import message_id, read_origin
from invites.core.tokens import Purpose, Signer, row_id

MOMENTS = st.datetimes(min_value=datetime(2020, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds it
SIGNER = Signer(["a secret key for tests"])
MAC = "Nee0w8FP4964BFVmMrXi6Hn_"


@given(st.integers(1, 10**12), MOMENTS)
def test_a_message_id_is_read_back(delivery_id, created_at):
    mail = SimpleNamespace(id=delivery_id, created_at=created_at)
    written = message_id(SIGNER, mail, "invites.example.org")
    read = read_origin(f"In-Reply-To: {written} and more")
    assert row_id(read) == delivery_id
    assert SIGNER.matches(read, Purpose.MESSAGE_ID, mail)


def test_it_is_a_token_at_the_senders_domain(now):
    mail = SimpleNamespace(id=1207, created_at=now)
    assert message_id(SIGNER, mail, "example.org") == f"<1207-{MAC}@example.org>"


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"1207-{MAC}@example.org",
        "<CAByYQsF5qdTf@mail.example.org>",
        "<1207@example.org>",
        f"<1207-{MAC}.9@example.org>",
        f"<-1-{MAC}@example.org>",
        f"<١٢-{MAC}@example.org>",
        f"<{'9' * 40}-{MAC}@example.org>",
    ],
)
def test_other_message_ids_are_ignored(text):
    assert read_origin(text) == ""
