"""One mail to one person, as bytes that any mail server takes."""

from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import flask_mail

_FOLDED = SMTP.clone(max_line_length=78, cte_type="7bit")


class OutgoingMail(flask_mail.Message):
    """A Flask-Mail message whose headers are built by the standard library's policy.

    Flask-Mail's own headers let control characters pass and break addresses
    with a comma in the name; the policy quotes, folds and refuses (RFC 5322).
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
        """The one address this mail goes to."""
        return str(self.recipients[0])

    def as_bytes(self) -> bytes:
        """The whole message, lines ended by CRLF, in seven-bit ASCII (RFC 5321, 5322, 2046)."""
        message = EmailMessage(policy=_FOLDED)
        message["From"] = self.from_header
        message["To"] = Address(addr_spec=self.recipient)
        message["Subject"] = self.subject
        message["Date"] = format_datetime(self.moment)
        message["Message-ID"] = self.msgId
        for name, value in (self.extra_headers or {}).items():
            message[name] = value
        message.set_content(self.body or "", cte="quoted-printable")
        message.add_alternative(self.html or "", subtype="html", cte="quoted-printable")
        return message.as_bytes()

    def has_bad_headers(self) -> bool:
        """Whether anything that becomes a header has a control character in it."""
        values = [self.subject, str(self.from_header), self.recipient, self.msgId]
        values += (self.extra_headers or {}).values()
        return any(not c.isprintable() for value in values for c in value)
