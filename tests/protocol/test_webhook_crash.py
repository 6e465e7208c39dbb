"""``kill -9`` in the middle of telling a hook: it goes on where it was; nothing is left out, nothing out of order."""

import asyncio
import itertools
import shutil
import smtplib
import sys
import tempfile
from pathlib import Path

import pytest
from tests.fixtures.factories import CHEAP_AUTH, DATE, make_filing
from tests.fixtures.stores import data_dir_of
from tests.protocol.hook_receiver import receiving

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.root import Config
from postroom.config.webhooks import WebhooksConfig
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.filing import Flags, file_mail
from postroom.domain.steps import Deliver, Listed, Record
from postroom.domain.webhook_turns import LEASE_SECONDS
from postroom.domain.webhooks import HookChange
from postroom.model.account import Caller
from postroom.model.folder import INBOX
from postroom.store import Store, open_store

# The server is a process of its own, with the loop of its choice.
pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])

ROOT = Path(__file__).parents[2]
OPERATIONS = 40
KILLS = 3


async def prepare(store: Store, url: str, *, operations: int = OPERATIONS) -> None:
    """Add an account with a hook, and deliveries of two mails each."""
    hasher = PasswordHasher(CHEAP_AUTH)
    webhooks = WebhooksConfig(allow_private=True)
    config = Config(data_dir=data_dir_of(store), auth=CHEAP_AUTH, webhooks=webhooks)
    domain = await make_domain(store, config, hasher)
    directory = Directory(store, hasher, config.classes)
    await directory.add_domain("example.test")
    account = await directory.add_account("anna@example.test", AccountSettings(password="x"))
    hasher.close()
    caller = Caller(account.account_id, account.address, "", "default", None, False, 1, 1)
    await domain.webhooks.create(caller, HookChange(url, ("mail.delivered",)))
    for number in range(operations):
        async with store.transaction(account.account_id) as tx:
            mails = [
                await file_mail(tx, make_filing(2 * number + part), INBOX, date=DATE, flags=Flags())
                for part in range(2)
            ]
            step = Deliver(INBOX, [Listed(mail.item_id, mail.uid) for mail in mails])
            await tx.log("deliver", Record([step]), modseq=mails[0].modseq)


async def run_child(folder: Path, ahead: float) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.protocol.hook_child", str(folder), str(ahead)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )


async def test_killed_while_telling(tmp_path: Path) -> None:
    async with receiving() as receiver:
        store = await open_store("sqlite:", tmp_path)
        await prepare(store, receiver.url)
        await store.close()
        for kill in range(KILLS):
            child = await run_child(tmp_path, kill * (LEASE_SECONDS + 5))
            limit = len(receiver.taken) + 15

            def stop(child: asyncio.subprocess.Process = child, limit: int = limit) -> None:
                if len(receiver.taken) == limit:
                    child.kill()

            receiver.on_taken = stop
            await child.wait()
            assert child.returncode == -9
        receiver.on_taken = lambda: None
        child = await run_child(tmp_path, KILLS * (LEASE_SECONDS + 5))
        output, _ = await child.communicate()
        assert (child.returncode, output) == (0, b"0\n")
    once = list(dict.fromkeys(receiver.ids))
    assert len(once) == 2 * OPERATIONS
    places = [(int(position), int(number)) for _, _, position, number in (one.split("_") for one in once)]
    assert places == sorted(places)
    # A crash repeats what was sent of one operation, and no more.
    assert len(receiver.ids) <= len(once) + 2 * KILLS
    positions = [position for position, _ in receiver.places]
    assert all(later >= earlier for earlier, later in itertools.pairwise(positions))


class _Server:
    """``postroom serve`` as a process, over unix sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "postroom.toml"
        self.configuration.write_text(
            f'data_dir = "{folder / "data"}"\n[http]\nlisten = "unix:{folder / "http"}"\n'
            f'[lmtp]\nlisten = "unix:{folder / "lmtp"}"\n[webhooks]\nallow_private = true\n'
        )

    async def start(self) -> asyncio.subprocess.Process:
        with (self.folder / "log").open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "postroom", "serve", "--config", str(self.configuration)),
                stderr=log,
            )
        async with asyncio.timeout(60):
            while not (self.folder / "lmtp").exists():
                assert child.returncode is None, (self.folder / "log").read_text()
                await asyncio.sleep(0.02)
        return child

    def deliver(self, subject: str) -> None:
        with smtplib.LMTP(str(self.folder / "lmtp")) as client:
            letter = f"From: b@other.test\r\nSubject: {subject}\r\n\r\nText.\r\n"
            assert client.sendmail("b@other.test", ["anna@example.test"], letter) == {}


async def test_the_server_tells_of_deliveries() -> None:
    folder = Path(tempfile.mkdtemp(prefix="hook-", dir="/tmp"))  # the path of a socket is short
    try:
        async with receiving() as receiver:
            store = await open_store("sqlite:", folder / "data")
            await prepare(store, receiver.url, operations=1)
            await store.close()
            server = _Server(folder)
            child = await server.start()
            async with asyncio.timeout(60):
                for count in range(2, 7):  # two mails were there before it started
                    while len(receiver.taken) < count:  # noqa: ASYNC110 (the receiver has no event)
                        await asyncio.sleep(0.002)
                    await asyncio.to_thread(server.deliver, str(count))
            child.terminate()
            assert await child.wait() == 0
        assert receiver.ids == list(dict.fromkeys(receiver.ids))
    finally:
        shutil.rmtree(folder)
