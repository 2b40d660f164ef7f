"""The HTTP status of each Reason: the same on every page, with and without htmx."""

from invites.core.errors import Reason

_INPUT = 422  # input that can be corrected: every reason not listed below

_REASONS = {
    # Not an error: the review is the next step of New Invitation.
    200: {Reason.REVIEW_FIRST},
    403: {Reason.NOT_ALLOWED, Reason.REMOVED_MEMBER, Reason.WRONG_PERSON},
    404: {Reason.LIST_GONE, Reason.NOT_FOUND},
    # A conflict: something else has to change first, or has changed already.
    409: {
        Reason.ADDRESS_UNCONFIRMED,
        Reason.ALL_SENT,
        Reason.ALREADY_MEMBER,
        Reason.ALREADY_SET_UP,
        Reason.BATCH_CHANGED,
        Reason.EMAIL_STILL_QUEUED,
        Reason.HAS_OWNER,
        Reason.LAST_OWNER,
        Reason.LIST_SENT,
        Reason.MEMBER_UNCONFIRMED,
        Reason.NOTHING_ON_HOLD,
        Reason.NOTHING_TO_RETRY,
        Reason.PROFILE_EXISTS,
        Reason.TOO_MANY_PASSKEYS,
        Reason.TWO_STEP_FIRST,
        Reason.TWO_STEP_OFF,
        Reason.UNSUBSCRIBED,
    },
    410: {
        Reason.EMAIL_TOKEN_CLOSED,
        Reason.INVITATION_CLOSED,
        Reason.INVITER_WITHOUT_AUTHORITY,
        Reason.LINK_CLOSED,
    },
    429: {
        Reason.CHANGE_LIMIT,
        Reason.MODERATOR_LIMIT,
        Reason.RECIPIENT_LIMIT,
        Reason.SENDER_LIMIT,
        Reason.TOO_MANY_LINKS,
    },
    503: {Reason.BUSY},
}

_STATUS = {reason: status for status, reasons in _REASONS.items() for reason in reasons}


def status_of(reason: Reason) -> int:
    return _STATUS.get(reason, _INPUT)
