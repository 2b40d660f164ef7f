"""The canonical form of an address."""

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from invites.core import addresses
from invites.core.errors import Reason, RuleError
from tests.support.actions import refused

anything = st.text() | st.emails() | st.from_regex(r"[\w.+'@ -]{1,20}@[\w.-]{1,20}")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  ada@example.org\n", "ada@example.org"),
        ("Ada@Example.ORG", "ada@example.org"),
        ("ada\u200b@example.org", "ada@example.org"),
        ("\ufeffada@example.org", "ada@example.org"),
        ("ada.okafor+news@example.org", "ada.okafor+news@example.org"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("O'Neil/x=y@example.org", "o'neil/x=y@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@mail.example.co.uk", "ada@mail.example.co.uk"),
    ],
)
def test_every_spelling_of_an_address_has_one_canonical_form(typed, expected):
    assert addresses.canonical(typed) == expected


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", Reason.ADDRESS_MISSING),
        (" \u200b ", Reason.ADDRESS_MISSING),
        ("ada.example.org", Reason.ADDRESS_NO_AT),
        ("ada@home@example.org", Reason.ADDRESS_TWO_AT),
        ("@example.org", Reason.ADDRESS_NO_NAME),
        ("ada@localhost", Reason.ADDRESS_NO_DOT),
        ("ada@", Reason.ADDRESS_NO_DOT),
        ("ada okafor@example.org", Reason.ADDRESS_SPACE),
        ("ada@exam ple.org", Reason.ADDRESS_SPACE),
        ("<ada@example.org>", Reason.ADDRESS_BRACKETS),
        ("ada@example.org>", Reason.ADDRESS_BRACKETS),
        ("adä@example.org", Reason.ADDRESS_NOT_ASCII),
        ("аda@example.org", Reason.ADDRESS_NOT_ASCII),  # noqa: RUF001  # Cyrillic
        ("ada@printer.local", Reason.ADDRESS_RESERVED),
        ("ada@nowhere.invalid", Reason.ADDRESS_RESERVED),
        ("ada..okafor@example.org", Reason.ADDRESS_MALFORMED),
        ("=?utf-8?q?a=2cb?=@example.org", Reason.ADDRESS_MALFORMED),
        ("<" * 5000 + "@example.org", Reason.ADDRESS_TOO_LONG),
        (".ada@example.org", Reason.ADDRESS_MALFORMED),
        ("ada@example..org", Reason.ADDRESS_MALFORMED),
        ("ada@-example.org", Reason.ADDRESS_MALFORMED),
        ("ada@[192.0.2.1]", Reason.ADDRESS_MALFORMED),
        ('"ada"@example.org', Reason.ADDRESS_MALFORMED),
        ("ada@example.org\0", Reason.ADDRESS_MALFORMED),
        ("ada@example.org\r\nBcc: ben@example.org", Reason.ADDRESS_TWO_AT),
        ("a" * 65 + "@example.org", Reason.ADDRESS_MALFORMED),
        ("a@" + "b" * 260 + ".org", Reason.ADDRESS_TOO_LONG),
    ],
)
def test_an_invalid_address_is_refused_with_the_reason(typed, reason):
    with refused(reason):
        addresses.canonical(typed)


def test_an_address_that_only_becomes_too_long_in_ascii_is_refused():
    domain = ".".join(["bücher" + "b" * 46] * 4) + ".example"
    with refused(Reason.ADDRESS_TOO_LONG):
        addresses.canonical(f"ada.okafor@{domain}")


@given(anything)
def test_a_canonical_address_stays_the_same(text):
    try:
        once = addresses.canonical(text)
    except RuleError:
        return
    assert addresses.canonical(once) == once


@given(anything)
def test_a_canonical_address_is_safe_in_a_header_and_fits_the_column(text):
    try:
        address = addresses.canonical(text)
    except RuleError:
        return
    assert address.isascii()
    assert address == address.lower()
    assert not any(letter.isspace() or letter in '<>",;' for letter in address)
    assert address.count("@") == 1
    assert len(address) <= addresses.MAX_LENGTH


def test_an_internationalized_domain_is_checked_once(monkeypatch):
    looks = []
    known = addresses.validate_email
    monkeypatch.setattr(
        addresses, "validate_email", lambda *args, **kw: looks.append(args) or known(*args, **kw)
    )
    for _ in range(2):
        with refused(Reason.ADDRESS_MALFORMED):
            addresses.canonical("ada@bücher..example")
    assert len(looks) == 1


@given(st.emails())
def test_upper_and_lower_case_are_the_same_address(email):
    try:
        addresses.canonical(email)
    except RuleError:
        return
    assert addresses.canonical(email.upper()) == addresses.canonical(email)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ada.okafor@example.org", "a•••r@example.org"),
        ("annika@example.org", "a•••a@example.org"),
        ("noa@example.org", "n•••@example.org"),
        ("x@example.org", "x•••@example.org"),
    ],
)
def test_a_masked_address_is_recognized_by_its_owner_only(address, shown):
    assert addresses.masked(address) == shown


domains = st.from_regex(r"[a-z0-9-]{0,4}\.?[a-z0-9-]{1,4}[.][a-z0-9-]{1,4}", fullmatch=True)
reserved = st.sampled_from(SPECIAL_USE_DOMAIN_NAMES).map("a.{}".format)
long = st.integers(60, 66).map(lambda length: f"{'a' * length}.org")
locals_ = st.text("aB1.!#$%&'*+-/=?^_`{|}~", min_size=1, max_size=66)


@given(locals_ | st.just("x"), domains | reserved | long | st.just("example.org"))
def test_what_is_found_without_the_library_is_what_the_library_finds(local, domain):
    try:
        found = validate_email(f"{local}@{domain}", check_deliverability=False, strict=True)
        expected = "" if "=?" in local else f"{found.local_part}@{found.ascii_domain}".lower()
    except EmailNotValidError:
        expected = ""
    try:
        canonical = addresses.canonical(f"{local}@{domain}")
    except RuleError:
        canonical = ""
    assert canonical == expected
