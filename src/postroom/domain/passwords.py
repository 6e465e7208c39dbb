"""An account's own password: changed by who knows it, or set where it must be changed.

The new password is checked against the policy of the class, then against the hashes of those before it, and only then
hashed: all of that outside of any transaction, in the threads of :class:`~postroom.auth.passwords.PasswordHasher`. An
account changes its password once at a time in this process, so that nobody has hundreds of hashes computed at once.
The transaction is short, and changes the account only as long as nobody has changed its logins since the caller was
authenticated, in whichever process: of several at once one is done, and for the others the caller is nobody any more.

Invariant: with the password all other sessions of the account end, and what every process remembers of its logins is
forgotten, in the same transaction.
"""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from postroom.auth.credentials import not_authenticated
from postroom.auth.passwords import PasswordHasher
from postroom.config.classes import AccountClass, PasswordPolicy, class_of
from postroom.domain.logins import Logins
from postroom.domain.own_password import require_password
from postroom.domain.password_policy import (
    check_content,
    check_form,
    check_history,
    count_kept,
    find_due,
)
from postroom.domain.security_log import note, note_sessions_ended
from postroom.domain.sessions import end_others
from postroom.domain.turns import Turns
from postroom.domain.uploads import remove_files
from postroom.errors import not_permitted
from postroom.model.account import Account, Caller, PastPassword
from postroom.model.security import SecurityEventKind
from postroom.store import Store

_NEW, _OLD = "newPassword", "oldPassword"


class _Known(NamedTuple):
    """What is known of an account and its passwords, the present one first."""

    account: Account
    policy: PasswordPolicy
    passwords: list[PastPassword]

    @property
    def present(self) -> PastPassword | None:
        return self.passwords[0] if self.passwords else None


class Passwords:
    """The passwords of callers."""

    def __init__(
        self,
        store: Store,
        logins: Logins,
        hasher: PasswordHasher,
        classes: Mapping[str, AccountClass],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._classes = classes
        self._now = now
        self._guesses = logins.guesses.apart()
        self._turns = Turns()

    async def set(self, caller: Caller, new: str, *, client: str) -> None:
        """Give an account whose password must be changed another one; its other sessions end.

        ``client`` is the source address. Raises: notPermitted where it need not be changed; badParameter
        (``newPassword``); notAuthenticated; unavailable.
        """
        check_form(new, parameter=_NEW)
        async with self._turns.of(caller.account_id):
            known = await self._read(caller)
            if find_due(known.policy, known.account, known.present) > self._now():
                raise not_permitted(
                    "the password need not be changed; POST /api/v1/account/password/reset changes it nevertheless"
                )
            await self._change(caller, known, new, client=client)

    async def reset(self, caller: Caller, old: str, new: str, *, client: str) -> None:
        """Change an account's password for who knows the present one; its other sessions end.

        Args:
            caller: whose password it is; the session that the call names stays.
            old: the present password; wrong ones are limited like failed logins.
            new: the one it shall be.
            client: the source address.

        Raises: notPermitted where the class does not allow it; badParameter (``oldPassword``, ``newPassword``);
        tooManyRequests; notAuthenticated; unavailable.
        """
        check_form(new, parameter=_NEW)
        async with self._turns.of(caller.account_id):
            known = await self._read(caller)
            if not known.policy.allow_change_by_user:
                raise not_permitted("users of this class may not change their password")
            await require_password(
                self._hasher, self._guesses, known.account, password=old, client=client, parameter=_OLD
            )
            await self._change(caller, known, new, client=client)

    # Steps

    async def _read(self, caller: Caller) -> _Known:
        """Return what is known of the caller's account, if the caller's login still counts."""
        async with self._store.directory() as tables:
            account = await tables.directory.find(caller.account_id)
        if account is None or account.auth_version != caller.auth_version:
            raise not_authenticated()
        account_class = class_of(self._classes, account.class_name)
        policy = account_class.restrictions.password_policy
        async with self._store.directory() as tables:
            passwords = await tables.directory.passwords.list_newest(
                account.account_id, limit=count_kept(policy)
            )
        return _Known(account, policy, passwords)

    async def _change(self, caller: Caller, known: _Known, new: str, *, client: str) -> None:
        check_content(known.policy, new, parameter=_NEW)
        await check_history(
            self._hasher,
            known.policy,
            known.account.password_hash,
            passwords=known.passwords,
            new=new,
            parameter=_NEW,
        )
        new_hash = await self._hasher.hash(new)
        account_id = known.account.account_id
        async with self._store.directory_transaction() as tx:
            if not await tx.directory.passwords.replace(account_id, known.account.auth_version, new_hash):
                raise not_authenticated()
            password = PastPassword(int(self._now() * 1000), 1, new_hash)
            await tx.directory.passwords.record(account_id, password, keep=count_kept(known.policy))
            ended = await end_others(tx, account_id, keep=caller.session_id)
            await tx.directory.raise_versions(account_id, auth=1, sessions=1)
            changed = SecurityEventKind.PASSWORD_CHANGED
            await note(tx, account_id, changed, client=client, now_ms=password.set_at)
            await note_sessions_ended(
                tx, account_id, ended.sessions, reason=changed, client=client, now_ms=password.set_at
            )
        await remove_files(self._store, ended.files)
