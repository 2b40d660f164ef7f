"""The installation's keys and backups."""

from peewee import CharField

from invites.db import UtcField
from invites.models.base import Row


class Installation(Row):
    """One row. ``key_fingerprints``: those of the secret keys in use, the signing key's first."""

    key_fingerprints = CharField(max_length=1000, default="")
    backed_up_at = UtcField(null=True)
    backup_failed_at = UtcField(null=True)
    backup_failure = CharField(max_length=500, default="")
