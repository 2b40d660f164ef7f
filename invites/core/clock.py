"""The one place that asks what time it is."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """The present moment, timezone-aware, in UTC."""
    return datetime.now(UTC)
