"""The words of the page about mail: steps, advice, what a domain publishes."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from invites.sending.diagnosis import Diagnosis, Stage
from invites.sending.sender_domain import Dmarc, Spf
from invites.sending.test_mail import Step

_DONE = {
    Stage.CONNECT: _("Connected to %(address)s"),
    Stage.ENCRYPT: _("Encrypted with %(protocol)s; the certificate holds for %(names)s"),
    Stage.GREETING: _("The server greeted us"),
    Stage.HELLO: _("We said who we are; the server offers: %(offers)s"),
    Stage.STARTTLS: _("Encrypted with %(protocol)s; the certificate holds for %(names)s"),
    Stage.HELLO_AGAIN: _("Said once more, encrypted; the server offers: %(offers)s"),
    Stage.LOGIN: _("Logged in as %(username)s"),
    Stage.SENDER: _("Sender %(sender)s accepted"),
    Stage.RECIPIENT: _("Recipient %(recipient)s accepted"),
    Stage.MESSAGE: _("The server took the mail"),
}

_FAILED = {
    Stage.CONNECT: _("No connection to %(host)s, port %(port)s"),
    Stage.ENCRYPT: _("The connection could not be encrypted"),
    Stage.GREETING: _("The server didn't greet us"),
    Stage.HELLO: _("The server didn't want to know who we are"),
    Stage.STARTTLS: _("The connection could not be encrypted, so nothing secret was sent"),
    Stage.HELLO_AGAIN: _("The server stopped after the encryption began"),
    Stage.LOGIN: _("The log-in as %(username)s failed"),
    Stage.SENDER: _("Sender %(sender)s refused"),
    Stage.RECIPIENT: _("Recipient %(recipient)s refused"),
    Stage.MESSAGE: _("The server didn't take the mail"),
}

DIAGNOSIS = {
    Diagnosis.NAME_UNKNOWN: _(
        "No server has this name. Look for a typing error in INVITES_MAIL_SERVER; "
        "if it is right, this box can't look names up (DNS)."
    ),
    Diagnosis.NOBODY_LISTENS: _(
        "There is a machine, but no mail server at this port. Compare INVITES_MAIL_SERVER and "
        "INVITES_MAIL_PORT with what your mail provider names: mostly 587 with "
        "INVITES_MAIL_USE_TLS=1, or 465 with INVITES_MAIL_USE_SSL=1."
    ),
    Diagnosis.NO_ANSWER: _(
        "Nothing came back. Either the name leads to another machine, or a firewall between here "
        "and there drops this port. Ask whoever hosts this box whether it may send mail."
    ),
    Diagnosis.PORT_BLOCKED: _(
        "Nothing came back. Many hosters block port 25 on its way out, against spam. "
        "Use port 587 with INVITES_MAIL_USE_TLS=1 and a log-in, or ask your hoster to open it."
    ),
    Diagnosis.NOT_ENCRYPTED_AT_ONCE: _(
        "This port doesn't begin with encryption. For STARTTLS, mostly at port 587, "
        "set INVITES_MAIL_USE_TLS=1 instead of INVITES_MAIL_USE_SSL=1."
    ),
    Diagnosis.ENCRYPTED_AT_ONCE: _(
        "The server said nothing. Ports that begin with encryption do so, mostly 465: "
        "set INVITES_MAIL_USE_SSL=1 instead of INVITES_MAIL_USE_TLS=1. "
        "If it is another port, the server is too busy, or doesn't like where we come from."
    ),
    Diagnosis.ENCRYPTION_BROKEN: _(
        "Both sides found no encryption that they share. The server may be very old."
    ),
    Diagnosis.CERTIFICATE_NAME: _(
        "The certificate belongs to another name. Set INVITES_MAIL_SERVER to the name that your "
        "mail provider gives, not to an IP address or a name of your own for it."
    ),
    Diagnosis.CERTIFICATE_EXPIRED: _(
        "The certificate has expired, or the clock of this box is wrong. "
        "Whoever keeps the mail server has to renew it."
    ),
    Diagnosis.CERTIFICATE_UNTRUSTED: _(
        "Nobody that this box trusts vouches for the certificate; it may be self-signed. "
        "If the mail server is your own, give it a certificate of Let's Encrypt, or point "
        "SSL_CERT_FILE to yours. Otherwise somebody may be listening in: don't go on."
    ),
    Diagnosis.NOT_MAIL: _(
        "That isn't how a mail server speaks. Something else answers at this port: "
        "look at INVITES_MAIL_SERVER and INVITES_MAIL_PORT."
    ),
    Diagnosis.UNWELCOME: _(
        "The server doesn't want mail from this box; its words say why. Often the IP address of "
        "the box is on a list, or has no name of its own (reverse DNS). "
        "A mail provider with a log-in is the way around that."
    ),
    Diagnosis.NO_STARTTLS: _(
        "INVITES_MAIL_USE_TLS=1 wants encryption, and the server doesn't offer it at this port. "
        "Use the port that your mail provider names, mostly 587. Only if the server is on this "
        "box or in your own network, set INVITES_MAIL_USE_TLS=0."
    ),
    Diagnosis.NEEDS_ENCRYPTION: _(
        "The server goes on only when the connection is encrypted: set INVITES_MAIL_USE_TLS=1."
    ),
    Diagnosis.NO_LOGIN: _(
        "The server offers no log-in that we know here. Many do only when encrypted: set "
        "INVITES_MAIL_USE_TLS=1 and port 587. If it needs none, leave INVITES_MAIL_USERNAME out."
    ),
    Diagnosis.LOGIN_REFUSED: _(
        "User name or password are wrong. Often the user name is the whole address. Providers "
        "with a second factor want an app password, made in their settings. In the file .env, "
        "a password with # or spaces has to stand in single quotes."
    ),
    Diagnosis.LOGIN_BROKEN: _(
        "User name or password have a character that the log-in can't carry, like an accent, "
        "or the server answered with something that is no answer. "
        "Choose a password of plain letters, digits and signs."
    ),
    Diagnosis.NEEDS_LOGIN: _(
        "The server hands mail on only for those it knows. Set INVITES_MAIL_USERNAME and "
        "INVITES_MAIL_PASSWORD; if it is your own server, allow this box to send through it."
    ),
    Diagnosis.SENDER_REFUSED: _(
        "This log-in may not send as this address. Set INVITES_MAIL_FROM to the address that "
        "belongs to the log-in, or allow the other one at your mail provider."
    ),
    Diagnosis.RECIPIENT_REFUSED: _(
        "The server doesn't accept this recipient; its words say why. Everything before that "
        "worked: try another address."
    ),
    Diagnosis.MESSAGE_REFUSED: _(
        "The server looked at the mail and refused it; its words say why. If they name SPF, DKIM "
        "or DMARC, see on this page what your domain publishes."
    ),
    Diagnosis.LATER: _(
        "The server says: not now. Wait some minutes and try again. The worker does so by itself; "
        "if it stays, the server's words say what it counts or waits for."
    ),
    Diagnosis.TOO_SLOW: _(
        "The server didn't answer in time. The worker is more patient and may get through; "
        "if mail waits, ask whoever keeps the mail server."
    ),
    Diagnosis.HUNG_UP: _(
        "The server ended the connection without a word. Some do so when they want encryption, "
        "or don't like where we come from: its log says why."
    ),
}

SPF = {
    Spf.UNKNOWN: _("We couldn't look: DNS gave no answer. That says nothing about your domain."),
    Spf.MISSING: _(
        "No SPF record. Nobody can tell which servers may send for your domain, "
        "so much of your mail ends as spam, or is refused."
    ),
    Spf.SEVERAL: _(
        "More than one SPF record. Only one may be there, so receivers ignore all of them: "
        "put what they say into one."
    ),
    Spf.REFUSE: _(
        "Servers that this record doesn't name may not send for your domain (-all). "
        "Your mail server has to be among them."
    ),
    Spf.SUSPECT: _(
        "Mail of servers that this record doesn't name is suspicious (~all). "
        "Your mail server should be among them."
    ),
    Spf.SILENT: _(
        "The record says nothing about servers that it doesn't name, so it helps little. "
        "Let it end with ~all."
    ),
    Spf.ANYBODY: _(
        "The record lets everybody send for your domain (+all). That is worse than none: "
        "let it end with ~all."
    ),
    Spf.ELSEWHERE: _("The record leads to that of another domain (redirect=), which decides."),
}

DMARC = {
    Dmarc.UNKNOWN: _("We couldn't look: DNS gave no answer. That says nothing about your domain."),
    Dmarc.MISSING: _(
        "No DMARC record. Large mail providers want one from everybody who sends many mails, "
        "and are stricter without it."
    ),
    Dmarc.SEVERAL: _(
        "More than one DMARC record. Only one may be there, so receivers ignore all of them."
    ),
    Dmarc.BROKEN: _(
        "The record doesn't say what to do (p=none, p=quarantine or p=reject), "
        "so receivers ignore it."
    ),
    Dmarc.NONE: _(
        "Mail that fails SPF and DKIM arrives as if there were no record (p=none). "
        "A good beginning; later, p=quarantine protects your name."
    ),
    Dmarc.QUARANTINE: _(
        "Mail that fails SPF and DKIM goes to the spam folder (p=quarantine). "
        "So one of the two has to hold for your mail server."
    ),
    Dmarc.REJECT: _(
        "Mail that fails SPF and DKIM is refused (p=reject). "
        "So one of the two has to hold for your mail server."
    ),
}

WELL = frozenset(
    {Spf.REFUSE, Spf.SUSPECT, Spf.ELSEWHERE, Dmarc.NONE, Dmarc.QUARANTINE, Dmarc.REJECT}
)
"""Findings that need nothing to be done."""

SPF_EXAMPLE = "v=spf1 mx ~all"
DMARC_EXAMPLE = "v=DMARC1; p=none"


def step(of: Step) -> str:
    """A step in plain words."""
    words: LazyString = (_DONE if of.is_done else _FAILED)[of.stage]
    return str(words) % of.facts
