"""Rules raise RuleError, with a Reason, to refuse an action. web/error_labels.py has the texts."""

from enum import StrEnum, auto
from typing import Any


class Reason(StrEnum):
    # addresses
    ADDRESS_MISSING = auto()
    ADDRESS_NO_AT = auto()
    ADDRESS_TWO_AT = auto()
    ADDRESS_NO_NAME = auto()
    ADDRESS_NO_DOT = auto()
    ADDRESS_SPACE = auto()
    ADDRESS_BRACKETS = auto()
    ADDRESS_NOT_ASCII = auto()
    ADDRESS_RESERVED = auto()
    ADDRESS_TOO_LONG = auto()
    ADDRESS_MALFORMED = auto()
    ADDRESS_MULTIPLE = auto()
    ADDRESS_MISSPELLED = auto()

    # names, links and other short texts
    TEXT_MISSING = auto()
    TEXT_TOO_LONG = auto()
    TEXT_CONTROL = auto()
    TEXT_LINK = auto()
    TEXT_PHONE = auto()
    TEXT_ENCODED = auto()
    URL_NOT_HTTPS = auto()
    TIME_ZONE_UNKNOWN = auto()
    PHONE_MALFORMED = auto()
    NUMBER_OUT_OF_RANGE = auto()

    # passwords and profiles
    PASSWORD_SHORT = auto()
    PASSWORD_LONG = auto()
    PASSWORD_WEAK = auto()
    PASSWORD_WRONG = auto()
    BUSY = auto()
    CODE_WRONG = auto()
    PASSKEY_REFUSED = auto()
    TWO_STEP_OFF = auto()
    TWO_STEP_FIRST = auto()
    ADDRESS_UNCONFIRMED = auto()
    ADDRESS_UNCHANGED = auto()
    TOO_MANY_LINKS = auto()
    TOO_MANY_PASSKEYS = auto()
    PROFILE_EXISTS = auto()
    ALREADY_SET_UP = auto()

    # lists of addresses
    LIST_EMPTY = auto()
    LIST_TOO_LONG = auto()
    LIST_TOO_SLOW = auto()
    FILE_EMPTY = auto()
    FILE_TOO_LARGE = auto()
    FILE_NOT_TEXT = auto()
    FILE_ZIP = auto()
    FILE_MARKUP = auto()
    FILE_BROKEN_QUOTES = auto()
    FILE_TOO_WIDE = auto()
    FILE_LONG_CELL = auto()
    FILE_WORKBOOK_LOCKED = auto()
    FILE_WORKBOOK_BROKEN = auto()
    FILE_WORKBOOK_TOO_LARGE = auto()
    FILE_UNREADABLE = auto()
    FILE_NO_ADDRESSES = auto()
    NOBODY_TO_INVITE = auto()
    LIST_GONE = auto()
    LIST_SENT = auto()
    REVIEW_FIRST = auto()
    CONFIRM_FIRST = auto()

    # permissions and states
    NOT_ALLOWED = auto()
    NOT_FOUND = auto()
    LAST_OWNER = auto()
    HAS_OWNER = auto()
    MEMBER_UNCONFIRMED = auto()
    INVITATION_CLOSED = auto()
    INVITER_WITHOUT_AUTHORITY = auto()
    EMAIL_STILL_QUEUED = auto()
    RECIPIENT_LIMIT = auto()
    SENDER_LIMIT = auto()
    MODERATOR_LIMIT = auto()
    CHANGE_LIMIT = auto()
    UNSUBSCRIBED = auto()
    BATCH_CHANGED = auto()
    ALL_SENT = auto()
    NOTHING_TO_RETRY = auto()
    NOTHING_ON_HOLD = auto()
    ALREADY_MEMBER = auto()
    WRONG_PERSON = auto()
    REMOVED_MEMBER = auto()
    LINK_CLOSED = auto()
    EMAIL_TOKEN_CLOSED = auto()


class RuleError(Exception):
    """``details``: numbers in the reason's text, such as ``limit``, ``left`` or ``row``."""

    def __init__(self, reason: Reason, **details: Any) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.details = details
