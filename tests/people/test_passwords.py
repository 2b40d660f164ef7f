"""Passwords: which are accepted, their hashes, and the queue."""

from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Semaphore, Thread
from time import sleep, thread_time

import pytest

from invites.core.errors import Reason, RuleError
from invites.people import passwords
from tests.conftest import REAL_PASSWORD_METHOD
from tests.support.actions import refused
from tests.support.people import PASSWORD, password_hash


@pytest.mark.parametrize(
    "password",
    [
        "a horse in the rain",
        "correcthor",
        "пароль для меня",
        "          a b c d",
        "🐎🌧️🐎🌧️☂️🚲🚲🚲🚲",
    ],
)
def test_long_passwords_need_no_digits_or_symbols(password):
    assert len(password) >= passwords.MIN_LENGTH
    passwords.check_acceptable(password, email="ada@example.org", name="Ada Okafor")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", Reason.PASSWORD_SHORT),
        ("nine char", Reason.PASSWORD_SHORT),
        ("abcd" * 64 + "e", Reason.PASSWORD_LONG),
        ("aaaaaaaaaaaa", Reason.PASSWORD_WEAK),
        ("abcabcabcabc", Reason.PASSWORD_WEAK),
        ("ada.okafor@example.org", Reason.PASSWORD_WEAK),
        ("ADA.OKAFOR@EXAMPLE.ORG", Reason.PASSWORD_WEAK),
        ("Ada.Okafor", Reason.PASSWORD_WEAK),
        ("ada okafor", Reason.PASSWORD_WEAK),
        ("ada okafor1", Reason.PASSWORD_WEAK),
        ("abcd" * 64, Reason.PASSWORD_WEAK),
        ("qwertyuiop", Reason.PASSWORD_WEAK),
        ("1234567890", Reason.PASSWORD_WEAK),
        ("Password123", Reason.PASSWORD_WEAK),
        ("iloveyou1234", Reason.PASSWORD_WEAK),
    ],
)
def test_short_long_and_weak_passwords_are_refused(password, reason):
    with refused(reason):
        passwords.check_acceptable(password, email="ada.okafor@example.org", name="Ada Okafor")


def test_a_refusal_includes_the_limit():
    with pytest.raises(RuleError) as caught:
        passwords.check_acceptable("short", email="ada@example.org")
    assert caught.value.details == {"limit": 10}


def test_only_the_right_password_matches():
    assert passwords.matches(password_hash(), PASSWORD)
    assert not passwords.matches(password_hash(), PASSWORD.upper())
    assert not passwords.matches(password_hash(), PASSWORD + " ")
    assert not passwords.matches(password_hash(), "")


@pytest.mark.slow
@pytest.mark.parametrize("end", ["4@8({[<36911", "({[<4@69!1|7", "k" * 12, "k" * 224])
def test_no_password_takes_long_to_estimate(end):
    password = "4@8({[<369!1|7$50+%2" + end
    passwords.strength("the lists are read by now", email="ada@example.org")
    before = thread_time()
    passwords.check_acceptable(password, email="ada@example.org")
    assert thread_time() - before < 0.4


@pytest.mark.slow
def test_a_hash_takes_its_time_and_memory(monkeypatch):
    monkeypatch.setattr(passwords, "METHOD", REAL_PASSWORD_METHOD)
    kept = passwords.hash_password(PASSWORD)
    assert kept.startswith("scrypt:32768:8:3$")
    assert passwords.matches(kept, PASSWORD)


def test_two_people_with_one_password_have_two_hashes():
    other = passwords.hash_password(PASSWORD)
    assert other != password_hash()
    assert other.startswith("scrypt:")
    assert PASSWORD not in other


@pytest.mark.parametrize("password", [PASSWORD, "nobody has this password"])
def test_no_password_matches_an_address_without_a_profile(password):
    assert not passwords.matches(None, password)


def test_a_very_long_password_is_refused_without_hashing():
    assert not passwords.matches(password_hash(), PASSWORD * 100)


@pytest.mark.parametrize(
    ("password", "strength"),
    [("1234567890", 0), ("iloveyou1234", 1), ("Summer2024!", 2), ("a horse in the rain", 4)],
)
def test_strength_is_from_0_to_4(password, strength):
    assert passwords.strength(password, email="ada@example.org") == strength


@pytest.mark.slow
def test_a_very_long_password_is_estimated_quickly():
    assert passwords.strength("4@8({[</369&#!1/|0$5+7%2/" * 10, email="") == passwords.STRONGEST


class TestQueue:
    def at_once(self, action, monkeypatch, networks=40, queued=17):
        """The results of 40 threads that start before the first one has its turn."""
        count, turn, answers = 40, Semaphore(0), Queue()
        monkeypatch.setattr(passwords, "_running", turn)

        def do(number):
            try:
                with passwords.queue(f"network {number % networks}"):
                    answers.put(action())
            except RuleError as refused:
                answers.put(refused.reason)

        threads = [Thread(target=do, args=[n], daemon=True) for n in range(count)]
        for thread in threads:
            thread.start()
        refused_at_once = [answers.get(timeout=30) for _ in range(count - queued)]
        turn.release(count)
        for thread in threads:
            thread.join(30)
        return refused_at_once, [answers.get(timeout=30) for _ in range(queued)]

    @pytest.mark.parametrize("kept", [True, False])
    def test_sixteen_wait_and_the_others_are_refused_at_once(self, kept, monkeypatch):
        known = password_hash() if kept else None
        refused_at_once, answered = self.at_once(
            lambda: passwords.matches(known, PASSWORD), monkeypatch
        )
        assert refused_at_once == [Reason.BUSY] * 23
        assert answered == [kept] * 17

    def test_one_network_cannot_take_all_places(self, monkeypatch):
        refused_at_once, answered = self.at_once(
            lambda: passwords.matches(None, PASSWORD), monkeypatch, networks=1, queued=12
        )
        assert refused_at_once == [Reason.BUSY] * 28
        assert answered == [False] * 12

    def test_a_place_in_the_queue_is_kept_for_the_whole_block(self, monkeypatch):
        def change():
            with passwords.queue():
                passwords.check_correct(password_hash(), PASSWORD)
                passwords.check_acceptable("a fish in the snow", email="")
                return passwords.hash_password("a fish in the snow")[:6]

        monkeypatch.setattr(passwords, "strength", lambda *_typed, **_known: 4)
        refused_at_once, answered = self.at_once(change, monkeypatch)
        assert refused_at_once == [Reason.BUSY] * 23
        assert answered == ["scrypt"] * 17

    def test_one_hash_is_made_at_a_time_because_each_takes_32_megabytes(self, monkeypatch):
        running, most = [], []

        def make(*_):
            running.append(1)
            most.append(len(running))
            sleep(0.05)
            running.pop()
            return "hash"

        monkeypatch.setattr("werkzeug.security.generate_password_hash", make)
        with ThreadPoolExecutor(5) as threads:
            list(threads.map(passwords.hash_password, [PASSWORD] * 5))
        assert most == [1] * 5

    def test_places_are_free_again_afterwards(self, monkeypatch):
        for _ in range(3):
            self.at_once(lambda: passwords.hash_password(PASSWORD), monkeypatch)
        assert passwords.matches(password_hash(), PASSWORD)
