"""Mailboxes for bounces: each unread letter is read once, none is lost or deleted unasked."""

import mailbox
from contextlib import closing
from dataclasses import replace

import pytest

from invites.bounces import mailboxes
from invites.bounces.dsn import MAX_SIZE
from invites.bounces.mailboxes import MailboxError, mailbox_errors
from invites.core.settings import MailboxServer
from tests.support.imap_server import ImapServer
from tests.support.smtp_fixtures import CERTIFICATE

FIRST, SECOND = b"Subject: first\n\nOne\n", b"Subject: second\n\nTwo\n"


def read(letters, *, put_away=True):
    """What lies there; each is put away as the command does it."""
    found = []
    for letter in letters:
        found.append(letter.raw)
        if put_away:
            letter.done()
    return found


class TestMaildir:
    @pytest.fixture
    def folder(self, tmp_path):
        box = mailbox.Maildir(tmp_path / "Maildir", create=True)
        for raw in (FIRST, SECOND):
            box.add(raw)
        return tmp_path / "Maildir"

    def test_each_letter_is_read_once_and_kept_as_seen(self, folder):
        assert sorted(read(mailboxes.maildir(folder, delete=False))) == [FIRST, SECOND]
        assert read(mailboxes.maildir(folder, delete=False)) == []
        kept = list(mailbox.Maildir(folder))
        assert [letter.get_subdir() for letter in kept] == ["cur", "cur"]
        assert [letter.get_flags() for letter in kept] == ["S", "S"]

    def test_what_is_not_put_away_is_read_again(self, folder):
        read(mailboxes.maildir(folder, delete=False), put_away=False)
        assert len(read(mailboxes.maildir(folder, delete=False))) == 2

    def test_what_another_program_listed_but_nobody_saw_is_read_and_keeps_its_flags(self, folder):
        for path in (folder / "new").iterdir():
            path.rename(folder / "cur" / f"{path.name}:2,F")
        assert len(read(mailboxes.maildir(folder, delete=False))) == 2
        assert [letter.get_flags() for letter in mailbox.Maildir(folder)] == ["FS", "FS"]

    def test_it_is_deleted_when_asked_for(self, folder):
        read(mailboxes.maildir(folder, delete=True))
        assert list(mailbox.Maildir(folder)) == []

    def test_only_the_beginning_of_a_huge_letter_is_read(self, folder):
        mailbox.Maildir(folder).add(b"\n" + b"x" * 2 * MAX_SIZE)
        assert max(map(len, read(mailboxes.maildir(folder, delete=False)))) == MAX_SIZE

    def test_what_another_program_took_away_meanwhile_holds_up_no_other_letter(self, folder):
        letters = mailboxes.maildir(folder, delete=False)
        first = next(letters)
        for path in (folder / "new").iterdir():
            path.unlink()
        first.done()
        assert list(letters) == []

    def test_another_folder_is_refused(self, tmp_path):
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

    def test_each_letter_is_read_once_and_kept_with_its_status(self, file):
        found = read(mailboxes.mbox(file, delete=False))
        assert [b"Subject: first" in found[0], b"Subject: second" in found[1]] == [True, True]
        assert read(mailboxes.mbox(file, delete=False)) == []
        with closing(mailbox.mbox(file)) as box:
            kept = list(box)
        assert [letter["Subject"] for letter in kept] == ["first", "second"]
        assert [letter.get_flags() for letter in kept] == ["RO", "RO"]
        assert kept[0].get_from() == "MAILER-DAEMON Mon Nov  2 18:04:31 2026"

    def test_what_is_not_put_away_is_read_again_and_the_file_stays_as_it_is(self, file):
        before = file.read_bytes()
        read(mailboxes.mbox(file, delete=False), put_away=False)
        assert file.read_bytes() == before
        assert len(read(mailboxes.mbox(file, delete=False))) == 2

    def test_it_is_deleted_when_asked_for(self, file):
        read(mailboxes.mbox(file, delete=True))
        assert file.read_bytes() == b""

    def test_what_was_put_away_before_an_error_stays_so(self, file):
        letters = mailboxes.mbox(file, delete=False)
        next(letters).done()
        letters.close()
        assert len(read(mailboxes.mbox(file, delete=False))) == 1

    def test_lines_may_end_as_on_windows(self, file):
        report = b"\nFinal-Recipient: rfc822; kim@example.org\nStatus: 5.1.1 (no such user)\n"
        file.write_bytes(
            (b"From a@b Mon Nov  2 18:04:31 2026\n" + FIRST + report).replace(b"\n", b"\r\n")
        )
        assert len(read(mailboxes.mbox(file, delete=False))) == 1
        assert read(mailboxes.mbox(file, delete=False)) == []

    def test_a_file_that_another_program_writes_to_is_left_alone(self, file):
        other = mailbox.mbox(file)
        other.lock()
        with pytest.raises(MailboxError, match=r"remove it\.lock"), mailbox_errors("it"):
            read(mailboxes.mbox(file, delete=False))
        other.close()

    def test_no_such_file_is_refused(self, tmp_path):
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
        def read_all(*, delete=False, put_away=True, secure=True, silent=False, **changes):
            known = MailboxServer("127.0.0.1", 0, imap_server.user, imap_server.password, "INBOX")
            with (
                imap_server.open(tls if secure else None, silent=silent) as port,
                mailbox_errors("it"),
            ):
                server = replace(known, port=port, **changes)
                letters = mailboxes.imap(server, delete=delete, timeout=0.5)
                return read(letters, put_away=put_away)

        return read_all

    def test_each_letter_is_read_once_and_kept_as_seen(self, read_all, imap_server):
        assert read_all() == [FIRST, SECOND]
        assert read_all() == []
        assert set(imap_server.messages.values()) == {FIRST, SECOND}
        assert list(imap_server.flags.values()) == [{r"\Seen"}, {r"\Seen"}]
        assert imap_server.said[-1] == b"LOGOUT"

    def test_what_is_not_put_away_is_read_again(self, read_all):
        read_all(put_away=False)
        assert read_all() == [FIRST, SECOND]

    def test_it_is_deleted_when_asked_for(self, read_all, imap_server):
        assert read_all(delete=True) == [FIRST, SECOND]
        assert imap_server.messages == {}

    def test_a_server_that_can_only_delete_all_marked_mail_is_asked_to_delete_none(
        self, read_all, imap_server
    ):
        imap_server.later = "IMAP4rev1"
        read_all(delete=True)
        assert list(imap_server.flags.values()) == [{r"\Seen", r"\Deleted"}] * 2
        assert not any(b"EXPUNGE" in words for words in imap_server.said)

    def test_only_the_beginning_of_a_huge_letter_is_asked_for(self, read_all, imap_server):
        imap_server.put(b"\n" + b"x" * 2 * MAX_SIZE)
        assert len(read_all()[-1]) == MAX_SIZE

    def test_an_old_server_gets_the_password_by_login(self, read_all, imap_server):
        imap_server.capabilities = "IMAP4rev1"
        imap_server.user, imap_server.password = r"in\"vites", "right"
        assert len(read_all(username='in"vites')) == 2
        assert rb'LOGIN "in\"vites" "right"' in imap_server.said
        with pytest.raises(MailboxError, match="must be ASCII"):
            read_all(password="wörd")

    def test_a_wrong_password_is_told_in_the_servers_words(self, read_all):
        with pytest.raises(MailboxError, match=r"it can't be used: \[AUTHENTICATIONFAILED\] Wrong"):
            read_all(password="wrong")

    def test_a_folder_that_is_not_there_is_told(self, read_all):
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

    def test_a_letter_that_the_server_cannot_hand_out_is_told_and_holds_up_no_other(
        self, read_all, imap_server
    ):
        imap_server.broken.add(min(imap_server.messages))
        with pytest.raises(MailboxError, match="SERVERBUG"):
            read_all()
        assert list(imap_server.flags.values()) == [set(), {r"\Seen"}]

    def test_an_empty_folder_of_which_the_server_tells_nothing_is_empty(
        self, read_all, imap_server
    ):
        imap_server.messages.clear()
        imap_server.tells_of_none = False
        assert read_all() == []

    def test_a_server_without_tls_gets_no_password(self, read_all, imap_server):
        with pytest.raises(MailboxError, match="it can't be used"):
            read_all(secure=False)
        assert imap_server.password.encode() not in b"".join(imap_server.said)

    def test_a_certificate_that_nobody_vouches_for_gets_no_password(
        self, read_all, imap_server, monkeypatch
    ):
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(MailboxError, match="CERTIFICATE_VERIFY_FAILED"):
            read_all()
        assert imap_server.said == []

    def test_a_server_that_says_nothing_is_given_up(self, read_all):
        with pytest.raises(MailboxError, match="timed out"):
            read_all(silent=True)

    @pytest.mark.parametrize("word", [b"AUTHENTICATE", b"SELECT", b"UID SEARCH", b"UID STORE"])
    def test_a_server_that_hangs_up_is_told_of(self, read_all, imap_server, word):
        imap_server.hang_up_at = word
        with pytest.raises(MailboxError, match="it can't be used"):
            read_all()
        assert len(imap_server.messages) == 2

    @pytest.mark.parametrize(
        ("host", "told"), [("127.0.0.1", "refused"), ("imap..example.org", "label empty")]
    )
    def test_nobody_listening_is_told(self, host, told):
        server = MailboxServer(host, 9, "a", "b", "INBOX")
        with pytest.raises(MailboxError, match=told), mailbox_errors("it"):
            read(mailboxes.imap(server, delete=False))
