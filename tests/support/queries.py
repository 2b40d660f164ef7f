"""Which statements a request sends to the database."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def queries() -> Iterator[list[str]]:
    """Collects the SQL that runs during the block."""
    seen: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(str(record.msg))

    logger, collector = logging.getLogger("peewee"), Collector(logging.DEBUG)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(collector)
    try:
        yield seen
    finally:
        logger.removeHandler(collector)
        logger.setLevel(before)
