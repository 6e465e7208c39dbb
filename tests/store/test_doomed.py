"""What follows behind transactions is done, whenever it is asked for."""

import asyncio

from tests.fixtures.factories import Owner, make_message
from tests.fixtures.stores import wait_for_waiting

from postroom.domain.doomed import remove_doomed
from postroom.domain.examination import examine
from postroom.domain.filing import copy_mails
from postroom.domain.folder_changes import remove_tree
from postroom.domain.history import write_down
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId


async def test_what_is_asked_for_as_the_last_of_it_ends_is_done(owner: Owner) -> None:
    doomed = owner.domain.doomed
    looked: list[AccountId] = []

    async def look(account_id: AccountId) -> None:
        looked.append(account_id)
        if len(looked) == 1:
            # The task has returned by then, and nobody was told of that yet.
            asyncio.get_running_loop().call_soon(doomed.begin, account_id)

    doomed.also.append(look)
    await doomed.finish(owner.account_id)
    await doomed.wait()
    assert looked == [owner.account_id] * 2


async def test_two_processes_remove_the_mails_of_one_folder(owner: Owner) -> None:
    store, account_id = owner.store, owner.account_id
    folder_id = await owner.add_folder("Old")
    for number in range(3):
        await owner.add_mail(make_message(subject=f"Letter {number}"), folder_id=folder_id)
    async with store.transaction(account_id) as tx:
        await tx.lock()
        # What is removed twice takes the message from who has the copy.
        await copy_mails(tx, await tx.mails.list_some(folder_id, limit=10), INBOX)
        folder = await tx.folders.find(folder_id)
        assert folder is not None
        await write_down(tx, "folders.delete", await remove_tree(tx, folder), folder_id=folder_id)
    async with asyncio.timeout(60):
        async with store.transaction(account_id) as holder:
            await holder.lock()
            removing = [asyncio.create_task(remove_doomed(store, account_id)) for _ in range(2)]
            await wait_for_waiting(store, len(removing))
        assert sorted(await asyncio.gather(*removing)) == [0, 3]
    async with store.read(account_id) as mailbox:
        assert (await examine(mailbox, "anna"))[1] == []
