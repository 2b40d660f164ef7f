"""How much a decoded text looks like names in one of the languages of the encoding.

Signs of a wrong encoding are letters that no single language has (``Mu³oz``), capitals inside words
(``иВАН``) and rare characters. Names are too short for statistics.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable

_IsWord = Callable[[str], bool]

# Letters besides a to z, by language.
_WESTERN = (
    "äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "áâãàçéêíóôõúü", "åäöéü", "æøåéöäü", "àèéìíòóùç",
    "áéíóúëïöüèç", "áéèíïóòúüçà",
)  # fmt: skip
_ICELANDIC = ("áðéíóúýþæö",)
_CENTRAL_EUROPEAN = (
    "ąćęłńóśźżéöü", "áčďéěíňóřšťúůýžöü", "áäčďéíĺľňóôŕšťúýžöü", "áéíóöőúüűä", "čšžćđ", "ăâîşţ",
)  # fmt: skip
_TURKISH = ("çğ\u0131iöşüİâîû",)
_BALTIC = ("ąčęėįšųūž", "āčēģīķļņšūžŗ", "äöõüšž")
_CYRILLIC = (
    "абвгдежзийклмнопрстуфхцчшщъыьэюяё", "абвгдежзийклмнопрстуфхцчшщьюяіїєґ",
    "абвгдежзијклљмнњопрстћуфхцчџшђ",
)  # fmt: skip
_GREEK = ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",)

# The range of the first byte of common characters, in East Asian encodings.
_COMMON_LEAD_BYTES = {
    "gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "cp949": (0xB0, 0xC8), "euc_jp": (0xB0, 0xCF),
}  # fmt: skip
_IDEOGRAPH = re.compile("[\u4e00-\u9fff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_KANA = re.compile("[\u3040-\u30ff々]")

_MIXED_LANGUAGES = 0.95  # a text in one language is likelier
_RARE_LANGUAGE = 0.93

_SEPARATORS = re.compile(r"(?:[\s0-9_]|[!-/:-@\[-`{-~])+|’(?=[A-ZÀ-Ý])")
_AROUND_WORDS = "“”„«»‘’\u2013—…•€™®©°§"
_PREFIX = re.compile(r"(?:Mc|Mac|De|Di|La|Le|Van|Von|Fitz)(?=[^\W\d_a-z])")


def likelihood(text: str, encoding: str) -> float:
    """The share of non-ASCII words that fit, lowered for rare and mixed languages."""
    words = [word.strip(_AROUND_WORDS) for word in _SEPARATORS.split(text)]
    words = [word for word in words if not word.isascii()]
    if not words:
        return 1
    return max(weight * sum(map(fits, words)) / len(words) for weight, fits in _TESTS[encoding])


def _latin(letters: str) -> _IsWord:
    allowed = {*letters, *letters.upper()}

    def fits(word: str) -> bool:
        others = [letter for letter in word if not letter.isascii()]
        return allowed.issuperset(others) and 2 * len(others) <= len(word) + 1 and _is_cased(word)

    return fits


def _cased(letters: str) -> _IsWord:
    allowed = {*letters, *letters.upper()}
    return lambda word: allowed.issuperset(word) and word[0].isupper() and _is_cased(word)


def _is_cased(word: str) -> bool:
    """``Ada``, ``ada``, ``ADA`` or ``McAda``, but not ``aDA``."""
    rest = word[1:]
    if rest == rest.lower() or word.isupper():
        return True
    prefix = _PREFIX.match(word)
    return prefix is not None and _is_cased(word[prefix.end() :])


def _caseless(first: str, last: str) -> _IsWord:
    def fits(word: str) -> bool:
        is_mark = unicodedata.category(word[0]) == "Mn"
        return not is_mark and all(first <= letter <= last for letter in word)

    return fits


def _east_asian(encoding: str) -> _IsWord:
    least, most = _COMMON_LEAD_BYTES[encoding]
    script = _HANGUL if encoding == "cp949" else _IDEOGRAPH
    has_kana = encoding == "euc_jp"

    def is_common(letter: str) -> bool:
        if letter.isascii() or (has_kana and _KANA.match(letter)):
            return True
        code = letter.encode(encoding, "replace")
        return bool(script.match(letter)) and least <= code[0] <= most and code[-1] >= 0x40

    return lambda word: all(map(is_common, word))


def _each(
    make: Callable[[str], _IsWord], languages: Iterable[str], weight: float = 1
) -> list[tuple[float, _IsWord]]:
    return [(weight, make(letters)) for letters in languages]


_western = [
    *_each(_latin, _WESTERN),
    *_each(_latin, ["".join(_WESTERN)], _MIXED_LANGUAGES),
    *_each(_latin, _ICELANDIC, _RARE_LANGUAGE),
]
_central_european = _each(_latin, _CENTRAL_EUROPEAN)
_cyrillic = _each(_cased, _CYRILLIC)
_greek = _each(_cased, _GREEK)
_japanese = _each(_east_asian, ["euc_jp"])
_arabic = [(1.0, _caseless("\u0621", "\u06d2"))]

# Likelier encodings come first.
_TESTS: dict[str, list[tuple[float, _IsWord]]] = {
    "cp1252": _western,
    "cp1250": _central_european,
    "cp1254": _each(_latin, _TURKISH),
    "cp1251": _cyrillic,
    "cp932": _japanese,
    "gb18030": _each(_east_asian, ["gb18030"]),
    "cp949": _each(_east_asian, ["cp949"]),
    "big5": _each(_east_asian, ["big5"]),
    "cp1253": _greek,
    "cp1255": [(1.0, _caseless("\u05d0", "\u05ea"))],
    "cp1256": _arabic,
    "cp1257": _each(_latin, _BALTIC),
    "cp874": [(1.0, _caseless("\u0e01", "\u0e4f"))],
    "iso8859_2": _central_european,
    "koi8_r": _cyrillic,
    "cp866": _cyrillic,
    "iso8859_7": _greek,
    "euc_jp": _japanese,
    "mac_roman": _western,
    "cp850": _western,
    "cp852": _central_european,
    "iso8859_5": _cyrillic,
    "iso8859_6": _arabic,
}
ENCODINGS = tuple(_TESTS)
