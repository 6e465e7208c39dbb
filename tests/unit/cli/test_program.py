"""The program as it is called: terminals, pipes, interruptions, and how much it loads."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "postroom"]
HEAVY = "apsw asyncpg uvicorn litestar nh3 PIL rich.progress postroom.domain postroom.store postroom.config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "postroom.toml").write_text("[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 64\n")
    subprocess.run([*PROGRAM, "domain", "add", "example.test"], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_help_loads_little() -> None:
    code = f"""
import sys
from postroom.cli.app import build_app, run
status = run(build_app(), ["--help"])
loaded = set({HEAVY!r}.split()) & set(sys.modules)
assert not loaded, loaded
sys.exit(status)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "import" in done.stdout


def test_version() -> None:
    done = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip()[0].isdigit()


@pytest.mark.parametrize(
    ("answers", "status", "told"),
    [
        ((b"secret\n", b"secret\n"), 0, b"added anna@example.test"),
        ((b"secret\n", b"other\n"), 2, b"postroom: the two passwords differ"),
        ((b"\x04",), 2, b"postroom: no password was given"),
    ],
)
def test_a_password_is_asked_for_twice_on_a_terminal(
    folder: Path, answers: tuple[bytes, ...], status: int, told: bytes
) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execv(sys.executable, [*PROGRAM, "account", "add", "anna@example.test"])  # noqa: S606 (a terminal)
    seen = b""
    for answer in answers:
        while not seen.endswith(b": "):
            seen += os.read(terminal, 1000)
        os.write(terminal, answer)
        seen = b""
    while True:
        try:
            seen += os.read(terminal, 1000)
        except OSError:  # the other side of the terminal is closed
            break
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == status
    os.close(terminal)
    assert b"secret" not in seen
    assert told in seen


def test_a_reader_that_has_gone() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [*PROGRAM, "config", "manual"], stdout=write_end, stderr=subprocess.PIPE, check=False
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (2, b"")


def test_an_interrupted_import_is_repeated(folder: Path) -> None:
    subprocess.run(
        [*PROGRAM, "account", "add", "anna@example.test", "--password-stdin"],
        cwd=folder,
        input=b"secret",
        check=True,
        capture_output=True,
    )
    count = 4000
    separator = "From x Thu Jan  1 00:05:00 1970\n"
    texts = [f"{separator}Subject: {number}\n\n{'x' * 500}\n\n" for number in range(count)]
    (folder / "m.mbox").write_text("".join(texts))
    command = [*PROGRAM, "import", "anna@example.test", "m.mbox"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stderr is not None
        assert first.stdout.readline().startswith("read ")
        first.send_signal(signal.SIGINT)
        last = first.stdout.read().splitlines()[-1]
        assert first.stderr.read() == "postroom: interrupted\n"
    assert first.returncode == 130
    done = int(last.split()[1])
    assert 0 < done < count
    second = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    words = second.stdout.splitlines()[-1].split()
    imported, known = int(words[1]), int(words[3])
    assert imported + known == count
    assert known >= done, "what was reported as imported must be there"
    shown = subprocess.run([*PROGRAM, "check"], cwd=folder, capture_output=True, text=True, check=True)
    assert shown.stdout == f"all is well: 1 accounts, {count} mails, {count} messages\n"


def test_a_server_loads_only_what_it_needs() -> None:
    """What colours tracebacks, makes HTML safe, reads documents or takes submissions is for those who use it."""
    unwanted = "rich pygments nh3 pypdfium2 postroom.app.submission postroom.bench"
    code = f"""
import sys
from postroom.cli import server
server._load_structlog()
import postroom.app
loaded = set({unwanted!r}.split()) & set(sys.modules)
assert not loaded, loaded
import rich.console
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_forgotten_configuration_makes_no_store(tmp_path: Path) -> None:
    """A command that looks after a store does not make an empty one that nobody would find again."""
    command = [*PROGRAM, "domain", "add", "example.test"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"postroom: there is no store in {tmp_path}/postroom-data: name the configuration with --config FILE, "
        "or make a store with postroom init\n"
    )
    assert list(tmp_path.iterdir()) == []
    subprocess.run([*PROGRAM, "init"], cwd=tmp_path, capture_output=True, check=True)
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    # Whoever says where the store is to be has it made there.
    elsewhere = [*command, "--set", f"data_dir={tmp_path}/other"]
    subprocess.run(elsewhere, cwd=tmp_path, capture_output=True, check=True)
