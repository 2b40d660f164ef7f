"""Opens connections beside the loop that serves them: smtplib waits at each step."""

import contextlib
import socket
import time
from queue import SimpleQueue
from threading import Thread

import flask_mail

from invites.sending import smtp_connection
from invites.sending.smtp_socket import SmtpSocket
from invites.sending.smtp_transaction import SmtpTransaction

_CLOSING_TIME = 1.0  # seconds

Opened = tuple[SmtpSocket, SmtpTransaction] | Exception


class Connector:
    """Connections that are being opened, each by a thread of its own; ``len()`` of them.

    A selector can wait for it: there is something to read when ``results`` has news.
    """

    def __init__(self) -> None:
        self._threads: dict[smtp_connection.Connection, Thread] = {}
        self._results: SimpleQueue[tuple[smtp_connection.Connection, Opened]] = SimpleQueue()
        self._ear, self._bell = socket.socketpair()
        self._begun_at = float("-inf")

    def __len__(self) -> int:
        return len(self._threads)

    def fileno(self) -> int:
        """The file descriptor to wait for."""
        return self._ear.fileno()

    def begin(self, mail: flask_mail.Mail, sender: str) -> None:
        """Open one more, for mails from ``sender``."""
        connection = smtp_connection.new_connection(mail)
        thread = Thread(target=self._open, args=(connection, sender), name="open", daemon=True)
        self._threads[connection] = thread
        self._begun_at = time.monotonic()
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more threads for us
            self._report(connection, error)

    def has_begun_none_for(self, seconds: float) -> bool:
        """Whether so long no connection was begun."""
        return time.monotonic() - self._begun_at > seconds

    def results(self) -> list[Opened]:
        """What was opened since, or why not: ServerUnavailable, or a mistake of our own."""
        found: list[Opened] = []
        while not self._results.empty():
            self._ear.recv(1)
            connection, opened = self._results.get()
            del self._threads[connection]
            found.append(opened)
        return found

    def cut_overdue(self) -> None:
        """Give up where the mail server takes too long for an answer."""
        for connection in self._threads:
            connection.end_if_overdue()

    def close(self) -> None:
        """Give all up."""
        until = time.monotonic() + _CLOSING_TIME
        for connection in self._threads:
            connection.abort()
        for thread in filter(Thread.is_alive, self._threads.values()):  # some couldn't start
            thread.join(max(0.0, until - time.monotonic()))
        for opened in self.results():
            if not isinstance(opened, Exception):
                opened[0].close()
        self._ear.close()
        self._bell.close()

    def _open(self, connection: smtp_connection.Connection, sender: str) -> None:
        opened: Opened
        try:
            opened = connection.open(sender)
        except Exception as error:
            opened = error
        self._report(connection, opened)

    def _report(self, connection: smtp_connection.Connection, opened: Opened) -> None:
        self._results.put((connection, opened))
        with contextlib.suppress(OSError):  # closed meanwhile
            self._bell.send(b"!")
