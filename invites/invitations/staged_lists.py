"""Staged lists: uploaded files that were read and classified, and are kept until they are sent.

Only the person who uploaded a list can see it. It survives a reload, a logout and a restart, and is
deleted after a day.
"""

from datetime import datetime, timedelta

from peewee import ModelSelect

from invites import db
from invites.models import Batch, Membership, StagedList, StagedRow

KEPT = timedelta(days=1)
_KEPT_PER_PERSON = 3  # and account, because people may have several tabs open


def find(actor: Membership, list_id: int | None) -> StagedList | None:
    """None unless ``actor`` uploaded it in this account."""
    return _own(actor).where(StagedList.id == list_id).get_or_none()


def newest(actor: Membership) -> StagedList | None:
    """Unsent lists only."""
    unsent = _own(actor).where(StagedList.batch.is_null())
    return unsent.order_by(StagedList.id.desc()).get_or_none()


def identity(staged: StagedList) -> str:
    """Never reused, unlike the id of a deleted list."""
    return f"{staged.id} {staged.created_at.isoformat()}"


def delete(staged: StagedList) -> None:
    db.delete(StagedList).where(StagedList.id == staged.id).execute()


def delete_expired(now: datetime) -> None:
    db.delete(StagedList).where(StagedList.created_at < now - KEPT).execute()


def delete_older(actor: Membership, replaced: int | None) -> None:
    """Deletes the replaced list, unless it was sent, and all but the newest three."""
    own = (StagedList.account == actor.account_id) & (StagedList.user == actor.user_id)
    is_replaced = (StagedList.id == replaced) & StagedList.batch.is_null()
    newest = StagedList.select(StagedList.id).where(own).order_by(StagedList.id.desc())
    is_older = StagedList.id.not_in(newest.limit(_KEPT_PER_PERSON))
    db.delete(StagedList).where(own, is_replaced | is_older).execute()


def mark_sent(staged: StagedList, batch: Batch) -> None:
    """Deletes rows and content. Keeps the list, so a second press of the button finds its batch."""
    db.delete(StagedRow).where(StagedRow.list == staged.id).execute()
    staged.batch, staged.content = batch, b""
    staged.save(only=[StagedList.batch, StagedList.content])


def reload(staged: StagedList) -> None:
    """Reads all fields again except the content."""
    fresh = StagedList.select(*_WITHOUT_CONTENT).where(StagedList.id == staged.id).get()
    for field in _WITHOUT_CONTENT:
        setattr(staged, field.name, getattr(fresh, field.name))


def _own(actor: Membership) -> "ModelSelect[StagedList]":
    """The member's own lists in their account, without the content."""
    return StagedList.select(*_WITHOUT_CONTENT).where(
        StagedList.account == actor.account_id, StagedList.user == actor.user_id
    )


_WITHOUT_CONTENT = [field for field in StagedList._meta.sorted_fields if field.name != "content"]
