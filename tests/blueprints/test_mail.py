"""The Mail page: configuration, test mail, DNS records, throttle."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from email.headerregistry import Address
from enum import StrEnum

import pytest

from invites.core.clock import utcnow
from invites.core.settings import MailServer
from invites.mail_check import sender_domain
from invites.mail_check.diagnosis import Diagnosis
from invites.mail_check.sender_domain import Dmarc, Spf
from invites.members import installation
from invites.outbox import heartbeat, throttle
from invites.outbox.throttle import Limits
from invites.web import mail_labels
from tests.support.browsing import HTMX, Browser
from tests.support.name_server import NameServer
from tests.support.populated_account import Site, use_mail_server
from tests.support.smtp_server import SmtpServer, free_port

SENDER = Address("Riverside", addr_spec="invites@riverside.example.org")

Configure = Callable[..., Browser]


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    with SmtpServer().open() as smtp_server:
        yield smtp_server


@pytest.fixture
def configured(site: Site) -> Configure:
    """Olive's device in an installation with a mail server and these settings."""

    def configure(port: int = 587, box: dict[str, object] | None = None, **more: object) -> Browser:
        plain = {"username": None, "password": None, "use_tls": False, "use_ssl": False}
        server = MailServer("127.0.0.1", port, **plain | more)
        use_mail_server(site.app, server, **{"mail_from": SENDER} | (box or {}))
        return site.device("owner")

    return configure


class TestConfiguration:
    def test_it_replaces_the_mailbox(self, configured: Configure) -> None:
        olive = configured().open("/accounts").follow("Mail")
        assert (olive.url, olive.title) == ("/mail", "Mail")
        assert olive.open("/mailbox").url == "/mail"

    def test_without_a_mail_server_it_redirects_to_the_mailbox(self, site: Site) -> None:
        olive = site.device("owner").open("/accounts")
        assert "Mail" not in [a.get_text(strip=True) for a in olive.page.select("header a")]
        for place in ("/mail", "/mail/dns-records"):
            assert olive.open(place).url == "/mailbox"

    @pytest.mark.parametrize("who", ["admin", "user", "stranger", "unconfirmed"])
    def test_for_everyone_else_it_does_not_exist(
        self, configured: Configure, site: Site, who: str
    ) -> None:
        configured()
        browser = site.device(who)
        for place in ("/mail", "/mail/dns-records"):
            assert browser.open(place).status == 404
        names = [a.get_text(strip=True) for a in browser.open("/accounts").page.select("header a")]
        assert "Mail" not in names

    def test_everything_but_the_password_is_shown(self, configured: Configure) -> None:
        olive = configured(2587, use_tls=True, username="ida", password="s3cret-word").open("/mail")
        for told in ("127.0.0.1", "2587", "STARTTLS", "ida", "invites@riverside.example.org"):
            assert told in olive.text
        assert "s3cret-word" not in olive.response.text

    def test_the_state_of_the_worker_is_shown(self, configured: Configure) -> None:
        olive = configured()
        assert "isn't running" in olive.open("/mail").text
        heartbeat.record(utcnow(), "421 Too many connections")
        assert "421 Too many connections" in olive.open("/mail").text
        heartbeat.record(utcnow())
        assert "running" in olive.open("/mail").text

    def test_how_the_last_backup_went_is_shown(self, configured: Configure) -> None:
        olive = configured()
        assert "Last backup none yet" in olive.open("/mail").text
        installation.record_backup(utcnow())
        assert "none yet" not in olive.open("/mail").text
        assert "no backup since" not in olive.text
        installation.record_failed_backup(utcnow(), "/backups: <No> space left")
        assert "The last backup failed" in olive.open("/mail").text
        assert "/backups: <No> space left" in olive.text
        installation.record_backup(utcnow() - timedelta(days=4))
        assert "There has been no backup since" in olive.open("/mail").text
        assert "backup failed" not in olive.text

    def test_a_base_url_of_this_machine_is_warned_of(self, configured: Configure) -> None:
        assert "which works only on this machine" in configured().open("/mail").text
        public = {"base_url": "https://invites.example.org"}
        assert "works only on this machine" not in configured(box=public).open("/mail").text

    def test_https_without_a_trusted_proxy_is_warned_of(self, configured: Configure) -> None:
        public: dict[str, object] = {"base_url": "https://invites.example.org"}
        assert "Set INVITES_TRUSTED_PROXIES" in configured(box=public).open("/mail").text
        public["trusted_proxies"] = 1
        assert "INVITES_TRUSTED_PROXIES" not in configured(box=public).open("/mail").text

    def test_an_unencrypted_password_is_warned_of(self, configured: Configure, site: Site) -> None:
        known = {"username": "ida", "password": "s3cret-word"}
        assert "unencrypted" not in configured(**known).open("/mail").text
        server = MailServer("mail.example.org", 25, **known, use_tls=False, use_ssl=False)
        use_mail_server(site.app, server)
        assert "unencrypted" in site.device("owner").open("/mail").text


class TestTestMail:
    def test_it_goes_to_ones_own_address_by_default(
        self, configured: Configure, smtp_server: SmtpServer
    ) -> None:
        olive = configured(smtp_server.port).open("/mail").press("Send a test email")
        assert olive.status == 200
        assert olive.title == "Mail"
        assert "The server accepted the email" in olive.text
        assert "Recipient olive@example.org accepted" in olive.text
        assert "250 Taken" in olive.text
        assert not olive.page.select(".step.failed")
        olive.press("Send a test email", email=" Ida@Example.NET ")
        assert smtp_server.recipients == ["olive@example.org", "ida@example.net"]
        assert smtp_server.received[0].sender == "invites@riverside.example.org"

    @pytest.mark.parametrize(
        "wrong", ["", "nobody", "a@example.org, b@example.org", "a@example.org\r\nBcc: b@x.org"]
    )
    def test_an_invalid_address_is_refused_and_kept(
        self, configured: Configure, smtp_server: SmtpServer, wrong: str
    ) -> None:
        olive = configured(smtp_server.port).open("/mail").press("Send a test email", email=wrong)
        assert olive.status == 422
        assert olive.page.select_one("#email-error")
        assert olive.page.select_one("#email")["value"].split() == wrong.split()
        assert smtp_server.received == []

    def test_a_failed_step_is_shown_with_advice(self, configured: Configure) -> None:
        olive = configured(free_port()).open("/mail").press("Send a test email")
        assert olive.status == 200
        assert "doesn't accept connections on this port" in olive.text
        [failed] = olive.page.select(".step.failed")
        assert "Connection refused" in failed.get_text()

    def test_replies_of_the_server_are_escaped(
        self, configured: Configure, smtp_server: SmtpServer
    ) -> None:
        smtp_server.refusals["olive@example.org"] = "550 <script>alert(1)</script> %(host)s"
        olive = configured(smtp_server.port).open("/mail").press("Send a test email")
        assert "550 <script>alert(1)</script> %(host)s" in olive.text
        assert not olive.page.select("main script")

    def test_htmx_gets_the_section_and_a_notice(
        self, configured: Configure, smtp_server: SmtpServer
    ) -> None:
        olive = configured(smtp_server.port).open("/mail")
        olive.htmx = True
        olive.press("Send a test email")
        assert "<html" not in olive.response.text
        assert olive.page.find(True)["id"] == "test_mail"
        assert "accepted the test email" in olive.page.select_one("[hx-swap-oob]").get_text()

        smtp_server.refusals["olive@example.org"] = "550 No"
        olive.post("/mail/test-mail", {"email": "olive@example.org"} | _token(olive))
        assert "The test email wasn't sent" in olive.page.select_one("[hx-swap-oob]").get_text()

    def test_there_are_at_most_ten_an_hour(
        self, configured: Configure, smtp_server: SmtpServer
    ) -> None:
        olive = configured(smtp_server.port)
        statuses = [
            olive.open("/mail").press("Send a test email", email=f"a{n}@example.org").status
            for n in range(11)
        ]
        assert statuses == [200] * 10 + [429]
        assert len(smtp_server.received) == 10


@pytest.mark.parametrize(
    ("codes", "words"),
    [(Diagnosis, mail_labels.DIAGNOSIS), (Spf, mail_labels.SPF), (Dmarc, mail_labels.DMARC)],
    ids=["advice", "SPF", "DMARC"],
)
def test_every_finding_has_a_label(codes: type[StrEnum], words: dict[StrEnum, object]) -> None:
    assert set(words) == set(codes)


def _token(browser: Browser) -> dict[str, str]:
    return {"csrf_token": str(browser.page.select_one("[name=csrf_token]")["value"])}


class TestDnsRecords:
    RECORDS = {
        "riverside.example.org": [b"v=spf1 include:<b>spf</b>.example.net -all"],
        "_dmarc.example.org": [b"v=DMARC1; p=reject"],
    }

    @pytest.fixture(autouse=True)
    def _name_server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.server = NameServer(self.RECORDS)
        with self.server.listening() as resolver:
            monkeypatch.setattr(sender_domain, "system_resolver", lambda: resolver)
            yield

    def test_the_page_loads_without_it(self, configured: Configure) -> None:
        part = configured().open("/mail").page.select_one("#dns-records")
        assert (part["hx-get"], part["hx-trigger"]) == ("/mail/dns-records", "load")
        assert self.server.asked == []

    def test_it_is_shown_with_and_without_htmx(self, configured: Configure) -> None:
        olive = configured().open("/mail").follow("Look up the records")
        assert olive.title == "Mail"
        for told in ("(-all)", "<b>spf</b>", "(p=reject)", "_dmarc.example.org", "DKIM"):
            assert told in olive.text
        fragment = olive.open("/mail/dns-records", headers=HTMX)
        assert fragment.page.find(True)["id"] == "dns-records"
        assert "<html" not in fragment.response.text
        assert "hx-trigger" not in fragment.response.text

    def test_a_missing_record_has_an_example(self, configured: Configure) -> None:
        self.server.records = {}
        olive = configured().open("/mail/dns-records")
        examples = [pre.get_text() for pre in olive.page.select("#dns-records pre")]
        assert examples == ["v=spf1 mx ~all", "v=DMARC1; p=none"]
        assert "_dmarc.riverside.example.org" in olive.text

    def test_without_an_answer_of_dns_nothing_is_claimed(
        self, configured: Configure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sender_domain, "_QUERY_TIME", 0.1)
        self.server.is_silent = True
        olive = configured().open("/mail/dns-records")
        assert olive.text.count("DNS didn't answer") == 2
        assert not olive.page.select("#dns-records pre")

    def test_a_sender_without_a_public_domain_is_reported(self, configured: Configure) -> None:
        local = {"mail_from": Address("Invites", "invites", "localhost")}
        assert "can't look up this domain" in (configured(box=local).open("/mail/dns-records").text)
        assert self.server.asked == []


class TestThrottle:
    def test_it_is_shown_and_changed(self, configured: Configure) -> None:
        olive = configured().open("/mail")
        assert olive.page.select_one("#per_minute")["value"] == ""
        assert olive.page.select_one("#connections")["value"] == "4"
        olive.press("Save", per_minute="30", connections="2")
        assert throttle.read() == Limits(30, 2)
        assert "Saved" in olive.text
        assert olive.page.select_one("#per_minute")["value"] == "30"
        olive.press("Save", per_minute=" 100000 ")
        assert throttle.read() == Limits(100_000, 2)
        for empty in ("", "  "):
            olive.press("Save", per_minute=empty)
            assert throttle.read() == Limits(None, 2)

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("per_minute", "a few"),
            ("per_minute", "100001"),
            ("connections", "33"),
            ("connections", ""),
        ],
    )
    def test_an_invalid_number_is_refused_and_kept(
        self, configured: Configure, field: str, wrong: str
    ) -> None:
        typed = {"per_minute": "30", "connections": "2"} | {field: wrong}
        olive = configured().open("/mail").press("Save", **typed)
        assert olive.status == 422
        assert "whole number from 1 to" in olive.page.select_one(f"#{field}-error").get_text()
        for name, value in typed.items():
            assert olive.page.select_one(f"#{name}")["value"] == value
        assert throttle.read() == Limits()
