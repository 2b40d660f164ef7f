"""How fast a batch is sent, from *Send* to the last mail, and other programs with the same sink.

The sink is Postfix's ``smtp-sink`` where it is installed (Debian package
``postfix``; no daemon needed), otherwise ``bench.sink``. Each run has all programs
one after the other, so that they meet the same load.
"""

import os
import shutil
import signal
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from flask import Flask
from flask_mail import Mail, Message

from bench.batch import make_batch
from invites import db
from invites.cli import readiness
from invites.core.clock import utcnow
from invites.core.settings import PROJECT_ROOT, load_settings
from invites.factory import create_app
from invites.mail.builder import MailBuilder
from invites.models import Delivery, DeliveryState, MailThrottle
from invites.outbox import queue

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "50000"))
PEERS = 4_000
RUNS = 3
SINK = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
SOURCE = shutil.which("smtp-source") or "/usr/sbin/smtp-source"

Rates = dict[str, float]


def main() -> None:
    """Print mails a second of every program, and the ratio of its median to the bare loop's."""
    runs = [_run() for _ in range(RUNS)]
    bare = statistics.median(run["bare smtplib loop"] for run in runs)
    print(f"{PEOPLE:,} invitations into an instant sink, medians of {RUNS} runs")
    for program in runs[0]:
        rate = statistics.median(run[program] for run in runs)
        print(f"{program:<36} {rate:9,.0f} a second {rate / bare:6.2f} x bare")


def _run() -> Rates:
    with sink() as port:
        rates = _peers(port)
        for connections in (1, 4, 16):
            name = f"flask worker, {connections} connection(s)"
            rates[name], _memory = ours(port, connections)
        return rates


def _peers(port: int) -> Rates:
    message = a_message(port)
    rates = {
        "bare smtplib loop": timed(lambda: bare(port, message)),
        "Flask-Mail, in bulk": timed(lambda: flask_mail(port), PEERS // 4),
    }
    if Path(SOURCE).exists():
        for sessions in (1, 8):
            name = f"smtp-source, {sessions} connection(s)"
            rates[name] = timed(partial(smtp_source, port, sessions, len(message)))
    return rates


def timed(work: Callable[[], object], mails: int = PEERS) -> float:
    """Mails a second."""
    start = time.perf_counter()
    work()
    return mails / (time.perf_counter() - start)


def bare(port: int, message: bytes, mails: int = PEERS) -> None:
    """A plain loop over one connection, with one message that was built before."""
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for n in range(mails):
            smtp.sendmail("invites@example.org", [f"volunteer{n}@town.example"], message)


def flask_mail(port: int) -> None:
    """Flask-Mail as its documentation shows it for many mails."""
    with installation(port) as app:
        mail = Mail(app)
        html, text = "<p>" + "come and join us " * 90 + "</p>", "come and join us " * 40
        with mail.connect() as connection:
            for n in range(PEERS // 4):
                to: list[str | tuple[str, str]] = [f"volunteer{n}@town.example"]
                connection.send(
                    Message("Invitation", to, text, html=html, sender="invites@example.org")
                )


def smtp_source(port: int, sessions: int, size: int) -> None:
    """Postfix's load generator."""
    command = [SOURCE, "-s", str(sessions), "-m", str(PEERS), "-l", str(size), "-f", "a@b.example"]
    subprocess.run([*command, "-t", "volunteer@town.example", f"127.0.0.1:{port}"], check=True)


def ours(port: int, connections: int, people: int = PEOPLE) -> tuple[float, int]:
    """Mails a second from *Send* to the last outcome, and the worker's peak memory in bytes."""
    with installation(port) as app:
        MailThrottle.create(id=1, per_minute=None, connections=connections)
        with worker(app.extensions["invites"].settings.data, port) as process:
            start = time.perf_counter()
            make_batch(people)
            while left() and process.poll() is None:
                time.sleep(0.02)
            seconds = time.perf_counter() - start
            memory = _peak(process.pid)
        sent = Delivery.select().where(Delivery.state == DeliveryState.SENT).count()
        assert sent == people, (sent, people)
        return people / seconds, memory


def left() -> bool:
    """Whether mails are queued."""
    waiting = (DeliveryState.QUEUED, DeliveryState.SENDING)
    return Delivery.select(Delivery.id).where(Delivery.state.in_(waiting)).exists()


@contextmanager
def installation(port: int) -> Iterator[Flask]:
    """An application with a database of its own that hands its mail to ``port``."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(environment(Path(folder), port))
        db.configure(settings.database_path)
        readiness.prepare(settings)
        app = create_app(settings)
        with app.app_context():
            db.connect()
            try:
                yield app
            finally:
                db.close()


@contextmanager
def worker(data: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """A real ``flask worker``, ready to work, with its usual nice value."""
    process = subprocess.Popen(
        ["nice", "-n", "5", sys.executable, "-m", "flask", "--app", "app.py", "worker"],
        cwd=PROJECT_ROOT,
        env=dict(os.environ) | environment(data, port),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    try:
        while "started" not in process.stderr.readline():
            assert process.poll() is None
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def environment(data: Path, port: int) -> dict[str, str]:
    """The settings of such an installation."""
    return {
        "INVITES_DATA": str(data),
        "INVITES_BASE_URL": "https://invites.example.org",
        "INVITES_MAIL_SERVER": "127.0.0.1",
        "INVITES_MAIL_PORT": str(port),
    }


def a_message(port: int) -> bytes:
    """One of our invitations."""
    with installation(port) as app:
        make_batch(1)
        message = MailBuilder(app.extensions["invites"].mail_context).build(
            queue.due(utcnow(), 1)[0], utcnow()
        )
        assert message is not None
        return message.content


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) * 1024


@contextmanager
def sink(*options: str) -> Iterator[int]:
    """A mail server that takes everything; ``options`` are smtp-sink's."""
    if Path(SINK).exists():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        process = subprocess.Popen([SINK, *user, *options, f"127.0.0.1:{port}", "200"])
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.05)
    else:
        process = subprocess.Popen([sys.executable, "-m", "bench.sink"], stdout=subprocess.PIPE)
        assert process.stdout
        port = int(process.stdout.readline())
    try:
        yield port
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
