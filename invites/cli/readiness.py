"""Whether Invites can start: database and secret key exist and belong together."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from invites import db
from invites.core import secret_key
from invites.core.settings import Settings
from invites.db import NotReadyError, schema
from invites.members import installation
from invites.models import TABLES
from invites.people import two_step


def prepare(settings: Settings, *, new_key: bool = False) -> list[str]:
    """Creates what a new installation needs and applies pending migrations; returns their names.

    ``new_key``: create a key even if the database's own is lost. This removes authenticator apps
    and recovery codes, which depend on the lost key. Raises NotReadyError.
    """
    applied = schema.migrate(TABLES)
    if not new_key:
        _refuse_lost_key(settings)
    elif not secret_key.load_secret_keys(settings.data):
        db.connect()
        two_step.delete_derived_keys()
        db.close()
    secret_key.make_secret_key(settings.data)
    return applied


def check(settings: Settings) -> None:
    """Raises NotReadyError, which says what to do."""
    schema.refuse_unready()
    _refuse_lost_key(settings)
    keys = secret_key.load_secret_keys(settings.data)
    if not keys:
        raise NotReadyError(
            f"There is no secret key yet in {settings.data}. Run 'flask migrate' to create one."
        )
    if min(map(len, keys)) < secret_key.MIN_LENGTH:
        raise NotReadyError(
            f"A key in {settings.data / secret_key.FILE_NAME} is short enough to be guessed. "
            "See 'Replace the secret key' in docs/operating.md."
        )


def hold(settings: Settings) -> AbstractContextManager[None]:
    """A lock that services share. Raises NotReadyError while a backup is being restored."""
    return _lock(
        settings.data, fcntl.LOCK_SH, "A backup is being restored. Start again when it is done."
    )


def hold_alone(settings: Settings) -> AbstractContextManager[None]:
    """A lock that keeps services from starting. Raises NotReadyError while one runs."""
    return _lock(
        settings.data,
        fcntl.LOCK_EX,
        f"Invites is running on {settings.data}. Stop the web server and the mail worker, "
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


def _refuse_lost_key(settings: Settings) -> None:
    if secret_key.load_secret_keys(settings.data):
        return
    db.connect()
    try:
        is_set_up = installation.is_set_up()
    finally:
        db.close()
    if is_set_up:
        path = settings.data / secret_key.FILE_NAME
        raise NotReadyError(
            f"The database is set up, but its secret key is not in {path}. Restore that file from "
            "a backup. If there is no backup, delete the file if it exists and run "
            "'flask migrate --new-key'. That logs everyone out, breaks the links in all emails "
            "and all permanent links, and removes all authenticator apps."
        )
