"""Requests that wait at the same time are done as one, in their order, and each hears its own result."""

import asyncio
from collections.abc import Sequence

import pytest

from postroom.domain.combining import MOST_TOGETHER, Combiner
from postroom.model.ids import AccountId

ANNA, BERTA = AccountId(1), AccountId(2)


class Workshop:
    """Doubles numbers, refuses odd ones above 100, and notes the groups it was given."""

    def __init__(self) -> None:
        self.groups: list[tuple[AccountId, list[int]]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.combiner: Combiner[int, int] = Combiner(self.work, key=lambda number: number % 1000)

    async def work(self, account_id: AccountId, numbers: Sequence[int]) -> list[int | Exception]:
        self.groups.append((account_id, list(numbers)))
        await self.gate.wait()
        if 99 in numbers:
            raise LookupError("99")
        return [ValueError(number) if number > 100 and number % 2 else number * 2 for number in numbers]

    def ask(self, *numbers: int, account_id: AccountId = ANNA) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.combiner.do(account_id, number)) for number in numbers]


async def test_one_alone_begins_at_once_and_others_gather() -> None:
    shop = Workshop()
    shop.gate.clear()
    first = shop.ask(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = shop.ask(2, 3, 4)
    await asyncio.sleep(0)
    shop.gate.set()
    assert await asyncio.gather(*first, *others) == [2, 4, 6, 8]
    assert shop.groups == [(ANNA, [1]), (ANNA, [2, 3, 4])]
    assert shop.combiner._waiting == {}


async def test_each_hears_its_own_refusal() -> None:
    results = await asyncio.gather(*Workshop().ask(5, 101, 6), return_exceptions=True)
    assert results[0] == 10
    assert isinstance(results[1], ValueError)
    assert results[2] == 12


async def test_a_failure_of_the_work_is_told_to_the_group_alone() -> None:
    shop = Workshop()
    shop.gate.clear()
    tasks = shop.ask(99, 7)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = shop.ask(8)
    await asyncio.sleep(0)
    shop.gate.set()
    results = await asyncio.gather(*tasks, *later, return_exceptions=True)
    assert [type(result) for result in results] == [LookupError, LookupError, int]


async def test_what_is_about_the_same_is_done_in_its_order() -> None:
    shop = Workshop()
    await asyncio.gather(*shop.ask(1, 2, 1002, 3, 2002))
    assert [numbers for _, numbers in shop.groups] == [[1, 2, 3], [1002], [2002]]


async def test_accounts_do_not_wait_for_each_other() -> None:
    shop = Workshop()
    shop.gate.clear()
    tasks = shop.ask(1) + shop.ask(2, account_id=BERTA)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert shop.groups == [(ANNA, [1]), (BERTA, [2])]
    shop.gate.set()
    await asyncio.gather(*tasks)


async def test_who_has_gone_is_left_out() -> None:
    shop = Workshop()
    shop.gate.clear()
    [first] = shop.ask(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second, third = shop.ask(2, 3)
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.sleep(0)
    shop.gate.set()
    assert await third == 6
    with pytest.raises(asyncio.CancelledError):
        await second
    assert [numbers for _, numbers in shop.groups] == [[1], [3]]


async def test_groups_are_bounded() -> None:
    shop = Workshop()
    await asyncio.gather(*shop.ask(*range(0, 2 * MOST_TOGETHER + 2, 2)))
    assert [len(numbers) for _, numbers in shop.groups] == [MOST_TOGETHER, 1]


async def test_nobody_is_left_waiting_where_the_work_is_ended() -> None:
    shop = Workshop()
    shop.gate.clear()
    tasks = shop.ask(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += shop.ask(2)
    await asyncio.sleep(0)
    [running] = shop.combiner._tasks
    running.cancel()
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 2
    shop.gate.set()
    assert await asyncio.wait_for(asyncio.gather(*shop.ask(3)), 5) == [6]
