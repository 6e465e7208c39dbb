"""What events are made of: where an account's history stands, the figures of its folders, how far its jobs are."""

from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.store.engine.base import Connection

_FIND = """
SELECT modseq, folders_modseq, labels_modseq, forgotten_modseq, auth_version, session_version
FROM mailbox JOIN account ON account.account_id = mailbox.account_id WHERE mailbox.account_id = $1
"""
_FOLDERS = """
SELECT folder_id, role, uid_validity, total_items, unread_items, content_modseq FROM folder
WHERE account_id = $1 AND folder_type = 'mails'
"""
_CONTACT_FOLDERS = """
SELECT folder_id, role, uid_validity, total_items, unread_items, content_modseq FROM folder
WHERE account_id = $1 AND folder_type = 'contacts'
"""
_JOB_COLUMNS = "job_key, total_items, done_items, finished_at"
_JOBS = f"""
SELECT {_JOB_COLUMNS} FROM job WHERE account_id = $1 AND finished_at = 0
UNION ALL
SELECT {_JOB_COLUMNS} FROM job WHERE account_id = $1 AND finished_at >= $2 AND finished_at > 0
"""


class FeedState(NamedTuple):
    """Where an account's history stands, and the versions by which what was remembered of its logins is outdated."""

    modseq: Modseq
    folders_modseq: Modseq
    labels_modseq: Modseq
    forgotten_modseq: Modseq
    auth_version: int
    session_version: int


class FeedFolder(NamedTuple):
    """The figures of a folder."""

    folder_id: FolderId
    role: str
    uid_validity: int
    total_items: int
    unread_items: int
    content_modseq: Modseq


class FeedJob(NamedTuple):
    """How far a job is; ``finished_at`` in Unix milliseconds, 0 while it runs."""

    job_key: str
    total_items: int
    done_items: int
    finished_at: int


class FeedRepo:
    """What the events of one account are made of."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find(self) -> FeedState | None:
        """Return the state, None where the account is gone."""
        row = await self._connection.fetch_row(_FIND, self._account_id)
        return None if row is None else FeedState(*row)

    async def list_folders(self) -> list[FeedFolder]:
        """Return the account's own folders of mails."""
        return [FeedFolder(*row) for row in await self._connection.fetch_all(_FOLDERS, self._account_id)]

    async def list_contact_folders(self) -> list[FeedFolder]:
        """Return the account's own folders of contacts."""
        return [
            FeedFolder(*row) for row in await self._connection.fetch_all(_CONTACT_FOLDERS, self._account_id)
        ]

    async def list_jobs(self, *, finished_since: int) -> list[FeedJob]:
        """Return the jobs that run or were finished since a time (Unix milliseconds)."""
        rows = await self._connection.fetch_all(_JOBS, self._account_id, finished_since)
        return [FeedJob(*row) for row in rows]
