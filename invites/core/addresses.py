"""The canonical form of email addresses, for storing, comparing and sending.

It is trimmed, without invisible characters, in lower-case ASCII (the domain as IDNA). RFC 5321 lets
a mail server distinguish ``Ada@`` from ``ada@``, but no common one does, and two profiles for one
mailbox would be worse.

gmail.com and googlemail.com reach the same mailbox, so lookups try both (``spellings``), but each
address keeps the domain that was entered. Dots and "+" are significant: only some providers ignore
them, and people use them on purpose.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from invites.core.errors import Reason, RuleError

MAX_LENGTH = 254  # RFC 5321 allows 256 with the angle brackets

# Soft hyphen, zero-width spaces and joiners, directional marks, invisible operators.
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_SAME_DOMAIN = {"gmail.com": "googlemail.com", "googlemail.com": "gmail.com"}
# The rules of email_validator, checked a hundred times as fast.
_ATOM = r"[A-Za-z0-9_!#$%&'*+/=?^`{|}~-]+"
_LOCAL = re.compile(rf"(?=.{{1,64}}\Z){_ATOM}(?:\.{_ATOM})*")
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ASCII_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}(?<=[a-z])")
_RESERVED = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)


def canonical(text: str) -> str:
    """Raises RuleError with an ADDRESS_* reason unless ``text`` is one usable address."""
    if len(text) > 4 * MAX_LENGTH:  # refused before it takes time to parse
        raise RuleError(Reason.ADDRESS_TOO_LONG)
    text = visible(text).strip()
    if not text:
        raise RuleError(Reason.ADDRESS_MISSING)
    if len(text) > MAX_LENGTH:
        raise RuleError(Reason.ADDRESS_TOO_LONG)
    local, _, domain = text.rpartition("@")
    if not _LOCAL.fullmatch(local) or "=?" in local:  # begins an encoded word (RFC 2047)
        raise RuleError(_wrong_before_at(text))
    found = _canonical_domain(domain.lower())
    if isinstance(found, Reason):
        raise RuleError(found)
    address = f"{local.lower()}@{found}"
    if len(address) > MAX_LENGTH:
        raise RuleError(Reason.ADDRESS_TOO_LONG)
    return address


def twins(emails: Iterable[str]) -> dict[str, str]:
    """The other canonical address of the same mailbox, for each of ``emails`` that has one."""
    found = (email.rpartition("@") for email in emails if "mail.com" in email)  # for speed
    return {
        f"{local}@{domain}": f"{local}@{_SAME_DOMAIN[domain]}"
        for local, _, domain in found
        if domain in _SAME_DOMAIN
    }


def spellings(emails: Iterable[str]) -> list[str]:
    """``emails`` and the other canonical addresses of their mailboxes, without duplicates."""
    given = list(emails)
    return list(dict.fromkeys([*given, *twins(given).values()]))


def is_same_mailbox(one: str, other: str) -> bool:
    return other in spellings([one])


def masked(address: str) -> str:
    """Hides most of the local part, as in ``a•••r@example.org``; its owner recognizes it."""
    local, _, domain = address.rpartition("@")
    last = local[-1] if len(local) > 4 else ""
    return f"{local[:1]}•••{last}@{domain}"


def visible(text: str, keep: str = "") -> str:
    """Removes invisible characters, except those in ``keep``."""
    if text.isascii():
        return text
    return _INVISIBLE.sub(lambda found: found[0] if found[0] in keep else "", text)


def _wrong_before_at(text: str) -> Reason:
    for reason, wrong in (
        (Reason.ADDRESS_NO_AT, "@" not in text),
        (Reason.ADDRESS_TWO_AT, text.count("@") > 1),
        (Reason.ADDRESS_NO_NAME, text.startswith("@")),
        (Reason.ADDRESS_BRACKETS, bool(set(text) & set("<>"))),
        (Reason.ADDRESS_SPACE, any(letter.isspace() for letter in text)),
        (Reason.ADDRESS_NOT_ASCII, not text.partition("@")[0].isascii()),
    ):
        if wrong:
            return reason
    return Reason.ADDRESS_MALFORMED


def _canonical_domain(domain: str) -> str | Reason:
    if _ASCII_DOMAIN.fullmatch(domain):
        return Reason.ADDRESS_RESERVED if f".{domain}".endswith(_RESERVED) else domain
    if any(letter.isspace() for letter in domain):
        return Reason.ADDRESS_SPACE
    if set(domain) & set("<>"):
        return Reason.ADDRESS_BRACKETS
    if "." not in domain.strip("."):
        return Reason.ADDRESS_NO_DOT
    if domain.isascii() and "xn--" not in domain:
        return Reason.ADDRESS_MALFORMED
    return _internationalized(domain)


@lru_cache(maxsize=10_000)
def _internationalized(domain: str) -> str | Reason:
    """Cached, because it takes up to a hundred times as long as for an ASCII domain."""
    try:
        checked = validate_email(f"x@{domain}", check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        reserved = "reserved" in str(error)
        return Reason.ADDRESS_RESERVED if reserved else Reason.ADDRESS_MALFORMED
    return checked.ascii_domain or domain
