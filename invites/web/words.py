"""The words for what rules answer with codes: reasons, roles, states, deeds."""

from collections.abc import Mapping
from math import ceil

from flask_babel import format_decimal, gettext, ngettext
from flask_babel import lazy_gettext as _

from invites.activity import Kind
from invites.judging import Outcome
from invites.models import BatchState, DeliveryKind, DeliveryState, JoinedBy, Standing
from invites.refusals import Reason, Refused
from invites.roles import Role
from invites.scope import Flag
from invites.tables import MAX_MEGABYTES

ROLE = {
    Role.USER: _("User"),
    Role.MODERATOR: _("Moderator"),
    Role.ADMIN: _("Admin"),
    Role.OWNER: _("Account Owner"),
}

# How good a password is, from 0 to 4.
STRENGTH = (
    _("Too easy to guess"),
    _("Too easy to guess"),
    _("Good enough. One more word makes it better."),
    _("Good"),
    _("Very good"),
)

ROLE_MEANS = {
    Role.USER: _("Does the work, sees no admin pages"),
    Role.MODERATOR: _("Invites and removes Users"),
    Role.ADMIN: _("Invites, changes and removes all but Account Owners"),
    Role.OWNER: _("May change anybody and everything"),
}

STANDING = {
    Standing.PENDING: _("pending"),
    Standing.ACCEPTED: _("accepted"),
    Standing.DECLINED: _("declined"),
    Standing.REVOKED: _("revoked"),
    Standing.REPLACED: _("replaced"),
    Standing.EXPIRED: _("expired"),
}

FLAG = {
    Flag.FAILED: _("Mail failed"),
    Flag.UNBACKED: _("Can't be accepted"),
}

DELIVERY = {
    DeliveryState.QUEUED: _("waiting"),
    DeliveryState.SENDING: _("being sent"),
    DeliveryState.SENT: _("sent"),
    DeliveryState.FAILED: _("failed"),
    DeliveryState.UNKNOWN: _("may have arrived"),
    DeliveryState.BOUNCED: _("came back"),
    DeliveryState.WITHDRAWN: _("withdrawn"),
}

BATCH = {
    BatchState.PROBING: _("going out"),
    BatchState.RUNNING: _("going out"),
    BatchState.PAUSED: _("paused"),
    BatchState.STOPPED: _("stopped by itself"),
    BatchState.CANCELLED: _("cancelled"),
    BatchState.DONE: _("done"),
}

JOINED_BY = {
    JoinedBy.FOUNDING: _("Set the account up"),
    JoinedBy.INVITATION: _("By invitation"),
    JoinedBy.PERMANENT_LINK: _("By the permanent link"),
    JoinedBy.RESCUE: _("By whoever runs this box"),
}

ABOUT = {
    Kind.INVITATIONS: _("Invitations"),
    Kind.PEOPLE: _("People"),
    Kind.SIGN_INS: _("Sign-ins"),
    Kind.SETTINGS: _("Settings"),
}

_OUTCOME = {
    Outcome.INVITE: lambda n: ngettext("will be invited", "will be invited", n),
    Outcome.INVITE_PROFILE: lambda n: ngettext(
        "has a profile, will be invited", "have a profile, will be invited", n
    ),
    Outcome.MEMBER: lambda n: ngettext("member already", "members already", n),
    Outcome.REMOVED: lambda n: ngettext(
        "was a member and was removed", "were members and were removed", n
    ),
    Outcome.DECLINED: lambda n: ngettext("declined before", "declined before", n),
    Outcome.PENDING: lambda n: ngettext("invited and pending", "invited and pending", n),
    Outcome.OFTEN: lambda n: ngettext(
        "was mailed too often today", "were mailed too often today", n
    ),
    Outcome.OPTED_OUT: lambda n: ngettext("asked not to be invited", "asked not to be invited", n),
    Outcome.TWICE: lambda n: ngettext("twice in the list", "twice in the list", n),
    Outcome.LEFT_OUT: lambda n: ngettext("left out by you", "left out by you", n),
    Outcome.INVALID: lambda n: ngettext("no usable address", "no usable address", n),
}

KIND = {
    DeliveryKind.INVITATION: _("Invitation"),
    DeliveryKind.CONFIRM_EMAIL: _("Confirmation of an address"),
    DeliveryKind.RESET_PASSWORD: _("New password"),
    DeliveryKind.SECURITY_NOTICE: _("News of a log-in"),
}

REASON = {
    Reason.ADDRESS_MISSING: _("Enter an e-mail address."),
    Reason.ADDRESS_NO_AT: _("This has no @, so it isn't an e-mail address."),
    Reason.ADDRESS_TWO_AT: _("This has more than one @. Is a comma missing?"),
    Reason.ADDRESS_NO_NAME: _("The part before the @ is missing."),
    Reason.ADDRESS_NO_DOT: _("The part after the @ needs a dot, like example.org."),
    Reason.ADDRESS_SPACE: _("There is a space in this address."),
    Reason.ADDRESS_BRACKETS: _("There is a stray < or > in this address."),
    Reason.ADDRESS_NOT_ASCII: _(
        "The part before the @ may only have the letters a to z, digits and signs, no accents."
    ),
    Reason.ADDRESS_RESERVED: _("Addresses at this domain never receive mail."),
    Reason.ADDRESS_TOO_LONG: _("This is longer than an e-mail address can be."),
    Reason.ADDRESS_MALFORMED: _("This isn't a complete e-mail address."),
    Reason.ADDRESS_TWO: _("There are two addresses in one place."),
    Reason.ADDRESS_MISSPELT: _("This looks misspelt, so mail would go to nobody or to a stranger."),
    Reason.TEXT_MISSING: _("This can't be empty."),
    Reason.TEXT_CONTROL: _("This has an invisible character in it. Type it again by hand."),
    Reason.TEXT_LINK: _(
        "This can't hold a web or e-mail address, nor a dot inside a word: "
        "mail programs would turn it into a link."
    ),
    Reason.TEXT_ENCODED: _("This can't have =? in it."),
    Reason.URL_NOT_HTTPS: _("Enter a whole address that begins with https://"),
    Reason.TIME_ZONE_UNKNOWN: _("Choose a time zone from the list."),
    Reason.PHONE_MALFORMED: _(
        "Enter a phone number with digits, like +44 20 7946 0000, or leave it empty."
    ),
    Reason.PASSWORD_OBVIOUS: _("This is too easy to guess. Try a few words in a row."),
    Reason.PASSWORD_WRONG: _("That isn't your current password."),
    Reason.SECOND_STEP_FIRST: _("Set up your own second step first, else you'd lock yourself out."),
    Reason.ADDRESS_UNPROVEN: _("Confirm your address first: open the link in our mail to you."),
    Reason.ADDRESS_YOURS: _("This is your address already."),
    Reason.ASKED_OFTEN: _("You asked for several mails within the hour. Try again later."),
    Reason.PASSKEY_REFUSED: _(
        "This passkey wasn't taken. Try again, or use another way to log in."
    ),
    Reason.CODE_WRONG: _(
        "That code isn't right. Digits change every 30 seconds; they and recovery codes "
        "work only once."
    ),
    Reason.PROFILE_EXISTS: _("There is a profile with this address already. Log in instead."),
    Reason.ALREADY_SET_UP: _("This box is set up already. Log in instead."),
    Reason.LIST_EMPTY: _("Enter at least one e-mail address, or choose a CSV file."),
    Reason.FILE_EMPTY: _("This file is empty. Choose one with a column of e-mail addresses."),
    Reason.FILE_NOT_TEXT: _(
        "This isn't a list that can be read here. Choose a CSV file, a workbook of Excel "
        "or LibreOffice, or contacts (.vcf)."
    ),
    Reason.FILE_ZIP: _("This is a zip file. Unpack it, and choose the list that is in it."),
    Reason.FILE_MARKUP: _(
        "This is a web page or XML, whatever its name ends in. Open it in a spreadsheet program, "
        "save it as a workbook or as CSV, and choose that file."
    ),
    Reason.FILE_WORKBOOK_LOCKED: _(
        "This workbook has a password. Save it without one, or as CSV, and choose that file."
    ),
    Reason.FILE_WORKBOOK_BROKEN: _(
        "This workbook is damaged. Open it, save it as CSV and choose that file."
    ),
    Reason.FILE_WORKBOOK_TOO_MUCH: _(
        "This workbook has too much in it. Copy the columns with names and addresses "
        "into a new one, save it and choose that file."
    ),
    Reason.FILE_UNREADABLE: _(
        "Reading this file took more than this box can give. Keep only the columns with names "
        "and addresses, or split it, and choose that file."
    ),
    Reason.FILE_NO_ADDRESSES: _(
        "There is no e-mail address in this file. It needs a column of addresses."
    ),
    Reason.NOBODY_TO_INVITE: _(
        "There is nobody to invite in this list. What we understood of it says why."
    ),
    Reason.LIST_GONE: _(
        "This list isn't here any more: it was sent, removed or replaced, perhaps in another tab. "
        "Open New Invitation to see what waits."
    ),
    Reason.LIST_SENT: _(
        "The file was sent already, from another tab or with another role. "
        "What you typed is still here."
    ),
    Reason.REVIEW_FIRST: _(
        "Nothing has been sent yet. Look at what would happen, "
        "then press Send Invitation once more."
    ),
    Reason.CONFIRM_FIRST: _("Nothing has been sent yet. Tick this to say yes to so many mails."),
    Reason.NOT_ALLOWED: _("Your role doesn't allow that."),
    Reason.NOT_FOUND: _("There is no such thing here."),
    Reason.LAST_OWNER: _(
        "An account needs at least one Account Owner. Make somebody else one first."
    ),
    Reason.OWNED_ALREADY: _("This account has an Account Owner. Ask them to make you one, too."),
    Reason.UNCONFIRMED: _(
        "This person hasn't confirmed their address yet, so they can't be given a higher role."
    ),
    Reason.OPTED_OUT: _("This person asked not to be invited again."),
    Reason.BATCH_NOT_SO: _("Meanwhile the batch stands otherwise. Look again, and press again."),
    Reason.ALL_SENT: _("All mails are out already, so there is nothing left to cancel."),
    Reason.NOTHING_TO_RETRY: _("There is no failed mail here to somebody who can still accept."),
    Reason.NOTHING_HELD_BACK: _("These mails were sent meanwhile, or nobody can accept any more."),
    Reason.INVITATION_CLOSED: _("This invitation was answered, revoked or replaced meanwhile."),
    Reason.INVITATION_UNBACKED: _("Whoever sent this invitation can't invite people any more."),
    Reason.INVITATION_WAITING: _("The last mail for this invitation is still on its way out."),
    Reason.MEMBER_ALREADY: _("This person is a member already, and needs no invitation."),
    Reason.WRONG_PERSON: _("This invitation is for somebody else."),
    Reason.REMOVED_MEMBER: _(
        "You were removed from this account. Ask one of its admins to invite you again."
    ),
    Reason.LINK_CLOSED: _("This link was deleted."),
    Reason.PROOF_CLOSED: _("This link was used already, or has expired."),
}

_REASON_WITH_LIMIT = {
    Reason.TEXT_TOO_LONG: lambda n, **limit: ngettext(
        "This can have at most %(limit)s character.",
        "This can have at most %(limit)s characters.",
        n,
        **limit,
    ),
    Reason.NUMBER_OUT_OF_RANGE: lambda n, **limit: ngettext(
        "Enter a whole number from 1 to %(limit)s.",
        "Enter a whole number from 1 to %(limit)s.",
        n,
        **limit,
    ),
    Reason.TOO_MANY_PASSKEYS: lambda n, **limit: ngettext(
        "You have %(limit)s passkey. Remove one that you don't use.",
        "You have %(limit)s passkeys. Remove one that you don't use.",
        n,
        **limit,
    ),
    Reason.PASSWORD_SHORT: lambda n, **limit: ngettext(
        "Use at least %(limit)s character. A few words in a row do well.",
        "Use at least %(limit)s characters. A few words in a row do well.",
        n,
        **limit,
    ),
    Reason.PASSWORD_LONG: lambda n, **limit: ngettext(
        "Use at most %(limit)s character.", "Use at most %(limit)s characters.", n, **limit
    ),
    Reason.LIST_TOO_LONG: lambda n, **limit: ngettext(
        "That is more than %(limit)s row, the most one batch can have. "
        "Nothing was taken from it: split the list and send it in parts.",
        "That is more than %(limit)s rows, the most one batch can have. "
        "Nothing was taken from it: split the list and send it in parts.",
        n,
        **limit,
    ),
    Reason.FILE_TOO_LARGE: lambda n, **limit: ngettext(
        "This file is larger than %(limit)s MB. "
        "Keep only the column with the addresses, or split it.",
        "This file is larger than %(limit)s MB. "
        "Keep only the column with the addresses, or split it.",
        n,
        **limit,
    ),
    Reason.FILE_TOO_WIDE: lambda n, **limit: ngettext(
        "This file has a row of more than %(limit)s column. "
        "Keep only the columns with names and addresses.",
        "This file has a row of more than %(limit)s columns. "
        "Keep only the columns with names and addresses.",
        n,
        **limit,
    ),
    Reason.MAILED_ENOUGH: lambda n, **limit: ngettext(
        "That would be more than %(limit)s mail within a day. "
        "Nothing was sent: try again tomorrow.",
        "That would be more than %(limit)s mails within a day. "
        "Nothing was sent: try again tomorrow.",
        n,
        **limit,
    ),
    Reason.INVITATION_OFTEN: lambda n, **limit: ngettext(
        "This invitation was mailed %(limit)s time within a day. "
        "Try again tomorrow, or use Copy Link.",
        "This invitation was mailed %(limit)s times within a day. "
        "Try again tomorrow, or use Copy Link.",
        n,
        **limit,
    ),
}


def outcome(of: str, count: int) -> str:
    """What happens with ``count`` entries of one outcome, after their number."""
    return str(_OUTCOME[Outcome(of)](count))


def of_row(of: str, first_row: int | None) -> str:
    """What happens with one row of a list; ``first_row``: where its address stands already."""
    if of == Outcome.TWICE and first_row is not None:
        row = format_decimal(first_row)
        return str(gettext("twice in the list, first in row %(row)s", row=row))
    return outcome(of, 1)


def changes(since: Mapping[tuple[Outcome, Outcome], int]) -> list[str]:
    """What became of rows of a list meanwhile, a line for each kind of change."""
    return [
        ngettext(
            "%(count)s row: before “%(before)s”, now “%(after)s”",
            "%(count)s rows: before “%(before)s”, now “%(after)s”",
            count,
            count=format_decimal(count),
            before=outcome(before, count),
            after=outcome(after, count),
        )
        for (before, after), count in since.items()
    ]


def pace(per_minute: float, minutes_left: float) -> str:
    """How fast a batch goes out, and how long the rest takes."""
    speed = round(per_minute)
    a_minute = ngettext("%(n)s a minute", "%(n)s a minute", speed, n=format_decimal(speed))
    left = max(round(minutes_left), 1)
    if minutes_left < 1:
        rest = str(gettext("less than a minute left"))
    elif left < 120:
        rest = ngettext("about %(n)s minute left", "about %(n)s minutes left", left, n=left)
    else:
        hours = round(left / 60)
        rest = ngettext("about %(n)s hour left", "about %(n)s hours left", hours, n=hours)
    return f"{a_minute}, {rest}"


_REASON_WITH_ROW = {
    Reason.FILE_BROKEN_QUOTES: lambda row: gettext(
        "In row %(row)s of this file a quotation mark opens and never closes. "
        "Mend that row, or save the list as CSV anew, and choose that file.",
        row=row,
    ),
    Reason.FILE_LONG_CELL: lambda row: gettext(
        "Row %(row)s of this file has a cell with more text than a list of people needs. "
        "Keep only the columns with names and addresses.",
        row=row,
    ),
}


def sentence(refused: Refused) -> str:
    """A refusal in plain words, its limit as people write it."""
    if refused.reason in _REASON_WITH_ROW:
        return str(_REASON_WITH_ROW[refused.reason](refused.details["row"]))
    if refused.reason not in _REASON_WITH_LIMIT:
        return str(REASON[refused.reason])
    limit = refused.details["limit"]
    return str(_REASON_WITH_LIMIT[refused.reason](limit, limit=format_decimal(limit)))


def problem(reason: str) -> str:
    """Why a row of a list has no address, in plain words."""
    if reason == Reason.ADDRESS_MISSING:  # a title, a sum, somebody without e-mail
        return str(gettext("There is no address in this row."))
    return str(REASON[Reason(reason)])


def file_too_large() -> str:
    """What a browser says instead of sending a file that would be refused."""
    return sentence(Refused(Reason.FILE_TOO_LARGE, limit=MAX_MEGABYTES))


def try_again_in(seconds: int) -> str:
    """How long to wait, in minutes, or seconds when it is soon."""
    if seconds < 60:
        return str(
            ngettext("Try again in %(num)s second.", "Try again in %(num)s seconds.", seconds)
        )
    minutes = ceil(seconds / 60)
    return str(ngettext("Try again in %(num)s minute.", "Try again in %(num)s minutes.", minutes))
