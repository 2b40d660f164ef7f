"""Suggestions for invalid addresses, and addresses that look misspelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.core import addresses
from invites.core.errors import Reason
from invites.lists import mail_providers
from invites.lists.suggestions import (
    addresses_in,
    corrected,
    finds_all_addresses,
    has_several_addresses,
    is_role,
    suggestion,
)

near_misses = st.text(alphabet="ad@.,; <>\"'()wgmailcon/?|-_\n", max_size=60)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ada @example.org", "ada@example.org"),
        ("ada@ example.org", "ada@example.org"),
        ("ada@example .org", "ada@example.org"),
        ("ada@example. org", "ada@example.org"),
        ("ada@gmail com", "ada@gmail.com"),
        ("<ada@example.org>", "ada@example.org"),
        ("ada@example.org>", "ada@example.org"),
        ("Ada Okafor <ada@example.org", "ada@example.org"),
        ("Ada Okafor ada@example.org", "ada@example.org"),
        ("ada@example.org (at home)", "ada@example.org"),
        ("ada@gmailcom", "ada@gmail.com"),
        ("ada@gmail", "ada@gmail.com"),
        ("ada@yahoocouk", "ada@yahoo.co.uk"),
        ("ada at gmail.com", "ada@gmail.com"),
        ("ada AT gmail.com", "ada@gmail.com"),
        ("ada (at) example (dot) org", "ada@example.org"),
        ("ada[at]example[dot]org", "ada@example.org"),
        ("ada@@example.org", "ada@example.org"),
        ("@ada@example.org", "ada@example.org"),
        ("ada@gmail,com", "ada@gmail.com"),
        ("ada,okafor@example.org", "ada.okafor@example.org"),
        ("ada..okafor@example..org", "ada.okafor@example.org"),
        (".ada@example.org", "ada@example.org"),
        ("ada@example.org.", "ada@example.org"),
        ("ada@example.org,", "ada@example.org"),
        ("ada@example.org;", "ada@example.org"),
        ('"ada@example.org"', "ada@example.org"),
        ("“ada@example.org”", "ada@example.org"),
        ("mailto:ada@example.org", "ada@example.org"),
        ("mailto:ada@example.org?subject=Hello", "ada@example.org"),
        ("E-Mail: ada@example.org", "ada@example.org"),
        ("adagmail.com", "ada@gmail.com"),
        ("ada.gmail.com", "ada@gmail.com"),
        ("ada\uff20example.org", "ada@example.org"),
        ("Ada@@Example.ORG", "ada@example.org"),
        ("ada@@gmial.com", "ada@gmail.com"),
        ("ada@example.org, ben@example.org", "ada@example.org"),
        ("space man@example.org", "spaceman@example.org"),
        ("ada@example.co m", "ada@example.com"),
        ("jim (at) example (dot) net", "jim@example.net"),
        ("Space Man@example.org", "spaceman@example.org"),
        ("space man@gmial.com", "spaceman@gmail.com"),
        ("Ada ada@example.org", "ada@example.org"),
        ("ada ada.okafor@example.org", "ada.okafor@example.org"),
        ("Ada a.okafor@example.org", "a.okafor@example.org"),
        ("private: a.okafor@example.org", "a.okafor@example.org"),
    ],
)
def test_the_likely_address_is_suggested(written, meant):
    assert suggestion(written, None) == meant


@pytest.mark.parametrize(
    "written",
    [
        *("", "nobody", "Ada Okafor", "n/a", "+44 20 7946 0000", "gmail.com", "@", "@@@", "a@b"),
        *("ada@telecom", "jörg@example.org", "ada@printer.local", "x" * 100_000),
    ],
)
def test_nothing_is_suggested_for_what_may_mean_anything(written):
    assert suggestion(written, None) == ""


@pytest.mark.parametrize(
    ("written", "two"),
    [
        ("ada@example.org, ben@example.org", True),
        ("ada@example.org;ben@example.org", True),
        ("ada@example.org,ben@example.org", True),
        ("ada@example.org/ben@example.org", True),
        ("ada@example.org and ben@example.org", True),
        ("ada@example.org\nben@example.org", True),
        ("; ".join(f"person{n}@example.org" for n in range(100)), True),
        ("ada@example.org", False),
        ("ada@@example.org", False),
        ("@ada@example.org", False),
        ("ada@home@example.org", False),
        ("ada@example.org, Ben", False),
    ],
)
def test_two_addresses_are_told_from_a_broken_one(written, two):
    assert has_several_addresses(written) is two


@pytest.mark.parametrize(
    ("written", "found", "all_of_it"),
    [
        ("ada@example.org; BEN@example.org", ["ada@example.org", "ben@example.org"], True),
        ("ada@gmial.com / ben@example.org", ["ada@gmail.com", "ben@example.org"], True),
        ("ada@example.org, ADA@example.org", ["ada@example.org"], True),
        ("a@b.org c@d.org e@f.org", ["a@b.org", "c@d.org", "e@f.org"], True),
        ("a@b.org c@d.org e@f.org g@h.org", ["a@b.org", "c@d.org", "e@f.org"], False),
        (
            "ada@example.org, ben@x@y, cem@example.org",
            ["ada@example.org", "cem@example.org"],
            False,
        ),
    ],
)
def test_each_of_two_addresses_can_be_chosen(written, found, all_of_it):
    assert addresses_in(written) == found
    assert finds_all_addresses(written) is all_of_it


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *((wrong, "gmail.com") for wrong in ("gmial.com", "gamil.com", "gmai.com", "gnail.com")),
        *((wrong, "gmail.com") for wrong in ("gmal.com", "gmaill.com", "ggmail.com", "mgail.com")),
        *((wrong, "gmail.com") for wrong in ("gmail.con", "gmail.co", "gmail.cm", "gmail.comm")),
        *((wrong, "gmail.com") for wrong in ("gmail.com.com", "gmial.con", "gmsil.cmo")),
        *((wrong, "hotmail.com") for wrong in ("hotmial.com", "hormail.com", "hotmai.com")),
        *((wrong, "yahoo.com") for wrong in ("yaho.com", "yahooo.com", "yhoo.com", "yahoo.co")),
        *((wrong, "outlook.com") for wrong in ("outlok.com", "oultook.com", "outlook.vom")),
        *((wrong, "icloud.com") for wrong in ("icloud.co", "iclod.com", "iclould.com")),
        ("protonmail.con", "protonmail.com"),
        ("yaho.co.uk", "yahoo.co.uk"),
        ("hotmial.fr", "hotmail.fr"),
        ("comcast.nte", "comcast.net"),
        ("web.ed", "web.de"),
        ("gmx.ent", "gmx.net"),
        ("gmx.dee", "gmx.de"),
        ("example.con", "example.com"),
        ("mail.example.ogr", "mail.example.org"),
        ("example.nte", "example.net"),
        ("yahoo.com.con", "yahoo.com"),
    ],
)
def test_a_typo_in_a_large_providers_domain_is_corrected(written, meant):
    assert corrected(f"ada@{written}") == f"ada@{meant}"


def test_no_mailbox_begins_with_www():
    assert corrected("www.ada@example.org") == "ada@example.org"
    assert corrected("wwwada@example.org") == ""


REAL = (
    "example.org mail.com ymail.com email.com gail.com cloud.com me.com mac.com msn.com aol.com "
    "aol.co.uk aim.com gmx.co.uk gmx.us gmx.li gmx.fr live.com live.nl live.co.uk mail.ru mail.de "
    "inbox.com web.com hey.com pm.me proton.me tuta.com zoho.com yandex.ru ya.ru qq.com 163.com "
    "rocketmail.com hushmail.com fastmail.fm fastmail.com posteo.de mailbox.org orange.fr free.fr "
    "libero.it seznam.cz wp.pl o2.pl naver.com bigpond.com shaw.ca rogers.com cox.net att.net "
    "wahoo.com grail.com snail.com outlook.org yahoo.co.za hotmail.gr harvard.edu example.co "
    "example.cm example.om telecom.com t-online.de tonline.de googlemail.com nextgmail.com"
)


@pytest.mark.parametrize("domain", [*REAL.split(), *mail_providers.domains()])
def test_a_real_domain_is_left_alone(domain):
    assert corrected(f"ada@{domain}") == ""


def test_the_suggestion_for_a_misspelled_address_is_its_correction():
    assert suggestion("Ada@GMIAL.com", Reason.ADDRESS_MISSPELLED) == "ada@gmail.com"


@pytest.mark.parametrize("local", ["info", "noreply", "no-reply", "office", "admin", "postmaster"])
def test_role_addresses_are_recognized(local):
    assert is_role(f"{local}@example.org")
    assert not is_role(f"{local}.ada@example.org")


@given(st.text() | near_misses | st.emails(), st.none() | st.sampled_from(Reason))
def test_a_suggestion_is_canonical_and_correctly_spelled(text, problem):
    meant = suggestion(text, problem)
    if meant:
        assert addresses.canonical(meant) == meant
        assert corrected(meant) == ""
