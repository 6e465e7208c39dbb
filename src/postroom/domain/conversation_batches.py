"""Batches over conversations: finding their mails, and giving these to a job.

As with mails, all is found before anything is done, in one snapshot. What is done is what is done to mails, so that
undo, history and the log know nothing of conversations. A conversation has failed if one of its mails has.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from postroom.domain.access import INSERT, READ, require
from postroom.domain.actions import DESTINATION, Action, MoveTo, SetFlags, check_action, find_target
from postroom.domain.batches import MAX_MAILS, RowCount, find_owner
from postroom.domain.found_conversations import FoundConversations
from postroom.domain.jobs import CONVERSATION, MOST_MAILS_WAITED_FOR, WAITED_FOR, Jobs, JobState, Target
from postroom.domain.shared_changes import check_shared_action
from postroom.domain.shared_conversations import list_rights
from postroom.domain.undo import Failed
from postroom.errors import bad_parameter, not_found
from postroom.model.account import Caller
from postroom.model.conversation import ConversationId, ConversationRef
from postroom.model.folder import DRAFTS, SENT, Folder
from postroom.model.ids import AccountId, FolderId, FolderRef
from postroom.model.listing import Sort, SortField
from postroom.model.search_folder import is_search_folder
from postroom.store import Store
from postroom.store.order_keys import key_of
from postroom.store.sorting import Anchor
from postroom.store.sql.conversation_lists import MANY
from postroom.store.sql.orders import CONVERSATION_ORDERS
from postroom.store.tx import Snapshot

OWN_FOLDERS = (int(SENT), int(DRAFTS))
"""What is in them is left alone where a conversation is moved, or marked read or unread."""
SORT_FIELDS = frozenset(CONVERSATION_ORDERS.fields)
"""What conversations sort by."""
_PAGE = 500


class ConversationRange(NamedTuple):
    """Rows of a list: ``limit`` of them from that of ``start`` on."""

    start: ConversationRef
    limit: int


class ConversationSelection(NamedTuple):
    """The conversations that a batch names: by ids, or by ranges in the list of a folder."""

    ids: Sequence[ConversationRef] = ()
    ranges: Sequence[ConversationRange] = ()
    sort: Sort = Sort()
    folder: FolderRef | None = None


class _Found(NamedTuple):
    """What a selection names: conversations, in their order, and what is not there."""

    conversations: dict[ConversationId, None]
    failed: list[Failed]
    rows: RowCount

    def add(self, numbers: Sequence[ConversationId]) -> None:
        """Add rows of a range. Raises: badParameter if there are too many."""
        self.rows.add(len(numbers))
        self.conversations.update(dict.fromkeys(numbers))

    def fail(self, account_id: AccountId, ref: ConversationRef) -> None:
        owner = 0 if ref.owner == account_id else ref.owner
        self.failed.append(Failed(CONVERSATION, ref.conversation, owner))


class ConversationBatches:
    """Batches over the conversations that a caller sees."""

    def __init__(self, store: Store, jobs: Jobs, found: FoundConversations) -> None:
        self._store = store
        self._jobs = jobs
        self._found = found

    async def start(
        self,
        caller: Caller,
        kind: str,
        action: Action,
        *,
        selection: ConversationSelection,
        target: FolderRef | None = None,
    ) -> JobState:
        """Do an action to all mails of a selection; return when it is done, or begun if they are many.

        Raises: notFound, badParameter for a destination, label or folder that there is not; badParameter for too many
            mails; unavailable.
        """
        found = _Found({}, [], RowCount())
        named = {ref.owner for ref in selection.ids} | {one.start.owner for one in selection.ranges}
        if selection.folder is not None:
            named = {selection.folder.owner}
            if is_search_folder(selection.folder.folder):
                # It needs a snapshot of its own.
                await self._find_searched(caller, selection.folder, selection, found=found)
            else:
                await self._check_folder(caller, selection.folder)
        owner = await find_owner(self._store, caller, named)
        if target is not None and target.owner != owner:
            await self._refuse_target(caller, target)
        async with self._store.read(owner) as mailbox:
            if owner != caller.account_id:
                await check_shared_action(mailbox, caller, action)
            await check_action(mailbox, action)
            action = await spare_own(mailbox, action)
            await _find_named(caller, mailbox, selection, found=found)
            targets = await _list_targets(caller, mailbox, found)
        return await self._jobs.start_batch(
            caller,
            kind,
            action,
            targets=targets,
            failed=found.failed,
            waits=len(found.conversations) <= WAITED_FOR and len(targets) <= MOST_MAILS_WAITED_FOR,
            owner=owner,
        )

    async def _check_folder(self, caller: Caller, ref: FolderRef) -> None:
        if ref.owner != caller.account_id:
            async with self._store.read(ref.owner) as mailbox:
                await require(mailbox, caller, ref.folder, needs=READ)

    async def _refuse_target(self, caller: Caller, target: FolderRef) -> None:
        """Refuse a folder of another owner. Raises: notFound; notPermitted; badParameter."""
        async with self._store.read(target.owner) as mailbox:
            await require(mailbox, caller, target.folder, needs=INSERT, what="the destination folder")
            await find_target(mailbox, target.folder)
        raise bad_parameter(DESTINATION, "conversations can be moved among the folders of their owner alone")

    async def _find_searched(
        self, caller: Caller, ref: FolderRef, selection: ConversationSelection, *, found: _Found
    ) -> None:
        """Find the rows of a search folder's list. Raises: notFound; badParameter."""
        if ref.owner != caller.account_id:
            _check_range(selection)
        for start, limit in selection.ranges:
            numbers = None
            if start.owner == ref.owner:
                numbers = await self._found.find_range(
                    caller, ref, start.conversation, sort=selection.sort, limit=limit
                )
            if numbers is None:
                found.fail(caller.account_id, start)
            else:
                found.add(numbers)
            await asyncio.sleep(0)


def _check_range(selection: ConversationSelection) -> None:
    """Refuse ranges of another's folder by orders that are not the reader's. Raises: badParameter."""
    if selection.sort.field is not SortField.DATE:
        raise bad_parameter("sortInfo", "ranges in a folder of another are by date")


async def spare_own(mailbox: Snapshot, action: Action) -> Action:
    """Return what is done to mails of a conversation: what was written here is not moved, nor marked as unread.

    Into Spam or Trash all of it goes.
    """
    if isinstance(action, SetFlags):
        return SetFlags(action.is_unread, action.is_flagged, OWN_FOLDERS)
    if isinstance(action, MoveTo):
        target = await mailbox.folders.find(FolderId(action.folder_id))
        if target is not None and target.is_threaded:
            return MoveTo(action.folder_id, OWN_FOLDERS)
    return action


async def _find_named(
    caller: Caller, mailbox: Snapshot, selection: ConversationSelection, *, found: _Found
) -> None:
    """Find what a selection names, but for the rows of a search folder's list."""
    for ref in dict.fromkeys(selection.ids):
        if ref.owner == mailbox.account_id:
            found.conversations.setdefault(ref.conversation)
        else:
            found.fail(caller.account_id, ref)
    if selection.folder is None or is_search_folder(selection.folder.folder):
        return
    folder = await _get_folder(caller, mailbox, selection.folder)
    if mailbox.account_id != caller.account_id:
        _check_range(selection)
    for wanted in selection.ranges:
        await _find_range(caller, mailbox, folder, wanted=wanted, sort=selection.sort, found=found)


async def _get_folder(caller: Caller, mailbox: Snapshot, ref: FolderRef) -> Folder:
    await require(mailbox, caller, ref.folder, needs=READ)
    folder = await mailbox.folders.find(ref.folder)
    if folder is None:
        raise not_found("the folder")
    return folder


async def _find_range(
    caller: Caller,
    mailbox: Snapshot,
    folder: Folder,
    *,
    wanted: ConversationRange,
    sort: Sort,
    found: _Found,
) -> None:
    ref = wanted.start
    lists = mailbox.conversation_lists
    is_own = ref.owner == mailbox.account_id
    keys = await lists.find_keys(folder.folder_id, ref.conversation) if is_own else None
    if keys is None:
        found.fail(caller.account_id, ref)
        return
    place: Anchor = key_of(sort.field, keys, ref.conversation)
    found.add([ref.conversation])
    left = min(wanted.limit, folder.conversations) - 1
    while left > 0:
        # Downwards an anchor is left out, upwards it is the first.
        skip = 0 if sort.descending else 1
        limit = min(left, _PAGE)
        rows = await lists.list_places(folder.folder_id, sort, anchor=place, skip=skip, limit=limit)
        if not rows:
            return
        found.add([ConversationId(row.uid) for row in rows])
        place = rows[-1]
        left -= len(rows)
        # Others have their turn: this may be a long list.
        await asyncio.sleep(0)


async def _list_targets(caller: Caller, mailbox: Snapshot, found: _Found) -> list[Target]:
    """Return the mails of the conversations found, of another's those that the caller may read.

    Those that have none have failed.
    """
    targets: list[Target] = []
    is_own = mailbox.account_id == caller.account_id
    rights = {} if is_own else await list_rights(mailbox, caller)
    numbers = list(found.conversations)
    for start in range(0, len(numbers), MANY):
        some = numbers[start : start + MANY]
        members = await mailbox.conversation_lists.list_members(some)
        for number in some:
            there = [
                member
                for member in members.get(number, ())
                if is_own or READ in rights.get(member.folder_id, "")
            ]
            targets += [Target(*member, number) for member in there]
            if not there:
                found.fail(caller.account_id, ConversationRef(mailbox.account_id, number))
        if len(targets) > MAX_MAILS:
            raise bad_parameter("ids", f"the conversations of a batch have at most {MAX_MAILS} mails")
        await asyncio.sleep(0)
    return targets
