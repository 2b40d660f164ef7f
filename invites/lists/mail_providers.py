"""The large mail providers, and how people misspell them.

Addresses at real domains must never be questioned. So a domain counts as misspelled only if its
suffix doesn't exist, or if it is a typo away from a large provider's and isn't known to be real. A
typo keeps the first letter, so ``ymail.com`` and ``mail.com`` aren't taken for ``gmail.com``.
"""

from collections.abc import Iterator
from functools import lru_cache

# The suffixes of each provider's domains.
_SUFFIXES = {
    "gmail": ("com",),
    "googlemail": ("com",),
    "icloud": ("com",),
    "protonmail": ("com", "ch"),
    "outlook": ("com", "at", "be", "co.uk", "com.au", "com.br", "de", "dk", "es", "fr", "ie", "it"),
    "hotmail": ("com", "be", "ca", "ch", "co.uk", "com.br", "de", "dk", "es", "fr", "it", "nl"),
    "yahoo": (
        *("com", "ca", "co.in", "co.jp", "co.nz", "co.uk", "com.ar", "com.au", "com.br", "com.mx"),
        *("com.ph", "com.sg", "de", "dk", "es", "fr", "gr", "ie", "in", "it", "no", "pl", "se"),
    ),
    "comcast": ("net",),
    "sbcglobal": ("net",),
    "bellsouth": ("net",),
    "btinternet": ("com",),
    "t-online": ("de",),
    "freenet": ("de",),
    "laposte": ("net",),
    "wanadoo": ("fr",),
    "web": ("de",),
    "gmx": ("de", "net", "at", "ch", "com"),
}

# Not top-level domains, so no domain ends with one.
_MISSPELLED_SUFFIXES = {
    **dict.fromkeys(("con", "cmo", "ocm", "comm", "vom", "xom", "cpm", "coom", "ccom"), "com"),
    **dict.fromkeys(("c0m", "com.com", "comn", "coml"), "com"),
    **dict.fromkeys(("nte", "ent", "nett", "nret"), "net"),
    **dict.fromkeys(("ogr", "rog", "orgg", "0rg"), "org"),
    "dee": "de",
}
# Corrected only after a provider's name.
_MISSPELLED_PROVIDER_SUFFIXES = {"ed": "de"}
# Top-level domains that no provider with a long name uses.
_UNUSED_SUFFIXES = {"co": "com", "cm": "com", "om": "com", "c": "com", "ne": "net"}

_OTHER_MISSPELLINGS = {
    **dict.fromkeys(("gimail", "gmeil", "gmaile", "gmailc", "gmai1"), "gmail"),
    **dict.fromkeys(("hotmale", "hotmeil", "h0tmail", "homail", "hotmai1", "hitmail"), "hotmail"),
    **dict.fromkeys(("yahooo", "yah00", "yaho0", "yah0o"), "yahoo"),
    **dict.fromkeys(("outl00k", "outloo", "outlouk", "outlock"), "outlook"),
    **dict.fromkeys(("iclould", "icluod", "iclaud"), "icloud"),
}
_REAL_NAMES = {"gail", "tonline"}

_NEIGHBORING_KEYS = {
    letter: row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for place, letter in enumerate(row)
}
_LONG_NAME = 5  # letters; a typo in a long name rarely makes another name


def domains() -> list[str]:
    """Longest first."""
    found = [f"{name}.{suffix}" for name, suffixes in _SUFFIXES.items() for suffix in suffixes]
    return sorted(found, key=len, reverse=True)


def main_domain(name: str) -> str:
    """A provider's first domain, such as gmail.com for gmail; "" for an unknown or short name."""
    suffixes = _SUFFIXES.get(name)
    return f"{name}.{suffixes[0]}" if suffixes and len(name) >= _LONG_NAME else ""


@lru_cache(maxsize=10_000)
def corrected(domain: str) -> str:
    """The right domain, or "" if the canonical ``domain`` isn't misspelled."""
    written_name, _, written_suffix = domain.partition(".")
    name = _NAMES_BY_MISSPELLING.get(written_name, written_name)
    suffix = _corrected_suffix(name, written_suffix)
    if suffix in _SUFFIXES.get(name, ()):
        right = f"{name}.{suffix}"
    else:
        rest, _, suffix = domain.rpartition(".")
        right = f"{rest}.{_MISSPELLED_SUFFIXES.get(suffix, suffix)}"
    return corrected(right) or right if right != domain else ""


def _corrected_suffix(name: str, suffix: str) -> str:
    misspelled = _MISSPELLED_SUFFIXES | _MISSPELLED_PROVIDER_SUFFIXES
    if len(name) >= _LONG_NAME and suffix not in _SUFFIXES.get(name, ()):
        misspelled |= _UNUSED_SUFFIXES
    return misspelled.get(suffix, suffix)


def _typos(name: str) -> Iterator[str]:
    """The first letter is only doubled, or swapped with the second."""
    for place in range(len(name)):
        before, letter, after = name[:place], name[place], name[place + 1 :]
        yield f"{before}{letter}{letter}{after}"
        if after:
            yield f"{before}{after[0]}{letter}{after[1:]}"
        if before:
            yield before + after
            yield from (before + near + after for near in _NEIGHBORING_KEYS.get(letter, ""))


def _names_by_misspelling() -> dict[str, str]:
    names = [name for name in _SUFFIXES if len(name) >= _LONG_NAME]
    typos = {typo: name for name in names for typo in _typos(name)} | _OTHER_MISSPELLINGS
    real = _REAL_NAMES | _SUFFIXES.keys()
    return {typo: name for typo, name in typos.items() if typo not in real}


_NAMES_BY_MISSPELLING = _names_by_misspelling()
