"""Small blueprints, one per subject: request → rule → page or fragment, nothing else."""

from flask import Flask

from invites.blueprints import (
    accounts,
    activity,
    authenticator,
    batches,
    compose,
    confirm_email,
    devices,
    front,
    home,
    invitation,
    invitations,
    join,
    leaving,
    login,
    mail_settings,
    mailbox,
    no_more,
    own_passkeys,
    password_reset,
    password_strength,
    permanent_invite,
    profile,
    second_factor,
    second_step,
    settings,
    setup,
    staged_list,
    users,
)

_ALL = (
    front,
    setup,
    login,
    second_step,
    password_reset,
    password_strength,
    confirm_email,
    accounts,
    profile,
    second_factor,
    authenticator,
    own_passkeys,
    devices,
    home,
    leaving,
    compose,
    staged_list,
    invitations,
    batches,
    permanent_invite,
    users,
    settings,
    activity,
    mailbox,
    mail_settings,
    invitation,
    no_more,
    join,
)


def register(app: Flask) -> None:
    """Register every blueprint on ``app``."""
    for module in _ALL:
        app.register_blueprint(module.blueprint)
