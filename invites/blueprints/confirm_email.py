"""Confirming an address: the mailed link, opened by whoever has the profile's password."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites import proofs
from invites.models import EmailProof, ProofPurpose
from invites.refusals import Reason, Refused
from invites.web.access import Who, allow
from invites.web.pages import go, show, tell
from invites.web.services import links, now
from invites.web.signin import person

blueprint = Blueprint("confirm_email", __name__, url_prefix="/confirm-email")


@blueprint.get("/<token>")
@allow(Who.LOGGED_IN)
def page(token: str) -> Response:
    """One button. Logged in only: else a victim's click would confirm a squatter's profile."""
    proof = _own_proof(token)
    if proof is None:
        return show("confirm_email/closed.html", status=410)
    return show("confirm_email/page.html", email=proof.email, token=token)


@blueprint.post("/<token>")
@allow(Who.LOGGED_IN)
def create(token: str) -> Response:
    """Take the address as confirmed."""
    proof = _own_proof(token)
    if proof is None:
        return show("confirm_email/closed.html", status=410)
    try:
        proofs.confirm_email(proof, now())
    except Refused as refused:
        taken = refused.reason is Reason.PROFILE_EXISTS
        return show("confirm_email/closed.html", taken=taken, status=410)
    tell(_("%(email)s is confirmed.", email=proof.email))
    return go(url_for("accounts.index"))


def _own_proof(token: str) -> EmailProof | None:
    proof = links().opened_proof(token, ProofPurpose.CONFIRM_EMAIL)
    if proof is None or proof.user_id != person().id:
        return None
    return proof if proofs.is_open(proof, now()) else None
