"""Accounts."""

from peewee import SQL, BooleanField, CharField, IntegerField

from invites.db import UtcField
from invites.models.base import Row


class Account(Row):
    """An organization that invites people. ``moderator_limit``: invitations a day per Moderator."""

    name = CharField(max_length=100)
    slug = CharField(max_length=60, unique=True)
    purpose = CharField(max_length=200)
    assignments_url = CharField(max_length=500)
    assignments_label = CharField(max_length=60)
    reply_to = CharField(max_length=254)
    time_zone = CharField(max_length=64)
    requires_two_step = BooleanField(default=False)
    created_at = UtcField()
    moderator_limit = IntegerField(default=200, constraints=[SQL("DEFAULT 200")])
