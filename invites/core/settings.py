"""The ``INVITES_*`` settings. They are read and checked once, at start."""

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from invites.core import secret_files
from invites.core import setting_values as values
from invites.core.bundled import IS_INSTALLED
from invites.core.setting_values import SettingsError

PROJECT_ROOT = Path.cwd() if IS_INSTALLED else Path(__file__).resolve().parents[2]
"""The folder of ``.env``, at which relative paths start: the checkout, or the current folder."""

_NAMES = [
    "INVITES_DATA",
    "INVITES_DATABASE",
    "INVITES_DATABASE_FILE",
    "INVITES_BIND",
    "INVITES_BASE_URL",
    "INVITES_TRUSTED_PROXIES",
    "INVITES_MAIL_SERVER",
    "INVITES_MAIL_PORT",
    "INVITES_MAIL_USERNAME",
    "INVITES_MAIL_PASSWORD",
    "INVITES_MAIL_PASSWORD_FILE",
    "INVITES_MAIL_USE_TLS",
    "INVITES_MAIL_USE_SSL",
    "INVITES_MAIL_FROM",
    "INVITES_BOUNCES_IMAP_SERVER",
    "INVITES_BOUNCES_IMAP_PORT",
    "INVITES_BOUNCES_IMAP_USERNAME",
    "INVITES_BOUNCES_IMAP_PASSWORD",
    "INVITES_BOUNCES_IMAP_PASSWORD_FILE",
    "INVITES_BOUNCES_IMAP_FOLDER",
]


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    username: str | None
    password: str | None
    use_tls: bool
    use_ssl: bool

    @property
    def sends_password_unencrypted(self) -> bool:
        is_open = not (self.use_tls or self.use_ssl or values.is_local(self.host))
        return is_open and bool(self.username and self.password)


@dataclass(frozen=True)
class MailboxServer:
    """The IMAP account that receives bounces; always over TLS."""

    host: str
    port: int
    username: str
    password: str
    folder: str


@dataclass(frozen=True)
class Settings:
    data: Path
    bind: str
    base_url: str
    mail_server: MailServer | None
    mail_from: Address
    trusted_proxies: int
    bounce_mailbox: MailboxServer | None = None
    unknown_names: tuple[str, ...] = ()
    exposed_secrets: tuple[Path, ...] = ()
    database_url: str = ""

    @property
    def site_name(self) -> str:
        """The base URL without its scheme."""
        return self.base_url.partition("://")[2]

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def database_path(self) -> Path:
        return self.data / "invites.sqlite3"

    @property
    def database(self) -> Path | str:
        """The SQLite file, or the URL of a PostgreSQL database."""
        return self.database_url or self.database_path

    @property
    def is_local_only(self) -> bool:
        """Whether the base URL, and so every link in emails, works only on this machine."""
        return values.is_local(urlsplit(self.base_url).hostname or "")

    @property
    def lacks_proxy(self) -> bool:
        """Whether the base URL is https but no reverse proxy is trusted."""
        return self.is_https and not self.trusted_proxies

    @property
    def warnings(self) -> list[str]:
        return self.proxy_warnings + self.other_warnings

    @property
    def proxy_warnings(self) -> list[str]:
        if not self.lacks_proxy:
            return []
        return [
            "INVITES_BASE_URL begins with https, so there is a reverse proxy, but "
            "INVITES_TRUSTED_PROXIES is 0. All visitors seem to come from the proxy's address "
            "and share its limits for wrong passwords. Set INVITES_TRUSTED_PROXIES to the "
            "number of proxies, usually 1."
        ]

    @property
    def other_warnings(self) -> list[str]:
        found = [_about_unknown(name) for name in self.unknown_names]
        if self.mail_server is not None and self.is_local_only:
            found.append(
                f"Links in emails begin with {self.base_url}, which works only on this machine. "
                "Set INVITES_BASE_URL to the address that people use."
            )
        found.extend(
            f"Every user of this machine can read the secret in {path}. Give the file to the user "
            f"that Invites runs as, then run: chmod 600 {path}"
            for path in self.exposed_secrets
        )
        return found


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """By default, reads the environment and ``.env``; the environment takes precedence.

    Raises SettingsError.
    """
    if environ is None:
        dotenv = {k: v for k, v in dotenv_values(PROJECT_ROOT / ".env").items() if v is not None}
        environ = dotenv | dict(os.environ)
    files = secret_files.files_in(environ, PROJECT_ROOT)
    environ = secret_files.with_contents(environ, files)

    bind = environ.get("INVITES_BIND", "127.0.0.1:8000").strip()
    host, port = values.host_and_port(bind)
    base_url = values.base_url(environ.get("INVITES_BASE_URL", ""), host, port)
    data = Path(environ.get("INVITES_DATA", "instance") or "instance").expanduser()
    return Settings(
        data=data if data.is_absolute() else PROJECT_ROOT / data,
        bind=bind,
        base_url=base_url,
        mail_server=_mail_server(environ),
        mail_from=values.sender(environ.get("INVITES_MAIL_FROM", ""), base_url),
        trusted_proxies=values.number(environ, "INVITES_TRUSTED_PROXIES", default=0, highest=10),
        bounce_mailbox=_bounce_mailbox(environ),
        unknown_names=_unknown_names(environ),
        exposed_secrets=secret_files.readable_by_all(files.values()),
        database_url=values.database_url(environ.get("INVITES_DATABASE", "")),
    )


def _unknown_names(environ: Iterable[str]) -> tuple[str, ...]:
    ours = (name for name in environ if name.startswith("INVITES_"))
    return tuple(sorted(name for name in ours if name not in _NAMES))


def _about_unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.8)
    unknown = f"There is no setting {name}."
    return f"{unknown} Did you mean {near[0]}?" if near else unknown


def _mail_server(environ: Mapping[str, str]) -> MailServer | None:
    host = environ.get("INVITES_MAIL_SERVER", "").strip()
    if not host:
        return None
    use_tls = values.flag(environ, "INVITES_MAIL_USE_TLS")
    use_ssl = values.flag(environ, "INVITES_MAIL_USE_SSL")
    if use_tls and use_ssl:
        raise SettingsError(
            "Set either INVITES_MAIL_USE_TLS (STARTTLS, usually port 587) or "
            "INVITES_MAIL_USE_SSL (TLS from the start, usually port 465), not both."
        )
    return MailServer(
        host=host,
        port=values.number(
            environ,
            "INVITES_MAIL_PORT",
            default=465 if use_ssl else 587 if use_tls else 25,
            highest=65535,
        ),
        username=environ.get("INVITES_MAIL_USERNAME") or None,
        password=environ.get("INVITES_MAIL_PASSWORD") or None,
        use_tls=use_tls,
        use_ssl=use_ssl,
    )


def _bounce_mailbox(environ: Mapping[str, str]) -> MailboxServer | None:
    host = environ.get("INVITES_BOUNCES_IMAP_SERVER", "").strip()
    if not host:
        return None
    username = environ.get("INVITES_BOUNCES_IMAP_USERNAME", "")
    password = environ.get("INVITES_BOUNCES_IMAP_PASSWORD", "")
    if not username or not password:
        raise SettingsError(
            "INVITES_BOUNCES_IMAP_SERVER also needs INVITES_BOUNCES_IMAP_USERNAME and "
            "INVITES_BOUNCES_IMAP_PASSWORD."
        )
    folder = environ.get("INVITES_BOUNCES_IMAP_FOLDER", "").strip() or "INBOX"
    if not folder.isprintable():
        raise SettingsError(
            f"INVITES_BOUNCES_IMAP_FOLDER can't contain control characters, as {folder!r} does."
        )
    port = values.number(environ, "INVITES_BOUNCES_IMAP_PORT", default=993, highest=65535)
    return MailboxServer(host, port, username, password, folder)
