"""A process beside the server: it changes an account once for each line on its input, and says so."""

import asyncio
import sys
from pathlib import Path

from postroom.model.ids import AccountId
from postroom.store import open_store


async def work(url: str, folder: Path, account_id: AccountId) -> None:
    store = await open_store(url, folder)
    while await asyncio.to_thread(sys.stdin.readline):
        async with store.transaction(account_id) as tx:
            await tx.advance()
        print("done", flush=True)  # noqa: T201
    await store.close()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2]), AccountId(int(sys.argv[3]))))
