"""Conversations as their owner sees them: the lists of folders and of search folders, and the mails of one.

What is shown of a conversation is made by :mod:`postroom.domain.conversation_views` and given as ready bytes. The
list of a folder has a state of its own (``conversations_modseq``), which moves on with every change of a conversation
that has a mail in it, wherever its mails are. Those of search folders are made by
:mod:`postroom.domain.found_conversations`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from postroom.config.classes import AccountClass, class_of
from postroom.domain.access import READ, require, see_mails
from postroom.domain.conversation_views import RememberedViews, Render, Viewer, render_rows
from postroom.domain.folders import require_folder
from postroom.domain.found_conversations import FoundConversations, is_found
from postroom.domain.search_folders import Opened, SearchFolders
from postroom.domain.sessions import Sessions
from postroom.domain.settings import Settings
from postroom.domain.shared_conversations import (
    MOST_SORTED,
    SharedPage,
    check_sorted,
    cut_sorted,
    find_state,
    list_members,
    list_page,
    list_views,
    see_state,
)
from postroom.domain.thread_reasons import Reason, find_why
from postroom.errors import Kind, PostroomError, not_found
from postroom.model.account import Caller
from postroom.model.conversation import Conversation, ConversationId, ConversationRef
from postroom.model.folder import Folder
from postroom.model.ids import FolderId, FolderRef, ItemId, MailRef, Uid
from postroom.model.listing import Sort, SortField
from postroom.model.mail import Mail
from postroom.model.search_folder import is_search_folder
from postroom.store import Store
from postroom.store.order_keys import key_of
from postroom.store.sql.conversation_lists import ListedConversation
from postroom.store.tx import Snapshot

LIST_KIND = "conversations"


class ConversationListRequest(NamedTuple):
    """A page asked for; ``field`` and ``descending`` are None where the client gave none."""

    field: SortField | None = None
    descending: bool | None = None
    start: int = 0
    limit: int = 50
    active: ConversationRef | None = None


class ConversationPage(NamedTuple):
    """A page of a folder's conversations, each as it is shown."""

    folder: Folder
    sort: Sort
    active_row: int
    """ListedConversation of the asked conversation in the whole list, -1 if it is not there or none was asked."""
    items: Sequence[bytes]


class MailsRequest(NamedTuple):
    """Which mails of a conversation are asked for: a page, or those that are named."""

    start: int = 0
    limit: int = 50
    named: Sequence[MailRef] | None = None


class MailsOfConversation(NamedTuple):
    """Mails of a conversation, oldest first; ``total_items`` are all that it has."""

    conversation: Conversation
    total_items: int
    mails: Sequence[Mail]


class Conversations:
    """The conversations a caller sees."""

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        settings: Settings,
        *,
        classes: Mapping[str, AccountClass],
        search_folders: SearchFolders,
        found: FoundConversations,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._settings = settings
        self._classes = classes
        self._search_folders = search_folders
        self._found = found
        self._remembered = RememberedViews()

    # Lists

    async def page_size(self, caller: Caller) -> int:
        """Return the length of a page where a call gives none.

        Raises: notPermitted where the account shows no conversations, or may not; notFound; unavailable.
        """
        account_class = class_of(self._classes, caller.class_name)
        settings = await self._settings.find(caller)
        if not (settings.conversation_view and account_class.allow_conversation_view):
            raise PostroomError(Kind.DENIED, "notPermitted", "this account does not show conversations")
        return settings.page_size

    async def sort_for(self, caller: Caller, request: ConversationListRequest) -> Sort:
        """Return the sort of a list: what is given, else what was last given, else date. Raises: unavailable."""
        return await self._sessions.sort_for(
            caller, LIST_KIND, field=request.field, descending=request.descending
        )

    async def find_viewer(self, caller: Caller, folder_id: FolderId | None = None) -> Viewer:
        """Return what is shown depends on, beside the conversations themselves. Raises: unavailable."""
        async with self._store.directory() as tables:
            addresses = await tables.directory.temporary_aliases.list_own(caller.account_id, since=0)
        return Viewer(frozenset((caller.address, *addresses)), folder_id)

    async def folder_state(self, caller: Caller, ref: FolderRef) -> Folder:
        """Return the folder of a list; one look-up, but for a search folder. Raises: notFound; unavailable."""
        if is_search_folder(ref.folder):
            return await self._found.folder_state(caller, ref)
        if ref.owner != caller.account_id:
            async with self._store.read(ref.owner) as mailbox:
                return await _see_folder(mailbox, caller, ref.folder)
        async with self._store.peek(ref.owner) as mailbox:
            return await _get_folder(mailbox, ref.folder)

    async def list(
        self,
        caller: Caller,
        ref: FolderRef,
        request: ConversationListRequest,
        *,
        viewer: Viewer,
        render: Render,
    ) -> ConversationPage:
        """Return a page of a folder's conversations. Raises: notFound; unavailable."""
        sort = await self.sort_for(caller, request)
        if is_search_folder(ref.folder):
            return await self._list_found(caller, ref, request, sort=sort, viewer=viewer, render=render)
        if ref.owner != caller.account_id:
            return await self._list_shared(caller, ref, request, sort=sort, viewer=viewer, render=render)
        async with self._store.read(ref.owner) as mailbox:
            folder = await _get_folder(mailbox, ref.folder)
            rows: Sequence[ListedConversation] = ()
            if request.start < folder.conversations:
                position = await mailbox.conversation_orders.find_position(ref.folder, sort, request.start)
                rows = await mailbox.conversation_lists.list_page(
                    ref.folder, sort, anchor=position.anchor, skip=position.skip, limit=request.limit
                )
            active = request.active
            row = -1 if active is None else await _active_row(mailbox, folder, sort=sort, active=active)
            items = await self._render(mailbox, rows, viewer, render=render)
        return ConversationPage(folder, sort, row, items)

    async def _list_shared(
        self,
        caller: Caller,
        ref: FolderRef,
        request: ConversationListRequest,
        *,
        sort: Sort,
        viewer: Viewer,
        render: Render,
    ) -> ConversationPage:
        active = request.active
        wanted = active.conversation if active is not None and active.owner == ref.owner else None
        async with self._store.read(ref.owner) as mailbox:
            folder = await _see_folder(mailbox, caller, ref.folder)
            page = await list_page(
                mailbox,
                caller,
                folder,
                sort=sort,
                rows=(request.start, request.limit),
                viewer=viewer,
                active=wanted,
            )
            row = page.active_row
            if active is not None and sort.field is SortField.DATE:
                row = await _active_row(mailbox, folder, sort=sort, active=active)
        return ConversationPage(folder, sort, row, [render(view) for view in page.views])

    async def _list_found(
        self,
        caller: Caller,
        ref: FolderRef,
        request: ConversationListRequest,
        *,
        sort: Sort,
        viewer: Viewer,
        render: Render,
    ) -> ConversationPage:
        active = request.active
        wanted = active.conversation if active is not None and active.owner == ref.owner else None
        start, limit = request.start, request.limit
        async with self._search_folders.opened(caller, ref) as opened:
            viewer = viewer._replace(is_found=partial(is_found, opened.view))
            if ref.owner != caller.account_id:
                rows = (start, limit)
                folder, page = await self._find_shared(
                    opened, caller, sort=sort, rows=rows, viewer=viewer, active=wanted
                )
                return ConversationPage(folder, sort, page.active_row, [render(view) for view in page.views])
            found = await self._found.find_page(opened, sort, start=start, limit=limit, active=wanted)
            items = await self._render(opened.mailbox, found.rows, viewer, render=render)
        return ConversationPage(found.folder, sort, found.active_row, items)

    async def _find_shared(
        self,
        opened: Opened,
        caller: Caller,
        *,
        sort: Sort,
        rows: tuple[int, int],
        viewer: Viewer,
        active: ConversationId | None,
    ) -> tuple[Folder, SharedPage]:
        """Return some rows of what was found in another's folders. Raises: badParameter."""
        is_by_date = sort.field is SortField.DATE
        by_date = Sort(SortField.DATE, descending=sort.descending)
        start, limit = rows if is_by_date else (0, MOST_SORTED)
        found = await self._found.find_page(opened, by_date, start=start, limit=limit, active=active)
        if not is_by_date:
            check_sorted(found.folder)
        numbers = [row.conversation_id for row in found.rows]
        views = await list_views(opened.mailbox, caller, numbers, viewer=viewer)
        if is_by_date:
            return found.folder, SharedPage(views, found.active_row)
        return found.folder, cut_sorted(views, sort=sort, rows=rows, active=active)

    async def _render(
        self, mailbox: Snapshot, rows: Sequence[ListedConversation], viewer: Viewer, *, render: Render
    ) -> Sequence[bytes]:
        # What a joined transaction sees of its own changes is remembered by nobody: they may never be stored.
        remembered = None if self._store.is_joined() else self._remembered
        return await render_rows(mailbox, rows, viewer, render=render, remembered=remembered)

    # One conversation

    async def state(self, caller: Caller, ref: ConversationRef) -> Conversation:
        """Return a conversation as it is stored; one look-up. Raises: notFound; unavailable."""
        if ref.owner != caller.account_id:
            async with self._store.read(ref.owner) as mailbox:
                return await _see_conversation(mailbox, caller, ref.conversation)
        async with self._store.peek(ref.owner) as mailbox:
            return await _get_conversation(mailbox, ref.conversation)

    async def mails(self, caller: Caller, ref: ConversationRef, request: MailsRequest) -> MailsOfConversation:
        """Return mails of a conversation. Raises: notFound; unavailable."""
        if ref.owner != caller.account_id:
            return await self._mails_shared(caller, ref, request)
        async with self._store.read(ref.owner) as mailbox:
            conversation = await _get_conversation(mailbox, ref.conversation)
            item_ids = await _choose(mailbox, ref.conversation, request)
            located = await mailbox.mails.locate_items(item_ids)
        mails = [located[item_id].mail for item_id in item_ids if item_id in located]
        there = [mail for mail in mails if mail.conversation_id == ref.conversation]
        return MailsOfConversation(conversation, conversation.total_items, sorted(there, key=_age))

    async def _mails_shared(
        self, caller: Caller, ref: ConversationRef, request: MailsRequest
    ) -> MailsOfConversation:
        async with self._store.read(ref.owner) as mailbox:
            conversation = await _see_conversation(mailbox, caller, ref.conversation)
            members = await list_members(mailbox, caller, ref.conversation)
            total = len(members)
            if request.named is None:
                members = members[request.start : request.start + request.limit]
            else:
                named = {(one.folder, one.uid) for one in request.named if one.owner == ref.owner}
                members = [one for one in members if (one.folder_id, one.uid) in named]
            located = await mailbox.mails.locate_items([one.item_id for one in members])
            mails = [located[one.item_id].mail for one in members if one.item_id in located]
            seen = await see_mails(mailbox, caller.account_id, mails)
        return MailsOfConversation(conversation, total, sorted(seen, key=_age))

    async def why(self, caller: Caller, ref: ConversationRef) -> Sequence[Reason]:
        """Return why the mails of a conversation are in it, oldest first. Raises: notFound; unavailable."""
        return await find_why(self._store, caller, ref)

    async def show(
        self, caller: Caller, ref: ConversationRef, render: Render, *, folder_id: FolderId | None = None
    ) -> bytes:
        """Return a conversation as it is shown, in a folder or as a whole. Raises: notFound; unavailable."""
        viewer = await self.find_viewer(caller, folder_id)
        async with self._store.read(ref.owner) as mailbox:
            if ref.owner != caller.account_id:
                views = await list_views(mailbox, caller, [ref.conversation], viewer=viewer)
                if not views:
                    raise not_found("the conversation")
                return render(views[0])
            return await self._show(mailbox, ref.conversation, viewer, render=render)

    async def of_mail(self, caller: Caller, ref: MailRef) -> Conversation:
        """Return the conversation of a mail. Raises: notFound, also for a mail that has none; unavailable."""
        async with self._store.read(ref.owner) as mailbox:
            await require(mailbox, caller, ref.folder, needs=READ, what="the mail")
            mail = await mailbox.mails.find(ref.folder, ref.uid)
            if mail is None:
                raise not_found("the mail")
            if ref.owner != caller.account_id:
                return await _see_conversation(mailbox, caller, mail.conversation_id)
            return await _get_conversation(mailbox, mail.conversation_id)

    async def _show(
        self, mailbox: Snapshot, conversation_id: ConversationId, viewer: Viewer, *, render: Render
    ) -> bytes:
        conversation = await _get_conversation(mailbox, conversation_id)
        row = ListedConversation(conversation_id, conversation.modseq, conversation.total_items)
        items = await self._render(mailbox, [row], viewer, render=render)
        if not items:
            raise not_found("the conversation")
        return items[0]


async def _get_folder(mailbox: Snapshot, folder_id: FolderId) -> Folder:
    folder = await mailbox.folders.find(folder_id)
    if folder is None:
        raise not_found("the folder")
    return folder


async def _see_folder(mailbox: Snapshot, caller: Caller, folder_id: FolderId) -> Folder:
    """Return another's folder as a reader has its list of conversations. Raises: notFound; notPermitted."""
    folder = await require_folder(mailbox, caller, folder_id, needs=READ)
    state = await find_state(mailbox, caller.account_id)
    return folder._replace(conversations_modseq=max(folder.conversations_modseq, state))


async def _see_conversation(mailbox: Snapshot, caller: Caller, number: ConversationId) -> Conversation:
    """Return a conversation as a reader has it. Raises: notFound; notPermitted."""
    conversation = await _get_conversation(mailbox, number)
    members = await list_members(mailbox, caller, number)
    return await see_state(mailbox, caller, conversation, total_items=len(members))


async def _get_conversation(mailbox: Snapshot, conversation_id: ConversationId) -> Conversation:
    found = await mailbox.conversation_lists.find(conversation_id) if conversation_id else None
    if found is None:
        raise not_found("the conversation")
    return found


async def _active_row(mailbox: Snapshot, folder: Folder, *, sort: Sort, active: ConversationRef) -> int:
    if active.owner != folder.account_id:
        return -1
    keys = await mailbox.conversation_lists.find_keys(folder.folder_id, active.conversation)
    if keys is None:
        return -1
    key = key_of(sort.field, keys, active.conversation)
    return await mailbox.conversation_orders.rank(
        folder.folder_id, sort, key=key, total_items=folder.conversations
    )


async def _choose(
    mailbox: Snapshot, conversation_id: ConversationId, request: MailsRequest
) -> Sequence[ItemId]:
    """Return the mails asked for; of those that are named, some may be of other conversations."""
    if request.named is None:
        members = await mailbox.conversation_lists.list_some(
            conversation_id, skip=request.start, limit=request.limit
        )
        return [member.item_id for member in members]
    by_folder: dict[FolderId, list[Uid]] = {}
    for ref in dict.fromkeys(request.named):
        if ref.owner == mailbox.account_id:
            by_folder.setdefault(ref.folder, []).append(ref.uid)
    found = [await mailbox.mails.find_item_ids(folder_id, uids) for folder_id, uids in by_folder.items()]
    return [item_id for items in found for item_id in items.values()]


def _age(mail: Mail) -> tuple[int, int]:
    return mail.date, mail.item_id
