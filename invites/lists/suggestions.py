"""Suggests an address for an entry that is invalid or looks misspelled."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from invites.core import addresses
from invites.core.errors import Reason, RuleError
from invites.lists import mail_providers

_MAX_TEXT = 500  # characters examined
_MAX_WORDS = 3  # tried as addresses; validating each may be slow
_LIKE_ADDRESS = re.compile(r"@|\bat\b|\.|[a-z]com\b", re.IGNORECASE)

_AT = re.compile(r"\s*[\[({]\s*at\s*[\])}]\s*|\s+at\s+", re.IGNORECASE)
_DOT = re.compile(r"\s*[\[({]\s*dot\s*[\])}]\s*|\s+dot\s+", re.IGNORECASE)
_AROUND_AT = re.compile(r"\s*@[\s@]*")
_GAP_IN_DOMAIN = re.compile(r"(?<=@)([\w-]+)\s*[\s,;]\s*(\w{2,4})$")
_AROUND_DOT = re.compile(r"(@[^\s@]*?)(?:\s+\.\s*|\.\s+)(\w{2,4})$")
_WITH_SPACE = re.compile(r"([\w.+-]+) ([\w.+-]+)@([^\s@]+)")
_SPLIT_SUFFIX = re.compile(r"(?<=\.)(c om|co m|o rg|or g|n et|ne t)$", re.IGNORECASE)
_DOMAIN_END = re.compile(r"[a-z0-9-]*\.?[a-z]{2,}\.?")
_JOINING_WORDS = frozenset((
    "and", "or", "und", "oder", "et", "ou", "y", "o", "e", "i", "en", "och", "og", "ja",
    "to", "cc", "bcc", "email", "mail", "e-mail", "invite",
))  # fmt: skip
_BETWEEN_ADDRESSES = re.compile(
    r"[?\s<>()\[\]{}|;:\"“”„«»]+|(?<=\.\w\w),|(?<=\.\w\w\w),|(?<=\w)/(?=[^\s/]+@)"
)
_PREFIXES = re.compile(
    r"^(?:mailto:|e-?mail:|https?://|www\.|[@.,:;!?'\u2019`*_-])+", re.IGNORECASE
)
_WWW = re.compile(r"^(?:www\.)+")
_SUFFIX_CHARACTERS = " .,:;!?'\u2019`*_-/\\@"

_ROLE_NAMES = (
    "abuse accounts admin administrator billing bookings bounce bounces careers contact "
    "customerservice do-not-reply donotreply enquiries feedback hello help helpdesk hostmaster hr "
    "info information inquiries jobs kontakt list mail mailer-daemon marketing media "
    "membership newsletter no-reply noreply no_reply office orders postmaster press privacy "
    "reception root sales secretary security service services shop staff subscribe support "
    "team undisclosed-recipients unsubscribe webmaster"
)
_ROLES = frozenset(_ROLE_NAMES.split())


def suggestion(text: str, problem: Reason | None) -> str:
    """A canonical address, or "". ``problem``: why the text is refused, if known."""
    if problem is Reason.ADDRESS_MISSPELLED:
        return _read(text)
    text = " ".join(unicodedata.normalize("NFKC", text[:_MAX_TEXT]).split())
    if not _LIKE_ADDRESS.search(text):
        return ""
    return next(filter(None, map(_read, _attempts(text))), "")


def corrected(email: str) -> str:
    """The corrected address; "" unless its domain is misspelled or it begins with ``www.``."""
    local, _, domain = email.rpartition("@")
    right = mail_providers.corrected(domain)
    if right or email.startswith("www."):
        return f"{_WWW.sub('', local)}@{right or domain}"
    return ""


def has_several_addresses(text: str) -> bool:
    """Whether ``text``, which isn't an address, contains several."""
    if text.count("@", 0, _MAX_TEXT) < 2:
        return False
    return len([word for word in _words(text[:_MAX_TEXT]) if _canonical(word)]) > 1


def addresses_in(text: str) -> list[str]:
    """Addresses in a text that ``has_several_addresses``: canonical, corrected, not repeated."""
    words = _words(unicodedata.normalize("NFKC", text[:_MAX_TEXT]))
    return list(dict.fromkeys(filter(None, map(_read, words))))


def finds_all_addresses(text: str) -> bool:
    """Whether ``addresses_in`` returns every address in the text."""
    return text.count("@") <= min(_MAX_WORDS, len(_words(text)))


def is_role(email: str) -> bool:
    """Whether the address belongs to a role, like info@."""
    return email.partition("@")[0] in _ROLES


def _read(text: str) -> str:
    email = _canonical(text)
    return email and (corrected(email) or email)


def _canonical(text: str) -> str:
    try:
        return addresses.canonical(text)
    except RuleError:
        return ""


def _attempts(text: str) -> Iterator[str]:
    """Likeliest first."""
    whole = _without_gaps(text)
    parts = _WITH_SPACE.fullmatch(_bare(whole))
    if parts and _is_one_name(parts[1], parts[2]):
        yield f"{parts[1]}{parts[2]}@{parts[3]}"
        return  # the second part alone might be a stranger's address
    yield _bare(whole)
    for word in _words(whole):
        yield word
        yield from _with_dots(word)
    yield from _with_at(_bare(text))


def is_split_address(text: str) -> bool:
    """Whether the text, which has spaces, is a single address rather than one beside a name.

    True for ``spa ce@example.org``, ``ada@exam ple.org`` and ``ada at example.org``.
    """
    words = text.split()
    if "@" not in text:
        text = " ".join(words)  # searching long gaps would take quadratic time
        return bool(_AT.search(text)) and "." in _DOT.sub(".", text)
    place = next(place for place, word in enumerate(words) if "@" in word)
    if text.count("@") > 1 or len(words) == 1:
        return False
    local, _, domain = words[place].partition("@")
    after = "".join(words[place + 1 : place + 2])
    if not local or "." not in domain.strip("."):
        return not local or bool(_DOMAIN_END.fullmatch(after))
    if _SPLIT_SUFFIX.search(f"{domain} {after}"):
        return True
    before = [word.strip("\"',.:") for word in words[:place]]
    if not before or not before[-1].replace(".", "").isalnum():
        return False
    initials = "".join(word[:1] for word in before).lower()
    is_joining = before[-1].lower() in _JOINING_WORDS
    is_name = initials in local.lower() and len(before) > 1
    return not (is_joining or is_name) and all(_is_one_name(word, local) for word in before)


def _is_one_name(first: str, second: str) -> bool:
    """Whether the space is a typo in an address, rather than the end of a name before it.

    True for ``space man@…`` and ``Space Man@…``, False for ``Ada a.okafor@…`` and ``ada
    ada.okafor@…``.
    """
    is_name_in_front = first[:1].isupper() and not second[:1].isupper()
    first, second = first.lower(), second.lower()
    return not (is_name_in_front or first in second or second in first)


def _words(text: str) -> list[str]:
    words = (_bare(word) for word in _BETWEEN_ADDRESSES.split(text) if "@" in word)
    return list(islice(words, _MAX_WORDS))


def _without_gaps(text: str) -> str:
    """``ada@gmail.com`` for ``ada at gmail dot com``, ``ada @ gmail. com``, ``ada@@gmail,com``."""
    if "@" not in text:
        text = _AT.sub("@", text, count=1)
        text = _DOT.sub(".", text)
    text = _AROUND_AT.sub("@", text).strip()
    text = _AROUND_DOT.sub(r"\1.\2", text)
    text = _SPLIT_SUFFIX.sub(lambda found: found[0].replace(" ", ""), text)
    return _GAP_IN_DOMAIN.sub(r"\1.\2", text)


def _bare(text: str) -> str:
    return _PREFIXES.sub("", text.strip()).rstrip(_SUFFIX_CHARACTERS)


def _with_dots(word: str) -> Iterator[str]:
    """Adds missing dots, removes double ones and replaces commas."""
    local, _, domain = word.replace(",", ".").partition("@")
    local, domain = (re.sub(r"\.{2,}", ".", part).strip(".") for part in (local, domain))
    yield f"{local}@{domain}"
    yield f"{local}@{_WITHOUT_DOT.get(domain.lower(), '')}"


def _with_at(text: str) -> Iterator[str]:
    """``ada@gmail.com`` for ``adagmail.com``."""
    if "@" in text or " " in text:
        return
    lower = text.lower()
    for domain in _LONG_DOMAINS:
        if lower.endswith(domain):
            yield f"{lower.removesuffix(domain).rstrip('.#_-')}@{domain}"
            return


_LONG_DOMAINS = [domain for domain in mail_providers.domains() if len(domain) > len("gmx.com")]
_WITHOUT_DOT = {domain.replace(".", ""): domain for domain in _LONG_DOMAINS} | {
    domain.partition(".")[0]: mail_providers.main_domain(domain.partition(".")[0])
    for domain in _LONG_DOMAINS
}
