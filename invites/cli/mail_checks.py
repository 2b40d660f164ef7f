"""The checks of ``flask doctor`` that ask the mail server and DNS, at the same time."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TypeVar

from invites.cli.findings import Found, Status
from invites.core.settings import MailServer, Settings
from invites.mail_check import sender_domain
from invites.mail_check.diagnosis import Diagnosis
from invites.mail_check.sender_domain import Dmarc, Published, Spf
from invites.mail_check.test_mail import Attempt, try_login
from invites.web import mail_labels

# Seconds
_LOGIN_TIME = 8.0
_NETWORK_TIME = 11.0  # for the mail server and DNS together, including slow name servers

_MAY_PASS = (Diagnosis.TRY_LATER, Diagnosis.TOO_SLOW)

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """Results that arrive while other checks run. None: there is nothing to ask."""

    attempt: "Future[Attempt] | None"
    published: "Future[Published] | None"
    deadline: float


def ask(settings: Settings) -> Asked:
    """Returns at once."""
    deadline = time.monotonic() + _NETWORK_TIME
    server, domain = settings.mail_server, settings.mail_from.domain
    attempt = published = None
    if server is not None:
        attempt = _begin(partial(try_login, server, _LOGIN_TIME))
        if sender_domain.is_public(domain):
            published = _begin(
                lambda: sender_domain.published(domain, sender_domain.system_resolver())
            )
    return Asked(attempt, published, deadline)


def mail_server(settings: Settings, asked: Asked) -> Found:
    server = settings.mail_server
    if server is None or asked.attempt is None:
        yield (
            Status.WARNING,
            f"No INVITES_MAIL_SERVER is set, so emails wait at {settings.base_url}/mailbox",
        )
        return
    if server.sends_password_unencrypted:
        yield (
            Status.WARNING,
            "The password is sent unencrypted, so others may read it. Set INVITES_MAIL_USE_TLS=1.",
        )
    yield _login(server, _result(asked.attempt, asked.deadline))


def _login(server: MailServer, attempt: Attempt | None) -> tuple[Status, str]:
    if attempt is None:
        return (
            Status.PROBLEM,
            f"{server.host} wasn't reached in time. Check that this machine can resolve names "
            "(DNS), then try again.",
        )
    step = mail_labels.step(attempt.steps[-1])
    if attempt.diagnosis is None:
        return Status.OK, step
    status = Status.WARNING if attempt.diagnosis in _MAY_PASS else Status.PROBLEM
    said = "".join(f" ({line})" for line in attempt.steps[-1].said)
    return status, f"{step}{said}. {mail_labels.DIAGNOSIS[attempt.diagnosis]}"


def sender(settings: Settings, asked: Asked) -> Found:
    address = settings.mail_from.addr_spec
    if asked.published is None:
        yield (
            Status.WARNING,
            f"Receivers can't look up the domain of {address}, and most refuse such email. "
            "Set INVITES_MAIL_FROM to an address at your own domain.",
        )
        return
    found = _result(asked.published, asked.deadline)
    spf, dmarc = (found.spf, found.dmarc) if found else (Spf.UNKNOWN, Dmarc.UNKNOWN)
    for name, policy, words in (
        ("SPF", spf, mail_labels.SPF[spf]),
        ("DMARC", dmarc, mail_labels.DMARC[dmarc]),
    ):
        status = Status.OK if policy in mail_labels.WELL else Status.WARNING
        yield status, f"{name} of {settings.mail_from.domain}: {words}"


def _begin(function: Callable[[], T]) -> "Future[T]":
    """Runs it in a thread that doesn't keep the process from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def _result(future: "Future[T]", deadline: float) -> T | None:
    """None if it isn't there in time."""
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        if future.done():
            raise
        return None
