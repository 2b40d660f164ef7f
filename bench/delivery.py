"""How fast a batch goes out into an instant sink, against a bare smtplib loop."""

import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask_mail import Mail

from invites import accounts, db, issuing, profiles
from invites.clock import utcnow
from invites.factory import create_app
from invites.mail.rendering import render
from invites.models import Delivery, DeliveryState, Membership
from invites.profiles import NewProfile
from invites.recipients import Entry
from invites.roles import Role
from invites.secret_key import make_secret_key
from invites.settings import load_settings
from invites.worker import Worker

MAILS = 2_000
RUNS = 3


def main() -> None:
    """Print messages a second of both, and the ratio of their medians."""
    bare, ours, sizes = zip(*(_run() for _ in range(RUNS)), strict=True)
    print(f"{MAILS:,} invitations into an instant sink, one connection, medians of {RUNS} runs")
    print(f"a message has {statistics.median(sizes):,.0f} bytes")
    print(f"bare smtplib loop        {statistics.median(bare):9,.0f} a second   1.00 x bare")
    ratio = statistics.median(ours) / statistics.median(bare)
    print(f"flask worker             {statistics.median(ours):9,.0f} a second {ratio:6.2f} x bare")


def _run() -> tuple[float, float, int]:
    with _sink() as port, tempfile.TemporaryDirectory() as folder:
        environ = {
            "INVITES_DATA": folder,
            "INVITES_MAIL_SERVER": "127.0.0.1",
            "INVITES_MAIL_PORT": str(port),
        }
        make_secret_key(Path(folder))
        app = create_app(load_settings(environ))
        with app.app_context():
            db.configure(load_settings(environ).database_path, durable=False)
            db.migrate()
            db.connect()
            try:
                _make_batch()
                postage = app.extensions["invites"].postage
                mail = render(Delivery.get(), postage, utcnow())
                assert mail is not None
                message = mail.as_bytes()
                worker = Worker(Mail(app), postage)
                return _bare(port, message), _ours(worker), len(message)
            finally:
                db.close()


def _make_batch() -> None:
    now = utcnow()
    olive = profiles.create(NewProfile("Olive", "olive@example.org", "", ""), now, confirmed=True)
    accounts.found("Riverside Relief", olive, now)
    entries = [Entry(f"volunteer{n}@town{n % 300}.example") for n in range(MAILS)]
    issuing.issue(Membership.get(), issuing.Order("key", entries, Role.USER), now)


def _bare(port: int, message: bytes) -> float:
    start = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for n in range(MAILS):
            smtp.sendmail("invites@example.org", [f"volunteer{n}@town.example"], message)
    return MAILS / (time.perf_counter() - start)


def _ours(worker: Worker) -> float:
    start = time.perf_counter()
    worker.drain()
    seconds = time.perf_counter() - start
    assert Delivery.select().where(Delivery.state == DeliveryState.SENT).count() == MAILS
    return MAILS / seconds


@contextmanager
def _sink() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-m", "bench.sink"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
