"""The commands backup and restore."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from time_machine import travel

from invites import db
from invites.cli import readiness
from invites.core.settings import Settings
from invites.db import schema
from invites.members import installation
from invites.members.installation import BackupState, LastBackup
from invites.models import Account, Delivery, DeliveryState, Membership
from invites.outbox import claims, outcomes, queue
from invites.outbox.outcomes import Outcome
from invites.outbox.retry import Attempt, SendResult
from invites.people import sessions
from tests.support.actions import WORKER, invite, send
from tests.support.populated_account import everything

pytestmark = pytest.mark.slow

MONDAY = datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC)


def run(app: Flask, *command: object) -> Result:
    db.close()
    done = app.test_cli_runner().invoke(args=[str(word) for word in command])
    db.connect()
    return done


def back_up(app: Flask, folder: Path, at: datetime = MONDAY, *options: object) -> Path:
    """Makes a backup at that time and returns its folder."""
    with travel(at, tick=False):
        done = run(app, "backup", folder, *options)
    assert done.exit_code == 0, done.output
    return folder / f"{at:%Y-%m-%dT%H-%M-%SZ}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder for backups."""
    return tmp_path / "backups"


@pytest.fixture
def backup(app: Flask, owner: Membership, now: datetime, folder: Path) -> Path:
    """A backup with one mail queued, one being sent, and one sent a moment ago."""
    send(owner, now, "sent@example.org", "sending@example.org", "waits@example.org")
    sent, _sending = claims.claim(WORKER, now, 2)
    outcomes.append(WORKER, [Outcome(sent, Attempt(SendResult.SENT))], now)
    return back_up(app, folder)


def states() -> list[str]:
    return [delivery.state for delivery in Delivery.select().order_by(Delivery.id)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_is_a_dated_folder_with_database_and_key(
    app: Flask, owner: Membership, database: Path, settings: Settings, folder: Path
) -> None:
    before = everything(database)
    copy = back_up(app, folder)
    assert copy.name == "2026-11-23T08-15-02Z"
    assert names(folder) == [copy.name]
    assert names(copy) == ["invites.sqlite3", "secret.key"]
    assert everything(copy / database.name) == before
    assert (copy / "secret.key").read_text() == (settings.data / "secret.key").read_text()
    for path in (copy, *copy.iterdir()):
        assert path.stat().st_mode & 0o077 == 0


def test_earlier_backups_stay(app: Flask, owner: Membership, folder: Path) -> None:
    made = [back_up(app, folder, MONDAY + timedelta(days=day)) for day in range(3)]
    assert names(folder) == [path.name for path in made]


def test_a_backup_that_root_makes_belongs_to_the_user_of_the_services(
    app: Flask, owner: Membership, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, uid, _gid: given.append((path.name, uid)))
    made = back_up(app, folder)
    assert {uid for _name, uid in given} == {settings.data.stat().st_uid}
    names_given = {name for name, _uid in given}
    assert {*names(made)} < names_given
    assert len(names_given) == len(names(made)) + 1  # the folder itself, under its first name


def test_two_backups_in_one_second_are_not_mixed(
    app: Flask, owner: Membership, folder: Path
) -> None:
    back_up(app, folder)
    with travel(MONDAY, tick=False):
        refused = run(app, "backup", folder)
    assert refused.exit_code == 1
    assert "already exists" in refused.output


def test_only_old_backups_beyond_the_limit_are_deleted(
    app: Flask, owner: Membership, folder: Path
) -> None:
    others = ["2026-11-20T00-00-00Z", "2026-11-20T00-00-00Z.unfinished-x", "letters"]
    for name in others:
        (folder / name).mkdir(parents=True)
    made = [
        back_up(app, folder, MONDAY + timedelta(days=day), "--keep", 2).name for day in range(4)
    ]
    assert names(folder) == sorted([*others, *made[2:]])


def test_a_failed_backup_leaves_no_folder(
    app: Flask, owner: Membership, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = back_up(app, folder)

    def full(_target: Path) -> None:
        raise OSError(28, "No space left on device", "/backups")

    monkeypatch.setattr(db, "backup", full)
    failed = run(app, "backup", folder, "--keep", 1)
    assert failed.exit_code == 1
    assert failed.output == "Error: /backups: No space left on device\n"
    assert names(folder) == [before.name]


@pytest.mark.parametrize("inside", [".", "backups", "backups/../more"])
def test_a_backup_in_the_data_folder_is_refused_with_the_reason(
    app: Flask, owner: Membership, settings: Settings, inside: str
) -> None:
    refused = run(app, "backup", settings.data / inside)
    assert refused.exit_code == 1
    assert "both could be lost together" in refused.output
    assert not list(settings.data.glob("**/*Z"))


def test_an_empty_installation_is_not_backed_up(app: Flask, folder: Path) -> None:
    refused = run(app, "backup", folder)
    assert refused.exit_code == 1
    assert "nothing to back up" in refused.output
    assert not folder.exists()


def test_a_restore_to_a_new_installation_brings_everything_back(
    app: Flask, backup: Path, settings: Settings, database: Path
) -> None:
    before, key = everything(backup / database.name), (settings.data / "secret.key").read_text()
    db.close()
    shutil.rmtree(settings.data)
    done = run(app, "restore", backup, "--keep-mail")
    assert done.exit_code == 0, done.output
    assert everything(database) == before
    assert (settings.data / "secret.key").read_text() == key
    for path in (settings.data, database, settings.data / "secret.key"):
        assert path.stat().st_mode & 0o077 == 0
    schema.refuse_unready()


def test_a_restore_replaces_nothing_without_the_option(
    app: Flask, backup: Path, settings: Settings, database: Path
) -> None:
    Account.update(name="Newer than the backup").execute()
    before = everything(database)
    refused = run(app, "restore", backup)
    assert refused.exit_code == 1
    assert "--replace" in refused.output
    assert everything(database) == before
    assert not list(settings.data.glob("*re*-*"))


def test_a_restore_keeps_the_replaced_database_with_its_log(
    app: Flask, backup: Path, settings: Settings, database: Path
) -> None:
    Account.update(name="Newer than the backup").execute()
    (settings.data / "secret.key").write_text("another key\n")
    before = everything(database)
    db.close()
    for log in ("invites.sqlite3-wal", "invites.sqlite3-shm"):
        (settings.data / log).touch()
    with travel(MONDAY, tick=False):
        done = run(app, "restore", backup, "--replace")
    assert done.exit_code == 0, done.output
    aside = settings.data / "replaced-2026-11-23T08-15-02Z"
    assert str(aside) in done.output
    assert everything(aside / database.name) == before
    assert (aside / "secret.key").read_text() == "another key\n"
    assert Account.get().name == "Riverside Relief"
    assert not list(settings.data.glob(".restore-*"))


def test_mail_that_was_queued_in_a_backup_is_put_on_hold(
    app: Flask, backup: Path, now: datetime
) -> None:
    with travel(now + timedelta(days=1), tick=False):
        done = run(app, "restore", backup, "--replace")
    assert states() == [DeliveryState.SENT, DeliveryState.WITHDRAWN, DeliveryState.WITHDRAWN]
    assert "Emails on hold: 2." in done.output
    assert "pages of their batches" in done.output
    assert "--keep-mail" in done.output
    withdrawn = Delivery.get(Delivery.state == DeliveryState.WITHDRAWN)
    assert "backup" in withdrawn.reply_text
    assert withdrawn.finished_at is not None
    assert queue.bulk(datetime.now(UTC) + timedelta(days=1), 10) == []


def test_mail_that_no_page_offers_to_send_is_not_counted(
    app: Flask, backup: Path, now: datetime
) -> None:
    with travel(now + timedelta(days=15), tick=False):
        done = run(app, "restore", backup, "--replace")
    assert states().count(DeliveryState.WITHDRAWN) == 2
    assert "Emails on hold" not in done.output


def test_mail_that_was_queued_in_a_backup_can_stay_queued(
    app: Flask, backup: Path, now: datetime
) -> None:
    done = run(app, "restore", backup, "--replace", "--keep-mail")
    claims.recover(now)  # as the worker does
    assert states() == [DeliveryState.SENT, DeliveryState.QUEUED, DeliveryState.QUEUED]
    assert "gone out" not in done.output


def test_a_device_that_was_signed_out_since_the_backup_stays_signed_out(
    app: Flask, owner: Membership, now: datetime, folder: Path
) -> None:
    stolen = sessions.start(owner.user, "", now)
    backup = back_up(app, folder)
    sessions.end_all(owner.user)
    done = run(app, "restore", backup, "--replace")
    assert sessions.find(stolen, now) is None
    assert "log in again" in done.output


def test_mail_queued_after_the_restore_is_sent(
    app: Flask, backup: Path, owner: Membership, now: datetime
) -> None:
    run(app, "restore", backup, "--replace")
    invite(owner, now, "later@example.org")
    assert [mail.recipient for mail in queue.bulk(now, 10)] == ["later@example.org"]


@pytest.mark.parametrize("missing", ["invites.sqlite3", "secret.key"])
def test_an_incomplete_backup_is_refused(
    app: Flask, backup: Path, database: Path, missing: str
) -> None:
    (backup / missing).unlink()
    before = everything(database)
    refused = run(app, "restore", backup, "--replace")
    assert refused.exit_code == 1
    assert f"lacks {missing}" in refused.output
    assert everything(database) == before


def test_for_the_parent_folder_the_newest_backup_is_named(
    app: Flask, backup: Path, folder: Path
) -> None:
    newest = back_up(app, folder, MONDAY + timedelta(days=1))
    assert f"newest backup in it is {newest}" in run(app, "restore", folder, "--replace").output


def test_a_backup_with_the_key_of_another_installation_is_refused_and_nothing_changes(
    app: Flask, owner: Membership, folder: Path, settings: Settings, database: Path
) -> None:
    assert run(app, "migrate").exit_code == 0
    backup = back_up(app, folder)
    (backup / "secret.key").write_text("e" * 64 + "\n")
    before, key = everything(database), (settings.data / "secret.key").read_text()
    refused = run(app, "restore", backup, "--replace")
    assert refused.exit_code == 1
    assert len(refused.output.splitlines()) == 1
    for words in ("secret.key", str(backup), "is not the one", "Restore another backup"):
        assert words in refused.output
    assert everything(database) == before
    assert (settings.data / "secret.key").read_text() == key
    assert not list(settings.data.glob("replaced-*"))


def test_how_the_last_backup_went_is_recorded(
    app: Flask, owner: Membership, folder: Path, settings: Settings
) -> None:
    back_up(app, folder)
    assert installation.last_backup(MONDAY) == LastBackup(BackupState.OK, MONDAY, None, "")
    tuesday = MONDAY + timedelta(days=1)
    folder.rename(folder.with_name("elsewhere"))
    folder.touch()
    with travel(tuesday, tick=False):
        failed = run(app, "backup", folder / "more")
    assert failed.exit_code == 1
    reason = failed.output.removeprefix("Error: ").strip()
    assert "Not a directory" in reason
    last = installation.last_backup(tuesday)
    assert last == LastBackup(BackupState.FAILED, MONDAY, tuesday, reason)
    folder.unlink()
    back_up(app, folder, tuesday)
    last = installation.last_backup(tuesday + timedelta(days=3, seconds=1))
    assert last == LastBackup(BackupState.OLD, tuesday, None, "")


def test_a_backup_that_fails_because_of_a_lost_key_is_recorded(
    app: Flask, owner: Membership, folder: Path, settings: Settings
) -> None:
    (settings.data / "secret.key").unlink()
    assert run(app, "backup", folder).exit_code == 1
    assert "secret key" in installation.last_backup(MONDAY).failure


def test_a_missing_folder_is_refused(app: Flask, owner: Membership) -> None:
    refused = run(app, "restore", "/nowhere/at/all", "--replace")
    assert refused.exit_code == 1
    assert "isn't a backup" in refused.output


@pytest.mark.parametrize("content", ["", "no database at all" * 1000])
def test_a_damaged_copy_is_refused_and_nothing_changes(
    app: Flask, backup: Path, settings: Settings, database: Path, content: str
) -> None:
    (backup / database.name).write_text(content)
    before = everything(database)
    refused = run(app, "restore", backup, "--replace")
    assert refused.exit_code == 1
    assert len(refused.output.splitlines()) == 1
    assert str(backup) in refused.output
    assert everything(database) == before
    assert not list(settings.data.glob("replaced-*"))
    assert not list(settings.data.glob(".restore-*"))


def test_a_damaged_installation_can_be_restored(
    app: Flask, backup: Path, settings: Settings, database: Path
) -> None:
    db.close()
    database.write_text("this was a database once" * 1000)
    (settings.data / "secret.key").unlink()
    done = app.test_cli_runner().invoke(args=["restore", str(backup), "--replace"])
    assert done.exit_code == 0, done.output
    schema.refuse_unready()


def test_a_backup_of_an_older_version_is_migrated(
    app: Flask, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = shutil.copytree(schema.MIGRATIONS, tmp_path / "migrations")
    (newer / "9998_more.py").write_text("def up(execute): pass\n")
    monkeypatch.setattr(schema, "MIGRATIONS", newer)
    assert run(app, "restore", backup, "--replace").exit_code == 0
    schema.refuse_unready()


def test_a_restore_is_refused_while_a_service_runs(
    app: Flask, backup: Path, settings: Settings
) -> None:
    with readiness.service(settings), readiness.service(settings):
        refused = run(app, "restore", backup, "--replace")
    assert refused.exit_code == 1
    assert "Stop the web server and the mail worker" in refused.output
    assert run(app, "restore", backup, "--replace").exit_code == 0


def test_a_service_does_not_start_while_a_backup_is_restored(
    app: Flask, owner: Membership, settings: Settings
) -> None:
    with readiness.hold_alone(settings):
        refused = run(app, "worker")
    assert refused.exit_code == 1
    assert "being restored" in refused.output
