"""Error pages for an unusable database. Installers see the reason; others are asked to wait."""

import logging

from flask import Flask, Response, g, request
from flask_babel import lazy_gettext as _
from werkzeug.exceptions import ServiceUnavailable

from invites import db
from invites.db import Fault
from invites.db.health import monitor
from invites.web.error_pages import crash, error_page, http_error
from invites.web.login import visitor

log = logging.getLogger("invites.web")

_FOR_INSTALLERS = {
    Fault.FULL: (
        _("The disk is full"),
        _(
            "Nothing was changed. Free some space for %(folders)s. Then Invites works again "
            "without a restart."
        ),
    ),
    Fault.READ_ONLY: (
        _("The database is read-only"),
        _(
            "Nothing was changed. Check that %(path)s and the files beside it (-wal, -shm) belong "
            "to the user that Invites runs as, and that the disk isn't mounted read-only."
        ),
    ),
    Fault.DAMAGED: (
        _("The database is damaged"),
        _("Stop Invites and restore a backup, as described in docs/operating.md."),
    ),
    Fault.UNREACHABLE: (
        _("The database can't be reached"),
        _("Nothing was changed. Check %(path)s. Invites works again once it answers."),
    ),
    Fault.FAILED: (
        _("The database can't be used"),
        _("Nothing was changed. Check %(path)s and its disk. The log says what failed."),
    ),
}
_FOR_OTHERS = (
    _("Not available right now"),
    _(
        "Nothing was changed. Try again in a few minutes. If it happens again, tell the operator "
        "of this installation."
    ),
)


def init_app(app: Flask) -> None:
    for kind in db.ERRORS:
        app.register_error_handler(kind, _answer)


def _answer(error: Exception) -> Response:
    fault = db.fault_of(error)
    if fault is None:
        return crash(error)
    monitor.report(fault)
    log.error("%s %s failed: %s", request.method, request.endpoint, db.explain(error))
    is_installer = _is_installer()  # first, so that the page itself doesn't query the database
    if fault is Fault.BUSY:
        return http_error(ServiceUnavailable())
    if not is_installer:
        return error_page(503, *_FOR_OTHERS)
    title, advice = _FOR_INSTALLERS[fault]
    places = {"path": str(db.backend()), "folders": ", ".join(db.full_folders())}
    return error_page(503, title, advice % places)


def _is_installer() -> bool:
    """If the database can't tell who is logged in, everyone is treated as logged out."""
    try:
        who = visitor()
    except db.ERRORS:
        g.is_treated_as_logged_out = True
        return False
    return who is not None and who.user.is_installer
