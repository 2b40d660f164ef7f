"""How fast a batch is sent, from *Send* to the last email, compared with other programs.

All send to the same sink: Postfix's ``smtp-sink`` if it is installed (Debian package ``postfix``;
no daemon needed), otherwise ``bench.sink``. Each run includes all programs, so the load on the
machine affects them alike.
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

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
RUNS = 5
SINK = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
SOURCE = shutil.which("smtp-source") or "/usr/sbin/smtp-source"
DJANGO = os.environ.get("BENCH_DJANGO", "")  # the Python of an environment with django-invitations
BARE = "bare smtplib loop"


class Speed(NamedTuple):
    """Emails per second, microseconds of CPU time per email, and peak memory in bytes."""

    rate: float
    processor: float = 0.0
    memory: int = 0


def main() -> None:
    """Prints each program's median speed, and its ratio to that of the bare loop."""
    runs = [_run() for _ in range(RUNS)]
    print(f"{PEOPLE:,} invitations into an instant sink, medians of {RUNS} runs, {sys.version}")
    bare = _medians([run[BARE] for run in runs])
    for program in runs[0]:
        speed = _medians([run[program] for run in runs])
        print(f"{program:<32} {speed.rate:7,.0f}/s {speed.rate / bare.rate:6.2f} x", end="")
        if speed.processor:
            ratio = speed.processor / bare.processor
            print(f" {speed.processor:5.0f} us of CPU time {ratio:5.2f} x", end="")
        print(f" {speed.memory / 1e6:4.0f} MB peak" if speed.memory else "")


def _medians(speeds: Sequence[Speed]) -> Speed:
    rates, processor, memory = (statistics.median(values) for values in zip(*speeds, strict=True))
    return Speed(rates, processor, int(memory))


def _run() -> dict[str, Speed]:
    with sink() as port:
        speeds = _peers(port)
        for connections in (1, 4, 16):
            speeds[f"flask worker, {connections} connection(s)"] = ours(port, connections)
        return speeds


def _peers(port: int) -> dict[str, Speed]:
    message = a_message(port)
    speeds = {
        BARE: timed(lambda: bare(port, message)),
        "Flask-Mail, in bulk": timed(lambda: flask_mail(port), PEERS // 4),
    }
    if DJANGO:
        command = [DJANGO, "bench/django_peer.py", str(port), str(PEERS // 4)]
        printed = subprocess.run(command, check=True, capture_output=True, cwd=PROJECT_ROOT).stdout
        speeds["django-invitations"] = Speed(float(printed))
    if Path(SOURCE).exists():
        for sessions in (1, 8):
            name = f"smtp-source, {sessions} connection(s)"
            speeds[name] = Speed(timed(partial(smtp_source, port, sessions, len(message))).rate)
    return speeds


def timed(work: Callable[[], object], mails: int = PEERS) -> Speed:
    start, processor = time.perf_counter(), time.process_time()
    work()
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    return Speed(mails / seconds, processor / mails * 1e6)


def bare(port: int, message: bytes, mails: int = PEERS) -> None:
    """A plain loop that sends the same finished message over one connection."""
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for n in range(mails):
            smtp.sendmail("invites@example.org", [f"volunteer{n}@town.example"], message)


def flask_mail(port: int) -> None:
    """Flask-Mail, used as its documentation shows for bulk email."""
    with installation(port) as app:
        app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=port)
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


def ours(port: int, connections: int, people: int = PEOPLE) -> Speed:
    """From *Send* to the last outcome."""
    with installation(port) as app:
        MailThrottle.create(id=1, per_minute=None, connections=connections)
        with worker(app.extensions["invites"].settings.data, port) as process:
            start, processor = time.perf_counter(), _processor_seconds(process.pid)
            make_batch(people)
            while has_unsent() and process.poll() is None:
                time.sleep(0.02)
            seconds = time.perf_counter() - start
            processor = _processor_seconds(process.pid) - processor
            memory = _peak(process.pid)
        sent = Delivery.select().where(Delivery.state == DeliveryState.SENT).count()
        assert sent == people, (sent, people)
        return Speed(people / seconds, processor / people * 1e6, memory)


def has_unsent() -> bool:
    """Whether emails are queued or being sent."""
    waiting = (DeliveryState.QUEUED, DeliveryState.SENDING)
    return Delivery.select(Delivery.id).where(Delivery.state.in_(waiting)).exists()


@contextmanager
def installation(port: int) -> Iterator[Flask]:
    """An application with its own database that sends its email to ``port``."""
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
    """A real ``flask worker`` that has started, with the nice value that ``flask serve`` sets."""
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
    return {
        "INVITES_DATA": str(data),
        "INVITES_BASE_URL": "https://invites.example.org",
        "INVITES_MAIL_SERVER": "127.0.0.1",
        "INVITES_MAIL_PORT": str(port),
    }


def a_message(port: int) -> bytes:
    """An invitation email."""
    with installation(port) as app:
        make_batch(1)
        message = MailBuilder(app.extensions["invites"].mail_context).build(
            queue.due(utcnow(), 1)[0], utcnow()
        )
        assert message is not None
        return message.content


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) * 1024


@contextmanager
def sink(*options: str) -> Iterator[int]:
    """A mail server that accepts everything. ``options``: those of smtp-sink."""
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
