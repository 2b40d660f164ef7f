"""Reads what people type or paste as a list of addresses into entries."""

import re
from dataclasses import dataclass

MAX_ENTRIES = 50_000  # the guide's limit for a file; the same for field and file together

_SHOWN = 100  # characters of something unreadable
_SEPARATOR = re.compile(r"[,;\n\r\t\u2028\u2029|]")
_HALF_AN_ADDRESS = re.compile(r"[^\W_][\w.-]*\w\.[a-z]{2,}")  # an @ was forgotten: no name
_ANGLE = re.compile(r"<([^<>]*)>")
_NAME_AND_ADDRESS = re.compile(r"[^@<>]*<[^<>@]*@[^<>]*>")  # one way to match: never slow


@dataclass(frozen=True, slots=True)
class Entry:
    """What should be an address, the row of the file it stood in (1 is the first), and a name.

    ``as_written``: somebody said that the address isn't misspelt.
    """

    text: str
    row: int | None = None
    name: str = ""
    as_written: bool = False


def read_field(text: str) -> list[Entry]:
    """The entries of a typed or pasted list, in order.

    Separated by commas, semicolons, spaces or line breaks; ``Name <address>``
    gives the address, with or without quotes around the name. Stops after 50,001.
    """
    entries: list[Entry] = []
    chunks = _split_outside_quotes(text)
    for number, chunk in enumerate(chunks):
        following = chunks[number + 1] if number + 1 < len(chunks) else ""
        if "@" in chunk or not _is_name_before(following, chunk):
            entries.extend(_read_chunk(chunk))
        if len(entries) > MAX_ENTRIES:
            break  # too long in any case
    return entries


def _split_outside_quotes(text: str) -> list[str]:
    """Split at separators, but not inside of "Ray, Ben" or at the quote of O"Neil."""
    chunks: list[str] = []
    for line in re.split(r"[\n\r\u2028\u2029]", text):
        parts = re.findall(r'(?:"[^"]*"|[^,;\t|"]+)+', line) if line.count('"') % 2 == 0 else None
        chunks.extend(parts if parts is not None else _SEPARATOR.split(line))
    return [chunk.strip() for chunk in chunks if chunk.strip()]


def _is_name_before(following: str, chunk: str) -> bool:
    """Whether ``chunk`` is the ``Ray`` of ``Ray, Ben <ben@example.org>``."""
    words = chunk.replace('"', "").split()
    names_somebody = bool(words) and all(word[0].isalpha() for word in words)
    return names_somebody and bool(_NAME_AND_ADDRESS.match(following))


def _read_chunk(chunk: str) -> list[Entry]:
    in_brackets = [inside.strip() for inside in _ANGLE.findall(chunk)]
    if in_brackets:
        rest = [word for word in _ANGLE.sub(" ", chunk).split() if "@" in word.strip("@")]
        return [Entry(_bare(text) or chunk[:_SHOWN]) for text in in_brackets + rest]
    words = [word for word in chunk.split() if "@" in word or _HALF_AN_ADDRESS.fullmatch(word)]
    if len(words) == 1 and words[0].startswith("@"):
        return [Entry(chunk)]  # "ada @example.com": one broken address, not a name and a rest
    return [Entry(_bare(word) or chunk) for word in words] or [Entry(chunk)]


def _bare(text: str) -> str:
    """Without what clings to a pasted address: mailto:, quotes, a full stop at the end."""
    text = text.strip().strip("\"'()[]").removesuffix(".")
    return text[7:] if text.lower().startswith("mailto:") else text
