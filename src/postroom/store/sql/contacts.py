"""Contacts: what there is of them in folders, and the addresses by which they are found."""

from collections.abc import Sequence

from postroom.model.contact import Contact
from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection

_COLUMNS = """folder_id, uid, item_id, modseq, entered_modseq, is_list, name, first_name, last_name, nick_name, email,
       business_email, home_email, phone, organization, notes, members, name_key, email_key"""
_ADD = f"""
INSERT INTO contact (account_id, {_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
"""
_ADD_ADDRESS = """
INSERT INTO contact_address (account_id, address, item_id, uses, used_at) VALUES ($1, $2, $3, $4, $5)
"""
_USE = """
UPDATE contact_address SET uses = uses + 1, used_at = $3 WHERE account_id = $1 AND address = $2 RETURNING item_id
"""
_LIST = f"SELECT {_COLUMNS} FROM contact WHERE account_id = $1 AND folder_id = $2 AND uid > $3 ORDER BY uid LIMIT $4"


class ContactRepo:
    """The contacts of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def use(self, address: str, *, now: int) -> bool:
        """Note that something is sent to an address; False if no contact has it."""
        return await self._connection.fetch_value(_USE, self._account_id, address, now) is not None

    async def add(self, contacts: Sequence[Contact]) -> None:
        """Store new contacts, without their addresses."""
        await self._connection.execute_many(_ADD, [(self._account_id, *contact) for contact in contacts])

    async def add_addresses(self, addresses: Sequence[tuple[str, int]], *, uses: int, now: int) -> None:
        """Store addresses, each with the number of its contact, of which use was made so often."""
        rows = [(self._account_id, address, item_id, uses, now) for address, item_id in addresses]
        await self._connection.execute_many(_ADD_ADDRESS, rows)

    async def list_after(self, folder_id: int, uid: int, *, limit: int) -> list[Contact]:
        """Return up to ``limit`` contacts of a folder with higher uids, ascending."""
        rows = await self._connection.fetch_all(_LIST, self._account_id, folder_id, uid, limit)
        return [Contact(*row) for row in rows]
