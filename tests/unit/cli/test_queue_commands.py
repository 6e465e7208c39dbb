"""``postroom queue``: what it prints, and how it fails."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fixtures.factories import make_message

from postroom.cli.app import build_app, run
from postroom.config.classes import AccountClass
from postroom.domain.contents import hold_content
from postroom.domain.ingest import Ingest
from postroom.domain.outbox import Addressee, Message, enqueue
from postroom.domain.routing import Route
from postroom.model.ids import AccountId
from postroom.model.outgoing import ProcessingId
from postroom.store import open_store

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Call:
    """Run a command in an empty folder; return status, output and errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "postroom.toml").write_text("[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 64\n")

    def call_command(*arguments: str) -> tuple[int, str, str]:
        status = run(build_app(), arguments)
        out, err = capfdbinary.readouterr()
        return status, out.decode(), err.decode()

    return call_command


def fill(folder: Path, *, delay_ms: int) -> ProcessingId:
    """Put a message to four recipients into the queue of a new account."""

    async def work() -> ProcessingId:
        store = await open_store("sqlite:", folder / "postroom-data")
        [account_id] = [AccountId(1)]
        digest = await Ingest(store, {"default": AccountClass()}).prepare(make_message(), [account_id])
        now = int(time.time() * 1000)
        async with store.transaction(account_id) as tx:
            await tx.lock()
            content_id = await hold_content(tx, digest)
            addressees = [Addressee(Route(f"user{number}@other.test", "other.test")) for number in range(4)]
            message = Message("anna@example.test", content_id, digest.size_bytes, release_at=now + delay_ms)
            number = await enqueue(tx, message, addressees, now=now)
            await tx.contents.release(content_id)
        await store.close()
        return number

    return asyncio.run(work())


@pytest.fixture
def account(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "stdin").write_text("secret\n")
    assert call("domain", "add", "example.test")[0] == 0
    with (tmp_path / "stdin").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert call("account", "add", "anna@example.test", "--password-stdin")[0] == 0


def test_an_empty_queue(call: Call) -> None:
    assert call("queue", "list") == (0, "nothing waits\n", "")
    assert call("queue", "list", "--json") == (0, "", "")
    assert call("queue", "retry", "--all") == (0, "0 groups of recipients will be tried at once\n", "")
    assert call("queue", "release", "--all") == (0, "0 groups of recipients released\n", "")
    assert call("queue", "release")[0] == 2
    for command in ("show", "retry", "cancel", "release"):
        assert call("queue", command, "7") == (2, "", "postroom: message 7 does not exist\n")
    assert call("queue", "retry")[0] == 2


@pytest.mark.usefixtures("account")
def test_a_waiting_message(call: Call, tmp_path: Path) -> None:
    number = fill(tmp_path, delay_ms=3_600_000)
    status, out, _ = call("queue", "list")
    assert status == 0
    heading, row = out.splitlines()
    assert heading.split() == ["NUMBER", "SENDER", "RECIPIENTS", "NEXT", "TRY", "LAST", "ERROR"]
    assert (
        f"{number}  anna@example.test  user0@other.test, user1@other.test, user2@other.test and 1 more" in row
    )
    [shown] = [json.loads(line) for line in call("queue", "list", "--json")[1].splitlines()]
    assert shown == json.loads(call("queue", "show", str(number), "--json")[1])
    assert shown["processingId"] == number
    assert [one["state"] for one in shown["recipients"]] == ["waiting"] * 4
    assert "user3@other.test  waiting" in call("queue", "show", str(number))[1]
    status, _, err = call("queue", "release", str(number))
    assert (status, err) == (2, f"postroom: message {number} is not held\n")
    status, _, err = call("queue", "retry", str(number))
    assert (status, err) == (2, f"postroom: message {number} is not to be sent yet\n")
    assert call("queue", "cancel", str(number)) == (0, "cancelled for 4 recipients\n", "")
    assert call("queue", "list")[1] == "nothing waits\n"
    assert call("queue", "cancel", str(number))[0] == 2
    assert "finished" in call("queue", "show", str(number))[1]
    assert call("check")[0] == 0


@pytest.mark.usefixtures("account")
def test_a_message_that_is_due(call: Call, tmp_path: Path) -> None:
    number = fill(tmp_path, delay_ms=-1000)
    assert call("queue", "retry", str(number))[0] == 0
    assert call("queue", "retry", "--all")[0] == 0


@pytest.mark.usefixtures("account")
def test_a_message_that_is_held(call: Call, tmp_path: Path) -> None:
    number = fill(tmp_path, delay_ms=-1000)
    assert call("backup", "backup")[0] == 0
    there = ("--set", "data_dir=restored")
    assert "1 message may have been sent since, and will wait" in call("restore", "backup", *there)[1]
    assert "  held" in call("queue", "list", *there)[1]
    assert "it may have been sent before" in call("queue", "show", str(number), *there)[1]
    shown = json.loads(call("queue", "show", str(number), "--json", *there)[1])
    assert (shown["isHeld"], shown["nextTryAt"]) == (True, 0)
    status, _, err = call("queue", "retry", str(number), *there)
    assert (status, err) == (
        2,
        f"postroom: message {number} is held since a restore: postroom queue release\n",
    )
    assert call("queue", "retry", "--all", *there)[1].startswith("0 groups")
    assert call("queue", "release", str(number), *there) == (0, "1 group of recipients released\n", "")
    assert "held" not in call("queue", "list", *there)[1]
    assert call("check", *there)[0] == 0
