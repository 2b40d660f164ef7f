"""The database: nothing outside this package knows that it is SQLite."""

from invites.db.connection import (
    close,
    configure,
    connect,
    database,
    path,
    sql_transaction,
    transaction,
)
from invites.db.database_file import NotReadyError, backup, only_one
from invites.db.fields import UtcField, moment
from invites.db.queries import (
    LEFT_OUTER,
    among,
    delete,
    execute,
    insert_rows,
    literal,
    lookup,
    read,
    select,
    sql,
    tuples,
    unindexed,
    update_rows,
)
from invites.db.search import address_contains, contains, folded
