"""The base class of all tables."""

from typing import Any

from peewee import Model, SmallIntegerField

from invites.core.roles import Role
from invites.db import database


class RoleField(SmallIntegerField):
    def db_value(self, value: Any) -> Any:
        return None if value is None else int(value)

    def python_value(self, value: Any) -> Any:
        return None if value is None else Role(value)


class Row(Model):
    id: Any

    class Meta:
        database = database
        legacy_table_names = False
