"""Looks up what a domain publishes about its mail: SPF (RFC 7208) and DMARC (RFC 7489)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.resolver import Resolver

_QUERY_TIME = 3.0  # seconds
_MAX_PARENTS = 4  # domains above the sender's that are queried for DMARC
_MAX_RECORDS = 5  # shown on the page
_MAX_LENGTH = 500  # characters of a record


class DnsUnavailableError(Exception):
    """DNS couldn't be queried."""


class Spf(StrEnum):
    """What a domain's SPF record says about servers that it doesn't list."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    MULTIPLE = "multiple"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    PASS = "pass"
    REDIRECT = "redirect"


class Dmarc(StrEnum):
    """What a domain asks receivers to do with mail that fails its checks."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    MULTIPLE = "multiple"
    INVALID = "invalid"
    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True)
class Published:
    """``dmarc_domain``: the domain whose DMARC record applies. All records are printable."""

    domain: str
    spf: Spf
    spf_records: tuple[str, ...]
    dmarc: Dmarc
    dmarc_records: tuple[str, ...]
    dmarc_domain: str


Texts = Callable[[str], list[str]]


def is_public(domain: str) -> bool:
    """False for ``localhost`` and IP addresses."""
    top = domain.rpartition(".")[2]
    return "." in domain and not domain.startswith("[") and not top.isdecimal()


def published(domain: str, resolver: "Resolver") -> Published:
    """Queries DNS, which may take seconds."""
    texts = partial(_texts, resolver)
    spf, spf_records = _spf(domain, texts)
    dmarc, dmarc_records, dmarc_domain = _dmarc(domain, texts)
    return Published(
        domain, spf, _printable(spf_records), dmarc, _printable(dmarc_records), dmarc_domain
    )


def system_resolver() -> "Resolver":
    """Uses the name servers of the operating system."""
    from dns import resolver  # 2 MB, which only the Mail page needs

    try:
        return resolver.Resolver()
    except resolver.NoResolverConfiguration:
        return resolver.Resolver(configure=False)  # has no name servers, so every query fails


def _texts(resolver: "Resolver", name: str) -> list[str]:
    """Returns TXT records. Raises DnsUnavailableError."""
    import dns.exception
    import dns.resolver

    try:
        answer = resolver.resolve(f"{name}.", "TXT", lifetime=_QUERY_TIME)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise DnsUnavailableError(name) from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def _spf(domain: str, texts: Texts) -> tuple[Spf, list[str]]:
    try:
        records = [text for text in texts(domain) if text.lower().split(" ")[0] == "v=spf1"]
    except DnsUnavailableError:
        return Spf.UNKNOWN, []
    if len(records) != 1:
        return (Spf.MULTIPLE if records else Spf.MISSING), records
    return _unlisted(records[0].lower().split()), records


def _unlisted(terms: list[str]) -> Spf:
    """What the record says about servers that it doesn't list."""
    verdicts = {
        "-all": Spf.FAIL,
        "~all": Spf.SOFTFAIL,
        "?all": Spf.NEUTRAL,
        "+all": Spf.PASS,
        "all": Spf.PASS,
    }
    for term in terms:
        if term in verdicts:
            return verdicts[term]
    redirects = any(term.startswith("redirect=") for term in terms)
    return Spf.REDIRECT if redirects else Spf.NEUTRAL


def _dmarc(domain: str, texts: Texts) -> tuple[Dmarc, list[str], str]:
    """The record of the domain, or of the nearest domain above it that has one."""
    labels = domain.split(".")
    places = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    for place in places[: _MAX_PARENTS + 1]:
        try:
            found = [text for text in texts(f"_dmarc.{place}") if _tags(text).get("v") == "dmarc1"]
        except DnsUnavailableError:
            return Dmarc.UNKNOWN, [], domain
        if len(found) > 1:
            return Dmarc.MULTIPLE, found, place
        if found:
            return _policy(_tags(found[0]), is_above=place != domain), found, place
    return Dmarc.MISSING, [], domain


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.lower().split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _policy(tags: dict[str, str], *, is_above: bool) -> Dmarc:
    """``is_above``: whether the record is a parent domain's; then ``sp`` is preferred to ``p``."""
    policy = tags.get("sp", tags.get("p")) if is_above else tags.get("p")
    known = {"none": Dmarc.NONE, "quarantine": Dmarc.QUARANTINE, "reject": Dmarc.REJECT}
    return known.get(policy or "", Dmarc.INVALID)


def _printable(records: list[str]) -> tuple[str, ...]:
    return tuple(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:_MAX_LENGTH])
        for text in records[:_MAX_RECORDS]
    )
