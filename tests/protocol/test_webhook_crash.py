"""``kill -9`` in the middle of telling a hook: it goes on where it was; nothing is left out, nothing out of order."""

import asyncio
import itertools
import sys
from pathlib import Path

from tests.fixtures.factories import CHEAP_AUTH, DATE, make_filing
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

ROOT = Path(__file__).parents[2]
OPERATIONS = 40
KILLS = 3


async def prepare(store: Store, url: str) -> None:
    """Add an account with a hook, and deliveries of two mails each."""
    hasher = PasswordHasher(CHEAP_AUTH)
    config = Config(auth=CHEAP_AUTH, webhooks=WebhooksConfig(allow_private=True))
    domain = await make_domain(store, config, hasher)
    directory = Directory(store, hasher, config.classes)
    await directory.add_domain("example.test")
    account = await directory.add_account("anna@example.test", AccountSettings(password="x"))
    hasher.close()
    caller = Caller(account.account_id, account.address, "", "default", None, False, 1, 1)
    await domain.webhooks.create(caller, HookChange(url, ("mail.delivered",)))
    for number in range(OPERATIONS):
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
