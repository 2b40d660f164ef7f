"""What people type, paste or upload as an address, and its canonical form, if it is one."""

from itertools import chain

_GOOD = {
    "ada@example.org": "ada@example.org",
    "Ada@Example.ORG": "ada@example.org",
    "ada.okafor+news@example.org": "ada.okafor+news@example.org",
    "ADA.OKAFOR+NEWS@EXAMPLE.ORG": "ada.okafor+news@example.org",
    "a@b.example.net": "a@b.example.net",
    "ada_okafor@example.org": "ada_okafor@example.org",
    "ada-okafor@my-example.org": "ada-okafor@my-example.org",
    "_ada_@example.org": "_ada_@example.org",
    "-ada@example.org": "-ada@example.org",
    "1@example.org": "1@example.org",
    "o'neil@example.org": "o'neil@example.org",
    "O'Neil/x=y@example.org": "o'neil/x=y@example.org",
    "ada!x@example.org": "ada!x@example.org",
    "ada#1@example.org": "ada#1@example.org",
    "ada$%&@example.org": "ada$%&@example.org",
    "ada^~x@example.org": "ada^~x@example.org",
    "ada@bücher.example": "ada@xn--bcher-kva.example",
    "ada@BÜCHER.example": "ada@xn--bcher-kva.example",
    "ada@xn--bcher-kva.example": "ada@xn--bcher-kva.example",
    "ada@例え.example": "ada@xn--r8jz45g.example",
    "ada@mail.example.co.uk": "ada@mail.example.co.uk",
    "ada@123.example.org": "ada@123.example.org",
    f"{'a' * 64}@example.org": f"{'a' * 64}@example.org",
    f"ada@{'b' * 63}.example.org": f"ada@{'b' * 63}.example.org",
}

_BAD = [
    "",
    " ",
    "\u200b",
    " \u2068\u2069 ",
    "ada",
    "ada.example.org",
    "ada@",
    "@",
    "@example.org",
    "ada@@example.org",
    "ada@home@example.org",
    "ada@localhost",
    "ada@.",
    "ada@.org",
    "ada@example..org",
    "ada@-example.org",
    "ada@example-.org",
    "ada@exam_ple.org",
    "ada@example.o_g",
    "ada@printer.local",
    "ada@nowhere.invalid",
    "ada@some.test",
    "ada@127.0.0.1",
    "ada@exam!ple.org",
    "ada@example.org/path",
    "ada@example.org\\x",
    "ada..okafor@example.org",
    ".ada@example.org",
    "ada.@example.org",
    "adä@example.org",
    "аda@example.org",  # noqa: RUF001  # Cyrillic
    "\uff41da@example.org",
    "ada\uff20example.org",
    "ada@example\u3002org\u3002",
    "=?utf-8?q?a=2cb?=@example.org",
    "ada@example.org\0",
    "ada\x07@example.org",
    "ada\x7f@example.org",
    f"{'a' * 65}@example.org",
    f"ada@{'b' * 64}.example.org",
    f"a@{'b' * 260}.org",
    f"{'a' * 2000}@example.org",
    "ada@xn--a.example",
    # lists, but not single fields, find an address in these
    "ada okafor@example.org",
    "ada@exam ple.org",
    "ada @example.org",
    "<ada@example.org>",
    "ada@example.org>",
    '"ada"@example.org',
    "'ada@example.org'",
    "mailto:ada@example.org",
    "ada@example.org.",
    "ada@example.org,",
    "ada@example.org;",
    "(ada@example.org)",
    "ada@[192.0.2.1]",
    "Ada <ada@example.org>",
    "ada@example.org, ben@example.org",
    "ada@example.org\r\nBcc: ben@example.org",
    "ada@example.org\nben@example.org",
    "ada(work)@example.org",
]

_INVISIBLE = (
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2064\u2066\u2067\u2068\u2069\u206f\ufeff"
)
_BLANK = (" ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000")


def _decorated() -> dict[str, str]:
    ada = "ada@example.org"
    around = [f"{mark}{ada}{mark}" for mark in (*_INVISIBLE, *_BLANK)]
    around += [f"{mark}{ada}" for mark in _INVISIBLE] + [f"{ada}{mark}" for mark in _INVISIBLE]
    within = [f"a{mark}da@example.org" for mark in _INVISIBLE]
    within += [f"ada@exa{mark}mple.org" for mark in _INVISIBLE]
    beside = [f"ada{mark}@{mark}example.org" for mark in _INVISIBLE]
    mixed = [
        f"\u2068 {ada}\u2069",
        f" \ufeff{ada}",
        f"{ada}\u200b\u00a0",
        f"\u202a\u2068{ada}\u2069\u202c",
    ]
    return dict.fromkeys(chain(around, within, beside, mixed), ada)


# The canonical address for each input; None if the input is refused.
INPUTS: dict[str, str | None] = _GOOD | _decorated() | dict.fromkeys(_BAD)

_LIST_SYNTAX = set(" ,;|<>()[]{}\"'`“”‘’„«»:\n\r\t")


def is_list_syntax(text: str) -> bool:
    """Whether a list may find an address in ``text`` although all of it isn't one."""
    return bool(_LIST_SYNTAX & set(text)) or text.endswith((".", "!"))
