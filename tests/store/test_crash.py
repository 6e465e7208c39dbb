# ruff: noqa: S311
"""``kill -9`` at any moment: what was acknowledged is there, and nothing is half there."""

import contextlib
import os
import random
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.crashes import Parent, begin_task, crash_parent
from tests.fixtures.factories import CHEAP_AUTH
from tests.store.crash_child import ACCOUNTS, CHUNK_CAPACITY, make_letter

from postroom.auth.passwords import PasswordHasher
from postroom.config.classes import AccountClass
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.examination import examine
from postroom.domain.mailbox import create_mailbox
from postroom.domain.messages import read_summary
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId
from postroom.model.listing import Sort
from postroom.store import Store, open_store
from postroom.store.sql import orders


@pytest.fixture
def killed() -> Iterator[Parent]:
    """The process whose children are killed."""
    with crash_parent("tests.store.crash_child") as process:
        yield process


def run_until_killed(process: Parent, folder: Path, *, seed: int, acknowledgements: int) -> set[int]:
    """Let a child work until it has acknowledged that many deliveries, kill it, and return all that it did."""
    child = 0
    acknowledged: set[int] = set()
    for words in begin_task(process, f"{folder}\t{seed}"):
        if words[0] == b"dead":
            assert int(words[1]) == -signal.SIGKILL
            break
        if words[0] == b"pid":
            child = int(words[1])
        else:
            acknowledged.add(int(words[0]))
        if child and len(acknowledged) >= acknowledgements:
            os.kill(child, signal.SIGKILL)
            child = 0
    return acknowledged


async def subjects(store: Store, account_id: AccountId) -> set[str]:
    async with store.read(account_id) as mailbox:
        mails = await mailbox.mails.list_page(INBOX, Sort(), anchor=None, skip=0, limit=1_000_000)
    return {read_summary(mail).subject for mail in mails}


async def check(store: Store, acknowledged: set[int]) -> None:
    assert await store.engine.find_damage() == []
    for account_id in ACCOUNTS:
        async with store.read(account_id) as mailbox:
            total, faults = await examine(mailbox, str(account_id))
            contents = await mailbox.contents.list_after(0, limit=1_000_000)
        assert faults == []
        assert total >= len(acknowledged)
        assert {f"Letter {number}" for number in acknowledged} <= await subjects(store, account_id)
        for content in contents[-50:]:
            reader = await store.messages.open(account_id, content)
            assert len(await reader.read(0, reader.size_bytes)) == content.size_bytes
            reader.close()


async def crash(process: Parent, folder: Path, *, rounds: int, seed: int) -> None:
    store = await open_store("sqlite:", folder)
    for account_id in ACCOUNTS:
        async with store.transaction(account_id) as tx:
            await create_mailbox(tx, "en", uid_validity=1)
    await store.close()
    chance = random.Random(seed)
    acknowledged: set[int] = set()
    for number in range(1, rounds + 1):
        least = chance.choice((0, 1, 3, 10, 30))
        acknowledged |= run_until_killed(process, folder, seed=number, acknowledgements=least)
        store = await open_store("sqlite:", folder)
        await check(store, acknowledged)
        await store.close()
    assert len(acknowledged) >= rounds


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", CHUNK_CAPACITY)


async def test_killed_at_any_moment(killed: Parent, tmp_path: Path) -> None:
    await crash(killed, tmp_path, rounds=40, seed=1)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
async def test_killed_many_times(killed: Parent, tmp_path: Path, seed: int) -> None:
    await crash(killed, tmp_path, rounds=150, seed=seed)


# The whole server, over its socket


class Server:
    """``postroom serve`` as a process, and those who deliver to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "lmtp"
        self.configuration = folder / "postroom.toml"
        self.configuration.write_text(
            f'data_dir = "{folder / "data"}"\n[http]\nlisten = "unix:{folder / "http"}"\n'
            f'[lmtp]\nlisten = "unix:{self.socket}"\n'
        )
        self.acknowledged: set[int] = set()

    def run_until_killed(self, *, first: int, acknowledgements: int) -> None:
        command = [sys.executable, "-m", "postroom", "serve", "--config", str(self.configuration)]
        self.socket.unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log, subprocess.Popen(command, stderr=log) as process:
            clients = [
                threading.Thread(target=self._deliver, args=(process, first + number * 100_000))
                for number in range(4)
            ]
            for client in clients:
                client.start()
            wanted = len(self.acknowledged) + acknowledgements
            while len(self.acknowledged) < wanted and process.poll() is None:
                time.sleep(0.002)
            assert process.poll() is None, (self.folder / "log").read_text()
            process.kill()
            for client in clients:
                client.join()

    def _deliver(self, process: Parent, number: int) -> None:
        while process.poll() is None:
            with (
                contextlib.suppress(OSError, smtplib.SMTPException),
                smtplib.LMTP(str(self.socket)) as client,
            ):
                while True:
                    raw = make_letter(number, is_junk=False, filler=b"x" * 2000)
                    if client.sendmail("berta@other.test", ["anna@example.test"], raw) == {}:
                        self.acknowledged.add(number)
                    number += 1
            time.sleep(0.01)


async def test_the_server_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the server has chunks of the ordinary size
    folder = Path(tempfile.mkdtemp(prefix="crash-", dir="/tmp"))  # the path of a socket is short
    try:
        server = Server(folder)
        store = await open_store("sqlite:", folder / "data")
        hasher = PasswordHasher(CHEAP_AUTH)
        directory = Directory(store, hasher, {"default": AccountClass()})
        await directory.add_domain("example.test")
        account = await directory.add_account("anna@example.test", AccountSettings(password="x"))
        hasher.close()
        await store.close()
        for number, acknowledgements in enumerate((1, 20, 60, 100), start=1):
            server.run_until_killed(first=number * 1_000_000, acknowledgements=acknowledgements)
            store = await open_store("sqlite:", folder / "data")
            async with store.read(account.account_id) as mailbox:
                total, faults = await examine(mailbox, account.address)
            stored = await subjects(store, account.account_id)
            await store.close()
            assert faults == []
            assert total >= len(server.acknowledged)
            assert {f"Letter {number}" for number in server.acknowledged} <= stored
    finally:
        shutil.rmtree(folder)
