"""Reads what people type or paste as a list of addresses into entries."""

import re
from itertools import zip_longest
from typing import NamedTuple

from invites.core.addresses import visible
from invites.lists.names import name_in

MAX_ENTRIES = 50_000  # the guide's limit for a file; the same for field and file together

_SHOWN = 100  # characters of something unreadable
_SEPARATOR = re.compile(r"[,;\n\r\t\u2028\u2029|]")
_LINE_END = re.compile(r"[\n\r\u2028\u2029]")
_PLAIN_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HALF_AN_ADDRESS = re.compile(r"[^\W_][\w.-]*\w\.[a-z]{2,}")  # an @ was forgotten: no name
_ANGLE = re.compile(r"<([^<>]*)>")
_NAME_AND_ADDRESS = re.compile(r"[^@<>]*<[^<>@]*@[^<>]*>")  # one way to match: never slow
_CELL_WITH_NAME = re.compile(r"([^@<>()\[\]]*)[<(\[]([^@<>()\[\]\s]+@[^@<>()\[\]\s]+)[>)\]]\W*")

_OPENING = "\"'([{<“”‘’„«»` "
_CLOSING = "\"')]}>“”‘’«»` .,;:!"
CLINGING = _OPENING + _CLOSING  # to an address; what has none of it nor a colon is tidy


class Entry(NamedTuple):
    """What should be an address, the row of the file it stood in (1 is the first), and a name.

    ``kept_as_is``: somebody said that the address isn't misspelt.
    """

    text: str
    row: int | None = None
    name: str = ""
    kept_as_is: bool = False


def read_field(text: str) -> list[Entry]:
    """The entries of a typed or pasted list, in order.

    Separated by commas, semicolons, spaces or line breaks; ``Name <address>``
    gives both, with or without quotes around the name. Of lines with tabs, which
    come out of a table, only the addresses count. Stops after 50,001.
    """
    entries: list[Entry] = []
    lines = [line for line in _LINE_END.split(visible(text)) if line.strip()]
    for number, line in enumerate(lines):
        if "\t" not in line.strip():
            entries.extend(_read_line(line))
        elif not (number == 0 and _is_header(line, lines[1:2])):
            entries.extend(_read_cells(line))
        if len(entries) > MAX_ENTRIES:
            break  # too long in any case
    return entries


def typed(address: str, name: str = "") -> str:
    """What ``read_field`` reads as this address and name."""
    if not name or "<" in address:
        return address
    return f'"{name}" <{address}>' if _SEPARATOR.search(name) else f"{name} <{address}>"


def replaced(text: str, wrong: str, right: str) -> str:
    """The typed list with ``right`` for the entry ``wrong``, and never inside of another one."""
    alone = rf"(?<![\w.@+-]){re.escape(wrong)}(?![\w@+-]|\.\w)"
    return re.sub(alone, lambda _found: right, visible(text))


def tidy(cell: str) -> Entry:
    """The cell of a table that should have one address, without what clings to it.

    ``Name <address>`` gives both. Spaces stay: ``ada okafor@example.org`` is more likely
    one address with a slip than a name and an address of somebody else.
    """
    with_name = _CELL_WITH_NAME.fullmatch(cell)
    if with_name:
        return Entry(_bare(with_name[2]), name=_bare_name(with_name[1]))
    bare = _bare(visible(cell))
    return Entry(bare) if _PLAIN_ADDRESS.fullmatch(bare) else Entry(cell)


def _is_header(line: str, following: list[str]) -> bool:
    """Whether a table was pasted with the names of its columns."""
    return "@" not in line and any("\t" in below and "@" in below for below in following)


def _read_cells(line: str) -> list[Entry]:
    cells = [cell.strip() for cell in line.split("\t")]
    with_address = [cell for cell in cells if "@" in cell or _HALF_AN_ADDRESS.fullmatch(cell)]
    if not with_address:
        return [Entry(" ".join(line.split())[:_SHOWN])]
    entries = [entry for cell in with_address for entry in _read_line(cell)]
    others = set(cells).difference(with_address)
    names = [cell for cell in cells if cell in others and _names_somebody(cell)]
    if len(entries) == len(names) == 1 and not entries[0].name:
        return [entries[0]._replace(name=_bare_name(names[0]))]
    return entries


def _read_line(line: str) -> list[Entry]:
    entries: list[Entry] = []
    surname = ""
    chunks = _split_outside_quotes(line)
    for chunk, following in zip_longest(chunks, chunks[1:], fillvalue=""):
        if "@" not in chunk and _names_somebody(chunk) and _NAME_AND_ADDRESS.match(following):
            surname = chunk  # the Ray of ``Ray, Ben <ben@example.org>``
            continue
        found = _read_chunk(chunk)
        if surname and found[0].name:
            found[0] = found[0]._replace(name=_bare_name(f"{surname}, {found[0].name}"))
        surname = ""
        entries.extend(found)
        if len(entries) > MAX_ENTRIES:
            break
    return entries


def _split_outside_quotes(line: str) -> list[str]:
    """Split at separators, but not inside of "Ray, Ben" or at the quote of O"Neil."""
    whole = line.count('"') % 2 == 0
    parts = re.findall(r'(?:"[^"]*"|[^,;\t|"]+)+', line) if whole else _SEPARATOR.split(line)
    return [part.strip() for part in parts if part.strip(CLINGING)]


def _names_somebody(text: str) -> bool:
    words = text.replace('"', "").split()
    return bool(words) and all(word[0].isalpha() for word in words)


def _read_chunk(chunk: str) -> list[Entry]:
    in_brackets = [inside.strip() for inside in _ANGLE.findall(chunk)]
    if in_brackets:
        rest = [word for word in _ANGLE.sub(" ", chunk).split() if "@" in word.strip("@")]
        texts = in_brackets + rest
        name = _bare_name(chunk.partition("<")[0]) if len(texts) == 1 else ""
        return [Entry(_bare(text) or chunk[:_SHOWN], name=name) for text in texts]
    words = [word for word in chunk.split() if "@" in word or _HALF_AN_ADDRESS.fullmatch(word)]
    if len(words) == 1 and words[0].startswith("@"):
        return [Entry(chunk)]  # "ada @example.com": one broken address, not a name and a rest
    return [Entry(_bare(word) or chunk) for word in words] or [Entry(chunk)]


def _bare(text: str) -> str:
    """Without what clings to a pasted address: mailto:, quotes, brackets, marks at the end."""
    text = text.strip().lstrip(_OPENING).rstrip(_CLOSING)
    if text.lower().startswith("mailto:"):
        text = text[7:].partition("?")[0].lstrip(_OPENING).rstrip(_CLOSING)
    return text


def _bare_name(text: str) -> str:
    """Without quotes around it, and the ``From:`` of a mail in front."""
    return name_in(text.rpartition(":")[2].strip("\"'“”‘’„«» ,;"))
