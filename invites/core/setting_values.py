"""Parses the values of settings, and says what is wrong with them."""

import importlib.util
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import getaddresses
from ipaddress import ip_address
from urllib.parse import urlsplit

from invites.core.numbers import whole_number

_YES = {"1", "true", "yes", "on"}
_NO = {"", "0", "false", "no", "off"}


class SettingsError(Exception):
    """A setting or a secret can't be used; the message says which and why."""


def is_local(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def host_and_port(bind: str) -> tuple[str, int]:
    host, _, digits = bind.rpartition(":")
    port = whole_number(digits) or 0
    if not host or not 0 < port < 65536:
        raise SettingsError(
            f"INVITES_BIND must be an address and a port, such as 127.0.0.1:8000, not {bind!r}."
        )
    return host, port


def base_url(text: str, host: str, port: int) -> str:
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


def sender(text: str, base_url: str) -> Address:
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


def flag(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "").strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise SettingsError(f"{name} must be 1 or 0, not {text!r}.")


def number(environ: Mapping[str, str], name: str, *, default: int, highest: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    number = whole_number(text)
    if number is None or number > highest:
        raise SettingsError(f"{name} must be a whole number up to {highest}, not {text!r}.")
    return number


def database_url(text: str) -> str:
    """Empty for SQLite. Raises SettingsError."""
    url = text.strip()
    if url.startswith("postgres://"):  # as some providers write it
        url = url.replace("postgres://", "postgresql://", 1)
    if url and not url.startswith("postgresql://"):
        raise SettingsError(
            "INVITES_DATABASE must be the address of a PostgreSQL database, such as "
            "postgresql://invites:PASSWORD@db.example.org/invites. Leave it out to use SQLite."
        )
    if url and importlib.util.find_spec("psycopg") is None:
        raise SettingsError(
            "INVITES_DATABASE needs a driver. Install it with "
            "'pip install -r requirements-postgresql.txt'."
        )
    if url and not _is_conninfo(url):
        # Doesn't quote the address, because it contains the password.
        raise SettingsError(
            "INVITES_DATABASE can't be read. Write each of the characters % / @ : # ? in the "
            "password as its percent code, such as %2F for a slash, and check the parameters."
        )
    return url


def _is_conninfo(url: str) -> bool:
    """False also if a password with a slash or an @ would become part of another value."""
    from psycopg import ProgrammingError  # optional
    from psycopg.conninfo import conninfo_to_dict

    try:
        known = conninfo_to_dict(url)
    except ProgrammingError:
        return False
    return not any("@" in str(known.get(name, "")) for name in ("host", "port", "dbname"))
