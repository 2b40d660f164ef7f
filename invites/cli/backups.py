"""Backups of the database and the secret key, and restoring them."""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from invites import db
from invites.cli import readiness
from invites.core import secret_key
from invites.core.settings import Settings
from invites.db import NotReadyError, copying, schema
from invites.models import TABLES
from invites.outbox import claims, deliveries, requeue
from invites.people import sessions

_DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")


@dataclass(frozen=True)
class Restored:
    """``on_hold``: how many emails are on hold. ``replaced``: the folder of the previous data."""

    on_hold: int
    replaced: Path | None


def back_up(settings: Settings, folder: Path, now: datetime, *, keep: int | None = None) -> Path:
    """Copies the database and the key to a new dated folder in ``folder``; returns that folder.

    Invites may be running. ``keep``: how many backups to keep. Raises NotReadyError.
    """
    if settings.data.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise NotReadyError(
            f"{folder} is inside the data folder {settings.data}, so both could be lost together. "
            "Choose another folder, preferably on another disk."
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    done = folder / _dated(now)
    if done.exists():
        raise NotReadyError(f"{done} already exists. Try again in a second.")
    draft = Path(tempfile.mkdtemp(prefix=f"{done.name}.unfinished-", dir=folder))
    try:
        _copy_database(settings, draft / settings.database_path.name)
        _copy(settings.data / secret_key.FILE_NAME, draft)
        for path in (*draft.iterdir(), draft):
            _finish(settings, path)
        draft.rename(done)
    except BaseException:
        shutil.rmtree(draft)
        raise
    if keep is not None:
        for old in _complete(settings, folder)[:-keep]:
            shutil.rmtree(old)
    return done


def _copy_database(settings: Settings, target: Path) -> None:
    """Always to a SQLite file."""
    if settings.database_url:
        copying.copy(settings.database_url, target, settings.data, TABLES)
        target.with_name("migrate.lock").unlink()
    else:
        db.backup(target)


def restore(
    settings: Settings, backup: Path, now: datetime, *, replace: bool, keep_mail: bool
) -> Restored:
    """Replaces the database and the key with those in ``backup``, migrated to this version.

    With ``replace``, the present data moves to a dated folder in the data folder. Puts queued
    emails on hold unless ``keep_mail``, because they may have been sent since the backup. Ends all
    sessions, because some may have been ended since. Changes nothing if it raises NotReadyError.
    """
    if settings.database_url:
        raise NotReadyError(
            f"INVITES_DATABASE is set. Copy {secret_key.FILE_NAME} from the backup to "
            f"{settings.data}, then run 'flask copy-database "
            f"{backup / settings.database_path.name} NEW', where NEW is the address of an empty "
            "database, and set INVITES_DATABASE to it."
        )
    _refuse_incomplete(settings, backup)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with readiness.hold_alone(settings):
        present = _present(settings)
        if present and not replace:
            raise NotReadyError(
                f"{settings.data} already contains data ({', '.join(p.name for p in present)}). "
                "Add --replace to move it to a dated folder there."
            )
        draft = Path(tempfile.mkdtemp(prefix=".restore-", dir=settings.data))
        try:
            on_hold = _prepare(settings, backup, draft, now, keep_mail=keep_mail)
            replaced = _put_aside(settings, now) if present else None
            for name in _names(settings):
                (draft / name).rename(settings.data / name)
            _flush(settings.data)
        finally:
            shutil.rmtree(draft)
            db.configure(settings.database_path)
    return Restored(on_hold, replaced)


def _prepare(
    settings: Settings, backup: Path, draft: Path, now: datetime, *, keep_mail: bool
) -> int:
    """Copies the backup to ``draft`` and migrates it. Returns the number of emails on hold."""
    log = f"{settings.database_path.name}-wal"  # exists if the backup was copied by hand
    for name in (*_names(settings), log):
        if (backup / name).exists():
            _copy(backup / name, draft)
    db.configure(draft / settings.database_path.name)
    if not schema.is_sound():
        raise NotReadyError(
            f"{backup} contains a damaged database, or none that Invites 0.1.0 or later created."
        )
    schema.migrate(TABLES)
    if readiness.has_other_key(draft):
        raise NotReadyError(
            f"The {secret_key.FILE_NAME} in {backup} is not the one that its database was used "
            "with, so no link in an email would work. Restore another backup, or put the right "
            "file there."
        )
    on_hold = _end_sessions_and_hold_mail(now, keep_mail=keep_mail)
    for name in _names(settings):
        _finish(settings, draft / name)
    return on_hold


def _end_sessions_and_hold_mail(now: datetime, *, keep_mail: bool) -> int:
    """Returns how many emails are on hold; 0 with ``keep_mail``."""
    db.connect()
    try:
        sessions.end_all_of_everyone()
        if keep_mail:
            return 0
        claims.recover(now)
        deliveries.put_on_hold(now)
        return requeue.total_on_hold(now)
    finally:
        db.close()


def _refuse_incomplete(settings: Settings, backup: Path) -> None:
    missing = [name for name in _names(settings) if not (backup / name).is_file()]
    if not missing:
        return
    inside = _complete(settings, backup) if backup.is_dir() else []
    advice = f" The newest backup in it is {inside[-1]}." if inside else ""
    raise NotReadyError(f"{backup} isn't a backup: it lacks {' and '.join(missing)}.{advice}")


def _put_aside(settings: Settings, now: datetime) -> Path:
    aside = settings.data / f"replaced-{_dated(now)}"
    aside.mkdir(mode=0o700)
    for path in _present(settings):
        path.rename(aside / path.name)
    return aside


def _present(settings: Settings) -> list[Path]:
    database, key = _names(settings)
    names = (database, f"{database}-wal", f"{database}-shm", key)
    return [settings.data / name for name in names if (settings.data / name).exists()]


def _complete(settings: Settings, folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted(
        path
        for path in folder.iterdir()
        if _DATED.fullmatch(path.name) and all((path / name).is_file() for name in _names(settings))
    )


def _names(settings: Settings) -> tuple[str, str]:
    return settings.database_path.name, secret_key.FILE_NAME


def _dated(now: datetime) -> str:
    return f"{now:%Y-%m-%dT%H-%M-%SZ}"


def _copy(source: Path, folder: Path) -> None:
    copy = folder / source.name
    copy.touch(mode=0o600)
    shutil.copyfile(source, copy)


def _finish(settings: Settings, path: Path) -> None:
    """Flushes the path. If root made it, gives it to the owner of the data folder."""
    if os.geteuid() == 0:
        owner = settings.data.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
    _flush(path)


def _flush(path: Path) -> None:
    """``path``: a file, or a folder for the names in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
