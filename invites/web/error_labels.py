"""What a rule's no says, in plain words: what is wrong, and what to do."""

from flask_babel import format_decimal, gettext, ngettext
from flask_babel import lazy_gettext as _

from invites.core.errors import Reason, RuleError
from invites.lists.table import MAX_MEGABYTES

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
    Reason.BUSY: _(
        "Very many people are logging in just now. Press the button once more in a moment."
    ),
    Reason.NO_TWO_STEP: _(
        "You have no second step any more, so there is nothing that recovery codes stand in for."
    ),
    Reason.TWO_STEP_FIRST: _("Set up your own second step first, else you'd lock yourself out."),
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
    Reason.UNSUBSCRIBED: _("This person asked not to be invited again."),
    Reason.BATCH_NOT_SO: _("Meanwhile the batch stands otherwise. Look again, and press again."),
    Reason.ALL_SENT: _("All mails are out already, so there is nothing left to cancel."),
    Reason.NOTHING_TO_RETRY: _("There is no failed mail here to somebody who can still accept."),
    Reason.NOTHING_ON_HOLD: _("These mails were sent meanwhile, or nobody can accept any more."),
    Reason.INVITATION_CLOSED: _("This invitation was answered, revoked or replaced meanwhile."),
    Reason.INVITATION_UNBACKED: _("Whoever sent this invitation can't invite people any more."),
    Reason.INVITATION_WAITING: _("The last mail for this invitation is still on its way out."),
    Reason.MEMBER_ALREADY: _("This person is a member already, and needs no invitation."),
    Reason.WRONG_PERSON: _("This invitation is for somebody else."),
    Reason.REMOVED_MEMBER: _(
        "You were removed from this account. Ask one of its admins to invite you again."
    ),
    Reason.LINK_CLOSED: _("This link was deleted."),
    Reason.EMAIL_TOKEN_CLOSED: _("This link was used already, or has expired."),
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


def sentence(refused: RuleError) -> str:
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
    return sentence(RuleError(Reason.FILE_TOO_LARGE, limit=MAX_MEGABYTES))
