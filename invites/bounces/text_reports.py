"""Reads bounces without a machine-readable part, by the sentences that mail systems write.

Only for messages that a mail system sent, because people quote such sentences too.
"""

import re
from itertools import islice

from invites.bounces.report import (
    MAX_RECIPIENTS,
    DsnAction,
    RecipientReport,
    address,
    recipient_report,
)

_MAIL_SYSTEMS = re.compile(r"mailer-?daemon|post_?master|mail deliver|<>", re.IGNORECASE)

# Sentences that say that the message may still arrive, in lower case.
_DELAYED = (
    "attempts will continue",
    "be retried",
    "continue to try",
    "has been delayed",
    "has been postponed",
    "is delayed",
    "not yet been delivered",
    "notification (delay)",
    "temporary failure report",
    "warning message only",
    "warning only",
    "will keep trying",
)

# Sentences that say that the mail system has given up, in lower case, and who writes them.
_FAILED = {
    "automatically rejected": "Dovecot",
    "cannot be delivered": "Courier, Oracle Messaging Server",
    "could not be delivered": "Exim, GMX, IONOS, KDDI, mail.ru, MXLogic, Postfix, Zoho",
    "could not deliver": "Telligent",
    "delivery failed": "MailFoundry",
    "delivery failure": "Lotus Domino, Yahoo! Japan",
    "delivery status notification (failure)": "Amazon SES, Google, Outlook.com",
    "delivery has failed": "Exchange, Microsoft 365",
    "delivery to the following recipients failed": "Outlook.com",
    "did not reach the following recipient": "Exchange",
    "error delivering your mail": "DragonFly",
    "failed permanently": "Google",
    "failure notice": "m-FILTER, qmail, Yahoo!",
    "had delivery": "Biglobe, Mail2000",
    "had permanent": "Active!Hunter, Sendmail, Trend Micro",
    "had trouble delivering your message": "MailMarshal",
    "has occurred while attempting to deliver": "OpenSMTPD",
    "mail failed": "Smail",
    "message not delivered": "Google",
    "trying to deliver the mail": "Amazon WorkMail",
    "unable to deliver": "InterScan, Yahoo!",
    "undeliverable": "Exchange, IMail, Lotus Notes",
    "was aborted": "CommuniGate",
    "was not delivered": "Juno, Lotus Domino",
    "was rejected by": "Exim, EZweb, mail.ru",
    "wasn't able to deliver": "qmail",
}

# A reply code at the beginning of a reply; an address at the beginning of a line.
_REPLY = re.compile(r"(?:^[^\w\n]*|: |['\[])([45]\d\d[ -])", re.ASCII | re.MULTILINE)
_NAMED = re.compile(r"^[ \t\"'<*]*([^\s\"'<>@]{1,64}@[^\s\"'<>:,]{1,255})[\"'>]*:?", re.MULTILINE)


def recipients(headers: dict[str, str], notice: str) -> list[RecipientReport]:
    """``notice``: the text before the copy of the message that bounced."""
    failed = headers.get("x-failed-recipients", "")  # Exim, Google
    action = _action(headers.get("subject", ""), notice, gives_up=bool(failed))
    if action is None:
        return []
    names = failed.split(",") if failed else _NAMED.findall(notice)
    addresses = filter(None, map(address, names[:MAX_RECIPIENTS]))
    about = [frozenset({each}) for each in addresses] or [frozenset[str]()]
    return [recipient_report(each, action, reason(notice, each) or notice) for each in about]


def is_from_mail_system(headers: dict[str, str]) -> bool:
    return bool(_MAIL_SYSTEMS.search(headers.get("from", "")))


def reason(notice: str, about: frozenset[str]) -> str:
    """The first reply of a mail server, or the text after an address; empty if there is neither."""
    if reply := _REPLY.search(notice):
        return notice[reply.start(1) :].partition("\n\n")[0]
    named = islice(_NAMED.finditer(notice), MAX_RECIPIENTS)
    ends = (each.end() for each in named if address(each[1]) in about)
    return next((_paragraph(notice[end:]) for end in ends), "")


def _paragraph(text: str) -> str:
    """The first paragraph, and the next one if it ends with a colon, as in "Reason:"."""
    found = ""
    for piece in text.split("\n\n", 5)[:5]:
        found = f"{found} {piece}".strip()
        if found and not found.endswith(":"):
            break
    return found


def _action(subject: str, notice: str, *, gives_up: bool) -> DsnAction | None:
    own = [line for line in notice.split("\n") if not line.startswith(">")]
    words = " ".join(f"{subject} {' '.join(own)}".lower().split())
    if any(sentence in words for sentence in _DELAYED):
        return DsnAction.DELAYED
    gives_up = gives_up or any(sentence in words for sentence in _FAILED)
    return DsnAction.FAILED if gives_up else None
