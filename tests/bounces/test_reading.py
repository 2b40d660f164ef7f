"""Reading delivery reports."""

from base64 import encodebytes
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from invites.bounces import reading
from invites.bounces.report import DsnAction, RecipientReport
from tests.support.actions import ends_soon

SAMPLES = Path(__file__).parent / "messages"
KEY = "key-of-the-samples"
FAILED = "Final-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.1.1\n"
ORIGIN = "1207-xd2KjhHx4rGX3p1fAqXKOtqN"  # in all samples: delivery 1207, created at conftest.NOW


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.eml").read_bytes()


def only_recipient(raw: bytes) -> RecipientReport:
    report = reading.read(raw)
    assert report is not None
    assert report.origin == ORIGIN
    [recipient] = report.recipients
    return recipient


@pytest.mark.parametrize(
    ("server", "code", "text"),
    [
        (
            "postfix",
            550,
            "5.1.1 <kim@example.org>: Recipient address rejected: "
            "User unknown in virtual mailbox table",
        ),
        ("postfix-alias", None, "maildrop: maildir over quota."),
        (
            "exim",
            550,
            "5.1.1 The account that you tried to reach does not exist. "
            "5.1.1 Check the address for typos.",
        ),
        ("exim-old", None, "Unrouteable address"),
        ("qmail", 550, "5.1.1 <kim@example.org>: User unknown Giving up on 192.0.2.25."),
        (
            "exchange-online",
            550,
            "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient kim@example.org not found by "
            "SMTP address lookup",
        ),
        (
            "exchange-quoting",
            550,
            "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient kim@example.org not found by "
            "SMTP address lookup",
        ),
        ("gmail", 550, "5.1.1 The email account that you tried to reach does not exist."),
        ("amazon-ses", 550, "5.1.1 user unknown"),
    ],
)
def test_a_bounce_names_the_message_the_recipient_and_the_reason(server, code, text):
    recipient = only_recipient(sample(server))
    assert recipient.action is DsnAction.FAILED
    assert "kim@example.org" in recipient.recipients
    assert (recipient.code, recipient.text) == (code, text)


@pytest.mark.parametrize("name", ["vacation", "reply", "read-receipt", "complaint", "spam"])
def test_replies_from_people_and_programs_are_no_reports(name):
    assert reading.read(sample(name)) is None


@pytest.mark.parametrize(
    ("name", "fate"), [("delayed", DsnAction.DELAYED), ("delivered", DsnAction.DELIVERED)]
)
def test_a_report_of_a_delay_or_a_delivery_is_no_bounce(name, fate):
    assert only_recipient(sample(name)).action is fate


def test_a_report_about_an_alias_names_both_addresses():
    assert only_recipient(sample("postfix-alias")).recipients == {
        "kim.rivers@mailbox.example.org",
        "kim@example.org",
    }


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "fate"),
    [
        ("failed", "5.1.1", "smtp; 550 5.1.1 Nobody", DsnAction.FAILED),
        ("Failed (permanent)", "5.0.0 (permanent failure)", "", DsnAction.FAILED),
        ("failed", "4.4.7", "smtp; 550 4.4.7 Message expired", DsnAction.FAILED),
        ("failed", "", "smtp; 550 Nobody", DsnAction.FAILED),
        ("failed", "", "x-unix; no such folder", DsnAction.FAILED),
        ("failed", "nonsense", "", DsnAction.FAILED),
        ("delayed", "5.1.1", "", DsnAction.DELAYED),
        ("relayed", "5.1.1", "", DsnAction.DELIVERED),
        ("expanded", "2.0.0", "", DsnAction.DELIVERED),
        # Unknown actions.
        ("", "5.1.1", "", DsnAction.FAILED),
        ("bounced", "5.1.1", "", DsnAction.FAILED),
        ("expired", "4.4.7", "", DsnAction.DELAYED),
        ("expired", "", "Connection timed out", DsnAction.UNCLEAR),
        ("deliverable", "2.1.5", "smtp; 250 2.1.5 Ok", DsnAction.UNCLEAR),
        ("5.1.1", "", "", DsnAction.UNCLEAR),
    ],
)
def test_the_action_counts_and_the_status_only_if_the_action_is_unknown(
    action, status, diagnostic, fate
):
    raw = report(
        f"Final-Recipient: rfc822; kim@example.org\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: {diagnostic}"
    )
    assert only_recipient(raw).action is fate


def test_an_old_exim_that_gave_up_after_days_reports_a_failure():
    raw = sample("exim-old").replace(b"Unrouteable address", b"retry timeout exceeded")
    recipient = only_recipient(raw)
    assert (recipient.action, recipient.text) == (DsnAction.FAILED, "retry timeout exceeded")


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_encoded_parts_are_read(encoding):
    status = b"Final-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.1.1\n"
    coded = {
        "quoted-printable": status.replace(b"kim@", b"kim=40"),
        "base64": encodebytes(status),
    }
    raw = report(coded[encoding].decode(), f"Content-Transfer-Encoding: {encoding}\n")
    assert only_recipient(raw).action is DsnAction.FAILED


@pytest.mark.parametrize(
    ("diagnostic", "code", "text"),
    [
        ("x-unix; given up after 480 minutes", None, "given up after 480 minutes"),
        ("smtp; 2001:db8::550 refused it", None, "2001:db8::550 refused it"),
        ("smtp; host mx.example.org said: 552 Mailbox full", 552, "Mailbox full"),
        ("x; <mx.example.org #5.1.1 smtp;550 5.1.1 Nobody>", 550, "5.1.1 Nobody>"),
    ],
)
def test_a_number_is_a_reply_code_only_in_the_place_of_one(diagnostic, code, text):
    recipient = only_recipient(report(f"{FAILED}Diagnostic-Code: {diagnostic}\n"))
    assert (recipient.code, recipient.text) == (code, text)


def test_a_failure_without_a_diagnostic_gets_the_reason_from_the_text_for_people():
    """As Exim reports addresses that it can't route."""
    diagnostic = sample("exim").split(b"Diagnostic-Code:")[1].split(b"\n\n")[0]
    raw = sample("exim").replace(b"Diagnostic-Code:" + diagnostic, b"X-Note: none")
    recipient = only_recipient(raw)
    assert (recipient.code, recipient.text) == (
        550,
        "5.1.1 The account that you tried to reach does not exist. "
        "5.1.1 Check the address for typos.",
    )
    start = raw.index(b"    host mx.example.org")
    local = raw[:start] + b"    all relevant MX records point to non-existent hosts\n\n"
    recipient = only_recipient(local + raw[raw.index(b"--1793642654-eximdsn", start) :])
    assert recipient.text == "all relevant MX records point to non-existent hosts"


def test_the_part_for_machines_is_found_in_plain_text_too():
    raw = (
        "From: MAILER-DAEMON@mail.example.org\n\nTechnical report:\n\n"
        f"{FAILED}Diagnostic-Code: smtp; 550 5.1.1 Nobody\n\nMessage-ID: <{ORIGIN}@example.org>\n"
    ).encode()
    recipient = only_recipient(raw)
    assert (recipient.recipients, recipient.text) == ({"kim@example.org"}, "5.1.1 Nobody")


def test_a_recipient_without_an_address_type_is_read():
    raw = report(FAILED.replace("rfc822; ", ""))
    assert only_recipient(raw).recipients == {"kim@example.org"}


@pytest.mark.parametrize("around", ["multipart/mixed", "multipart/signed"])
def test_a_report_that_a_gateway_signed_or_extended_is_read(around):
    raw = (
        f'Content-Type: {around}; boundary="outer"\n\n--outer\n'.encode()
        + report(FAILED)
        + b"--outer\nContent-Type: text/plain\n\nChecked.\n--outer--\n"
    )
    assert only_recipient(raw).action is DsnAction.FAILED


def test_a_forwarded_report_is_no_report():
    raw = (
        b'Content-Type: multipart/mixed; boundary="outer"\n\n--outer\n'
        b"Content-Type: message/rfc822\n\n" + report(FAILED) + b"--outer--\n"
    )
    assert reading.read(raw) is None


@pytest.mark.parametrize("cut", range(4))
def test_a_truncated_copy_in_base64_is_read(cut):
    returned = encodebytes(b"Message-ID: <" + ORIGIN.encode() + b"@example.org>\n\n" + b"x" * 90)
    raw = (
        b'Content-Type: multipart/report; boundary="part"\n\n'
        b"--part\nContent-Type: message/global-delivery-status\n\n" + FAILED.encode() + b"\n"
        b"--part\nContent-Type: message/global\nContent-Transfer-Encoding: base64\n\n"
        + returned.rstrip(b"=\n")[: -cut or None]
    )
    assert only_recipient(raw).action is DsnAction.FAILED


def test_a_report_without_a_recipient_is_no_report():
    assert reading.read(report("Action: failed\nStatus: 5.1.1")) is None


@pytest.mark.parametrize("field", ["In-Reply-To", "References"])
def test_a_report_without_returned_headers_may_name_the_message_it_answers(field):
    answered = f"{field}: <1207-xd2KjhHx4rGX3p1fAqXKOtqN@invites.example.org>\n".encode()
    status = "Final-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.1.1"
    raw = answered + report(status).replace(b"Message-ID", b"Subject").replace(b"<1207-", b"<")
    assert only_recipient(raw).action is DsnAction.FAILED


def test_quoted_headers_are_found_across_soft_line_breaks():
    long_host = b"invites.the-volunteers-of-riverside.example.org"
    raw = sample("exchange-quoting").replace(b"invites.example.org>", b"=\n" + long_host + b">")
    assert only_recipient(raw).action is DsnAction.FAILED


def test_a_report_about_a_message_from_elsewhere_is_no_report():
    raw = sample("postfix").replace(b"<1207-xd2KjhHx4rGX3p1fAqXKOtqN@", b"<other@")
    assert reading.read(raw) is None


@pytest.mark.parametrize("ending", [b"\r\n", b"\n", b"\r"])
def test_line_ends_of_all_kinds_are_read(ending):
    raw = sample("postfix").replace(b"\n", ending)
    assert reading.read(raw) == reading.read(sample("postfix"))


def test_spaces_behind_a_boundary_are_transport_padding():
    raw = report(FAILED).replace(b"--part\n", b"--part \t\n")  # RFC 2046, 5.1.1
    assert reading.read(raw) == reading.read(report(FAILED))


def test_a_message_from_an_mbox_or_a_pipe_may_begin_with_from():
    raw = b"From MAILER-DAEMON Mon Nov  2 18:04:31 2026\n" + sample("postfix")
    assert reading.read(raw) == reading.read(sample("postfix"))


def test_the_text_of_a_report_is_one_printable_line():
    words = "smtp; 550 5.1.1 no\x1b[31m\u202e such   user " + "x" * 9_999
    raw = report(
        "Final-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.1.1\n"
        f"Diagnostic-Code: {words}"
    )
    text = only_recipient(raw).text
    assert text.startswith("5.1.1 no [31m such user xxx")
    assert text.isprintable()
    assert len(text) == 500


def bombs() -> dict[str, bytes]:
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(60_000)
    )
    mib = 1024 * 1024
    head = sample("postfix").split(b"\n\n")[0] + b"\n\n"
    boundary = b"--0C3511A0B5.1793642671/mail.example.org\n"
    status = b"Content-Type: message/delivery-status\n\n"
    return {
        "fifty megabytes of returned mail": sample("postfix") + b"x" * 50 * mib,
        "parts in parts in parts": nested,
        "a million parts": head + boundary * 30_000,
        "a header without an end": b"X: " + b"y" * 5 * mib,
        "a million header lines": b"X: y\n" * mib,
        "folded for ever": b"X: y\n" + b" z\n" * mib,
        "nothing but empty lines": b"\n" * mib,
        "a million recipients": head
        + boundary
        + status
        + b"Final-Recipient: rfc822; a@b\n\n" * 50_000,
        "a million failed recipients": b"X-Failed-Recipients: "
        + b"a@b," * 300_000
        + b"\n\n-- This is a copy of the message\n\nx",
        "quotation marks": b"Content-Type: multipart/report; boundary=" + b'";' * mib,
        "dashes": sample("exim-old").replace(b"------", b"-" * mib),
        "almost a copy": head.replace(b"multipart", b"text")
        + b"- This is a copy of the\n" * 50_000,
        "qmail without an end": b"\n\nHi. This is the\n\n" + b"<a@b>:\n" * 150_000,
        "qmail without a pause": b"\n\nHi. This is the\n"
        + b"<a@b>:\n" * 140_000
        + b"--- Below this line is a copy of the message\n",
        "angle brackets": b"\n\nHi. This is the\n\n" + b"<" * mib,
        "at signs": b"\n\nHi. This is the\n\n<"
        + b"<@" * mib
        + b"\n- This is a copy of the message\n",
        "addresses": b"From: mailer-daemon\nReferences: <"
        + ORIGIN.encode()
        + b"@b>\n\nundeliverable\n"
        + b'"a\\ b"@example.org\nx{}@example.net\n' * 20_000,
        "digits": head + boundary + status + b"Final-Recipient: x;a@b\n\n" + b"<1." * mib,
    }


@pytest.mark.parametrize("raw", bombs().values(), ids=bombs().keys())
def test_no_message_takes_long_to_read(raw):
    with ends_soon():
        reading.read(raw)


def test_a_bounce_with_a_huge_copy_of_the_message_is_read():
    assert only_recipient(bombs()["fifty megabytes of returned mail"]).action is DsnAction.FAILED


LINES = sorted({line for path in SAMPLES.iterdir() for line in path.read_bytes().split(b"\n")})


@given(st.lists(st.one_of(st.sampled_from(LINES), st.binary(max_size=40))).map(b"\n".join))
def test_no_mixture_of_lines_raises(raw):
    reading.read(raw)


@given(st.sampled_from(sorted(SAMPLES.iterdir())), st.data())
def test_no_damaged_bounce_raises(path, data):
    raw = path.read_bytes()
    at = data.draw(st.integers(0, len(raw)))
    until = data.draw(st.integers(at, len(raw)))
    reading.read(raw[:at] + data.draw(st.binary(max_size=40)) + raw[until:])


@given(st.binary(max_size=2_000))
@example(b"Content-Type: multipart/report; boundary=\n\n--\n")
def test_no_bytes_raise(raw):
    reading.read(raw)


def report(status: str, headers: str = "") -> bytes:
    """A report with one part for the status and one for the returned headers."""
    return (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="part"\n\n'
        f"--part\nContent-Type: message/delivery-status\n{headers}\n{status}\n"
        "--part\nContent-Type: text/rfc822-headers\n\n"
        "Message-ID: <1207-xd2KjhHx4rGX3p1fAqXKOtqN@invites.example.org>\n--part--\n"
    ).encode()
