"""The secret keys. They are in a file beside the database, never in the database itself."""

import hmac
import os
import secrets
import stat
from pathlib import Path

from invites.core.setting_values import SettingsError

FILE_NAME = "secret.key"

MIN_LENGTH = 32  # characters, for a key that the operator chose

_BYTES = 32


def load_secret_keys(data: Path) -> list[str]:
    """The keys in the file, one per line; none if there is no file or it is empty.

    The first key signs; all of them verify. To replace a key, add a new first line. Removing a key
    breaks what it made: links in sent mail, permanent links, authenticator apps and recovery codes.
    Losing the file breaks all of these and ends all sessions. Anyone who can read the file can
    forge links.
    """
    path = data / FILE_NAME
    try:
        return path.read_text().split()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't text"
        raise SettingsError(
            f"{path} can't be read: {reason}. Run this command as the user that Invites runs as."
        ) from None


def fingerprint(key: str) -> str:
    """Identifies a key without revealing it; stored in the database."""
    return hmac.new(key.encode(), b"fingerprint", "sha256").hexdigest()[:16]


def warnings(data: Path) -> list[str]:
    path = data / FILE_NAME
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
    if not mode & 0o077:
        return []
    return [
        f"Others on this machine can read {path} (mode {mode:04o}) and forge every link. "
        f"Run 'chmod 600 {path}'. If somebody may have read it, see 'Replace the secret key' in "
        "docs/operating.md."
    ]


def make_secret_key(data: Path) -> None:
    """Creates the file (mode 0600) unless it exists. Several processes may try at once."""
    path = data / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{FILE_NAME}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails if another process was faster
    except FileExistsError:
        pass
    finally:
        draft.unlink()
