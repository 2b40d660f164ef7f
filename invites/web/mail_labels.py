"""The text of the Mail page: steps of a test email, advice, DNS records of the sender's domain."""

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from invites.mail_check.diagnosis import Diagnosis
from invites.mail_check.sender_domain import Dmarc, Spf
from invites.mail_check.test_mail import Step
from invites.sending.smtp_client import Stage

_DONE = {
    Stage.CONNECT: _("Connected to %(address)s"),
    Stage.ENCRYPT: _("Encrypted with %(protocol)s; the certificate is valid for %(names)s"),
    Stage.GREETING: _("The server sent its greeting"),
    Stage.HELLO: _("Introduced ourselves; the server offers: %(offers)s"),
    Stage.STARTTLS: _("Encrypted with %(protocol)s; the certificate is valid for %(names)s"),
    Stage.HELLO_AGAIN: _("Introduced ourselves again, encrypted; the server offers: %(offers)s"),
    Stage.LOGIN: _("Logged in as %(username)s"),
    Stage.SENDER: _("Sender %(sender)s accepted"),
    Stage.RECIPIENT: _("Recipient %(recipient)s accepted"),
    Stage.MESSAGE: _("The server accepted the email"),
}

_FAILED = {
    Stage.CONNECT: _("No connection to %(host)s, port %(port)s"),
    Stage.ENCRYPT: _("The connection could not be encrypted"),
    Stage.GREETING: _("The server sent no greeting"),
    Stage.HELLO: _("The server refused our introduction"),
    Stage.STARTTLS: _("The connection could not be encrypted, so no password was sent"),
    Stage.HELLO_AGAIN: _("The server stopped answering after encryption began"),
    Stage.LOGIN: _("Logging in as %(username)s failed"),
    Stage.SENDER: _("Sender %(sender)s refused"),
    Stage.RECIPIENT: _("Recipient %(recipient)s refused"),
    Stage.MESSAGE: _("The server didn't accept the email"),
}

DIAGNOSIS = {
    Diagnosis.NAME_UNKNOWN: _(
        "No server has this name. Check INVITES_MAIL_SERVER for typing errors. "
        "If the name is right, this installation can't resolve names (DNS)."
    ),
    Diagnosis.CONNECTION_REFUSED: _(
        "There is a server, but it doesn't accept connections on this port. Compare "
        "INVITES_MAIL_SERVER and INVITES_MAIL_PORT with the settings of your mail provider: "
        "usually port 587 with INVITES_MAIL_USE_TLS=1, or 465 with INVITES_MAIL_USE_SSL=1."
    ),
    Diagnosis.NO_ANSWER: _(
        "There was no answer. Either the name belongs to another machine, or a firewall "
        "blocks this port. Ask your hosting provider whether this installation may send email."
    ),
    Diagnosis.PORT_BLOCKED: _(
        "There was no answer. Many hosting providers block outgoing connections to port 25 "
        "because of spam. Use port 587 with INVITES_MAIL_USE_TLS=1, a user name and a password, "
        "or ask your hosting provider to open port 25."
    ),
    Diagnosis.NO_IMPLICIT_TLS: _(
        "This port doesn't start with encryption. For STARTTLS, usually on port 587, "
        "set INVITES_MAIL_USE_TLS=1 instead of INVITES_MAIL_USE_SSL=1."
    ),
    Diagnosis.IMPLICIT_TLS: _(
        "The server sent nothing. Ports that start with encryption, usually 465, do that: "
        "set INVITES_MAIL_USE_SSL=1 instead of INVITES_MAIL_USE_TLS=1. "
        "On any other port, the server is too busy or rejects our IP address."
    ),
    Diagnosis.ENCRYPTION_BROKEN: _(
        "The two servers have no encryption method in common. The mail server may be very old."
    ),
    Diagnosis.CERTIFICATE_NAME: _(
        "The certificate is for another name. Set INVITES_MAIL_SERVER to the name that your "
        "mail provider gives, not to an IP address or an alias of your own."
    ),
    Diagnosis.CERTIFICATE_EXPIRED: _(
        "The certificate has expired, or the clock of this installation is wrong. "
        "The operator of the mail server has to renew the certificate."
    ),
    Diagnosis.CERTIFICATE_UNTRUSTED: _(
        "The certificate isn't signed by an authority that this installation trusts; it may be "
        "self-signed. If the mail server is your own, get a certificate from Let's Encrypt, or "
        "set SSL_CERT_FILE to yours. Otherwise someone may be intercepting the connection: "
        "don't continue."
    ),
    Diagnosis.NOT_SMTP: _(
        "This isn't the reply of a mail server. Something else uses this port: "
        "check INVITES_MAIL_SERVER and INVITES_MAIL_PORT."
    ),
    Diagnosis.REFUSED: _(
        "The server doesn't accept email from this installation; its reply says why. Often the "
        "IP address is on a block list or has no name of its own (reverse DNS). "
        "Sending through a mail provider with a user name and a password avoids this."
    ),
    Diagnosis.NO_STARTTLS: _(
        "INVITES_MAIL_USE_TLS=1 requires encryption, and the server doesn't offer it on this "
        "port. Use the port that your mail provider gives, usually 587. Set "
        "INVITES_MAIL_USE_TLS=0 only if the mail server is on this machine or in your own network."
    ),
    Diagnosis.NEEDS_ENCRYPTION: _(
        "The server requires an encrypted connection: set INVITES_MAIL_USE_TLS=1."
    ),
    Diagnosis.NO_LOGIN: _(
        "The server offers no login method that is supported here. Many servers offer one only "
        "on an encrypted connection: set INVITES_MAIL_USE_TLS=1 and port 587. "
        "If the server needs no login, remove INVITES_MAIL_USERNAME."
    ),
    Diagnosis.LOGIN_REFUSED: _(
        "The user name or the password is wrong. Often the user name is the whole email address. "
        "Providers with two-step verification require an app password, which you create in their "
        "settings. In the file .env, put a password that contains # or spaces in single quotes."
    ),
    Diagnosis.LOGIN_BROKEN: _(
        "The user name or the password contains a character that can't be sent, such as an "
        "accented letter, or the server's reply was invalid. "
        "Choose a password of unaccented letters, digits and symbols."
    ),
    Diagnosis.NEEDS_LOGIN: _(
        "The server forwards email only for known senders. Set INVITES_MAIL_USERNAME and "
        "INVITES_MAIL_PASSWORD. If it is your own server, allow this installation to send "
        "through it."
    ),
    Diagnosis.SENDER_REFUSED: _(
        "This user may not send from this address. Set INVITES_MAIL_FROM to the address that "
        "belongs to the user name, or allow the other address at your mail provider."
    ),
    Diagnosis.RECIPIENT_REFUSED: _(
        "The server doesn't accept this recipient; its reply says why. Everything before that "
        "worked: try another address."
    ),
    Diagnosis.MESSAGE_REFUSED: _(
        "The server read the email and refused it; its reply says why. If the reply mentions "
        "SPF, DKIM or DMARC, see the DNS records of your domain on this page."
    ),
    Diagnosis.TRY_LATER: _(
        "The server can't accept the email now. Wait a few minutes and try again. The worker "
        "retries automatically. If this continues, the server's reply says what the limit is."
    ),
    Diagnosis.TOO_SLOW: _(
        "The server didn't answer in time. The worker waits longer and may succeed. "
        "If emails stay queued, ask the operator of the mail server."
    ),
    Diagnosis.DISCONNECTED: _(
        "The server closed the connection without an explanation. Some servers do that when they "
        "require encryption or reject our IP address. The log of the mail server says why."
    ),
}

SPF = {
    Spf.UNKNOWN: _("DNS didn't answer, so we don't know whether there is a record."),
    Spf.MISSING: _(
        "There is no SPF record. Receivers can't tell which servers may send for your domain, "
        "so they treat much of your email as spam or refuse it."
    ),
    Spf.MULTIPLE: _(
        "There is more than one SPF record. Receivers then ignore all of them: "
        "combine them into one."
    ),
    Spf.FAIL: _(
        "Only servers that the record lists may send for your domain (-all). "
        "Your mail server has to be one of them."
    ),
    Spf.SOFTFAIL: _(
        "Email from servers that the record doesn't list is treated as suspicious (~all). "
        "Your mail server should be one of those listed."
    ),
    Spf.NEUTRAL: _(
        "The record says nothing about servers that it doesn't list, so it has little effect. "
        "End it with ~all."
    ),
    Spf.PASS: _(
        "The record lets every server send for your domain (+all). That is worse than no record: "
        "end it with ~all."
    ),
    Spf.REDIRECT: _("The record refers to the record of another domain (redirect=)."),
}

DMARC = {
    Dmarc.UNKNOWN: _("DNS didn't answer, so we don't know whether there is a record."),
    Dmarc.MISSING: _(
        "There is no DMARC record. Large mail providers require one from everyone who sends a lot "
        "of email, and are stricter without it."
    ),
    Dmarc.MULTIPLE: _(
        "There is more than one DMARC record. Receivers then ignore all of them: keep only one."
    ),
    Dmarc.INVALID: _(
        "The record has no policy (p=none, p=quarantine or p=reject), so receivers ignore it."
    ),
    Dmarc.NONE: _(
        "Email that fails SPF and DKIM is delivered as if there were no record (p=none). "
        "This is good to start with. Later, p=quarantine protects your domain."
    ),
    Dmarc.QUARANTINE: _(
        "Email that fails SPF and DKIM goes to the spam folder (p=quarantine). "
        "Your mail server has to pass at least one of the two."
    ),
    Dmarc.REJECT: _(
        "Email that fails SPF and DKIM is refused (p=reject). "
        "Your mail server has to pass at least one of the two."
    ),
}

WELL = frozenset({Spf.FAIL, Spf.SOFTFAIL, Spf.REDIRECT, Dmarc.NONE, Dmarc.QUARANTINE, Dmarc.REJECT})
"""Policies that need no action."""

SPF_EXAMPLE = "v=spf1 mx ~all"
DMARC_EXAMPLE = "v=DMARC1; p=none"


def step(of: Step) -> str:
    words: LazyString = (_DONE if of.is_done else _FAILED)[of.stage]
    return str(words) % of.facts
