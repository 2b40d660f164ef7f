"""The worker's heartbeat: whether it is running, and which outage keeps it from sending."""

from datetime import datetime, timedelta

from invites import db
from invites.models import WorkerStatus

_MAX_SILENCE = timedelta(seconds=90)


def record(now: datetime, outage: str = "") -> None:
    """``outage``: why the worker can't send, empty if it can."""
    status = {"seen_at": now, "outage": outage[:500]}
    if not WorkerStatus.update(status).where(WorkerStatus.id == 1).execute():
        WorkerStatus.insert(id=1, **status).on_conflict_ignore().execute()


def clear() -> None:
    db.delete(WorkerStatus).where(WorkerStatus.id == 1).execute()


def worker_is_running(now: datetime) -> bool:
    status = WorkerStatus.get_or_none(WorkerStatus.id == 1)
    return status is not None and now - status.seen_at < _MAX_SILENCE


def outage() -> str:
    """In the mail server's words; empty if the worker can send."""
    status = WorkerStatus.get_or_none(WorkerStatus.id == 1)
    return status.outage if status is not None else ""
