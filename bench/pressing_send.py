"""The cost of *Send* for 50,000 addresses, in total and compared with a raw ``executemany``."""

import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from bench.batch import make_batch
from bench.delivery import installation
from invites import db
from invites.core.clock import utcnow
from invites.invitations import send_invitations
from invites.members import batch_progress
from invites.models import Batch, Delivery, Invitation
from invites.outbox import enqueue

PEOPLE = 50_000
RUNS = 3


def main() -> None:
    runs = [_run() for _ in range(RUNS)]
    raw, rows, send = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"*Send* on {PEOPLE:,} addresses, medians of {RUNS} runs")
    print(f"raw executemany of the same rows        {raw * 1000:6.0f} ms")
    print(f"ours, the rows alone                    {rows * 1000:6.0f} ms {rows / raw:6.2f} x raw")
    print(f"classify, rows, commit, batch totals     {send * 1000:6.0f} ms {send / raw:6.2f} x raw")


def _run() -> tuple[float, float, float]:
    with installation(1) as app:
        make_batch(1, prefix="first")
        start = time.perf_counter()
        batch = make_batch(PEOPLE)
        batch_progress.of_batch(batch, utcnow())
        send = time.perf_counter() - start
        path = app.extensions["invites"].settings.database_path
        raw = _raw(path)
        return raw, _rows(), send


def _raw(path: Path) -> float:
    """Seconds for inserting the same rows into equal tables with equal indexes."""
    source = sqlite3.connect(path)
    with tempfile.TemporaryDirectory() as folder:
        raw = sqlite3.connect(Path(folder) / "raw.sqlite3", isolation_level=None)
        raw.executescript("PRAGMA journal_mode=wal; PRAGMA synchronous=full;")
        raw.execute("PRAGMA cache_size=-8000")
        for (sql,) in source.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name IN ('invitation', 'delivery')"
            " AND sql IS NOT NULL ORDER BY type DESC"
        ):
            raw.execute(sql)
        content = {
            table: source.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
            for table in ("invitation", "delivery")
        }
        start = time.perf_counter()
        raw.execute("BEGIN IMMEDIATE")
        for table, rows in content.items():
            marks = ", ".join("?" for _ in rows[0])
            raw.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        raw.execute("COMMIT")
        return time.perf_counter() - start


def _rows() -> float:
    """Seconds for inserting the rows into a new database as *Send* does."""
    with installation(1):
        batch = make_batch(1, prefix="first")
        invited = [(f"volunteer{n}@town{n % 300}.example", "") for n in range(PEOPLE)]
        now = utcnow()
        start = time.perf_counter()
        with db.transaction():
            another = Batch.create(
                account=batch.account,
                inviter=batch.inviter,
                role=batch.role,
                key="rows",
                file_name="",
                skipped={},
                created_at=now,
            )
            send_invitations._insert_invitations(another, invited, now)
            enqueue.queue_batch(another, now)
        seconds = time.perf_counter() - start
        assert Invitation.select().count() == Delivery.select().count() == PEOPLE + 1
        return seconds


if __name__ == "__main__":
    main()
