"""The outgoing queue: messages on their way, their recipients, and the groups of recipients that are tried as one.

A runner that works on a group has a lease: ``leased_until`` is a time that it alone has set. A leased group is not
due before that time, so that ``next_try_at`` alone finds what is to be done. What the runner writes names its lease:
one who was thought dead can spoil nothing. A group that is claimed when its lease has run out has a lapse: nobody
knows how that attempt ended. Times are Unix milliseconds.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from postroom.model.ids import AccountId, ItemId
from postroom.model.outgoing import HELD, Outgoing, OutgoingGroup, OutgoingRecipient, ProcessingId
from postroom.store.engine.base import Connection

_COLUMNS = """processing_id, account_id, kind, sender, content_id, size_bytes, item_id, refw_item_id, refw,
       needs_smtputf8, is_8bit, ret, envid, created_at, release_at, started_at, delay_told_at, finished_at,
       message_key"""
_RECIPIENT = (
    "processing_id, number, destination, address, notify, orcpt, state, status, answer, remote, is_repeated"
)
_GROUP = "processing_id, destination, account_id, next_try_at, attempts, leased_until, failure, lapses"

_CREATE = f"""
INSERT INTO outgoing ({_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
ON CONFLICT (processing_id) DO NOTHING RETURNING processing_id
"""
_ADD_RECIPIENT = f"""
INSERT INTO outgoing_recipient ({_RECIPIENT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_ADD_GROUP = f"INSERT INTO outgoing_group ({_GROUP}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
_FIND = f"SELECT {_COLUMNS} FROM outgoing WHERE processing_id = $1"
_FIND_BY_ITEM = f"""
SELECT {_COLUMNS} FROM outgoing
WHERE account_id = $1 AND item_id = $2 AND item_id > 0 ORDER BY processing_id DESC LIMIT 1
"""
_FIND_BY_MESSAGE = f"""
SELECT {_COLUMNS} FROM outgoing
WHERE account_id = $1 AND message_key = $2 AND message_key > 0 ORDER BY processing_id DESC LIMIT 1
"""
_RECIPIENTS = f"SELECT {_RECIPIENT} FROM outgoing_recipient WHERE processing_id = $1 ORDER BY number"
_GROUPS = f"SELECT {_GROUP} FROM outgoing_group WHERE processing_id = $1 ORDER BY destination"
_LIST = f"""
SELECT {_COLUMNS} FROM outgoing WHERE processing_id > $1 AND finished_at = 0 ORDER BY processing_id LIMIT $2
"""
_COUNT_UNFINISHED = "SELECT count(*) FROM outgoing WHERE account_id = $1 AND finished_at = 0"
_NEXT_DUE = """
SELECT next_try_at FROM outgoing_group WHERE destination = $1 ORDER BY next_try_at LIMIT 1
"""
_NEXT_DUE_ELSEWHERE = """
SELECT next_try_at FROM outgoing_group
WHERE destination NOT IN ('local', 'relay') AND next_try_at > 0 ORDER BY next_try_at LIMIT 1
"""
_COUNT_WAITING = "SELECT count(*) FROM outgoing_group"
# A lease that was neither given back nor renewed: whoever had it is dead.
_COUNT_LAPSE = "lapses = lapses + CASE WHEN leased_until > 0 THEN 1 ELSE 0 END"
_CLAIM = f"""
UPDATE outgoing_group SET leased_until = $2, next_try_at = $2, {_COUNT_LAPSE}
WHERE (processing_id, destination) IN
    (SELECT processing_id, destination FROM outgoing_group WHERE destination = $4 AND next_try_at <= $1
     ORDER BY next_try_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING {_GROUP}
"""
_CLAIM_ELSEWHERE = f"""
UPDATE outgoing_group SET leased_until = $2, next_try_at = $2, {_COUNT_LAPSE}
WHERE (processing_id, destination) IN
    (SELECT processing_id, destination FROM outgoing_group
     WHERE destination NOT IN ('local', 'relay') AND next_try_at <= $1
     ORDER BY next_try_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING {_GROUP}
"""
_RENEW = """
UPDATE outgoing_group SET leased_until = $4, next_try_at = $4
WHERE processing_id = $1 AND destination = $2 AND leased_until = $3 RETURNING processing_id
"""
_LOCK_GROUP = """
UPDATE outgoing_group SET attempts = attempts WHERE processing_id = $1 AND destination = $2 AND leased_until = $3
RETURNING processing_id
"""
_LOCK = f"""
UPDATE outgoing SET finished_at = finished_at WHERE processing_id = $1 RETURNING {_COLUMNS}
"""
_START = """
UPDATE outgoing SET started_at = $2, item_id = $3
WHERE processing_id = $1 AND started_at = 0 AND finished_at = 0 RETURNING processing_id
"""
_WITHDRAW = f"""
UPDATE outgoing SET finished_at = $3
WHERE processing_id = $1 AND account_id = $2 AND started_at = 0 AND finished_at = 0 AND release_at > $4
RETURNING {_COLUMNS}
"""
_SETTLE = """
UPDATE outgoing_recipient SET state = $3, status = $4, answer = $5, remote = $6, is_repeated = 0
WHERE processing_id = $1 AND number = $2 AND state = 'waiting' RETURNING number
"""
_REPEAT = """
UPDATE outgoing_recipient SET is_repeated = 1 WHERE processing_id = $1 AND number = $2 AND state = 'waiting'
"""
_BOUNCE = """
UPDATE outgoing_recipient SET state = 'failed', status = $3, answer = $4, remote = $5
WHERE processing_id = $1 AND number = $2 AND state = 'relayed' RETURNING number
"""
_WITHDRAW_RECIPIENTS = (
    "UPDATE outgoing_recipient SET state = 'withdrawn' WHERE processing_id = $1 AND state = 'waiting'"
)
_RETRY = """
UPDATE outgoing_group SET next_try_at = $4, attempts = attempts + 1, leased_until = 0, failure = $5
WHERE processing_id = $1 AND destination = $2 AND leased_until = $3 RETURNING processing_id
"""
_PUT_OFF = """
UPDATE outgoing_group SET next_try_at = $4, leased_until = 0, lapses = $5
WHERE processing_id = $1 AND destination = $2 AND leased_until = $3
"""
_END_GROUP = """
DELETE FROM outgoing_group WHERE processing_id = $1 AND destination = $2 AND leased_until = $3 RETURNING processing_id
"""
_END_GROUPS = "DELETE FROM outgoing_group WHERE processing_id = $1"
_FINISH = """
UPDATE outgoing SET finished_at = $2 WHERE processing_id = $1 AND finished_at = 0
AND NOT EXISTS (SELECT 1 FROM outgoing_group WHERE outgoing_group.processing_id = outgoing.processing_id)
RETURNING processing_id
"""
_DELAY_TOLD = """
UPDATE outgoing SET delay_told_at = $2 WHERE processing_id = $1 AND delay_told_at = 0 RETURNING processing_id
"""
_TRY_NOW = f"""
UPDATE outgoing_group SET next_try_at = $2
WHERE processing_id = $1 AND leased_until <= $2 AND next_try_at > $2 AND next_try_at < {HELD}
AND EXISTS (SELECT 1 FROM outgoing WHERE outgoing.processing_id = $1 AND release_at <= $2)
RETURNING processing_id
"""
_PURGE = """
DELETE FROM outgoing WHERE processing_id IN
    (SELECT processing_id FROM outgoing WHERE finished_at > 0 AND finished_at < $1 ORDER BY finished_at LIMIT $2)
RETURNING processing_id
"""
_PURGE_RECIPIENTS = "DELETE FROM outgoing_recipient WHERE processing_id = $1"

ELSEWHERE = "elsewhere"
"""Stands for all destinations but LOCAL and RELAY together."""


class Settled(NamedTuple):
    """What became of a recipient; ``status`` is its enhanced status code (RFC 3463)."""

    number: int
    state: str
    status: str
    answer: str
    remote: str


class OutgoingRepo:
    """The outgoing queue of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def work(self) -> "OutgoingWork":
        """The queue, for those who work on it."""
        return OutgoingWork(self._connection)

    # Coming in

    async def create(self, message: Outgoing) -> bool:
        """Store a message; False, and nothing stored, if its number is taken."""
        return await self._connection.fetch_value(_CREATE, *message) is not None

    async def add_recipients(self, recipients: Sequence[OutgoingRecipient], *, message: Outgoing) -> None:
        """Store the recipients of a new message and their groups, which are due when it is released."""
        await self._connection.execute_many(_ADD_RECIPIENT, recipients)
        destinations = dict.fromkeys(recipient.destination for recipient in recipients)
        await self._connection.execute_many(
            _ADD_GROUP,
            [
                OutgoingGroup(message.processing_id, name, message.account_id, message.release_at, 0, 0, "")
                for name in destinations
            ],
        )

    # Looking

    async def find(self, processing_id: ProcessingId) -> Outgoing | None:
        """Return a message."""
        row = await self._connection.fetch_row(_FIND, processing_id)
        return None if row is None else Outgoing(*row)

    async def find_by_item(self, account_id: AccountId, item_id: ItemId) -> Outgoing | None:
        """Return the message whose copy in a folder is a mail; the newest."""
        row = await self._connection.fetch_row(_FIND_BY_ITEM, account_id, item_id)
        return None if row is None else Outgoing(*row)

    async def list_recipients(self, processing_id: ProcessingId) -> list[OutgoingRecipient]:
        """Return the recipients of a message, in their order."""
        return [
            OutgoingRecipient(*row) for row in await self._connection.fetch_all(_RECIPIENTS, processing_id)
        ]

    async def list_groups(self, processing_id: ProcessingId) -> list[OutgoingGroup]:
        """Return the groups of a message in which somebody waits."""
        return [OutgoingGroup(*row) for row in await self._connection.fetch_all(_GROUPS, processing_id)]

    async def list_unfinished(self, after: int, *, limit: int) -> list[Outgoing]:
        """Return up to ``limit`` messages with higher numbers that are not finished, ascending."""
        return [Outgoing(*row) for row in await self._connection.fetch_all(_LIST, after, limit)]

    async def count_waiting(self) -> int:
        """Return how many groups wait; for metrics and commands alone."""
        return int(await self._connection.fetch_value(_COUNT_WAITING))

    async def count_unfinished(self, account_id: AccountId) -> int:
        """Return how many messages of an account are not finished, by an index of those alone."""
        return int(await self._connection.fetch_value(_COUNT_UNFINISHED, account_id))

    # Changing

    async def lock(self, processing_id: ProcessingId) -> Outgoing | None:
        """Return a message, and keep others from settling anything of it until the transaction ends."""
        row = await self._connection.fetch_row(_LOCK, processing_id)
        return None if row is None else Outgoing(*row)

    # Taking back

    async def withdraw(
        self, processing_id: ProcessingId, account_id: AccountId, *, now: int, released_after: int
    ) -> Outgoing | None:
        """Take a message out of the queue of which nothing has begun; None if it is too late, or there is none.

        Args:
            processing_id: the message.
            account_id: whose it is.
            now: when it is taken back.
            released_after: it must be released later than this; 0 for any that has not begun.
        """
        row = await self._connection.fetch_row(_WITHDRAW, processing_id, account_id, now, released_after)
        if row is None:
            return None
        await self._connection.execute(_WITHDRAW_RECIPIENTS, processing_id)
        await self._connection.execute(_END_GROUPS, processing_id)
        return Outgoing(*row)

    # Operating

    async def try_now(self, processing_id: ProcessingId, *, now: int) -> int:
        """Make the groups of a message due that is released; return how many that are neither at work nor held."""
        return len(await self._connection.fetch_all(_TRY_NOW, processing_id, now))

    async def withdraw_rest(self, processing_id: ProcessingId) -> None:
        """End all groups of a message: who waits is withdrawn."""
        await self._connection.execute(_WITHDRAW_RECIPIENTS, processing_id)
        await self._connection.execute(_END_GROUPS, processing_id)

    async def purge(self, *, before: int, limit: int) -> int:
        """Forget up to ``limit`` messages that were finished before a time; return how many."""
        rows = await self._connection.fetch_all(_PURGE, before, limit)
        await self._connection.execute_many(_PURGE_RECIPIENTS, rows)
        return len(rows)


class OutgoingWork:
    """The outgoing queue, for those who work on it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find_next_due(self, destination: str) -> int | None:
        """Return when the next group of LOCAL, RELAY or ELSEWHERE is due, None if there is none."""
        if destination == ELSEWHERE:
            value = await self._connection.fetch_value(_NEXT_DUE_ELSEWHERE)
        else:
            value = await self._connection.fetch_value(_NEXT_DUE, destination)
        return None if value is None else int(value)

    async def claim(self, destination: str, *, now: int, until: int, limit: int) -> list[OutgoingGroup]:
        """Take up to ``limit`` groups that are due, until a time; no two runners get the same.

        Args:
            destination: LOCAL, RELAY or ELSEWHERE.
            now: the present time.
            until: the end of the lease.
            limit: how many at most.
        """
        if destination == ELSEWHERE:
            rows = await self._connection.fetch_all(_CLAIM_ELSEWHERE, now, until, limit)
        else:
            rows = await self._connection.fetch_all(_CLAIM, now, until, limit, destination)
        return [OutgoingGroup(*row) for row in rows]

    async def renew(self, group: OutgoingGroup, *, until: int) -> bool:
        """Keep a group until a later time; False if it was taken away."""
        value = await self._connection.fetch_value(
            _RENEW, group.processing_id, group.destination, group.leased_until, until
        )
        return value is not None

    async def is_held(self, group: OutgoingGroup) -> bool:
        """Tell whether a group is still leased as it was taken, and keep it so for this transaction."""
        value = await self._connection.fetch_value(
            _LOCK_GROUP, group.processing_id, group.destination, group.leased_until
        )
        return value is not None

    async def start(self, processing_id: ProcessingId, *, now: int, item_id: ItemId) -> bool:
        """Note that the first attempt begins, and which mail is the copy from now on; False if it cannot begin.

        It cannot where another group has begun before, or where the message was withdrawn.
        """
        return await self._connection.fetch_value(_START, processing_id, now, item_id) is not None

    async def settle(self, processing_id: ProcessingId, settled: Iterable[Settled]) -> None:
        """Store what became of recipients; those that were settled before are left as they are."""
        await self._connection.execute_many(_SETTLE, [(processing_id, *one) for one in settled])

    async def note_repeated(self, processing_id: ProcessingId, numbers: Iterable[int]) -> None:
        """Note that a message is about to be sent once more to recipients, who may have it."""
        await self._connection.execute_many(_REPEAT, [(processing_id, number) for number in numbers])

    async def retry(self, group: OutgoingGroup, *, next_try_at: int, failure: str) -> bool:
        """Give a group back, to be tried again; False if it was taken away."""
        value = await self._connection.fetch_value(
            _RETRY, group.processing_id, group.destination, group.leased_until, next_try_at, failure
        )
        return value is not None

    async def put_off(self, groups: Iterable[OutgoingGroup]) -> None:
        """Give groups back without an attempt, until their ``next_try_at``; their ``lapses`` are noted."""
        await self._connection.execute_many(
            _PUT_OFF,
            [
                (group.processing_id, group.destination, group.leased_until, group.next_try_at, group.lapses)
                for group in groups
            ],
        )

    async def end_group(self, group: OutgoingGroup) -> bool:
        """Remove a group in which nobody waits any more; False if it was taken away."""
        value = await self._connection.fetch_value(
            _END_GROUP, group.processing_id, group.destination, group.leased_until
        )
        return value is not None

    async def finish(self, processing_id: ProcessingId, *, now: int) -> bool:
        """Note that a message without groups is finished; False if it has some, or was finished before."""
        return await self._connection.fetch_value(_FINISH, processing_id, now) is not None

    async def note_delay_told(self, processing_id: ProcessingId, *, now: int) -> bool:
        """Note that the sender is told of the delay; False if that was done before."""
        return await self._connection.fetch_value(_DELAY_TOLD, processing_id, now) is not None

    # Reports of others

    async def find_by_message(self, account_id: AccountId, message_key: int) -> Outgoing | None:
        """Return the message with a Message-ID that an account has sent, by the key made from it; the newest."""
        row = await self._connection.fetch_row(_FIND_BY_MESSAGE, account_id, message_key)
        return None if row is None else Outgoing(*row)

    async def bounce(self, processing_id: ProcessingId, settled: Settled) -> bool:
        """Note that a recipient that another server had taken on has failed there; False for any other recipient."""
        value = await self._connection.fetch_value(
            _BOUNCE, processing_id, settled.number, settled.status, settled.answer, settled.remote
        )
        return value is not None
