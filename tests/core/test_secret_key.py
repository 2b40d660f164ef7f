"""The secret key beside the database."""

import stat
import threading

import pytest

from invites.core.secret_key import fingerprint, load_secret_keys, make_secret_key, warnings
from invites.core.setting_values import SettingsError


def made(data):
    make_secret_key(data)
    return load_secret_keys(data)


def test_a_new_key_is_loaded_every_time(tmp_path):
    data = tmp_path / "data"
    (key,) = made(data)
    assert len(bytes.fromhex(key)) == 32
    assert load_secret_keys(data) == [key]


def test_an_existing_key_is_kept(tmp_path):
    assert made(tmp_path) == made(tmp_path)


def test_loading_creates_no_key(tmp_path):
    assert load_secret_keys(tmp_path / "data") == []
    assert not (tmp_path / "data").exists()


def test_two_installations_have_different_keys(tmp_path):
    assert made(tmp_path / "one") != made(tmp_path / "two")


def test_nobody_else_on_the_machine_can_read_the_key(tmp_path):
    data = tmp_path / "data"
    make_secret_key(data)
    assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_only_the_key_is_left_in_the_folder(tmp_path):
    make_secret_key(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_a_key_is_rotated_by_a_new_first_line(tmp_path):
    (tmp_path / "secret.key").write_text("new\nold\n\n")
    assert load_secret_keys(tmp_path) == ["new", "old"]


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file_holds_no_key_and_is_not_replaced(tmp_path, content):
    path = tmp_path / "secret.key"
    path.write_text(content)
    assert made(tmp_path) == []
    assert path.read_text() == content


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path):
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(SettingsError, match=r"secret\.key can't be read"):
        load_secret_keys(tmp_path)


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    found = []
    start = threading.Barrier(16)

    def load():
        start.wait()
        found.append(tuple(made(tmp_path)))

    threads = [threading.Thread(target=load) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1


@pytest.mark.parametrize(("mode", "warned"), [(0o600, 0), (0o400, 0), (0o640, 1), (0o644, 1)])
def test_a_key_that_others_can_read_is_warned_of(tmp_path, mode, warned):
    make_secret_key(tmp_path)
    (tmp_path / "secret.key").chmod(mode)
    found = warnings(tmp_path)
    assert len(found) == warned
    assert all(f"mode {mode:04o}" in text and "chmod 600" in text for text in found)


def test_without_a_key_there_is_no_warning(tmp_path):
    assert warnings(tmp_path) == []


def test_a_fingerprint_tells_keys_apart_and_reveals_nothing_of_them():
    assert fingerprint("one" * 20) == fingerprint("one" * 20) != fingerprint("two" * 20)
    assert len(fingerprint("one" * 20)) == 16
