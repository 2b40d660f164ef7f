"""A PostgreSQL server of the tests' own, in a temporary folder."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

# Nothing that these tests write has to survive anything.
_OPTIONS = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 "
    "-c listen_addresses='' -c shared_buffers=64MB -c log_min_messages=fatal"
)

# Deleting takes a tenth of the time of TRUNCATE, if it skips triggers and foreign keys.
_EMPTY = """
    DO $$ DECLARE found record; deleted int; BEGIN
        SET LOCAL session_replication_role = replica;
        FOR found IN
            SELECT c.relname AS name, pg_get_serial_sequence(c.relname, 'id') AS ids
            FROM pg_class AS c
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = 1
            WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
                AND a.attname = 'id' AND c.relname <> 'installation'
        LOOP
            EXECUTE format('DELETE FROM %I', found.name);
            GET DIAGNOSTICS deleted = ROW_COUNT;
            IF deleted > 0 THEN PERFORM setval(found.ids, 1, false); END IF;
        END LOOP;
        DELETE FROM staged_row;
        UPDATE installation SET key_fingerprints = '', backed_up_at = NULL,
            backup_failed_at = NULL, backup_failure = '';
    END $$
"""


class PostgresServer:
    """``admin``: a connection that may create databases."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.start()

    def start(self) -> None:
        socket = f"-k {self._folder}"
        self._control("start", "-w", "-l", f"{self._folder}/log", "-o", f"{_OPTIONS} {socket}")
        self.admin = psycopg.connect(self.url("postgres"), autocommit=True)

    def stop(self) -> None:
        """As in a crash: what wasn't synced is lost."""
        self.admin.close()
        self._control("stop", "-m", "immediate")

    def crash_and_restart(self) -> None:
        self.stop()
        self.start()

    def url(self, name: str) -> str:
        return f"postgresql:///{name}?host={self._folder}&user=postgres"

    def create(self, name: str) -> str:
        """The URL of a new database."""
        self.admin.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        self.admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _control(self, *arguments: str) -> None:
        _run(self._folder, "pg_ctl", *arguments)


def empty(connection: "psycopg.Connection[Any]") -> None:
    """Deletes all rows, which takes a tenth of the time of copying a database."""
    connection.execute(_EMPTY)


def binaries() -> Path | None:
    """The folder of the newest version that is installed, which Debian keeps out of PATH."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@contextmanager
def running() -> Iterator[PostgresServer]:
    with TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        if _AS_ROOT:
            shutil.chown(folder, "postgres")
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        _run(folder, "initdb", *options)
        server = PostgresServer(folder)
        try:
            yield server
        finally:
            server.stop()


_AS_ROOT = getpass.getuser() == "root"


def _run(folder: Path, program: str, *arguments: str) -> None:
    """PostgreSQL refuses to run as root, so root starts it as the user postgres."""
    programs = binaries()
    assert programs is not None, "PostgreSQL isn't installed: apt-get install postgresql"
    user = ["runuser", "-u", "postgres", "--"] if _AS_ROOT else []
    command = [*user, str(programs / program), "-D", str(folder / "data"), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


def is_wanted() -> bool:
    """Whether the tests shall run on PostgreSQL."""
    return os.environ.get("TEST_DATABASE") == "postgresql"


needs_postgres = pytest.mark.skipif(binaries() is None, reason="PostgreSQL isn't installed")
sqlite_only = pytest.mark.skipif(is_wanted(), reason="about SQLite itself")
