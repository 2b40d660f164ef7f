"""What to do when a step of the conversation with a mail server fails."""

import smtplib
import socket
import ssl
from enum import StrEnum

from invites.core.settings import MailServer
from invites.sending.smtp_replies import is_about_us

# OpenSSL's reasons for which a certificate doesn't hold.
_EXPIRED = 10
_OTHER_NAME = (62, 64)


class Stage(StrEnum):
    """The steps of the conversation, in order."""

    CONNECT = "connect"
    ENCRYPT = "encrypt"
    GREETING = "greeting"
    HELLO = "hello"
    STARTTLS = "starttls"
    HELLO_AGAIN = "hello_again"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    MESSAGE = "message"


class Diagnosis(StrEnum):
    """What is wrong, and hence what would do; the words are in web/mail_words.py."""

    NAME_UNKNOWN = "name_unknown"
    NOBODY_LISTENS = "nobody_listens"
    NO_ANSWER = "no_answer"
    PORT_BLOCKED = "port_blocked"
    NOT_ENCRYPTED_AT_ONCE = "not_encrypted_at_once"
    ENCRYPTED_AT_ONCE = "encrypted_at_once"
    ENCRYPTION_BROKEN = "encryption_broken"
    CERTIFICATE_NAME = "certificate_name"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    NOT_MAIL = "not_mail"
    UNWELCOME = "unwelcome"
    NO_STARTTLS = "no_starttls"
    NEEDS_ENCRYPTION = "needs_encryption"
    NO_LOGIN = "no_login"
    LOGIN_REFUSED = "login_refused"
    LOGIN_BROKEN = "login_broken"
    NEEDS_LOGIN = "needs_login"
    SENDER_REFUSED = "sender_refused"
    RECIPIENT_REFUSED = "recipient_refused"
    MESSAGE_REFUSED = "message_refused"
    LATER = "later"
    TOO_SLOW = "too_slow"
    HUNG_UP = "hung_up"


def advice(stage: Stage, error: Exception, server: MailServer) -> Diagnosis:
    """What to do about ``error``, by which ``stage`` ended."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        reply = text if isinstance(text, bytes) else text.encode()
        return _about_reply(stage, error.smtp_code, reply)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Diagnosis.NO_STARTTLS if stage is Stage.STARTTLS else Diagnosis.NO_LOGIN
    if isinstance(error, ssl.SSLError):
        return _about_encryption(stage, error)
    if stage is Stage.CONNECT:
        return _about_connecting(error, server.port)
    if stage is Stage.GREETING and not server.use_ssl:
        return Diagnosis.ENCRYPTED_AT_ONCE
    if isinstance(error, TimeoutError):
        return Diagnosis.TOO_SLOW
    return Diagnosis.LOGIN_BROKEN if isinstance(error, ValueError) else Diagnosis.HUNG_UP


def _about_connecting(error: Exception, port: int) -> Diagnosis:
    if isinstance(error, socket.gaierror | ValueError):  # ValueError: no name can be like that
        return Diagnosis.NAME_UNKNOWN
    if isinstance(error, ConnectionRefusedError):
        return Diagnosis.NOBODY_LISTENS
    return Diagnosis.PORT_BLOCKED if port == 25 else Diagnosis.NO_ANSWER


def _about_encryption(stage: Stage, error: ssl.SSLError) -> Diagnosis:
    if not isinstance(error, ssl.SSLCertVerificationError):
        at_once = stage is Stage.ENCRYPT
        return Diagnosis.NOT_ENCRYPTED_AT_ONCE if at_once else Diagnosis.ENCRYPTION_BROKEN
    if error.verify_code in _OTHER_NAME:
        return Diagnosis.CERTIFICATE_NAME
    expired = error.verify_code == _EXPIRED
    return Diagnosis.CERTIFICATE_EXPIRED if expired else Diagnosis.CERTIFICATE_UNTRUSTED


def _about_reply(stage: Stage, code: int, reply: bytes) -> Diagnosis:
    if code < 0:
        return Diagnosis.NOT_MAIL
    if stage is Stage.STARTTLS:
        return Diagnosis.NO_STARTTLS
    if code // 100 == 4:
        return Diagnosis.LATER
    if code == 538 or b"starttls" in reply.lower():
        return Diagnosis.NEEDS_ENCRYPTION
    if stage in (Stage.SENDER, Stage.RECIPIENT):
        return _about_envelope(stage, code, reply)
    by_stage = {Stage.LOGIN: Diagnosis.LOGIN_REFUSED, Stage.MESSAGE: Diagnosis.MESSAGE_REFUSED}
    return by_stage.get(stage, Diagnosis.UNWELCOME)


def _about_envelope(stage: Stage, code: int, reply: bytes) -> Diagnosis:
    if code == 530 or is_about_us(reply):
        return Diagnosis.NEEDS_LOGIN
    # Many servers say only after the recipient that they don't like the sender.
    if stage is Stage.SENDER or b"sender" in reply.lower():
        return Diagnosis.SENDER_REFUSED
    return Diagnosis.RECIPIENT_REFUSED
