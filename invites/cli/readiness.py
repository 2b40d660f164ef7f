"""Whether Invites can start: the database and the secret key exist and belong together."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from invites import db
from invites.core import secret_key
from invites.core.settings import Settings
from invites.db import NotReadyError, schema
from invites.db.health import refuse_damaged_now
from invites.members import installation
from invites.models import TABLES
from invites.people import two_step

_WEB = "web"  # name of the lock that the web server holds
_READ_TIME = 5.0  # seconds to look for damage at start
_HANDOVER = 3.0  # seconds for a web server that is ending to release the data folder

_NEW_KEY = (
    "If there is no backup, run 'flask migrate --new-key'. That logs everyone out, breaks the "
    "links in all emails and all permanent links, and removes all authenticator apps and recovery "
    "codes."
)


def prepare(settings: Settings, *, new_key: bool = False) -> list[str]:
    """Creates what a new installation needs. Applies pending migrations and returns their names.

    ``new_key``: in place of a lost key, use the one that is there, or create one. This removes
    authenticator apps and recovery codes, which depend on the lost key. Raises NotReadyError.
    """
    applied = schema.migrate(TABLES)
    if new_key:
        _give_up_lost_key(settings.data)
    else:
        refuse_other_key(settings.data)
    secret_key.make_secret_key(settings.data)
    _remember_keys(settings.data)
    return applied


def check(settings: Settings) -> None:
    """Raises NotReadyError with advice."""
    schema.refuse_unready()
    refuse_other_key(settings.data)
    refuse_weak_key(settings.data)


def warnings(settings: Settings) -> list[str]:
    return settings.warnings + secret_key.warnings(settings.data)


@contextmanager
def service(settings: Settings) -> Iterator[None]:
    """Checks everything, then prevents restoring a backup while the service runs.

    Raises NotReadyError if a check fails, or if a backup is being restored.
    """
    check(settings)
    refuse_damaged_now(_READ_TIME)
    refusal = "A backup is being restored. Start again when it is done."
    with _lock(settings.data, fcntl.LOCK_SH, refusal):
        _remember_keys(settings.data)
        yield


@contextmanager
def only_web_server(settings: Settings) -> Iterator[None]:
    """Raises NotReadyError if another web server uses the data folder.

    Each would count rate limits separately.
    """
    deadline = time.monotonic() + _HANDOVER
    where = f" at {settings.bind}"
    with db.only_one_here(_WEB, lambda: time.monotonic() > deadline, where=where) as is_only_one:
        if not is_only_one:
            raise NotReadyError(
                f"Another web server uses {settings.data}: {db.holder(_WEB)}. "
                "Stop it, or set INVITES_DATA to another folder."
            )
        yield


def hold_alone(settings: Settings) -> AbstractContextManager[None]:
    """A lock that keeps services from starting. Raises NotReadyError while one runs."""
    return _lock(
        settings.data,
        fcntl.LOCK_EX,
        f"Invites is using {settings.data}. Stop the web server and the mail worker, "
        "then try again.",
    )


@contextmanager
def _lock(folder: Path, kind: int, refusal: str) -> Iterator[None]:
    """Locks the folder itself. The system releases the lock when the process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NotReadyError(refusal) from None
    finally:
        os.close(descriptor)


def has_other_key(folder: Path) -> bool:
    """Whether ``folder`` lacks the key that the database was used with last."""
    with _connected():
        known = installation.key_fingerprints()
    return bool(known) and known[0] not in _fingerprints(folder)


def refuse_weak_key(folder: Path) -> None:
    """Raises NotReadyError if there is no key, or one that could be guessed."""
    keys = secret_key.load_secret_keys(folder)
    if not keys:
        raise NotReadyError(
            f"There is no secret key yet in {folder}. Run 'flask migrate' to create one."
        )
    if min(map(len, keys)) < secret_key.MIN_LENGTH:
        raise NotReadyError(
            f"A key in {folder / secret_key.FILE_NAME} is short enough to be guessed. "
            "See 'Replace the secret key' in docs/operating.md."
        )


def refuse_other_key(folder: Path) -> None:
    """Raises NotReadyError if the database was used with another key.

    Before the setup, any key is accepted, because nothing has been signed with another.
    """
    path = folder / secret_key.FILE_NAME
    with _connected():
        if not installation.is_set_up():
            installation.remember_keys(_fingerprints(folder))
            return
    if not secret_key.load_secret_keys(folder):
        raise NotReadyError(
            f"The database is set up, but its secret key is not in {path}. Restore that file from "
            f"a backup. {_NEW_KEY}"
        )
    if has_other_key(folder):
        raise NotReadyError(
            f"The key in {path} is not the one that this database was used with, so no link in "
            f"an email would work. Restore that file from a backup. {_NEW_KEY}"
        )


def _give_up_lost_key(folder: Path) -> None:
    found = _fingerprints(folder)
    with _connected():
        known = installation.key_fingerprints()
        if not found or (known and not set(known) & set(found)):
            two_step.delete_derived_keys()


def _remember_keys(folder: Path) -> None:
    with _connected():
        installation.remember_keys(_fingerprints(folder))


def _fingerprints(folder: Path) -> list[str]:
    return [secret_key.fingerprint(key) for key in secret_key.load_secret_keys(folder)]


@contextmanager
def _connected() -> Iterator[None]:
    with db.file_errors():
        db.connect()
        try:
            yield
        finally:
            db.close()
