"""The column type for times."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from peewee import BigIntegerField

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UtcField(BigIntegerField):
    """An aware UTC datetime in Python, microseconds since 1970 in the table."""

    def db_value(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return (value - _EPOCH) // _MICROSECOND

    def python_value(self, value: Any) -> Any:
        return None if value is None else moment(value)


@lru_cache(1024)  # the rows of a batch share one time
def moment(stored: int) -> datetime:
    return _EPOCH + stored * _MICROSECOND
