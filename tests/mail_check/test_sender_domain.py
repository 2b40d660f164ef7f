"""SPF and DMARC records, from a name server of the test's own."""

import dns.rcode
import pytest
from dns.resolver import NoResolverConfiguration, Resolver

from invites.mail_check import sender_domain
from invites.mail_check.sender_domain import Dmarc, Published, Spf
from tests.support.name_server import NameServer

DOMAIN = "mail.example.org"


def look(**records: bytes | list[bytes]) -> Published:
    """The result for these records; ``above``: the DMARC record of the domain above."""
    places = {"spf": DOMAIN, "dmarc": f"_dmarc.{DOMAIN}", "above": "_dmarc.example.org"}
    texts = {
        places[what]: [found] if isinstance(found, bytes) else found
        for what, found in records.items()
    }
    with NameServer(texts).listening() as resolver:
        return sender_domain.published(DOMAIN, resolver)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b"v=spf1 mx -all", Spf.FAIL),
        (b"v=spf1 include:spf.example.net ~all", Spf.SOFTFAIL),
        (b"V=SPF1 MX ~ALL", Spf.SOFTFAIL),
        (b"v=spf1 ?all", Spf.NEUTRAL),
        (b"v=spf1 mx", Spf.NEUTRAL),
        (b"v=spf1", Spf.NEUTRAL),
        (b"v=spf1 +all", Spf.PASS),
        (b"v=spf1 all", Spf.PASS),
        (b"v=spf1 redirect=_spf.example.net", Spf.REDIRECT),
        (b"v=spf1 -all redirect=_spf.example.net", Spf.FAIL),
        (b"v=spf1 " + b"ip4:192.0.2.1 " * 100 + b"-all", Spf.FAIL),
        (b"v=spf10 -all", Spf.MISSING),
        (b"google-site-verification=1", Spf.MISSING),
        ([], Spf.MISSING),
        ([b"v=spf1 mx -all", b"other"], Spf.FAIL),
        ([b"v=spf1 mx -all", b"v=spf1 a -all"], Spf.MULTIPLE),
    ],
)
def test_the_policy_of_an_spf_record_is_read(record, expected):
    assert look(spf=record).spf is expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b"v=DMARC1; p=none", Dmarc.NONE),
        (b"v=DMARC1;p=quarantine;rua=mailto:a@example.org", Dmarc.QUARANTINE),
        (b"v=DMARC1 ; p = Reject ; sp=none", Dmarc.REJECT),
        (b"v=DMARC1; p=sometimes", Dmarc.INVALID),
        (b"v=DMARC1", Dmarc.INVALID),
        ([b"v=DMARC1; p=none", b"v=DMARC1; p=reject"], Dmarc.MULTIPLE),
        (b"something else", Dmarc.MISSING),
        ([], Dmarc.MISSING),
    ],
)
def test_the_policy_of_a_dmarc_record_is_read(record, expected):
    assert look(dmarc=record).dmarc is expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b"v=DMARC1; p=reject", Dmarc.REJECT),
        (b"v=DMARC1; p=reject; sp=none", Dmarc.NONE),
    ],
)
def test_without_a_record_the_one_of_the_domain_above_applies(record, expected):
    found = look(above=record)
    assert (found.dmarc, found.dmarc_domain) == (expected, "example.org")


def test_the_record_of_the_domain_itself_applies_first():
    found = look(dmarc=b"v=DMARC1; p=none", above=b"v=DMARC1; p=reject")
    assert (found.dmarc, found.dmarc_domain) == (Dmarc.NONE, DOMAIN)


def test_only_a_few_domains_above_are_queried_and_no_top_level_domain():
    server = NameServer()
    with server.listening() as resolver:
        sender_domain.published("a.b.c.d.e.f.g.h.example.org", resolver)
        assert len(server.asked) == 6
        sender_domain.published("example.org", resolver)
        assert "_dmarc.org" not in server.asked


def test_records_are_shown_short_and_printable():
    found = look(spf=b"v=spf1 \x00\x1b[31m\xff\xe2\x80\xae " + b"x" * 5000 + b" -all")
    assert found.spf is Spf.FAIL
    [shown] = found.spf_records
    assert shown.isprintable()
    assert len(shown) == 500


def test_at_most_five_records_are_shown():
    found = look(spf=[b"v=spf1 ip4:192.0.2.%d" % number for number in range(12)])
    assert found.spf is Spf.MULTIPLE
    assert len(found.spf_records) == 5


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_if_the_name_server_fails_the_result_is_unknown(rcode):
    with NameServer(rcode=rcode).listening() as resolver:
        found = sender_domain.published(DOMAIN, resolver)
    assert (found.spf, found.dmarc) == (Spf.UNKNOWN, Dmarc.UNKNOWN)


def test_if_the_name_server_is_silent_the_result_is_unknown(monkeypatch):
    monkeypatch.setattr(sender_domain, "_QUERY_TIME", 0.1)
    server = NameServer(is_silent=True)
    with server.listening() as resolver:
        found = sender_domain.published(DOMAIN, resolver)
    assert (found.spf, found.dmarc) == (Spf.UNKNOWN, Dmarc.UNKNOWN)
    assert "_dmarc.example.org" not in server.asked


def test_without_a_name_server_the_result_is_unknown(monkeypatch):
    monkeypatch.setattr("dns.resolver.Resolver.read_resolv_conf", lambda *_: _no_configuration())
    found = sender_domain.published(DOMAIN, sender_domain.system_resolver())
    assert (found.spf, found.dmarc) == (Spf.UNKNOWN, Dmarc.UNKNOWN)


def _no_configuration():
    raise NoResolverConfiguration


def test_for_an_impossible_domain_the_result_is_unknown():
    found = sender_domain.published("x" * 80 + ".example.org", Resolver(configure=False))
    assert found.spf is Spf.UNKNOWN


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("example.org", True),
        ("example.xn--p1ai", True),
        ("localhost", False),
        ("192.0.2.1", False),
        ("[192.0.2.1]", False),
    ],
)
def test_some_domains_are_not_public(domain, expected):
    assert sender_domain.is_public(domain) is expected
