"""Deltas of contacts: what changed in a folder of contacts, or in all of them, since a client last asked.

How changes are told is explained in :mod:`postroom.domain.chains`. In all folders together a contact that is moved is
removed under one id and new under another. A folder that goes with its contacts leaves no tombstones of them: who
knows all folders starts anew then.
"""

from collections.abc import Sequence
from typing import NamedTuple

from postroom.domain.access import require_own
from postroom.domain.chains import Start, find_start, is_lost, read_page
from postroom.domain.contacts import ContactListRequest, Contacts, get_state, render_token
from postroom.domain.tokens import Chain, SyncToken, Tokens, refuse_token
from postroom.model.account import Caller
from postroom.model.contact import Contact, ContactSort
from postroom.model.ids import FolderId, FolderRef
from postroom.store import Store
from postroom.store.sql.contact_changes import ChangedContact, ContactState, RemovedContact
from postroom.store.sql.deltas import Place
from postroom.store.tx import Snapshot


class Present(NamedTuple):
    """What an answer depends on, beside the question: the list's present token and its order."""

    token: str
    sort: ContactSort


class ContactDelta(NamedTuple):
    """A page of the changes of a list of contacts."""

    present: Present
    token: str
    total_items: int
    is_reset: bool
    has_more: bool
    new: Sequence[Contact]
    replaced: Sequence[Contact]
    removed: Sequence[RemovedContact]


class ContactDeltas:
    """The changes of contacts that a caller sees."""

    def __init__(self, store: Store, contacts: Contacts, tokens: Tokens) -> None:
        self._store = store
        self._contacts = contacts
        self._tokens = tokens

    async def find_present(self, caller: Caller, folder: FolderRef | None, text: str | None) -> Present:
        """Return what the answer to a token depends on; one look-up. Raises: notFound; badParameter; unavailable."""
        token = await self._contacts.token(caller, folder)
        self._parse(caller, folder, text)
        sort = await self._contacts.sort_for(caller, ContactListRequest())
        return Present(token, sort)

    async def changes(
        self, caller: Caller, folder: FolderRef | None, *, text: str | None, limit: int
    ) -> ContactDelta:
        """Return what changed since the token ``text`` was given; None or "": everything is new.

        Raises: notFound; badParameter; unavailable.
        """
        owner = caller.account_id
        if folder is not None:
            require_own(caller, folder.owner, "the folder")
        sort = await self._contacts.sort_for(caller, ContactListRequest())
        async with self._store.read(owner) as mailbox:
            state = await get_state(mailbox, folder)
            token = self._parse(caller, folder, text)
            is_reset = token is not None and is_lost(token, state)
            start = find_start(None if is_reset else token, state)
            source = _Source(mailbox, None if folder is None else folder.folder)
            page = await read_page(source, start, limit=limit)
        present = render_token(self._tokens, owner, folder, state=state)
        changed = [row for row in page.rows if isinstance(row, ChangedContact)]
        return ContactDelta(
            Present(present, sort),
            self._render_inside(caller, folder, state, start=start, end=page.end)
            if page.has_more
            else present,
            state.total_items,
            is_reset,
            page.has_more,
            [row.contact for row in changed if row.entered_modseq > start.base],
            [row.contact for row in changed if row.entered_modseq <= start.base],
            [row for row in page.rows if isinstance(row, RemovedContact)],
        )

    def _render_inside(
        self, caller: Caller, folder: FolderRef | None, state: ContactState, *, start: Start, end: Place
    ) -> str:
        chain = Chain(end.modseq, end.uid, start.first)
        if folder is not None:
            return self._tokens.mails_token(
                folder, validity=state.uid_validity, modseq=start.base, chain=chain
            )
        return self._tokens.render(SyncToken("contacts", (int(caller.account_id),), 0, start.base, chain))

    def _parse(self, caller: Caller, folder: FolderRef | None, text: str | None) -> SyncToken | None:
        if not text:
            return None
        token = self._tokens.parse(text, kind="contacts" if folder is None else "mails")
        if token.scope != ((caller.account_id,) if folder is None else tuple(folder)):
            raise refuse_token()
        return token


class _Source:
    """The changes of a folder, or of all folders."""

    def __init__(self, mailbox: Snapshot, folder_id: FolderId | None) -> None:
        self._mailbox = mailbox
        self._folder_id = folder_id

    async def list_changed(self, *, after: tuple[int, int], limit: int) -> list[ChangedContact]:
        return await self._mailbox.contact_changes.list_changed(self._folder_id, after=after, limit=limit)

    async def list_removed(self, *, after: tuple[int, int], limit: int) -> list[RemovedContact]:
        return await self._mailbox.contact_changes.list_removed(self._folder_id, after=after, limit=limit)
