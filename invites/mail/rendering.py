"""Renders a message from the row that caused it, at the time it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.utils import make_msgid
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import flask_babel
from flask import current_app

from invites.authorization.authority import has_authority
from invites.core.message_ids import message_id
from invites.mail.message import OutgoingMail, Parts
from invites.members import two_step_policy
from invites.members.links import Links
from invites.models import (
    Account,
    Delivery,
    DeliveryKind,
    EmailToken,
    EmailTokenPurpose,
    Invitation,
    InvitationStatus,
    SecurityEvent,
    SecurityNotice,
    User,
)
from invites.people import email_tokens


@dataclass(frozen=True)
class MailContext:
    """What all messages of this installation have in common."""

    sender: Address
    links: Links


def render(delivery: Delivery, mail_context: MailContext, now: datetime) -> OutgoingMail | None:
    """None if the message must no longer be sent."""
    parts = _delivery_parts(delivery, mail_context.links, now)
    if parts is None:
        return None
    is_invitation = delivery.kind == DeliveryKind.INVITATION
    account = delivery.invitation.account if is_invitation else None
    sender, headers = heading(account, mail_context)
    own_id = message_id(mail_context.links.signer, delivery, sender.domain)
    return OutgoingMail(
        parts, sender, delivery.recipient, message_id=own_id, date=now, headers=headers
    )


def render_test_mail(recipient: str, mail_context: MailContext, now: datetime) -> OutgoingMail:
    """``recipient``: a canonical address."""
    context = {"link": mail_context.links.accounts()}
    return _mail_without_row("test_mail", context, recipient, mail_context, now)


def render_service_failure(
    recipient: str, service: str, mail_context: MailContext, now: datetime
) -> OutgoingMail:
    """``recipient``: a canonical address. ``service``: a systemd unit without its suffix."""
    context = {"service": service, "site": mail_context.links.accounts()}
    return _mail_without_row("service_failed", context, recipient, mail_context, now)


def _mail_without_row(
    name: str, context: Mapping[str, str], recipient: str, mail_context: MailContext, now: datetime
) -> OutgoingMail:
    sender, headers = heading(None, mail_context)
    own_id = make_msgid(name, sender.domain)
    parts = _parts(name, context)
    return OutgoingMail(parts, sender, recipient, message_id=own_id, date=now, headers=headers)


def _delivery_parts(delivery: Delivery, links: Links, now: datetime) -> Parts | None:
    if delivery.kind == DeliveryKind.INVITATION:
        invitation = delivery.invitation
        if invitation.status(now) is not InvitationStatus.PENDING or not has_authority(invitation):
            return None
        personal = PersonalLinks(links.mailed_invitation(invitation), links.unsubscribe(invitation))
        has_profile = User.select().where(User.email == invitation.email).exists()
        return invitation_parts(invitation, personal, links, has_profile=has_profile)
    if delivery.kind == DeliveryKind.SECURITY_NOTICE:
        return _notice_parts(delivery.security_notice, links)
    if not email_tokens.is_open(delivery.email_token, now):
        return None
    return _email_token_parts(delivery, links)


class PersonalLinks(NamedTuple):
    invitation: str
    unsubscribe: str


def invitation_parts(
    invitation: Invitation, personal: PersonalLinks, links: Links, *, has_profile: bool
) -> Parts:
    """``invitation`` may be an example that isn't in the database."""
    account = invitation.account
    context = {
        "account": account,
        "inviter": invitation.inviter,
        "role": invitation.role,
        "name": invitation.name,
        "link": personal.invitation,
        "unsubscribe_link": personal.unsubscribe,
        "account_link": links.account(account),
        "accounts_link": links.accounts(),
        "last_day": _day(invitation.expires_at, account.time_zone),
    }
    return _parts("invitation_known" if has_profile else "invitation_new", context)


def _day(at: datetime, time_zone: str) -> str:
    local = at.astimezone(ZoneInfo(time_zone))
    return str(flask_babel.format_date(local, "d MMM y", rebase=False))


def _email_token_parts(delivery: Delivery, links: Links) -> Parts:
    email_token: EmailToken = delivery.email_token
    context = {
        "person": email_token.user,
        "email": email_token.email,
        "link": links.email_token(email_token),
        "hours": email_tokens.lifetime_hours(EmailTokenPurpose(email_token.purpose)),
    }
    return _parts(delivery.kind, context)


def _notice_parts(notice: SecurityNotice, links: Links) -> Parts | None:
    """None for TWO_STEP_REQUIRED if no account is closed to the person any more."""
    moment = flask_babel.format_datetime(notice.created_at, "d MMM y, HH:mm", rebase=False)
    is_required = notice.event == SecurityEvent.TWO_STEP_REQUIRED
    accounts = two_step_policy.closed_accounts(notice.user) if is_required else []
    if is_required and not accounts:
        return None
    context = {
        "person": notice.user,
        "event": notice.event,
        "moment": moment,
        "accounts": ", ".join(account.name for account in accounts),
        "link": links.two_step() if is_required else links.forgotten_password(),
    }
    return _parts(DeliveryKind.SECURITY_NOTICE, context)


def _parts(mail: str, context: Mapping[str, Any]) -> Parts:
    # Not flask.render_template, whose context processors need a request.
    templates = current_app.jinja_env

    def part(name: str, **more: str) -> str:
        template = templates.get_template(f"email/{mail}/{name}")
        return template.render(context, **more).strip() + "\n"

    subject = part("subject.txt").strip()
    return Parts(subject, part("body.txt"), part("body.html", subject=subject))


def heading(account: Account | None, mail_context: MailContext) -> tuple[Address, dict[str, str]]:
    """The sender, and the headers that are the same for all recipients."""
    headers = {"Auto-Submitted": "auto-generated"}  # RFC 3834: no out-of-office replies
    if account is None:
        return mail_context.sender, headers
    if account.reply_to:
        headers["Reply-To"] = account.reply_to
    return Address(account.name, addr_spec=mail_context.sender.addr_spec), headers
