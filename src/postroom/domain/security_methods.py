"""Methods: addresses and phone numbers that codes are sent to, and apps that make codes.

A method is set up in a session: it is pending there, for an hour at most and for nobody else, until a code shows that
it works. What may be set up, and what it is then good for, is the policy of the account's class
(:mod:`postroom.domain.factor_policy`).

While 2-step verification is on, the last method that it can use stays: else who has a session and the password could
do away with the second step, which only a code of it may.
"""

import secrets as random
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from postroom.auth.codes import CodeHasher, make_otpauth_uri, new_secret
from postroom.auth.credentials import not_authenticated
from postroom.auth.vault import Place
from postroom.config.classes import AccountClass, SecurityPolicy, class_of
from postroom.domain.access import require_own
from postroom.domain.automatic import is_own
from postroom.domain.clock import Clock
from postroom.domain.factor_codes import FactorCodes
from postroom.domain.factor_policy import SECOND_STEP, Use, is_in_force, may_create, may_use
from postroom.domain.factor_targets import mask, parse_target
from postroom.domain.security_log import note, note_sessions_ended
from postroom.domain.security_tokens import require_session
from postroom.domain.server_secrets import ServerSecrets
from postroom.domain.sessions import Ended, end_others
from postroom.domain.uploads import remove_files
from postroom.errors import Kind, PostroomError, bad_parameter, not_found, not_permitted
from postroom.model.account import FULL, SECOND, Caller
from postroom.model.factor import AUTH_APP, EMAIL, PURPOSE, SMS, Method, MethodId, MethodKind, MethodRef
from postroom.model.ids import SessionId
from postroom.model.security import SecurityEventKind
from postroom.store import Store
from postroom.store.tx import DirectoryTransaction

MOST_METHODS: Final = 10
"""Activated ones of one account."""
MOST_PENDING: Final = 5
PENDING_MILLISECONDS: Final = 3_600_000
_ID_BITS: Final = 52
_TARGET: Final = "target"


class Shown(NamedTuple):
    """A method as its owner sees it; ``target`` is masked."""

    method_id: MethodId
    kind: MethodKind
    target: str
    last_used_at: int


class Created(NamedTuple):
    """A method that is pending; ``otpauth_uri`` is "" for one that is no app."""

    method_id: MethodId
    otpauth_uri: str


class SecurityMethods:
    """The methods of callers."""

    def __init__(
        self,
        store: Store,
        classes: Mapping[str, AccountClass],
        codes: FactorCodes,
        *,
        secrets: ServerSecrets,
        hasher: CodeHasher,
        clock: Clock,
    ) -> None:
        self._store = store
        self._classes = classes
        self.codes = codes
        self._secrets = secrets
        self.hasher = hasher
        self._clock = clock

    def policy_of(self, class_name: str) -> SecurityPolicy:
        """Return the security policy of a class, of the default one if it is no longer configured."""
        found = class_of(self._classes, class_name)
        return found.restrictions.security_policy

    def hash_target(self, kind: str, target: str) -> bytes:
        """Return by what methods with a target are found."""
        return self.hasher.hash(_TARGET, kind, target)

    async def list(self, caller: Caller, use: Use) -> Sequence[Shown]:
        """Return the activated methods that are good for something.

        Raises: secondFactorRequired; unavailable.
        """
        if caller.stage == SECOND and use != SECOND_STEP:
            raise PostroomError(
                Kind.UNAUTHENTICATED, "secondFactorRequired", "the session waits for its second step"
            )
        policy = self.policy_of(caller.class_name)
        async with self._store.directory() as tables:
            methods = await tables.methods.list_of(caller.account_id)
        return [self._show(one) for one in methods if not one.session_id and may_use(policy, one.kind, use)]

    def _show(self, method: Method) -> Shown:
        target = ""
        if method.kind != AUTH_APP:
            target = mask(method.kind, self.codes.open_target(method).decode())
        return Shown(method.method_id, method.kind, target, method.last_used_at)

    async def create(self, caller: Caller, kind: MethodKind, target: str | None) -> Created:
        """Begin to set up a method in the caller's session.

        Raises: sessionRequired; badParameter; notPermitted; conflict; tooManyRequests; unavailable.
        """
        session_id = require_session(caller)
        if not may_create(self.policy_of(caller.class_name), kind):
            raise not_permitted("this method may not be set up")
        if kind == SMS and not self.codes.messages.has_sms:
            raise not_permitted("this server sends no text messages")
        plain, key, uri = await self._make_target(caller, kind, target)
        method_id = MethodId(random.randbits(_ID_BITS))
        now = self._clock.now_ms()
        async with self._store.directory_transaction() as tx:
            sealed = await self._secrets.seal(tx, plain, Place(PURPOSE, caller.account_id, method_id))
            await self._lock(tx, caller)
            await self._make_room(tx, caller, session_id, key=key, now=now)
            await tx.methods.create(
                Method(caller.account_id, method_id, session_id, kind, sealed, key, created_at=now)
            )
        return Created(method_id, uri)

    async def _make_target(
        self, caller: Caller, kind: MethodKind, target: str | None
    ) -> tuple[bytes, bytes, str]:
        """Return what a new method is to be sealed with, by what it is found, and its otpauth URI."""
        if kind == AUTH_APP:
            if target:
                raise bad_parameter("target", "an app has no target")
            secret = new_secret()
            domain = caller.address.rpartition("@")[2]
            uri = make_otpauth_uri(secret, name=caller.address, issuer=domain)
            return secret, self.hash_target(kind, random.token_hex()), uri
        if not target:
            raise bad_parameter("target", "target is missing")
        text = parse_target(kind, target, parameter="target")
        if kind == EMAIL:
            async with self._store.directory() as tables:
                if await is_own(tables.directory, caller.account_id, text, now=self._clock.now_ms()):
                    raise bad_parameter("target", "the address must not be one of this account")
        return text.encode(), self.hash_target(kind, text), ""

    async def _make_room(
        self, tx: DirectoryTransaction, caller: Caller, session_id: SessionId, *, key: bytes, now: int
    ) -> None:
        """See to it that there are not too many methods; those that were not set up in time go."""
        pending = []
        methods = await tx.methods.list_of(caller.account_id)
        active = [one for one in methods if not one.session_id]
        if any(one.target_key == key for one in active):
            raise _conflict("the account has this method already")
        if len(active) >= MOST_METHODS:
            raise _conflict(f"an account has at most {MOST_METHODS} methods")
        for one in methods:
            if one.session_id and now >= one.created_at + PENDING_MILLISECONDS:
                await tx.methods.delete(one)
            elif one.session_id:
                pending.append(one)
        for one in pending[: max(len(pending) - MOST_PENDING + 1, 0)]:
            await tx.methods.delete(one)

    async def find_uri(self, caller: Caller, ref: MethodRef) -> str:
        """Return the otpauth URI of an app that is being set up; later, its secret is shown to nobody.

        Raises: sessionRequired; badParameter; notFound; conflict; unavailable.
        """
        require_session(caller)
        method = await self._get(caller, ref)
        if method.kind != AUTH_APP:
            raise bad_parameter("methodId", "the method is no app")
        if not method.session_id:
            raise _conflict("the method is set up already: its secret is shown no more")
        domain = caller.address.rpartition("@")[2]
        return make_otpauth_uri(self.codes.open_target(method), name=caller.address, issuer=domain)

    async def send_code(self, caller: Caller, ref: MethodRef) -> None:
        """Send a code by a method.

        Raises: badParameter; notFound; tooManyRequests; unavailable.
        """
        method = await self._get(caller, ref)
        async with self._store.directory() as tables:
            account = await tables.directory.find(caller.account_id)
        if account is None:
            raise not_authenticated()
        await self.codes.send(account, method)

    async def activate(self, caller: Caller, ref: MethodRef, code: str, *, client: str) -> None:
        """Keep a method that is being set up, for who has a code of it.

        Raises: sessionRequired; badParameter (``totpToken``); notFound; conflict; tooManyRequests; unavailable.
        """
        require_session(caller)
        is_right = False
        async with self._store.directory_transaction() as tx:
            state = await self.codes.begin(tx, caller.account_id, caller.auth_version)
            method = self._require(caller, ref, await tx.methods.lock(caller.account_id, ref.method))
            if not method.session_id:
                raise _conflict("the method is set up already")
            await self._check_room(tx, method)
            is_right = await self.codes.check(tx, method, code, state=state)
            if is_right:
                await tx.methods.activate(method)
                await note(
                    tx,
                    caller.account_id,
                    SecurityEventKind.METHOD_ADDED,
                    client=client,
                    details={"method": method.kind},
                    now_ms=self._clock.now_ms(),
                )
        if not is_right:
            raise self.codes.refuse()

    async def _check_room(self, tx: DirectoryTransaction, method: Method) -> None:
        methods = await tx.methods.list_of(method.account_id)
        active = [one for one in methods if not one.session_id]
        if len(active) >= MOST_METHODS or any(one.target_key == method.target_key for one in active):
            raise _conflict("the account has this method, or too many, already")

    async def delete(self, caller: Caller, ref: MethodRef, *, client: str) -> None:
        """Remove a method; all other sessions end. Raises: notFound; conflict; notAuthenticated; unavailable."""
        await self._remove(caller, ref, client)

    async def delete_all(self, caller: Caller, *, client: str) -> None:
        """Remove all methods; all other sessions end. Raises: conflict; notAuthenticated; unavailable."""
        await self._remove(caller, None, client)

    async def _remove(self, caller: Caller, ref: MethodRef | None, client: str) -> None:
        if ref is not None:
            require_own(caller, ref.owner, "the method")
        policy = self.policy_of(caller.class_name)
        async with self._store.directory_transaction() as tx:
            state = await self.codes.begin(tx, caller.account_id, caller.auth_version)
            methods = [
                one
                for one in await tx.methods.list_of(caller.account_id)
                if one.session_id in {0, caller.session_id}
            ]
            doomed = [one for one in methods if ref is None or one.method_id == ref.method]
            if ref is not None and not doomed:
                raise not_found("the method")
            left = [one for one in methods if one not in doomed]
            if is_in_force(policy, state) and not _has_second_step(policy, left):
                raise _conflict("2-step verification uses this method: switch it off first")
            ended = Ended(0, [])
            if any(not one.session_id for one in doomed):
                await tx.directory.raise_versions(caller.account_id, auth=0, sessions=1)
                ended = await end_others(tx, caller.account_id, keep=caller.session_id)
            for one in doomed:
                await tx.methods.delete(one)
            now, event = self._clock.now_ms(), SecurityEventKind.METHOD_REMOVED
            for kind in {one.kind for one in doomed if not one.session_id}:
                await note(tx, caller.account_id, event, client=client, details={"method": kind}, now_ms=now)
            await note_sessions_ended(
                tx, caller.account_id, ended.sessions, reason=event, client=client, now_ms=now
            )
        await remove_files(self._store, ended.files)

    # Steps

    async def _lock(self, tx: DirectoryTransaction, caller: Caller) -> None:
        if await tx.two_factor.lock_account(caller.account_id) != caller.auth_version:
            raise not_authenticated()

    async def _get(self, caller: Caller, ref: MethodRef) -> Method:
        require_own(caller, ref.owner, "the method")
        async with self._store.directory() as tables:
            found = await tables.methods.find(ref.owner, ref.method)
        return self._require(caller, ref, found)

    def _require(self, caller: Caller, ref: MethodRef, method: Method | None) -> Method:
        """Return a method if it is the caller's to know of. Raises: notFound."""
        require_own(caller, ref.owner, "the method")
        policy = self.policy_of(caller.class_name)
        if method is None or method.session_id not in {0, caller.session_id}:
            raise not_found("the method")
        if method.session_id and self._clock.now_ms() >= method.created_at + PENDING_MILLISECONDS:
            raise not_found("the method")
        if caller.stage != FULL and not method.session_id and not may_use(policy, method.kind, SECOND_STEP):
            raise not_found("the method")
        return method


def _has_second_step(policy: SecurityPolicy, methods: Sequence[Method]) -> bool:
    return any(not one.session_id and may_use(policy, one.kind, SECOND_STEP) for one in methods)


def _conflict(message: str) -> PostroomError:
    return PostroomError(Kind.CONFLICT, "conflict", message)
