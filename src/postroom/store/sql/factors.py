"""Second steps: the methods of accounts, whether 2-step verification is on, recovery codes, and wrong tries.

What is looked at and then changed is locked first (:meth:`TwoFactorRepo.lock`, :meth:`MethodRepo.lock`), so that of
two who come with one code one is right.
"""

from postroom.model.factor import Method, MethodId, TwoFactor
from postroom.model.ids import AccountId, SessionId
from postroom.store.engine.base import Connection

_COLUMNS = (
    "account_id, method_id, session_id, kind, target, target_key, created_at, last_used_at, last_step, code_hash, "
    "code_sent_at, code_tries, sent_since, sent_count"
)
_LIST = f"SELECT {_COLUMNS} FROM security_method WHERE account_id = $1"
_FIND = f"SELECT {_COLUMNS} FROM security_method WHERE account_id = $1 AND method_id = $2"
_LOCK = f"""
UPDATE security_method SET kind = kind WHERE account_id = $1 AND method_id = $2 RETURNING {_COLUMNS}
"""
_LIST_BY_TARGET = f"""
SELECT {_COLUMNS} FROM security_method WHERE target_key = $1 AND session_id = 0 LIMIT $2
"""
_CREATE = f"""
INSERT INTO security_method ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
_ACTIVATE = "UPDATE security_method SET session_id = 0 WHERE account_id = $1 AND method_id = $2"
_NOTE_STEP = """
UPDATE security_method SET last_step = $3, last_used_at = $4
WHERE account_id = $1 AND method_id = $2 AND last_step < $3 RETURNING method_id
"""
_NOTE_SENT = """
UPDATE security_method SET code_hash = $3, code_sent_at = $4, code_tries = 0, sent_since = $5, sent_count = $6
WHERE account_id = $1 AND method_id = $2
"""
_NOTE_TRY = "UPDATE security_method SET code_tries = code_tries + 1 WHERE account_id = $1 AND method_id = $2"
_NOTE_USED = (
    "UPDATE security_method SET code_hash = $3, last_used_at = $4 WHERE account_id = $1 AND method_id = $2"
)
_DELETE = "DELETE FROM security_method WHERE account_id = $1 AND method_id = $2"
_DELETE_ALL = "DELETE FROM security_method WHERE account_id = $1"
_PURGE_PENDING = """
DELETE FROM security_method WHERE session_id <> 0 AND created_at < $1 AND (account_id, method_id) IN
    (SELECT account_id, method_id FROM security_method WHERE session_id <> 0 AND created_at < $1 LIMIT $2)
RETURNING method_id
"""
_LIST_SEALED = """
SELECT account_id, method_id, target FROM security_method WHERE (account_id, method_id) > ($1, $2)
ORDER BY account_id, method_id LIMIT $3
"""
_RESEAL = """
UPDATE security_method SET target = $4 WHERE account_id = $1 AND method_id = $2 AND target = $3 RETURNING method_id
"""

_FIND_STATE = "SELECT enabled_at, wrong, wrong_at FROM two_factor WHERE account_id = $1"
_LOCK_STATE = """
INSERT INTO two_factor (account_id, enabled_at, wrong, wrong_at) VALUES ($1, 0, 0, 0)
ON CONFLICT (account_id) DO UPDATE SET wrong = two_factor.wrong RETURNING enabled_at, wrong, wrong_at
"""
_SET_ENABLED = "UPDATE two_factor SET enabled_at = $2 WHERE account_id = $1"
_SET_WRONG = "UPDATE two_factor SET wrong = $2, wrong_at = $3 WHERE account_id = $1"
_LOCK_ACCOUNT = "UPDATE account SET auth_version = auth_version WHERE account_id = $1 RETURNING auth_version"
_ADD_CODE = "INSERT INTO recovery_code (account_id, code_hash) VALUES ($1, $2)"
_USE_CODE = "DELETE FROM recovery_code WHERE account_id = $1 AND code_hash = $2 RETURNING account_id"
_DELETE_CODES = "DELETE FROM recovery_code WHERE account_id = $1"
_NOTE_WRONG_STEP = """
INSERT INTO second_step (session_id, account_id, wrong, begun_at) VALUES ($1, $2, 1, $3)
ON CONFLICT (session_id) DO UPDATE SET wrong = second_step.wrong + 1 RETURNING wrong
"""
_FORGET_STEPS = "DELETE FROM second_step WHERE session_id = $1"
_PURGE_STEPS = """
DELETE FROM second_step WHERE begun_at < $1 AND session_id IN
    (SELECT session_id FROM second_step WHERE begun_at < $1 LIMIT $2)
RETURNING session_id
"""


class MethodRepo:
    """The methods of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_of(self, account_id: AccountId) -> list[Method]:
        """Return the methods of an account, those that are being set up included, the oldest first."""
        found = [Method(*row) for row in await self._connection.fetch_all(_LIST, account_id)]
        return sorted(found, key=lambda method: (method.created_at, method.method_id))

    async def find(self, account_id: AccountId, method_id: MethodId) -> Method | None:
        """Return a method."""
        row = await self._connection.fetch_row(_FIND, account_id, method_id)
        return None if row is None else Method(*row)

    async def lock(self, account_id: AccountId, method_id: MethodId) -> Method | None:
        """Return a method, which stays as it is until the transaction ends."""
        row = await self._connection.fetch_row(_LOCK, account_id, method_id)
        return None if row is None else Method(*row)

    async def list_by_target(self, target_key: bytes, *, limit: int) -> list[Method]:
        """Return activated methods with a target, of whichever account."""
        rows = await self._connection.fetch_all(_LIST_BY_TARGET, target_key, limit)
        return [Method(*row) for row in rows]

    async def create(self, method: Method) -> None:
        """Store a new method."""
        await self._connection.execute(_CREATE, *method)

    async def activate(self, method: Method) -> None:
        """Keep a method for good."""
        await self._connection.execute(_ACTIVATE, method.account_id, method.method_id)

    async def note_step(self, method: Method, step: int, *, now: int) -> bool:
        """Note that the code of a time step was used; False if it, or a later one, was before."""
        found = await self._connection.fetch_value(_NOTE_STEP, method.account_id, method.method_id, step, now)
        return found is not None

    async def note_sent(self, method: Method) -> None:
        """Note the code that is sent, as the record says."""
        await self._connection.execute(
            _NOTE_SENT,
            method.account_id,
            method.method_id,
            method.code_hash,
            method.code_sent_at,
            method.sent_since,
            method.sent_count,
        )

    async def note_try(self, method: Method) -> None:
        """Count a wrong try of the code that was sent."""
        await self._connection.execute(_NOTE_TRY, method.account_id, method.method_id)

    async def note_used(self, method: Method, *, now: int) -> None:
        """Forget the code that was sent, as it was used."""
        await self._connection.execute(_NOTE_USED, method.account_id, method.method_id, b"", now)

    async def delete(self, method: Method) -> None:
        """Remove a method."""
        await self._connection.execute(_DELETE, method.account_id, method.method_id)

    async def delete_all(self, account_id: AccountId) -> None:
        """Remove all methods of an account."""
        await self._connection.execute(_DELETE_ALL, account_id)

    async def purge_pending(self, *, before: int, limit: int) -> int:
        """Remove up to ``limit`` methods whose setting up began before a time; return how many."""
        return len(await self._connection.fetch_all(_PURGE_PENDING, before, limit))

    async def list_sealed(
        self, after: tuple[int, int], *, limit: int
    ) -> list[tuple[AccountId, MethodId, str]]:
        """Return whose each sealed target is, which, and what, in the order of accounts and methods."""
        return [tuple(row) for row in await self._connection.fetch_all(_LIST_SEALED, *after, limit)]

    async def reseal(self, account_id: AccountId, method_id: MethodId, old: str, *, new: str) -> bool:
        """Put a sealed target in the place of another; False if it is no longer that."""
        return await self._connection.fetch_value(_RESEAL, account_id, method_id, old, new) is not None


class TwoFactorRepo:
    """2-step verification of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, account_id: AccountId) -> TwoFactor:
        """Return how it stands; off, where nothing is known."""
        row = await self._connection.fetch_row(_FIND_STATE, account_id)
        return TwoFactor() if row is None else TwoFactor(*row)

    async def lock(self, account_id: AccountId) -> TwoFactor:
        """Return how it stands, and keep it so until the transaction ends."""
        row = await self._connection.fetch_row(_LOCK_STATE, account_id)
        return TwoFactor() if row is None else TwoFactor(*row)

    async def lock_account(self, account_id: AccountId) -> int | None:
        """Keep the logins of an account as they are; return their version, None if there is no such account."""
        version = await self._connection.fetch_value(_LOCK_ACCOUNT, account_id)
        return None if version is None else int(version)

    async def set_enabled(self, account_id: AccountId, enabled_at: int) -> None:
        """Switch it on, or off with 0."""
        await self._connection.execute(_SET_ENABLED, account_id, enabled_at)

    async def set_wrong(self, account_id: AccountId, wrong: int, *, now: int) -> None:
        """Note how many codes were wrong since the last right one."""
        await self._connection.execute(_SET_WRONG, account_id, wrong, now)

    async def put_codes(self, account_id: AccountId, code_hashes: list[bytes]) -> None:
        """Put recovery codes in the place of those that there are."""
        await self._connection.execute(_DELETE_CODES, account_id)
        for code_hash in code_hashes:
            await self._connection.execute(_ADD_CODE, account_id, code_hash)

    async def use_code(self, account_id: AccountId, code_hash: bytes) -> bool:
        """Use up a recovery code; False if there is no such code."""
        return await self._connection.fetch_value(_USE_CODE, account_id, code_hash) is not None

    async def note_wrong_step(self, account_id: AccountId, session_id: SessionId, *, now: int) -> int:
        """Count a wrong second step of a session; return how many there were."""
        return int(await self._connection.fetch_value(_NOTE_WRONG_STEP, session_id, account_id, now))

    async def forget_steps(self, session_id: SessionId) -> None:
        """Forget the wrong second steps of a session."""
        await self._connection.execute(_FORGET_STEPS, session_id)

    async def purge_steps(self, *, before: int, limit: int) -> int:
        """Forget the wrong second steps of up to ``limit`` old sessions; return how many."""
        return len(await self._connection.fetch_all(_PURGE_STEPS, before, limit))
