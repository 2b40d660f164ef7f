"""Reads, classifies and sends a CSV file of 50,000 rows, and shows the pages afterwards."""

import csv
import io
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

from bench.measuring import database
from invites import db
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.invitations import classify, send_invitations
from invites.lists import files
from invites.members import accounts, batch_progress
from invites.members.scope import Scope
from invites.models import Account, JoinedBy, Membership, User
from invites.outbox import queue
from invites.people import profiles
from invites.people.profiles import NewProfile

T = TypeVar("T")

ROWS = 50_000
RUNS = 3

CONTENT = (
    "Email\n" + "".join(f"volunteer{n}@town{n % 300}.example\n" for n in range(ROWS))
).encode()


def main() -> None:
    """Prints each step's median and its ratio to the floor."""
    runs = [_run() for _ in range(RUNS)]
    floor = statistics.median(run["floor: csv.reader and a set"] for run in runs)
    print(f"{ROWS:,} rows, medians of {RUNS} runs")
    for step in runs[0]:
        seconds = statistics.median(run[step] for run in runs)
        print(f"{step:<44} {seconds * 1000:9.1f} ms {seconds / floor:8.2f} x floor")


def _run() -> dict[str, float]:
    with database():
        return _steps()


def _steps() -> dict[str, float]:
    now = utcnow()
    olive = profiles.create(NewProfile("Olive", "olive@example.org", "", ""), now, confirmed=True)
    account = accounts.create("Riverside Relief", olive, now)
    owner = Membership.get(Membership.account == account)
    scope = Scope(account)
    times: dict[str, float] = {}

    def timed(step: str, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        result = work()
        times[step] = time.perf_counter() - start
        return result

    def listed(search: str) -> object:
        return scope.invitations.page(1, which=None, search=search, now=now)

    timed(
        "floor: csv.reader and a set",
        lambda: {row[0] for row in csv.reader(io.StringIO(CONTENT.decode()))},
    )
    table = files.read(CONTENT)
    entries = table.entries(table.choice())
    timed("read the file", lambda: files.read(CONTENT).entries(table.choice()))
    timed("classify every row", lambda: classify.classify(account, entries, now))
    order = send_invitations.InvitationRequest("key", entries, Role.USER)
    batch = timed(
        "send: classify, 50,000 invitations and mails",
        lambda: send_invitations.send(owner, order, now),
    )
    timed("batch page: progress", lambda: batch_progress.of_batch(batch, now))
    timed("list: first page", lambda: listed(""))
    timed("list: search", lambda: listed("volunteer499"))
    timed("list: totals", lambda: scope.invitations.totals(now))
    timed("worker: take 200 of 50,000", lambda: queue.due(now, 200))
    _fill(account)
    timed("active users: first page", lambda: scope.members.page(1, active=True, search=""))
    timed("active users: search", lambda: scope.members.page(1, active=True, search="muller 99"))
    return times


def _fill(account: Account) -> None:
    """50,000 members, every other one with accented letters in their name."""
    names = (
        ("Jörg Müller" if n % 2 else "Ann Miller") + f" {n * 7919 % ROWS}" for n in range(ROWS)
    )
    columns = ("name", "email", "phone", "password_hash", "is_installer", "created_at")
    people = ((name, f"m{n}@town.example", "", "", 0, 0) for n, name in enumerate(names))
    first = 1 + User.select().count()
    db.insert_rows(User, columns, people)
    rows = ((account.id, first + n, Role.USER, JoinedBy.INVITATION, 0) for n in range(ROWS))
    db.insert_rows(Membership, ("account_id", "user_id", "role", "joined_by", "joined_at"), rows)


if __name__ == "__main__":
    main()
