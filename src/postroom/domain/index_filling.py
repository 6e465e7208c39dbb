"""Filling the full-text index of mailboxes whose rows were copied: of what is not in it yet, nothing else changes.

The text of documents is read by the server later, as for mail that has just come in.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from postroom.domain.backup import Progress
from postroom.domain.examination import index_again
from postroom.model.ids import AccountId, ContentId
from postroom.store import Store

_ACCOUNTS: Final = 100
SLICE: Final = 25
"""Messages indexed in one transaction."""


async def fill_index(
    store: Store, account_id: AccountId, *, progress: Callable[[int, int], None] = lambda _, __: None
) -> int:
    """Index the messages of an account that are not; return how many. ``progress``: done, of how many.

    Of one whose removal was interrupted, what is left goes with the rest of it. Raises: unavailable.
    """
    async with store.read(account_id) as mailbox:
        if await mailbox.mailbox.find() is None:
            return 0
        indexed = await mailbox.recounts.list_indexed()
        known = {int(number) for number, _ in await mailbox.contents.list_references()}
    missing = sorted(known - indexed)
    for start in range(0, len(missing), SLICE):
        async with store.transaction(account_id) as tx:
            await tx.lock()
            for number in missing[start : start + SLICE]:
                await index_again(tx, ContentId(number), store.messages)
        progress(min(start + SLICE, len(missing)), len(missing))
    return len(missing)


async def fill_all(store: Store, progress: Progress) -> int:
    """Index the messages of all accounts that are not; return how many. Raises: unavailable."""
    last, count = 0, 0
    while True:
        async with store.directory() as directory:
            accounts = await directory.directory.list_after(last, limit=_ACCOUNTS)
        for account in accounts:
            what = f"messages of {account.address} indexed"
            count += await fill_index(store, account.account_id, progress=partial(progress, what))
        if len(accounts) < _ACCOUNTS:
            return count
        last = accounts[-1].account_id
