"""Flask-Mail's Message for one recipient."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime

import flask_mail

from invites.mail.bulk_template import Addressee, BulkTemplate, Draft


@dataclass(frozen=True)
class Parts:
    subject: str
    text: str
    html: str


class OutgoingMail(flask_mail.Message):
    """A Flask-Mail message that BulkTemplate turns into bytes.

    Flask-Mail itself allows control characters in headers, and breaks addresses with a comma in the
    name. BulkTemplate refuses such characters, and quotes such names (RFC 5322).
    """

    def __init__(
        self,
        parts: Parts,
        sender: Address,
        recipient: str,
        *,
        message_id: str,
        date: datetime,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(
            subject=parts.subject,
            recipients=[recipient],
            body=parts.text,
            html=parts.html,
            sender=sender.addr_spec,
            date=date.timestamp(),
            extra_headers=dict(headers),
        )
        self.from_header = str(sender)
        self.recipient = recipient
        self.msgId = message_id
        self._draft = Draft(sender, parts.subject, parts.text, parts.html, headers)
        self._date = format_datetime(date)

    def as_bytes(self) -> bytes:
        """See BulkTemplate.fill. Raises UnsafeMailError."""
        addressee = Addressee(self.recipient, self.msgId, self._date, link="")
        return BulkTemplate(self._draft).fill(addressee)
