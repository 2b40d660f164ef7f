"""Fixtures: mail servers, and applications that send their email to them."""

import contextvars
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from invites import db
from invites.core.clock import utcnow
from invites.core.settings import Settings, load_settings
from invites.factory import create_app
from invites.mail import builder
from invites.sending import (
    connection_pool,
    connector,
    dispatcher,
    rate_limit,
    smtp_session,
    smtp_socket,
)
from invites.sending import worker as worker_module
from invites.sending.worker import Worker
from tests.support.scripted_smtp_server import ScriptedServer
from tests.support.smtp_server import SmtpServer

CERTIFICATE = Path(__file__).with_name("certificate.pem")

MakeWorker = Callable[..., Worker]


@pytest.fixture
def now() -> datetime:
    """The present, because the worker uses the real clock."""
    return utcnow()


@pytest.fixture
def stopped_smtp_server() -> SmtpServer:
    """A mail server that doesn't listen yet."""
    return SmtpServer()


@pytest.fixture
def smtp_server(stopped_smtp_server: SmtpServer) -> Iterator[SmtpServer]:
    with stopped_smtp_server.open():
        yield stopped_smtp_server


@pytest.fixture
def tls() -> ssl.SSLContext:
    """A TLS context for a server at 127.0.0.1, with a self-signed certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture
def mailing_app(
    database: Path,
    settings: Settings,
    stopped_smtp_server: SmtpServer,
    compiled: FileSystemBytecodeCache,
) -> Callable[..., Flask]:
    """Creates the mail worker's application, with more settings if needed."""

    def make(*, has_pages: bool = False, **environ: str) -> Flask:
        known = {
            "INVITES_DATA": str(settings.data),
            "INVITES_DATABASE": settings.database_url,
            "INVITES_MAIL_SERVER": "127.0.0.1",
            "INVITES_MAIL_PORT": str(stopped_smtp_server.port),
            "INVITES_MAIL_FROM": "Invites <invites@box.example>",
        }
        app = create_app(load_settings(known | environ), has_pages=has_pages)
        app.jinja_env.bytecode_cache = compiled
        return app

    return make


def worker_of(app: Flask) -> Worker:
    """A mail worker that sends the application's email."""
    services = app.extensions["invites"]
    return Worker(services.settings.mail_server, services.mail_context)


@pytest.fixture
def make_worker(mailing_app: Callable[..., Flask], settings: Settings) -> Iterator[MakeWorker]:
    """Creates a mail worker for such an application."""
    contexts = []

    def make(**environ: str) -> Worker:
        app = mailing_app(**environ)
        db.close()
        db.configure(settings.database, folder=settings.data, durable=False)
        contexts.append(app.app_context())
        contexts[-1].push()
        return worker_of(app)

    yield make
    for context in reversed(contexts):
        context.pop()


@pytest.fixture
def worker(make_worker: MakeWorker) -> Worker:
    return make_worker()


@pytest.fixture(params=[True, False], ids=["pipelining", "step by step"])
def server(request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    """A mail server, with and without PIPELINING. It works until a test sets ``answer``."""
    with ScriptedServer(pipelining=request.param).listening() as server:
        yield server


@pytest.fixture
def sender(server: ScriptedServer, make_worker: MakeWorker) -> Worker:
    """A worker that sends its email to ``server``."""
    return make_worker(INVITES_MAIL_PORT=str(server.port))


@pytest.fixture
def running(sender: Worker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Worker]]:
    """Starts the worker in a thread, and stops it at the end."""
    monkeypatch.setattr("signal.signal", lambda *_: None)  # only for the main thread
    monkeypatch.setattr("invites.sending.connection_policy._OUTAGE_PAUSES", (0.05,))
    monkeypatch.setattr("invites.sending.worker._IDLE_TICK", 0.05)
    threads = []

    def start() -> Worker:
        context = contextvars.copy_context()  # with the application's
        thread = threading.Thread(target=context.run, args=(in_context,))
        threads.append(thread)
        thread.start()
        return sender

    def in_context() -> None:
        try:
            sender.run()
        finally:
            db.close()

    yield start
    sender.stop()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


class Clock:
    """The clock of all modules that send. ``advance`` moves it forward."""

    sleep = staticmethod(time.sleep)

    def __init__(self) -> None:
        self._ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (
        connection_pool,
        connector,
        dispatcher,
        rate_limit,
        smtp_session,
        smtp_socket,
        worker_module,
    ):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(builder, "time", clock)
    return clock
