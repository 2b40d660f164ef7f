"""The interface text for how a text file was read, and how it could be read instead."""

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from invites.lists.encodings import ASCII, CHOICES, MIXED, UNKNOWN
from invites.models import StagedList

_ENCODINGS = {
    "utf-8": ("UTF-8", ""),
    "cp1252": ("Windows-1252", _("Western")),
    "cp1250": ("Windows-1250", _("Central European")),
    "cp1254": ("Windows-1254", _("Turkish")),
    "cp1251": ("Windows-1251", _("Cyrillic")),
    "cp932": ("Shift JIS", _("Japanese")),
    "gb18030": ("GB 18030", _("Simplified Chinese")),
    "cp949": ("CP949", _("Korean")),
    "big5": ("Big5", _("Traditional Chinese")),
    "cp1253": ("Windows-1253", _("Greek")),
    "cp1255": ("Windows-1255", _("Hebrew")),
    "cp1256": ("Windows-1256", _("Arabic")),
    "cp1257": ("Windows-1257", _("Baltic")),
    "cp874": ("Windows-874", _("Thai")),
    "iso8859_2": ("ISO 8859-2", _("Central European")),
    "koi8_r": ("KOI8-R", _("Cyrillic")),
    "cp866": ("DOS 866", _("Cyrillic")),
    "iso8859_7": ("ISO 8859-7", _("Greek")),
    "euc_jp": ("EUC-JP", _("Japanese")),
    "mac_roman": ("Mac OS Roman", _("Western")),
    "cp850": ("DOS 850", _("Western")),
    "cp852": ("DOS 852", _("Central European")),
    "iso8859_5": ("ISO 8859-5", _("Cyrillic")),
    "iso8859_6": ("ISO 8859-6", _("Arabic")),
}
DELIMITERS = {",": _("commas"), ";": _("semicolons"), "\t": _("tabs"), "|": _("vertical bars")}


def encodings(staged: StagedList) -> list[tuple[str, str]]:
    """Values and labels to choose from. Empty for ASCII, which all encodings read the same way."""
    if staged.encoding == ASCII:
        return []
    return [(name, _label(name)) for name in dict.fromkeys((staged.encoding, *CHOICES))]


def read_as(staged: StagedList) -> str:
    delimiter = DELIMITERS[staged.delimiter]
    if staged.encoding in (ASCII, UNKNOWN):
        return gettext("Separated by %(delimiter)s", delimiter=delimiter)
    encoding = _label(staged.encoding)
    return gettext(
        "Read as %(encoding)s, separated by %(delimiter)s", encoding=encoding, delimiter=delimiter
    )


def _label(encoding: str) -> str:
    if encoding == UNKNOWN:
        return gettext("not recognized")
    if encoding == MIXED:
        return gettext("UTF-8 and Windows-1252 mixed")
    name, region = _ENCODINGS.get(encoding, (encoding.upper(), ""))
    return f"{region} ({name})" if region else name
