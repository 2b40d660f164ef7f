"""Mail sent through a real SMTP server, and what its replies lead to."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from flask import Flask

from invites import db
from invites.core.roles import Role
from invites.invitations import manage
from invites.members import answers, memberships
from invites.models import (
    Account,
    Delivery,
    DeliveryState,
    EmailTokenPurpose,
    Invitation,
    Membership,
)
from invites.outbox import heartbeat
from invites.people import email_tokens
from invites.sending import smtp_socket
from invites.sending.smtp_replies import ServerUnavailable
from invites.sending.worker import Worker
from tests.support.actions import invite, send
from tests.support.people import People, make_user
from tests.support.scripted_smtp_server import ScriptedServer
from tests.support.sending_actions import drain
from tests.support.smtp_fixtures import CERTIFICATE, MakeWorker, worker_of
from tests.support.smtp_server import SmtpServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning"),  # on purpose
]


def delivery(email: str) -> Delivery:
    """The newest delivery to an address."""
    found: Delivery = (
        Delivery.select().where(Delivery.recipient == email).order_by(Delivery.id.desc()).get()
    )
    return found


def due_now() -> None:
    """Makes all retries due."""
    Delivery.update(due_at=Delivery.created_at).execute()


class TestMessages:
    def test_people_with_and_without_a_profile_get_different_mails(
        self, smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
    ) -> None:
        make_user("Kim Known", "kim@example.org", now)
        send(owner, now, "new@example.org", "kim@example.org")
        assert drain(worker) == 2
        assert smtp_server.to("new@example.org")["Subject"] == "Invitation"
        assert smtp_server.to("kim@example.org")["Subject"] == "Invitation for Riverside Relief"

    def test_every_person_gets_a_separate_mail(
        self, smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
    ) -> None:
        people = [f"person{n}@example.org" for n in range(45)]
        send(owner, now, *people)
        drain(worker)
        assert [message.recipients for message in smtp_server.received] == [
            [person] for person in people
        ]
        assert all(message.mail["To"] == message.recipients[0] for message in smtp_server.received)
        for message in smtp_server.received:
            assert "Cc" not in message.mail
            assert "Bcc" not in message.mail

    def test_a_mail_has_a_text_and_an_html_part(
        self, smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
    ) -> None:
        invite(owner, now)
        drain(worker)
        mail = smtp_server.to("new@example.org")
        assert mail.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in mail.iter_parts()] == [
            "text/plain",
            "text/html",
        ]
        assert smtp_server.received[0].raw.isascii()

    def test_a_mail_has_the_headers_of_an_automatic_message(
        self,
        smtp_server: SmtpServer,
        worker: Worker,
        owner: Membership,
        account: Account,
        now: datetime,
    ) -> None:
        account.reply_to = "help@riverside.example"
        account.save()
        invite(owner, now)
        drain(worker)
        mail = smtp_server.to("new@example.org")
        assert smtp_server.received[0].sender == "invites@box.example"
        assert mail["From"] == "Riverside Relief <invites@box.example>"
        assert mail["Reply-To"] == "help@riverside.example"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert abs(parsedate_to_datetime(mail["Date"]) - now) < timedelta(minutes=1)
        assert re.fullmatch(r"<[^@<>\s]+@box\.example>", mail["Message-ID"])

    @pytest.mark.parametrize(
        "name",
        [
            "Smith, Jones & Co",
            'The "Quoted" Trust',
            "Förderverein Öl",
            "救援隊",
            "a" * 100,
            "Smith, Jones, " * 6 + "& Co",
            "<b>@",
            "Association for the Protection of Waterways, Wetlands and Meadows of the Valley, e.V.",
        ],
    )
    def test_the_account_name_is_the_display_name_of_the_sender(
        self,
        smtp_server: SmtpServer,
        worker: Worker,
        owner: Membership,
        account: Account,
        now: datetime,
        name: str,
    ) -> None:
        account.name = name
        account.save()
        make_user("Kim Known", "new@example.org", now)
        invite(owner, now)
        drain(worker)
        mail = smtp_server.to("new@example.org")
        [sender] = mail["From"].addresses
        assert (sender.display_name, sender.addr_spec) == (name, "invites@box.example")
        assert mail["Subject"] == f"Invitation for {name}"

    def test_the_link_in_the_mail_opens_the_invitation(
        self,
        smtp_server: SmtpServer,
        make_worker: MakeWorker,
        mailing_app: Callable[..., Flask],
        owner: Membership,
        now: datetime,
    ) -> None:
        base = {"INVITES_BASE_URL": "https://box.example"}
        invite(owner, now)
        drain(make_worker(**base))
        text = smtp_server.to("new@example.org").get_body(("plain",)).get_content()
        link = re.search(r"https://box\.example(/invitation/\S+)", text)
        browser = mailing_app(has_pages=True, **base).test_client()
        page = browser.get(link[1], base_url="https://box.example")
        assert page.status_code == 200
        assert "Olive Martin" in page.text

    def test_a_profile_created_after_the_invitation_counts(
        self, smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
    ) -> None:
        invite(owner, now)
        make_user("Just There", "new@example.org", now)
        drain(worker)
        assert smtp_server.to("new@example.org")["Subject"] == "Invitation for Riverside Relief"

    @pytest.mark.parametrize("purpose", EmailTokenPurpose)
    def test_an_email_token_is_sent_to_its_address(
        self,
        smtp_server: SmtpServer,
        worker: Worker,
        owner: Membership,
        now: datetime,
        purpose: EmailTokenPurpose,
    ) -> None:
        email_tokens.send_link(owner.user, purpose, "olive@new.example", now)
        drain(worker)
        assert smtp_server.recipients == ["olive@new.example"]


def _revoke(owner: Membership, invitation: Invitation, now: datetime) -> None:
    manage.revoke(owner, invitation, now)


def _accept(_owner: Membership, invitation: Invitation, now: datetime) -> None:
    answers.accept(invitation, make_user("Noa", invitation.email, now), now)


def _decline(_owner: Membership, invitation: Invitation, now: datetime) -> None:
    answers.decline(invitation, now)


def _expire(_owner: Membership, invitation: Invitation, now: datetime) -> None:
    Invitation.update(expires_at=now).where(Invitation.id == invitation.id).execute()


def _demote_the_inviter(owner: Membership, _invitation: Invitation, _now: datetime) -> None:
    Membership.update(role=Role.USER).where(Membership.id == owner.id).execute()


class TestWithdrawn:
    @pytest.mark.parametrize("happens", [_revoke, _accept, _decline, _expire, _demote_the_inviter])
    def test_mail_for_a_closed_invitation_is_withdrawn(
        self,
        smtp_server: SmtpServer,
        worker: Worker,
        owner: Membership,
        now: datetime,
        happens: Callable[[Membership, Invitation, datetime], None],
    ) -> None:
        happens(owner, invite(owner, now), now)
        drain(worker)
        assert smtp_server.received == []
        assert delivery("new@example.org").state == DeliveryState.WITHDRAWN

    def test_a_used_link_is_not_sent(
        self, smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
    ) -> None:
        email_tokens.send_link(owner.user, EmailTokenPurpose.RESET_PASSWORD, owner.user.email, now)
        email_tokens.close_links(owner.user, EmailTokenPurpose.RESET_PASSWORD, now)
        drain(worker)
        assert smtp_server.received == []

    def test_sent_mail_is_not_sent_again(
        self, smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
    ) -> None:
        invite(owner, now)
        drain(worker)
        due_now()
        assert drain(worker) == 0
        assert len(smtp_server.received) == 1

    @pytest.mark.parametrize(
        "evil",
        [
            "\r\nBcc: all@example.org",
            "=?utf-8?q?=0D=0ABcc=3A_all=40example=2Eorg?=",
            "\n",
            "\x0b",
            "\x00",
            "\u2028",
        ],
    )
    def test_a_control_character_never_reaches_a_header_and_does_not_block_other_mail(
        self,
        smtp_server: SmtpServer,
        worker: Worker,
        people: People,
        account: Account,
        now: datetime,
        evil: str,
    ) -> None:
        account.name = f"Riverside{evil}"  # no rule lets it in; this is the second barrier
        account.save()
        send(people[Role.OWNER], now, people.stranger.user.email, "new@example.org")
        invite(people.stranger, now, "other@example.org")
        drain(worker)
        assert smtp_server.recipients == ["other@example.org"]
        assert delivery("new@example.org").state == DeliveryState.FAILED


class TestReplies:
    @pytest.mark.parametrize("where", ["refusals", "data_refusals"])
    @pytest.mark.parametrize(
        ("reply", "state"),
        [
            ("550 5.1.1 No such person", DeliveryState.FAILED),
            ("552 5.2.2 The mailbox is full", DeliveryState.FAILED),
            ("554 5.7.1 Spam", DeliveryState.FAILED),
            ("450 4.2.1 Try later", DeliveryState.QUEUED),
            ("451 4.3.0 Greylisted", DeliveryState.QUEUED),
        ],
    )
    def test_a_refused_mail_fails_or_is_deferred_with_the_servers_reply(
        self,
        smtp_server: SmtpServer,
        worker: Worker,
        owner: Membership,
        now: datetime,
        where: str,
        reply: str,
        state: DeliveryState,
    ) -> None:
        getattr(smtp_server, where)["bad@example.org"] = reply
        send(owner, now, "bad@example.org", "good@example.org")
        drain(worker)
        bad = delivery("bad@example.org")
        assert (bad.state, f"{bad.reply_code} {bad.reply_text}") == (state, reply)
        assert smtp_server.recipients == ["good@example.org"]

    def test_a_retried_mail_has_the_same_message_id(
        self, smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
    ) -> None:
        smtp_server.hang_up_after_data = True
        invite(owner, now)
        with pytest.raises(ServerUnavailable):
            drain(worker)
        waiting = delivery("new@example.org")
        assert (waiting.state, waiting.unknown_outcomes) == (DeliveryState.QUEUED, 1)
        assert waiting.due_at > now + timedelta(seconds=45)
        assert drain(worker) == 0
        due_now()
        drain(worker)
        first, second = (message.mail["Message-ID"] for message in smtp_server.received)
        assert first == second

    def test_two_mails_never_have_the_same_message_id(
        self, smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
    ) -> None:
        send(owner, now, "one@example.org", "two@example.org")
        drain(worker)
        invitation = Invitation.get(Invitation.email == "one@example.org")
        manage.resend(owner, invitation, now)
        drain(worker)
        assert len({message.mail["Message-ID"] for message in smtp_server.received}) == 3

    def test_a_server_that_refuses_to_relay_causes_an_outage(
        self, smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
    ) -> None:
        smtp_server.refusals["one@example.org"] = "554 5.7.1 Relay access denied"
        send(owner, now, "one@example.org", "two@example.org")
        with pytest.raises(ServerUnavailable, match="Relay access denied"):
            drain(worker)
        assert delivery("one@example.org").state == DeliveryState.QUEUED
        assert delivery("two@example.org").state == DeliveryState.QUEUED

    @pytest.mark.parametrize(
        "words",
        [
            "550 5.1.1 <{}>: Recipient address rejected: User unknown",
            "550 5.1.2 Unknown host mx.relay.example.org.",
            "550 5.1.1 No such user. https://support.example.org/authentication/",
        ],
    )
    def test_an_unknown_recipient_called_relay_causes_no_outage(
        self, smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime, words: str
    ) -> None:
        unknown = "relay@authenticators.example.org"
        smtp_server.refusals[unknown] = words.format(unknown)
        send(owner, now, unknown, "two@example.org")
        drain(worker)
        assert delivery(unknown).state == DeliveryState.FAILED
        assert delivery("two@example.org").state == DeliveryState.SENT

    @pytest.mark.parametrize("where", ["refusals", "data_refusals"])
    def test_a_server_that_shuts_down_causes_an_outage(
        self,
        smtp_server: SmtpServer,
        worker: Worker,
        owner: Membership,
        now: datetime,
        where: str,
    ) -> None:
        getattr(smtp_server, where)["one@example.org"] = "421 4.3.2 Shutting down"
        send(owner, now, "one@example.org", "two@example.org")
        with pytest.raises(ServerUnavailable, match="Shutting down"):
            drain(worker)
        assert delivery("one@example.org").state == DeliveryState.QUEUED
        assert delivery("two@example.org").state == DeliveryState.QUEUED
        assert delivery("two@example.org").attempts == 0
        drain(worker)
        assert smtp_server.recipients == ["two@example.org"]

    def test_a_wrong_password_causes_an_outage(
        self,
        stopped_smtp_server: SmtpServer,
        make_worker: MakeWorker,
        owner: Membership,
        now: datetime,
    ) -> None:
        invite(owner, now)
        login = {"INVITES_MAIL_USERNAME": "box", "INVITES_MAIL_PASSWORD": "wrong"}
        with (
            stopped_smtp_server.open(asks_password=True),
            pytest.raises(ServerUnavailable, match="535"),
        ):
            drain(make_worker(**login))
        assert set(stopped_smtp_server.passwords) == {b"wrong"}
        assert delivery("new@example.org").state == DeliveryState.QUEUED

    def test_mail_is_sent_after_a_login(
        self,
        stopped_smtp_server: SmtpServer,
        make_worker: MakeWorker,
        owner: Membership,
        now: datetime,
    ) -> None:
        invite(owner, now)
        login = {"INVITES_MAIL_USERNAME": "box", "INVITES_MAIL_PASSWORD": "right"}
        with stopped_smtp_server.open(asks_password=True):
            drain(make_worker(**login))
        assert stopped_smtp_server.recipients == ["new@example.org"]

    def test_no_mail_is_lost_while_the_server_is_down(
        self, stopped_smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
    ) -> None:
        invite(owner, now)
        with pytest.raises(ServerUnavailable, match="refused"):
            drain(worker)
        assert delivery("new@example.org").attempts == 0
        with stopped_smtp_server.open():
            drain(worker)
        assert stopped_smtp_server.recipients == ["new@example.org"]

    def test_a_silent_server_times_out(
        self,
        make_worker: MakeWorker,
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        assert smtp_socket.TIMEOUT <= 60
        monkeypatch.setattr(smtp_socket, "TIMEOUT", 0.2)
        invite(owner, now)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            worker = make_worker(INVITES_MAIL_PORT=str(silent.getsockname()[1]))
            with pytest.raises(ServerUnavailable, match="did not answer in time"):
                drain(worker)
        assert delivery("new@example.org").state == DeliveryState.QUEUED

    def test_an_endless_greeting_is_not_read(
        self, make_worker: MakeWorker, owner: Membership, now: datetime
    ) -> None:
        invite(owner, now)
        with ScriptedServer(lambda _step: b"220-welcome\r\n" * 50_000).listening() as server:
            worker = make_worker(INVITES_MAIL_PORT=str(server.port))
            with pytest.raises(ServerUnavailable, match="does not end"):
                drain(worker)
        assert delivery("new@example.org").state == DeliveryState.QUEUED

    def test_several_addresses_share_one_connect_timeout(
        self,
        make_worker: MakeWorker,
        owner: Membership,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(smtp_socket, "TIMEOUT", 0.4)
        resolve = socket.getaddrinfo

        def resolved(host: str, port: int, *rest: Any, **options: Any) -> list[Any]:
            if host == "mail.example":
                return resolve("127.0.0.1", port, *rest, **options)[:1] * 8
            return resolve(host, port, *rest, **options)

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        invite(owner, now)
        with (
            socket.create_server(("127.0.0.1", 0), backlog=0) as full,
            socket.create_connection(full.getsockname()),  # the backlog is full
        ):
            port = str(full.getsockname()[1])
            worker = make_worker(INVITES_MAIL_SERVER="mail.example", INVITES_MAIL_PORT=port)
            start = time.monotonic()
            with pytest.raises(ServerUnavailable, match="did not answer in time"):
                drain(worker)
        assert time.monotonic() - start < 2


ENCRYPTED = {
    "INVITES_MAIL_USE_TLS": "1",
    "INVITES_MAIL_USERNAME": "box",
    "INVITES_MAIL_PASSWORD": "right",
}


class TestEncryption:
    def test_mail_is_sent_over_starttls_with_a_valid_certificate(
        self,
        stopped_smtp_server: SmtpServer,
        make_worker: MakeWorker,
        owner: Membership,
        now: datetime,
        tls: ssl.SSLContext,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        invite(owner, now)
        with stopped_smtp_server.open(asks_password=True, tls=tls, require_starttls=True):
            drain(make_worker(**ENCRYPTED))
        assert stopped_smtp_server.recipients == ["new@example.org"]

    def test_every_mail_is_sent_once_over_implicit_tls(
        self,
        stopped_smtp_server: SmtpServer,
        make_worker: MakeWorker,
        owner: Membership,
        now: datetime,
        tls: ssl.SSLContext,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        people = [f"person{n:02}@example.org" for n in range(49)]
        send(owner, now, *people)
        with stopped_smtp_server.open(ssl_context=tls):
            assert drain(make_worker(INVITES_MAIL_USE_SSL="1")) == 49
        assert stopped_smtp_server.recipients == people

    def test_a_server_with_an_untrusted_certificate_gets_neither_password_nor_mail(
        self,
        stopped_smtp_server: SmtpServer,
        make_worker: MakeWorker,
        owner: Membership,
        now: datetime,
        tls: ssl.SSLContext,
    ) -> None:
        invite(owner, now)
        with (
            stopped_smtp_server.open(asks_password=True, tls=tls),
            pytest.raises(ServerUnavailable, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            drain(make_worker(**ENCRYPTED))
        assert (stopped_smtp_server.passwords, stopped_smtp_server.received) == ([], [])

    @pytest.mark.parametrize("claims", [True, False], ids=["can't after all", "doesn't offer it"])
    def test_a_server_without_starttls_gets_neither_password_nor_mail(
        self,
        stopped_smtp_server: SmtpServer,
        make_worker: MakeWorker,
        owner: Membership,
        now: datetime,
        claims: bool,
    ) -> None:
        stopped_smtp_server.claims_starttls = claims
        invite(owner, now)
        with stopped_smtp_server.open(asks_password=True), pytest.raises(ServerUnavailable):
            drain(make_worker(**ENCRYPTED))
        assert (stopped_smtp_server.passwords, stopped_smtp_server.received) == ([], [])
        assert delivery("new@example.org").state == DeliveryState.QUEUED


def test_two_workers_at_once_send_nothing_twice(
    smtp_server: SmtpServer, mailing_app: Callable[..., Flask], owner: Membership, now: datetime
) -> None:
    people = [f"person{n}@example.org" for n in range(80)]
    send(owner, now, *people)
    app = mailing_app()
    smtp_server.slow = 0.01
    sent = []
    start = threading.Barrier(2)

    def work() -> None:
        with app.app_context():
            worker = worker_of(app)
            start.wait()
            sent.append(drain(worker))
        db.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(smtp_server.recipients) == sorted(people)
    assert sum(sent) == len(people)
    assert min(sent) > 0


def test_without_a_mail_server_mail_stays_queued_and_the_worker_runs(
    app: Flask, owner: Membership, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    invite(owner, now)
    with app.app_context():
        worker = Worker(None, app.extensions["invites"].mail_context)
        record = heartbeat.record

        def record_and_stop(*arguments: Any) -> None:
            record(*arguments)
            assert heartbeat.worker_is_running(now)
            worker.stop()

        monkeypatch.setattr(heartbeat, "record", record_and_stop)
        monkeypatch.setattr("signal.signal", lambda *_: None)
        worker.run()
    assert delivery("new@example.org").state == DeliveryState.QUEUED
    assert not heartbeat.worker_is_running(now)


def test_personal_mail_overtakes_a_batch(
    smtp_server: SmtpServer, worker: Worker, owner: Membership, now: datetime
) -> None:
    send(owner, now, *(f"person{n}@example.org" for n in range(25)))
    email_tokens.send_link(owner.user, EmailTokenPurpose.RESET_PASSWORD, owner.user.email, now)
    drain(worker)
    assert smtp_server.recipients[0] == owner.user.email


def test_a_removed_member_can_be_invited_again(
    smtp_server: SmtpServer, worker: Worker, people: People, now: datetime
) -> None:
    memberships.deactivate(people[Role.OWNER], people[Role.USER], now)
    invite(people[Role.OWNER], now, people[Role.USER].user.email)
    drain(worker)
    assert smtp_server.to("uma@example.org")["Subject"] == "Invitation for Riverside Relief"
