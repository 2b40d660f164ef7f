"""The ``INVITES_*`` settings: read once and checked at start."""

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import getaddresses
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from invites.core.numbers import whole_number

PROJECT_ROOT = Path(__file__).resolve().parents[2]

_NAMES = [
    "INVITES_DATA",
    "INVITES_BIND",
    "INVITES_BASE_URL",
    "INVITES_TRUSTED_PROXIES",
    "INVITES_MAIL_SERVER",
    "INVITES_MAIL_PORT",
    "INVITES_MAIL_USERNAME",
    "INVITES_MAIL_PASSWORD",
    "INVITES_MAIL_USE_TLS",
    "INVITES_MAIL_USE_SSL",
    "INVITES_MAIL_FROM",
    "INVITES_BOUNCES_IMAP_SERVER",
    "INVITES_BOUNCES_IMAP_PORT",
    "INVITES_BOUNCES_IMAP_USERNAME",
    "INVITES_BOUNCES_IMAP_PASSWORD",
    "INVITES_BOUNCES_IMAP_FOLDER",
]

_YES = {"1", "true", "yes", "on"}
_NO = {"", "0", "false", "no", "off"}


class SettingsError(Exception):
    """An invalid setting; the message names it and gives a valid example."""


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
        is_open = not (self.use_tls or self.use_ssl or is_local(self.host))
        return is_open and bool(self.username and self.password)


@dataclass(frozen=True)
class MailboxServer:
    """IMAP, always over TLS; receives bounces."""

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
    def is_local_only(self) -> bool:
        """Whether the base URL, and so every link in mail, works on this machine only."""
        return is_local(urlsplit(self.base_url).hostname or "")

    @property
    def warnings(self) -> list[str]:
        found = [_about_unknown(name) for name in self.unknown_names]
        if self.mail_server is not None and self.is_local_only:
            found.append(
                f"Links in emails begin with {self.base_url}, which works only on this machine. "
                "Set INVITES_BASE_URL to the address that people use."
            )
        return found


def is_local(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The default is the process environment, then ``.env``. Raises SettingsError."""
    if environ is None:
        dotenv = {k: v for k, v in dotenv_values(PROJECT_ROOT / ".env").items() if v is not None}
        environ = dotenv | dict(os.environ)

    bind = environ.get("INVITES_BIND", "127.0.0.1:8000").strip()
    host, port = _host_and_port(bind)
    base_url = _base_url(environ.get("INVITES_BASE_URL", ""), host, port)
    data = Path(environ.get("INVITES_DATA", "instance") or "instance").expanduser()
    return Settings(
        data=data if data.is_absolute() else PROJECT_ROOT / data,
        bind=bind,
        base_url=base_url,
        mail_server=_mail_server(environ),
        mail_from=_mail_from(environ.get("INVITES_MAIL_FROM", ""), base_url),
        trusted_proxies=_number(environ, "INVITES_TRUSTED_PROXIES", default=0, highest=10),
        bounce_mailbox=_bounce_mailbox(environ),
        unknown_names=_unknown_names(environ),
    )


def _unknown_names(environ: Iterable[str]) -> tuple[str, ...]:
    ours = (name for name in environ if name.startswith("INVITES_"))
    return tuple(sorted(name for name in ours if name not in _NAMES))


def _about_unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.8)
    unknown = f"There is no setting {name}."
    return f"{unknown} Did you mean {near[0]}?" if near else unknown


def _host_and_port(bind: str) -> tuple[str, int]:
    host, _, digits = bind.rpartition(":")
    port = whole_number(digits) or 0
    if not host or not 0 < port < 65536:
        raise SettingsError(
            f"INVITES_BIND must be an address and a port, such as 127.0.0.1:8000, not {bind!r}."
        )
    return host, port


def _base_url(text: str, host: str, port: int) -> str:
    if not text.strip():
        return f"http://{'127.0.0.1' if _is_every_address(host) else host}:{port}"
    url = text.strip().rstrip("/")
    if not _is_origin(url):
        raise SettingsError(
            "INVITES_BASE_URL must be the address that people use, without a path, "
            f"such as https://invites.example.org, not {text!r}."
        )
    return url


def _is_every_address(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False  # a host name


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is out of range
    except ValueError:
        return False
    bare = f"{parts.scheme}://{parts.netloc}" == url and "@" not in parts.netloc
    return bare and parts.scheme in ("http", "https") and bool(parts.hostname)


def _mail_server(environ: Mapping[str, str]) -> MailServer | None:
    host = environ.get("INVITES_MAIL_SERVER", "").strip()
    if not host:
        return None
    use_tls = _flag(environ, "INVITES_MAIL_USE_TLS")
    use_ssl = _flag(environ, "INVITES_MAIL_USE_SSL")
    if use_tls and use_ssl:
        raise SettingsError(
            "Set either INVITES_MAIL_USE_TLS (STARTTLS, usually port 587) or "
            "INVITES_MAIL_USE_SSL (TLS from the start, usually port 465), not both."
        )
    return MailServer(
        host=host,
        port=_number(
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
    port = _number(environ, "INVITES_BOUNCES_IMAP_PORT", default=993, highest=65535)
    return MailboxServer(host, port, username, password, folder)


def _mail_from(text: str, base_url: str) -> Address:
    if not text.strip():
        host = urlsplit(base_url).hostname or ""
        named = any(letter.isalpha() for letter in host) and ":" not in host
        return Address("Invites", "invites", host if named else "localhost")
    (name, spec), *others = getaddresses([text])
    try:
        address = Address(name or "Invites", addr_spec=spec)
    except (ValueError, IndexError, HeaderParseError):
        address = Address()
    usable = address.username and address.domain and address.addr_spec.isascii()
    if others or not usable or not text.strip().isprintable():
        raise SettingsError(
            "INVITES_MAIL_FROM must be an address such as invites@example.org or "
            f"Invites <invites@example.org>, not {text!r}."
        )
    return address


def _flag(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "").strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise SettingsError(f"{name} must be 1 or 0, not {text!r}.")


def _number(environ: Mapping[str, str], name: str, *, default: int, highest: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    number = whole_number(text)
    if number is None or number > highest:
        raise SettingsError(f"{name} must be a whole number up to {highest}, not {text!r}.")
    return number
