"""``postroom reindex``: what it does, prints, and how it fails."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from tests.fixtures.documents import attach, make_docx
from tests.fixtures.fulltext import find_contents

from postroom.cli.app import build_app, run
from postroom.store import open_store

Call = Callable[..., tuple[int, str, str]]

ANNA = "anna@example.test"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Call:
    """Run a command in an empty folder with an account; return status, output and errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "postroom.toml").write_text("[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 64\n")

    def call_command(*arguments: str) -> tuple[int, str, str]:
        status = run(build_app(), arguments)
        out, err = capfdbinary.readouterr()
        return status, out.decode(), err.decode()

    call_command("domain", "add", "example.test")
    (tmp_path / "password").write_text("secret")
    with (tmp_path / "password").open() as password:
        monkeypatch.setattr("sys.stdin", password)
        assert call_command("account", "add", ANNA, "--password-stdin")[0] == 0
    return call_command


def fill(call: Call, folder: Path, count: int) -> None:
    (folder / "mails").mkdir()
    for number in range(count):
        raw = attach((f"{number}.docx", "", make_docx(f"zebra {number}")), subject=f"Letter {number}")
        (folder / "mails" / f"{number}.eml").write_bytes(raw)
    assert call("import", ANNA, "mails")[0] == 0


def empty_index(folder: Path) -> None:
    connection = apsw.Connection(str(folder / "postroom-data" / "postroom.sqlite"))
    connection.execute("INSERT INTO fulltext (fulltext) VALUES ('delete-all')")
    connection.close()


async def count(folder: Path, text: str) -> int:
    store = await open_store("sqlite:", folder / "postroom-data")
    try:
        return len(await find_contents(store, 1, text))
    finally:
        await store.close()


def test_it_rebuilds_the_index(call: Call, tmp_path: Path) -> None:
    fill(call, tmp_path, 3)
    empty_index(tmp_path)
    assert call("check")[0] == 1
    status, out, err = call("reindex", "--search")
    assert (status, err.splitlines()) == (0, [f"{ANNA}: 3 of 3 messages"])
    assert out == (
        "3 messages of 1 accounts indexed, 3 documents read, 0 entries of messages that are gone removed\n"
    )
    assert asyncio.run(count(tmp_path, "zebra")) == asyncio.run(count(tmp_path, "letter")) == 3
    assert call("check")[0] == 0
    assert call("reindex", "--search", "--account", ANNA)[0] == 0


def test_a_damaged_index_is_made_from_scratch(call: Call, tmp_path: Path) -> None:
    fill(call, tmp_path, 2)
    connection = apsw.Connection(str(tmp_path / "postroom-data" / "postroom.sqlite"))
    connection.execute("DELETE FROM fulltext_data WHERE id > 10")
    connection.close()
    assert call("reindex", "--search", "--from-scratch")[0] == 0
    assert asyncio.run(count(tmp_path, "letter")) == 2
    assert call("check")[0] == 0


def test_documents_are_not_read_where_that_is_switched_off(call: Call, tmp_path: Path) -> None:
    fill(call, tmp_path, 1)
    assert call("reindex", "--search", "--set", "extraction.enabled=false")[0] == 0
    assert asyncio.run(count(tmp_path, "zebra")) == 0


def test_how_it_fails(call: Call) -> None:
    assert call("reindex")[0] == 2
    assert call("reindex", "--search", "--account", "bert@example.test")[0] == 2
    assert call("reindex", "--conversations", "--from-scratch")[0] == 2
    assert call("reindex", "--search", "--from-scratch", "--account", ANNA)[0] == 2


def test_a_kill_does_no_harm(call: Call, tmp_path: Path) -> None:
    fill(call, tmp_path, 60)
    empty_index(tmp_path)
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "postroom", "reindex", "--search", "--set", "extraction.enabled=false"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        assert process.stderr is not None
        assert b"of 60 messages" in process.stderr.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()
    assert call("reindex", "--search")[0] == 0
    assert asyncio.run(count(tmp_path, "zebra")) == 60
    assert call("check")[0] == 0


def test_it_finds_conversations_anew(call: Call, tmp_path: Path) -> None:
    fill(call, tmp_path, 3)
    assert call("check")[0] == 0
    status, out, err = call("reindex", "--conversations")
    assert (status, err.splitlines()) == (0, [f"{ANNA}: 3 of 3 messages"])
    assert out == "3 messages of 1 accounts threaded, 0 faults set right\n"
    connection = apsw.Connection(str(tmp_path / "postroom-data" / "postroom.sqlite"))
    connection.execute("DELETE FROM reference_key; DELETE FROM conversation")
    connection.close()
    assert call("check")[0] == 1
    status, out, _ = call("reindex", "--conversations", "--account", ANNA)
    assert (status, out) == (0, "3 messages of 1 accounts threaded, 6 faults set right\n")
    assert call("check")[0] == 0
