"""Conversations: mails come into them and leave them.

What belongs together is said by :mod:`postroom.domain.components`: the connected mails of an account's threaded
folders. The numbers are kept with the mails. When a mail comes, those it touches are looked up by its keys; it enters
their conversation, or makes several one, under the lowest number. When mails leave, what they have held together may
fall apart; the part with the oldest mail then keeps the number. So the conversations follow from the mails alone, in
whatever order they came, but for their numbers.

A conversation that a mail begins has the number of that mail if it is free, else a fresh one of the same kind.

A mail that comes looks up its keys and no more. When mails leave a large conversation, it is first looked whether
those around them hold together by themselves, which takes as little; only where they do not all its mails are read.

Invariants:
- a mail has a conversation if and only if its keys are stored, and each threaded folder's mails have one, but for the
  time until :mod:`postroom.domain.rethreading` has come to them;
- callers hold the writers of the account off, and write the rows of mails before they settle the tally.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from postroom.domain.components import find_components, shared_subjects
from postroom.domain.conversation_rows import Tally
from postroom.model.conversation import ConversationId
from postroom.model.ids import AccountId, FolderId, ItemId
from postroom.model.mail import Mail
from postroom.model.thread import Threading
from postroom.store.sql.conversations import Member
from postroom.store.sql.mails import Located
from postroom.store.sql.threads import NEAR_SECONDS, Keyed
from postroom.store.tx import Directory, Snapshot, Transaction

NO_CONVERSATION = ConversationId(0)
SMALL = 16
"""A conversation of so many mails is read as a whole when some leave it."""
_MOST_KEYS = 1024
"""Keys of mails that leave, and mails around them, beyond which the whole conversation is read instead."""
_ALL = 1 << 62

_threading = msgspec.msgpack.Decoder(Threading)


async def refresh(tx: Transaction, items: Sequence[Located]) -> Sequence[Located]:
    """Return mails with the conversations that they have now: others may have changed since they were read."""
    if not tx.conversations.has_renumbered:
        return items
    rows = await tx.conversations.find_numbers([item.mail.item_id for item in items])
    numbers = {row.item_id: row.conversation_id for row in rows}
    return [
        Located(
            item.mail._replace(conversation_id=numbers.get(item.mail.item_id, item.mail.conversation_id)),
            item.keys,
        )
        for item in items
    ]


# Keys


async def read_keys(tx: Transaction, mails: Sequence[Mail]) -> list[Keyed]:
    """Return mails with all keys that they may have; their contents must be there."""
    contents = list(dict.fromkeys(mail.content_id for mail in mails))
    stored = await tx.conversations.find_threadings(contents)
    return [_key(mail.item_id, mail.date, stored[mail.content_id]) for mail in mails]


def _key(item_id: ItemId, date: int, threading: bytes) -> Keyed:
    read = _threading.decode(threading)
    return Keyed(item_id, date, read.references, tuple(each.key for each in read.participants), read.is_reply)


async def find_own(tables: Directory, account_id: AccountId, threadings: Iterable[Threading]) -> set[str]:
    """Return those of the participants that are the account itself, with details and under alias domains too."""
    owned = set(await tables.directory.temporary_aliases.list_own(account_id, since=0))
    names = {address.rpartition("@")[0] for address in owned}
    domains = {address.rpartition("@")[2] for address in owned}
    found: set[str] = set()
    for address in {each.address for threading in threadings for each in threading.participants}:
        local_part, _, domain = address.rpartition("@")
        name = local_part.partition("+")[0]
        if name not in names:
            continue
        if domain not in domains:
            alias = await tables.directory.domains.find(domain)
            domain = alias.alias_of if alias is not None else ""
        if f"{name}@{domain}" in owned:
            found.add(address)
    return found


# Coming


@dataclass
class _Group:
    """Mails that come and belong together, and the conversations that they touch."""

    mails: list[Keyed]
    numbers: set[ConversationId]


async def enter(
    tx: Transaction,
    tally: Tally,
    mails: Sequence[Mail],
    *,
    is_threaded: int,
    threadings: Sequence[bytes] | None = None,
    preferred: ConversationId = NO_CONVERSATION,
    are_new: bool = False,
) -> list[Mail]:
    """Return mails, which come into a folder, with their conversations; those that have one keep it.

    Args:
        tx: the transaction of the account.
        tally: is told of conversations that are new, and of those that become one.
        mails: as they will be there; their rows need not be written yet.
        is_threaded: whether mails of the folder have conversations.
        threadings: what they are joined by, where it is known.
        preferred: the number for a conversation that they begin, if it is free.
        are_new: they have numbers that were not given out before, so that their keys are to be stored too where
            they have a conversation.
    """
    if not is_threaded:
        return [mail._replace(conversation_id=NO_CONVERSATION) for mail in mails]
    coming = [mail for mail in mails if are_new or not mail.conversation_id]
    if not coming:
        return list(mails)
    if threadings is None:
        contents = list(dict.fromkeys(mail.content_id for mail in coming))
        stored = await tx.conversations.find_threadings(contents)
        threadings = [stored[mail.content_id] for mail in coming]
    read = [_threading.decode(each) for each in threadings]
    own = await find_own(tx.tables, tx.account_id, read)
    keyed = {
        mail.item_id: Keyed(
            mail.item_id,
            mail.date,
            each.references,
            tuple(one.key for one in each.participants if one.address not in own),
            each.is_reply,
        )
        for mail, each in zip(coming, read, strict=True)
    }
    alone = [keyed[mail.item_id] for mail in coming if not mail.conversation_id]
    numbers: dict[ItemId, ConversationId] = {}
    if alone:
        for group in await _find_groups(tx, alone):
            number = await _unite(tx, tally, group, preferred=preferred, are_new=are_new)
            numbers.update((each.item_id, number) for each in group.mails)
    await tx.threads.add(list(keyed.values()))
    return [
        mail._replace(conversation_id=tally.resolve(numbers.get(mail.item_id, mail.conversation_id)))
        for mail in mails
    ]


async def _find_groups(tx: Transaction, mails: Sequence[Keyed]) -> list[_Group]:
    """Return which mails belong together, with the conversations that they touch; each is touched by one group."""
    touched = await _find_touched(tx, mails)
    groups: list[_Group] = []
    for part in find_components(mails):
        group = _Group(part, {number for mail in part for number in touched.get(mail.item_id, ())})
        for other in [each for each in groups if each.numbers & group.numbers]:
            groups.remove(other)
            group = _Group(other.mails + group.mails, other.numbers | group.numbers)
        groups.append(group)
    return groups


async def _find_touched(tx: Transaction, mails: Sequence[Keyed]) -> dict[ItemId, set[ConversationId]]:
    """Return the conversations that each mail touches by its keys."""
    near = await _find_neighbours(tx, mails, most=_ALL, both_ends=False)
    wanted = list({item_id for some in near.values() for item_id in some})
    rows = await tx.conversations.find_numbers(wanted) if wanted else []
    number_of = {row.item_id: row.conversation_id for row in rows if row.conversation_id}
    return {item_id: {number_of[one] for one in some if one in number_of} for item_id, some in near.items()}


async def _find_neighbours(
    tx: Transaction, mails: Sequence[Keyed], *, most: int, both_ends: bool
) -> dict[ItemId, set[ItemId]]:
    """Return for each mail others that stand for all that it touches.

    Args:
        tx: the transaction of the account.
        mails: they are not looked up themselves: their keys are not stored.
        most: how many to list where some are touched by this mail alone.
        both_ends: for each reference key the first and the last mail, not the first alone.
    """
    found: dict[ItemId, set[ItemId]] = {mail.item_id: set() for mail in mails}
    keys = list(dict.fromkeys(key for mail in mails for key in mail.references))
    holders = [await tx.threads.find_first(keys)]
    if both_ends:
        holders.append(await tx.threads.find_last(list(holders[0])))
    places = list(dict.fromkeys((key, mail.date) for mail in mails for key in mail.subjects))
    nearest = await tx.threads.find_nearest(places) if places else {}
    for mail in mails:
        near = found[mail.item_id]
        near.update(ends[key] for ends in holders for key in mail.references if key in ends)
        for key in mail.subjects:
            replies = nearest.get((key, mail.date), [])
            near.update(replies)
            if mail.is_reply:
                near.update(await _find_others(tx, mail, key, replies=replies, most=most))
    return found


async def _find_others(
    tx: Transaction, mail: Keyed, key: int, *, replies: Sequence[ItemId], most: int
) -> list[ItemId]:
    """Return what is near a reply under a subject key, but near none of the two replies around it."""
    start, end = mail.date - NEAR_SECONDS, mail.date + NEAR_SECONDS
    for row in await tx.conversations.find_numbers(replies) if replies else ():
        if row.date <= mail.date:
            start = max(start, row.date + NEAR_SECONDS + 1)
        if row.date >= mail.date:
            end = min(end, row.date - NEAR_SECONDS - 1)
    if start > end:
        return []
    return await tx.threads.list_others(key, start=start, end=end, limit=min(most, _ALL))


async def _unite(
    tx: Transaction, tally: Tally, group: _Group, *, preferred: ConversationId, are_new: bool
) -> ConversationId:
    """Return the conversation of mails that come: one they touch, which takes in the others, or a new one."""
    if not group.numbers:
        oldest = min(group.mails, key=lambda mail: (mail.date, mail.item_id))
        wanted = preferred or ConversationId(oldest.item_id)
        number = wanted if are_new else (await _find_free(tx, [wanted]))[0]
        tally.found(number)
        return number
    number, *others = sorted(group.numbers)
    if others:
        presences = await tx.conversations.list_presences(others)
        await _touch_contents(tx, {presence.folder_id for presence in presences})
        for other in others:
            await tx.conversations.renumber(other, number, modseq=tx.modseq)
        tally.take_in(number, others)
    return number


async def _find_free(tx: Transaction, wanted: Sequence[ConversationId]) -> list[ConversationId]:
    """Return numbers for new conversations: those wanted, or fresh ones where they are taken."""
    taken = await tx.conversations.find(wanted)
    numbers: list[ConversationId] = []
    for number in wanted:
        if number in taken:
            state = await tx.advance(item_ids=1, mails=0)
            numbers.append(ConversationId(state.item_id))
        else:
            numbers.append(number)
    return numbers


async def _touch_contents(tx: Transaction, folder_ids: Iterable[FolderId]) -> None:
    """Note that mails of folders have changed, though none of the folders' counters has."""
    for folder_id in sorted(folder_ids):
        await tx.folders.count(folder_id, items=0, unread=0, size_bytes=0, uids=0, modseq=tx.modseq)


# Leaving


async def leave(tx: Transaction, tally: Tally, items: Sequence[Located], *, keys: Sequence[Keyed]) -> None:
    """Part mails from their conversations.

    Args:
        tx: the transaction of the account.
        tally: is told what becomes of the conversations.
        items: the mails as they were; the rows say by now that they have no conversation, or are gone.
        keys: their keys (:func:`read_keys`), in the same order.
    """
    await tx.threads.remove(keys)
    groups: dict[ConversationId, list[Keyed]] = {}
    for item, keyed in zip(items, keys, strict=True):
        number = tally.resolve(item.mail.conversation_id)
        tally.remove(item)
        groups.setdefault(number, []).append(keyed)
    rows = await tx.conversations.find(list(groups))
    for number, leaving in groups.items():
        left = rows[number].total_items - len(leaving) if number in rows else 0
        if left > 1 and not (left > SMALL and await _holds_together(tx, number, leaving)):
            await _split(tx, tally, number)


async def _holds_together(tx: Transaction, number: ConversationId, leaving: Sequence[Keyed]) -> bool:
    """Tell whether what mails that leave have touched is seen to be connected without them.

    Each part into which a conversation falls has touched one of those that left it. So if all that they have touched
    is still connected, all of the conversation is.
    """
    if len({key for mail in leaving for key in (*mail.references, *mail.subjects)}) > _MOST_KEYS:
        return False
    near = await _find_neighbours(tx, leaving, most=_MOST_KEYS, both_ends=True)
    touched = {item_id for some in near.values() for item_id in some}
    if len(touched) >= _MOST_KEYS:
        return False
    members = await tx.conversations.find_members(list(touched))
    keyed = await find_keys(tx, [each for each in members if each.conversation_id == number])
    return len(find_components(keyed)) <= 1


async def find_keys(mailbox: Snapshot, members: Sequence[Member]) -> list[Keyed]:
    """Return mails of a conversation with their keys: of those that several have only what is stored."""
    mails = [_key(each.item_id, each.date, each.threading) for each in members]
    stored = {
        key: await mailbox.threads.find_stored(key, [mail for mail in mails if key in mail.subjects])
        for key in shared_subjects(mails)
    }
    return [
        mail._replace(subjects=tuple(key for key in mail.subjects if mail.item_id in stored.get(key, ())))
        for mail in mails
    ]


async def _split(tx: Transaction, tally: Tally, number: ConversationId) -> None:
    """Make conversations of the parts into which one has fallen, if it has."""
    members = await tx.conversations.list_members(number)
    _, *parts = find_components(await find_keys(tx, members)) or [[]]
    if not parts:
        return
    folder_of = {each.item_id: each.folder_id for each in members}
    numbers = await _find_free(tx, [ConversationId(part[0].item_id) for part in parts])
    for part, new in zip(parts, numbers, strict=True):
        await tx.conversations.assign([(mail.item_id, new) for mail in part], modseq=tx.modseq)
        tally.found(new)
        tally.recount(new)
    tally.recount(number)
    await _touch_contents(tx, {folder_of[mail.item_id] for part in parts for mail in part})


# Both


async def follow(tx: Transaction, tally: Tally, *, before: Sequence[Located], after: Sequence[Mail]) -> None:
    """Note what has become of mails, whose rows are written: they have come, gone, moved or changed.

    ``before`` is as they were, ``after`` as they are; what they are sorted by has not changed.
    """
    parted = []
    for item, mail in zip(before, after, strict=True):
        if mail.conversation_id:
            if item.mail.conversation_id:
                tally.remove(item)
            tally.add(Located(mail, item.keys))
        elif item.mail.conversation_id:
            parted.append(item)
    if parted:
        await leave(tx, tally, parted, keys=await read_keys(tx, [item.mail for item in parted]))
