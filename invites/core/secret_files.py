"""Secrets that are kept in files instead of the environment."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from invites.core.setting_values import SettingsError

SECRETS = ("INVITES_MAIL_PASSWORD", "INVITES_BOUNCES_IMAP_PASSWORD")
_SUFFIX = "_FILE"

_READABLE_BY_ALL = 0o004


def files_in(environ: Mapping[str, str], folder: Path) -> dict[str, Path]:
    """The file of each secret that has one. A relative path begins in ``folder``."""
    paths = {name: environ.get(name + _SUFFIX, "").strip() for name in SECRETS}
    return {name: folder / Path(path).expanduser() for name, path in paths.items() if path}


def with_contents(environ: Mapping[str, str], files: Mapping[str, Path]) -> dict[str, str]:
    """``environ`` with the secrets instead of the names of their files. Raises SettingsError."""
    both = [name for name in files if environ.get(name)]
    if both:
        raise SettingsError(f"Set either {both[0]} or {both[0]}{_SUFFIX}, not both.")
    names = {name + _SUFFIX for name in SECRETS}
    others = {name: value for name, value in environ.items() if name not in names}
    return others | {name: _read(name + _SUFFIX, path) for name, path in files.items()}


def readable_by_all(files: Iterable[Path]) -> tuple[Path, ...]:
    """Not an error: containers mount secrets like that."""
    return tuple(path for path in files if path.stat().st_mode & _READABLE_BY_ALL)


def _read(setting: str, path: Path) -> str:
    """Without the line break at the end. Raises SettingsError."""
    try:
        secret = path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't text"
        raise SettingsError(f"{setting}: {path} can't be read: {reason}.") from None
    if not secret:
        raise SettingsError(f"{setting}: {path} is empty. Write the secret into it.")
    return secret
