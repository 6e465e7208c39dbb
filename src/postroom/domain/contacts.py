"""Contacts of a caller: lists and single ones, those that are found as one types, and their pictures.

Who types gets those used most, of all that have, for each word typed, a word of theirs that begins with it. The store
gives the first words of each level of use (:mod:`postroom.store.sql.contact_words`). A contact may have several of
them, so that there may be fewer contacts than words: then more words are asked for, until there are enough contacts
or no more words.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from postroom.domain.access import require_own
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
from postroom.store.sql.contact_words import MAX_WORDS, FoundWord
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
    """A contact with its picture."""

    contact: Contact
    avatar: Avatar | None


Pictures = list[tuple[Contact, Avatar]]
"""Contacts with their pictures."""


class ContactListRequest(NamedTuple):
    """A page asked for; None where the client gave nothing. No folder stands for all of them."""

    folder: FolderRef | None = None
    field: ContactField | None = None
    descending: bool | None = None
    start: int = 0
    limit: int | None = None


def render_token(
    tokens: Tokens, account_id: AccountId, folder: FolderRef | None, *, state: ContactState
) -> str:
    """Return the token of a list of contacts."""
    if folder is not None:
        return tokens.mails_token(folder, validity=state.uid_validity, modseq=state.content_modseq)
    return tokens.render(SyncToken("contacts", (int(account_id),), 0, state.content_modseq))


class Contacts:
    """The contacts a caller sees."""

    def __init__(self, store: Store, sessions: Sessions, settings: Settings, *, tokens: Tokens) -> None:
        self._store = store
        self._sessions = sessions
        self._settings = settings
        self._tokens = tokens

    async def token(self, caller: Caller, folder: FolderRef | None) -> str:
        """Return the token of a list; one look-up. Raises: notFound; unavailable."""
        owner = _owner_of(caller, folder)
        async with self._store.peek(owner) as mailbox:
            if folder is not None:
                state = await mailbox.contact_changes.find(folder.folder)
            else:
                modseq = await mailbox.contact_changes.find_modseq()
                state = None if modseq is None else ContactState(0, modseq, modseq, 0, modseq)
        if state is None:
            raise not_found("the folder" if folder is not None else "the mailbox")
        return render_token(self._tokens, owner, folder, state=state)

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
        """Return a page of contacts; ``limit`` defaults to the account's page size. Raises: notFound; unavailable."""
        owner = _owner_of(caller, request.folder)
        sort = await self.sort_for(caller, request)
        limit = await self._settings.page_size(caller, request.limit)
        folder_id = None if request.folder is None else request.folder.folder
        async with self._store.read(owner) as mailbox:
            state = await get_state(mailbox, request.folder)
            contacts = await mailbox.contacts.list_page(
                folder_id, sort, start=request.start, limit=limit, total_items=state.total_items
            )
        token = render_token(self._tokens, owner, request.folder, state=state)
        return ContactPage(token, state.total_items, sort, contacts)

    async def get(self, caller: Caller, ref: ContactRef) -> FullContact:
        """Return a contact. Raises: notFound; unavailable."""
        require_own(caller, ref.owner, "the contact")
        async with self._store.read(ref.owner) as mailbox:
            contact = await mailbox.contacts.find(ref.folder, ref.uid)
            if contact is None:
                raise not_found("the contact")
            avatar = await mailbox.contacts.find_avatar(contact.item_id) if contact.has_avatar else None
        return FullContact(contact, avatar)

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

    async def find_avatars(self, caller: Caller, refs: Sequence[ContactRef]) -> Pictures:
        """Return those of the contacts that are there and have a picture. Raises: badParameter; unavailable."""
        _check_many(len(refs), "contactIds")
        found: Pictures = []
        async with self._store.read(caller.account_id) as mailbox:
            for ref in dict.fromkeys(refs):
                if ref.owner == caller.account_id:
                    contact = await mailbox.contacts.find(ref.folder, ref.uid)
                    found += [] if contact is None else await _picture_of(mailbox, contact)
        return found

    async def find_avatars_of(self, caller: Caller, addresses: Sequence[str]) -> Pictures:
        """Return, for each address, the first contact with a picture whose main address contains it.

        First is who comes first by name. Raises: badParameter; unavailable.
        """
        _check_many(len(addresses), "contactEmailAddresses")
        wanted = [key for key in dict.fromkeys(sort_key(one.strip()) for one in addresses) if key]
        async with self._store.read(caller.account_id) as mailbox:
            pictured = await mailbox.contacts.list_pictured() if wanted else []
            numbers = _find_containing(pictured, wanted)
            contacts = await mailbox.contacts.list_items(numbers)
            found: Pictures = []
            for number in numbers:
                if number in contacts:
                    found += await _picture_of(mailbox, contacts[number])
        return found


def _owner_of(caller: Caller, folder: FolderRef | None) -> AccountId:
    if folder is not None:
        require_own(caller, folder.owner, "the folder")
    return caller.account_id


async def get_state(mailbox: Snapshot, folder: FolderRef | None) -> ContactState:
    """Return where a list of contacts stands. Raises: notFound."""
    state = await mailbox.contact_changes.find(None if folder is None else folder.folder)
    if state is None:
        raise not_found("the folder" if folder is not None else "the mailbox")
    return state


async def _complete(mailbox: Snapshot, words: Sequence[bytes], *, limit: int) -> Sequence[Contact]:
    asked = limit * _WORDS_A_CONTACT
    while True:
        rows = sorted(await mailbox.contact_words.complete(words, limit=asked), key=_rank)
        cut = _find_cut(rows, asked)
        # Below a level that was cut nothing is sure.
        numbers = dict.fromkeys(row.item_id for row in rows if row.level >= cut)
        found = await _list_first(mailbox, list(numbers), limit=limit)
        if len(found) == limit or cut < 0:
            return found
        asked *= 8


def _rank(row: FoundWord) -> tuple[int, bytes, int]:
    return -row.uses, row.word, row.item_id


def _find_cut(rows: Sequence[FoundWord], asked: int) -> int:
    """Return the highest level of which there may be more words than these, -1 if there is none."""
    counts = Counter(row.level for row in rows)
    return max((level for level, count in counts.items() if count == asked), default=-1)


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


async def _picture_of(mailbox: Snapshot, contact: Contact) -> list[tuple[Contact, Avatar]]:
    avatar = await mailbox.contacts.find_avatar(contact.item_id) if contact.has_avatar else None
    return [] if avatar is None else [(contact, avatar)]


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
