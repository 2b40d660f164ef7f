"""What was probably meant by an entry that isn't an address, or is hardly the right one."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from invites.core import addresses
from invites.core.errors import Reason, RuleError
from invites.lists import mail_providers

_LOOKED_AT = 500  # characters of an entry
_TRIED = 3  # words of it: each may take long to refuse
_HOPEFUL = re.compile(r"@|\bat\b|\.|[a-z]com\b", re.IGNORECASE)  # else there is nothing to mend

_AT = re.compile(r"\s*[\[({]\s*at\s*[\])}]\s*|\s+at\s+", re.IGNORECASE)
_DOT = re.compile(r"\s*[\[({]\s*dot\s*[\])}]\s*|\s+dot\s+", re.IGNORECASE)
_AROUND_AT = re.compile(r"\s*@[\s@]*")
_GAP_IN_DOMAIN = re.compile(r"(?<=@)([\w-]+)\s*[\s,;]\s*(\w{2,4})$")
_AROUND_DOT = re.compile(r"(@[^\s@]*?)(?:\s+\.\s*|\.\s+)(\w{2,4})$")
_TORN = re.compile(r"([\w.+-]+) ([\w.+-]+)@([^\s@]+)")
_BETWEEN = re.compile(
    r"[?\s<>()\[\]{}|;:\"“”„«»]+|(?<=\.\w\w),|(?<=\.\w\w\w),|(?<=\w)/(?=[^\s/]+@)"
)
_CLINGING = re.compile(
    r"^(?:mailto:|e-?mail:|https?://|www\.|[@.,:;!?'\u2019`*_-])+", re.IGNORECASE
)
_WWW = re.compile(r"^(?:www\.)+")
_TRAILING = " .,:;!?'\u2019`*_-/\\@"

_DESKS = (
    "abuse accounts admin administrator billing bookings bounce bounces careers contact "
    "customerservice do-not-reply donotreply enquiries feedback hello help helpdesk hostmaster hr "
    "info information inquiries jobs kontakt list mail mailer-daemon marketing media "
    "membership newsletter no-reply noreply no_reply office orders postmaster press privacy "
    "reception root sales secretary security service services shop staff subscribe support "
    "team undisclosed-recipients unsubscribe webmaster"
)
_ROLES = frozenset(_DESKS.split())


def suggestion(text: str, problem: Reason | None) -> str:
    """A canonical address that was probably meant by ``text``, or nothing.

    ``problem``: why the text isn't taken as it is; None when that isn't known.
    """
    if problem is Reason.ADDRESS_MISSPELLED:
        return _mended(text)
    text = " ".join(unicodedata.normalize("NFKC", text[:_LOOKED_AT]).split())
    if not _HOPEFUL.search(text):
        return ""
    return next(filter(None, map(_mended, _attempts(text))), "")


def misspelt(email: str) -> str:
    """The right address for a canonical one at a mistyped provider, like gmial.com, or nothing.

    The same for a ``www.`` in front, which no mailbox has.
    """
    local, _, domain = email.rpartition("@")
    right = mail_providers.corrected(domain)
    if right or email.startswith("www."):
        return f"{_WWW.sub('', local)}@{right or domain}"
    return ""


def holds_two(text: str) -> bool:
    """Whether ``text``, which is no address, has two of them in it."""
    if text.count("@", 0, _LOOKED_AT) < 2:
        return False
    return len([word for word in _words(text[:_LOOKED_AT]) if _canonical(word)]) > 1


def addresses_in(text: str) -> list[str]:
    """The first canonical addresses in a text that ``holds_two``, each once, mended."""
    words = _words(unicodedata.normalize("NFKC", text[:_LOOKED_AT]))
    return list(dict.fromkeys(filter(None, map(_mended, words))))


def holds_no_more(text: str) -> bool:
    """Whether ``addresses_in`` has every address of the text."""
    return text.count("@") <= min(_TRIED, len(_words(text)))


def is_role(email: str) -> bool:
    """Whether a canonical address is a desk's rather than a person's, like info@."""
    return email.partition("@")[0] in _ROLES


def _mended(text: str) -> str:
    email = _canonical(text)
    return email and (misspelt(email) or email)


def _canonical(text: str) -> str:
    try:
        return addresses.canonical(text)
    except RuleError:
        return ""


def _attempts(text: str) -> Iterator[str]:
    """What ``text`` may have been meant as, the likeliest first."""
    whole = _without_gaps(text)
    torn = _TORN.fullmatch(_bare(whole))
    if torn and _is_one_name(torn[1], torn[2]):
        yield f"{torn[1]}{torn[2]}@{torn[3]}"
        return  # the second half alone is the address of a stranger
    yield _bare(whole)
    for word in _words(whole):
        yield word
        yield from _with_dots(word)
    yield from _with_at(_bare(text))


def _is_one_name(first: str, second: str) -> bool:
    """Whether a space got into an address, rather than a person's name in front of it.

    ``space man@…`` and ``Space Man@…``, but neither ``Ada a.okafor@…`` nor ``ada ada.okafor@…``.
    """
    is_name_in_front = first[0].isupper() and not second[0].isupper()
    first, second = first.lower(), second.lower()
    return not (is_name_in_front or first in second or second in first)


def _words(text: str) -> list[str]:
    """The first parts of ``text`` that have an @ in them."""
    words = (_bare(word) for word in _BETWEEN.split(text) if "@" in word)
    return list(islice(words, _TRIED))


def _without_gaps(text: str) -> str:
    """``ada at gmail dot com``, ``ada @ gmail. com`` and ``ada@@gmail,com`` in one piece."""
    if "@" not in text:
        text = _AT.sub("@", text, count=1)
        text = _DOT.sub(".", text)
    text = _AROUND_AT.sub("@", text).strip()
    text = _AROUND_DOT.sub(r"\1.\2", text)
    return _GAP_IN_DOMAIN.sub(r"\1.\2", text)


def _bare(text: str) -> str:
    """Without what clings to both ends: ``mailto:``, ``www.``, punctuation."""
    return _CLINGING.sub("", text.strip()).rstrip(_TRAILING)


def _with_dots(word: str) -> Iterator[str]:
    """With the dots that are missing, doubled, or commas."""
    local, _, domain = word.replace(",", ".").partition("@")
    local, domain = (re.sub(r"\.{2,}", ".", part).strip(".") for part in (local, domain))
    yield f"{local}@{domain}"
    yield f"{local}@{_HOMES.get(domain.lower(), '')}"


def _with_at(text: str) -> Iterator[str]:
    """``adagmail.com``: without an @ before a provider that everybody knows."""
    if "@" in text or " " in text:
        return
    lower = text.lower()
    for domain in _WELL_KNOWN:
        if lower.endswith(domain):
            yield f"{lower.removesuffix(domain).rstrip('.#_-')}@{domain}"
            return


_WELL_KNOWN = [domain for domain in mail_providers.providers() if len(domain) > len("gmx.com")]
_HOMES = {domain.replace(".", ""): domain for domain in _WELL_KNOWN} | {
    domain.partition(".")[0]: mail_providers.home_of(domain.partition(".")[0])
    for domain in _WELL_KNOWN
}
