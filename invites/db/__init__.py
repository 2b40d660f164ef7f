"""The database: connections, queries, schema, migrations, locks and faults."""

from invites.db.connection import (
    backend,
    close,
    configure,
    connect,
    database,
    folder,
    place,
    transaction,
)
from invites.db.database_file import backup
from invites.db.faults import (
    ERRORS,
    Fault,
    FaultError,
    NotReadyError,
    explain,
    fault_of,
    file_errors,
    full_folders,
)
from invites.db.fields import UtcField, moment
from invites.db.locks import holder, only_one, only_one_here
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
