"""What threading and indexing cost a delivery, and how large the index is.

The two costs cannot be seen from outside, so they are taken in this process, in a small store beside the server's:
mails are filed as deliveries over 8 connections are, four in a transaction while four wait, in turn into Inbox and
into Trash, whose mails are in no conversation, and the difference of the medians is what threading adds; texts are
put into the full-text index alone, in transactions of some. The size of the index is read from the server's own
database, after what the server does with it when it is idle.
"""

import asyncio
import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.bench.corpus import iter_messages
from postroom.bench.results import Goal, make_figure
from postroom.bench.scenarios import Scene
from postroom.config.root import Config
from postroom.content.digest import Digest, digest_message
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.filing import Filing, file_mails
from postroom.model.folder import DEFAULT_FOLDERS, INBOX
from postroom.model.ids import AccountId, FolderId
from postroom.store import Store, open_store
from postroom.store.index_size import index_bytes

_DOMAIN = "example.test"
_MAILS = 4_000
_FIRST_UNUSED = 1 << 30
_INDEXED_TOGETHER = 16
_WRITERS = 2
_FILED_TOGETHER = 4
_BLOCK = 128
_DATE = 1_750_000_000


class _Costs(NamedTuple):
    """Milliseconds a mail, one figure for each that was taken."""

    threaded: list[float]
    unthreaded: list[float]
    indexed: list[float]


def measure_indexing(scene: Scene) -> None:
    """Take all figures of this kind."""
    count = min(_MAILS, scene.mailbox.size)
    digests = list(map(digest_message, iter_messages(count, seed=scene.mailbox.seed)))
    directory = scene.mailbox.directory / "indexing"
    directory.mkdir(parents=True, exist_ok=True)
    costs = asyncio.run(_take_costs(directory, digests))
    # A mailbox of a few dozen mails has too few for both.
    added = max(0.0, median(costs.threaded or [0.0]) - median(costs.unthreaded or [0.0]))
    note = f"{count:,} mails, {_FILED_TOGETHER} in a transaction"
    for name, values, bound, about in (
        ("threading, added to a delivery", [added], 0.3, note),
        ("indexing, added to a delivery", costs.indexed, 1.0, f"{_INDEXED_TOGETHER} in a transaction"),
    ):
        goal = Goal(bound, at_most=True)
        scene.take(make_figure("finding", name, unit="ms", repeats=values, goal=goal, note=about))
    _measure_size(scene, digests)


async def _take_costs(directory: Path, digests: list[Digest]) -> _Costs:
    store = await open_store("sqlite:", directory)
    config = Config(data_dir=directory)
    hasher = PasswordHasher(config.auth)
    try:
        accounts = Directory(store, hasher, config.classes)
        await accounts.add_domain(_DOMAIN)
        await make_domain(store, config, hasher)
        account = await accounts.add_account(f"bench@{_DOMAIN}", AccountSettings(password="x" * 16))
        return await _file_all(store, account.account_id, digests)
    finally:
        hasher.close()
        await store.close()


async def _file_all(store: Store, account_id: AccountId, digests: list[Digest]) -> _Costs:
    trash = FolderId(INBOX + next(n for n, spec in enumerate(DEFAULT_FOLDERS) if spec.role == "trash"))
    costs = _Costs([], [], [])
    # The first third makes the threads that the others belong to, and both folders as large as each other.
    ready = len(digests) // 3
    for folder_id in (INBOX, trash):
        await _file_block(store, account_id, digests[:ready], folder_id=folder_id, date=_DATE)
    targets = itertools.cycle([(INBOX, costs.threaded), (trash, costs.unthreaded)])
    for start, (folder_id, taken) in zip(range(ready, len(digests), _BLOCK), targets, strict=False):
        some = digests[start : start + _BLOCK]
        taken.append(await _file_block(store, account_id, some, folder_id=folder_id, date=_DATE + start))
    numbers = itertools.count(_FIRST_UNUSED)
    for start in range(0, len(digests), _INDEXED_TOGETHER):
        some = digests[start : start + _INDEXED_TOGETHER]
        started = time.perf_counter()
        async with store.transaction(account_id) as tx:
            for digest in some:
                await tx.index(next(numbers), digest.index_terms)
        costs.indexed.append((time.perf_counter() - started) * 1000 / len(some))
    return costs


async def _file_block(
    store: Store, account_id: AccountId, digests: Sequence[Digest], *, folder_id: FolderId, date: int
) -> float:
    """File mails as deliveries do, some in a transaction; return the milliseconds for each."""
    filings = [Filing(digest, date + number) for number, digest in enumerate(digests)]
    starts = iter(range(0, len(filings), _FILED_TOGETHER))

    async def file_some() -> None:
        for start in starts:
            async with store.transaction(account_id) as tx:
                await file_mails(tx, filings[start : start + _FILED_TOGETHER], folder_id)

    started = time.perf_counter()
    await asyncio.gather(*(file_some() for _ in range(_WRITERS)))
    return (time.perf_counter() - started) * 1000 / max(1, len(filings))


async def _read_index_bytes(scene: Scene) -> int:
    store = await open_store(scene.options.store_url, scene.mailbox.data_dir)
    try:
        # What the server does when it is idle.
        while await store.engine.tidy_index():
            pass
        return await index_bytes(store.engine)
    finally:
        await store.close()


def _measure_size(scene: Scene, digests: list[Digest]) -> None:
    used = asyncio.run(_read_index_bytes(scene))
    text = fmean(sum(len(field.encode()) for field in digest.index_terms) for digest in digests)
    share = 100 * used / (text * scene.mailbox.size)
    note = f"{text / 1000:.1f} KB of text a mail"
    goal = Goal(40, at_most=True)
    scene.take(make_figure("finding", "index, of the text", unit="%", repeats=[share], goal=goal, note=note))
