"""Builds the messages that are sent. Similar invitations share a template."""

import functools
import time
from collections.abc import Hashable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import NamedTuple

from invites.authorization.authority import has_authority
from invites.core.message_ids import message_id
from invites.mail.bulk_template import LINK, NAME, UNSUBSCRIBE, Addressee, BulkTemplate, Draft
from invites.mail.rendering import (
    MailContext,
    PersonalLinks,
    heading,
    invitation_parts,
    render,
)
from invites.models import Delivery, Invitation
from invites.outbox.queue import QueuedInvitation, QueuedMail

_TEMPLATE_TIME = 0.5  # seconds for which templates are used: an account may change its name


@functools.lru_cache(8)
def _date(seconds: int) -> str:
    """``seconds`` since 1970, for the header Date (RFC 5322, 3.3)."""
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


class Message(NamedTuple):
    """``content``: the bytes that SMTP transmits."""

    mail: QueuedMail
    content: bytes


class MailBuilder:
    """All connections share one. It caches the templates for bulk mail."""

    def __init__(self, mail_context: MailContext) -> None:
        self._context = mail_context
        self._templates: dict[Hashable, BulkTemplate | None] = {}
        self._built_at = 0.0

    @property
    def sender(self) -> str:
        """The envelope sender of all messages (RFC 5321, 4.1.1.2)."""
        return self._context.sender.addr_spec

    def build(self, mail: QueuedMail, now: datetime) -> Message | None:
        """Returns None if the message must no longer be sent.

        Raises UnsafeMailError if a text would break out of a header.
        """
        if mail.invitation is None:
            rendered = render(Delivery.get_by_id(mail.id), self._context, now)
            return None if rendered is None else Message(mail, rendered.as_bytes())
        template = self._template(mail, mail.invitation)
        if template is None:
            return None
        links = self._context.links
        addressee = Addressee(
            mail.recipient,
            message_id(links.signer, mail, self._context.sender.domain),
            _date(int(now.timestamp())),
            links.mailed_invitation(mail.invitation),
            links.unsubscribe(mail.invitation),
            mail.invitation.name,
        )
        return Message(mail, template.fill(addressee))

    def _template(self, mail: QueuedMail, invitation: QueuedInvitation) -> BulkTemplate | None:
        """The template for all similar invitations; None if the inviter has lost the authority."""
        if time.monotonic() - self._built_at > _TEMPLATE_TIME:
            self._templates, self._built_at = {}, time.monotonic()
        kind = (
            mail.account_id,
            invitation.inviter_id,
            invitation.role,
            invitation.expires_at,
            mail.has_profile,
            bool(invitation.name),
        )
        if kind not in self._templates:
            self._templates[kind] = self._build_template(invitation, has_profile=mail.has_profile)
        return self._templates[kind]

    def _build_template(
        self, queued: QueuedInvitation, *, has_profile: bool
    ) -> BulkTemplate | None:
        found = Invitation.with_account_and_inviter().where(Invitation.id == queued.id)
        invitation: Invitation = found.get()
        if not has_authority(invitation):
            return None
        invitation.name = NAME if queued.name else ""
        gaps = PersonalLinks(LINK, UNSUBSCRIBE)
        links = self._context.links
        parts = invitation_parts(invitation, gaps, links, has_profile=has_profile)
        sender, headers = heading(invitation.account, self._context)
        if links.base_url.startswith("https://"):
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058, 3.1
        return BulkTemplate(Draft(sender, parts.subject, parts.text, parts.html, headers))
