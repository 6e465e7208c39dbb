"""Search folders: what a search has found, kept for who asked, and used like any folder of mails.

A search folder belongs to the session that asked, and ends with it. Without a session it belongs to the account, for
a quarter of an hour. A session has at most so many; the oldest goes. What was found is stored once, so that every
process knows it. What each process remembers of it (:mod:`postroom.domain.search_views`) is bounded, and made anew
where it is missing.

A mail that was found is named by its number in the account. Calls about single mails take that name as well as the
proper one: :meth:`SearchFolders.resolve` is the one place where the first becomes the second.
"""

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from postroom.config.auth import AuthConfig
from postroom.domain.access import asker_of, list_readable
from postroom.domain.access import see_mails as see_as_reader
from postroom.domain.clock import Clock
from postroom.domain.memory import Memory
from postroom.domain.search_views import (
    View,
    advance_view,
    cut_page,
    folder_of,
    is_visible,
    make_view,
    order_view,
    with_notes,
)
from postroom.domain.sessions import Sessions
from postroom.domain.settings import Settings
from postroom.errors import PostroomError, not_found, unavailable
from postroom.model.account import Caller
from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId, FolderRef, ItemId, MailRef, Modseq, Uid
from postroom.model.listing import MailListRequest, MailPage, Sort
from postroom.model.mail import Mail
from postroom.model.search_folder import FIRST_SEARCH_FOLDER, NO_SESSION, SearchFolder, is_search_folder
from postroom.store import Store
from postroom.store.packing import make_numbers, pack_numbers, unpack_numbers
from postroom.store.sql.found_mails import Place
from postroom.store.sql.search_folders import Change, Holding, Standing
from postroom.store.tx import Snapshot

LIST_KIND = "search"
"""The kind of list whose sort a session remembers: not that of folders, which know no ``folderName``."""
MOST_OF_SESSION = 16
SESSIONLESS_MILLISECONDS = 15 * 60 * 1000
_RENEWED_MILLISECONDS = 10 * 60 * 1000
"""A search folder without a session that is asked for again lasts longer, if it has less time left than this."""
_RENEWED_NEWER = MOST_OF_SESSION // 2
"""One of a session that is asked for again becomes the newest, if so many are newer."""
MOST_REMEMBERED = 8_000_000
"""Numbers remembered in memory, of eight bytes each; about."""
UNWRITTEN_MILLISECONDS = 120_000
"""The use of a session may be written this much later (see :mod:`postroom.domain.sessions`)."""
_REMOVED_AT_ONCE = 100
_TRIES = 20


class Opened(NamedTuple):
    """A search folder at one instant."""

    mailbox: Snapshot
    view: View


class Seen(NamedTuple):
    """Mails as a search folder shows them, named by it, and where each of them is."""

    mails: list[Mail]
    originals: dict[ItemId, MailRef]


class SearchFolders:
    """The search folders that a caller has."""

    def __init__(self, store: Store, sessions: Sessions, settings: Settings, *, clock: Clock) -> None:
        self._store = store
        self._sessions = sessions
        self._settings = settings
        self._clock = clock
        self._views = Memory[tuple[AccountId, FolderId], View](store, most=MOST_REMEMBERED)

    # Making

    async def find(
        self, caller: Caller, fingerprint: bytes, *, owner: AccountId | None = None
    ) -> SearchFolder | None:
        """Return what the caller has found with the same question, if the mailbox has not changed since; one look-up.

        Of another's mailbox, the question says who asks.

        Raises: unavailable.
        """
        now, session_id = self._clock.now_ms(), caller.session_id or NO_SESSION
        owner = owner or caller.account_id
        async with self._store.peek(owner) as mailbox:
            same = await mailbox.search_folders.find_same(owner, session_id, fingerprint, now_ms=now)
        if same is None:
            return None
        folder = same.folder
        is_ending = 0 < folder.expires_at < now + _RENEWED_MILLISECONDS
        if is_ending or same.newer >= _RENEWED_NEWER:
            expires_at = now + SESSIONLESS_MILLISECONDS if folder.expires_at else 0
            async with self._store.directory_transaction() as tx:
                await tx.search_folders.renew(folder, expires_at=expires_at)
        return folder

    async def create(
        self,
        caller: Caller,
        item_ids: Iterable[int],
        *,
        fingerprint: bytes,
        modseq: Modseq,
        shows_discarded: bool = False,
        owner: AccountId | None = None,
    ) -> SearchFolder:
        """Keep what a search has found; the oldest that the session has may go for it.

        Args:
            caller: who asked.
            item_ids: the mails, the newest first (by date, then number); an ``array("q")`` is the cheapest.
            fingerprint: a hash of the question.
            modseq: where the owner's history stood in the snapshot that was searched.
            shows_discarded: the search looked into Spam or Trash too, so that what lies there is shown.
            owner: whose mails they are, if not the caller's.

        Raises: unavailable.
        """
        owner = owner or caller.account_id
        items = make_numbers(item_ids)
        packed = pack_numbers(items)
        now, session_id = self._clock.now_ms(), caller.session_id or NO_SESSION
        folder = SearchFolder(
            account_id=owner,
            search_id=_new_number(),
            session_id=session_id,
            modseq=modseq,
            changed_modseq=modseq,
            total_items=len(items),
            shows_discarded=int(shows_discarded),
            created_at=now,
            expires_at=0 if caller.session_id else now + SESSIONLESS_MILLISECONDS,
            reader_id=_reader_of(caller, owner),
        )
        async with self._store.directory_transaction() as tx:
            rows = tx.search_folders
            gone = await rows.delete_beyond(
                owner, session_id, keep=MOST_OF_SESSION - 1, reader_id=folder.reader_id
            )
            while not await rows.create(folder, fingerprint, packed):
                folder = folder._replace(search_id=_new_number())
        for search_id in gone:
            self._views.forget((owner, search_id))
        self._keep(make_view(folder, items))
        return folder

    # Listing

    async def list_page(self, caller: Caller, ref: FolderRef, request: MailListRequest) -> MailPage:
        """Return a page of a search folder; ``limit`` defaults to the account's page size.

        Raises: notFound; unavailable.
        """
        sort = await self.sort_for(caller, request)
        limit = await self._settings.page_size(caller, request.limit)
        async with self.opened(caller, ref) as opened:
            view = opened.view
            order = await order_view(opened.mailbox, view, sort.field)
            seen = await see_mails(opened, cut_page(order, sort, start=request.start, limit=limit))
            row = -1
            active = request.active
            if active is not None and (active.owner, active.folder) == ref and active.uid in order:
                row = order.index(active.uid)
                row = len(order) - 1 - row if sort.descending else row
        return MailPage(folder_of(view), sort, row, seen.mails, seen.originals)

    async def sort_for(self, caller: Caller, request: MailListRequest) -> Sort:
        """Return the order of a list; see :meth:`Sessions.sort_for`. Raises: unavailable."""
        return await self._sessions.sort_for(
            caller, LIST_KIND, field=request.field, descending=request.descending
        )

    async def folder_state(self, caller: Caller, ref: FolderRef) -> Folder:
        """Return what stands for a search folder; one look-up where nothing has changed.

        Raises: notFound; unavailable.
        """
        async with self._store.peek(ref.owner) as mailbox:
            standing = await self._find(caller, mailbox, ref.folder)
        if standing is None:
            raise not_found("the folder")
        known = self._views.find((ref.owner, ref.folder))
        if known is not None and _is_true(known, standing):
            return folder_of(known)
        async with self.opened(caller, ref) as opened:
            return folder_of(opened.view)

    @asynccontextmanager
    async def opened(self, caller: Caller, ref: FolderRef) -> AsyncIterator[Opened]:
        """Enter a snapshot with a search folder as it is there. Raises: notFound; unavailable."""
        for _ in range(_TRIES):
            async with self._store.read(ref.owner) as mailbox:
                standing = await self._find(caller, mailbox, ref.folder)
                if standing is None:
                    raise not_found("the folder")
                view, change = await self._advance(caller, mailbox, standing)
                if change is None:
                    self._keep(view)
                    yield Opened(mailbox, view)
                    return
            # What has gone must be noted before anybody is told, so that all are told the same.
            async with self._store.directory_transaction() as tx:
                noted = await tx.search_folders.add_change(standing.folder, change)
            if noted:
                self._keep(view)
        raise unavailable("the mails of the search folder are changing too quickly")

    async def _advance(
        self, caller: Caller, mailbox: Snapshot, standing: Standing
    ) -> tuple[View, Change | None]:
        folder, modseq = standing
        view = await self._load(mailbox, folder)
        if view.modseq > modseq:
            # Another task has seen a later instant than this snapshot is of.
            view = await _load_anew(mailbox, folder)
        if view.folder.changed_modseq != folder.changed_modseq:
            changes = await mailbox.search_folders.list_changes(folder.account_id, folder.search_id)
            view = with_notes(view, folder, changes)
        elif view.modseq == modseq:
            return view, None
        reader = asker_of(caller) if folder.reader_id else None
        return await advance_view(mailbox, view, modseq, reader=reader)

    async def _load(self, mailbox: Snapshot, folder: SearchFolder) -> View:
        known = self._views.find((folder.account_id, folder.search_id))
        return known or await _load_anew(mailbox, folder)

    async def _find(self, caller: Caller, mailbox: Snapshot, search_id: FolderId) -> Standing | None:
        """Return a search folder if the caller has it."""
        standing = await mailbox.search_folders.find(mailbox.account_id, search_id)
        if standing is None:
            return None
        folder = standing.folder
        if folder.reader_id != _reader_of(caller, mailbox.account_id):
            return None
        if folder.session_id not in {NO_SESSION, caller.session_id}:
            return None
        if 0 < folder.expires_at <= self._clock.now_ms():
            return None
        return standing

    # Single mails

    async def resolve(self, caller: Caller, ref: MailRef) -> MailRef:
        """Return the proper name of a mail, which may be named as one of a search folder.

        Raises: notFound; unavailable.
        """
        if not is_search_folder(ref.folder):
            return ref
        async with self._store.read(ref.owner) as mailbox:
            places = await self.find_places(caller, mailbox, ref.folder, item_ids=[ItemId(ref.uid)])
        if not places:
            raise not_found("the mail")
        [place] = places
        return MailRef(ref.owner, place.folder_id, place.uid)

    async def find_places(
        self, caller: Caller, mailbox: Snapshot, search_id: FolderId, *, item_ids: Sequence[ItemId]
    ) -> list[Place]:
        """Return where those of the mails are that are in a search folder; none if the caller has no such."""
        standing = await self._find(caller, mailbox, search_id)
        if standing is None:
            return []
        view = await self._load(mailbox, standing.folder)
        self._keep(view)
        places = await mailbox.found_mails.find_places([item for item in item_ids if view.holds(item)])
        folders = {
            folder_id: await mailbox.folders.find(folder_id)
            for folder_id in {place.folder_id for place in places}
        }
        if standing.folder.reader_id:
            readable = await list_readable(mailbox, asker_of(caller))
            places = [place for place in places if place.folder_id in readable]
        return [
            place
            for place in places
            if (where := folders[place.folder_id]) is not None and is_visible(view.folder, where)
        ]

    async def find_range(
        self, caller: Caller, start: MailRef, sort: Sort, *, limit: int
    ) -> list[ItemId] | None:
        """Return the mails of a list from one on; None if that is not there. Raises: unavailable."""
        ref = FolderRef(start.owner, start.folder)
        try:
            async with self.opened(caller, ref) as opened:
                order = await order_view(opened.mailbox, opened.view, sort.field)
        except PostroomError as error:
            if error.code == "notFound":
                return None
            raise
        if start.uid not in order:
            return None
        row = order.index(start.uid)
        row = len(order) - 1 - row if sort.descending else row
        return [ItemId(item) for item in cut_page(order, sort, start=row, limit=limit)]

    def _keep(self, view: View) -> None:
        self._views.keep((view.folder.account_id, view.folder.search_id), view)


async def remove_ended(store: Store, config: AuthConfig, *, now_ms: int) -> int:
    """Remove the search folders whose time or session is over; return how many there were. Raises: unavailable."""
    idle_before = now_ms - config.session_idle_seconds * 1000 - UNWRITTEN_MILLISECONDS
    account_id, search_id, removed = AccountId(0), FolderId(0), 0
    while True:
        async with store.directory() as directory:
            page = await directory.search_folders.list_after(account_id, search_id, limit=_REMOVED_AT_ONCE)
        ended = [
            (one.account_id, one.search_id)
            for one in page
            if _is_over(one, now_ms=now_ms, idle_before=idle_before)
        ]
        if ended:
            async with store.directory_transaction() as tx:
                await tx.search_folders.delete(ended)
        removed += len(ended)
        if len(page) < _REMOVED_AT_ONCE:
            return removed
        account_id, search_id = page[-1].account_id, page[-1].search_id


def _is_over(one: Holding, *, now_ms: int, idle_before: int) -> bool:
    if one.session_id == NO_SESSION:
        return one.expires_at <= now_ms
    if one.session_expires_at is None or one.session_used_at is None:
        return True
    return one.session_expires_at <= now_ms or one.session_used_at < idle_before


def _reader_of(caller: Caller, owner: AccountId) -> AccountId:
    """Return whose search folders in an owner's mailbox are the caller's: nobody's in his own."""
    return AccountId(0) if caller.account_id == owner else caller.account_id


def _new_number() -> FolderId:
    return FolderId(FIRST_SEARCH_FOLDER + secrets.randbits(48))


def _is_true(view: View, standing: Standing) -> bool:
    """Tell whether a view is that of the present instant."""
    return (
        view.modseq == standing.mailbox_modseq
        and view.folder.changed_modseq == standing.folder.changed_modseq
    )


async def _load_anew(mailbox: Snapshot, folder: SearchFolder) -> View:
    items = unpack_numbers(await mailbox.search_folders.read_items(folder.account_id, folder.search_id))
    changes = await mailbox.search_folders.list_changes(folder.account_id, folder.search_id)
    return make_view(folder, items, changes)


async def see_mails(opened: Opened, item_ids: Sequence[int]) -> Seen:
    """Return mails of a search folder, in the order of their numbers as given, and where they are."""
    owner, search_id = opened.view.folder.account_id, opened.view.folder.search_id
    found = await opened.mailbox.mails.locate_items([ItemId(item) for item in item_ids])
    mails: list[Mail] = []
    originals: dict[ItemId, MailRef] = {}
    for item in item_ids:
        located = found.get(ItemId(item))
        if located is None:  # a mail without a folder, which postroom check tells of
            continue
        mail = located.mail
        originals[mail.item_id] = MailRef(owner, mail.folder_id, mail.uid)
        mails.append(mail)
    reader_id = opened.view.folder.reader_id
    if reader_id:
        mails = await see_as_reader(opened.mailbox, reader_id, mails)
    shown = [mail._replace(folder_id=search_id, uid=Uid(mail.item_id)) for mail in mails]
    return Seen(shown, originals)
