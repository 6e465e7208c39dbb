"""What threading and indexing cost a delivery, and how large the index is.

The two costs cannot be seen from outside, so they are taken in this process, in a small store beside the server's:
mails are filed in turn into Inbox and into Trash, whose mails are in no conversation, and the difference of the
medians is what threading adds; texts are put into the full-text index alone, in transactions of some. The size of the
index is read from the server's own database.
"""

import asyncio
import itertools
import time
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

import apsw

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.bench.corpus import iter_messages
from postroom.bench.results import Goal, make_figure
from postroom.bench.scenarios import Scene
from postroom.config.root import Config
from postroom.content.digest import Digest, digest_message
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.filing import Flags, file_mail
from postroom.model.folder import DEFAULT_FOLDERS, INBOX
from postroom.model.ids import AccountId, FolderId
from postroom.store import DATABASE_FILE, Store, open_store

_DOMAIN = "example.test"
_MAILS = 3_000
_FIRST_UNUSED = 1 << 30
_INDEXED_TOGETHER = 16
_DATE = 1_750_000_000
_INDEX_BYTES = "SELECT sum(pgsize) FROM dbstat WHERE name = ? AND aggregate = TRUE"
_INDEX_TABLES = ("fulltext_data", "fulltext_idx", "fulltext_docsize")


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
    added = max(0.0, median(costs.threaded) - median(costs.unthreaded))
    note = f"{count:,} mails, filed one by one"
    for name, values, bound, about in (
        ("threading, added to a delivery", [added], 0.3, note),
        ("indexing, added to a delivery", costs.indexed, 1.0, f"{_INDEXED_TOGETHER} in a transaction"),
    ):
        goal = Goal(bound, at_most=True)
        scene.take(make_figure("finding", name, unit="ms", repeats=values, goal=goal, note=about))
    if scene.options.store_kind == "sqlite":
        _measure_size(scene, digests)


async def _take_costs(directory: Path, digests: list[Digest]) -> _Costs:
    store = await open_store("sqlite:", directory)
    config = Config()
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
    # The first third makes the threads that the others belong to.
    ready = len(digests) // 3
    for number, digest in enumerate(digests):
        is_threaded = number < ready or number % 2 == 0
        started = time.perf_counter()
        async with store.transaction(account_id) as tx:
            folder_id = INBOX if is_threaded else trash
            await file_mail(tx, digest, folder_id, date=_DATE + number, flags=Flags())
        if number >= ready:
            taken = costs.threaded if is_threaded else costs.unthreaded
            taken.append((time.perf_counter() - started) * 1000)
    numbers = itertools.count(_FIRST_UNUSED)
    for start in range(0, len(digests), _INDEXED_TOGETHER):
        some = digests[start : start + _INDEXED_TOGETHER]
        started = time.perf_counter()
        async with store.transaction(account_id) as tx:
            for digest in some:
                await tx.index(next(numbers), digest.index_terms)
        costs.indexed.append((time.perf_counter() - started) * 1000 / len(some))
    return costs


def _measure_size(scene: Scene, digests: list[Digest]) -> None:
    connection = apsw.Connection(str(scene.mailbox.data_dir / DATABASE_FILE), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = [connection.execute(_INDEX_BYTES, (table,)).fetchall()[0] for table in _INDEX_TABLES]
    finally:
        connection.close()
    used = sum(int(str(row[0] or 0)) for row in rows)
    text = fmean(sum(len(field.encode()) for field in digest.index_terms) for digest in digests)
    share = 100 * used / (text * scene.mailbox.size)
    note = f"{text / 1000:.1f} KB of text a mail"
    goal = Goal(40, at_most=True)
    scene.take(make_figure("finding", "index, of the text", unit="%", repeats=[share], goal=goal, note=note))
