"""What threading costs does not grow: not with the conversation, nor with the mailbox, nor with equal subjects.

What is counted are the steps of SQLite's virtual machine and the statements, so that it is the same on every machine.
"""

from collections.abc import Callable

import pytest
from tests.fixtures.factories import DATE, Owner
from tests.store.meter import Meter
from tests.store.thread_world import assert_threaded, file, letter, list_conversations

from postroom.content.digest import Digest
from postroom.domain.filing import Flags, file_mail, move_mails, remove_mails
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId

FEW, MANY, MEASURED = 200, 1500, 40
TRASH = FolderId(5)


def reply(number: int) -> Digest:
    """Return a mail of a long thread, which names those before it."""
    return letter(
        f"r{number}", subject="Re: Long", answers=[f"r{one}" for one in range(max(0, number - 10), number)]
    )


LETTERS: dict[str, Callable[[int], Digest]] = {
    "a thread": reply,
    "a thread without references": lambda number: letter(f"h{number}", subject="Re: Long"),
    "a thread that only names the mail before": lambda number: letter(
        f"i{number}", subject="Re: Long", in_reply_to=f"i{number - 1}"
    ),
    "one subject": lambda number: letter(f"s{number}", subject="Daily report"),
}


async def fill(owner: Owner, make: Callable[[int], Digest], start: int, end: int) -> None:
    async with owner.store.transaction(owner.account_id) as tx:
        for number in range(start, end):
            await file_mail(tx, make(number), INBOX, date=DATE + number, flags=Flags())


@pytest.mark.parametrize("store_url", ["sqlite:"])
@pytest.mark.parametrize("kind", LETTERS)
async def test_coming_and_leaving_cost_the_same(owner: Owner, kind: str) -> None:
    make, meter = LETTERS[kind], Meter(owner)
    costs: list[tuple[int, int]] = []
    here = 0
    for size in (FEW, MANY):
        await fill(owner, make, here, size)
        meter.take()
        await fill(owner, make, size, size + MEASURED)
        coming = meter.take().steps
        async with owner.store.read(owner.account_id) as mailbox:
            items = await mailbox.mails.list_some(INBOX, limit=10_000)
        # A chain in which each names only the one before is cut in two by what leaves its midst, but not by its end.
        last = items[-1 : -MEASURED - 1 : -1]
        for item in last if kind.endswith("before") else items[-2 * MEASURED : -MEASURED]:
            async with owner.store.transaction(owner.account_id) as tx:
                await tx.lock()
                await move_mails(tx, [item], TRASH)
        costs.append((coming, meter.take().steps))
        here = size + MEASURED
    assert costs[1][0] < 1.3 * costs[0][0]
    assert costs[1][1] <= 1.3 * costs[0][1]
    await assert_threaded(owner)


async def test_a_mail_with_thousands_of_references(owner: Owner) -> None:
    names = [f"x{number}" for number in range(5000)]
    first = await file(owner, letter("a", subject="Re: Long", answers=names))
    last = await file(owner, letter("b", subject="Re: Long", answers=names[2000:]))
    middle = await file(owner, letter("x2500", subject="Long"))
    async with owner.store.read(owner.account_id) as mailbox:
        keys = await mailbox.thread_recounts.list_references()
    assert len(keys) == 65 + 65 + 1
    numbers = await list_conversations(owner)
    assert numbers[first.item_id] == numbers[last.item_id]  # by the last names, which they share
    assert numbers[middle.item_id] != numbers[first.item_id]  # what is in the midst is not kept
    await assert_threaded(owner)


async def test_one_reply_joins_many_once(owner: Owner) -> None:
    """Mails of one subject become one conversation by a reply that names none of them, and fall apart without it."""
    await fill(owner, LETTERS["one subject"], 0, 300)
    mail = await file(owner, letter("late", subject="Re: Daily report"), date=DATE + 1000)
    assert len(set((await list_conversations(owner)).values())) == 1
    await assert_threaded(owner)
    async with owner.store.transaction(owner.account_id) as tx:
        found = await tx.mails.locate_items([mail.item_id])
        await remove_mails(tx, list(found.values()))
    assert len(set((await list_conversations(owner)).values())) == 300
    await assert_threaded(owner)
