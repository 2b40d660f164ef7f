"""An open connection to the configured mail server: Flask-Mail's, hardened."""

import contextlib
import functools
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, cast

import flask_mail

from invites.mail.exchange import Exchange
from invites.mail.replies import TroubleError, words

TIMEOUT = 50.0  # seconds for an answer, and for its last byte


class _Host(smtplib.SMTP):
    """Knows since when it waits for an answer, which may trickle in byte by byte."""

    def __init__(self, connection: "Connection", **options: Any) -> None:
        self.waits_since: float | None = None
        connection.host = self  # at once: the greeting may trickle too
        super().__init__(local_hostname=_own_name(), timeout=TIMEOUT, **options)

    def getreply(self) -> tuple[int, bytes]:
        """The next answer. Raises smtplib.SMTPServerDisconnected."""
        self.waits_since = time.monotonic()
        try:
            return super().getreply()
        finally:
            self.waits_since = None


class _SecureHost(_Host, smtplib.SMTP_SSL):
    """The same over TLS from the start."""


class Connection(flask_mail.Connection):
    """A connection with time-outs, checked certificates, and no lost errors.

    Flask-Mail's own has none of them, and its QUIT on a dead connection hides
    what happened before.
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

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Say goodbye when all went well; what was accepted stays accepted if nobody listens."""
        if self.host is not None:
            if exc_type is None:
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    self.host.quit()
            self.host.close()

    def exchange(self, sender: str) -> Exchange:
        """For handing mails from ``sender`` over. Raises TroubleError when not connected."""
        if self.host is None:
            raise TroubleError("not connected")
        return Exchange(self.host, sender)

    def end_if_overdue(self) -> None:
        """Cut a connection whose answer takes too long; called by another thread."""
        host = self.host
        since = host.waits_since if host is not None else None
        sock = host.sock if host is not None else None
        if since is None or sock is None or time.monotonic() - since < TIMEOUT:
            return
        try:
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS or not, its reader wakes up
        except OSError:
            return


@contextlib.contextmanager
def opened(connection: Connection) -> Iterator[None]:
    """``connection``, open while the block runs. Raises TroubleError with the reason."""
    try:
        connection.__enter__()
    except smtplib.SMTPResponseException as refusal:
        raise TroubleError(words(refusal.smtp_code, refusal.smtp_error)) from refusal
    except (OSError, smtplib.SMTPException, ValueError) as broken:  # ValueError: a broken AUTH
        raise TroubleError(_what_broke(broken)) from broken
    try:
        yield
    except BaseException as error:
        connection.__exit__(type(error), error, None)
        raise
    connection.__exit__(None, None, None)


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
