"""What a mail server's answers mean."""

import re

from invites.outbox.retry import Attempt, SendResult

# A refusal of the recipient that means the sender: no log-in, no relaying for us.
_ABOUT_US = re.compile(rb"relay|authenticat", re.IGNORECASE)
_NAME = re.compile(rb"\S*[@.]\w\S*")  # an address, a host or a link, which may hold any word


class ServerUnavailable(Exception):
    """The mail server can't be used now: nothing is wrong with the mail, all of it waits."""


class ConnectionLost(Exception):
    """The connection is over, and the server didn't take the mail in hand."""


class OutcomeUnknown(ConnectionLost):
    """The connection broke after the whole mail, before the server said whether it took it."""


def classify_reply(code: int, reply: bytes) -> Attempt:
    """What a reply makes of the mail it is about (RFC 5321, 4.2.1).

    Raises ConnectionLost for 421, by which a server closes the connection.
    """
    if code == 421:
        raise ConnectionLost(words(code, reply))
    result = {2: SendResult.SENT, 5: SendResult.FAILED}.get(code // 100, SendResult.DEFERRED)
    return Attempt(result, code, words(None, reply))


def is_about_us(reply: bytes) -> bool:
    """Whether the refusal of a recipient means that the server doesn't know or trust the sender."""
    return _ABOUT_US.search(_NAME.sub(b"", reply)) is not None


def words(code: int | None, reply: bytes | str) -> str:
    """What a mail server said, on one line, as printable text."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(f"{code or ''} {text}".split())
