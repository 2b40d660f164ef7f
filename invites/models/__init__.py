"""Tables, constraints, and the questions a row can answer about itself."""

from invites.models.accounts import Account
from invites.models.base import RoleField, Row
from invites.models.invitations import (
    OPEN_STATES,
    Batch,
    BatchState,
    Invitation,
    InvitationState,
    InvitationStatus,
    UnsubscribedAddress,
)
from invites.models.lists import INVITED, ON_REQUEST, EntryOutcome, StagedList, StagedRow
from invites.models.members import AuditEntry, JoinedBy, Membership, PermanentLink
from invites.models.outbox import Delivery, DeliveryKind, DeliveryState, MailThrottle, WorkerStatus
from invites.models.people import (
    Authenticator,
    EmailToken,
    EmailTokenPurpose,
    Passkey,
    PasskeyChallenge,
    RecoveryCodes,
    SecurityEvent,
    SecurityNotice,
    Session,
    User,
)

__all__ = [
    "INVITED",
    "ON_REQUEST",
    "OPEN_STATES",
    "Account",
    "AuditEntry",
    "Authenticator",
    "Batch",
    "BatchState",
    "Delivery",
    "DeliveryKind",
    "DeliveryState",
    "EmailToken",
    "EmailTokenPurpose",
    "EntryOutcome",
    "Invitation",
    "InvitationState",
    "InvitationStatus",
    "JoinedBy",
    "MailThrottle",
    "Membership",
    "Passkey",
    "PasskeyChallenge",
    "PermanentLink",
    "RecoveryCodes",
    "RoleField",
    "Row",
    "SecurityEvent",
    "SecurityNotice",
    "Session",
    "StagedList",
    "StagedRow",
    "UnsubscribedAddress",
    "User",
    "WorkerStatus",
]
