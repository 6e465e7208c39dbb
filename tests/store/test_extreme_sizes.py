"""Very large conversations and very many equal subjects cost no more than their share, at the size that is promised.

What is counted are statements and steps of SQLite's virtual machine, so that it is the same on every machine. What
comes and leaves costs the same beside thousands of mails as beside some hundred.
"""

from collections.abc import Callable, Sequence

import pytest
from tests.fixtures.factories import DATE, Owner
from tests.store.meter import Cost, Meter
from tests.store.thread_world import assert_threaded, letter

from postroom.content.digest import Digest
from postroom.domain.filing import Flags, file_mail, mark_mails, move_mails
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId
from postroom.store.sql.mails import Located

FEW, MEASURED = 300, 40
BLOCK = 500
LEFT_OUT = ("data_version", "OFFSET")
"""The full-text index asks for the first and does not set back its steps; the last cuts chunks now and then."""
TRASH = FolderId(5)
SHARE = 1.3
"""How much more it may cost: trees are deeper, and chunks are cut in two now and then."""


def _reply(number: int) -> Digest:
    named = [f"r{one}" for one in range(max(0, number - 10), number)]
    return letter(f"r{number}", subject="Re: Long", answers=named)


KINDS: dict[str, tuple[int, Callable[[int], Digest]]] = {
    "10,000 mails of one subject": (10_000, lambda number: letter(f"s{number}", subject="Daily report")),
    "a conversation of 5,000 mails": (5_000, _reply),
    "5,000 replies that name no mail": (5_000, lambda number: letter(f"h{number}", subject="Re: Long")),
}


async def _fill(owner: Owner, digests: Sequence[Digest], start: int) -> None:
    async with owner.store.transaction(owner.account_id) as tx:
        for number, digest in enumerate(digests, start):
            await file_mail(tx, digest, INBOX, date=DATE + number, flags=Flags())


async def _find_middle(owner: Owner) -> list[Located]:
    async with owner.store.read(owner.account_id) as mailbox:
        items = await mailbox.mails.list_some(INBOX, limit=20_000)
    return items[len(items) // 2 :][:MEASURED]


async def _measure(owner: Owner, meter: Meter, digests: Sequence[Digest], start: int) -> dict[str, Cost]:
    """Let some mails come, mark some, and let some leave from the midst, each in a transaction of its own."""
    costs: dict[str, Cost] = {}
    meter.take()
    for number, digest in enumerate(digests, start):
        await _fill(owner, [digest], number)
    costs["coming"] = meter.take()
    for item in await _find_middle(owner):
        async with owner.store.transaction(owner.account_id) as tx:
            await tx.lock()
            await mark_mails(tx, [item], lambda mail: mail._replace(is_unread=0))
    costs["marking"] = meter.take()
    for item in await _find_middle(owner):
        async with owner.store.transaction(owner.account_id) as tx:
            await tx.lock()
            await move_mails(tx, [item], TRASH)
    costs["leaving"] = meter.take()
    return costs


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("store_url", ["sqlite:"])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_comes_and_leaves_costs_the_same(owner: Owner, kind: str) -> None:
    (size, make), meter = KINDS[kind], Meter(owner, leaving_out=LEFT_OUT)
    costs: list[dict[str, Cost]] = []
    here = 0
    for end in (FEW, size):
        for start in range(here, end, BLOCK):
            await _fill(owner, [make(number) for number in range(start, min(end, start + BLOCK))], start)
        here = end + MEASURED
        costs.append(await _measure(owner, meter, [make(number) for number in range(end, here)], end))
    few, many = costs
    report = {what: (few[what], many[what]) for what in few}
    for what, (before, after) in report.items():
        assert after.statements <= SHARE * before.statements, (what, report)
        assert after.steps <= SHARE * before.steps, (what, report)
    await assert_threaded(owner)


@pytest.mark.parametrize("store_url", ["sqlite:"])
async def test_thousands_of_references_cost_what_sixty_do(owner: Owner) -> None:
    meter, costs = Meter(owner, leaving_out=LEFT_OUT), []
    for count in (64, 5_000):
        names = [f"x{count}.{number}" for number in range(count)]
        for name in ("a", "b"):
            meter.take()
            await _fill(owner, [letter(f"{name}{count}", subject=f"Re: {count}", answers=names)], count)
            costs.append(meter.take())
    for few, many in zip(costs[:2], costs[2:], strict=True):
        assert many.statements <= SHARE * few.statements, costs
        assert many.steps <= SHARE * few.steps, costs
    await assert_threaded(owner)
