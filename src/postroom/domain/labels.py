"""Labels of a caller: the list, single ones, and taking a label off all mails.

A label that is deleted leaves the list at once. It comes off mails as any label does, by :func:`filing.set_label`:
each mail it comes off has changed, its folder's content too, so that lists and deltas tell the same at every instant.
If few mails have it, that is done in the same transaction. Else the label is noted as doomed, and slices of mails
follow behind (:func:`remove_doomed_labels`), each in a transaction that holds the write lock shortly; until then the
number of a label that is gone may still stand with a mail. What ``folder_label`` counts of it says where such mails
are, wherever they are moved or copied meanwhile, and is kept until there are none; so a crash loses nothing.

Numbers of labels are never used twice.
"""

import asyncio
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from postroom.domain import steps
from postroom.domain.access import require_own
from postroom.domain.filing import set_label
from postroom.domain.folder_names import name_key
from postroom.domain.steps import Listed, Record, Step
from postroom.errors import Kind, PostroomError, bad_parameter, not_found, not_permitted
from postroom.model.account import Caller
from postroom.model.ids import AccountId, FolderId, ItemId, LabelId, LabelRef, Modseq, Uid
from postroom.store import Store
from postroom.store.sql.labels import Label, Labelled
from postroom.store.sql.mails import Located
from postroom.store.tx import Snapshot, Transaction

__all__ = ["Label", "LabelList", "Labels", "check_name", "remove_doomed_labels"]

MAX_NAME_CHARS = 128
MAX_LABELS = 1000
"""Labels of an account."""
RESERVED = frozenset({"junk", "notjunk", "nonjunk"})
"""Names that mail clients set for filters of theirs; they are no labels."""
SLICE = 100
"""Mails that a label comes off in one transaction."""
_LOOKED_AT = 500
"""Labelled mails that are looked at in one transaction or statement."""
_VAIN_ROUNDS = 3

_log = structlog.get_logger("postroom.labels")


class LabelList(NamedTuple):
    """All labels of an account, and the position of the list's last change."""

    labels: list[Label]
    labels_modseq: Modseq


def check_name(name: str) -> str:
    """Return a label's name as it is kept. Raises: badParameter."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= MAX_NAME_CHARS:
        raise bad_parameter("name", f"name must have 1 to {MAX_NAME_CHARS} characters")
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
        raise bad_parameter("name", "name must have no control characters")
    if name_key(name) in RESERVED:
        raise bad_parameter("name", f"{name} is kept for the filters of mail clients")
    return name


class Labels:
    """The labels of a caller."""

    def __init__(self, store: Store, *, on_doomed: Callable[[AccountId], None] = lambda _: None) -> None:
        """``on_doomed`` is told of accounts that have labels to be taken off mails."""
        self._store = store
        self._on_doomed = on_doomed

    async def list(self, caller: Caller) -> LabelList:
        """Return the caller's labels, by number. Raises: notFound; unavailable."""
        async with self._store.read(caller.account_id) as mailbox:
            modseq = await _find_modseq(mailbox)
            labels = [label for label in await mailbox.labels.list_all() if _is_shown(label)]
        return LabelList(labels, modseq)

    async def labels_modseq(self, caller: Caller) -> Modseq:
        """Return the position of the last change of the list; one look-up. Raises: notFound; unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            return await _find_modseq(mailbox)

    async def get(self, caller: Caller, ref: LabelRef) -> Label:
        """Return a label. Raises: notFound; unavailable."""
        require_own(caller, ref.owner, "the label")
        async with self._store.peek(ref.owner) as mailbox:
            return await _get(mailbox, ref.label)

    async def create(self, caller: Caller, name: str) -> Label:
        """Make a label; return it. Raises: badParameter; labelExists; notPermitted; unavailable."""
        name = check_name(name)
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            await _check_free(tx, name, but=None)
            if len(await tx.labels.list_all()) >= MAX_LABELS:
                raise not_permitted(f"an account has at most {MAX_LABELS} labels")
            label = Label(await tx.mailbox.take_label_id(), name)
            state = await tx.advance(folders=False)
            await tx.labels.create(label, name_key=name_key(name), modseq=state.modseq)
            await _write_down(tx, "labels.create")
        return label

    async def rename(self, caller: Caller, ref: LabelRef, name: str) -> Label:
        """Give a label another name; return it. Raises: badParameter; labelExists; notFound; unavailable."""
        name = check_name(name)
        require_own(caller, ref.owner, "the label")
        async with self._store.transaction(ref.owner, session_id=caller.session_id) as tx:
            await tx.lock()
            label = await _get(tx, ref.label)
            if label.name != name:
                await _check_free(tx, name, but=ref.label)
                label = label._replace(name=name)
                state = await tx.advance(folders=False)
                await tx.labels.rename(label, name_key=name_key(name), modseq=state.modseq)
                await _write_down(tx, "labels.rename")
        return label

    async def delete(self, caller: Caller, ref: LabelRef) -> None:
        """Remove a label, and take it off all mails. Raises: notFound; unavailable."""
        require_own(caller, ref.owner, "the label")
        async with self._store.transaction(ref.owner, session_id=caller.session_id) as tx:
            await tx.lock()
            await _get(tx, ref.label)
            await tx.advance(folders=False)
            await tx.labels.delete(ref.label)
            done = await _take_off_few(tx, ref.label)
            if await tx.doomed_labels.list_folders(ref.label):
                await tx.doomed_labels.add(ref.label)
                tx.after_commit(lambda: self._on_doomed(ref.owner))
            else:
                await tx.doomed_labels.forget(ref.label)
            await _write_down(tx, "labels.delete", done)


async def _find_modseq(mailbox: Snapshot) -> Modseq:
    state = await mailbox.mailbox.find()
    if state is None:
        raise not_found("the mailbox")
    return state.labels_modseq


async def _get(mailbox: Snapshot, label_id: LabelId) -> Label:
    label = await mailbox.labels.find(label_id)
    if label is None or not _is_shown(label):
        raise not_found("the label")
    return label


def _is_shown(label: Label) -> bool:
    return name_key(label.name) not in RESERVED


async def _check_free(tx: Transaction, name: str, *, but: LabelId | None) -> None:
    if await tx.labels.find_named(name_key(name)) not in {None, but}:
        raise PostroomError(Kind.CONFLICT, "labelExists", f"there is a label {name}")


async def _write_down(tx: Transaction, kind: str, done: Sequence[Step] = ()) -> None:
    """Note that the list has changed, and write the log."""
    await tx.mailbox.labels_changed(tx.modseq)
    await tx.log(kind, Record(list(done)), modseq=tx.modseq)


# Taking a label off mails


async def _take_off_few(tx: Transaction, label_id: LabelId) -> list[Step]:
    """Take a label that is gone off some mails, as many as one transaction may."""
    found: list[Labelled] = []
    left = _LOOKED_AT
    for folder_id in await tx.doomed_labels.list_folders(label_id):
        rows = await tx.doomed_labels.list_labelled(folder_id, after=Uid(0), limit=left)
        found += [row for row in rows if row.has(label_id)]
        left -= len(rows)
        if left <= 0 or len(found) >= SLICE:
            break
    return await _take_off(tx, label_id, found[:SLICE])


async def _take_off(tx: Transaction, label_id: LabelId, mails: Sequence[Labelled]) -> list[Step]:
    """Take a label off those of the mails that are still there."""
    located = await tx.mails.locate_items([mail.item_id for mail in mails])
    by_folder: dict[FolderId, list[Located]] = {}
    for item_id in sorted(located):
        item = located[ItemId(item_id)]
        by_folder.setdefault(item.mail.folder_id, []).append(item)
    done: list[Step] = []
    for folder_id, items in by_folder.items():
        if changes := await set_label(tx, items, label_id, is_on=False):
            told = [Listed(change.after.item_id, change.after.uid) for change in changes]
            done.append(steps.Label(folder_id, label_id, False, told))
    return done


async def remove_doomed_labels(store: Store, account_id: AccountId) -> int:
    """Take the labels of an account that are gone off its mails; return off how many. Raises: unavailable."""
    async with store.peek(account_id) as mailbox:
        labels = await mailbox.doomed_labels.list_all()
    return sum([await _remove_doomed(store, account_id, label_id) for label_id in labels])


async def _remove_doomed(store: Store, account_id: AccountId, label_id: LabelId) -> int:
    removed = vain = 0
    while vain < _VAIN_ROUNDS:
        async with store.peek(account_id) as mailbox:
            folders = await mailbox.doomed_labels.list_folders(label_id)
        if not folders:
            break
        # A mail that is moved while its folder is gone through may be missed; it is found in the next round.
        count = sum([await _sweep(store, account_id, label_id, folder_id=folder_id) for folder_id in folders])
        removed += count
        vain = 0 if count else vain + 1
    async with store.transaction(account_id) as tx:
        await tx.lock()
        if vain and await tx.doomed_labels.list_folders(label_id):
            _log.warning("the counters of a label that is gone were off", account=account_id, label=label_id)
        if vain or not await tx.doomed_labels.list_folders(label_id):
            await tx.doomed_labels.forget(label_id)
    return removed


async def _sweep(store: Store, account_id: AccountId, label_id: LabelId, *, folder_id: FolderId) -> int:
    """Take a label off the mails of a folder, once through it; return off how many."""
    removed, after = 0, Uid(0)
    while True:
        async with store.peek(account_id) as mailbox:
            rows = await mailbox.doomed_labels.list_labelled(folder_id, after=after, limit=_LOOKED_AT)
        if not rows:
            return removed
        mails = [row for row in rows if row.has(label_id)][:SLICE]
        after = mails[-1].uid if len(mails) == SLICE else rows[-1].uid
        if mails:
            async with store.transaction(account_id) as tx:
                await tx.lock()
                if done := await _take_off(tx, label_id, mails):
                    await tx.log("labels.delete", Record(done), modseq=tx.modseq)
            removed += len(mails)
        # Whoever waits for the store has a turn between two slices.
        await asyncio.sleep(0)
