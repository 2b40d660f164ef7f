"""Connections and transactions."""

import sqlite3

import pytest
from peewee import OperationalError

from invites import db
from invites.models import Account, Delivery, Invitation, User
from tests.support.actions import invite
from tests.support.people import make_user


def test_a_missing_database_is_not_created_again(database):
    db.close()
    database.unlink()
    with pytest.raises(OperationalError, match="unable to open"):
        db.connect()
    assert not database.exists()


@pytest.mark.parametrize(
    ("durable", "synchronous", "patience"), [(True, 2, 30_000), (False, 1, 5_000)]
)
def test_a_connection_is_durable_and_waits_for_locks(database, durable, synchronous, patience):
    db.close()
    db.configure(database, durable=durable)
    db.connect()

    def pragma(name):
        return db.database.execute_sql(f"PRAGMA {name}").fetchone()[0]

    assert pragma("journal_mode") == "wal"
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") == patience
    assert pragma("synchronous") == synchronous


class Interruption(Exception):
    """Something went wrong in the middle."""


def fail_halfway(now):
    with db.transaction():
        make_user("Ben", "ben@example.org", now)
        raise Interruption


def test_a_transaction_is_all_or_nothing(database, now):
    with pytest.raises(Interruption):
        fail_halfway(now)
    assert User.select().count() == 0


def test_a_nested_transaction_can_fail_alone(database, now):
    with db.transaction():
        make_user("Ada", "ada@example.org", now)
        with pytest.raises(Interruption):
            fail_halfway(now)
    assert [user.name for user in User.select()] == ["Ada"]


def test_a_transaction_takes_the_write_lock_at_once(database):
    other = sqlite3.connect(database, timeout=0)
    with db.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_reader_does_not_wait_for_a_writer(account, database):
    other = sqlite3.connect(database, timeout=0)
    with db.transaction():
        Account.update(name="Changed").execute()
        assert other.execute("SELECT name FROM account").fetchone() == ("Riverside Relief",)
    other.close()


def test_a_row_that_others_refer_to_cannot_be_deleted(owner, now):
    invite(owner, now)
    with pytest.raises(Exception, match="FOREIGN KEY"):
        db.delete(Invitation).execute()
    assert Delivery.select().count() == 1
