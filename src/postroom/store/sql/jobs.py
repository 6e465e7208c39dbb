"""Jobs: work on many mails, cut into slices. The slice and its work go in one transaction, so each is done once."""

from typing import NamedTuple

from postroom.model.ids import AccountId, SessionId
from postroom.store.engine.base import Connection

_COLUMNS = """job_key, account_id, session_id, kind, request, history_id, total_items, done_items, created_at,
       touched_at, finished_at"""
_CREATE = f"""
INSERT INTO job ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_ADD_SLICE = "INSERT INTO job_slice (job_key, number, items) VALUES ($1, $2, $3)"
_FIND = f"SELECT {_COLUMNS} FROM job WHERE job_key = $1"
_FIND_RUNNING = (
    f"SELECT {_COLUMNS} FROM job WHERE account_id = $1 AND finished_at = 0 ORDER BY job_key LIMIT $2"
)
_TAKE_SLICE = """
DELETE FROM job_slice WHERE job_key = $1 AND number = (SELECT min(number) FROM job_slice WHERE job_key = $1)
RETURNING number, items
"""
_ADD_FAILURE = "INSERT INTO job_failure (job_key, number, items) VALUES ($1, $2, $3)"
_LIST_FAILURES = "SELECT items FROM job_failure WHERE job_key = $1"
_DELETE_FAILURES = "DELETE FROM job_failure WHERE job_key = $1"
_ADVANCE = """
UPDATE job SET done_items = done_items + $2, history_id = $3, touched_at = $4, finished_at = $5
WHERE job_key = $1
"""
_LIST_IDLE = """
SELECT job_key FROM job WHERE finished_at = 0 AND touched_at < $1 ORDER BY touched_at LIMIT $2
"""
_PURGE = """
DELETE FROM job WHERE job_key IN
    (SELECT job_key FROM job WHERE finished_at > 0 AND finished_at < $1 ORDER BY finished_at LIMIT $2)
RETURNING job_key
"""


class Job(NamedTuple):
    """A job. Times are Unix milliseconds; ``request`` is JSON; ``finished_at`` is 0 while it runs."""

    job_key: str
    account_id: AccountId
    session_id: SessionId | None
    kind: str
    request: str
    history_id: int
    total_items: int
    done_items: int
    created_at: int
    touched_at: int
    finished_at: int


class Slice(NamedTuple):
    """A slice of a job, by its number; NOT_THERE for what was not there when the job began."""

    number: int
    items: bytes


NOT_THERE = -1


class JobRepo:
    """The jobs of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, job: Job, slices: list[bytes]) -> None:
        """Store a new job and its slices."""
        await self._connection.execute(_CREATE, *job)
        await self._connection.execute_many(
            _ADD_SLICE, [(job.job_key, number, items) for number, items in enumerate(slices)]
        )

    async def find(self, job_key: str) -> Job | None:
        """Return a job."""
        row = await self._connection.fetch_row(_FIND, job_key)
        return None if row is None else Job(*row)

    async def list_running(self, account_id: AccountId, *, limit: int) -> list[Job]:
        """Return the jobs of an account that are not finished."""
        return [Job(*row) for row in await self._connection.fetch_all(_FIND_RUNNING, account_id, limit)]

    async def take_slice(self, job_key: str) -> Slice | None:
        """Take the next slice, None if all are taken."""
        row = await self._connection.fetch_row(_TAKE_SLICE, job_key)
        return None if row is None else Slice(*row)

    async def add_failure(self, job_key: str, failure: Slice) -> None:
        """Note what of a slice could not be done."""
        await self._connection.execute(_ADD_FAILURE, job_key, *failure)

    async def list_failures(self, job_key: str) -> list[bytes]:
        """Return what could not be done, a piece for each slice."""
        return [bytes(row[0]) for row in await self._connection.fetch_all(_LIST_FAILURES, job_key)]

    async def advance(self, job: Job, *, done: int) -> None:
        """Note the progress of a job, and what else has changed in it."""
        await self._connection.execute(
            _ADVANCE, job.job_key, done, job.history_id, job.touched_at, job.finished_at
        )

    async def list_idle(self, *, before: int, limit: int) -> list[str]:
        """Return jobs that run, and on which nobody has worked since ``before``."""
        return [str(row[0]) for row in await self._connection.fetch_all(_LIST_IDLE, before, limit)]

    async def purge(self, *, before: int, limit: int) -> int:
        """Remove up to ``limit`` of the jobs that were finished before a time; return how many."""
        rows = await self._connection.fetch_all(_PURGE, before, limit)
        await self._connection.execute_many(_DELETE_FAILURES, rows)
        return len(rows)
