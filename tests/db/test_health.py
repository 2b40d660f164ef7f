"""Faults of the database: recognized, and found before anyone meets them."""

import errno
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import peewee
import pytest

from invites import db
from invites.db import Fault, FaultError, NotReadyError, health
from invites.db.health import Monitor
from invites.models import UnsubscribedAddress, User
from tests.support.faults import damage, fill, lock, make_read_only

pytestmark = pytest.mark.usefixtures("account")


def write(rows: int = 500) -> None:
    """Adds pages to the file."""
    columns = ("account_id", "email", "created_at")
    with db.transaction():
        db.insert_rows(
            UnsubscribedAddress, columns, ((1, f"person{n}@example.org", 0) for n in range(rows))
        )


@pytest.mark.parametrize(
    ("break_it", "fault"),
    [(fill, Fault.FULL), (make_read_only, Fault.READ_ONLY), (lock, Fault.BUSY)],
)
def test_the_fault_behind_an_error_is_recognized(database: Path, break_it, fault) -> None:
    with break_it(database), pytest.raises(peewee.DatabaseError) as caught:
        write()
    assert db.fault_of(caught.value) is fault
    assert db.explain(caught.value)


def test_damage_is_recognized(database: Path) -> None:
    damage(database, "user")
    with pytest.raises(peewee.DatabaseError) as caught:
        User.get()
    assert db.fault_of(caught.value) is Fault.DAMAGED
    assert "flask restore" in db.explain(caught.value)


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "x"), OSError(errno.EDQUOT, "x"), FaultError(Fault.FULL)]
)
def test_a_full_disk_is_recognized_wherever_it_is_noticed(error: Exception) -> None:
    assert db.fault_of(error) is Fault.FULL


@pytest.mark.parametrize("error", [OSError(errno.EPIPE, "x"), sqlite3.OperationalError("no table")])
def test_another_error_is_no_fault(error: Exception) -> None:
    assert db.fault_of(error) is None


def test_a_bug_is_no_fault() -> None:
    with pytest.raises(peewee.OperationalError) as caught:
        db.select("SELECT nonsense", ())
    assert db.fault_of(caught.value) is None


def test_a_healthy_database_has_no_fault_and_is_not_changed() -> None:
    before = list(db.database.connection().iterdump())
    assert Monitor().fault() is None
    assert list(db.database.connection().iterdump()) == before


def test_a_damaged_page_that_nobody_reads_is_found(database: Path) -> None:
    damage(database, "recovery_codes")
    assert Monitor().fault() is Fault.DAMAGED
    with pytest.raises(NotReadyError, match=r"damaged: .*flask restore"):
        health.refuse_damaged_now(5)


def test_a_missing_file_is_found_and_logged_once(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    db.close()
    database.unlink()
    monitor = Monitor()
    for _ in range(3):
        assert monitor.fault() is Fault.FAILED
        monitor._written_at -= 10
    assert len(caplog.messages) == 1
    assert str(database) in caplog.text


def test_a_disk_without_space_is_found_even_while_small_writes_still_succeed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_bavail=10, f_frsize=4096))
    assert health.disk_is_low()
    assert Monitor().fault() is Fault.FULL


def test_while_others_write_the_database_is_well(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_LOCK_TIME", 0.1)
    with lock(database):
        assert Monitor().fault() is None


def test_many_questions_cost_one_write_every_ten_seconds(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    monkeypatch.setattr(health, "_write", written.append)
    monitor = Monitor()
    for _ in range(50):
        monitor.fault()
    assert len(written) == 1
    monitor._written_at -= 10
    monitor.fault()
    assert len(written) == 2


def test_looking_for_damage_stops_when_time_is_up() -> None:
    write(20_000)
    health.refuse_damaged_now(0)


def test_damage_that_a_request_met_is_remembered(database: Path) -> None:
    monitor = Monitor()
    assert monitor.fault() is None
    monitor.report(Fault.BUSY)
    assert monitor.fault() is None
    monitor.report(Fault.DAMAGED)
    assert monitor.fault() is Fault.DAMAGED
