"""Mailboxes: each unread message is read once; none is lost, or deleted without asking."""

import mailbox
from contextlib import closing
from dataclasses import replace
from errno import EACCES
from pathlib import Path

import pytest

from invites.bounces import mailboxes
from invites.bounces.mailboxes import MailboxError, mailbox_errors
from invites.bounces.message_parts import MAX_SIZE
from invites.core.settings import MailboxServer
from tests.support.imap_server import ImapServer
from tests.support.smtp_fixtures import CERTIFICATE

FIRST, SECOND = b"Subject: first\n\nOne\n", b"Subject: second\n\nTwo\n"


def read(messages, *, done=True):
    """The content of all messages; each is marked as the command does it."""
    found = []
    for message in messages:
        found.append(message.raw)
        if done:
            message.done()
    return found


class TestMaildir:
    @pytest.fixture
    def folder(self, tmp_path):
        box = mailbox.Maildir(tmp_path / "Maildir", create=True)
        for raw in (FIRST, SECOND):
            box.add(raw)
        return tmp_path / "Maildir"

    def test_each_message_is_read_once_and_marked_as_seen(self, folder):
        assert sorted(read(mailboxes.maildir(folder, delete=False))) == [FIRST, SECOND]
        assert read(mailboxes.maildir(folder, delete=False)) == []
        kept = list(mailbox.Maildir(folder))
        assert [message.get_subdir() for message in kept] == ["cur", "cur"]
        assert [message.get_flags() for message in kept] == ["S", "S"]

    def test_messages_that_are_not_done_are_read_again(self, folder):
        read(mailboxes.maildir(folder, delete=False), done=False)
        assert len(read(mailboxes.maildir(folder, delete=False))) == 2

    def test_unseen_messages_in_cur_are_read_and_keep_their_flags(self, folder):
        for path in (folder / "new").iterdir():
            path.rename(folder / "cur" / f"{path.name}:2,F")
        assert len(read(mailboxes.maildir(folder, delete=False))) == 2
        assert [message.get_flags() for message in mailbox.Maildir(folder)] == ["FS", "FS"]

    def test_messages_are_deleted_on_request(self, folder):
        read(mailboxes.maildir(folder, delete=True))
        assert list(mailbox.Maildir(folder)) == []

    def test_only_the_beginning_of_a_huge_message_is_read(self, folder):
        mailbox.Maildir(folder).add(b"\n" + b"x" * 2 * MAX_SIZE)
        assert max(map(len, read(mailboxes.maildir(folder, delete=False)))) == MAX_SIZE

    def test_a_message_removed_by_another_program_is_skipped(self, folder):
        messages = mailboxes.maildir(folder, delete=False)
        first = next(messages)
        for path in (folder / "new").iterdir():
            path.unlink()
        first.done()
        assert list(messages) == []

    def test_a_file_that_cannot_be_read_stays_and_is_reported_after_the_others(
        self, folder, monkeypatch
    ):
        locked = min((folder / "new").iterdir())
        opened = Path.open

        def open_unlocked(path, *args):
            if path == locked:
                raise PermissionError(EACCES, "Permission denied", str(path))
            return opened(path, *args)

        monkeypatch.setattr(Path, "open", open_unlocked)
        messages = mailboxes.maildir(folder, delete=True)
        next(messages).done()
        with pytest.raises(MailboxError) as told, mailbox_errors("it"):
            next(messages)
        assert list((folder / "new").iterdir()) == [locked]
        assert str(told.value) == f"{locked} can't be used: Permission denied"

    def test_a_folder_that_is_no_maildir_is_refused(self, tmp_path):
        with pytest.raises(MailboxError, match="lacks the folders"), mailbox_errors("it"):
            read(mailboxes.maildir(tmp_path, delete=False))


class TestMbox:
    @pytest.fixture
    def file(self, tmp_path):
        box = mailbox.mbox(tmp_path / "bounces")
        box.add(b"From MAILER-DAEMON Mon Nov  2 18:04:31 2026\n" + FIRST)
        box.add(SECOND)
        box.close()
        return tmp_path / "bounces"

    def test_each_message_is_read_once_and_gets_a_status(self, file):
        found = read(mailboxes.mbox(file, delete=False))
        assert [b"Subject: first" in found[0], b"Subject: second" in found[1]] == [True, True]
        assert read(mailboxes.mbox(file, delete=False)) == []
        with closing(mailbox.mbox(file)) as box:
            kept = list(box)
        assert [letter["Subject"] for letter in kept] == ["first", "second"]
        assert [message.get_flags() for message in kept] == ["RO", "RO"]
        assert kept[0].get_from() == "MAILER-DAEMON Mon Nov  2 18:04:31 2026"

    def test_messages_that_are_not_done_are_read_again_and_the_file_is_unchanged(self, file):
        before = file.read_bytes()
        read(mailboxes.mbox(file, delete=False), done=False)
        assert file.read_bytes() == before
        assert len(read(mailboxes.mbox(file, delete=False))) == 2

    def test_messages_are_deleted_on_request(self, file):
        read(mailboxes.mbox(file, delete=True))
        assert file.read_bytes() == b""

    def test_messages_done_before_an_error_stay_done(self, file):
        messages = mailboxes.mbox(file, delete=False)
        next(messages).done()
        messages.close()
        assert len(read(mailboxes.mbox(file, delete=False))) == 1

    def test_line_ends_may_be_crlf(self, file):
        report = b"\nFinal-Recipient: rfc822; kim@example.org\nStatus: 5.1.1 (no such user)\n"
        file.write_bytes(
            (b"From a@b Mon Nov  2 18:04:31 2026\n" + FIRST + report).replace(b"\n", b"\r\n")
        )
        assert len(read(mailboxes.mbox(file, delete=False))) == 1
        assert read(mailboxes.mbox(file, delete=False)) == []

    def test_a_file_that_another_program_has_locked_is_not_changed(self, file):
        other = mailbox.mbox(file)
        other.lock()
        with pytest.raises(MailboxError, match=r"remove it\.lock"), mailbox_errors("it"):
            read(mailboxes.mbox(file, delete=False))
        other.close()

    def test_a_missing_file_is_refused(self, tmp_path):
        with pytest.raises(MailboxError, match="there is no such file"), mailbox_errors("it"):
            read(mailboxes.mbox(tmp_path / "nothing", delete=False))


class TestImap:
    @pytest.fixture
    def imap_server(self):
        imap_server = ImapServer()
        imap_server.put(FIRST, SECOND)
        return imap_server

    @pytest.fixture(autouse=True)
    def _trusted(self, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    @pytest.fixture
    def read_all(self, imap_server, tls):
        def read_all(*, delete=False, done=True, secure=True, silent=False, **changes):
            known = MailboxServer("127.0.0.1", 0, imap_server.user, imap_server.password, "INBOX")
            with (
                imap_server.open(tls if secure else None, silent=silent) as port,
                mailbox_errors("it"),
            ):
                server = replace(known, port=port, **changes)
                messages = mailboxes.imap(server, delete=delete, timeout=0.5)
                return read(messages, done=done)

        return read_all

    def test_each_message_is_read_once_and_marked_as_seen(self, read_all, imap_server):
        assert read_all() == [FIRST, SECOND]
        assert read_all() == []
        assert set(imap_server.messages.values()) == {FIRST, SECOND}
        assert list(imap_server.flags.values()) == [{r"\Seen"}, {r"\Seen"}]
        assert imap_server.commands[-1] == b"LOGOUT"

    def test_messages_that_are_not_done_are_read_again(self, read_all):
        read_all(done=False)
        assert read_all() == [FIRST, SECOND]

    def test_messages_are_deleted_on_request(self, read_all, imap_server):
        assert read_all(delete=True) == [FIRST, SECOND]
        assert imap_server.messages == {}

    def test_a_server_without_uidplus_is_not_asked_to_expunge(self, read_all, imap_server):
        imap_server.later = "IMAP4rev1"
        read_all(delete=True)
        assert list(imap_server.flags.values()) == [{r"\Seen", r"\Deleted"}] * 2
        assert not any(b"EXPUNGE" in words for words in imap_server.commands)

    def test_only_the_beginning_of_a_huge_message_is_fetched(self, read_all, imap_server):
        imap_server.put(b"\n" + b"x" * 2 * MAX_SIZE)
        assert len(read_all()[-1]) == MAX_SIZE

    def test_a_server_without_auth_plain_gets_the_password_with_login(self, read_all, imap_server):
        imap_server.capabilities = "IMAP4rev1"
        imap_server.user, imap_server.password = r"in\"vites", "right"
        assert len(read_all(username='in"vites')) == 2
        assert rb'LOGIN "in\"vites" "right"' in imap_server.commands
        with pytest.raises(MailboxError, match="must be ASCII"):
            read_all(password="wörd")

    def test_a_wrong_password_is_reported_with_the_servers_reply(self, read_all):
        with pytest.raises(MailboxError, match=r"it can't be used: \[AUTHENTICATIONFAILED\] Wrong"):
            read_all(password="wrong")

    def test_a_missing_folder_is_reported(self, read_all):
        with pytest.raises(MailboxError, match="No such mailbox"):
            read_all(folder="Bounces")

    @pytest.mark.parametrize(
        ("folder", "called"),
        [
            ("Rückläufer", "R&APw-ckl&AOQ-ufer"),
            ("R&D/Zurück ↩", "R&-D/Zur&APw-ck &Iak-"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # of RFC 3501, 5.1.3
        ],
    )
    def test_a_folder_may_have_any_name(self, read_all, imap_server, folder, called):
        imap_server.folder = called
        assert read_all(folder=folder) == [FIRST, SECOND]

    def test_a_message_that_the_server_cannot_deliver_is_reported_after_the_others(
        self, read_all, imap_server
    ):
        imap_server.broken.add(min(imap_server.messages))
        with pytest.raises(MailboxError, match="SERVERBUG"):
            read_all()
        assert list(imap_server.flags.values()) == [set(), {r"\Seen"}]

    def test_a_search_without_a_result_means_an_empty_folder(self, read_all, imap_server):
        imap_server.messages.clear()
        imap_server.tells_of_none = False
        assert read_all() == []

    def test_a_server_without_tls_gets_no_password(self, read_all, imap_server):
        with pytest.raises(MailboxError, match="it can't be used"):
            read_all(secure=False)
        assert imap_server.password.encode() not in b"".join(imap_server.commands)

    def test_a_server_with_an_untrusted_certificate_gets_no_password(
        self, read_all, imap_server, monkeypatch
    ):
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(MailboxError, match="CERTIFICATE_VERIFY_FAILED"):
            read_all()
        assert imap_server.commands == []

    def test_a_silent_server_times_out(self, read_all):
        with pytest.raises(MailboxError, match="timed out"):
            read_all(silent=True)

    @pytest.mark.parametrize("word", [b"AUTHENTICATE", b"SELECT", b"UID SEARCH", b"UID STORE"])
    def test_a_server_that_hangs_up_is_reported(self, read_all, imap_server, word):
        imap_server.hang_up_at = word
        with pytest.raises(MailboxError, match="it can't be used"):
            read_all()
        assert len(imap_server.messages) == 2

    @pytest.mark.parametrize(
        ("host", "told"), [("127.0.0.1", "refused"), ("imap..example.org", "label empty")]
    )
    def test_a_server_that_cannot_be_reached_is_reported(self, host, told):
        server = MailboxServer(host, 9, "a", "b", "INBOX")
        with pytest.raises(MailboxError, match=told), mailbox_errors("it"):
            read(mailboxes.imap(server, delete=False))
