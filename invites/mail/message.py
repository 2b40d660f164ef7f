"""One mail to one person, as bytes that any mail server takes."""

from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import flask_mail

_SEVEN_BIT = SMTP.clone(cte_type="7bit")
# Folding takes the quotes off a long name with a comma in it, so that it becomes
# several senders. A line may have 998 characters (RFC 5322), and no name is that
# long; names that aren't ASCII become encoded words, which may fold.
_SAFE_SENDER = 70  # characters that fit on the line of From
_UNFOLDED = _SEVEN_BIT.clone(max_line_length=998)


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
        message = EmailMessage(policy=_SEVEN_BIT)
        message["From"] = self.from_header
        message["To"] = Address(addr_spec=self.recipient)
        message["Subject"] = self.subject
        message["Date"] = format_datetime(self.moment)
        message["Message-ID"] = self.msgId
        for name, value in (self.extra_headers or {}).items():
            message[name] = value
        message.set_content(self.body or "", cte="quoted-printable")
        message.add_alternative(self.html or "", subtype="html", cte="quoted-printable")
        sender = str(self.from_header)
        would_break = sender.isascii() and len(sender) > _SAFE_SENDER
        return message.as_bytes(policy=_UNFOLDED if would_break else _SEVEN_BIT)

    def has_bad_headers(self) -> bool:
        """Whether anything that becomes a header has a control character or encoded word in it.

        The standard library unpacks encoded words (RFC 2047) in what it is given.
        """
        values = [self.subject, str(self.from_header), self.recipient, self.msgId]
        values += (self.extra_headers or {}).values()
        return any("=?" in value or not value.isprintable() for value in values)
