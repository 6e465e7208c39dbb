"""Where lists of contacts stand, and what changed in them: of one folder, and of all folders together.

The changes of a folder have the order (modseq, uid), those of all folders (modseq, folder, uid). So that both can be
gone through in the same way, a place in the latter has one number for folder and uid.
"""

from collections.abc import Iterable
from typing import NamedTuple

from postroom.model.contact import Contact
from postroom.model.ids import AccountId, FolderId, Modseq, Uid
from postroom.store.contact_columns import LISTED
from postroom.store.engine.base import Connection

_UID_BITS = 40

_NOT_DOOMED = "folder_id NOT IN (SELECT folder_id FROM doomed_folder WHERE account_id = $1)"
_FIND = """
SELECT folder.uid_validity, folder.content_modseq, folder.forgotten_modseq,
       CASE WHEN folder.folder_type = 'contacts' THEN folder.total_items ELSE 0 END, mailbox.modseq
FROM folder JOIN mailbox ON mailbox.account_id = folder.account_id
WHERE folder.account_id = $1 AND folder.folder_id = $2
"""
_FIND_ANYWHERE = """
SELECT contacts_modseq, contacts_forgotten_modseq, modseq,
       (SELECT coalesce(max(forgotten_modseq), 0) FROM folder WHERE account_id = $1 AND folder_type = 'contacts'),
       (SELECT coalesce(sum(total_items), 0) FROM folder WHERE account_id = $1 AND folder_type = 'contacts')
FROM mailbox WHERE account_id = $1
"""
_FIND_MODSEQ = "SELECT contacts_modseq FROM mailbox WHERE account_id = $1"
_LIST = f"""
SELECT {LISTED} FROM contact WHERE account_id = $1 AND folder_id = $2 AND (modseq, uid) > ($3, $4)
ORDER BY modseq, uid LIMIT $5
"""
_LIST_ANYWHERE = f"""
SELECT {LISTED} FROM contact WHERE account_id = $1 AND (modseq, folder_id, uid) > ($2, $3, $4) AND {_NOT_DOOMED}
ORDER BY modseq, folder_id, uid LIMIT $5
"""
_LIST_REMOVED = """
SELECT modseq, folder_id, uid, entered_modseq FROM tombstone
WHERE account_id = $1 AND folder_id = $2 AND (modseq, uid) > ($3, $4) AND is_contact = 1 ORDER BY modseq, uid LIMIT $5
"""
_LIST_REMOVED_ANYWHERE = """
SELECT modseq, folder_id, uid, entered_modseq FROM tombstone
WHERE account_id = $1 AND (modseq, folder_id, uid) > ($2, $3, $4) AND is_contact = 1
ORDER BY modseq, folder_id, uid LIMIT $5
"""
_BURY = """
INSERT INTO tombstone (account_id, folder_id, uid, entered_modseq, modseq, removed_at, is_contact)
VALUES ($1, $2, $3, $4, $5, $6, 1)
"""
_NOTE_CHANGE = "UPDATE mailbox SET contacts_modseq = $2 WHERE account_id = $1"
_NOTE_REMOVAL = (
    "UPDATE mailbox SET contacts_modseq = $2, contacts_forgotten_modseq = $2 WHERE account_id = $1"
)


class ContactState(NamedTuple):
    """Where a list of contacts stands; what it says is explained in :mod:`postroom.store.sql.deltas`."""

    uid_validity: int
    content_modseq: Modseq
    forgotten_modseq: Modseq
    total_items: int
    mailbox_modseq: Modseq


class ChangedContact(NamedTuple):
    """A contact, where it is in the order of changes."""

    modseq: Modseq
    uid: int
    """The number of its place."""
    entered_modseq: Modseq
    contact: Contact


class RemovedContact(NamedTuple):
    """A contact that was removed from its folder."""

    modseq: Modseq
    uid: int
    """The number of its place."""
    entered_modseq: Modseq
    folder_id: FolderId
    contact_uid: Uid


class ContactChangeRepo:
    """The changes of the contacts of one account; a folder None is all of them."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find(self, folder_id: FolderId | None) -> ContactState | None:
        """Return where a list stands, None if there is no such folder or account."""
        if folder_id is not None:
            row = await self._connection.fetch_row(_FIND, self._account_id, folder_id)
            return None if row is None else ContactState(*row)
        row = await self._connection.fetch_row(_FIND_ANYWHERE, self._account_id)
        if row is None:
            return None
        modseq, forgotten, mailbox_modseq, forgotten_in_folders, total_items = row
        return ContactState(0, modseq, max(forgotten, forgotten_in_folders), int(total_items), mailbox_modseq)

    async def find_modseq(self) -> Modseq | None:
        """Return the position of the last change of any contact."""
        value = await self._connection.fetch_value(_FIND_MODSEQ, self._account_id)
        return None if value is None else Modseq(value)

    async def list_changed(
        self, folder_id: FolderId | None, *, after: tuple[int, int], limit: int
    ) -> list[ChangedContact]:
        """Return up to ``limit`` contacts that changed after a place, in order."""
        if folder_id is None:
            place = _unpack(after)
            rows = await self._connection.fetch_all(_LIST_ANYWHERE, self._account_id, *place, limit)
        else:
            rows = await self._connection.fetch_all(_LIST, self._account_id, folder_id, *after, limit)
        contacts = [Contact(*row) for row in rows]
        return [
            ChangedContact(one.modseq, _number(folder_id, one.folder_id, one.uid), one.entered_modseq, one)
            for one in contacts
        ]

    async def list_removed(
        self, folder_id: FolderId | None, *, after: tuple[int, int], limit: int
    ) -> list[RemovedContact]:
        """Return up to ``limit`` removals after a place, in order."""
        if folder_id is None:
            place = _unpack(after)
            rows = await self._connection.fetch_all(_LIST_REMOVED_ANYWHERE, self._account_id, *place, limit)
        else:
            rows = await self._connection.fetch_all(_LIST_REMOVED, self._account_id, folder_id, *after, limit)
        return [
            RemovedContact(modseq, _number(folder_id, place, uid), entered, place, uid)
            for modseq, place, uid, entered in rows
        ]

    async def bury(self, contacts: Iterable[Contact], *, modseq: Modseq, removed_at: int) -> None:
        """Note that contacts are removed from their folders."""
        await self._connection.execute_many(
            _BURY,
            [
                (self._account_id, one.folder_id, one.uid, one.entered_modseq, modseq, removed_at)
                for one in contacts
            ],
        )

    async def note_change(self, modseq: Modseq) -> None:
        """Note that some contact changed."""
        await self._connection.execute(_NOTE_CHANGE, self._account_id, modseq)

    async def note_removal(self, modseq: Modseq) -> None:
        """Note that a folder with contacts is gone, of which there are no tombstones."""
        await self._connection.execute(_NOTE_REMOVAL, self._account_id, modseq)


def _number(listed: FolderId | None, folder_id: int, uid: int) -> int:
    return uid if listed is not None else folder_id << _UID_BITS | uid


def _unpack(after: tuple[int, int]) -> tuple[int, int, int]:
    modseq, number = after
    return modseq, number >> _UID_BITS, number & (1 << _UID_BITS) - 1
