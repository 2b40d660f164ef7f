"""Finds out why a step of an SMTP conversation failed."""

import smtplib
import socket
import ssl
from enum import StrEnum

from invites.core.settings import MailServer
from invites.sending.smtp_client import Stage
from invites.sending.smtp_replies import refuses_sender

# OpenSSL's codes for an invalid certificate.
_EXPIRED = 10
_WRONG_NAME = (62, 64)


class Diagnosis(StrEnum):
    """What is wrong; web/mail_labels.py has the advice for each."""

    NAME_UNKNOWN = "name_unknown"
    CONNECTION_REFUSED = "connection_refused"
    NO_ANSWER = "no_answer"
    PORT_BLOCKED = "port_blocked"
    NO_IMPLICIT_TLS = "no_implicit_tls"
    IMPLICIT_TLS = "implicit_tls"
    ENCRYPTION_BROKEN = "encryption_broken"
    CERTIFICATE_NAME = "certificate_name"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    NOT_SMTP = "not_smtp"
    REFUSED = "refused"
    NO_STARTTLS = "no_starttls"
    NEEDS_ENCRYPTION = "needs_encryption"
    NO_LOGIN = "no_login"
    LOGIN_REFUSED = "login_refused"
    LOGIN_BROKEN = "login_broken"
    NEEDS_LOGIN = "needs_login"
    SENDER_REFUSED = "sender_refused"
    RECIPIENT_REFUSED = "recipient_refused"
    MESSAGE_REFUSED = "message_refused"
    TRY_LATER = "try_later"
    TOO_SLOW = "too_slow"
    DISCONNECTED = "disconnected"


def diagnose(stage: Stage, error: Exception, server: MailServer) -> Diagnosis:
    """``error``: the exception with which ``stage`` failed."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        reply = text if isinstance(text, bytes) else text.encode()
        return _refused(stage, error.smtp_code, reply)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Diagnosis.NO_STARTTLS if stage is Stage.STARTTLS else Diagnosis.NO_LOGIN
    if isinstance(error, ssl.SSLError):
        return _encryption_failed(stage, error)
    if stage is Stage.CONNECT:
        return _connect_failed(error, server.port)
    if stage is Stage.GREETING and not server.use_ssl:
        return Diagnosis.IMPLICIT_TLS
    if isinstance(error, TimeoutError):
        return Diagnosis.TOO_SLOW
    return Diagnosis.LOGIN_BROKEN if isinstance(error, ValueError) else Diagnosis.DISCONNECTED


def _connect_failed(error: Exception, port: int) -> Diagnosis:
    if isinstance(error, socket.gaierror | ValueError):  # ValueError: an invalid host name
        return Diagnosis.NAME_UNKNOWN
    if isinstance(error, ConnectionRefusedError):
        return Diagnosis.CONNECTION_REFUSED
    return Diagnosis.PORT_BLOCKED if port == 25 else Diagnosis.NO_ANSWER


def _encryption_failed(stage: Stage, error: ssl.SSLError) -> Diagnosis:
    if not isinstance(error, ssl.SSLCertVerificationError):
        at_once = stage is Stage.ENCRYPT
        return Diagnosis.NO_IMPLICIT_TLS if at_once else Diagnosis.ENCRYPTION_BROKEN
    if error.verify_code in _WRONG_NAME:
        return Diagnosis.CERTIFICATE_NAME
    expired = error.verify_code == _EXPIRED
    return Diagnosis.CERTIFICATE_EXPIRED if expired else Diagnosis.CERTIFICATE_UNTRUSTED


def _refused(stage: Stage, code: int, reply: bytes) -> Diagnosis:
    if code < 0:
        return Diagnosis.NOT_SMTP
    if stage is Stage.STARTTLS:
        return Diagnosis.NO_STARTTLS
    if code // 100 == 4:
        return Diagnosis.TRY_LATER
    if code == 538 or b"starttls" in reply.lower():
        return Diagnosis.NEEDS_ENCRYPTION
    if stage in (Stage.SENDER, Stage.RECIPIENT):
        return _envelope_refused(stage, code, reply)
    by_stage = {Stage.LOGIN: Diagnosis.LOGIN_REFUSED, Stage.MESSAGE: Diagnosis.MESSAGE_REFUSED}
    return by_stage.get(stage, Diagnosis.REFUSED)


def _envelope_refused(stage: Stage, code: int, reply: bytes) -> Diagnosis:
    if code == 530 or refuses_sender(reply):
        return Diagnosis.NEEDS_LOGIN
    # Many servers refuse the sender only after the recipient.
    if stage is Stage.SENDER or b"sender" in reply.lower():
        return Diagnosis.SENDER_REFUSED
    return Diagnosis.RECIPIENT_REFUSED
