"""What the sender's domain publishes about its mail: SPF (RFC 7208) and DMARC (RFC 7489)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import dns.exception
import dns.resolver
from dns.resolver import Resolver

_PATIENCE = 3.0  # seconds for one question
_PARENTS = 4  # domains above the sender's that are asked for DMARC
_RECORDS = 5  # that are shown
_SHOWN = 500  # characters of a record


class UnreachableError(Exception):
    """DNS gave no answer, so nothing is known."""


class Spf(StrEnum):
    """What a domain says about servers that aren't on its list."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    SEVERAL = "several"
    REFUSE = "refuse"
    SUSPECT = "suspect"
    SILENT = "silent"
    ANYBODY = "anybody"
    ELSEWHERE = "elsewhere"


class Dmarc(StrEnum):
    """What a domain asks for when a mail only claims to come from it."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    SEVERAL = "several"
    BROKEN = "broken"
    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True)
class Published:
    """What was found; the records as printable text, and the domain whose DMARC record holds."""

    domain: str
    spf: Spf
    spf_records: tuple[str, ...]
    dmarc: Dmarc
    dmarc_records: tuple[str, ...]
    dmarc_domain: str


Texts = Callable[[str], list[str]]


def is_public(domain: str) -> bool:
    """Whether a domain can be asked about at all: ``localhost`` and addresses can't."""
    top = domain.rpartition(".")[2]
    return "." in domain and not domain.startswith("[") and not top.isdecimal()


def published(domain: str, resolver: Resolver) -> Published:
    """Look at what ``domain`` publishes; takes seconds when DNS is slow."""

    def texts(name: str) -> list[str]:
        return _texts(name, resolver)

    spf, spf_records = _spf(domain, texts)
    dmarc, dmarc_records, dmarc_domain = _dmarc(domain, texts)
    return Published(
        domain,
        spf,
        _shown(spf_records),
        dmarc,
        _shown(dmarc_records),
        dmarc_domain,
    )


def this_machines_resolver() -> Resolver:
    """Asks the name servers that the operating system asks."""
    try:
        return Resolver()
    except dns.resolver.NoResolverConfiguration:
        return Resolver(configure=False)  # has nobody to ask, and says so when asked


def _texts(name: str, resolver: Resolver) -> list[str]:
    """The TXT records of ``name``. Raises UnreachableError."""
    try:
        answer = resolver.resolve(f"{name}.", "TXT", lifetime=_PATIENCE)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise UnreachableError(name) from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def _spf(domain: str, texts: Texts) -> tuple[Spf, list[str]]:
    try:
        records = [text for text in texts(domain) if text.lower().split(" ")[0] == "v=spf1"]
    except UnreachableError:
        return Spf.UNKNOWN, []
    if len(records) != 1:
        return (Spf.SEVERAL if records else Spf.MISSING), records
    return _about_others(records[0].lower().split()), records


def _about_others(terms: list[str]) -> Spf:
    """The last word of an SPF record: what holds for servers that it doesn't name."""
    verdicts = {
        "-all": Spf.REFUSE,
        "~all": Spf.SUSPECT,
        "?all": Spf.SILENT,
        "+all": Spf.ANYBODY,
        "all": Spf.ANYBODY,
    }
    for term in terms:
        if term in verdicts:
            return verdicts[term]
    is_elsewhere = any(term.startswith("redirect=") for term in terms)
    return Spf.ELSEWHERE if is_elsewhere else Spf.SILENT


def _dmarc(domain: str, texts: Texts) -> tuple[Dmarc, list[str], str]:
    """The record of the domain itself, or of the nearest domain above that has one."""
    labels = domain.split(".")
    places = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    for place in places[: _PARENTS + 1]:
        try:
            found = [text for text in texts(f"_dmarc.{place}") if _tags(text).get("v") == "dmarc1"]
        except UnreachableError:
            return Dmarc.UNKNOWN, [], domain
        if len(found) > 1:
            return Dmarc.SEVERAL, found, place
        if found:
            return _policy(_tags(found[0]), is_above=place != domain), found, place
    return Dmarc.MISSING, [], domain


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.lower().split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _policy(tags: dict[str, str], *, is_above: bool) -> Dmarc:
    """What holds: for domains below the record's own, ``sp`` goes before ``p``."""
    asked = tags.get("sp", tags.get("p")) if is_above else tags.get("p")
    known = {"none": Dmarc.NONE, "quarantine": Dmarc.QUARANTINE, "reject": Dmarc.REJECT}
    return known.get(asked or "", Dmarc.BROKEN)


def _shown(records: list[str]) -> tuple[str, ...]:
    """A stranger's texts, safe to show."""
    return tuple(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:_SHOWN])
        for text in records[:_RECORDS]
    )
