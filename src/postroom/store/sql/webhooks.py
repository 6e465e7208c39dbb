"""Webhooks: who is told of what, how far each has come, and who works on it.

A process that works on a hook has a lease: ``leased_until`` is a time that it alone has set, since a later lease is
always later. What it writes names that time, so that one who was thought dead can spoil nothing.
"""

from typing import NamedTuple

from postroom.model.ids import AccountId, FolderRef, Modseq
from postroom.model.webhook import Webhook, WebhookId
from postroom.store.engine.base import Connection

_COLUMNS = (
    "webhook_id, account_id, owner_id, url, kinds, folder_id, nonce, is_enabled, position, told_at, "
    "last_delivery_at, failing_since, attempts, next_attempt_at, leased_until, failure"
)
_CREATE = f"""
INSERT INTO webhook ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
_LIST = f"SELECT {_COLUMNS} FROM webhook WHERE account_id = $1"
_FIND = f"SELECT {_COLUMNS} FROM webhook WHERE webhook_id = $1 AND account_id = $2"
# An UPDATE takes the row's lock on either engine.
_HOLD_STILL = f"""
UPDATE webhook SET position = position WHERE webhook_id = $1 AND account_id = $2 RETURNING {_COLUMNS}
"""
_DELETE = "DELETE FROM webhook WHERE webhook_id = $1 AND account_id = $2 RETURNING webhook_id"
_CHANGE = f"""
UPDATE webhook SET url = $2, kinds = $3, owner_id = $4, folder_id = $5, is_enabled = $6 WHERE webhook_id = $1
RETURNING {_COLUMNS}
"""
_CLEAR = f"""
UPDATE webhook SET attempts = 0, failing_since = 0, next_attempt_at = 0, failure = '' WHERE webhook_id = $1
RETURNING {_COLUMNS}
"""
_MOVE = "UPDATE webhook SET position = $2, told_at = $3 WHERE webhook_id = $1"
_STATE = """webhook_id, owner_id, is_enabled, attempts, next_attempt_at, leased_until,
       CASE WHEN (SELECT modseq FROM mailbox WHERE mailbox.account_id = webhook.owner_id) > position
            THEN 1 ELSE 0 END"""
_SWEEP = f"SELECT {_STATE} FROM webhook WHERE webhook_id > $1 ORDER BY webhook_id LIMIT $2"
_STATES_OF = f"SELECT {_STATE} FROM webhook WHERE owner_id = $1"
_DUE = """
SELECT webhook_id, owner_id, is_enabled, attempts, next_attempt_at, leased_until, 1
FROM webhook WHERE is_enabled = 1 AND next_attempt_at > 0 AND next_attempt_at <= $1
ORDER BY next_attempt_at LIMIT $2
"""
_CLAIM = f"""
UPDATE webhook SET leased_until = $3
WHERE webhook_id = $1 AND is_enabled = 1 AND next_attempt_at <= $2 AND leased_until <= $2 RETURNING {_COLUMNS}
"""
_RENEW = f"""
UPDATE webhook SET leased_until = $3 WHERE webhook_id = $1 AND leased_until = $2 RETURNING {_COLUMNS}
"""
_ADVANCE = f"""
UPDATE webhook SET position = $4, told_at = $5, leased_until = $6 WHERE webhook_id = $1 AND leased_until = $2
AND position = $3 AND owner_id = $7 RETURNING {_COLUMNS}
"""
_WELL = """
UPDATE webhook SET last_delivery_at = $3, failing_since = 0, attempts = 0, next_attempt_at = 0,
                   failure = CASE WHEN attempts > 0 THEN '' ELSE failure END
WHERE webhook_id = $1 AND leased_until = $2
"""
_FAIL = """
UPDATE webhook SET attempts = attempts + 1, failing_since = $5, next_attempt_at = $6,
                   is_enabled = CASE WHEN $7 = 1 THEN is_enabled ELSE 0 END, failure = $8
WHERE webhook_id = $1 AND leased_until = $2 AND position = $3 AND attempts = $4
"""
_NOTE = "UPDATE webhook SET failure = $3 WHERE webhook_id = $1 AND leased_until = $2"
_RELEASE = "UPDATE webhook SET leased_until = 0 WHERE webhook_id = $1 AND leased_until = $2"
_HOLD = "UPDATE webhook SET next_attempt_at = $3 WHERE webhook_id = $1 AND leased_until = $2"


class WebhookState(NamedTuple):
    """What tells whether there is something to do for a hook."""

    webhook_id: WebhookId
    owner_id: AccountId
    is_enabled: int
    attempts: int
    next_attempt_at: int
    leased_until: int
    is_behind: int

    def is_due(self, now: int) -> bool:
        """Tell whether somebody should work on it, at a time in Unix milliseconds."""
        is_free = self.next_attempt_at <= now and self.leased_until <= now
        return bool(self.is_enabled and self.is_behind and is_free)


class WebhookRepo:
    """The webhooks of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, hook: Webhook) -> None:
        """Store a new hook."""
        await self._connection.execute(_CREATE, *hook)

    async def list_of(self, account_id: AccountId) -> list[Webhook]:
        """Return the hooks of an account, oldest first."""
        return sorted(Webhook(*row) for row in await self._connection.fetch_all(_LIST, account_id))

    async def find(self, webhook_id: WebhookId, account_id: AccountId) -> Webhook | None:
        """Return a hook of an account."""
        row = await self._connection.fetch_row(_FIND, webhook_id, account_id)
        return None if row is None else Webhook(*row)

    async def find_to_change(self, webhook_id: WebhookId, account_id: AccountId) -> Webhook | None:
        """Return a hook of an account, which nobody else changes until the transaction ends."""
        row = await self._connection.fetch_row(_HOLD_STILL, webhook_id, account_id)
        return None if row is None else Webhook(*row)

    async def delete(self, webhook_id: WebhookId, account_id: AccountId) -> bool:
        """Remove a hook of an account; False if there is none."""
        return await self._connection.fetch_value(_DELETE, webhook_id, account_id) is not None

    async def change(
        self, webhook_id: WebhookId, *, url: str, kinds: str, folder: FolderRef, is_enabled: int
    ) -> Webhook | None:
        """Set what its account decides of a hook; return it. Folder 0 is all of the owner's."""
        row = await self._connection.fetch_row(_CHANGE, webhook_id, url, kinds, *folder, is_enabled)
        return None if row is None else Webhook(*row)

    async def clear_failure(self, webhook_id: WebhookId) -> Webhook | None:
        """Forget what went wrong, so that the hook is due at once; return it."""
        row = await self._connection.fetch_row(_CLEAR, webhook_id)
        return None if row is None else Webhook(*row)

    async def move(self, webhook_id: WebhookId, *, position: Modseq, told_at: int) -> None:
        """Set the position of a hook, whoever works on it."""
        await self._connection.execute(_MOVE, webhook_id, position, told_at)


class WebhookWork:
    """The webhooks, as those see them who work on them. Times are Unix milliseconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_after(self, webhook_id: int, *, limit: int) -> list[WebhookState]:
        """Return up to ``limit`` hooks with higher numbers, ascending."""
        return [WebhookState(*row) for row in await self._connection.fetch_all(_SWEEP, webhook_id, limit)]

    async def list_of(self, owner_id: AccountId) -> list[WebhookState]:
        """Return the hooks that are told of an owner's history."""
        return [WebhookState(*row) for row in await self._connection.fetch_all(_STATES_OF, owner_id)]

    async def list_due(self, now: int, *, limit: int) -> list[WebhookState]:
        """Return up to ``limit`` hooks that have waited for this time, in the order they are due."""
        return [WebhookState(*row) for row in await self._connection.fetch_all(_DUE, now, limit)]

    async def claim(self, webhook_id: WebhookId, *, now: int, until: int) -> Webhook | None:
        """Take a hook that is due, until a time; None if it is not due, or another has it."""
        row = await self._connection.fetch_row(_CLAIM, webhook_id, now, until)
        return None if row is None else Webhook(*row)

    async def renew(self, hook: Webhook, *, until: int) -> Webhook | None:
        """Keep a hook until a later time and return it as it is now; None if it was taken away."""
        row = await self._connection.fetch_row(_RENEW, hook.webhook_id, hook.leased_until, until)
        return None if row is None else Webhook(*row)

    async def advance(self, hook: Webhook, *, position: Modseq, told_at: int, until: int) -> Webhook | None:
        """Move a hook on and keep it until a time; None if it was taken away, or moved elsewhere."""
        row = await self._connection.fetch_row(
            _ADVANCE,
            *(hook.webhook_id, hook.leased_until, hook.position),
            *(position, told_at, until, hook.owner_id),
        )
        return None if row is None else Webhook(*row)

    async def clear(self, hook: Webhook, *, delivered_at: int) -> None:
        """Note that nothing is wrong any more, and when something was delivered last."""
        await self._connection.execute(_WELL, hook.webhook_id, hook.leased_until, delivered_at)

    async def fail(self, hook: Webhook, failure: str, *, since: int, next_attempt_at: int) -> None:
        """Note a failed attempt; a ``next_attempt_at`` of 0 switches the hook off.

        Nothing is noted where the owner has changed the hook meanwhile.
        """
        await self._connection.execute(
            _FAIL,
            *(hook.webhook_id, hook.leased_until, hook.position, hook.attempts),
            *(since, next_attempt_at, int(next_attempt_at > 0), failure),
        )

    async def note(self, hook: Webhook, failure: str) -> None:
        """Note something that the owner should know."""
        await self._connection.execute(_NOTE, hook.webhook_id, hook.leased_until, failure)

    async def release(self, hook: Webhook) -> None:
        """Give a hook back."""
        await self._connection.execute(_RELEASE, hook.webhook_id, hook.leased_until)

    async def hold(self, hook: Webhook, *, until: int) -> None:
        """Let a hook rest."""
        await self._connection.execute(_HOLD, hook.webhook_id, hook.leased_until, until)
