"""The file of the server keys: its owner's alone, whole or refused, and never quoted."""

import os
import stat
from pathlib import Path

import pytest

from postroom.auth.key_file import KeyFile
from postroom.auth.vault import ServerKey
from postroom.errors import PostroomError

FIRST, SECOND = ServerKey(b"1" * 32, "2026-01-01"), ServerKey(b"2" * 32, "2026-02-02")


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    """The file of a data folder, with a key."""
    made = KeyFile(tmp_path / "data")
    made.create(FIRST)
    return made


def ids(file: KeyFile) -> list[str]:
    return [key.key_id for key in file.find() or []]


def problem(file: KeyFile) -> str:
    with pytest.raises(PostroomError) as caught:
        file.find()
    assert caught.value.code == "badKeyFile"
    assert str(file.path) in caught.value.message
    assert "MTEx" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_it_is_its_owners_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        file = KeyFile(tmp_path)
        file.create(FIRST)
        assert stat.S_IMODE(file.path.stat().st_mode) & 0o077 == 0
    finally:
        os.umask(before)


def test_keys_are_read_as_they_were_written(file: KeyFile) -> None:
    assert ids(file) == [FIRST.key_id]
    (file.path.parent / "server.0123.tmp").write_text("left by a crash")
    file.replace([SECOND, FIRST])
    keys = file.find()
    assert keys is not None
    assert [(key.key_id, key.secret, key.made_on) for key in keys] == [
        (SECOND.key_id, b"2" * 32, "2026-02-02"),
        (FIRST.key_id, b"1" * 32, "2026-01-01"),
    ]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["server.key"]


def test_no_file_is_made_over_another(file: KeyFile) -> None:
    file.create(SECOND)
    assert ids(file) == [FIRST.key_id]


def test_no_file_is_none(tmp_path: Path) -> None:
    file = KeyFile(tmp_path)
    assert file.find() is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_file_open_to_others_is_refused(file: KeyFile, mode: int) -> None:
    file.path.chmod(mode)
    assert f"can be read or written by others: chmod 600 {file.path}" in problem(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_of_another_user_is_refused(file: KeyFile) -> None:
    os.chown(file.path, 12345, -1)
    assert f"belongs to user 12345, and this is run by user {os.geteuid()}: run it as" in problem(file)


def test_a_folder_in_its_place_is_refused(file: KeyFile) -> None:
    file.path.unlink()
    file.path.mkdir()
    assert "cannot be read" in problem(file)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text[:-10], "line 3 is no server key"),
        (lambda text: text.replace(b"MTEx", b"MTEy", 1), "line 3 is not the one that its id names"),
        (lambda text: text.replace(FIRST.key_id.encode(), b"0" * 16), "line 3 is not the one"),
        (lambda text: b"", "has no key in it"),
        (lambda text: text + b"\xff\n", "line 4 is no server key"),
        (lambda text: text + b"#" * 70_000, "is too large"),
    ],
)
def test_damage_is_noticed(file: KeyFile, damage: object, told: str) -> None:
    assert callable(damage)
    file.path.write_bytes(damage(file.path.read_bytes()))
    assert told in problem(file)


def test_one_process_changes_it_at_a_time(file: KeyFile) -> None:
    with (
        file.locked(),
        pytest.raises(PostroomError, match="another process"),
        KeyFile(file.path.parent).locked(),
    ):
        raise AssertionError
    with file.locked():
        pass
