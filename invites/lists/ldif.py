"""Reads LDIF (RFC 2849), the export of address books and directories, into a table."""

import base64
import re
from collections import defaultdict
from collections.abc import Iterator

from invites.lists.contacts import contacts_table, one_line, unfolded_lines
from invites.lists.csv_rows import check_lines
from invites.lists.table import Table

_BEGIN = re.compile(r"dn::?[ \w]", re.IGNORECASE)
_BEFORE_BEGIN = re.compile(r"#|version:|$|\s", re.IGNORECASE)
_START = 4096  # characters
_ATTRIBUTE = re.compile(r"([a-z][\w-]*)(?:;[\w;-]*)?(::?) *(.*)", re.IGNORECASE | re.DOTALL)
_MAX_VALUE = 300  # characters
_MAX_VALUES = 10  # of an attribute

_FULL_NAMES = ("cn", "displayname")
_FIRST_NAMES = ("givenname", "gn")
_LAST_NAMES = ("sn", "surname")
_ADDRESSES = ("mail", "rfc822mailbox", "mozillasecondemail", "mailalternateaddress")
_KEPT = frozenset((*_FULL_NAMES, *_FIRST_NAMES, *_LAST_NAMES, *_ADDRESSES, "changetype"))

_Record = defaultdict[str, list[str]]  # values by attribute name, in lower case


def is_ldif(text: str) -> bool:
    lines = text[:_START].splitlines()
    first = next((line for line in lines if not _BEFORE_BEGIN.match(line)), "")
    return bool(_BEGIN.match(first))


def read_ldif(text: str) -> Table:
    """One row per person. Raises RuleError(LIST_TOO_LONG)."""
    check_lines(text)
    return contacts_table(filter(None, map(_row, _records(text))))


def _records(text: str) -> Iterator[_Record]:
    record: _Record = defaultdict(list)
    for line in unfolded_lines(text):
        if not line.strip():
            yield record
            record = defaultdict(list)
            continue
        found = _ATTRIBUTE.match(line)
        if found and (name := found[1].lower()) in _KEPT and len(record[name]) < _MAX_VALUES:
            record[name].append(_value(found[3], is_base64=found[2] == "::"))
    yield record


def _row(record: _Record) -> list[str]:
    """Empty for organizations and groups without an address, and for changes and deletions."""
    addresses = [address for name in _ADDRESSES for address in record[name] if address]
    is_person = any(record[name] for name in _LAST_NAMES)
    if not (addresses or is_person) or record["changetype"] not in ([], ["add"]):
        return []
    parts = [_first(record, _FIRST_NAMES), _first(record, _LAST_NAMES)]
    name = _first(record, _FULL_NAMES) or " ".join(filter(None, parts))
    return [name, *dict.fromkeys(addresses)]


def _first(record: _Record, names: tuple[str, ...]) -> str:
    return next((value for name in names for value in record[name] if value), "")


def _value(text: str, is_base64: bool) -> str:
    if is_base64:
        try:
            content = base64.b64decode(text[: 2 * _MAX_VALUE].strip())
        except ValueError:  # not base64, or not even ASCII
            return ""
        text = content.decode("utf-8", "replace")
    return one_line(text[:_MAX_VALUE])
