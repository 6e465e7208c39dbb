"""Deltas: what changed in a folder, or of the folders, since a client last asked.

Mails. The changes of a folder have an order: mails by the modseq of their last change, removed ones by that of their
removal, and the uid. How a client is told of them, page by page, is explained in :mod:`postroom.domain.chains`.

A search folder has the same order of changes, only that its mails go by their numbers: they keep them wherever they
are, so that one that was moved is told anew under the same id. What was found once may be known to every client.

Folders are few: they are all looked at, and there are no pages.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

from postroom.domain.access import READ, require, without_labels
from postroom.domain.chains import Page, Source, find_start, is_lost, read_page
from postroom.domain.mails import LIST_KIND
from postroom.domain.search_folders import LIST_KIND as SEARCH_KIND
from postroom.domain.search_folders import Opened, SearchFolders, see_mails
from postroom.domain.search_views import folder_of, list_changed, list_gone, with_rows
from postroom.domain.sessions import Sessions
from postroom.domain.shared_folders import (
    MODES,
    OWN,
    SharedDelta,
    compare_shared,
    list_shared,
    parents_first,
    read_standings,
    stand,
)
from postroom.domain.steps import DropFolder, RemoveFolder, read_record
from postroom.domain.tokens import Chain, SyncToken, Tokens, mails_scope, refuse_token
from postroom.errors import not_found
from postroom.model.account import Caller
from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId, FolderRef, ItemId, MailRef, Modseq, Uid
from postroom.model.listing import Sort
from postroom.model.mail import Mail
from postroom.model.search_folder import is_search_folder
from postroom.store import Store
from postroom.store.sql.deltas import Content, Place, Removed, RemovedFolder
from postroom.store.tx import Snapshot


class Present(NamedTuple):
    """What an answer depends on, beside the question: the list's present token and its order."""

    token: str
    sort: Sort


class MailDelta(NamedTuple):
    """A page of the changes of a folder's mails."""

    folder_id: FolderId
    present: Present
    token: str
    total_items: int
    uid_validity: int
    is_reset: bool = False
    has_more: bool = False
    new: tuple[Mail, ...] = ()
    replaced: tuple[Mail, ...] = ()
    updated: tuple[Mail, ...] = ()
    removed: tuple[Uid, ...] = ()
    originals: Mapping[ItemId, MailRef] = {}
    """In a search folder: where each of the mails is."""


class ChangedFolder(NamedTuple):
    """A folder that changed; ``old_parent_id`` is None if its path did not."""

    folder: Folder
    old_parent_id: FolderId | None


class FolderDelta(NamedTuple):
    """The changes of the folders, each kind in the order in which a client can follow them."""

    token: str
    is_reset: bool = False
    new: tuple[Folder, ...] = ()
    changed: tuple[ChangedFolder, ...] = ()
    removed: tuple[FolderId, ...] = ()
    shared: SharedDelta = SharedDelta()


class _Source(Source[Mail, Removed], Protocol):
    """Where the changes of a list of mails are read."""

    content: Content

    @property
    def originals(self) -> Mapping[ItemId, MailRef]:
        """Where the mails that were listed are, if this is not the list of their folder."""


class Deltas:
    """The changes a caller sees."""

    def __init__(
        self, store: Store, sessions: Sessions, tokens: Tokens, *, search_folders: SearchFolders
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._tokens = tokens
        self._search_folders = search_folders

    # Mails

    async def find_present(self, caller: Caller, ref: FolderRef, text: str | None) -> Present:
        """Return what the answer to a token depends on; one look-up. Raises: notFound; badParameter; unavailable."""
        present, _ = await self._look(caller, ref, text)
        return present

    async def mails(self, caller: Caller, ref: FolderRef, *, text: str | None, limit: int) -> MailDelta:
        """Return what changed in a folder since the token ``text`` was given; None or "": everything is new.

        Raises: notFound; badParameter; unavailable.
        """
        present, content = await self._look(caller, ref, text)
        if present.token == text:
            return MailDelta(ref.folder, present, text, content.total_items, content.uid_validity)
        token = self._parse(caller, ref, text)
        async with self._opened(caller, ref) as source:
            content = source.content
            is_reset = token is not None and is_lost(token, content)
            start = find_start(None if is_reset else token, content)
            page = await read_page(source, start, limit=limit)
        present = present._replace(token=self._render(caller, ref, content))
        chain = Chain(page.end.modseq, page.end.uid, start.first) if page.has_more else None
        delta = MailDelta(
            ref.folder,
            present,
            present.token
            if chain is None
            else self._render(caller, ref, content, base=start.base, chain=chain),
            content.total_items,
            content.uid_validity,
            is_reset,
            page.has_more,
            originals=source.originals,
        )
        return _sort_out(page, start.base, delta)

    async def _look(self, caller: Caller, ref: FolderRef, text: str | None) -> tuple[Present, Content]:
        kind = LIST_KIND
        if is_search_folder(ref.folder):
            kind = SEARCH_KIND
            content = _content_of(await self._search_folders.folder_state(caller, ref), Modseq(0))
        else:
            is_own = ref.owner == caller.account_id
            enter = self._store.peek if is_own else self._store.read
            async with enter(ref.owner) as mailbox:
                content = await _get_content(mailbox, caller, ref.folder)
        self._parse(caller, ref, text)
        sort = await self._sessions.sort_for(caller, kind, field=None, descending=None)
        return Present(self._render(caller, ref, content), sort), content

    @asynccontextmanager
    async def _opened(self, caller: Caller, ref: FolderRef) -> AsyncIterator[_Source]:
        """Enter a snapshot of a list. Raises: notFound; unavailable."""
        if is_search_folder(ref.folder):
            async with self._search_folders.opened(caller, ref) as opened:
                yield _SearchSource(opened._replace(view=await with_rows(opened.mailbox, opened.view)))
            return
        async with self._store.read(ref.owner) as mailbox:
            content = await _get_content(mailbox, caller, ref.folder)
            yield _FolderSource(mailbox, ref.folder, content, caller.account_id)

    def _render(
        self, caller: Caller, ref: FolderRef, content: Content, *, base: int = 0, chain: Chain | None = None
    ) -> str:
        modseq = content.content_modseq if chain is None else base
        return self._tokens.mails_token(
            ref, validity=content.uid_validity, modseq=modseq, chain=chain, reader=caller.account_id
        )

    def _parse(self, caller: Caller, ref: FolderRef, text: str | None) -> SyncToken | None:
        if not text:
            return None
        token = self._tokens.parse(text, kind="mails")
        if token.scope != mails_scope(ref, caller.account_id):
            raise refuse_token()
        return token

    # Folders

    async def folders(self, caller: Caller, *, text: str | None, access_mode: str) -> FolderDelta:
        """Return what changed of the caller's folders since the token ``text`` was given; None or "": all are new.

        Raises: notFound; badParameter; unavailable.
        """
        token = self._parse_folders(caller, text, access_mode)
        async with self._store.read(caller.account_id) as mailbox:
            state = await mailbox.mailbox.find()
            if state is None:
                raise not_found("the mailbox")
            modes = MODES[access_mode]
            owners = await list_shared(mailbox, caller, modes)
            own = int(state.folders_modseq) if OWN in modes else 0
            present = self._tokens.folders_token(
                caller.account_id, own, access_mode, standings=(stand(owner) for owner in owners)
            )
            if present == text:
                return FolderDelta(present)
            delta = FolderDelta(present, shared=compare_shared(owners, read_standings(token)))
            if OWN not in modes:
                return delta
            known = token.modseq if token is not None and OWN in MODES[str(token.scope[1])] else 0
            oldest = min(state.forgotten_modseq, state.folders_modseq)
            if known > state.folders_modseq or 0 < known < oldest:
                return delta._replace(
                    is_reset=True, new=tuple(parents_first(await mailbox.folders.list_all()))
                )
            return await _compare_folders(mailbox, known, delta)

    def _parse_folders(self, caller: Caller, text: str | None, access_mode: str) -> SyncToken | None:
        if not text:
            return None
        token = self._tokens.parse(text, kind="folders")
        account_id, known_mode = token.scope[:2]
        if account_id != caller.account_id or not MODES[str(known_mode)] <= MODES[access_mode]:
            raise refuse_token()
        return token


class _FolderSource:
    """The changes of a folder."""

    def __init__(
        self, mailbox: Snapshot, folder_id: FolderId, content: Content, reader_id: AccountId
    ) -> None:
        self.content = content
        self.originals: Mapping[ItemId, MailRef] = {}
        self._mailbox = mailbox
        self._folder_id = folder_id
        self._reader_id = reader_id

    async def list_changed(self, *, after: tuple[int, int], limit: int) -> list[Mail]:
        if self._reader_id != self._mailbox.account_id:
            marks = self._mailbox.reader_marks
            changed = await marks.list_changed(
                self._folder_id, self._reader_id, after=Place(*after), limit=limit
            )
            return [without_labels(mail) for mail in changed]
        return await self._mailbox.deltas.list_mails(self._folder_id, after=Place(*after), limit=limit)

    async def list_removed(self, *, after: tuple[int, int], limit: int) -> list[Removed]:
        return await self._mailbox.deltas.list_removed(self._folder_id, after=Place(*after), limit=limit)


class _SearchSource:
    """The changes of a search folder; the uid of a mail is its number."""

    def __init__(self, opened: Opened) -> None:
        self.content = _content_of(folder_of(opened.view), Modseq(opened.view.modseq))
        self.originals: dict[ItemId, MailRef] = {}
        self._opened = opened

    async def list_changed(self, *, after: tuple[int, int], limit: int) -> list[Mail]:
        changed = list_changed(self._opened.view, Place(*after), limit=limit)
        back = self._opened.view.noted.back
        seen = await see_mails(self._opened, [item for _, item in changed])
        self.originals.update(seen.originals)
        modseqs = {item: Modseq(modseq) for modseq, item in changed}
        return [
            mail._replace(
                modseq=modseqs[mail.item_id],
                entered_modseq=Modseq(max(mail.entered_modseq, back.get(mail.item_id, 0))),
            )
            for mail in seen.mails
        ]

    async def list_removed(self, *, after: tuple[int, int], limit: int) -> list[Removed]:
        gone = list_gone(self._opened.view, Place(*after), limit=limit)
        return [Removed(Modseq(modseq), Uid(item), Modseq(0)) for modseq, item in gone]


def _content_of(folder: Folder, mailbox_modseq: Modseq) -> Content:
    """Return where the content of a search folder stands; nothing of it is forgotten."""
    return Content(folder.uid_validity, folder.content_modseq, Modseq(0), folder.total_items, mailbox_modseq)


async def _get_content(mailbox: Snapshot, caller: Caller, folder_id: FolderId) -> Content:
    """Return where the content of a folder stands, as a caller has it. Raises: notFound; notPermitted."""
    await require(mailbox, caller, folder_id, needs=READ)
    content = await mailbox.deltas.find_content(folder_id)
    if content is None:
        raise not_found("the folder")
    if mailbox.account_id == caller.account_id:
        return content
    state = await mailbox.reader_marks.find_state(folder_id, caller.account_id)
    return content._replace(content_modseq=Modseq(max(content.content_modseq, state.modseq)))


# Mails


def _sort_out(page: Page[Mail | Removed], base: int, delta: MailDelta) -> MailDelta:
    new: list[Mail] = []
    replaced: list[Mail] = []
    updated: list[Mail] = []
    for row in page.rows:
        if isinstance(row, Removed):
            continue
        if row.entered_modseq > base:
            new.append(row)
        elif row.replaced_modseq > base:
            replaced.append(row)
        else:
            updated.append(row)
    return delta._replace(
        new=tuple(new),
        replaced=tuple(replaced),
        updated=tuple(updated),
        removed=tuple(row.uid for row in page.rows if isinstance(row, Removed)),
    )


# Folders


async def _compare_folders(mailbox: Snapshot, known: int, delta: FolderDelta) -> FolderDelta:
    """Return what changed of the folders after the position ``known``."""
    folders = parents_first(await mailbox.folders.list_all())
    removed = [
        each for each in await mailbox.deltas.list_removed_folders(known) if each.created_modseq <= known
    ]
    parents = await _list_last_parents(mailbox, removed)
    parents |= {folder.folder_id: folder.parent_id for folder in folders}
    parents |= await mailbox.deltas.list_past_parents(known)
    changed = [
        ChangedFolder(folder, parents[folder.folder_id] if folder.modseq > known else None)
        for folder in folders
        if folder.created_modseq <= known < max(folder.modseq, folder.content_modseq)
    ]
    return delta._replace(
        new=tuple(folder for folder in folders if folder.created_modseq > known),
        changed=tuple(changed),
        removed=tuple(_children_first([each.folder_id for each in removed], parents)),
    )


async def _list_last_parents(mailbox: Snapshot, removed: Sequence[RemovedFolder]) -> dict[FolderId, FolderId]:
    """Return the parents that folders had when they were removed, as far as the operation log reaches."""
    parents: dict[FolderId, FolderId] = {}
    for modseq in {each.modseq for each in removed}:
        entry = await mailbox.operations.find(modseq)
        for step in read_record(entry.data).steps if entry is not None else ():
            if isinstance(step, RemoveFolder | DropFolder):
                parents[FolderId(step.folder_id)] = FolderId(step.place.parent_id)
    return parents


def _children_first(removed: list[FolderId], parents: dict[FolderId, FolderId]) -> list[FolderId]:
    """Return removed folders such that each comes before the parent that the client knows it by.

    Where that is not remembered, a folder is taken to lie in an older one.
    """

    def depth(folder_id: FolderId) -> int:
        levels = 0
        while folder_id in parents and levels <= len(parents):
            folder_id = parents[folder_id]
            levels += 1
        return levels

    return sorted(removed, key=lambda folder_id: (-depth(folder_id), -folder_id))
