"""The unread mails of several accounts, live, as a badge shows them. It needs the extra ``client``.

    BADGE_TOKENS="pbt_one pbt_two" python counter_badge.py http://127.0.0.1:8080

Each token reads the counters of one account and nothing else (``POST /api/v1/account/badgetokens`` makes one), so it
may lie in a configuration file. Nothing is polled: the server tells when a figure changes.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence

from postroom.client import AsyncClient, ClientError


async def watch(client: AsyncClient, on_change: Callable[[int], None]) -> None:
    """Tell each new figure of an account, as long as the server lets us."""
    async for event in client.iter_events(kinds=["counters"]):
        on_change(event.data["unreadCount"])


async def show(url: str, tokens: Sequence[str], write: Callable[[str], None]) -> None:
    """Write the sum over all accounts whenever it changes."""
    counts = dict.fromkeys(tokens, 0)

    async def follow(token: str) -> None:
        def keep(count: int) -> None:
            counts[token] = count
            write(f"{sum(counts.values())} unread")

        async with AsyncClient(url, token) as client:
            await watch(client, keep)

    async with asyncio.TaskGroup() as group:
        for token in tokens:
            group.create_task(follow(token))


def main() -> None:
    """Run from the command line."""
    try:
        asyncio.run(show(sys.argv[1], os.environ["BADGE_TOKENS"].split(), print))
    except* ClientError as errors:
        raise SystemExit(str(errors.exceptions[0])) from None


if __name__ == "__main__":
    main()
