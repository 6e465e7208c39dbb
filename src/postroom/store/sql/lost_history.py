"""Numbers of a mailbox whose last part of history is lost, as it was put back from a backup.

What came after the backup was told to programs under numbers that would be given out once more: positions in history,
and numbers of folders, mails, contents and labels. So every counter leaps to a number that none of them can have
reached: that of the clock, which runs faster than they do; and all positions from before are forgotten. Sync tokens
and positions of event streams that are older are answered by a fresh start then, a mail that is lost is named by a
number that stays unused, and tags of answers (ETag) never meet those of another content. No request pays for it.

How far a number may go depends on what it is packed into: positions and numbers of mails in an account have 53 bits,
those of contents 32 (the full-text index of SQLite), uids 40 and folders 24 (together, the position of a contact).
They leap to the milliseconds, seconds, or hours since 1970.
"""

from typing import Final

from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection

LEAP: Final = 1000
"""By so much at least a number leaps, where the clock is behind it."""
_SECOND, _MINUTE, _HOUR = 1000, 60_000, 3_600_000
_LATEST: Final = 4_102_444_800_000
"""The year 2100: a clock that says more is wrong, and its numbers would not fit."""

_LIST = "SELECT account_id FROM mailbox WHERE account_id > $1 ORDER BY account_id LIMIT $2"
# The statements have the milliseconds as $2, what is made of them as $3 and so on.
_LEAP_MAILBOX = """
UPDATE mailbox SET
    modseq = CASE WHEN modseq + $6 > $2 THEN modseq + $6 ELSE $2 END,
    next_item_id = CASE WHEN next_item_id + $6 > $2 THEN next_item_id + $6 ELSE $2 END,
    next_content_id = CASE WHEN next_content_id + $6 > $3 THEN next_content_id + $6 ELSE $3 END,
    next_label_id = CASE WHEN next_label_id + $6 > $4 THEN next_label_id + $6 ELSE $4 END,
    next_folder_id = CASE WHEN next_folder_id + $6 > $5 THEN next_folder_id + $6 ELSE $5 END
WHERE account_id = $1
RETURNING modseq
"""
_FORGET = """
UPDATE mailbox SET folders_modseq = modseq, labels_modseq = modseq, contacts_modseq = modseq,
                   forgotten_modseq = modseq, contacts_forgotten_modseq = modseq
WHERE account_id = $1
"""
_LEAP_FOLDERS = """
UPDATE folder SET next_uid = CASE WHEN next_uid + $4 > $3 THEN next_uid + $4 ELSE $3 END,
                  content_modseq = $2, conversations_modseq = $2, forgotten_modseq = $2
WHERE account_id = $1
"""
# Its state is told apart by when it was made.
_RENEW_SEARCHES = "UPDATE search_folder SET created_at = $2 WHERE account_id = $1"
_LEAP_ACCOUNTS = """
UPDATE meta SET value = CAST(CASE WHEN CAST(value AS BIGINT) + $2 > $1 THEN CAST(value AS BIGINT) + $2 ELSE $1 END
                             AS TEXT)
WHERE name = 'last_account_id'
"""


class LostHistoryRepo:
    """Leaves the numbers unused that may have been given out in a history that is lost."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_mailboxes(self, after: int, *, limit: int) -> list[AccountId]:
        """Return up to ``limit`` accounts that have a mailbox, with higher numbers than ``after``, ascending."""
        return [AccountId(row[0]) for row in await self._connection.fetch_all(_LIST, after, limit)]

    async def leap(self, account_id: AccountId, *, now_ms: int) -> None:
        """Have a mailbox go on with numbers that were never given out."""
        now_ms = min(now_ms, _LATEST)
        modseq = await self._connection.fetch_value(
            _LEAP_MAILBOX,
            account_id,
            now_ms,
            now_ms // _SECOND,
            now_ms // _MINUTE,
            now_ms // _HOUR,
            LEAP,
        )
        if modseq is None:
            return
        await self._connection.execute(_FORGET, account_id)
        await self._connection.execute(_LEAP_FOLDERS, account_id, modseq, now_ms // _SECOND, LEAP)
        await self._connection.execute(_RENEW_SEARCHES, account_id, now_ms)

    async def leap_accounts(self, *, now_ms: int) -> None:
        """Have new accounts get numbers that were never given out."""
        await self._connection.execute(_LEAP_ACCOUNTS, min(now_ms, _LATEST) // _MINUTE, LEAP)
