"""Confirming an address: the mailed link, opened by whoever has the profile's password."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites.core.errors import Reason, Refused
from invites.models import EmailProof, ProofPurpose
from invites.people import email_tokens
from invites.web.access import Who, allow
from invites.web.login import person
from invites.web.responses import go, show, tell
from invites.web.services import links, now

blueprint = Blueprint("confirm_email", __name__, url_prefix="/confirm-email")


@blueprint.get("/<token>")
@allow(Who.LOGGED_IN)
def page(token: str) -> Response:
    """One button. Logged in only: else a victim's click would confirm a squatter's profile."""
    proof = _own_proof(token)
    if proof is None or not email_tokens.is_open(proof, now()):
        return _closed(proof)
    return show("confirm_email/page.html", email=proof.email, token=token)


@blueprint.post("/<token>")
@allow(Who.LOGGED_IN)
def create(token: str) -> Response:
    """Take the address as confirmed."""
    proof = _own_proof(token)
    if proof is None:
        return _closed(proof)
    try:
        email_tokens.confirm_email(proof, now())
    except Refused as refused:
        return _closed(proof, taken=refused.reason is Reason.PROFILE_EXISTS)
    tell(_("%(email)s is confirmed.", email=proof.email))
    return go(url_for("accounts.index"))


def _own_proof(token: str) -> EmailProof | None:
    proof = links().opened_proof(token, ProofPurpose.CONFIRM_EMAIL)
    return proof if proof is not None and proof.user_id == person().id else None


def _closed(proof: EmailProof | None, *, taken: bool = False) -> Response:
    """Why the link does nothing: most of all, because it was opened a second time."""
    is_done = proof is not None and person().is_confirmed and proof.email == person().email
    return show("confirm_email/closed.html", taken=taken, is_done=is_done, status=410)
