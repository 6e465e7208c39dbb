"""Contacts in and out as vCards.

In a folder of another's an import needs the rights for new contacts and for changes, since a card may be either;
each slice looks at them anew, and so does each slice of an export.

What comes in is read card by card and filed slice by slice, each slice a short transaction, so that others have
their turn; a card is filed as a whole or not at all. A card is that of a contact of the folder if they have the same
UID, or else the same name and main address (where there is none, the same phone number). Then what the card says
takes the place of what the contact said, and what it says nothing of stays. What does not fit into a contact is made
to: texts are cut, addresses that are none are left out.

Groups come last, since their members may be named by the UIDs of other cards. What goes out is read slice by slice,
too: what changes meanwhile is in the file as it was before or after.
"""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import structlog

from postroom.compose.addresses import parse_address
from postroom.config.classes import AccountClass
from postroom.content.vcards import VCard, read_vcards, write_vcard
from postroom.domain.access import INSERT, READ, WRITE, lock_folders, require
from postroom.domain.contact_cards import (
    MAX_CHARS,
    MAX_MEMBERS,
    MAX_NOTES_CHARS,
    Card,
    card_of,
    check_card,
)
from postroom.domain.contact_changes import MAX_AVATAR_BYTES, find_room, session_of
from postroom.domain.contact_filing import (
    UNSET,
    NewContact,
    Unset,
    add_contacts,
    change_contact,
    get_contacts_folder,
)
from postroom.domain.contacts import get_state, render_token
from postroom.domain.steps import Record
from postroom.domain.thumbnails import make_thumbnail
from postroom.domain.tokens import Tokens
from postroom.domain.uploads import too_much
from postroom.errors import PostroomError, bad_parameter, not_found
from postroom.mime.summary import sort_key
from postroom.model.account import Caller
from postroom.model.contact import Avatar, Contact
from postroom.model.folder import CONTACTS
from postroom.model.ids import FolderId, FolderRef
from postroom.store import Store
from postroom.store.tx import Transaction

_IMPORTING = READ + WRITE + INSERT
MAX_IMPORT_BYTES = 16 << 20
MAX_CARDS = 100_000
MAX_IMPORT_LINES = 1_000_000
"""A line takes some time to be read, however short it is."""
SLICE = 50
"""Cards that are filed in one transaction, contacts that are read at once."""
MAX_UID_CHARS = 255
_PHOTO_SIDE = 256
"""Pictures of cards just cover a square of this side."""
_SPARED_CONTROLS = "\n\t"

_log = structlog.get_logger("postroom.contacts")


class Imported(NamedTuple):
    """How many cards became contacts, changed one, or were of no use."""

    imported: int = 0
    updated: int = 0
    failed: int = 0


class _Read(NamedTuple):
    """A card, fit to be filed."""

    card: Card
    uid: str
    photo: bytes

    @property
    def email(self) -> str:
        """The main address."""
        return self.card.email or self.card.business_email or self.card.home_email

    @property
    def keys(self) -> set[object]:
        """What other cards are recognised by as the same."""
        keys: set[object] = {self.uid} if self.uid else set()
        return keys | {(sort_key(self.card.name), sort_key(self.email), self._phone)}

    @property
    def _phone(self) -> str:
        return "" if self.email else self.card.phone


class ContactTransfer:
    """Import and export of a caller's contacts."""

    def __init__(self, store: Store, classes: Mapping[str, AccountClass], tokens: Tokens) -> None:
        self._store = store
        self._classes = classes
        self._tokens = tokens
        self._reading = asyncio.Semaphore(1)

    async def import_cards(self, caller: Caller, data: bytes, *, folder: FolderRef | None) -> Imported:
        """File the vCards of a file in a folder, Contacts if none is given; return what became of them.

        Raises: badParameter where there are no vCards; payloadTooLarge where there are too many; notFound;
        notPermitted; unavailable.
        """
        if data.upper().count(b"BEGIN:VCARD") > MAX_CARDS:
            raise too_much(f"a file has at most {MAX_CARDS} vCards", MAX_CARDS)
        if data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n") > MAX_IMPORT_LINES:
            raise too_much(f"a file has at most {MAX_IMPORT_LINES} lines", MAX_IMPORT_LINES)
        ref = folder or FolderRef(caller.account_id, CONTACTS)
        async with self._store.read(ref.owner) as mailbox:
            await require(mailbox, caller, ref.folder, needs=_IMPORTING)
            await get_contacts_folder(mailbox, ref.folder)
        done = Imported()
        slices = _in_slices(data)
        while (read := await self._read(slices)) is not None:
            ready = [one for one in read if one is not None]
            filed = await self._file(caller, ref, ready)
            failed = len(read) - filed.imported - filed.updated
            done = Imported(
                done.imported + filed.imported, done.updated + filed.updated, done.failed + failed
            )
            # Whoever waits for the store has a turn between two slices.
            await asyncio.sleep(0)
        if not any(done):
            raise bad_parameter("body", "the body holds no vCard")
        return done

    async def _read(self, slices: "Iterator[list[_Read | None]]") -> "list[_Read | None] | None":
        """Return the next slice. One import is read at a time, in a thread, since a file may hold anything."""
        async with self._reading:
            return await asyncio.to_thread(next, slices, None)

    async def _file(self, caller: Caller, ref: FolderRef, cards: list[_Read]) -> Imported:
        pictures = [await _find_picture(one.photo) for one in cards]
        async with self._store.transaction(ref.owner, session_id=session_of(caller, ref.owner)) as tx:
            await lock_folders(tx)
            await require(tx, caller, ref.folder, needs=_IMPORTING)
            if await tx.folders.find(ref.folder) is None:
                raise not_found("the folder")
            filing = _Filing(tx, ref.folder, room=await find_room(tx, self._classes))
            for one, picture in zip(cards, pictures, strict=True):
                await filing.take(one, picture)
            await filing.flush()
            if tx.modseq:
                await tx.log("contacts.import", Record(), modseq=tx.modseq)
        return Imported(filing.imported, filing.updated)

    async def begin_export(self, caller: Caller, folder: FolderRef | None) -> tuple[FolderRef, str]:
        """Return the folder that goes out, and the token that it has now.

        Raises: notFound; notPermitted; unavailable.
        """
        ref = folder or FolderRef(caller.account_id, CONTACTS)
        async with self._store.read(ref.owner) as mailbox:
            state = await get_state(mailbox, caller, ref)
        return ref, render_token(self._tokens, caller.account_id, ref, state=state)

    async def export(self, caller: Caller, ref: FolderRef, version: str) -> AsyncIterator[bytes]:
        """Yield the vCards of a folder. Raises: notFound; notPermitted; unavailable."""
        uid = 0
        while True:
            async with self._store.read(ref.owner) as mailbox:
                await require(mailbox, caller, ref.folder, needs=READ)
                contacts = await mailbox.contacts.list_after(ref.folder, uid, limit=SLICE)
                avatars = {
                    one.item_id: await mailbox.contacts.find_avatar(one.item_id)
                    for one in contacts
                    if one.has_avatar
                }
            if not contacts:
                return
            uid = contacts[-1].uid
            yield b"".join(write_vcard(_vcard_of(one, avatars.get(one.item_id)), version) for one in contacts)


class _Filing:
    """Files cards in one transaction; new ones are gathered, and made together."""

    def __init__(self, tx: Transaction, folder_id: FolderId, *, room: int) -> None:
        self.imported = self.updated = 0
        self._tx = tx
        self._folder_id = folder_id
        self._room = room
        self._new: list[NewContact] = []
        self._keys: set[object] = set()

    async def take(self, one: _Read, picture: Avatar | None) -> None:
        """File a card, now or with the next ones."""
        if not self._keys.isdisjoint(one.keys):
            await self.flush()
        known = await self._find(one)
        if known is not None:
            await self._update(known, one, picture)
        elif self._room:
            self._room -= 1
            self._new.append(NewContact(one.card, one.uid, picture))
            self._keys |= one.keys

    async def flush(self) -> None:
        """Make the contacts that were gathered."""
        if self._new:
            self.imported += len(await add_contacts(self._tx, self._folder_id, self._new))
            self._new, self._keys = [], set()

    async def _find(self, one: _Read) -> Contact | None:
        contacts = self._tx.contacts
        if one.uid and (known := await contacts.find_card(self._folder_id, one.uid)):
            return known
        return await contacts.find_named(
            self._folder_id, sort_key(one.card.name), sort_key(one.email), phone=one.card.phone
        )

    async def _update(self, known: Contact, one: _Read, picture: Avatar | None) -> None:
        before = card_of(known)
        said = {name: value for name, value in one.card._asdict().items() if value not in {"", None}}
        if before.members is None:
            said.pop("members", None)
        avatar: Avatar | Unset = UNSET if picture is None else picture
        if picture is not None and known.has_avatar:
            shown = await self._tx.contacts.find_avatar(known.item_id)
            # A picture that came from here is not made once more.
            avatar = UNSET if shown is not None and shown.data == one.photo else picture
        await change_contact(self._tx, known, before._replace(**said), card_uid=one.uid, avatar=avatar)
        self.updated += 1


# Reading


def _in_slices(data: bytes) -> Iterator[list[_Read | None]]:
    """Yield the cards, some at a time, the groups at last, with the addresses of their members."""
    people: dict[str, tuple[str, str]] = {}
    groups: list[VCard | None] = []

    def singles() -> Iterator[VCard | None]:
        for card in read_vcards(data):
            if card is not None and card.members is not None:
                groups.append(card)
                continue
            if card is not None and card.uid:
                address = card.email or card.business_email or card.home_email
                people[card.uid.lower().removeprefix("urn:uuid:")] = (card.name, address)
            yield card

    def all_cards() -> Iterator[VCard | None]:
        yield from singles()
        for group in groups:
            yield None if group is None else group._replace(members=_resolve(group, people))

    cards = all_cards()
    while some := list(islice(cards, SLICE)):
        yield [None if card is None else _fit(card) for card in some]


def _resolve(group: VCard, people: Mapping[str, tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(
        people.get(member.lower().removeprefix("urn:uuid:"), (name, member))
        for name, member in group.members or ()
    )


def _fit(vcard: VCard) -> _Read | None:
    """Return a card as it can be kept, None if nothing is left of it."""
    lines = {
        name: _cut_line(getattr(vcard, name))
        for name in ("name", "first_name", "last_name", "nick_name", "phone", "organization")
    }
    emails = {name: _fit_email(getattr(vcard, name)) for name in ("email", "business_email", "home_email")}
    notes = _clean(vcard.notes.replace("\r\n", "\n"), but=_SPARED_CONTROLS)[:MAX_NOTES_CHARS].rstrip()
    members = None
    if vcard.members is not None:
        members = tuple(one for one in map(_fit_member, vcard.members[: 2 * MAX_MEMBERS]) if one)[
            :MAX_MEMBERS
        ]
    try:
        card = check_card(Card(**lines, **emails, notes=notes, members=members))
    except PostroomError:
        return None
    photo = vcard.photo[1] if vcard.photo is not None else b""
    return _Read(card, _cut_line(vcard.uid)[:MAX_UID_CHARS], photo)


def _cut_line(text: str) -> str:
    return _clean(" ".join(text.split()), but="")[:MAX_CHARS].strip()


def _clean(text: str, *, but: str) -> str:
    if text.isprintable():
        return unicodedata.normalize("NFC", text)
    kept = (char for char in text if char in but or unicodedata.category(char) not in {"Cc", "Cs"})
    return unicodedata.normalize("NFC", "".join(kept))


def _fit_email(text: str) -> str:
    try:
        return parse_address(text, parameter="email").addr_spec if text else ""
    except PostroomError:
        return ""


def _fit_member(member: tuple[str, str]) -> str:
    name, text = member
    try:
        address = parse_address(text, parameter="members")
        return str(address._replace(name=_cut_line(name))) if name else str(address)
    except PostroomError:
        return ""


async def _find_picture(photo: bytes) -> Avatar | None:
    """Return the picture of a card, made as thumbnails are; one that is none, or too large, is left out."""
    if not 0 < len(photo) <= MAX_AVATAR_BYTES:
        return None
    try:
        made = await asyncio.to_thread(make_thumbnail, photo, width=_PHOTO_SIDE, height=_PHOTO_SIDE)
    except PostroomError as error:
        _log.debug("a picture was left out", error=str(error))
        return None
    return None if made is None else Avatar(made.content_type, made.data)


# Writing


def _vcard_of(contact: Contact, avatar: Avatar | None) -> VCard:
    card = card_of(contact)
    members = None
    if card.members is not None:
        addresses = [parse_address(one, parameter="members") for one in card.members]
        members = tuple((one.name, one.addr_spec) for one in addresses)
    return VCard(
        contact.card_uid,
        *card[:10],
        members,
        None if avatar is None else (avatar.content_type, avatar.data),
    )
