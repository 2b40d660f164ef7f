"""Names that come out of lists: what of a cell may stand in a mail."""

import re

from invites.refusals import Refused
from invites.texts import NAME_LENGTH, clean_name

# Most names, known to be fine without a closer look at each letter.
_PLAIN = re.compile(rf"[^\W\d_](?:[\w',() -]|\.(?= |$)){{0,{NAME_LENGTH - 1}}}")


def name_in(cell: str) -> str:
    """The name in a cell: one line of up to 100 characters; "" for what no mail should say.

    That is addresses, links, control characters, like everywhere (see texts).
    """
    name = cell.strip()
    if _PLAIN.fullmatch(name):
        return name
    shortened = " ".join(name[: 4 * NAME_LENGTH].split())[:NAME_LENGTH]
    try:
        return clean_name("".join(filter(str.isprintable, shortened)))
    except Refused:
        return ""
