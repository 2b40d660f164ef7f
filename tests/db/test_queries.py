"""Queries that peewee can't express."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invites import db
from invites.models import Account, User


def test_a_row_is_found_among_any_number_of_values(account):
    slugs = [f"{n}'\"" for n in range(50_000)]
    assert Account.select().where(db.among(Account.slug, slugs)).count() == 0
    assert Account.select().where(db.among(Account.slug, [*slugs, account.slug])).get() == account


@pytest.mark.usefixtures("database")
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_any_text_can_be_looked_up(texts):
    user = User.create(
        name="", email=uuid4().hex, phone="", password_hash="", created_at=datetime.now(UTC)
    )
    found = db.read(db.lookup([*texts, user.email], User.email), [User.id, User.created_at])
    assert found == [(user.id, User.created_at.db_value(user.created_at))]
