"""The tables."""

from invites.models.accounts import Account
from invites.models.base import RoleField, Row
from invites.models.installation import Installation
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
from invites.models.outbox import (
    UNSENT_STATES,
    Delivery,
    DeliveryKind,
    DeliveryOutcome,
    DeliveryState,
    MailThrottle,
    Priority,
    WorkerStatus,
)
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

TABLES = Row.__subclasses__()
