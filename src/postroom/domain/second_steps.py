"""2-step verification: switched on and off with a code, passed at login with a code or a recovery code.

Switching it changes what a password alone is good for, so the account's versions rise: what any process remembers of
its logins is forgotten at once. All other sessions end with the switching on, as they have passed no second step.

Wrong second steps of a session are counted in the store, whichever process they come to: with the fifth it ends.
"""

from collections.abc import Mapping
from typing import Final

from postroom.auth.codes import CodeHasher, clean_recovery_code, new_recovery_codes
from postroom.auth.credentials import not_authenticated
from postroom.config.classes import AccountClass, SecurityPolicy, class_of
from postroom.domain.access import require_own
from postroom.domain.clock import Clock
from postroom.domain.factor_codes import FactorCodes
from postroom.domain.factor_policy import SECOND_STEP, find_stage, is_in_force, may_use
from postroom.domain.security_log import note, note_sessions_ended
from postroom.domain.security_tokens import require_session
from postroom.domain.sessions import Ended, end_others
from postroom.domain.uploads import remove_files
from postroom.errors import Kind, PostroomError, not_found, not_permitted
from postroom.model.account import SECOND, Account, Caller
from postroom.model.factor import Method, MethodRef, TwoFactor
from postroom.model.ids import AccountId, SessionId
from postroom.model.security import SecurityEventKind
from postroom.store import Store
from postroom.store.sql.temporary_attachments import RemovedFile
from postroom.store.tx import Directory, DirectoryTransaction

MOST_WRONG: Final = 5
"""Second steps of a session; then it ends."""
_RECOVERY: Final = "recovery-code"


class SecondSteps:
    """2-step verification of callers."""

    def __init__(
        self,
        store: Store,
        classes: Mapping[str, AccountClass],
        codes: FactorCodes,
        *,
        hasher: CodeHasher,
        clock: Clock,
    ) -> None:
        self._store = store
        self._classes = classes
        self._codes = codes
        self._hasher = hasher
        self._clock = clock

    async def is_on(self, account: Account) -> bool:
        """Tell whether an account's logins have two steps. Raises: unavailable."""
        async with self._store.directory() as tables:
            return is_in_force(
                self._policy_of(account.class_name), await tables.two_factor.find(account.account_id)
            )

    async def enable(self, caller: Caller, ref: MethodRef, code: str, *, client: str) -> list[str]:
        """Switch it on with a code of an activated method; return new recovery codes.

        The caller's session goes on, and all others end. Raises: notPermitted; badParameter (``totpToken``);
        notFound; conflict; tooManyRequests; notAuthenticated; unavailable.
        """
        policy, made = self._policy_of(caller.class_name), new_recovery_codes()
        ended = Ended(0, [])
        async with self._store.directory_transaction() as tx:
            state = await self._codes.begin(tx, caller.account_id, caller.auth_version)
            if state.enabled_at:
                raise _conflict("2-step verification is on already")
            is_right = await self._check(tx, caller, ref, code=code, policy=policy, state=state)
            if is_right:
                now = self._clock.now_ms()
                await tx.directory.raise_versions(caller.account_id, auth=1, sessions=1)
                if caller.session_id is not None:
                    await tx.sessions.pass_step(caller.session_id)
                ended = await end_others(tx, caller.account_id, keep=caller.session_id)
                await tx.two_factor.set_enabled(caller.account_id, now)
                await self._put_codes(tx, caller.account_id, made)
                enabled = SecurityEventKind.TWO_FACTOR_ENABLED
                await self._note(tx, caller, enabled, client=client)
                await note_sessions_ended(
                    tx, caller.account_id, ended.sessions, reason=enabled, client=client, now_ms=now
                )
        await remove_files(self._store, ended.files)
        if not is_right:
            raise self._codes.refuse()
        return made

    async def disable(self, caller: Caller, ref: MethodRef, code: str, *, client: str) -> None:
        """Switch it off with a code; recovery codes are void.

        Raises: notPermitted where the class demands it; badParameter (``totpToken``); notFound; conflict;
        tooManyRequests; notAuthenticated; unavailable.
        """
        policy = self._policy_of(caller.class_name)
        if policy.two_factor_auth_policy.status == "mandatory":
            raise not_permitted("2-step verification is mandatory")
        async with self._store.directory_transaction() as tx:
            state = await self._codes.begin(tx, caller.account_id, caller.auth_version)
            if not state.enabled_at:
                raise _conflict("2-step verification is off")
            is_right = await self._check(tx, caller, ref, code=code, policy=policy, state=state)
            if is_right:
                await tx.directory.raise_versions(caller.account_id, auth=1, sessions=1)
                await tx.two_factor.set_enabled(caller.account_id, 0)
                await tx.two_factor.put_codes(caller.account_id, [])
                await self._note(tx, caller, SecurityEventKind.TWO_FACTOR_DISABLED, client=client)
        if not is_right:
            raise self._codes.refuse()

    async def make_codes(self, caller: Caller, *, client: str) -> list[str]:
        """Return new recovery codes; the old ones are void. Raises: conflict; notAuthenticated; unavailable."""
        made = new_recovery_codes()
        async with self._store.directory_transaction() as tx:
            state = await self._codes.begin(tx, caller.account_id, caller.auth_version)
            if not state.enabled_at:
                raise _conflict("2-step verification is off")
            await self._put_codes(tx, caller.account_id, made)
            await self._note(tx, caller, SecurityEventKind.RECOVERY_CODES_MADE, client=client)
        return made

    async def pass_by_method(self, caller: Caller, ref: MethodRef, code: str) -> None:
        """Pass the second step of the caller's session with a code.

        Raises: secondFactorRequired where it is wrong; notAuthenticated where the session ends with that; conflict;
        notFound; tooManyRequests; unavailable.
        """
        session_id, policy = _require_waiting(caller), self._policy_of(caller.class_name)
        files: list[RemovedFile] | None = None
        async with self._store.directory_transaction() as tx:
            state = await self._codes.begin(tx, caller.account_id, caller.auth_version)
            is_right = await self._check(tx, caller, ref, code=code, policy=policy, state=state)
            if is_right:
                await self._pass(tx, caller.account_id, session_id)
            else:
                files = await self._fail(tx, caller.account_id, session_id)
        await self._conclude(is_right, files)

    async def pass_by_recovery_code(self, caller: Caller, code: str, *, client: str) -> None:
        """Pass the second step of the caller's session with a recovery code, which is used up.

        Raises: as :meth:`pass_by_method`.
        """
        session_id = _require_waiting(caller)
        files: list[RemovedFile] | None = None
        async with self._store.directory_transaction() as tx:
            await self._codes.begin(tx, caller.account_id, caller.auth_version)
            code_hash = self._hash(caller.account_id, code)
            is_right = await tx.two_factor.use_code(caller.account_id, code_hash)
            if is_right:
                await self._pass(tx, caller.account_id, session_id)
                await tx.two_factor.set_wrong(caller.account_id, 0, now=0)
                await note(
                    tx,
                    caller.account_id,
                    SecurityEventKind.RECOVERY_USED,
                    client=client,
                    details={"what": "recoveryCode"},
                    now_ms=self._clock.now_ms(),
                )
            else:
                files = await self._fail(tx, caller.account_id, session_id)
        await self._conclude(is_right, files)

    # Steps

    def _policy_of(self, class_name: str) -> SecurityPolicy:
        return policy_of(self._classes, class_name)

    async def _check(
        self,
        tx: DirectoryTransaction,
        caller: Caller,
        ref: MethodRef,
        *,
        code: str,
        policy: SecurityPolicy,
        state: TwoFactor,
    ) -> bool:
        """Tell whether a code is one of an activated method that is good for second steps."""
        require_own(caller, ref.owner, "the method")
        method: Method | None = await tx.methods.lock(caller.account_id, ref.method)
        if method is None or method.session_id:
            raise not_found("the method")
        if not may_use(policy, method.kind, SECOND_STEP):
            raise not_permitted("this method may not be used for second steps")
        return await self._codes.check(tx, method, code, state=state)

    async def _put_codes(self, tx: DirectoryTransaction, account_id: AccountId, codes: list[str]) -> None:
        await tx.two_factor.put_codes(account_id, [self._hash(account_id, code) for code in codes])

    def _hash(self, account_id: AccountId, code: str) -> bytes:
        return self._hasher.hash(_RECOVERY, account_id, clean_recovery_code(code))

    async def _note(
        self, tx: DirectoryTransaction, caller: Caller, kind: SecurityEventKind, *, client: str
    ) -> None:
        await note(tx, caller.account_id, kind, client=client, now_ms=self._clock.now_ms())

    async def _pass(self, tx: DirectoryTransaction, account_id: AccountId, session_id: SessionId) -> None:
        await tx.directory.raise_versions(account_id, auth=0, sessions=1)
        if not await tx.sessions.pass_step(session_id):
            raise not_authenticated()
        await tx.two_factor.forget_steps(session_id)

    async def _fail(
        self, tx: DirectoryTransaction, account_id: AccountId, session_id: SessionId
    ) -> list[RemovedFile] | None:
        """Count a wrong step; end the session with the last one, and return the files that go with it."""
        wrong = await tx.two_factor.note_wrong_step(account_id, session_id, now=self._clock.now_ms())
        if wrong < MOST_WRONG:
            return None
        await tx.directory.raise_versions(account_id, auth=0, sessions=1)
        await tx.sessions.delete(session_id)
        await tx.two_factor.forget_steps(session_id)
        files = await tx.temporary_attachments.delete_of_session(account_id, session_id)
        await tx.search_folders.delete_of_session(account_id, session_id)
        return list(files)

    async def _conclude(self, is_right: bool, files: list[RemovedFile] | None) -> None:
        if is_right:
            return
        if files is None:
            raise second_step_required("the code is wrong, was used, or is too old")
        await remove_files(self._store, files)
        raise not_authenticated()


def policy_of(classes: Mapping[str, AccountClass], class_name: str) -> SecurityPolicy:
    """Return the security policy of a class, of the default one if it is no longer configured."""
    return class_of(classes, class_name).restrictions.security_policy


async def read_stage(tables: Directory, classes: Mapping[str, AccountClass], account: Account) -> str:
    """Return the stage of a login to an account by its password: what it still waits for. Raises: unavailable."""
    state = await tables.two_factor.find(account.account_id)
    return find_stage(policy_of(classes, account.class_name), state)


def second_step_required(message: str) -> PostroomError:
    """Return the error for who has not passed the second step."""
    return PostroomError(Kind.UNAUTHENTICATED, "secondFactorRequired", message)


def _require_waiting(caller: Caller) -> SessionId:
    session_id = require_session(caller)
    if caller.stage != SECOND:
        raise _conflict("the session waits for no second step")
    return session_id


def _conflict(message: str) -> PostroomError:
    return PostroomError(Kind.CONFLICT, "conflict", message)
