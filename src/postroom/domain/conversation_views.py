"""What a list shows of a conversation: made of its mails, and remembered for as long as none of them changes.

A conversation has one number for all that is visible of it, its modseq, so that what was made of it once is good
until the number moves on. What is remembered are ready bytes (an edge says how they are made), by account,
conversation and the folder in which it was asked for, within a bounded amount of memory; the ones not asked for the
longest go first.

Mails are read from the store only where nothing is remembered, those of many conversations by one statement.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from postroom.compose.addresses import quote
from postroom.mime.address import Address, parse_addresses
from postroom.model.conversation import ConversationId
from postroom.model.ids import AccountId, FolderId, ItemId, MailRef, Modseq, Uid
from postroom.model.mail import Mail, Summary
from postroom.store.sql.conversation_lists import ListedConversation
from postroom.store.tx import Snapshot

MAX_REMEMBERED_BYTES = 16 << 20
_OVERHEAD_BYTES = 400
"""What an entry takes beside its bytes."""
_MAILS_AT_ONCE = 500
"""Mails that are looked at before others have their turn."""
_MAX_RECIPIENTS = 1000
"""Recipients looked at in one header field: a message may name any number."""

_SPECIAL = re.compile(r'[()<>\[\]:;@\\,"]')
_decode_summary = msgspec.msgpack.Decoder(Summary).decode


class Participant(NamedTuple):
    """Somebody whom mails of a conversation are from."""

    address: str
    """With the display name, if some mail has one."""
    is_me: bool
    has_unread: bool


class Recipient(NamedTuple):
    """Somebody whom the account's own mails of a conversation went to."""

    address: str
    is_me: bool
    is_to: bool
    is_cc: bool
    is_bcc: bool


class ConversationView(NamedTuple):
    """What is shown of a conversation; ``mails`` and their ``summaries`` are oldest first."""

    owner: AccountId
    conversation_id: ConversationId
    mails: Sequence[Mail]
    summaries: Sequence[Summary]
    last: int
    """Which mail is the last of those in the folder asked for, if it has any there and one was asked for."""
    participants: Sequence[Participant]
    recipients: Sequence[Recipient]
    originals: Mapping[ItemId, MailRef] = {}
    """In a search folder: where those of the mails are that were found, and are named by it."""


Render = Callable[[ConversationView], bytes]
"""Makes of a view what is remembered of it. There is one for a process."""


class Viewer(NamedTuple):
    """Who asks, and for which folder: what a view depends on, beside the conversation."""

    own: frozenset[str]
    """The addresses of the account, in lower case."""
    folder_id: FolderId | None = None
    is_found: Callable[[ItemId], bool] | None = None
    """Where the folder is a search folder: tells whether a mail is in it."""


async def make_view(owner: AccountId, mails: Sequence[Mail], viewer: Viewer) -> ConversationView:
    """Return what is shown of a conversation; ``mails`` are all of its, oldest first."""
    mails, originals = _name_found(owner, mails, viewer)
    summaries: list[Summary] = []
    senders: list[list[Address]] = []
    for start in range(0, len(mails), _MAILS_AT_ONCE):
        if start:
            await asyncio.sleep(0)
        summaries += [_decode_summary(mail.summary) for mail in mails[start : start + _MAILS_AT_ONCE]]
        senders += [_read_addresses(summary.from_) for summary in summaries[start:]]
    last = len(mails) - 1
    if viewer.folder_id is not None:
        there = [place for place, mail in enumerate(mails) if mail.folder_id == viewer.folder_id]
        # In a folder the uid decides between mails of one second, as it does in the list that is sorted by it.
        last = max(there, key=lambda place: (mails[place].date, mails[place].uid), default=last)
    return ConversationView(
        owner=owner,
        conversation_id=mails[0].conversation_id,
        mails=mails,
        summaries=summaries,
        last=last,
        participants=_list_participants(mails, senders, own=viewer.own),
        recipients=_list_recipients(summaries, senders, own=viewer.own),
        originals=originals,
    )


def _name_found(
    owner: AccountId, mails: Sequence[Mail], viewer: Viewer
) -> tuple[Sequence[Mail], dict[ItemId, MailRef]]:
    """Name the mails that a search folder has by it, as its list does; return where they are, too."""
    folder_id, is_found = viewer.folder_id, viewer.is_found
    if folder_id is None or is_found is None:
        return mails, {}
    originals = {
        mail.item_id: MailRef(owner, mail.folder_id, mail.uid) for mail in mails if is_found(mail.item_id)
    }
    named = [
        mail._replace(folder_id=folder_id, uid=Uid(mail.item_id)) if mail.item_id in originals else mail
        for mail in mails
    ]
    return named, originals


def _read_addresses(value: str) -> list[Address]:
    """Return the mailboxes of a header field as it is shown; where it has no address, its text stands for one."""
    if not value:
        return []
    found = parse_addresses(value)[:_MAX_RECIPIENTS]
    return [one for one in found if one.address] or [Address("", value)]


def _list_participants(
    mails: Sequence[Mail], senders: Sequence[Sequence[Address]], *, own: frozenset[str]
) -> list[Participant]:
    names: dict[str, Address] = {}
    unread: set[str] = set()
    for mail, addresses in zip(mails, senders, strict=True):
        for address in addresses:
            key = address.address.lower()
            known = names.get(key)
            if known is None or (address.display and not known.display):
                names[key] = address
            if mail.is_unread:
                unread.add(key)
    return [Participant(_spell(address), _is_own(key, own), key in unread) for key, address in names.items()]


def _list_recipients(
    summaries: Sequence[Summary], senders: Sequence[Sequence[Address]], *, own: frozenset[str]
) -> list[Recipient]:
    names: dict[str, Address] = {}
    places: dict[str, set[str]] = {}
    for summary, addresses in zip(summaries, senders, strict=True):
        if not any(_is_own(address.address.lower(), own) for address in addresses):
            continue
        for place, value in (("to", summary.to), ("cc", summary.cc), ("bcc", summary.bcc)):
            for address in _read_addresses(value):
                key = address.address.lower()
                known = names.get(key)
                if known is None or (address.display and not known.display):
                    names[key] = address
                places.setdefault(key, set()).add(place)
    return [
        Recipient(
            _spell(address), _is_own(key, own), *(place in places[key] for place in ("to", "cc", "bcc"))
        )
        for key, address in names.items()
    ]


def _is_own(address: str, own: frozenset[str]) -> bool:
    """Tell whether an address is the account's, be it with a detail."""
    if address in own:
        return True
    local_part, _, domain = address.rpartition("@")
    return "+" in local_part and f"{local_part.partition('+')[0]}@{domain}" in own


def _spell(address: Address) -> str:
    name = address.display
    if not name:
        return address.address
    return f"{quote(name) if _SPECIAL.search(name) else name} <{address.address}>"


class _Entry(NamedTuple):
    modseq: Modseq
    own: frozenset[str]
    rendered: bytes


class RememberedViews:
    """What was shown of conversations of all accounts, in memory."""

    def __init__(self, *, max_bytes: int = MAX_REMEMBERED_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[tuple[int, int, int], _Entry] = OrderedDict()

    @property
    def size_bytes(self) -> int:
        """The memory taken, roughly."""
        return self._bytes

    def find(self, owner: AccountId, row: ListedConversation, viewer: Viewer) -> bytes | None:
        """Return what is remembered of a conversation as it is now."""
        key = (owner, row.conversation_id, viewer.folder_id or 0)
        entry = self._entries.get(key)
        if entry is None or entry.modseq != row.modseq or entry.own != viewer.own:
            return None
        self._entries.move_to_end(key)
        return entry.rendered

    def put(self, owner: AccountId, row: ListedConversation, viewer: Viewer, *, rendered: bytes) -> None:
        """Remember what is shown of a conversation."""
        key = (owner, row.conversation_id, viewer.folder_id or 0)
        old = self._entries.pop(key, None)
        if old is not None:
            self._bytes -= len(old.rendered) + _OVERHEAD_BYTES
        # One that takes more than its share would push out all others.
        if len(rendered) > self._max_bytes // 8:
            return
        self._entries[key] = _Entry(row.modseq, viewer.own, rendered)
        self._bytes += len(rendered) + _OVERHEAD_BYTES
        while self._bytes > self._max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= len(oldest.rendered) + _OVERHEAD_BYTES


async def render_rows(
    mailbox: Snapshot,
    rows: Sequence[ListedConversation],
    viewer: Viewer,
    *,
    render: Render,
    remembered: RememberedViews | None,
) -> list[bytes]:
    """Return what is shown of conversations, in their order; those without a mail to be seen are left out.

    Args:
        mailbox: a snapshot in which the rows were found.
        rows: the conversations.
        viewer: who asks.
        render: makes what is shown.
        remembered: what was shown before; None where what is read now may never come true.
    """
    owner = mailbox.account_id
    found: dict[ConversationId, bytes] = {}
    missing: list[ListedConversation] = []
    for row in rows:
        rendered = None if remembered is None else remembered.find(owner, row, viewer)
        if rendered is None:
            missing.append(row)
        else:
            found[row.conversation_id] = rendered
    for group in _split(missing):
        mails = await mailbox.conversation_lists.list_mails([row.conversation_id for row in group])
        made = await _render_group(owner, group, mails, viewer=viewer, render=render)
        for row, rendered in made:
            found[row.conversation_id] = rendered
            if remembered is not None:
                remembered.put(owner, row, viewer, rendered=rendered)
        if len(group) < len(missing):
            await asyncio.sleep(0)
    return [found[row.conversation_id] for row in rows if row.conversation_id in found]


async def _render_group(
    owner: AccountId,
    rows: Sequence[ListedConversation],
    mails: Mapping[ConversationId, Sequence[Mail]],
    *,
    viewer: Viewer,
    render: Render,
) -> list[tuple[ListedConversation, bytes]]:
    return [
        (row, render(await make_view(owner, mails[row.conversation_id], viewer)))
        for row in rows
        if row.conversation_id in mails
    ]


def _split(rows: Sequence[ListedConversation]) -> Iterator[list[ListedConversation]]:
    """Yield conversations in groups of not too many mails."""
    group: list[ListedConversation] = []
    mails = 0
    for row in rows:
        if group and mails + row.total_items > _MAILS_AT_ONCE:
            yield group
            group, mails = [], 0
        group.append(row)
        mails += row.total_items
    if group:
        yield group
