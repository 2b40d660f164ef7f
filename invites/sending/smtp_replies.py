"""What a mail server's replies mean."""

import re

from invites.outbox.retry import Attempt, SendResult

# The server refuses a recipient because the sender isn't logged in or allowed to relay.
_REFUSES_SENDER = re.compile(rb"relay|authenticat", re.IGNORECASE)
_NAME = re.compile(rb"\S*[@.]\w\S*")  # an address, host or link, which may contain any word


class ServerUnavailable(Exception):
    """The server can't be used now. This isn't any mail's fault, so all mail waits."""


class ConnectionLost(Exception):
    """The connection ended, and the server didn't accept the current message."""


class OutcomeUnknown(ConnectionLost):
    """The connection broke after the whole message, before the server replied to it."""


def classify_reply(code: int, text: bytes) -> Attempt:
    """2xx: sent. 5xx: failed. Everything else: deferred (RFC 5321, 4.2.1).

    Raises ConnectionLost for 421, with which a server closes the connection.
    """
    if code == 421:
        raise ConnectionLost(printable(text, code))
    result = {2: SendResult.SENT, 5: SendResult.FAILED}.get(code // 100, SendResult.DEFERRED)
    return Attempt(result, code, printable(text))


def refuses_sender(text: bytes) -> bool:
    """Whether a refused recipient means that the server doesn't know or trust the sender."""
    return _REFUSES_SENDER.search(_NAME.sub(b"", text)) is not None


def printable(text: bytes | str, code: int | None = None) -> str:
    """One line. ``code`` comes first."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if not said.isprintable():
        said = "".join(c if c.isprintable() else " " for c in said)
    return " ".join(f"{code or ''} {said}".split())
