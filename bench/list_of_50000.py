"""A CSV with 50,000 rows: read, judged, made into a batch, looked at."""

import csv
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from invites import accounts, db, issuing, judging, outbox, profiles, progress, spreadsheets
from invites.clock import utcnow
from invites.models import Membership
from invites.profiles import NewProfile
from invites.roles import Role
from invites.scope import Scope

ROWS = 50_000
RUNS = 3

CONTENT = (
    "Email\n" + "".join(f"volunteer{n}@town{n % 300}.example\n" for n in range(ROWS))
).encode()


def main() -> None:
    """Print the median of each step and its ratio to the floor."""
    runs = [_run() for _ in range(RUNS)]
    floor = statistics.median(run["floor: csv.reader and a set"] for run in runs)
    print(f"{ROWS:,} rows, medians of {RUNS} runs")
    for step in runs[0]:
        seconds = statistics.median(run[step] for run in runs)
        print(f"{step:<44} {seconds * 1000:9.1f} ms {seconds / floor:8.2f} x floor")


def _run() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        db.configure(Path(folder) / "invites.sqlite3")
        db.migrate()
        db.connect()
        try:
            return _steps()
        finally:
            db.close()


def _steps() -> dict[str, float]:
    now = utcnow()
    olive = profiles.create(NewProfile("Olive", "olive@example.org", "", ""), now, confirmed=True)
    account = accounts.found("Riverside Relief", olive, now)
    owner = Membership.get(Membership.account == account)
    scope = Scope(account)
    times: dict[str, float] = {}

    def timed(step: str, work: Callable[[], object]) -> object:
        start = time.perf_counter()
        result = work()
        times[step] = time.perf_counter() - start
        return result

    def listed(search: str) -> object:
        return scope.invitations(standing=None, failed=False, search=search, page=1, now=now)

    timed(
        "floor: csv.reader and a set",
        lambda: {row[0] for row in csv.reader(io.StringIO(CONTENT.decode()))},
    )
    entries = spreadsheets.read_csv(CONTENT)
    timed("read the file", lambda: spreadsheets.read_csv(CONTENT))
    timed("judge every row", lambda: judging.judge(account, entries, now))
    order = issuing.Order("key", entries, Role.USER)
    batch = timed(
        "send: judge, 50,000 invitations and mails", lambda: issuing.issue(owner, order, now)
    )
    timed("batch page: progress", lambda: progress.of_batch(batch, now))
    timed("list: first page", lambda: listed(""))
    timed("list: search", lambda: listed("volunteer499"))
    timed("list: totals", lambda: scope.invitation_totals(now))
    timed("worker: claim 20 of 50,000", lambda: outbox.claim(now, 20))
    return times


if __name__ == "__main__":
    main()
