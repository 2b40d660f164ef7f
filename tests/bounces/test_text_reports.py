"""Reading bounces that are text for people. The samples say what those mail systems say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.bounces import reading
from invites.bounces.report import DsnAction
from tests.bounces.test_reading import ORIGIN

COPY = f"""\
Received: from invites.example.org ([192.0.2.10])
\tby mail.example.org with esmtp; Mon, 02 Nov 2026 18:04:13 +0000
From: Riverside Relief <invites@example.org>
To: kim@example.org
Subject: Our start has been delayed
Message-ID: <{ORIGIN}@invites.example.org>

Olive Martin invites you.
"""

# The mail system: the subject, the text, and what is read from it.
FAILURES = {
    "GMX": (
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one or more of\nits recipients. "
        "This is a permanent error. The following address\nfailed:\n\n"
        '"kim@example.org":\nSMTP error from remote server after RCPT command:\n'
        "host: mx.example.org\n5.1.1 <kim@example.org>... User Unknown\n\n\n"
        "--- The header of the original message is following. ---\n",
        None,
        "SMTP error from remote server after RCPT command: host: mx.example.org "
        "5.1.1 <kim@example.org>... User Unknown",
    ),
    "IONOS": (
        "Mail delivery failed: returning message to sender",
        "A message that you sent could not be delivered to one or more of\nits recipients.\n\n"
        "The following address failed:\n\nkim@example.org\n\nFor the following reason:\n\n"
        "Mail size limit exceeded.\n\n--- The header of the original message is following. ---\n",
        None,
        "For the following reason: Mail size limit exceeded.",
    ),
    "Exim": (
        "Mail delivery failed",
        "A message that you sent could not be delivered to one or more of its\nrecipients.\n\n"
        "  kim@example.org\n    retry timeout exceeded\n\n------ This is a copy ------\n",
        None,
        "retry timeout exceeded",
    ),
    "Postfix": (
        "Undelivered Mail Returned to Sender",
        "This is the mail system at host mail.example.org.\n\nI'm sorry to have to inform you "
        "that your message could not\nbe delivered to one or more recipients.\n\n"
        "<kim@example.org>: host mx.example.org[192.0.2.25] said: 550 5.1.1\n    Nobody\n",
        550,
        "5.1.1 Nobody",
    ),
    "Sendmail": (
        "Returned mail: User unknown",
        "   ----- The following addresses had permanent fatal errors -----\n<kim@example.org>\n\n"
        "   ----- Transcript of session follows -----\n>>> RCPT To:<kim@example.org>\n"
        "<<< 550 Nobody here\n",
        550,
        "Nobody here",
    ),
    "qmail of another provider": (
        "failure notice",
        "Your mail message to the following address(es) could not be delivered.\n\n"
        "<kim@example.org>:\nThe mail folder is full.\n\n--- Below is a copy of the message.\n",
        None,
        "The mail folder is full.",
    ),
    "Yahoo!": (
        "Failure Notice",
        "Sorry, we were unable to deliver your message to the following address.\n\n"
        "<kim@example.org>:\nNo mx record found for domain=example.org\n\n--- Below\n",
        None,
        "No mx record found for domain=example.org",
    ),
    "Exchange": (
        "Undeliverable: Invitation",
        "Your message\n\n  To:      kim@example.org\n\ndid not reach the following "
        "recipient(s):\n\nkim@example.org\n    The recipient name is not recognized\n",
        None,
        "The recipient name is not recognized",
    ),
    "Microsoft 365": (
        "Undeliverable: Invitation",
        "Delivery has failed to these recipients or groups:\n\n"
        "kim@example.org<mailto:kim@example.org>\nThe address couldn't be found.\n\n"
        "Remote Server returned '550 5.1.10 RecipientNotFound'\n\nOriginal message headers:\n",
        550,
        "5.1.10 RecipientNotFound'",
    ),
    "Google": (
        "Delivery Status Notification (Failure)",
        "Delivery to the following recipient failed permanently:\n\n     kim@example.org\n\n"
        "Technical details of permanent failure:\nGoogle tried to deliver your message. "
        "The error that the other server returned was: 550 5.1.1 Nobody\n\n-----\n",
        550,
        "5.1.1 Nobody",
    ),
    "Amazon WorkMail": (
        "Delivery Status Notification (Failure)",
        "An error occurred while trying to deliver the mail to the following recipients:\n"
        "kim@example.org\n",
        None,
        "An error occurred while trying to deliver the mail to the following recipients: "
        "kim@example.org",
    ),
    "Zoho": (
        "Undelivered Mail Returned to Sender",
        "A message that you sent could not be delivered to one or more of its recipients.\n\n"
        "kim@example.org Invalid Address, ERROR_CODE :550\n",
        None,
        "Invalid Address, ERROR_CODE :550",
    ),
    "Lotus Domino": (
        "DELIVERY FAILURE: not listed",
        "Your message\n\n  Subject: Invitation\n\nwas not delivered to:\n\n  kim@example.org\n\n"
        "because:\n\n  User kim (kim@example.org) not listed in Directory\n",
        None,
        "because: User kim (kim@example.org) not listed in Directory",
    ),
    "OpenSMTPD": (
        "Delivery status notification: error",
        "    An error has occurred while attempting to deliver a message for\n"
        "    the following list of recipients:\n\nkim@example.org: 550 5.1.1 Nobody\n",
        550,
        "5.1.1 Nobody",
    ),
    "DragonFly": (
        "Mail delivery failed",
        "There was an error delivering your mail to <kim@example.org>.\n\n"
        "mx.example.org did not like our RCPT TO:\n550 5.1.1 Nobody\n",
        550,
        "5.1.1 Nobody",
    ),
    "IMail": (
        "Undeliverable Mail",
        "Unknown user: kim@example.org\n\nOriginal message follows.\n",
        None,
        "Unknown user: kim@example.org Original message follows.",
    ),
    "CommuniGate": (
        "Delivery status notification",
        "Delivery to the following recipients was aborted after 5.0 hour(s):\n\n"
        "  * kim@example.org\n\nRouting: Could not find a gateway\n",
        None,
        "Routing: Could not find a gateway",
    ),
    "Dovecot": (
        "Automatically rejected mail",
        "Your message to <kim@example.org> was automatically rejected:\nQuota exceeded\n",
        None,
        "Your message to <kim@example.org> was automatically rejected: Quota exceeded",
    ),
}
DELAYS = {
    "Exim": "A message that you sent has not yet been delivered to one or more of its recipients.",
    "Google": "THIS IS A WARNING MESSAGE ONLY.\n\nMessage will be retried for 2 more day(s)",
    "Sendmail": "Warning: message still undelivered after 4 hours\nWill keep trying for 5 days",
    "Postfix": "Your message could not be delivered for 2 hour(s).\nIt will be retried.",
    "OpenSMTPD": "A message is delayed for more than 4 hours. It could not be delivered.",
    "Symantec": "could not be delivered\n\nDelivery attempts will continue to be made for 5 days.",
}


def bounce(subject: str, text: str, sender: str = "MAILER-DAEMON@mail.example.org") -> bytes:
    return f"From: {sender}\nSubject: {subject}\n\n{text}\n{COPY}".encode()


def only_recipient(raw: bytes):
    report = reading.read(raw)
    assert report is not None
    assert report.origin == ORIGIN
    [recipient] = report.recipients
    return recipient


@pytest.mark.parametrize(("subject", "text", "code", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_bounce_in_words_is_a_failure_with_its_reason(subject, text, code, reason):
    recipient = only_recipient(bounce(subject, text))
    assert recipient.action is DsnAction.FAILED
    assert (recipient.code, recipient.text) == (code, reason)


@pytest.mark.parametrize("text", DELAYS.values(), ids=DELAYS)
def test_a_warning_in_words_is_no_failure(text):
    assert only_recipient(bounce("Warning: delivery failed", text)).action is DsnAction.DELAYED


def test_what_the_returned_message_says_does_not_count():
    assert "delayed" in COPY
    assert only_recipient(bounce("", "Undeliverable")).action is DsnAction.FAILED


@pytest.mark.parametrize(
    "sender",
    [
        "Mail Delivery System <Mailer-Daemon@example.org>",
        "postmaster@example.org",
        "Mail Delivery System <>",
    ],
)
def test_mail_systems_have_several_names(sender):
    assert reading.read(bounce("Undeliverable Mail", "Nobody", sender))


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("Kim <kim@example.org>", "Fwd: failure notice", "This could not be delivered. Why?"),
        ("Kim <kim@example.org>", "Automatic reply", "I left. Your mail was not delivered to me."),
        ("postmaster@example.org", "Your message", "Thank you for writing to us."),
        ("postmaster@example.org", "Re: your question", "> mail could not be delivered\n\nWhen?"),
    ],
)
def test_replies_that_quote_such_sentences_are_no_reports(sender, subject, text):
    assert reading.read(bounce(subject, text, sender)) is None


def test_a_bounce_that_names_failed_recipients_is_understood_in_any_language():
    text = "您的郵件無法投遞。\n\n  kim@example.org\n    550 5.1.1 Nobody\n"
    raw = b"X-Failed-Recipients: Kim@Example.org\n" + bounce("Mail", text)
    recipient = only_recipient(raw)
    assert (recipient.recipients, recipient.code) == ({"kim@example.org"}, 550)


def test_a_copy_in_a_part_of_its_own_is_found():
    raw = (
        "From: postmaster@example.org\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\n\nUndeliverable: kim@example.org\n\n--b\n{COPY}--b--\n"
    ).encode()
    assert only_recipient(raw).action is DsnAction.FAILED


@given(st.sampled_from([bounce(*each[:2]) for each in FAILURES.values()]), st.data())
def test_no_damaged_bounce_raises(raw, data):
    at = data.draw(st.integers(0, len(raw)))
    until = data.draw(st.integers(at, len(raw)))
    reading.read(raw[:at] + data.draw(st.binary(max_size=40)) + raw[until:])
