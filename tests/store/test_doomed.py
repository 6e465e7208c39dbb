"""What follows behind transactions is done, whenever it is asked for."""

import asyncio

from tests.fixtures.factories import Owner

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
