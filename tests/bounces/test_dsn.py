"""Reading what mail servers send back."""

from base64 import encodebytes
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from invites.bounces import dsn
from invites.bounces.dsn import DsnAction
from tests.support.actions import ends_soon

SAMPLES = Path(__file__).parent / "messages"
KEY = "key-of-the-samples"
FAILED = "Final-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.1.1\n"
ORIGIN = "1207-xd2KjhHx4rGX3p1fAqXKOtqN"  # in all of them: of mail 1207, made at conftest.NOW


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.eml").read_bytes()


def only_finding(raw: bytes) -> dsn.RecipientReport:
    report = dsn.read(raw)
    assert report is not None
    assert report.origin == ORIGIN
    [finding] = report.recipients
    return finding


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
def test_a_bounce_says_which_mail_for_whom_and_why(server, code, text):
    finding = only_finding(sample(server))
    assert finding.action is DsnAction.FAILED
    assert "kim@example.org" in finding.recipients
    assert (finding.code, finding.text) == (code, text)


@pytest.mark.parametrize("name", ["vacation", "reply", "read-receipt", "complaint", "spam"])
def test_what_people_and_their_programs_answer_is_no_report(name):
    assert dsn.read(sample(name)) is None


@pytest.mark.parametrize(
    ("name", "fate"), [("delayed", DsnAction.DELAYED), ("delivered", DsnAction.DELIVERED)]
)
def test_a_report_of_something_else_is_no_bounce(name, fate):
    assert only_finding(sample(name)).action is fate


def test_an_address_behind_an_alias_is_reported_with_the_one_that_was_written_to():
    assert only_finding(sample("postfix-alias")).recipients == {
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
        ("", "5.1.1", "", DsnAction.DELIVERED),
    ],
)
def test_what_failed_does_not_arrive_whatever_its_status(action, status, diagnostic, fate):
    raw = report(
        f"Final-Recipient: rfc822; kim@example.org\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: {diagnostic}"
    )
    assert only_finding(raw).action is fate


def test_an_old_exim_that_gave_up_after_days_says_so():
    raw = sample("exim-old").replace(b"Unrouteable address", b"retry timeout exceeded")
    finding = only_finding(raw)
    assert (finding.action, finding.text) == (DsnAction.FAILED, "retry timeout exceeded")


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_parts_that_a_server_encoded_are_read(encoding):
    status = b"Final-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.1.1\n"
    coded = {
        "quoted-printable": status.replace(b"kim@", b"kim=40"),
        "base64": encodebytes(status),
    }
    raw = report(coded[encoding].decode(), f"Content-Transfer-Encoding: {encoding}\n")
    assert only_finding(raw).action is DsnAction.FAILED


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [
        ("x-unix; given up after 480 minutes", None, "given up after 480 minutes"),
        ("smtp; 2001:db8::550 refused it", None, "2001:db8::550 refused it"),
        ("smtp; host mx.example.org said: 552 Mailbox full", 552, "Mailbox full"),
        ("x; <mx.example.org #5.1.1 smtp;550 5.1.1 Nobody>", 550, "5.1.1 Nobody>"),
    ],
)
def test_a_number_in_the_words_of_a_server_is_a_code_only_where_codes_stand(said, code, text):
    finding = only_finding(report(f"{FAILED}Diagnostic-Code: {said}\n"))
    assert (finding.code, finding.text) == (code, text)


def test_a_recipient_whose_type_a_server_left_out_is_read():
    raw = report(FAILED.replace("rfc822; ", ""))
    assert only_finding(raw).recipients == {"kim@example.org"}


@pytest.mark.parametrize("around", ["multipart/mixed", "multipart/signed"])
def test_a_report_that_a_gateway_signed_or_put_a_footer_under_is_read(around):
    raw = (
        f'Content-Type: {around}; boundary="outer"\n\n--outer\n'.encode()
        + report(FAILED)
        + b"--outer\nContent-Type: text/plain\n\nChecked.\n--outer--\n"
    )
    assert only_finding(raw).action is DsnAction.FAILED


def test_a_report_that_somebody_forwards_is_none():
    raw = (
        b'Content-Type: multipart/mixed; boundary="outer"\n\n--outer\n'
        b"Content-Type: message/rfc822\n\n" + report(FAILED) + b"--outer--\n"
    )
    assert dsn.read(raw) is None


@pytest.mark.parametrize("cut", range(4))
def test_a_returned_mail_in_base64_is_read_wherever_it_ends(cut):
    returned = encodebytes(b"Message-ID: <" + ORIGIN.encode() + b"@example.org>\n\n" + b"x" * 90)
    raw = (
        b'Content-Type: multipart/report; boundary="part"\n\n'
        b"--part\nContent-Type: message/global-delivery-status\n\n" + FAILED.encode() + b"\n"
        b"--part\nContent-Type: message/global\nContent-Transfer-Encoding: base64\n\n"
        + returned.rstrip(b"=\n")[: -cut or None]
    )
    assert only_finding(raw).action is DsnAction.FAILED


def test_a_report_without_a_recipient_is_none():
    assert dsn.read(report("Action: failed\nStatus: 5.1.1")) is None


@pytest.mark.parametrize("field", ["In-Reply-To", "References"])
def test_a_report_that_returns_nothing_may_say_what_it_answers_to(field):
    answered = f"{field}: <1207-xd2KjhHx4rGX3p1fAqXKOtqN@invites.example.org>\n".encode()
    status = "Final-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.1.1"
    raw = answered + report(status).replace(b"Message-ID", b"Subject").replace(b"<1207-", b"<")
    assert only_finding(raw).action is DsnAction.FAILED


def test_headers_that_a_report_quotes_are_found_where_its_lines_were_broken():
    long_host = b"invites.the-volunteers-of-riverside.example.org"
    raw = sample("exchange-quoting").replace(b"invites.example.org>", b"=\n" + long_host + b">")
    assert only_finding(raw).action is DsnAction.FAILED


def test_a_report_about_another_mail_is_none():
    raw = sample("postfix").replace(b"<1207-xd2KjhHx4rGX3p1fAqXKOtqN@", b"<other@")
    assert dsn.read(raw) is None


@pytest.mark.parametrize("ending", [b"\r\n", b"\n"])
def test_line_ends_of_both_kinds_are_read(ending):
    raw = sample("postfix").replace(b"\n", ending)
    assert dsn.read(raw) == dsn.read(sample("postfix"))


def test_spaces_behind_a_boundary_are_transport_padding():
    raw = report(FAILED).replace(b"--part\n", b"--part \t\n")  # RFC 2046, 5.1.1
    assert dsn.read(raw) == dsn.read(report(FAILED))


def test_a_message_from_an_mbox_or_a_pipe_may_begin_with_from():
    raw = b"From MAILER-DAEMON Mon Nov  2 18:04:31 2026\n" + sample("postfix")
    assert dsn.read(raw) == dsn.read(sample("postfix"))


def test_words_of_a_server_are_one_line_without_control_characters():
    words = "smtp; 550 5.1.1 no\x1b[31m\u202e such   user " + "x" * 9_999
    raw = report(
        "Final-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.1.1\n"
        f"Diagnostic-Code: {words}"
    )
    text = only_finding(raw).text
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
        "digits": head + boundary + status + b"Final-Recipient: x;a@b\n\n" + b"<1." * mib,
    }


@pytest.mark.parametrize("raw", bombs().values(), ids=bombs().keys())
def test_no_message_takes_long_to_read(raw):
    with ends_soon():
        dsn.read(raw)


def test_a_bounce_with_a_huge_mail_behind_it_is_read():
    assert only_finding(bombs()["fifty megabytes of returned mail"]).action is DsnAction.FAILED


LINES = sorted({line for path in SAMPLES.iterdir() for line in path.read_bytes().split(b"\n")})


@given(st.lists(st.one_of(st.sampled_from(LINES), st.binary(max_size=40))).map(b"\n".join))
def test_no_mixture_of_their_lines_makes_it_raise(raw):
    dsn.read(raw)


@given(st.sampled_from(sorted(SAMPLES.iterdir())), st.data())
def test_no_damaged_bounce_makes_it_raise(path, data):
    raw = path.read_bytes()
    at = data.draw(st.integers(0, len(raw)))
    until = data.draw(st.integers(at, len(raw)))
    dsn.read(raw[:at] + data.draw(st.binary(max_size=40)) + raw[until:])


@given(st.binary(max_size=2_000))
@example(b"Content-Type: multipart/report; boundary=\n\n--\n")
def test_no_bytes_at_all_make_it_raise(raw):
    dsn.read(raw)


def report(status: str, headers: str = "") -> bytes:
    """A report with one part for the status and one for the returned headers."""
    return (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="part"\n\n'
        f"--part\nContent-Type: message/delivery-status\n{headers}\n{status}\n"
        "--part\nContent-Type: text/rfc822-headers\n\n"
        "Message-ID: <1207-xd2KjhHx4rGX3p1fAqXKOtqN@invites.example.org>\n--part--\n"
    ).encode()
