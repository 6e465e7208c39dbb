"""Contacts: what there is of them in folders, the orders of their lists, their pictures.

A page is found in an index that has all it needs, by passing over what comes before it, from the end of the list that
is nearer: no row of the table is touched for that. Contacts are few beside mails (an account has at most 100,000), so
that this takes a few milliseconds at most, and nothing has to be kept for it.
"""

from collections.abc import Callable, Iterable, Sequence

from postroom.model.contact import Avatar, Contact, ContactField, ContactSort
from postroom.model.ids import AccountId, FolderId, ItemId, Uid
from postroom.store.contact_columns import COLUMNS, LISTED
from postroom.store.engine.base import Connection
from postroom.store.placeholders import iter_batches, placeholders

MANY = 50
"""Contacts looked up by one statement."""

# The contacts of a folder that is gone are removed later, and not to be seen meanwhile.
_VISIBLE = """EXISTS (SELECT 1 FROM folder
              WHERE folder.account_id = contact.account_id AND folder.folder_id = contact.folder_id LIMIT 1)"""
_NOT_DOOMED = "folder_id NOT IN (SELECT folder_id FROM doomed_folder WHERE account_id = $1)"
_ADD = f"""
INSERT INTO contact (account_id, {COLUMNS})
VALUES ({placeholders(23, first=1)})
"""
_CHANGE = """
UPDATE contact SET folder_id = $3, uid = $4, modseq = $5, entered_modseq = $6, is_list = $7, name = $8,
                   first_name = $9, last_name = $10, nick_name = $11, email = $12, business_email = $13,
                   home_email = $14, phone = $15, organization = $16, notes = $17, members = $18, card_uid = $19,
                   has_avatar = $20, name_key = $21, email_key = $22
WHERE account_id = $1 AND item_id = $2
"""
_DELETE = "DELETE FROM contact WHERE account_id = $1 AND item_id = $2"
_FIND = f"SELECT {COLUMNS} FROM contact WHERE account_id = $1 AND folder_id = $2 AND uid = $3 AND {_VISIBLE}"
_LIST_ITEMS = (
    f"SELECT {LISTED} FROM contact WHERE account_id = $1 AND item_id IN ({placeholders(MANY)}) AND {_VISIBLE}"
)
_LIST_AFTER = f"""
SELECT {COLUMNS} FROM contact WHERE account_id = $1 AND folder_id = $2 AND uid > $3 ORDER BY uid LIMIT $4
"""
_LIST_ALL_AFTER = (
    f"SELECT {COLUMNS} FROM contact WHERE account_id = $1 AND item_id > $2 ORDER BY item_id LIMIT $3"
)
_FIND_CARD = f"""
SELECT {COLUMNS} FROM contact WHERE account_id = $1 AND folder_id = $2 AND card_uid = $3 ORDER BY uid LIMIT 1
"""
# Every contact has a name, which few have in common, while many may have no address. The order keeps planners to an
# index of names: PostgreSQL would take any index of the folder while it has no statistics, and one of addresses with
# some that it has; IS TRUE keeps it from these.
_LIST_NAMED = f"""
SELECT {COLUMNS} FROM contact
WHERE account_id = $1 AND folder_id = $2 AND name_key >= $3 AND name_key <= $3 AND (email_key = $4) IS TRUE
      AND (length(email_key) > 0 OR phone = $5)
ORDER BY name_key LIMIT 20
"""
_COUNT = """
SELECT coalesce(sum(total_items), 0) FROM folder WHERE account_id = $1 AND folder_type = 'contacts'
"""
_PUT_AVATAR = """
INSERT INTO contact_avatar (account_id, item_id, content_type, data) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, item_id) DO UPDATE SET content_type = excluded.content_type, data = excluded.data
"""
_FIND_AVATAR = "SELECT content_type, data FROM contact_avatar WHERE account_id = $1 AND item_id = $2"
_DELETE_AVATAR = "DELETE FROM contact_avatar WHERE account_id = $1 AND item_id = $2"
_LIST_PICTURED = f"""
SELECT item_id, email_key FROM contact WHERE account_id = $1 AND has_avatar = 1 AND {_NOT_DOOMED}
ORDER BY name_key, item_id
"""


def _page_statement(sort: ContactSort, *, in_folder: bool) -> str:
    column = "name_key" if sort.field is ContactField.NAME else "email_key"
    direction = " DESC" if sort.descending else ""
    where, tie = ("folder_id = $4", "uid") if in_folder else (_NOT_DOOMED, "item_id")
    return f"""
SELECT {LISTED} FROM
    (SELECT item_id AS number FROM contact WHERE account_id = $1 AND {where}
     ORDER BY {column}{direction}, {tie}{direction} LIMIT $2 OFFSET $3) AS page
    JOIN contact ON contact.account_id = $1 AND contact.item_id = page.number
"""


_PAGES = {
    (sort, in_folder): _page_statement(sort, in_folder=in_folder)
    for sort in (ContactSort(field, descending) for field in ContactField for descending in (False, True))
    for in_folder in (False, True)
}


class ContactRepo:
    """The contacts of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def add(self, contacts: Iterable[Contact]) -> None:
        """Store new contacts, without their addresses, words and pictures."""
        await self._connection.execute_many(_ADD, [(self._account_id, *contact) for contact in contacts])

    async def change(self, contact: Contact) -> None:
        """Store what a contact is now, and where; but for how often it was used."""
        await self._connection.execute(
            _CHANGE,
            self._account_id,
            contact.item_id,
            contact.folder_id,
            contact.uid,
            *contact[3:18],
            contact.has_avatar,
            contact.name_key,
            contact.email_key,
        )

    async def delete(self, item_ids: Iterable[ItemId]) -> None:
        """Remove contacts and their pictures."""
        rows = [(self._account_id, item_id) for item_id in item_ids]
        await self._connection.execute_many(_DELETE, rows)
        await self._connection.execute_many(_DELETE_AVATAR, rows)

    async def find(self, folder_id: FolderId, uid: Uid) -> Contact | None:
        """Return a contact."""
        row = await self._connection.fetch_row(_FIND, self._account_id, folder_id, uid)
        return None if row is None else Contact(*row)

    async def find_card(self, folder_id: FolderId, card_uid: str) -> Contact | None:
        """Return the contact of a folder whose vCard has that UID."""
        row = await self._connection.fetch_row(_FIND_CARD, self._account_id, folder_id, card_uid)
        return None if row is None else Contact(*row)

    async def find_named(
        self, folder_id: FolderId, name_key: bytes, email_key: bytes, *, phone: str
    ) -> Contact | None:
        """Return a contact of a folder with those keys; where there is no address, with that phone number too."""
        rows = await self._connection.fetch_all(
            _LIST_NAMED, self._account_id, folder_id, name_key, email_key, phone
        )
        return min((Contact(*row) for row in rows), key=lambda contact: contact.uid, default=None)

    async def count(self) -> int:
        """Return the number of contacts in all folders."""
        return int(await self._connection.fetch_value(_COUNT, self._account_id))

    # Lists: without notes and members

    async def list_page(
        self, folder_id: FolderId | None, sort: ContactSort, *, start: int, limit: int, total_items: int
    ) -> list[Contact]:
        """Return the rows from ``start`` on of a list of ``total_items``; None is the list of all folders."""
        limit = min(limit, total_items - start)
        if limit <= 0:
            return []
        way, skip = sort, start
        if start > total_items - start - limit:
            way, skip = sort._replace(descending=not sort.descending), total_items - start - limit
        more = () if folder_id is None else (folder_id,)
        rows = await self._connection.fetch_all(
            _PAGES[way, folder_id is not None], self._account_id, limit, skip, *more
        )
        contacts = [Contact(*row) for row in rows]
        return sorted(contacts, key=_order_of(sort, folder_id), reverse=sort.descending)

    async def list_items(self, item_ids: Sequence[ItemId]) -> dict[ItemId, Contact]:
        """Return those of the contacts that are there, wherever they are."""
        found: dict[ItemId, Contact] = {}
        for numbers in iter_batches(item_ids, MANY, filler=0):
            for row in await self._connection.fetch_all(_LIST_ITEMS, self._account_id, *numbers):
                contact = Contact(*row)
                found[contact.item_id] = contact
        return found

    # Whole contacts, one after the other

    async def list_after(self, folder_id: int, uid: int, *, limit: int) -> list[Contact]:
        """Return up to ``limit`` contacts of a folder, be it there or gone, with higher uids, ascending."""
        rows = await self._connection.fetch_all(_LIST_AFTER, self._account_id, folder_id, uid, limit)
        return [Contact(*row) for row in rows]

    async def list_all_after(self, item_id: int, *, limit: int) -> list[Contact]:
        """Return up to ``limit`` contacts of any folder, be it there or gone, with higher numbers, ascending."""
        rows = await self._connection.fetch_all(_LIST_ALL_AFTER, self._account_id, item_id, limit)
        return [Contact(*row) for row in rows]

    # Pictures

    async def put_avatar(self, item_id: ItemId, avatar: Avatar) -> None:
        """Store the picture of a contact; that it has one is said by the contact."""
        await self._connection.execute(_PUT_AVATAR, self._account_id, item_id, *avatar)

    async def delete_avatar(self, item_id: ItemId) -> None:
        """Remove the picture of a contact."""
        await self._connection.execute(_DELETE_AVATAR, self._account_id, item_id)

    async def find_avatar(self, item_id: ItemId) -> Avatar | None:
        """Return the picture of a contact."""
        row = await self._connection.fetch_row(_FIND_AVATAR, self._account_id, item_id)
        return None if row is None else Avatar(*row)

    async def list_pictured(self) -> list[tuple[ItemId, bytes]]:
        """Return number and email key of the contacts with a picture, in the order of names."""
        rows = await self._connection.fetch_all(_LIST_PICTURED, self._account_id)
        return [(ItemId(row[0]), row[1]) for row in rows]


def _order_of(sort: ContactSort, folder_id: FolderId | None) -> Callable[[Contact], tuple[bytes, int]]:
    def key(contact: Contact) -> tuple[bytes, int]:
        value = contact.name_key if sort.field is ContactField.NAME else contact.email_key
        return value, contact.item_id if folder_id is None else contact.uid

    return key
