"""Whether the box can start: database and secret key are there, and fit each other."""

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
    """Make what a fresh box lacks and apply pending migrations; returns their names.

    ``new_key``: make a key even for a database whose own key is lost; then
    authenticator apps and recovery codes end, which were derived from that one.
    Raises NotReadyError.
    """
    applied = schema.migrate(TABLES)
    if not new_key:
        _refuse_lost_key(settings)
    elif not secret_key.load_secret_keys(settings.data):
        db.connect()
        two_step.forget_derived()
        db.close()
    secret_key.make_secret_key(settings.data)
    return applied


def check(settings: Settings) -> None:
    """Raises NotReadyError, saying what to do, unless the box can start."""
    schema.refuse_unready()
    _refuse_lost_key(settings)
    keys = secret_key.load_secret_keys(settings.data)
    if not keys:
        raise NotReadyError(
            f"There is no secret key yet in {settings.data}. Run 'flask migrate' to make one."
        )
    if min(map(len, keys)) < secret_key.SHORTEST:
        raise NotReadyError(
            f"A line of {settings.data / secret_key.NAME} is short enough to be guessed. "
            "docs/operating.md says how to make one ('Replace the secret key')."
        )


def hold(settings: Settings) -> AbstractContextManager[None]:
    """While it is open: a service runs. Raises NotReadyError while a backup is restored."""
    return _lock(settings.data, fcntl.LOCK_SH, "A backup is being restored. Start again after it.")


def hold_alone(settings: Settings) -> AbstractContextManager[None]:
    """While it is open: no service starts. Raises NotReadyError while one runs."""
    return _lock(
        settings.data,
        fcntl.LOCK_EX,
        f"Invites runs on {settings.data}. Stop the pages and the mail worker, then try again.",
    )


@contextmanager
def _lock(folder: Path, kind: int, refusal: str) -> Iterator[None]:
    """A lock on the folder itself, which ends with the process whatever happens to it."""
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
        path = settings.data / secret_key.NAME
        raise NotReadyError(
            f"The database holds an account, but its secret key is not in {path}. "
            "Put that file back from a backup. Without one, delete it if it is there, and start "
            "with a new key by 'flask migrate --new-key': that logs everybody out, breaks "
            "the links in all mails and all permanent links, and ends all authenticator apps."
        )
