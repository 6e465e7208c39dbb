"""``postroom check``: is everything what it should be? Recounts, compares, and repairs if asked to.

For each account, in one snapshot: the counters of folders and labels and the mailbox's totals against the mails;
references to contents against the mails; tombstones of mails that are there; the counted chunks of the sort orders;
the full-text index (see :mod:`postroom.domain.examination`). Then each content's bytes against its hash, the blobs
that no row names, uploads (:mod:`postroom.domain.upload_check`). Before all that comes the engine's own check of its
files, and the words of the full-text index (:mod:`postroom.store.index_check`). All of it works while the server
runs.

A repair is made in one transaction an account, with its writers held, from a new look. It restores what can be
derived. A damaged or missing message can't be: it is reported, and kept.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from postroom.domain.blob_hold import is_held
from postroom.domain.examination import Fault, examine, repair_faults
from postroom.domain.upload_check import check_uploads
from postroom.errors import Kind, PostroomError
from postroom.model.account import Account
from postroom.model.mail import Part
from postroom.store import Store
from postroom.store.index_check import find_index_faults
from postroom.store.messages import iter_raw
from postroom.store.sql.contents import Content

LAST_CHECK = "last_check"
BLOB_GRACE_SECONDS = 3600
"""A blob younger than this may belong to a delivery that is not committed yet."""
_BATCH = 100

Progress = Callable[[str], None]


@dataclass
class Report:
    """What a check has looked at and found."""

    accounts: int = 0
    mails: int = 0
    contents: int = 0
    blobs: int = 0
    findings: list[Fault] = field(default_factory=list)

    @property
    def drift(self) -> int:
        """Number of wrong counters found."""
        return sum(fault.kind == "counter" for fault in self.findings)


async def check_store(store: Store, *, repair: bool = False, progress: Progress = lambda _: None) -> Report:
    """Check everything, and return what was found.

    Args:
        store: the store.
        repair: restore what can be derived.
        progress: is told, in words, what is being looked at.

    Raises: unavailable.
    """
    report = Report()
    progress("database files")
    lines = await store.engine.find_damage()
    if not lines:
        progress("full-text index")
        lines = await find_index_faults(store.engine)
    report.findings += [Fault("database", "", line, False) for line in lines]
    last = 0
    while accounts := await _list_accounts(store, last):
        for account in accounts:
            progress(account.address)
            await _check_account(store, account, report, repair=repair)
        last = accounts[-1].account_id
    progress("blobs")
    await _check_blobs(store, report, repair=repair)
    progress("uploads")
    report.findings += await check_uploads(store, repair=repair)
    outcome = {"at": int(time.time()), "drift": report.drift, "findings": len(report.findings)}
    async with store.directory_transaction() as tx:
        await tx.meta.put(LAST_CHECK, json.dumps(outcome))
    return report


async def find_last_drift(store: Store) -> int:
    """Return how many wrong counters the last check found, 0 if there was none. Raises: unavailable."""
    async with store.directory() as directory:
        text = await directory.meta.find(LAST_CHECK)
    return int(json.loads(text)["drift"]) if text else 0


async def _list_accounts(store: Store, after: int) -> list[Account]:
    async with store.directory() as directory:
        return await directory.directory.list_after(after, limit=_BATCH)


async def _check_account(store: Store, account: Account, report: Report, *, repair: bool) -> None:
    report.accounts += 1
    try:
        async with store.read(account.account_id) as mailbox:
            mails, faults = await examine(mailbox, account.address)
        if faults and repair:
            async with store.transaction(account.account_id) as tx:
                faults = await repair_faults(tx, account.address, store.messages)
    except PostroomError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        await _report_removal(store, account, report)
        return
    report.mails += mails
    report.findings += faults
    await _check_contents(store, account, report)


async def _report_removal(store: Store, account: Account, report: Report) -> None:
    """Report an account without a mailbox, which goes first, unless the account has gone by now as well."""
    async with store.directory() as directory:
        if await directory.directory.find(account.account_id) is None:
            return
    what = "the account has no mailbox: it is being removed, or postroom account remove must be repeated"
    report.findings.append(Fault("mailbox", account.address, what, False))


async def _check_contents(store: Store, account: Account, report: Report) -> None:
    last = 0
    while True:
        async with store.peek(account.account_id) as mailbox:
            contents = await mailbox.contents.list_after(last, limit=_BATCH)
        if not contents:
            return
        for content in contents:
            report.contents += 1
            problem = await _find_problem(store, account, content)
            if problem is not None and await _is_still_there(store, account, content):
                what = f"content {content.content_id}: {problem}"
                report.findings.append(Fault("content", account.address, what, False))
        last = contents[-1].content_id


async def _find_problem(store: Store, account: Account, content: Content) -> str | None:
    try:
        root = msgspec.msgpack.decode(content.structure, type=Part)
    except msgspec.MsgspecError:
        return "its part tree cannot be read"
    if root.end > content.size_bytes:
        return "its part tree reaches beyond the message"
    try:
        reader = await store.messages.open(account.account_id, content)
    except PostroomError as error:
        return _to_problem(error)
    try:
        if reader.size_bytes != content.size_bytes:
            return f"the message has {reader.size_bytes} bytes instead of {content.size_bytes}"
        digest = hashlib.sha256()
        async for piece in iter_raw(reader, 0, reader.size_bytes):
            digest.update(piece)
        return None if digest.digest() == content.sha256 else "the message does not have its hash"
    except PostroomError as error:
        return _to_problem(error)
    finally:
        reader.close()


def _to_problem(error: PostroomError) -> str:
    """Return what is wrong with a message; a blob store that is away says nothing about it and ends the check."""
    if error.kind is Kind.UNAVAILABLE:
        raise error
    return error.message


async def _is_still_there(store: Store, account: Account, content: Content) -> bool:
    """Return whether a content has not been removed meanwhile."""
    async with store.peek(account.account_id) as mailbox:
        return await mailbox.contents.find_head(content.content_id) is not None


async def _check_blobs(store: Store, report: Report, *, repair: bool) -> None:
    before = time.time() - BLOB_GRACE_SECONDS
    async for blob in store.blobs.iter_all():
        report.blobs += 1
        if blob.stored_at > before:
            continue
        async with store.read(blob.account_id) as mailbox:
            content_id = await mailbox.contents.find_by_hash(blob.sha256)
            content = await mailbox.contents.find(content_id) if content_id is not None else None
        if content is not None and content.data is None:
            continue
        async with store.directory() as directory:
            if await directory.released_blobs.has(blob.account_id, blob.sha256):
                continue  # It goes by itself.
        # There may be many blobs to look at: a backup or a restore may have begun meanwhile.
        removes = repair and not await is_held(store)
        if removes and not await store.blobs.delete(blob.account_id, blob.sha256, stored_before=before):
            continue
        what = f"blob {blob.account_id}/{blob.sha256.hex()} ({blob.size_bytes} bytes) belongs to no mail"
        report.findings.append(Fault("blob", "", what, removes))
