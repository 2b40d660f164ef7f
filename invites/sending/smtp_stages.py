"""The steps of an SMTP conversation, and what each finds out."""

from collections.abc import Mapping
from enum import StrEnum


class Stage(StrEnum):
    """The steps of an SMTP conversation, in order."""

    CONNECT = "connect"
    ENCRYPT = "encrypt"
    GREETING = "greeting"
    HELLO = "hello"
    STARTTLS = "starttls"
    HELLO_AGAIN = "hello_again"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    MESSAGE = "message"


Facts = Mapping[str, str]
