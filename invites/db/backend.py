"""The interface that SQLite and PostgreSQL share."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import peewee


def peewee_errors() -> AbstractContextManager[None]:
    """Turns the driver's errors into peewee's, as ``execute_sql`` does by itself."""
    wrapper: AbstractContextManager[None] = peewee.__exception_wrapper__  # type: ignore[attr-defined]  # types-peewee lacks it
    return wrapper


class Backend(peewee.Database):
    """What SQLite and PostgreSQL do differently."""

    place: Path | str
    """What ``configure`` was given."""
    folder: Path
    """Of this server's own files."""

    def translated(self, sql: str) -> str:
        """``sql`` is written for SQLite."""
        raise NotImplementedError

    def contains(self, field: Any, text: str) -> Any:
        """A condition: ``text`` is a part of ``field``."""
        raise NotImplementedError

    def among(self, field: Any, values: Sequence[str | int]) -> Any:
        """See ``queries.among``."""
        raise NotImplementedError

    def lookup(self, values: Sequence[str], field: Any) -> Any:
        """See ``queries.lookup``."""
        raise NotImplementedError

    def unindexed(self, field: Any) -> Any:
        """See ``queries.unindexed``."""
        raise NotImplementedError

    def check_write(self) -> None:
        """Raises an error if nothing can be written. For PostgreSQL only, see ``health``."""
        raise NotImplementedError

    def lock_attempts(self, name: str) -> AbstractContextManager[Callable[[], bool]]:
        """A function that tries to lock ``name`` for this process among all servers."""
        raise NotImplementedError

    def snapshot(self) -> AbstractContextManager[None]:
        """Connects, and reads one state of the database, even while others write."""
        raise NotImplementedError

    def close_idle(self) -> None:
        """Closes the connection of this thread, and those that no thread uses."""
        raise NotImplementedError

    def insert_rows(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs a statement for each row."""
        raise NotImplementedError
