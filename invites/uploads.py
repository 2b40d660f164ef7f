"""Files that were dropped: read at once, and kept for a day, so that no error loses them."""

from datetime import datetime, timedelta
from pathlib import PurePath

from invites import db, files
from invites.models import Membership, Upload
from invites.recipients import Entry

KEPT = timedelta(days=1)
_KEPT_EACH = 3  # for a person in an account: two tabs, and one more


def keep(actor: Membership, file_name: str, content: bytes, now: datetime) -> Upload:
    """Read a CSV file and keep its entries for this person in this account.

    Raises Refused(FILE_* or LIST_TOO_LONG); then nothing is kept.
    """
    table = files.read(content)
    entries = [entry for entry in table.entries(table.choice()) if entry.text]
    own = (Upload.account == actor.account_id) & (Upload.user == actor.user_id)
    newest = Upload.select(Upload.id).where(own).order_by(Upload.id.desc()).limit(_KEPT_EACH - 1)
    with db.transaction():
        sweep(now)
        db.delete(Upload).where(own, Upload.id.not_in(newest)).execute()
        return Upload.create(
            account=actor.account_id,
            user=actor.user_id,
            file_name=_display_name(file_name),
            rows=[[entry.row, entry.text] for entry in entries],
            created_at=now,
        )


def find(actor: Membership, upload_id: int | None) -> Upload | None:
    """The upload, if it is this person's, in this account."""
    found: Upload | None = db.one(
        Upload.select().where(
            Upload.id == upload_id,
            Upload.account == actor.account_id,
            Upload.user == actor.user_id,
        )
    )
    return found


def entries(upload: Upload | None) -> list[Entry]:
    """What the file held; nothing for no file."""
    return [Entry(text, row) for row, text in upload.rows] if upload else []


def drop(upload: Upload) -> None:
    """Forget the file."""
    db.delete(Upload).where(Upload.id == upload.id).execute()


def sweep(now: datetime) -> None:
    """Forget what is older than a day, sent or not: a second press has to find its file."""
    db.delete(Upload).where(Upload.created_at < now - KEPT).execute()


def _display_name(file_name: str) -> str:
    name = PurePath(file_name.replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[:120] or "list.csv"
