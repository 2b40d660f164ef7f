"""Short texts that people type: names, phrases, links, phone numbers.

Cleaned names, phrases and labels are safe in pages, message bodies and headers: they contain no
control characters, no directional marks and nothing that a mail program turns into a link (ASVS
5.0 V1.2, V1.3).
"""

import re
import unicodedata
from urllib.parse import urlsplit

import pytz

from invites.core.errors import Reason, RuleError

NAME_LENGTH = 100
PHRASE_LENGTH = 200
LABEL_LENGTH = 60
URL_LENGTH = 500
PHONE_LENGTH = 40

# Not from zoneinfo, which has zones that Flask-Babel can't find in pytz.
TIME_ZONES = sorted(pytz.common_timezones)

_FORBIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
JOINERS = "\u200c\u200d"  # Persian and Indic names need them
_BLANKS = {*JOINERS, "\u115f", "\u1160", "\u2800", "\u3164", "\uffa0"}  # letters that look blank
_LINK = re.compile(
    r"://|www\.|@|[^\W_]\.[^\W\d_]{2,}|[a-z0-9]。[a-z]{2,}|\d+\.\d+\.\d+\.\d+", re.IGNORECASE
)
_PLAIN_PUNCTUATION = str.maketrans("", "", " ',()-")
_MANY_DIGITS = re.compile(r"\d(?:[\W_]{0,3}\d){6,}")  # seven or more, as in a phone number
_NOT_A_PHONE = re.compile(  # years such as 1899-1999, a date, a round number such as 1,000,000
    r"(?:1[5-9]|20)\d\d(?:\W+(?:1[5-9]|20)\d\d)+"
    r"|(?:[0-3]?\d[./-][01]?\d[./-](?:1[5-9]|20)\d\d)|(?:1[5-9]|20)\d\d-[01]\d-[0-3]\d"
    r"|[1-9]\d{0,2}(?:\W?000)+"
)
_PHONE = re.compile(r"(?=(?:[^0-9]*[0-9]){4})\+?[0-9(][0-9 ()./-]{3,}")  # four digits or more


def clean_name(text: str) -> str:
    """One line of 1 to 100 characters. Raises RuleError(TEXT_*).

    Refuses phone numbers, because names appear in emails to strangers.
    """
    text = _clean(text, NAME_LENGTH)
    runs = _MANY_DIGITS.finditer(unicodedata.normalize("NFKC", text))
    if not all(_NOT_A_PHONE.fullmatch(run[0]) for run in runs):
        raise RuleError(Reason.TEXT_PHONE)
    return text


def name_or_nothing(text: str) -> str:
    if not text or (len(text) <= NAME_LENGTH and _is_plain(text)):
        return text
    try:
        return clean_name(text)
    except RuleError:
        return ""


def _is_plain(text: str) -> bool:
    """A fast check: if it returns True, ``clean_name`` returns ``text`` unchanged.

    May return False for such names too. Doesn't check the length.
    """
    if not text.translate(_PLAIN_PUNCTUATION).isalpha() or text != " ".join(text.split()):
        return False
    return text.isascii() or (_BLANKS.isdisjoint(text) and unicodedata.is_normalized("NFC", text))


def clean_phrase(text: str) -> str:
    """One line of up to 200 characters, or ""."""
    return _clean(text, PHRASE_LENGTH) if text.strip() else ""


def clean_label(text: str) -> str:
    """One line of up to 60 characters, or ""."""
    return _clean(text, LABEL_LENGTH) if text.strip() else ""


def clean_phone(text: str) -> str:
    """Collapses whitespace; may return "". Raises RuleError(PHONE_MALFORMED)."""
    text = " ".join(text.split())
    if not text:
        return ""
    if len(text) > PHONE_LENGTH or not _PHONE.fullmatch(text):
        raise RuleError(Reason.PHONE_MALFORMED)
    return text


def clean_url(text: str) -> str:
    """An absolute https URL without a username or password; may be empty."""
    text = text.strip()
    if not text:
        return ""
    if len(text) > URL_LENGTH:
        raise RuleError(Reason.TEXT_TOO_LONG, limit=URL_LENGTH)
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port  # raises ValueError if it is out of range
    except ValueError:
        is_usable = False
    if not is_usable or any(c.isspace() or not c.isprintable() or c in '<>"\\' for c in text):
        raise RuleError(Reason.URL_NOT_HTTPS)
    return text


def clean_time_zone(text: str) -> str:
    if text not in TIME_ZONES:
        raise RuleError(Reason.TIME_ZONE_UNKNOWN)
    return text


def _clean(text: str, limit: int) -> str:
    text = " ".join(text.split())
    if len(text) > 4 * limit:  # normalizing a long text takes quadratic time
        raise RuleError(Reason.TEXT_TOO_LONG, limit=limit)
    text = unicodedata.normalize("NFC", text)
    if all(c in _BLANKS or unicodedata.category(c)[0] in "ZM" for c in text):
        raise RuleError(Reason.TEXT_MISSING)
    if len(text) > limit:
        raise RuleError(Reason.TEXT_TOO_LONG, limit=limit)
    if any(unicodedata.category(c) in _FORBIDDEN_CATEGORIES and c not in JOINERS for c in text):
        raise RuleError(Reason.TEXT_CONTROL)
    if "=?" in text:  # begins an encoded word (RFC 2047), which mail programs decode
        raise RuleError(Reason.TEXT_ENCODED)
    if _LINK.search(unicodedata.normalize("NFKC", text)):
        raise RuleError(Reason.TEXT_LINK)
    return text
