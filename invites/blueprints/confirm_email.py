"""Confirming an address: the mailed link, opened by whoever has the profile's password."""

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from invites import proofs
from invites.models import EmailProof
from invites.refusals import Reason, Refused
from invites.tokens import Purpose, row_id
from invites.web.access import Who, allow
from invites.web.pages import go, show, tell
from invites.web.services import now, services
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
    proof = EmailProof.get_or_none(EmailProof.id == row_id(token))
    if proof is None or not services().signer.matches(token, Purpose.CONFIRM_EMAIL, proof):
        return None
    return proof if proof.user_id == person().id and proofs.is_open(proof, now()) else None
