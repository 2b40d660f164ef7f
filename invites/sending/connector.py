"""Opens each connection in its own thread, because smtplib waits at each step."""

import smtplib
import socket
import time
from queue import SimpleQueue
from threading import Thread

from invites.core.settings import MailServer
from invites.sending.smtp_client import SmtpClient
from invites.sending.smtp_replies import ServerUnavailable, printable
from invites.sending.smtp_session import SmtpSession
from invites.sending.smtp_socket import SmtpSocket

Opened = SmtpSession | Exception


class Connector:
    """Can be registered with a selector. It is readable when ``results`` has something new."""

    def __init__(self) -> None:
        self._opening = 0  # connections
        self._results: SimpleQueue[Opened] = SimpleQueue()
        self._readable, self._signal = socket.socketpair()
        self._last_begun = float("-inf")

    def __len__(self) -> int:
        return self._opening

    def fileno(self) -> int:
        return self._readable.fileno()

    def begin(self, mail_server: MailServer, sender: str) -> None:
        self._opening += 1
        self._last_begun = time.monotonic()
        try:
            Thread(target=self._open, args=(mail_server, sender), name="open", daemon=True).start()
        except RuntimeError as error:  # the system has no more threads
            self._add_result(error)

    def seconds_since_last(self) -> float:
        return time.monotonic() - self._last_begun

    def results(self) -> list[Opened]:
        """Connections opened since the last call, and an exception for each that failed."""
        found: list[Opened] = []
        while not self._results.empty():
            self._readable.recv(1)
            found.append(self._results.get())
        self._opening -= len(found)
        return found

    def close(self) -> None:
        """Threads that still wait for the mail server close their connection afterwards."""
        self._signal.close()
        for opened in self.results():
            _close(opened)
        self._readable.close()

    def _open(self, mail_server: MailServer, sender: str) -> None:
        client = SmtpClient(mail_server)
        opened: Opened
        try:
            opened = _open(client, sender)
        except Exception as error:
            client.close()
            opened = error
        self._add_result(opened)

    def _add_result(self, opened: Opened) -> None:
        self._results.put(opened)
        try:
            self._signal.send(b"!")
        except OSError:  # closed meanwhile
            _close(opened)


def _close(opened: Opened) -> None:
    if isinstance(opened, SmtpSession):
        opened.socket.close()


def _open(client: SmtpClient, sender: str) -> SmtpSession:
    """Raises ServerUnavailable."""
    try:
        for _stage, step in client.steps():
            step()
    except smtplib.SMTPResponseException as refusal:
        text = refusal.smtp_error
        raise ServerUnavailable(printable(text, max(refusal.smtp_code, 0))) from refusal
    except (OSError, ValueError) as error:  # ValueError: a broken AUTH exchange
        where = f"{client.server.host}, port {client.server.port}"
        raise ServerUnavailable(f"{_reason(error)} ({where})") from error
    assert client.sock is not None  # the first step connects
    pipelining = client.has_extn("pipelining")
    return SmtpSession(SmtpSocket(client.sock), sender, pipelining=pipelining)


def _reason(error: Exception) -> str:
    """The words of the operating system or the protocol, without error numbers."""
    if isinstance(error, TimeoutError):
        return "The mail server did not answer in time."
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(text or type(error).__name__)
