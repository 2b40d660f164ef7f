"""What ``flask doctor`` checks. Each check asks the module that decides about its subject.

A fault ends only the check that met it. Checks that read tables are left out if the database can't
be used, because each would wait for it again.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from invites import db
from invites.cli import mail_checks, readiness
from invites.cli.findings import Finding, Found, Status
from invites.core import secret_key
from invites.core.setting_values import SettingsError
from invites.core.settings import Settings
from invites.db import Fault, FaultError, NotReadyError, schema
from invites.db.faults import free_bytes, is_full
from invites.db.health import disk_is_low, refuse_damaged_now
from invites.members import installation
from invites.members.installation import BackupState
from invites.outbox import heartbeat

_READ_TIME = 3.0  # seconds to look for damage
_CLOCK_TOLERANCE = timedelta(minutes=1)


def check_all(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Takes about 15 seconds at most. Reads the database that is configured."""
    asked = mail_checks.ask(settings)
    yield from _run("Settings", lambda: _settings(settings))
    yield from _run("Reverse proxy", lambda: _proxy(settings))
    yield from _run("Data folder", lambda: _files(settings.data))
    yield from _run("Disk space", lambda: _disk(settings.data))
    schema_findings = list(_run("Database schema", _schema))
    yield from schema_findings
    yield from _run("Database integrity", _integrity)
    is_usable = all(one.status is Status.OK for one in schema_findings)
    yield from _run("Secret key", lambda: _key(settings.data, has_database=is_usable))
    if is_usable:
        yield from _run("Clock", lambda: _clock(now))
        yield from _run("Backup", lambda: _backup(now))
        yield from _run("Mail worker", lambda: _worker(now))
    else:
        unknown = "Not checked, because the database can't be used yet."
        yield Finding(Status.WARNING, "Clock, backup and mail worker", unknown)
    yield from _run("Mail server", lambda: mail_checks.mail_server(settings, asked))
    if settings.mail_server is not None:
        yield from _run("DNS of the sender", lambda: mail_checks.sender(settings, asked))


def _run(subject: str, check: Callable[[], Found]) -> Iterator[Finding]:
    try:
        with db.file_errors():
            for status, text in check():
                yield Finding(status, subject, " ".join(text.split()))
    except (NotReadyError, SettingsError, *db.ERRORS) as error:
        yield Finding(Status.PROBLEM, subject, " ".join(str(error).split()))
    finally:
        db.close()


def _settings(settings: Settings) -> Found:
    found = settings.other_warnings
    yield from ((Status.WARNING, text) for text in found)
    if not found:
        yield Status.OK, f"{settings.base_url}, listening at {settings.bind}"


def _proxy(settings: Settings) -> Found:
    found = settings.proxy_warnings
    yield from ((Status.PROBLEM, text) for text in found)
    if not settings.is_https and not settings.is_local_only:
        yield (
            Status.WARNING,
            f"{settings.base_url} isn't encrypted, so others on the network can read passwords. "
            "Set up a reverse proxy with a certificate, and begin INVITES_BASE_URL with https.",
        )
    elif not found:
        yield Status.OK, f"{settings.base_url}, trusted proxies: {settings.trusted_proxies}"


def _files(folder: Path) -> Found:
    if not folder.is_dir():
        yield (
            Status.PROBLEM,
            f"There is no folder {folder}. Run 'flask migrate' to create it, or set INVITES_DATA.",
        )
        return
    own, files = folder.stat(), _files_in(folder)
    found = {folder: own} | files
    unusable = [path for path in found if not _is_usable(path, found[path], own)]
    for path in unusable:
        yield (
            Status.PROBLEM,
            f"{path} can't be written, or belongs to another user than the folder. Give the folder "
            "and all files in it to the user that Invites runs as, with mode 0600 for files, and "
            "run this command as that user.",
        )
    exposed = [path.name for path in files if _is_exposed(path, files[path], own)]
    if exposed:
        yield (
            Status.WARNING,
            f"Others on this machine can read {', '.join(exposed)} in {folder}. "
            f"Run: chmod 700 {folder}",
        )
    if not unusable and not exposed:
        yield Status.OK, str(folder)


def _files_in(folder: Path) -> dict[Path, os.stat_result]:
    """Without those that are deleted meanwhile, as SQLite does with its -wal and -shm."""
    found = {}
    for path in sorted(folder.iterdir()):
        with suppress(FileNotFoundError):
            found[path] = path.lstat()
    return {path: known for path, known in found.items() if stat.S_ISREG(known.st_mode)}


def _is_usable(path: Path, known: os.stat_result, folder: os.stat_result) -> bool:
    needed = os.R_OK | os.W_OK | (os.X_OK if stat.S_ISDIR(known.st_mode) else 0)
    return known.st_uid == folder.st_uid and (os.access(path, needed) or not path.exists())


def _is_exposed(path: Path, known: os.stat_result, folder: os.stat_result) -> bool:
    """The check of the secret key has a stricter answer of its own."""
    can_be_reached = folder.st_mode & (stat.S_IXGRP | stat.S_IXOTH)
    can_be_read = known.st_mode & (stat.S_IRGRP | stat.S_IROTH)
    return bool(can_be_reached and can_be_read) and path.name != secret_key.FILE_NAME


def _disk(folder: Path) -> Found:
    if not folder.is_dir():
        return
    if is_full():
        raise FaultError(Fault.FULL)
    free = f"{free_bytes(folder) // 2**20} MB free"
    if disk_is_low():
        yield Status.WARNING, f"{free}. Free some space for {folder} before the disk is full."
    else:
        yield Status.OK, free


def _schema() -> Found:
    schema.refuse_unready()
    yield Status.OK, "fits this version"


def _integrity() -> Found:
    place = db.place()
    if not isinstance(place, Path) or not place.exists():
        return  # PostgreSQL checks what it reads
    refuse_damaged_now(_READ_TIME)
    yield Status.OK, f"no damage found within {_READ_TIME:.0f} seconds"


def _key(folder: Path, *, has_database: bool) -> Found:
    if has_database:
        readiness.refuse_other_key(folder)
    readiness.refuse_weak_key(folder)
    found = secret_key.warnings(folder)
    yield from ((Status.PROBLEM, text) for text in found)
    if not found:
        yield Status.OK, "belongs to the database" if has_database else "present"


def _clock(now: datetime) -> Found:
    db.connect()
    newest = installation.newest_moment()
    if newest is not None and newest > now + _CLOCK_TOLERANCE:
        yield (
            Status.PROBLEM,
            f"The clock says {_utc(now)}, but the database has data from {_utc(newest)}. Links "
            "expire and emails are sent at the wrong time. Set the clock, and have it synchronized "
            "(timedatectl set-ntp true).",
        )
    else:
        yield Status.OK, _utc(now)


def _backup(now: datetime) -> Found:
    db.connect()
    last = installation.last_backup(now)
    made = _utc(last.made_at) if last.made_at else "never"
    if last.state is BackupState.OK:
        yield Status.OK, made
    elif last.state is BackupState.NONE:
        yield Status.WARNING, "No backup was ever made. Run 'flask backup', or start its timer."
    elif last.state is BackupState.OLD:
        yield Status.PROBLEM, f"The last one was made on {made}. Check whether its timer runs."
    else:
        failed = _utc(last.failed_at) if last.failed_at else ""
        yield (
            Status.PROBLEM,
            f"The last one failed on {failed}: {last.failure} "
            f"The last that succeeded: {made}. Run 'flask backup' to try again.",
        )


def _worker(now: datetime) -> Found:
    db.connect()
    if not heartbeat.worker_is_running(now):
        yield Status.PROBLEM, "It isn't running, so nothing is sent. Start its service."
    elif outage := heartbeat.outage():
        yield Status.WARNING, f"It can't send at the moment and keeps trying. Reason: {outage}"
    else:
        yield Status.OK, "running"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
