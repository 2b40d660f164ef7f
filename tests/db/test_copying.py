"""Moving between SQLite and PostgreSQL."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from invites import db
from invites.core.settings import Settings
from invites.db import NotReadyError, copying, schema
from invites.invitations import staging
from invites.models import TABLES, Account, Membership
from tests.support.actions import invite
from tests.support.people import People
from tests.support.populated_account import Rows
from tests.support.postgres import PostgresServer, needs_postgres, sqlite_only

pytestmark = [pytest.mark.slow, sqlite_only, needs_postgres]


def rows_of_all() -> dict[str, list[tuple[object, ...]]]:
    """Every value of every row, as Python sees it."""
    found = {}
    for model in TABLES:
        keys = model._meta.get_primary_keys()
        rows = model.select().order_by(*keys).tuples()
        found[model._meta.table_name] = [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows
        ]
    return found


@pytest.fixture
def full(people: People, now: datetime) -> Rows:
    """A database with rows of every kind."""
    rows = Rows(people, now)
    staging.stage(rows.owner, "guests.csv", b"ada@example.org,\xc3\x96l\nnobody\n", now)
    return rows


@pytest.fixture
def target(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    yield postgres.create("copied")
    db.close()
    db.database.obj.close_idle()
    postgres.drop("copied")


def test_a_database_moves_to_postgresql_and_back_without_a_difference(
    full: Rows, target: str, settings: Settings, tmp_path: Path, now: datetime
) -> None:
    before = rows_of_all()
    assert copying.copy(settings.database, target, settings.data, TABLES) == count(before)

    db.close()
    db.configure(target, folder=settings.data)
    assert rows_of_all() == before
    owner = Membership.get_by_id(full.owner.id)
    new = invite(owner, now, "new@example.org")
    assert new.id > full.batch.id
    after = rows_of_all()
    db.close()

    back = tmp_path / "back.sqlite3"
    assert copying.copy(target, back, settings.data, TABLES) == count(after)
    db.configure(back)
    assert rows_of_all() == after
    assert schema.is_sound()


def test_a_database_that_is_in_use_is_not_copied_over(
    full: Rows, target: str, settings: Settings
) -> None:
    copying.copy(settings.database, target, settings.data, TABLES)
    with pytest.raises(NotReadyError, match=r"already contains data \(account, .*empty database"):
        copying.copy(settings.database, target, settings.data, TABLES)


def test_nothing_is_copied_if_a_row_can_not_be(full: Rows, target: str, settings: Settings) -> None:
    Account.update(name="x" * 101).execute()  # longer than PostgreSQL allows
    with pytest.raises(NotReadyError, match="too long"):
        copying.copy(settings.database, target, settings.data, TABLES)
    db.close()
    db.configure(target, folder=settings.data)
    assert not Account.select().exists()
    db.close()


def test_a_file_that_does_not_exist_is_named(
    target: str, settings: Settings, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.sqlite3"
    with pytest.raises(NotReadyError, match=r"missing\.sqlite3 doesn't exist"):
        copying.copy(missing, target, settings.data, TABLES)


def count(rows: dict[str, list[tuple[object, ...]]]) -> int:
    return sum(map(len, rows.values()))
