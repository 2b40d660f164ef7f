"""One mail to one person, as Flask-Mail's Message."""

from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime

import flask_mail

from invites.mail.bulk_template import Addressee, BulkTemplate, Draft


class OutgoingMail(flask_mail.Message):
    """A Flask-Mail message that BulkTemplate turns into bytes.

    Flask-Mail's own headers let control characters pass, and break addresses with a comma in
    the name. The standard library's policy quotes, folds and refuses (RFC 5322).
    """

    def __init__(
        self,
        *,
        subject: str,
        sender: Address,
        recipient: str,
        text: str,
        html: str,
        message_id: str,
        date: datetime,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(
            subject=subject,
            recipients=[recipient],
            body=text,
            html=html,
            sender=sender.addr_spec,
            date=date.timestamp(),
            extra_headers=dict(headers),
        )
        self.from_header = sender
        self.msgId = message_id
        self.moment = date

    @property
    def recipient(self) -> str:
        return str(self.recipients[0])

    def as_bytes(self) -> bytes:
        """The whole message; see BulkTemplate.fill. Raises UnsafeMailError."""
        draft = Draft(
            self.from_header,
            self.subject,
            self.body or "",
            self.html or "",
            self.extra_headers or {},
        )
        addressee = Addressee(self.recipient, self.msgId, format_datetime(self.moment), link="")
        return BulkTemplate(draft).fill(addressee)
