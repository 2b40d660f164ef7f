"""How a rule says no: a Reason for code, tests and translators. Words: web/refusal_words.py."""

from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why something was refused."""

    # addresses
    ADDRESS_MISSING = "address_missing"
    ADDRESS_NO_AT = "address_no_at"
    ADDRESS_TWO_AT = "address_two_at"
    ADDRESS_NO_NAME = "address_no_name"
    ADDRESS_NO_DOT = "address_no_dot"
    ADDRESS_SPACE = "address_space"
    ADDRESS_BRACKETS = "address_brackets"
    ADDRESS_NOT_ASCII = "address_not_ascii"
    ADDRESS_RESERVED = "address_reserved"
    ADDRESS_TOO_LONG = "address_too_long"
    ADDRESS_MALFORMED = "address_malformed"
    ADDRESS_TWO = "address_two"
    ADDRESS_MISSPELT = "address_misspelt"

    # names, links and other short texts
    TEXT_MISSING = "text_missing"
    TEXT_TOO_LONG = "text_too_long"
    TEXT_CONTROL = "text_control"
    TEXT_LINK = "text_link"
    TEXT_ENCODED = "text_encoded"
    URL_NOT_HTTPS = "url_not_https"
    TIME_ZONE_UNKNOWN = "time_zone_unknown"
    PHONE_MALFORMED = "phone_malformed"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"

    # passwords and profiles
    PASSWORD_SHORT = "password_short"
    PASSWORD_LONG = "password_long"
    PASSWORD_OBVIOUS = "password_obvious"
    PASSWORD_WRONG = "password_wrong"
    BUSY = "busy"
    CODE_WRONG = "code_wrong"
    PASSKEY_REFUSED = "passkey_refused"
    NO_TWO_STEP = "no_two_step"
    TWO_STEP_FIRST = "two_step_first"
    ADDRESS_UNPROVEN = "address_unproven"
    ADDRESS_YOURS = "address_yours"
    ASKED_OFTEN = "asked_often"
    TOO_MANY_PASSKEYS = "too_many_passkeys"
    PROFILE_EXISTS = "profile_exists"
    ALREADY_SET_UP = "already_set_up"

    # lists of addresses
    LIST_EMPTY = "list_empty"
    LIST_TOO_LONG = "list_too_long"
    FILE_EMPTY = "file_empty"
    FILE_TOO_LARGE = "file_too_large"
    FILE_NOT_TEXT = "file_not_text"
    FILE_ZIP = "file_zip"
    FILE_MARKUP = "file_markup"
    FILE_BROKEN_QUOTES = "file_broken_quotes"
    FILE_TOO_WIDE = "file_too_wide"
    FILE_LONG_CELL = "file_long_cell"
    FILE_WORKBOOK_LOCKED = "file_workbook_locked"
    FILE_WORKBOOK_BROKEN = "file_workbook_broken"
    FILE_WORKBOOK_TOO_MUCH = "file_workbook_too_much"
    FILE_UNREADABLE = "file_unreadable"
    FILE_NO_ADDRESSES = "file_no_addresses"
    NOBODY_TO_INVITE = "nobody_to_invite"
    LIST_GONE = "list_gone"
    LIST_SENT = "list_sent"
    REVIEW_FIRST = "review_first"
    CONFIRM_FIRST = "confirm_first"

    # what a person may do, and when
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"
    LAST_OWNER = "last_owner"
    OWNED_ALREADY = "owned_already"
    UNCONFIRMED = "unconfirmed"
    INVITATION_CLOSED = "invitation_closed"
    INVITATION_UNBACKED = "invitation_unbacked"
    INVITATION_WAITING = "invitation_waiting"
    INVITATION_OFTEN = "invitation_often"
    MAILED_ENOUGH = "mailed_enough"
    UNSUBSCRIBED = "unsubscribed"
    BATCH_NOT_SO = "batch_not_so"
    ALL_SENT = "all_sent"
    NOTHING_TO_RETRY = "nothing_to_retry"
    NOTHING_ON_HOLD = "nothing_on_hold"
    MEMBER_ALREADY = "member_already"
    WRONG_PERSON = "wrong_person"
    REMOVED_MEMBER = "removed_member"
    LINK_CLOSED = "link_closed"
    EMAIL_TOKEN_CLOSED = "email_token_closed"


class RuleError(Exception):
    """A rule said no. ``details`` fill the gaps in the sentence, like a limit."""

    def __init__(self, reason: Reason, **details: Any) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.details = details
