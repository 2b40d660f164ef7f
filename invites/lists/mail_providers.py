"""The big mail providers, and how people mistype them.

A domain counts as mistyped only when one slip of the finger leads from a big
provider to it, and nobody else is known to have it: an address at a real domain
must never be held up. So a slip keeps the first letter, which also tells
``ymail.com`` and ``mail.com`` from ``gmail.com``.
"""

from collections.abc import Iterator
from functools import lru_cache

# What follows the name of each provider that is big enough.
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

# No top-level domains, so no domain ends with them.
_NO_ENDINGS = {
    **dict.fromkeys(("con", "cmo", "ocm", "comm", "vom", "xom", "cpm", "coom", "ccom"), "com"),
    **dict.fromkeys(("c0m", "com.com", "comn", "coml"), "com"),
    **dict.fromkeys(("nte", "ent", "nett", "nret"), "net"),
    **dict.fromkeys(("ogr", "rog", "orgg", "0rg"), "org"),
    "dee": "de",
}
# The same, but elsewhere something else may be meant.
_NO_ENDINGS_HERE = {"ed": "de"}
# Top-level domains where no provider with a long name is.
_NOT_THERE = {"co": "com", "cm": "com", "om": "com", "c": "com", "ne": "net"}

_BY_HAND = {
    **dict.fromkeys(("gimail", "gmeil", "gmaile", "gmailc", "gmai1"), "gmail"),
    **dict.fromkeys(("hotmale", "hotmeil", "h0tmail", "homail", "hotmai1", "hitmail"), "hotmail"),
    **dict.fromkeys(("yahooo", "yah00", "yaho0", "yah0o"), "yahoo"),
    **dict.fromkeys(("outl00k", "outloo", "outlouk", "outlock"), "outlook"),
    **dict.fromkeys(("iclould", "icluod", "iclaud"), "icloud"),
}
_SOMEBODY_ELSES = {"gail", "tonline"}

_NEAR = {
    letter: row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for place, letter in enumerate(row)
}
_LONG_ENOUGH = 5  # letters of a name, from which one slip hardly makes another name


def providers() -> list[str]:
    """The domains of all big providers, the longest first."""
    domains = [f"{name}.{end}" for name, ends in _SUFFIXES.items() for end in ends]
    return sorted(domains, key=len, reverse=True)


def home_of(name: str) -> str:
    """The domain of a provider whose name stands alone, like ``gmail``; else nothing."""
    ends = _SUFFIXES.get(name)
    return f"{name}.{ends[0]}" if ends and len(name) >= _LONG_ENOUGH else ""


@lru_cache(maxsize=10_000)
def corrected(domain: str) -> str:
    """The domain that a canonical one is surely a slip of; nothing when it may be meant."""
    name, _, end = domain.partition(".")
    meant = _MEANT.get(name, name)
    meant_end = _meant_end(meant, end)
    if meant_end in _SUFFIXES.get(meant, ()):
        right = f"{meant}.{meant_end}"
    else:
        rest, _, end = domain.rpartition(".")
        right = f"{rest}.{_NO_ENDINGS.get(end, end)}"
    return corrected(right) or right if right != domain else ""


def _meant_end(name: str, end: str) -> str:
    """The ending that was meant after the name of a provider."""
    slips = _NO_ENDINGS | _NO_ENDINGS_HERE
    if len(name) >= _LONG_ENOUGH and end not in _SUFFIXES.get(name, ()):
        slips |= _NOT_THERE
    return slips.get(end, end)


def _slips(name: str) -> Iterator[str]:
    """What one slip of a finger makes of ``name``: its first letter stays, or swaps places."""
    for place in range(len(name)):
        before, letter, after = name[:place], name[place], name[place + 1 :]
        yield f"{before}{letter}{letter}{after}"
        if after:
            yield f"{before}{after[0]}{letter}{after[1:]}"
        if before:
            yield before + after
            yield from (before + near + after for near in _NEAR.get(letter, ""))


def _meant() -> dict[str, str]:
    names = [name for name in _SUFFIXES if len(name) >= _LONG_ENOUGH]
    slips = {slip: name for name in names for slip in _slips(name)} | _BY_HAND
    real = _SOMEBODY_ELSES | _SUFFIXES.keys()
    return {slip: name for slip, name in slips.items() if slip not in real}


_MEANT = _meant()
