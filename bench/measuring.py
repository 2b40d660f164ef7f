"""Helpers that several benchmarks share."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from invites import db
from invites.db import schema
from invites.models import TABLES


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def database() -> Iterator[None]:
    """Connects to an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        db.configure(Path(folder) / "invites.sqlite3")
        schema.migrate(TABLES)
        db.connect()
        try:
            yield
        finally:
            db.close()
