"""What ``flask doctor`` checks. Each check asks the module that decides about its subject.

A fault ends only the check that met it. Checks that read tables are left out if the database can't
be used, because each would wait for it again.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TypeVar

from invites import db
from invites.cli import readiness
from invites.core import secret_key
from invites.core.setting_values import SettingsError
from invites.core.settings import MailServer, Settings
from invites.db import Fault, FaultError, NotReadyError, schema
from invites.db.faults import free_bytes, is_full
from invites.db.health import disk_is_low, refuse_damaged_now
from invites.mail_check import sender_domain
from invites.mail_check.diagnosis import Diagnosis
from invites.mail_check.sender_domain import Dmarc, Published, Spf
from invites.mail_check.test_mail import Attempt, try_login
from invites.members import installation
from invites.members.installation import BackupState
from invites.outbox import heartbeat
from invites.web import mail_labels

# Seconds
_READ_TIME = 3.0  # to look for damage
_LOGIN_TIME = 8.0
_NETWORK_TIME = 11.0  # for the mail server and DNS together, including slow name servers

_CLOCK_TOLERANCE = timedelta(minutes=1)
_MAY_PASS = (Diagnosis.TRY_LATER, Diagnosis.TOO_SLOW)

T = TypeVar("T")


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """``text``: what was found and, unless it is OK, what to do."""

    status: Status
    subject: str
    text: str


Found = Iterator[tuple[Status, str]]


def check_all(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Takes about 15 seconds at most. Reads the database that is configured."""
    deadline = time.monotonic() + _NETWORK_TIME
    server, domain = settings.mail_server, settings.mail_from.domain
    attempt = published = None
    if server is not None:
        attempt = _begin(partial(try_login, server, _LOGIN_TIME))
        if sender_domain.is_public(domain):
            published = _begin(
                lambda: sender_domain.published(domain, sender_domain.system_resolver())
            )

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
    yield from _run("Mail server", lambda: _mail_server(settings, attempt, deadline))
    if server is not None:
        yield from _run("DNS of the sender", lambda: _sender(settings, published, deadline))


def _run(subject: str, check: Callable[[], Found]) -> Iterator[Finding]:
    try:
        with db.file_errors():
            for status, text in check():
                yield Finding(status, subject, " ".join(text.split()))
    except (NotReadyError, SettingsError, *db.ERRORS) as error:
        yield Finding(Status.PROBLEM, subject, " ".join(str(error).split()))
    finally:
        db.close()


def _begin(function: Callable[[], T]) -> "Future[T]":
    """Runs it in a thread that doesn't keep the process from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def _result(future: "Future[T]", deadline: float) -> T | None:
    """None if it isn't there in time."""
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        if future.done():
            raise
        return None


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
    unusable = [path for path in (folder, *_files_in(folder)) if not _is_usable(path, folder)]
    for path in unusable:
        yield (
            Status.PROBLEM,
            f"{path} can't be written, or belongs to another user than the folder. Give the folder "
            "and all files in it to the user that Invites runs as, with mode 0600 for files, and "
            "run this command as that user.",
        )
    exposed = [path.name for path in _files_in(folder) if _is_exposed(path, folder)]
    if exposed:
        yield (
            Status.WARNING,
            f"Others on this machine can read {', '.join(exposed)} in {folder}. "
            f"Run: chmod 700 {folder}",
        )
    if not unusable and not exposed:
        yield Status.OK, str(folder)


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if stat.S_ISREG(path.lstat().st_mode))


def _is_usable(path: Path, folder: Path) -> bool:
    needed = os.R_OK | os.W_OK | (os.X_OK if path == folder else 0)
    return os.access(path, needed) and path.stat().st_uid == folder.stat().st_uid


def _is_exposed(path: Path, folder: Path) -> bool:
    """The check of the secret key has a stricter answer of its own."""
    can_be_reached = folder.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)
    can_be_read = path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
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


def _mail_server(settings: Settings, attempt: "Future[Attempt] | None", deadline: float) -> Found:
    server = settings.mail_server
    if server is None or attempt is None:
        yield (
            Status.WARNING,
            f"No INVITES_MAIL_SERVER is set, so emails wait at {settings.base_url}/mailbox",
        )
        return
    if server.sends_password_unencrypted:
        yield (
            Status.WARNING,
            "The password is sent unencrypted, so others may read it. Set INVITES_MAIL_USE_TLS=1.",
        )
    yield _login(server, _result(attempt, deadline))


def _login(server: MailServer, attempt: Attempt | None) -> tuple[Status, str]:
    if attempt is None:
        return (
            Status.PROBLEM,
            f"{server.host} wasn't reached in time. Check that this machine can resolve names "
            "(DNS), then try again.",
        )
    step = mail_labels.step(attempt.steps[-1])
    if attempt.diagnosis is None:
        return Status.OK, step
    status = Status.WARNING if attempt.diagnosis in _MAY_PASS else Status.PROBLEM
    said = "".join(f" ({line})" for line in attempt.steps[-1].said)
    return status, f"{step}{said}. {mail_labels.DIAGNOSIS[attempt.diagnosis]}"


def _sender(settings: Settings, published: "Future[Published] | None", deadline: float) -> Found:
    address = settings.mail_from.addr_spec
    if published is None:
        yield (
            Status.WARNING,
            f"Receivers can't look up the domain of {address}, and most refuse such email. "
            "Set INVITES_MAIL_FROM to an address at your own domain.",
        )
        return
    found = _result(published, deadline)
    spf, dmarc = (found.spf, found.dmarc) if found else (Spf.UNKNOWN, Dmarc.UNKNOWN)
    for name, policy, words in (
        ("SPF", spf, mail_labels.SPF[spf]),
        ("DMARC", dmarc, mail_labels.DMARC[dmarc]),
    ):
        status = Status.OK if policy in mail_labels.WELL else Status.WARNING
        yield status, f"{name} of {settings.mail_from.domain}: {words}"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
