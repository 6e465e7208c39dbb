"""`postroom backup`, `restore` and `migrate-store` as an operator calls them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.unit.cli.test_commands import Call, anna, call

__all__ = ["anna", "call"]


def import_mail(call: Call, folder: Path, count: int, *, filling: int = 0) -> None:
    """Bring mail into Anna's mailbox; ``filling``: so many bytes that cannot be compressed."""
    letters = folder / "letters"
    letters.mkdir()
    for number in range(count):
        (letters / f"{number}.eml").write_text(
            f"Subject: Letter {number}\r\n\r\nNumber {number} {os.urandom(filling).hex()}\r\n"
        )
    assert call("import", "anna@example.test", str(letters))[0] == 0


def elsewhere(*arguments: str) -> tuple[str, ...]:
    """Return a command with a data folder of its own."""
    return (*arguments, "--set", "data_dir=elsewhere")


def test_there_and_back(call: Call, anna: str, tmp_path: Path) -> None:
    import_mail(call, tmp_path, 5)
    status, output, errors = call("backup", "backup")
    assert (status, errors) == (0, "")
    assert "5 messages, 5 of them new" in output
    assert "5 messages, 0 of them new" in call("backup", "backup")[1]
    status, output, _ = call("backup", "backup", "--verify")
    assert status == 0
    assert "all is well: 2 snapshots" in output
    assert call("backup", "backup", "--list")[1].count("everything") == 2
    status, output, errors = call(*elsewhere("restore", "backup"))
    assert (status, errors) == (0, "")
    assert "is restored; 5 messages indexed" in output
    assert "all is well: 1 accounts, 5 mails" in call(*elsewhere("check"))[1]
    status, output, _ = call(
        "restore", "backup", "--account", "anna@example.test", "--as", "rita@example.test"
    )
    assert status == 0
    assert "account rita@example.test is restored" in output
    assert "all is well: 2 accounts, 10 mails" in call("check")[1]


def test_pruning(call: Call, anna: str, tmp_path: Path) -> None:
    import_mail(call, tmp_path, 5)
    for _ in range(3):
        assert call("backup", "backup")[0] == 0
    keep = ("backup", "backup", "--prune", "--keep-daily", "1")
    status, output, errors = call(*keep, "--dry-run")
    assert (status, errors) == (0, "")
    assert output.count("would remove snapshot") == 2
    assert "2 of 3 snapshots would go" in output
    assert call("backup", "backup", "--list")[1].count("everything") == 3
    status, output, errors = call(*keep)
    assert (status, errors) == (0, "")
    assert output.count("removed snapshot") == 2
    assert "2 of 3 snapshots removed; " in output
    assert "all is well: 1 snapshots" in call("backup", "backup", "--verify")[1]
    assert "0 of 1 snapshots removed; 0 packs, 0 large messages, 0 bytes" in call(*keep)[1]


def test_a_damaged_backup(call: Call, anna: str, tmp_path: Path) -> None:
    import_mail(call, tmp_path, 5)
    assert call("backup", "backup", "--without-key")[0] == 0
    (pack,) = (tmp_path / "backup" / "packs").iterdir()
    pack.write_bytes(pack.read_bytes()[:-100])
    status, output, errors = call("backup", "backup", "--verify")
    assert status == 1
    assert "problems: 1 snapshots" in output
    assert f"{pack.name} is damaged" in errors
    assert call(*elsewhere("restore", "backup"))[0] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("backup", "filled"), "is not empty and holds no backup"),
        (("backup", "none", "--verify"), "a backup in none does not exist"),
        (("backup", "none", "--prune"), "say how many are to be kept"),
        (("backup", "none", "--prune", "--keep-daily", "-1"), "say how many are to be kept"),
        (("backup", "none", "--prune", "--keep-daily", "1"), "a backup in none does not exist"),
        (("backup", "none", "--keep-weekly", "1"), "are for --prune"),
        (("backup", "none", "--dry-run"), "are for --prune"),
        (("backup", "none", "--prune", "--keep-daily", "1", "--verify"), "and --dry-run, alone"),
        (("restore", "none"), "a backup in none does not exist"),
        (("restore", "none", "--as", "x@example.test"), "say which with --account"),
        (("migrate-store", "sqlite:", "sqlite:"), "FROM and TO are the same"),
        (("migrate-store", "mysql://x", "sqlite:"), "store.url must be sqlite:"),
    ],
)
def test_how_they_fail(call: Call, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "filled").mkdir()
    (tmp_path / "filled" / "letter.txt").write_text("Hello")
    status, _, errors = call(*arguments)
    assert status == 2
    assert message in errors
    assert errors.count("\n") == 1


def test_a_full_disk(call: Call, anna: str, tmp_path: Path) -> None:
    import_mail(call, tmp_path, 200, filling=3000)
    command = f"ulimit -f 200; trap '' XFSZ; exec {sys.executable} -m postroom backup backup"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, env=_environment()
    )
    assert done.returncode == 2
    assert "File too large" in done.stderr
    assert call("backup", "backup", "--verify")[0] == 1, "there is no snapshot"
    assert call("backup", "backup")[0] == 0
    assert call("backup", "backup", "--verify")[0] == 0


def test_kills_do_no_harm(call: Call, anna: str, tmp_path: Path) -> None:
    import_mail(call, tmp_path, 300)
    assert call("backup", "backup")[0] == 0
    kills = 0
    for tenths in range(4, 40, 3):
        if not _kill_after(tenths / 10, *elsewhere("restore", "backup")):
            break  # it is done, or one that was killed was: then there is nothing to restore into
        kills += 1
    else:
        call(*elsewhere("restore", "backup"))
    assert kills
    assert "all is well: 1 accounts, 300 mails" in call(*elsewhere("check"))[1]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _kill_after(seconds: float, *arguments: str) -> bool:
    """Run a command and kill it; return whether it was killed, and not at its end before."""
    with subprocess.Popen(
        [sys.executable, "-m", "postroom", *arguments], stdout=subprocess.DEVNULL, env=_environment()
    ) as process:
        end = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL
