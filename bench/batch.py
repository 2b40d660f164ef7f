"""A batch of any size, sent by an Account Owner."""

from datetime import timedelta

from invites.core.clock import utcnow
from invites.core.roles import Role
from invites.invitations import send_invitations
from invites.lists.entries import Entry
from invites.members import accounts
from invites.models import Batch, Membership
from invites.people import profiles
from invites.people.profiles import NewProfile


def make_batch(
    people: int, *, key: str = "key", prefix: str = "volunteer", days_ago: int = 0
) -> Batch:
    """Invites this many people. Creates an account with an owner if there is none."""
    now = utcnow() - timedelta(days=days_ago)
    if not Membership.select().exists():
        olive = NewProfile("Olive", "olive@example.org", "", "")
        accounts.create("Riverside Relief", profiles.create(olive, now, confirmed=True), now)
    entries = [Entry(f"{prefix}{n}@town{n % 300}.example") for n in range(people)]
    return send_invitations.send(
        Membership.get(), send_invitations.InvitationRequest(key, entries, Role.USER), now
    )
