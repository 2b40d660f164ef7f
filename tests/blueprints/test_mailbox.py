"""The Mailbox: mail that waits for a mail server, for the installer alone."""

import re

import pytest

from invites.core.settings import load_settings
from invites.factory import create_app
from invites.models import Delivery
from tests.support.populated_account import World, signed_in


@pytest.fixture
def delivery(world: World) -> Delivery:
    """The mail to somebody who was invited."""
    found: Delivery = Delivery.get(Delivery.invitation == world.rows.pending)
    return found


def test_the_installer_reads_the_mail_and_follows_its_link(
    world: World, delivery: Delivery
) -> None:
    olive = world.device("owner").open("/accounts").follow("Mailbox")
    olive.follow("pending@example.org")
    assert olive.url == f"/mailbox/{delivery.id}"
    assert olive.title == "Invitation"
    link = re.search(r"http://\S+/invitation/\S+", olive.page.select_one("pre").get_text())[0]
    assert world.device("nobody").open(link).status == 200


def test_the_html_part_stands_in_a_sandboxed_frame(world: World, delivery: Delivery) -> None:
    olive = world.device("owner").open(f"/mailbox/{delivery.id}")
    frame = olive.page.find("iframe")
    assert "allow-scripts" not in frame["sandbox"]
    policy = olive.open(frame["src"]).response.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("who", ["admin", "user", "stranger", "unconfirmed"])
def test_nobody_else_even_learns_that_it_is_there(
    world: World, delivery: Delivery, who: str
) -> None:
    browser = world.device(who)
    for place in ("", f"/{delivery.id}", f"/{delivery.id}/html"):
        assert browser.open(f"/mailbox{place}").status == 404
    assert "Mailbox" not in browser.open("/accounts").page.find("header").get_text()


@pytest.mark.parametrize("number", ["0", "987654", "9" * 30])
def test_mail_that_is_not_there_is_not_found(world: World, number: str) -> None:
    assert world.device("owner").open(f"/mailbox/{number}").status == 404


def test_mail_that_is_over_is_not_shown(world: World, delivery: Delivery) -> None:
    world.rows.pending.state = "revoked"
    world.rows.pending.save()
    olive = world.device("owner").open(f"/mailbox/{delivery.id}")
    assert "/invitation/" not in olive.response.text
    assert not olive.page.find("iframe")
    assert olive.open(f"/mailbox/{delivery.id}/html").status == 404


def test_with_a_mail_server_nobody_reads_other_peoples_mail(
    world: World, delivery: Delivery
) -> None:
    settings = world.app.extensions["invites"].settings
    app = create_app(
        load_settings(
            {"INVITES_DATA": str(settings.data), "INVITES_MAIL_SERVER": "mail.example.org"}
        )
    )
    olive = signed_in(app, world.rows.owner.user)
    assert "pending@example.org" not in olive.open("/mailbox").text
    assert olive.open(f"/mailbox/{delivery.id}").status == 404
    assert olive.open(f"/mailbox/{delivery.id}/html").status == 404
    assert "Mailbox" not in olive.open("/accounts").page.find("header").get_text()
