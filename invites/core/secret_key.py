"""The secret keys: a file beside the database, never in it."""

import os
import secrets
from pathlib import Path

from invites.core.settings import SettingsError

NAME = "secret.key"

SHORTEST = 32  # letters of a line that somebody put there

_KEY_BYTES = 32


def load_secret_keys(data: Path) -> list[str]:
    """The keys in ``data/secret.key``, one a line; none when there is no file, or it is empty.

    The first key signs, all of them verify: to rotate, put a new line on top
    and take the old one away when its mails have expired, and nobody uses an
    authenticator app any more that was set up under it. Losing the file ends all
    sessions and breaks every mailed link; whoever reads it can forge them.
    """
    path = data / NAME
    try:
        return path.read_text().split()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't text"
        raise SettingsError(
            f"{path} can't be read: {reason}. Run this command as the user that Invites runs as."
        ) from None


def make_secret_key(data: Path) -> None:
    """Make ``data/secret.key`` with mode 0600, unless it is there.

    Safe when several processes do so at once.
    """
    path = data / NAME
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{NAME}.{secrets.token_hex(8)}")
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
