"""Contacts that a caller sees: lists and single ones, those that are found as one types, and their pictures.

A folder of another's is listed by its name alone: what is found in all folders together, or as one types, is one's
own.

Who types gets those used most, of all that have, for each word typed, a word of theirs that begins with it. The store
gives the first of such words, by use (:mod:`postroom.store.sql.contact_words`). A contact may have several of
them, so that there may be fewer contacts than words: then more words are asked for, until there are enough contacts
or no more words.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from postroom.domain.access import LIST, READ, find_rights, require
from postroom.domain.contact_cards import words_of_query
from postroom.domain.sessions import Sessions
from postroom.domain.settings import Settings
from postroom.domain.tokens import SyncToken, Tokens
from postroom.errors import bad_parameter, not_found
from postroom.mime.summary import sort_key
from postroom.model.account import Caller
from postroom.model.contact import Avatar, Contact, ContactField, ContactRef, ContactSort
from postroom.model.ids import AccountId, FolderRef, ItemId
from postroom.store import Store
from postroom.store.sql.contact_changes import ContactState
from postroom.store.sql.contact_words import MAX_WORDS
from postroom.store.sql.contacts import MANY
from postroom.store.tx import Snapshot

LIST_KIND = "contacts"
MAX_QUERY_CHARS = 256
MAX_AVATARS = 100
"""Contacts or addresses that pictures are asked for in one call."""
_WORDS_A_CONTACT = 2


class ContactPage(NamedTuple):
    """A page of a list of contacts, without their notes and members."""

    token: str
    total_items: int
    sort: ContactSort
    contacts: Sequence[Contact]


class FullContact(NamedTuple):
    """A contact with its picture, and who has it."""

    owner: AccountId
    contact: Contact
    avatar: Avatar | None


class Picture(NamedTuple):
    """A contact with a picture, and who has it."""

    owner: AccountId
    contact: Contact
    avatar: Avatar


class ContactListRequest(NamedTuple):
    """A page asked for; None where the client gave nothing. No folder stands for all of them."""

    folder: FolderRef | None = None
    field: ContactField | None = None
    descending: bool | None = None
    start: int = 0
    limit: int | None = None


def render_token(tokens: Tokens, reader: AccountId, folder: FolderRef | None, *, state: ContactState) -> str:
    """Return the token of a list of contacts, as a reader has it."""
    if folder is not None:
        return tokens.mails_token(
            folder, validity=state.uid_validity, modseq=state.content_modseq, reader=reader
        )
    return tokens.render(SyncToken("contacts", (int(reader),), 0, state.content_modseq))


class Contacts:
    """The contacts a caller sees."""

    def __init__(self, store: Store, sessions: Sessions, settings: Settings, *, tokens: Tokens) -> None:
        self._store = store
        self._sessions = sessions
        self._settings = settings
        self._tokens = tokens

    async def token(self, caller: Caller, folder: FolderRef | None) -> str:
        """Return the token of a list; one look-up, two in another's folder.

        Raises: notFound; notPermitted; unavailable.
        """
        owner = owner_of(caller, folder)
        opened = self._store.peek(owner) if owner == caller.account_id else self._store.read(owner)
        async with opened as mailbox:
            if folder is not None:
                await require(mailbox, caller, folder.folder, needs=READ)
                state = await mailbox.contact_changes.find(folder.folder)
            else:
                modseq = await mailbox.contact_changes.find_modseq()
                state = None if modseq is None else ContactState(0, modseq, modseq, 0, modseq)
        if state is None:
            raise not_found("the folder" if folder is not None else "the mailbox")
        return render_token(self._tokens, caller.account_id, folder, state=state)

    async def sort_for(self, caller: Caller, request: ContactListRequest) -> ContactSort:
        """Return the order of a list: what is asked for, else the last one. Raises: unavailable."""
        field, is_descending = await self._sessions.order_for(
            caller,
            LIST_KIND,
            given=(None if request.field is None else request.field.value, request.descending),
            default=(ContactField.NAME.value, False),
        )
        return ContactSort(ContactField(field), is_descending)

    async def list(self, caller: Caller, request: ContactListRequest) -> ContactPage:
        """Return a page of contacts; ``limit`` defaults to the account's page size.

        Raises: notFound; notPermitted; unavailable.
        """
        owner = owner_of(caller, request.folder)
        sort = await self.sort_for(caller, request)
        limit = await self._settings.page_size(caller, request.limit)
        folder_id = None if request.folder is None else request.folder.folder
        async with self._store.read(owner) as mailbox:
            state = await get_state(mailbox, caller, request.folder)
            contacts = await mailbox.contacts.list_page(
                folder_id, sort, start=request.start, limit=limit, total_items=state.total_items
            )
        token = render_token(self._tokens, caller.account_id, request.folder, state=state)
        return ContactPage(token, state.total_items, sort, contacts)

    async def get(self, caller: Caller, ref: ContactRef) -> FullContact:
        """Return a contact. Raises: notFound; notPermitted; unavailable."""
        async with self._store.read(ref.owner) as mailbox:
            await require(mailbox, caller, ref.folder, needs=READ, what="the contact")
            contact = await mailbox.contacts.find(ref.folder, ref.uid)
            if contact is None:
                raise not_found("the contact")
            avatar = await mailbox.contacts.find_avatar(contact.item_id) if contact.has_avatar else None
        return FullContact(ref.owner, contact, avatar)

    # Those found as one types

    async def complete(self, caller: Caller, query: str, *, limit: int) -> Sequence[Contact]:
        """Return up to ``limit`` contacts with words that begin as those of ``query`` do, the most used first.

        Raises: badParameter; unavailable.
        """
        if len(query) > MAX_QUERY_CHARS:
            raise bad_parameter("query", f"query must have at most {MAX_QUERY_CHARS} characters")
        words = words_of_query(query)[:MAX_WORDS]
        if not words:
            return []
        async with self._store.read(caller.account_id) as mailbox:
            return await _complete(mailbox, words, limit=limit)

    # Pictures

    async def find_avatars(self, caller: Caller, refs: Sequence[ContactRef]) -> Sequence[Picture]:
        """Return those of the contacts that are there, may be read and have a picture.

        Raises: badParameter; unavailable.
        """
        _check_many(len(refs), "contactIds")
        found: list[Picture] = []
        readable: dict[FolderRef, bool] = {}
        async with self._store.read(caller.account_id) as own:
            for ref in dict.fromkeys(refs):
                mailbox, folder = own.at(ref.owner), FolderRef(ref.owner, ref.folder)
                if folder not in readable:
                    rights = await find_rights(mailbox, caller, ref.folder)
                    readable[folder] = LIST in rights and READ in rights
                contact = await mailbox.contacts.find(ref.folder, ref.uid) if readable[folder] else None
                found += [] if contact is None else await _picture_of(mailbox, contact)
        return found

    async def find_avatars_of(self, caller: Caller, addresses: Sequence[str]) -> Sequence[Picture]:
        """Return, for each address, the first own contact with a picture whose main address contains it.

        First is who comes first by name. Raises: badParameter; unavailable.
        """
        _check_many(len(addresses), "contactEmailAddresses")
        wanted = [key for key in dict.fromkeys(sort_key(one.strip()) for one in addresses) if key]
        async with self._store.read(caller.account_id) as mailbox:
            pictured = await mailbox.contacts.list_pictured() if wanted else []
            numbers = _find_containing(pictured, wanted)
            contacts = await mailbox.contacts.list_items(numbers)
            found: list[Picture] = []
            for number in numbers:
                if number in contacts:
                    found += await _picture_of(mailbox, contacts[number])
        return found


def owner_of(caller: Caller, folder: FolderRef | None) -> AccountId:
    """Return whose contacts are in a folder; those of all folders are the caller's."""
    return caller.account_id if folder is None else folder.owner


async def get_state(mailbox: Snapshot, caller: Caller, folder: FolderRef | None) -> ContactState:
    """Return where a list of contacts stands. Raises: notFound; notPermitted."""
    if folder is not None:
        await require(mailbox, caller, folder.folder, needs=READ)
    state = await mailbox.contact_changes.find(None if folder is None else folder.folder)
    if state is None:
        raise not_found("the folder" if folder is not None else "the mailbox")
    return state


async def _complete(mailbox: Snapshot, words: Sequence[bytes], *, limit: int) -> Sequence[Contact]:
    asked = limit * _WORDS_A_CONTACT
    while True:
        rows = await mailbox.contact_words.complete(words, limit=asked)
        numbers = dict.fromkeys(row.item_id for row in rows)
        found = await _list_first(mailbox, list(numbers), limit=limit)
        if len(found) == limit or len(rows) < asked:
            return found
        asked *= 8


async def _list_first(mailbox: Snapshot, numbers: Sequence[ItemId], *, limit: int) -> Sequence[Contact]:
    """Return the first of the contacts; of those whose folder is gone, words may still be there."""
    found: list[Contact] = []
    for start in range(0, len(numbers), MANY):
        some = numbers[start : start + MANY]
        contacts = await mailbox.contacts.list_items(some)
        found += [contacts[number] for number in some if number in contacts]
        if len(found) >= limit:
            break
    return found[:limit]


async def _picture_of(mailbox: Snapshot, contact: Contact) -> list[Picture]:
    avatar = await mailbox.contacts.find_avatar(contact.item_id) if contact.has_avatar else None
    return [] if avatar is None else [Picture(mailbox.account_id, contact, avatar)]


def _check_many(count: int, parameter: str) -> None:
    if count > MAX_AVATARS:
        raise bad_parameter(parameter, f"{parameter} may name at most {MAX_AVATARS}")


def _find_containing(pictured: Sequence[tuple[ItemId, bytes]], wanted: Sequence[bytes]) -> list[ItemId]:
    """Return, for each of the wanted, the first whose key contains it; each once."""
    # One text of all keys is searched a hundred times faster than each of them.
    text = b"\n".join(key for _, key in pictured)
    ends = list(accumulate(len(key) + 1 for _, key in pictured))
    places = [text.find(part) for part in wanted if b"\n" not in part]
    return list(dict.fromkeys(pictured[bisect_right(ends, place)][0] for place in places if place >= 0))
