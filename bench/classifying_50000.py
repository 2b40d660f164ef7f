"""Classifies 50,000 rows in an account with 100,000 members and 200,000 earlier invitations."""

import re
import statistics
from collections.abc import Callable

from bench.large_account import EARLIER, MEMBERS, ROWS, make_large_account, texts
from bench.measuring import database, seconds
from invites.core.clock import utcnow
from invites.invitations import classify
from invites.invitations.classify import Classification
from invites.lists.entries import Entry
from invites.models import Account, EntryOutcome

RUNS = 7

_ADDRESS = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@[a-z0-9-]+(?:\.[a-z0-9-]+)+")


def main() -> None:
    entries = [Entry(text, row) for row, text in enumerate(texts(), 1)]
    with database():
        _measure(make_large_account(), entries)


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
        median = statistics.median(seconds(step) for _ in range(RUNS))
        floor = floor or median
        print(f"{name:<44} {median * 1000:9.1f} ms {median / floor:8.2f} x floor")


def _floor(entries: list[Entry]) -> tuple[int, int]:
    """The minimum for any classification: matching each text and counting duplicates."""
    seen: set[str] = set()
    duplicates = 0
    for entry in entries:
        text = entry.text.strip().lower()
        if _ADDRESS.fullmatch(text):
            duplicates += text in seen
            seen.add(text)
    return len(seen), duplicates


def _check(classification: Classification) -> None:
    counts = classification.counts
    assert len(classification) == ROWS
    assert counts[EntryOutcome.DUPLICATE] == counts[EntryOutcome.INVALID] == 1_000
    missing = {outcome for outcome in EntryOutcome if not counts[outcome]}
    assert missing == {EntryOutcome.EXCLUDED}, missing


if __name__ == "__main__":
    main()
