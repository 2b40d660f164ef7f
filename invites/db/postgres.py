"""What is particular to PostgreSQL.

Its transactions can run at the same time, and rules such as "an account keeps an Owner" would not
hold. So every transaction begins with the same lock, which SQLite has by itself: one writes, and
others wait. Reading takes no lock.
"""

import re
import select
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import peewee
import psycopg
from peewee import JOIN, SQL, fn
from playhouse.pool import PooledPostgresqlDatabase

from invites.db.backend import Backend, peewee_errors

_WRITERS = 1  # the number of the lock that a transaction holds
_STALE_AFTER = 300  # seconds after which an idle connection isn't used again
_UNINDEXED = re.compile(r"(?<=\s)\+(?=\w+\.)")
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)


class Postgres(PooledPostgresqlDatabase, Backend):  # type: ignore[misc]  # its two bases in peewee differ
    """A PostgreSQL server, see ``Backend``. Connects when it is needed."""

    def __init__(self, url: str, folder: Path, *, durable: bool) -> None:
        """``folder``: of this server's own files."""
        self.place: Path | str = url
        self.folder = folder
        options = {
            "lock_timeout": "30s" if durable else "5s",
            "synchronous_commit": "on" if durable else "off",
            "timezone": "UTC",
            # Whatever the database's own default: a transaction must see what was committed while
            # it waited for the lock.
            "default_transaction_isolation": r"read\ committed",
        }
        # The address may have options too, such as a search_path. Arguments replace them.
        given = str(psycopg.conninfo.conninfo_to_dict(url).get("options") or "")
        super().__init__(
            url,
            prefer_psycopg3=True,
            max_connections=None,
            stale_timeout=_STALE_AFTER,
            # Fills in values itself: the server couldn't tell the types of some of them.
            cursor_factory=psycopg.ClientCursor,
            connect_timeout=10,
            application_name="Invites",
            options=" ".join([given, *(f"-c {name}={value}" for name, value in options.items())]),
        )

    def __str__(self) -> str:
        """Without a password."""
        known = psycopg.conninfo.conninfo_to_dict(str(self.place))
        name, host = known.get("dbname", ""), known.get("host", "localhost")
        return f"The PostgreSQL database {name} at {host}"

    def begin(self, isolation_level: str | None = None) -> None:
        super().begin(isolation_level)
        try:
            with peewee_errors():
                self.cursor().execute("SELECT pg_advisory_xact_lock(%s)", (_WRITERS,))
        except peewee.PeeweeException:
            # Peewee doesn't know of the transaction yet, and the connection may be used again.
            with suppress(peewee.PeeweeException):  # it was lost
                self.rollback()
            raise

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """A statement that writes is a transaction too. PostgreSQL can't store U+0000."""
        if isinstance(params, list | tuple):
            params = _without_nul(params)
        if self.in_transaction() or not _WRITES.match(sql):
            return super().execute_sql(sql, params)
        with self.atomic():
            return super().execute_sql(sql, params)

    def close_idle(self) -> None:
        if not self.is_closed():
            self.close()
        super().close_idle()

    def translated(self, sql: str) -> str:
        """From the SQL of SQLite, in which all statements are written."""
        return _translated(sql)

    def contains(self, field: Any, text: str) -> Any:
        return fn.STRPOS(field, text) > 0

    def among(self, field: Any, values: Sequence[str | int]) -> Any:
        # SQL around the list, because peewee takes a list for many parameters.
        return field == SQL("ANY(%s)", [list(values)])

    def lookup(self, values: Sequence[str], field: Any) -> Any:
        wanted = SQL("unnest(%s::text[]) AS wanted(value)", [list(values)])
        return peewee.Join(wanted, field.model, JOIN.INNER, on=(SQL("wanted.value") == field))

    def unindexed(self, field: Any) -> Any:
        """Statistics tell PostgreSQL which index is best."""
        return field

    def check_write(self) -> None:
        """Writes to PostgreSQL's log, on a connection of its own, and waits for the disk."""
        try:
            with psycopg.connect(str(self.place), autocommit=True, connect_timeout=2) as own:
                own.execute("SET statement_timeout = '2s'")
                own.execute("SELECT pg_logical_emit_message(true, 'invites', '')")
        except psycopg.Error as error:
            raise peewee.OperationalError(str(error)) from error

    @contextmanager
    def lock_attempts(self, name: str) -> Iterator[Callable[[], bool]]:
        """The server unlocks when the connection ends, even if this process is killed."""
        number, who = zlib.crc32(name.encode()), f"Invites {name}"
        with peewee_errors():
            own = psycopg.connect(
                str(self.place), autocommit=True, application_name=who, connect_timeout=10
            )

        def attempt() -> bool:
            with peewee_errors():
                row = own.execute("SELECT pg_try_advisory_lock(0, %s::int)", (number % 2**31,))
                return bool((row.fetchone() or (False,))[0])

        with closing(own):
            yield attempt

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.connect(reuse_if_open=True)
        with peewee_errors():
            self.connection().execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            with suppress(psycopg.Error):  # the connection was lost
                self.connection().execute("ROLLBACK")

    def insert_rows(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        with self.atomic(), peewee_errors():
            self.cursor().executemany(_translated(statement), map(_without_nul, rows))

    def _is_closed(self, conn: Any) -> bool:
        """Nothing comes over an idle connection, except that the server closed it."""
        if super()._is_closed(conn):
            return True
        readable, _, _ = select.select([conn.fileno()], [], [], 0)
        return bool(readable)


def _without_nul(value: Any) -> Any:
    """``value`` may be a list of values."""
    if isinstance(value, list | tuple):
        return [_without_nul(each) for each in value]
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


@lru_cache
def _translated(sql: str) -> str:
    sql = sql.replace("%", "%%").replace("?", "%s")
    ids = "SELECT value::bigint FROM jsonb_array_elements_text(%s::jsonb)"
    return _UNINDEXED.sub("", sql).replace("SELECT value FROM json_each(%s)", ids)
