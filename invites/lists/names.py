"""Names that come out of lists: what of a cell may stand in a mail."""

import re

from invites.core.errors import RuleError
from invites.core.text_fields import NAME_LENGTH, clean_name

# Names that are fine without a closer look at each letter.
_PLAIN = re.compile(r"[^\W\d_][\w',() -]*(?:\.(?: [\w',() -]*|$))*")


def name_in(cell: str) -> str:
    """The name in a cell: one line of up to 100 characters; "" for what no mail should say.

    That is addresses, links, control characters, like everywhere (see texts), and
    letters that couldn't be read.
    """
    name = cell.strip()
    if len(name) > NAME_LENGTH:
        name = name[:NAME_LENGTH].rstrip()
    if name.replace(" ", "").replace(",", "").isalnum() or _PLAIN.fullmatch(name):
        return name  # nearly all, and quicker than the rest by far
    if "\ufffd" in name:
        return ""
    try:
        return clean_name("".join(filter(str.isprintable, " ".join(name.split()))))
    except RuleError:
        return ""
