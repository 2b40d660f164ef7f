"""An open connection to the configured mail server: Flask-Mail's, hardened."""

import contextlib
import functools
import smtplib
import socket
import ssl
import time
from typing import Any, cast

import flask_mail

from invites.sending import smtp_socket
from invites.sending.smtp_replies import ServerUnavailable, words
from invites.sending.smtp_socket import SmtpSocket
from invites.sending.smtp_transaction import SmtpTransaction
from invites.sending.tcp import reach

_MOST_SAID = 100_000  # bytes


class _Answers:
    """What a server says until a connection is open; more than that is no answer."""

    def __init__(self, sock: socket.socket) -> None:
        self._file = sock.makefile("rb")
        self._left = _MOST_SAID

    def readline(self, limit: int) -> bytes:
        """The next line. Raises OSError when there are too many."""
        line = self._file.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("The mail server's answers have no end.")
        return line

    def close(self) -> None:
        """Read no more."""
        self._file.close()


class _Host(smtplib.SMTP):
    """Knows since when it waits for an answer, which may trickle in byte by byte."""

    def __init__(self, connection: "Connection", **options: Any) -> None:
        self.waits_since: float | None = None
        connection.host = self  # at once: the greeting may trickle too
        super().__init__(local_hostname=_own_name(), timeout=smtp_socket.TIMEOUT, **options)

    def getreply(self) -> tuple[int, bytes]:
        """The next answer. Raises smtplib.SMTPServerDisconnected, and TimeoutError."""
        self.waits_since = time.monotonic()
        if self.file is None and self.sock is not None:
            self.file = cast(Any, _Answers(self.sock))
        try:
            return super().getreply()
        except smtplib.SMTPServerDisconnected:
            if self.is_overdue():
                raise TimeoutError from None
            raise
        finally:
            self.waits_since = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect, as smtplib's own, but in ``timeout`` seconds over all addresses of ``host``."""
        sock = reach(host, port, timeout)
        sock.settimeout(timeout)
        return sock

    def is_overdue(self) -> bool:
        """Whether the answer takes too long."""
        since = self.waits_since
        return since is not None and time.monotonic() - since >= smtp_socket.TIMEOUT


class _SecureHost(_Host, smtplib.SMTP_SSL):
    """The same over TLS from the start."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = super()._get_socket(host, port, timeout)
        return self.context.wrap_socket(sock, server_hostname=host)


class Connection(flask_mail.Connection):
    """A connection with time-outs, checked certificates, and no lost errors.

    Flask-Mail's own has none of them. Connector one takes as long as the server likes.
    """

    host: _Host | None

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect, encrypt, log in. Raises OSError or smtplib.SMTPException."""
        mail = self.mail
        # Reading the system's certificates takes longer than handing over a hundred mails.
        context = ssl.create_default_context() if mail.use_ssl or mail.use_tls else None
        where = {"host": mail.server, "port": mail.port}
        try:
            host = (
                _SecureHost(self, context=context, **where)
                if mail.use_ssl
                else _Host(self, **where)
            )
            if mail.use_tls:
                host.starttls(context=context)  # raises when refused: no log-in in the clear
            if mail.username and mail.password:
                host.login(mail.username, mail.password)
            host.ehlo_or_helo_if_needed()
        except BaseException:
            if self.host is not None:
                self.host.close()
            raise
        return host

    def open(self, sender: str) -> tuple[SmtpSocket, SmtpTransaction]:
        """Connect to send mail from ``sender``. Raises ServerUnavailable with the reason."""
        try:
            host = self.configure_host()
        except smtplib.SMTPResponseException as refusal:
            raise ServerUnavailable(words(refusal.smtp_code, refusal.smtp_error)) from refusal
        except (OSError, smtplib.SMTPException, ValueError) as broken:  # ValueError: a broken AUTH
            where = f"{self.mail.server}, port {self.mail.port}"
            raise ServerUnavailable(f"{_what_broke(broken)} ({where})") from broken
        if host.sock is None or host.file is None:
            raise ServerUnavailable("not connected")
        host.file.close()  # smtplib's own reader: from here on the wire reads
        line = SmtpSocket(host.sock)
        return line, SmtpTransaction(line, sender, pipelines=host.has_extn("pipelining"))

    def end_if_overdue(self) -> None:
        """Cut a connection whose answer takes too long to open; called by another thread."""
        if self.host is not None and self.host.is_overdue():
            self.abort()

    def abort(self) -> None:
        """Cut a connection that is being opened; called by another thread."""
        sock = self.host.sock if self.host is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS or not, its reader wakes up


def new_connection(mail: flask_mail.Mail) -> Connection:
    """A connection to the configured server, not opened yet."""
    return Connection(cast(Any, mail.state))


@functools.cache
def _own_name() -> str:
    """What we call ourselves in EHLO; asking the resolver can take seconds."""
    return socket.getfqdn()


def _what_broke(error: Exception) -> str:
    """The operating system's or the protocol's words, without their numbers."""
    if isinstance(error, TimeoutError):
        return "The mail server did not answer in time."
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words(None, text or type(error).__name__)
