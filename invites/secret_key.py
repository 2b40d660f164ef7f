"""The secret keys: a file beside the database, made on first start, never in it."""

import os
import secrets
from pathlib import Path

from invites.settings import SettingsError

_KEY_BYTES = 32


def load_secret_keys(data: Path) -> list[str]:
    """The keys in ``data/secret.key``, one a line; made with mode 0600 when there is none.

    The first key signs, all of them verify: to rotate, put a new line on top
    and take the old one away when its mails have expired. Losing the file ends
    all sessions and breaks every mailed link; whoever reads it can forge them.
    Safe when several processes start at once.
    """
    path = data / "secret.key"
    if not path.exists():
        _make(path)
    keys = path.read_text().split()
    if not keys:
        raise SettingsError(
            f"{path} is empty. Put it back from a backup, or remove it to have a new key made; "
            "that logs everybody out and breaks the links in all mails."
        )
    return keys


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".secret.key.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails if another process was first: then its key counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
