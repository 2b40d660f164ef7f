"""Reads secrets from files, so that they needn't be in the environment."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from invites.core.setting_values import SettingsError

SECRETS = ("INVITES_MAIL_PASSWORD", "INVITES_BOUNCES_IMAP_PASSWORD", "INVITES_DATABASE")
_SUFFIX = "_FILE"

_READABLE_BY_ALL = 0o004


def files_in(environ: Mapping[str, str], folder: Path) -> dict[str, Path]:
    """The path of each secret that is in a file. Relative paths start at ``folder``."""
    paths = {name: environ.get(name + _SUFFIX, "").strip() for name in SECRETS}
    return {name: folder / Path(path).expanduser() for name, path in paths.items() if path}


def with_contents(environ: Mapping[str, str], files: Mapping[str, Path]) -> dict[str, str]:
    """``environ`` with each secret in place of the name of its file. Raises SettingsError."""
    both = [name for name in files if environ.get(name)]
    if both:
        raise SettingsError(f"Set either {both[0]} or {both[0]}{_SUFFIX}, not both.")
    names = {name + _SUFFIX for name in SECRETS}
    others = {name: value for name, value in environ.items() if name not in names}
    return others | {name: _read(name + _SUFFIX, path) for name, path in files.items()}


def readable_by_all(files: Iterable[Path]) -> tuple[Path, ...]:
    """Not an error: containers mount secrets with such permissions."""
    return tuple(path for path in files if path.stat().st_mode & _READABLE_BY_ALL)


def _read(setting: str, path: Path) -> str:
    """Strips trailing line breaks. Raises SettingsError."""
    try:
        secret = path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't text"
        raise SettingsError(f"{setting}: {path} can't be read: {reason}.") from None
    if not secret:
        raise SettingsError(f"{setting}: {path} is empty. Write the secret into it.")
    return secret
