"""The test mail: what every step reports, over real sockets."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask

from invites.core.clock import utcnow
from invites.core.settings import MailServer
from invites.mail.rendering import render_test_mail
from invites.mail_check import test_mail
from invites.mail_check.diagnosis import Diagnosis
from invites.mail_check.test_mail import MailTest, send_test_mail
from invites.sending import smtp_client
from invites.sending.smtp_client import Stage
from invites.web import mail_labels
from tests.support.scripted_smtp_server import HANG_UP, SILENCE, TRICKLE, ScriptedServer, Step
from tests.support.smtp_fixtures import CERTIFICATE
from tests.support.smtp_server import SmtpServer

TO = "olive@example.org"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Requiring AUTH"),  # of the test server
]

Try = Callable[..., MailTest]


@pytest.fixture
def go(mailing_app: Callable[..., Flask]) -> Try:
    """Sends a test mail to a port; checks that there is a text for every step."""
    app = mailing_app()

    def go(port: int, host: str = "127.0.0.1", **options: object) -> MailTest:
        plain = {"username": None, "password": None, "use_tls": False, "use_ssl": False}
        with app.app_context():
            mail = render_test_mail(TO, app.extensions["invites"].mail_context, utcnow())
            found = send_test_mail(MailServer(host, port, **plain | options), mail)
            assert all(mail_labels.step(step) for step in found.steps)
            return found

    return go


LOGIN = {"username": "invites@box.example", "password": "a wrong one"}


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[tuple[int, list[str]]]:
    """A server for one connection: its port, and the lines that it receives."""
    heard: list[str] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 here\r\n")
            for line in lines:
                heard.append(line.decode().strip())
                connection.sendall(answer(line) + b"\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join()


def stages(found: MailTest) -> list[Stage]:
    return [step.stage for step in found.steps]


def failed_at(found: MailTest) -> Stage:
    """The last step, which failed."""
    *before, last = found.steps
    assert all(step.is_done for step in before)
    assert not last.is_done
    return last.stage


def said(found: MailTest) -> str:
    return "\n".join(line for step in found.steps for line in step.said)


class TestSuccess:
    def test_every_step_is_reported_with_the_servers_reply(
        self, smtp_server: SmtpServer, go: Try
    ) -> None:
        found = go(smtp_server.port)
        assert found.diagnosis is None
        assert stages(found) == [
            Stage.CONNECT, Stage.GREETING, Stage.HELLO,
            Stage.SENDER, Stage.RECIPIENT, Stage.MESSAGE,
        ]  # fmt: skip
        assert found.steps[0].facts["address"] == f"127.0.0.1:{smtp_server.port}"
        assert found.steps[1].said[0].startswith("220 ")
        assert "8BITMIME" in found.steps[2].facts["offers"]
        assert len(found.steps[2].said) > 3
        assert found.steps[3].facts["sender"] == "invites@box.example"
        assert found.steps[-1].said[-1] == "250 Taken"

    def test_the_test_mail_arrives_with_its_headers(self, smtp_server: SmtpServer, go: Try) -> None:
        go(smtp_server.port)
        [message] = smtp_server.received
        assert (message.sender, message.recipients) == ("invites@box.example", [TO])
        assert message.mail["From"] == "Invites <invites@box.example>"
        assert message.mail["To"] == TO
        assert message.mail["Auto-Submitted"] == "auto-generated"
        assert "http://127.0.0.1:8000/accounts" in message.mail.get_body(("plain",)).get_content()

    def test_with_starttls_and_a_login(
        self,
        stopped_smtp_server: SmtpServer,
        go: Try,
        tls: ssl.SSLContext,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        with stopped_smtp_server.open(asks_password=True, tls=tls, require_starttls=True):
            found = go(stopped_smtp_server.port, use_tls=True, username="invites", password="right")
        assert found.diagnosis is None
        assert stages(found)[2:6] == [
            Stage.HELLO, Stage.STARTTLS, Stage.HELLO_AGAIN, Stage.LOGIN,
        ]  # fmt: skip
        secured = found.steps[3].facts
        assert secured["protocol"].startswith("TLSv1.")
        assert secured["names"] == "127.0.0.1"
        assert stopped_smtp_server.recipients == [TO]
        assert "right" not in said(found)
        assert "334" not in said(found)

    def test_with_implicit_tls(
        self,
        stopped_smtp_server: SmtpServer,
        go: Try,
        tls: ssl.SSLContext,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        with stopped_smtp_server.open(ssl_context=tls):
            found = go(stopped_smtp_server.port, use_ssl=True)
        assert found.diagnosis is None
        assert stages(found)[:3] == [Stage.CONNECT, Stage.ENCRYPT, Stage.GREETING]
        assert stopped_smtp_server.recipients == [TO]

    def test_an_old_server_that_knows_no_ehlo_is_greeted_with_helo(self, go: Try) -> None:
        def answer(line: bytes) -> bytes:
            return {b"ehlo": b"500 What?", b"helo": b"250 Hello"}.get(line[:4], b"550 No")

        with answering(answer) as (port, heard):
            found = go(port)
        assert failed_at(found) is Stage.SENDER
        assert found.steps[2].said == ("500 What?", "250 Hello")
        assert found.steps[2].facts["offers"] == "-"
        assert [line[:4] for line in heard[:2]] == ["ehlo", "helo"]


class TestConnecting:
    def test_a_refused_connection(self, stopped_smtp_server: SmtpServer, go: Try) -> None:
        found = go(stopped_smtp_server.port)
        assert (failed_at(found), found.diagnosis) == (Stage.CONNECT, Diagnosis.CONNECTION_REFUSED)
        assert said(found) == "Connection refused"

    @pytest.mark.parametrize(
        ("port", "diagnosis"), [(25, Diagnosis.PORT_BLOCKED), (587, Diagnosis.NO_ANSWER)]
    )
    def test_a_connection_without_an_answer(
        self, go: Try, monkeypatch: pytest.MonkeyPatch, port: int, diagnosis: Diagnosis
    ) -> None:
        def vanish(*_: object, timeout: float) -> None:
            assert timeout <= test_mail.CONNECT_TIME
            raise TimeoutError("timed out")

        monkeypatch.setattr(socket, "create_connection", vanish)
        assert go(port).diagnosis is diagnosis

    def test_an_unknown_host(self, go: Try, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        assert go(25, host="mial.example.org").diagnosis is Diagnosis.NAME_UNKNOWN

    def test_an_impossible_host(self, go: Try) -> None:
        assert go(25, host="x" * 80 + ".example.org").diagnosis is Diagnosis.NAME_UNKNOWN

    def test_the_next_address_is_tried(
        self, smtp_server: SmtpServer, go: Try, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        places = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, smtp_server.port))
            for address in ("127.0.0.99", "127.0.0.1")
        ]
        lookup = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *rest, **more: (
                places if host == "mail.test" else lookup(host, *rest, **more)
            ),
        )
        found = go(smtp_server.port, host="mail.test")
        assert found.diagnosis is None
        assert found.steps[0].facts["address"] == f"127.0.0.1:{smtp_server.port}"


class TestEncryption:
    @pytest.mark.parametrize("claims", [True, False], ids=["can't after all", "doesn't offer it"])
    def test_without_starttls_no_password_is_sent(
        self, stopped_smtp_server: SmtpServer, go: Try, claims: bool
    ) -> None:
        stopped_smtp_server.claims_starttls = claims
        with stopped_smtp_server.open(asks_password=True):
            found = go(stopped_smtp_server.port, use_tls=True, **LOGIN)
        assert (failed_at(found), found.diagnosis) == (Stage.STARTTLS, Diagnosis.NO_STARTTLS)
        assert (stopped_smtp_server.passwords, stopped_smtp_server.received) == ([], [])

    @pytest.mark.parametrize("how", ["use_tls", "use_ssl"])
    def test_an_untrusted_certificate(
        self, stopped_smtp_server: SmtpServer, go: Try, tls: ssl.SSLContext, how: str
    ) -> None:
        kind = {"tls": tls} if how == "use_tls" else {"ssl_context": tls}
        with stopped_smtp_server.open(asks_password=True, **kind):
            found = go(stopped_smtp_server.port, **{how: True}, **LOGIN)
        assert found.diagnosis is Diagnosis.CERTIFICATE_UNTRUSTED
        assert failed_at(found) is (Stage.STARTTLS if how == "use_tls" else Stage.ENCRYPT)
        assert "self-signed" in said(found).replace("self signed", "self-signed")
        assert (stopped_smtp_server.passwords, stopped_smtp_server.received) == ([], [])

    def test_a_certificate_for_another_name(
        self,
        stopped_smtp_server: SmtpServer,
        go: Try,
        tls: ssl.SSLContext,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        with stopped_smtp_server.open(tls=tls):
            found = go(stopped_smtp_server.port, host="localhost", use_tls=True, **LOGIN)
        assert (failed_at(found), found.diagnosis) == (Stage.STARTTLS, Diagnosis.CERTIFICATE_NAME)
        assert "localhost" in found.steps[-1].said[-1]

    def test_implicit_tls_with_a_server_that_begins_in_plain_text(
        self, smtp_server: SmtpServer, go: Try
    ) -> None:
        found = go(smtp_server.port, use_ssl=True)
        assert (failed_at(found), found.diagnosis) == (Stage.ENCRYPT, Diagnosis.NO_IMPLICIT_TLS)

    def test_plain_text_with_a_server_that_expects_implicit_tls(
        self,
        stopped_smtp_server: SmtpServer,
        go: Try,
        tls: ssl.SSLContext,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(test_mail, "TOTAL_TIME", 0.3)
        with stopped_smtp_server.open(ssl_context=tls):
            found = go(stopped_smtp_server.port, use_tls=True)
        assert (failed_at(found), found.diagnosis) == (Stage.GREETING, Diagnosis.IMPLICIT_TLS)

    def test_a_server_that_requires_starttls(
        self, stopped_smtp_server: SmtpServer, go: Try, tls: ssl.SSLContext
    ) -> None:
        with stopped_smtp_server.open(tls=tls, require_starttls=True):
            assert go(stopped_smtp_server.port).diagnosis is Diagnosis.NEEDS_ENCRYPTION


class TestLogin:
    def test_a_wrong_password(self, stopped_smtp_server: SmtpServer, go: Try) -> None:
        with stopped_smtp_server.open(asks_password=True):
            found = go(stopped_smtp_server.port, **LOGIN)
        assert (failed_at(found), found.diagnosis) == (Stage.LOGIN, Diagnosis.LOGIN_REFUSED)
        assert found.steps[-1].said[-1].startswith("535 ")
        assert stopped_smtp_server.received == []

    def test_the_same_reply_to_several_login_mechanisms_is_shown_once(self, go: Try) -> None:
        def answer(line: bytes) -> bytes:
            offers = b"250-here\r\n250 AUTH PLAIN LOGIN"
            return offers if line.startswith(b"ehlo") else b"535 5.7.8 Wrong"

        with answering(answer) as (port, heard):
            found = go(port, **LOGIN)
        assert sum("AUTH" in line for line in heard) == 2
        assert found.steps[-1].said == ("535 5.7.8 Wrong",)

    def test_a_server_without_login(self, smtp_server: SmtpServer, go: Try) -> None:
        assert go(smtp_server.port, **LOGIN).diagnosis is Diagnosis.NO_LOGIN

    def test_a_server_that_requires_a_login(self, stopped_smtp_server: SmtpServer, go: Try) -> None:
        with stopped_smtp_server.open(asks_password=True):
            found = go(stopped_smtp_server.port)
        assert (failed_at(found), found.diagnosis) == (Stage.SENDER, Diagnosis.NEEDS_LOGIN)

    def test_a_password_that_cannot_be_transmitted(
        self, stopped_smtp_server: SmtpServer, go: Try
    ) -> None:
        with stopped_smtp_server.open(asks_password=True):
            found = go(stopped_smtp_server.port, username="invites", password="schlüssel")
        assert found.diagnosis is Diagnosis.LOGIN_BROKEN

    def test_a_password_that_the_server_repeats_is_hidden(self, go: Try) -> None:
        def answer(line: bytes) -> bytes:
            offers = b"250-here\r\n250 AUTH PLAIN"
            return offers if line.startswith(b"ehlo") else b"535 s3cret-word in " + line.strip()

        with answering(answer) as (port, heard):
            found = go(port, username="invites", password="s3cret-word")
        assert found.diagnosis is Diagnosis.LOGIN_REFUSED
        [sent] = [line.split()[-1] for line in heard if "AUTH" in line]
        assert "s3cret-word" not in said(found)
        assert sent not in said(found)
        assert "535 … in AUTH PLAIN …" in said(found)


class TestRefusals:
    @pytest.mark.parametrize(
        ("stage", "reply", "failed", "diagnosis"),
        [
            (
                "greeting",
                b"554 5.7.1 Your network is on a list",
                Stage.GREETING,
                Diagnosis.REFUSED,
            ),
            ("greeting", b"421 4.3.2 Not now", Stage.GREETING, Diagnosis.TRY_LATER),
            ("greeting", b"HTTP/1.1 400 Bad Request", Stage.GREETING, Diagnosis.NOT_SMTP),
            ("greeting", b"SSH-2.0-OpenSSH_9.9", Stage.GREETING, Diagnosis.NOT_SMTP),
            ("greeting", b"220-more\r\n" * 500, Stage.GREETING, Diagnosis.NOT_SMTP),
            ("greeting", b"x" * 100_000, Stage.GREETING, Diagnosis.NOT_SMTP),
            ("mail", b"550 5.7.1 Not your address", Stage.SENDER, Diagnosis.SENDER_REFUSED),
            ("mail", b"553 5.1.8 Domain not found", Stage.SENDER, Diagnosis.SENDER_REFUSED),
            ("mail", b"530 5.7.0 Authentication required", Stage.SENDER, Diagnosis.NEEDS_LOGIN),
            ("mail", b"530 Must issue a STARTTLS first", Stage.SENDER, Diagnosis.NEEDS_ENCRYPTION),
            ("rcpt", b"554 5.7.1 Relay access denied", Stage.RECIPIENT, Diagnosis.NEEDS_LOGIN),
            ("rcpt", b"553 Sender address rejected", Stage.RECIPIENT, Diagnosis.SENDER_REFUSED),
            ("rcpt", b"550 5.1.1 No such user", Stage.RECIPIENT, Diagnosis.RECIPIENT_REFUSED),
            ("rcpt", b"450 4.7.1 Greylisted", Stage.RECIPIENT, Diagnosis.TRY_LATER),
            ("data", b"554 No", Stage.MESSAGE, Diagnosis.MESSAGE_REFUSED),
            (
                "body",
                b"550 5.7.26 Unauthenticated sender",
                Stage.MESSAGE,
                Diagnosis.MESSAGE_REFUSED,
            ),
            ("body", b"451 4.7.0 Come back", Stage.MESSAGE, Diagnosis.TRY_LATER),
        ],
    )
    def test_a_refusal_is_reported_and_diagnosed(
        self, go: Try, stage: str, reply: bytes, failed: Stage, diagnosis: Diagnosis
    ) -> None:
        def answer(step: Step) -> bytes | None:
            return reply if step.stage == stage else None

        with ScriptedServer(answer).listening() as server:
            found = go(server.port)
        assert (failed_at(found), found.diagnosis) == (failed, diagnosis)
        shown = found.steps[-1].said
        assert any(line.startswith(reply.decode()[:8]) for line in shown)
        assert len(shown) <= 60
        assert max(map(len, shown)) <= 300

    def test_replies_are_shown_as_printable_text(self, go: Try) -> None:
        reply = b"550 \x1b[31m<script>\x00\xff\xe2\x80\xae"
        with ScriptedServer(
            lambda step: reply if step.stage == "rcpt" else None
        ).listening() as server:
            found = go(server.port)
        assert all(line.isprintable() for line in found.steps[-1].said)


@pytest.mark.slow
class TestSilence:
    @pytest.mark.parametrize("what", [SILENCE, TRICKLE, HANG_UP])
    @pytest.mark.parametrize(
        ("stage", "failed"),
        [
            ("greeting", Stage.GREETING),
            ("mail", Stage.SENDER),
            ("rcpt", Stage.RECIPIENT),
            ("data", Stage.MESSAGE),
            ("body", Stage.MESSAGE),
        ],
    )
    def test_a_server_that_stops_replying_times_out(
        self,
        go: Try,
        monkeypatch: pytest.MonkeyPatch,
        what: bytes,
        stage: str,
        failed: Stage,
    ) -> None:
        monkeypatch.setattr(test_mail, "TOTAL_TIME", 1.5)  # a busy machine greets late
        started = time.monotonic()
        with ScriptedServer(
            lambda step: what if step.stage == stage else None
        ).listening() as server:
            found = go(server.port)
        assert failed_at(found) is failed
        assert time.monotonic() - started < 10
        if stage == "greeting":
            assert found.diagnosis is Diagnosis.IMPLICIT_TLS
        else:
            assert found.diagnosis is (
                Diagnosis.DISCONNECTED if what == HANG_UP else Diagnosis.TOO_SLOW
            )

    def test_a_silent_reply_to_quit_does_not_matter(
        self, go: Try, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(smtp_client, "_QUIT_TIME", 0.2)
        with ScriptedServer(
            lambda step: SILENCE if step.stage == "quit" else None
        ).listening() as server:
            assert go(server.port).diagnosis is None
