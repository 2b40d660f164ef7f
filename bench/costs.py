"""The cost of delivery: database time per email, memory, and the speed of pages meanwhile."""

import http.client
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from bench.batch import make_batch
from bench.delivery import environment, has_unsent, installation, ours, sink, worker
from invites import db
from invites.core.clock import utcnow
from invites.core.settings import PROJECT_ROOT
from invites.models import Batch, BatchState, MailThrottle, Membership, User
from invites.outbox import claims, outcomes
from invites.outbox.outcomes import Outcome
from invites.outbox.retry import Attempt, SendResult
from invites.people import sessions

PAGE = "/accounts/riverside-relief/invitations/new"
MAILS = 20_000
CLAIM = 500  # emails
CONNECTIONS = 4  # one outcome of each is in a commit
SENT = Attempt(SendResult.SENT, 250, "2.0.0 Ok: queued")


def main() -> None:
    for older in (1_000, 100_000, 1_000_000):
        elapsed, processor = _database(older)
        print(f"database, {older:>9,} emails in the table {elapsed:6.0f} us each", end=" ")
        print(f"({processor:.0f} us of CPU time)")
    with sink() as port:
        print(f"worker's peak memory, draining 50,000   {ours(port, 4).memory / 1e6:6.0f} MB")
        _pages(port)


def _database(older: int) -> tuple[float, float]:
    """Microseconds per email, elapsed and CPU, to claim it and append and fold its outcome."""
    with installation(1) as app:
        db.configure(app.extensions["invites"].settings.database_path, durable=False)
        db.connect()
        for days_ago in range(older // 50_000, 0, -1):  # one list a day stays within the quotas
            key = os.urandom(8).hex()
            make_batch(50_000, key=key, prefix=key, days_ago=days_ago)
        make_batch(older % 50_000 or 1, prefix="rest")
        db.execute("UPDATE delivery SET state = ?", ("sent",))
        db.execute("UPDATE batch SET state = ?", ("done",))
        batch = make_batch(MAILS, prefix="new")
        Batch.update(state=BatchState.RUNNING).where(Batch.id == batch.id).execute()
        start, processor = time.perf_counter(), time.process_time()
        while mails := claims.claim(1, utcnow(), CLAIM):
            for first in range(0, len(mails), CONNECTIONS):
                group = mails[first : first + CONNECTIONS]
                outcomes.append(1, [Outcome(mail, SENT) for mail in group], utcnow())
        elapsed, processor = time.perf_counter() - start, time.process_time() - processor
        return elapsed / MAILS * 1e6, processor / MAILS * 1e6


def _pages(port: int) -> None:
    with installation(port) as app, _pages_served(app, port) as (web, cookie):
        data = app.extensions["invites"].settings.data
        MailThrottle.create(id=1, per_minute=None, connections=4)
        idle = _p95(cookie, lambda: True)
        with worker(data, port) as process:
            time.sleep(3)
            resident = _resident(web.pid) + _resident(process.pid)
            print(f"web and worker, idle, resident          {resident / 1e6:6.0f} MB")
            make_batch(50_000)
            draining = _p95(cookie, has_unsent)
    print(f"New Invitation, p95, idle               {idle * 1000:6.1f} ms")
    print(f"New Invitation, p95, while 50,000 drain {draining * 1000:6.1f} ms", end=" ")
    print(f"{draining / idle:6.2f} x idle")


def _p95(cookie: str, goes_on: Callable[[], bool]) -> float:
    times = []
    until = time.monotonic() + 8
    while time.monotonic() < until and goes_on():
        connection = http.client.HTTPConnection("127.0.0.1", 8371)
        start = time.perf_counter()
        connection.request("GET", PAGE, headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - start)
        assert answer.status == 200, answer.status
        connection.close()
        time.sleep(0.01)
    return statistics.quantiles(times, n=20)[-1]


@contextmanager
def _pages_served(app: Flask, port: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Yields a real gunicorn, and the session cookie of a logged-in person."""
    make_batch(1, prefix="first")
    cookie = _logged_in(app, Membership.get().user)
    data = app.extensions["invites"].settings.data
    process = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("gunicorn")),
            "--config",
            "gunicorn.conf.py",
            "app:app",
        ],
        cwd=PROJECT_ROOT,
        env=dict(os.environ)
        | environment(data, port)
        | {"INVITES_BIND": "127.0.0.1:8371", "MALLOC_ARENA_MAX": "2"},
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_pages()
        yield process, cookie
    finally:
        process.terminate()
        process.wait()


def _logged_in(app: Flask, user: User) -> str:
    with app.test_client() as client, client.session_transaction() as cookies:
        cookies["_user_id"] = sessions.start(user, "bench", utcnow())
        cookies["_fresh"] = True
    cookie = client.get_cookie("__Host-invites")
    assert cookie
    return f"{cookie.key}={cookie.value}"


def _wait_for_pages() -> None:
    for _ in range(100):
        try:
            http.client.HTTPConnection("127.0.0.1", 8371).request("GET", "/login")
        except ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("gunicorn doesn't start")


def _resident(pid: int) -> int:
    """Bytes of memory of a process and its children. Shared memory counts once (PSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return 0  # it ended meanwhile
    kilobytes = next((line.split()[1] for line in lines if line.startswith("Pss:")), "0")
    return int(kilobytes) * 1024 + sum(_resident(int(child)) for child in children)


if __name__ == "__main__":
    main()
