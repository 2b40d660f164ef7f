"""The Mailbox: mail that waits for a mail server, for the installer only."""

import re

import pytest

from invites.core.clock import utcnow
from invites.core.settings import load_settings
from invites.factory import create_app
from invites.members import installation
from invites.models import Delivery
from tests.support.populated_account import Site, signed_in, use_mail_server


@pytest.fixture
def delivery(site: Site) -> Delivery:
    """The mail of an invitation."""
    found: Delivery = Delivery.get(Delivery.invitation == site.rows.pending)
    return found


def test_the_installer_reads_a_mail_and_follows_its_link(site: Site, delivery: Delivery) -> None:
    olive = site.device("owner").open("/accounts").follow("Mailbox")
    olive.follow("pending@example.org")
    assert olive.url == f"/mailbox/{delivery.id}"
    assert olive.title == "Invitation"
    assert (
        olive.page.select_one("dl.properties dd").get_text()
        == "Riverside Relief <invites@localhost>"
    )
    link = re.search(r"http://\S+/invitation/\S+", olive.page.select_one("pre").get_text())[0]
    assert site.device("nobody").open(link).status == 200


def test_the_html_part_is_in_a_sandboxed_frame(site: Site, delivery: Delivery) -> None:
    olive = site.device("owner").open(f"/mailbox/{delivery.id}")
    frame = olive.page.find("iframe")
    assert "allow-scripts" not in frame["sandbox"]
    policy = olive.open(frame["src"]).response.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("who", ["admin", "user", "stranger", "unconfirmed"])
def test_for_everyone_else_it_does_not_exist(site: Site, delivery: Delivery, who: str) -> None:
    browser = site.device(who)
    for place in ("", f"/{delivery.id}", f"/{delivery.id}/html"):
        assert browser.open(f"/mailbox{place}").status == 404
    assert "Mailbox" not in browser.open("/accounts").page.find("header").get_text()


@pytest.mark.parametrize("number", ["0", "987654", "9" * 30])
def test_unknown_mail_is_not_found(site: Site, number: str) -> None:
    assert site.device("owner").open(f"/mailbox/{number}").status == 404


def test_withdrawn_mail_is_not_shown(site: Site, delivery: Delivery) -> None:
    site.rows.pending.state = "revoked"
    site.rows.pending.save()
    olive = site.device("owner").open(f"/mailbox/{delivery.id}")
    assert "/invitation/" not in olive.response.text
    assert not olive.page.find("iframe")
    assert olive.open(f"/mailbox/{delivery.id}/html").status == 404


def test_with_a_mail_server_nobody_reads_other_peoples_mail(site: Site, delivery: Delivery) -> None:
    settings = site.app.extensions["invites"].settings
    app = create_app(
        load_settings(
            {"INVITES_DATA": str(settings.data), "INVITES_MAIL_SERVER": "mail.example.org"}
        )
    )
    olive = signed_in(app, site.rows.owner.user)
    assert "pending@example.org" not in olive.open("/mailbox").text
    assert olive.open(f"/mailbox/{delivery.id}").status == 404
    assert olive.open(f"/mailbox/{delivery.id}/html").status == 404
    assert "Mailbox" not in olive.open("/accounts").page.find("header").get_text()


def test_https_without_a_trusted_proxy_is_warned_of(site: Site) -> None:
    assert "INVITES_TRUSTED_PROXIES" not in site.device("owner").open("/mailbox").text
    use_mail_server(site.app, None, base_url="https://invites.example.org")
    assert "Set INVITES_TRUSTED_PROXIES" in site.device("owner").open("/mailbox").text


def test_a_failed_backup_is_shown(site: Site) -> None:
    olive = site.device("owner")
    assert "backup" not in olive.open("/mailbox").text
    installation.record_failed_backup(utcnow(), "/backups: No space left on device")
    assert "The last backup failed" in olive.open("/mailbox").text
    assert "/backups: No space left on device" in olive.text
