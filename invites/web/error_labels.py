"""The text of each Reason: what is wrong, and what to do about it."""

from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _

from invites.core.errors import Reason, RuleError
from invites.lists.table import MAX_MEGABYTES
from invites.web.sentences import counted

REASON = {
    Reason.ADDRESS_MISSING: _("Enter an email address."),
    Reason.ADDRESS_NO_AT: _("This has no @, so it isn't an email address."),
    Reason.ADDRESS_TWO_AT: _("This has more than one @. Is a comma missing?"),
    Reason.ADDRESS_NO_NAME: _("The part before the @ is missing."),
    Reason.ADDRESS_NO_DOT: _("The part after the @ needs a dot, as in example.org."),
    Reason.ADDRESS_SPACE: _("This address has a space in it."),
    Reason.ADDRESS_BRACKETS: _("This address has a stray < or > in it."),
    Reason.ADDRESS_NOT_ASCII: _(
        "Before the @, use only the letters a to z without accents, digits and symbols."
    ),
    Reason.ADDRESS_RESERVED: _("Addresses at this domain can't receive email."),
    Reason.ADDRESS_TOO_LONG: _("This is too long for an email address."),
    Reason.ADDRESS_MALFORMED: _("This isn't a complete email address."),
    Reason.ADDRESS_MULTIPLE: _("There are two addresses in one place."),
    Reason.ADDRESS_MISSPELLED: _(
        "This looks misspelled, so the email could go to nobody or to a stranger."
    ),
    Reason.TEXT_MISSING: _("This can't be empty."),
    Reason.TEXT_CONTROL: _("This contains an invisible character. Type it instead of pasting it."),
    Reason.TEXT_LINK: _(
        "Leave out web addresses, email addresses and dots inside words. "
        "Mail programs would turn them into links."
    ),
    Reason.TEXT_PHONE: _("Leave out phone numbers and other long numbers."),
    Reason.TEXT_ENCODED: _("This can't contain =?"),
    Reason.URL_NOT_HTTPS: _("Enter a full web address that begins with https://"),
    Reason.TIME_ZONE_UNKNOWN: _("Choose a time zone from the list."),
    Reason.PHONE_MALFORMED: _("Enter a phone number such as +44 20 7946 0000, or none at all."),
    Reason.PASSWORD_WEAK: _("This password is too easy to guess. Use a few unrelated words."),
    Reason.PASSWORD_WRONG: _("This isn't your current password."),
    Reason.BUSY: _("Too many people are logging in right now. Try again in a moment."),
    Reason.TWO_STEP_OFF: _("Two-step verification is off, so recovery codes have no use."),
    Reason.TWO_STEP_FIRST: _(
        "Set up two-step verification for your own profile first. "
        "Otherwise you would lock yourself out."
    ),
    Reason.ADDRESS_UNCONFIRMED: _(
        "Confirm your email address first: open the link in the email we sent you."
    ),
    Reason.ADDRESS_UNCHANGED: _("This is already your email address."),
    Reason.TOO_MANY_LINKS: _(
        "Several of these emails were sent within an hour. Look in the spam folder, or try again "
        "later."
    ),
    Reason.PASSKEY_REFUSED: _("This passkey didn't work. Try again, or log in another way."),
    Reason.CODE_WRONG: _(
        "This code isn't right. An app shows a new code every 30 seconds, "
        "and every code works only once."
    ),
    Reason.PROFILE_EXISTS: _("There is already a profile with this address."),
    Reason.ALREADY_SET_UP: _("This installation is already set up."),
    Reason.LIST_EMPTY: _("Enter at least one email address, or choose a CSV file."),
    Reason.FILE_EMPTY: _("This file is empty. Choose a file with a column of email addresses."),
    Reason.FILE_NOT_TEXT: _(
        "This file can't be read as a list. Choose a CSV file, an Excel or LibreOffice workbook, "
        "or a contacts file (.vcf, .ldif)."
    ),
    Reason.FILE_ZIP: _("This is a ZIP file. Unpack it and choose the list inside."),
    Reason.FILE_BROKEN_QUOTES: _(
        "Row %(row)s of this file has an opening quotation mark without a closing one. "
        "Correct that row, or save the list as CSV again, and choose that file."
    ),
    Reason.FILE_LONG_CELL: _(
        "Row %(row)s of this file has a cell with too much text for a list of people. "
        "Keep only the columns with names and addresses."
    ),
    Reason.FILE_MARKUP: _(
        "This file is a web page or XML, even if its name says otherwise. Open it in a "
        "spreadsheet program, save it as a workbook or as CSV, and choose that file."
    ),
    Reason.FILE_WORKBOOK_LOCKED: _(
        "This workbook is protected with a password. Save it without a password or as CSV, "
        "and choose that file."
    ),
    Reason.FILE_WORKBOOK_BROKEN: _(
        "This workbook is damaged. Open it in a spreadsheet program, save it as CSV, "
        "and choose that file."
    ),
    Reason.FILE_WORKBOOK_TOO_LARGE: _(
        "This workbook is too large to read. Copy the columns with names and addresses "
        "into a new workbook, save it, and choose that file."
    ),
    Reason.FILE_UNREADABLE: _(
        "Reading this file took too much time or memory. Keep only the columns with names "
        "and addresses, or split the file, and choose it again."
    ),
    Reason.LIST_TOO_SLOW: _(
        "Checking these addresses takes too long, because many have unusual domains. "
        "Nothing is lost. Enter fewer at once, or save them as a CSV file and choose it below."
    ),
    Reason.FILE_NO_ADDRESSES: _(
        "There are no email addresses in this file. It needs a column of addresses."
    ),
    Reason.NOBODY_TO_INVITE: _("There is nobody to invite in this list. The summary shows why."),
    Reason.LIST_GONE: _(
        "This list is no longer here: it was sent, removed or replaced, perhaps in another tab."
    ),
    Reason.LIST_SENT: _(
        "This file was already sent, from another tab or with another role. "
        "The addresses you typed are still here."
    ),
    Reason.REVIEW_FIRST: _(
        "Nothing has been sent yet. Check the summary, then press Send Invitation again."
    ),
    Reason.CONFIRM_FIRST: _(
        "Nothing has been sent yet. Check this box to confirm that you want to send "
        "this many emails."
    ),
    Reason.NOT_ALLOWED: _("Your role doesn't allow this."),
    Reason.NOT_FOUND: _("This doesn't exist, or no longer exists."),
    Reason.LAST_OWNER: _(
        "An account needs at least one Account Owner. Make someone else Account Owner first."
    ),
    Reason.HAS_OWNER: _("This account already has an Account Owner. Ask them to make you one too."),
    Reason.MEMBER_UNCONFIRMED: _(
        "This member hasn't confirmed their email address yet, "
        "so you can't give them a higher role."
    ),
    Reason.UNSUBSCRIBED: _("This person has unsubscribed and can't be invited."),
    Reason.BATCH_CHANGED: _("This batch has changed. Check it and try again."),
    Reason.ALL_SENT: _("All emails have been sent, so there is nothing left to cancel."),
    Reason.NOTHING_TO_RETRY: _(
        "There is nothing to retry: no failed email belongs to an invitation "
        "that can still be accepted."
    ),
    Reason.NOTHING_ON_HOLD: _(
        "There is nothing to send: these emails have been sent since, "
        "or their invitations can no longer be accepted."
    ),
    Reason.INVITATION_CLOSED: _("This invitation has been answered, revoked or replaced."),
    Reason.INVITER_WITHOUT_AUTHORITY: _(
        "The sender of this invitation can no longer invite people."
    ),
    Reason.EMAIL_STILL_QUEUED: _("The last email for this invitation hasn't been sent yet."),
    Reason.ALREADY_MEMBER: _("This person is already a member and needs no invitation."),
    Reason.WRONG_PERSON: _("This invitation is for someone else."),
    Reason.REMOVED_MEMBER: _(
        "You were removed from this account. Ask an Account Owner to invite you again."
    ),
    Reason.LINK_CLOSED: _("This link was deleted."),
    Reason.EMAIL_TOKEN_CLOSED: _("This link has already been used, or has expired."),
}

_REASON_WITH_LIMIT = {
    Reason.TEXT_TOO_LONG: counted(
        "Use at most %(num)s character.",
        "Use at most %(num)s characters.",
    ),
    Reason.NUMBER_OUT_OF_RANGE: counted(
        "Enter a whole number from 1 to %(num)s.",
        "Enter a whole number from 1 to %(num)s.",
    ),
    Reason.TOO_MANY_PASSKEYS: counted(
        "You already have %(num)s passkey. Remove it before you add another.",
        "You already have %(num)s passkeys. Remove one before you add another.",
    ),
    Reason.PASSWORD_SHORT: counted(
        "Use at least %(num)s character. A few words in a row work well.",
        "Use at least %(num)s characters. A few words in a row work well.",
    ),
    Reason.PASSWORD_LONG: counted(
        "Use at most %(num)s character.",
        "Use at most %(num)s characters.",
    ),
    Reason.LIST_TOO_LONG: counted(
        "This list has more than %(num)s row, the most that one batch can have. "
        "Nothing was added. Split the list and send it in parts.",
        "This list has more than %(num)s rows, the most that one batch can have. "
        "Nothing was added. Split the list and send it in parts.",
    ),
    Reason.FILE_TOO_LARGE: counted(
        "This file is larger than %(num)s MB. "
        "Keep only the column with the addresses, or split the file.",
        "This file is larger than %(num)s MB. "
        "Keep only the column with the addresses, or split the file.",
    ),
    Reason.FILE_TOO_WIDE: counted(
        "A row in this file has more than %(num)s column. "
        "Keep only the columns with names and addresses.",
        "A row in this file has more than %(num)s columns. "
        "Keep only the columns with names and addresses.",
    ),
    Reason.SENDER_LIMIT: counted(
        "That would be more than %(num)s email within 24 hours. "
        "Nothing was sent. Try again tomorrow.",
        "That would be more than %(num)s emails within 24 hours. "
        "Nothing was sent. Try again tomorrow.",
    ),
    Reason.MODERATOR_LIMIT: counted(
        "A Moderator of this account can invite %(num)s person within 24 hours, "
        "and you have %(left)s left. Nothing was sent. Ask an Admin to send it, or to raise the "
        "limit in Settings.",
        "A Moderator of this account can invite %(num)s people within 24 hours, "
        "and you have %(left)s left. Nothing was sent. Ask an Admin to send it, or to raise the "
        "limit in Settings.",
    ),
    Reason.CHANGE_LIMIT: counted(
        "You can make %(num)s change within 24 hours. Nothing was changed. Try again tomorrow.",
        "You can make %(num)s changes within 24 hours. Nothing was changed. Try again tomorrow.",
    ),
    Reason.RECIPIENT_LIMIT: counted(
        "This person was emailed %(num)s time within 24 hours. "
        "Try again tomorrow, or use Copy Link.",
        "This person was emailed %(num)s times within 24 hours. "
        "Try again tomorrow, or use Copy Link.",
    ),
}


def sentence(refused: RuleError) -> str:
    """Formats numbers for the locale."""
    numbers = {name: format_decimal(number) for name, number in refused.details.items()}
    if refused.reason in _REASON_WITH_LIMIT:
        return _REASON_WITH_LIMIT[refused.reason](refused.details["limit"], **numbers)
    words = str(REASON[refused.reason])
    return words % numbers if numbers else words


def problem(reason: str) -> str:
    if reason == Reason.ADDRESS_MISSING:  # the row may be a heading or a total
        return gettext("This row has no address.")
    return str(REASON[Reason(reason)])


def refused_by_proxy() -> str:
    """Shown instead of a proxy's own page with status 413."""
    return gettext(
        "This is too large to be sent. A file can have up to %(megabytes)s MB. "
        "If yours is smaller, tell the operator of this installation.",
        megabytes=MAX_MEGABYTES,
    )


def file_too_large() -> str:
    """Shown by the browser instead of uploading the file."""
    return sentence(RuleError(Reason.FILE_TOO_LARGE, limit=MAX_MEGABYTES))
