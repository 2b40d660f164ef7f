"""Classifies 50,000 rows in an account with 100,000 members and 200,000 earlier invitations."""

import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from invites import db
from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.db import schema
from invites.invitations import classify
from invites.invitations.classify import Classification
from invites.invitations.send_invitations import LIFETIME
from invites.lists.entries import Entry
from invites.members import accounts
from invites.models import (
    TABLES,
    Account,
    Batch,
    Delivery,
    DeliveryKind,
    DeliveryState,
    EntryOutcome,
    Invitation,
    InvitationState,
    JoinedBy,
    Membership,
    UnsubscribedAddress,
    User,
)
from invites.people import profiles
from invites.people.profiles import NewProfile

MEMBERS = 100_000
EARLIER = 200_000
ROWS = 50_000
RUNS = 7

_ADDRESS = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_MAILED_TODAY = tuple(range(109_501, 109_600))
_STATES = (
    InvitationState.PENDING,
    InvitationState.ACCEPTED,
    InvitationState.DECLINED,
    InvitationState.REVOKED,
)


def main() -> None:
    entries = [Entry(text, row) for row, text in enumerate(_texts(), 1)]
    with tempfile.TemporaryDirectory() as folder:
        db.configure(Path(folder) / "invites.sqlite3")
        schema.migrate(TABLES)
        db.connect()
        try:
            with db.transaction():
                account = _filled()
            _measure(account, entries)
        finally:
            db.close()


def _measure(account: Account, entries: list[Entry]) -> None:
    now = utcnow()
    classification = classify.classify(account, entries, now)
    _check(classification)
    emails = list({one.email for one in classification.classified if one.email})
    steps: dict[str, Callable[[], object]] = {
        "floor: a regular expression and a set": lambda: _floor(entries),
        "read every entry": lambda: [classify.read(entry) for entry in entries],
        "look the addresses up": lambda: classify.outcomes_on_record(account, emails, now),
        "look five addresses up": lambda: classify.outcomes_on_record(account, emails[:5], now),
        "classify": lambda: classify.classify(account, entries, now),
    }
    print(f"{ROWS:,} rows, {MEMBERS:,} members, {EARLIER:,} invitations; medians of {RUNS} runs")
    floor = 0.0
    for name, step in steps.items():
        seconds = statistics.median(_timed(step) for _ in range(RUNS))
        floor = floor or seconds
        print(f"{name:<44} {seconds * 1000:9.1f} ms {seconds / floor:8.2f} x floor")


def _timed(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def _floor(entries: list[Entry]) -> tuple[int, int]:
    """The least that any classification does: match each text, and count duplicates."""
    seen: set[str] = set()
    duplicates = 0
    for entry in entries:
        text = entry.text.strip().lower()
        if _ADDRESS.fullmatch(text):
            duplicates += text in seen
            seen.add(text)
    return len(seen), duplicates


def _email(number: int) -> str:
    return f"volunteer{number * 7919 % 1_000_003}@town{number % 300}.example"


def _texts() -> list[str]:
    """Members, invited and new people, duplicates and invalid addresses, in no order."""
    numbers = [*range(10_000), *range(95_000, 110_000), *range(400_000, 423_000), *range(1_000)]
    wrong = [f"person {n}@gmial.com" if n % 2 else f"person{n}@gmial.com" for n in range(1_000)]
    texts = [_email(number) for number in numbers] + wrong
    return [texts[place * 7 % ROWS] for place in range(ROWS)]


def _filled() -> Account:
    now = utcnow()
    olive = profiles.create(NewProfile("Olive", "olive@example.org", "", ""), now, confirmed=True)
    account = accounts.create("Riverside Relief", olive, now)
    batch = Batch.create(
        account=account, inviter=olive, role=Role.USER, key="", file_name="", skipped={},
        created_at=now,
    )  # fmt: skip
    first = olive.id + 1
    columns = ("id", "name", "email", "phone", "password_hash", "is_installer", "created_at")
    people = ((first + n, "Ada", _email(n), "", "", 0, 0) for n in range(MEMBERS))
    db.insert_rows(User, columns, people)
    rows = (
        (account.id, first + n, Role.USER, JoinedBy.INVITATION, 0, None if n % 10 else 1)
        for n in range(MEMBERS)
    )
    db.insert_rows(
        Membership,
        ("account_id", "user_id", "role", "joined_by", "joined_at", "deactivated_at"),
        rows,
    )
    _invite(batch, Invitation.created_at.db_value(now), (now + LIFETIME))
    db.insert_rows(
        UnsubscribedAddress,
        ("account_id", "email", "created_at"),
        ((account.id, _email(109_000 + n), 0) for n in range(500)),
    )
    return account


def _invite(batch: Batch, created: int, until: object) -> None:
    """Earlier invitations, half of them to members; every hundredth mail bounced.

    A few people got three mails today.
    """
    expiry = Invitation.expires_at.db_value(until)
    columns = (
        *("account_id", "batch_id", "inviter_id", "email", "name", "role"),
        *("state", "created_at", "expires_at", "answered_at"),
    )
    fixed = (batch.account_id, batch.id, batch.inviter_id)
    rows = []
    for n in range(EARLIER):
        state = InvitationState.ACCEPTED if n < MEMBERS else _STATES[n % 4]
        answered = created if state is InvitationState.DECLINED else None
        rows.append((*fixed, _email(n), "", Role.USER, state, created, expiry, answered))
    db.insert_rows(Invitation, columns, rows)
    mail_columns = (
        *("kind", "recipient", "account_id", "batch_id", "invitation_id", "state"),
        *("priority", "attempts", "unknown_outcomes", "due_at", "created_at", "reply_text"),
    )
    mails = (
        (
            *(DeliveryKind.INVITATION, _email(n), batch.account_id, batch.id, n + 1),
            DeliveryState.SENT if n % 100 else DeliveryState.BOUNCED,
            *(20, 1, 0, created, created, ""),
        )
        for n in (*range(EARLIER), *_MAILED_TODAY * 2)
    )
    db.insert_rows(Delivery, mail_columns, mails)


def _check(classification: Classification) -> None:
    assert len(classification) == ROWS
    assert (
        classification.counts[EntryOutcome.DUPLICATE]
        == classification.counts[EntryOutcome.INVALID]
        == 1_000
    )
    not_classified = {EntryOutcome.EXCLUDED}
    missing = {outcome for outcome in EntryOutcome if not classification.counts[outcome]}
    assert missing == not_classified, missing


if __name__ == "__main__":
    main()
