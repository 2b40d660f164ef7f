"""Small blueprints, one per subject: request → rule → page or fragment, nothing else."""

from flask import Flask

from invites.blueprints import (
    account_home,
    account_list,
    account_settings,
    audit_log,
    authenticator_app,
    batches,
    compose,
    confirm_email,
    invitation,
    invitations,
    join,
    login,
    mail,
    own_passkeys,
    password_reset,
    password_strength,
    permanent_invite,
    profile,
    public,
    setup,
    staged_list,
    two_step,
    two_step_login,
    unsubscribe,
    users,
)

_ALL = (
    public,
    setup,
    login,
    two_step_login,
    password_reset,
    password_strength,
    confirm_email,
    account_list,
    profile,
    two_step,
    authenticator_app,
    own_passkeys,
    account_home,
    compose,
    staged_list,
    invitations,
    batches,
    permanent_invite,
    users,
    account_settings,
    audit_log,
    mail,
    invitation,
    unsubscribe,
    join,
)


def register(app: Flask) -> None:
    """Register every blueprint on ``app``."""
    for module in _ALL:
        app.register_blueprint(module.blueprint)
