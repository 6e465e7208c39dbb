"""Calls that are done once, however often they are made: those that carry a key.

The first call with a key is made inside :meth:`Store.join`: the transactions of the use case become one, which begins
by claiming the key (whoever else comes with it then waits for the end of that transaction) and ends by storing the
answer. So the key, the answer and what was done are there together or not at all, in every process, whatever dies
when. A call that fails leaves nothing, its key included; but an error that tells of something that was done
nevertheless (an undo of which a part was not possible) is an answer, and remembered.

What a use case has to know of this:

- nothing, where it does its work in transactions and starts further work by ``tx.after_commit``;
- ``await store.commit_now(job_key)``, where it is to wait for a job that it has stored: until the answer is stored
  too, the call's answer is what the job has come to.

Calls are remembered for a week, and of one account only so many: now and then, as new ones come, the oldest beyond
that number are forgotten.

Answers that are not to be kept by anybody (``no-store``: they show a secret) are not kept here either: the same call
again changes nothing, and is refused.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from postroom.auth.passwords import PasswordHasher
from postroom.config.classes import AccountClass, class_of
from postroom.domain.turns import Turns
from postroom.errors import Kind, PostroomError
from postroom.model.account import Caller
from postroom.model.ids import AccountId
from postroom.store import Store
from postroom.store.engine.base import WriteConnection
from postroom.store.sql.remembered_calls import RememberedCall, RememberedCallRepo

KEPT_SECONDS = 7 * 86_400
_SLICE = 500
_PART = 200
"""Of an account's calls, that many times are looked for such as are too many, while they are all made anew."""
_MAX_KNOWN = 10_000
_NOT_KEPT = -1
_OWN_FAULTS = frozenset({Kind.INTERNAL, Kind.UNAVAILABLE})

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[tuple[bytes, bytes]]).decode


class KeyedCall(NamedTuple):
    """A call: its key, and a hash of all that it asks for."""

    key: str
    fingerprint: bytes


class Answer(NamedTuple):
    """An answer as it is sent. ``is_replayed``: it was given before."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    is_replayed: bool = False


class Answering(Protocol):
    """How a call is made and answered: the business of the protocol edge."""

    async def make(self) -> Answer:
        """Make the call. Raises whatever it raises."""

    async def refuse(self, error: PostroomError) -> Answer:
        """Return the answer that tells of an error."""

    async def resume(self, job_key: str) -> Answer:
        """Return the answer to a call that began a job, waiting for it as the call did. Raises: notFound."""


class _Taken(BaseException):
    """The key was used meanwhile."""

    def __init__(self, found: RememberedCall) -> None:
        self.found = found


class Calls:
    """The calls of all accounts that carry a key."""

    def __init__(
        self,
        store: Store,
        classes: Mapping[str, AccountClass],
        hasher: PasswordHasher,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._turns = Turns()
        self._classes = classes
        self._now = now
        self._until_look: dict[AccountId, int] = {}

    async def harden(self, caller: Caller, key: str, fingerprint: bytes) -> bytes:
        """Return the fingerprint of a call with passwords in it, as hard to guess from as a password hash.

        It is the same for the same call and key as long as the cost of password hashes is not changed; after that
        a repeated call is refused as another one.
        """
        salt = hashlib.sha256(f"{caller.account_id} {key}".encode()).digest()
        async with self._turns.of(caller.account_id):
            return await self._hasher.derive(fingerprint, salt)

    async def once(self, caller: Caller, call: KeyedCall, answering: Answering) -> Answer:
        """Make a call, or answer what was answered when it was made.

        Raises: conflict where the key was used for another call; unavailable; what the call raises.
        """
        found = await self._find(caller, call.key)
        if found is None:
            try:
                return await self._first(caller, call, answering)
            except _Taken as taken:
                found = taken.found
            except PostroomError:
                # The same call may have been made meanwhile, and what it is about be gone with it.
                found = await self._find(caller, call.key)
                if found is None:
                    raise
        return await self._again(caller, call, found, answering=answering)

    async def _find(self, caller: Caller, key: str) -> RememberedCall | None:
        async with self._store.directory() as directory:
            return await directory.remembered_calls.find(caller.account_id, key)

    async def _first(self, caller: Caller, call: KeyedCall, answering: Answering) -> Answer:
        async def begin(connection: WriteConnection) -> None:
            calls = RememberedCallRepo(connection)
            now = int(self._now() * 1000)
            if not await calls.claim(caller.account_id, call.key, call.fingerprint, called_at=now):
                found = await calls.find(caller.account_id, call.key)
                if found is not None:
                    raise _Taken(found)
            await self._forget_some(calls, caller)

        async def release(connection: WriteConnection, job_key: str) -> None:
            await RememberedCallRepo(connection).name_job(caller.account_id, call.key, job_key)

        async with self._store.join(begin, release) as joined:
            try:
                answer = await answering.make()
            except PostroomError as error:
                if not (joined.has_changed or joined.is_over) or error.kind in _OWN_FAULTS:
                    raise
                answer = await answering.refuse(error)
            async with joined.write() as connection:
                await _keep(RememberedCallRepo(connection), caller, call.key, answer=answer)
        return answer

    async def _forget_some(self, calls: RememberedCallRepo, caller: Caller) -> None:
        """Forget what an account has too many of; looked for once in a while."""
        left = self._until_look.pop(caller.account_id, 0)
        if not left:
            account_class = class_of(self._classes, caller.class_name)
            limit = account_class.remembered_calls
            await calls.drop_beyond(caller.account_id, keep=limit)
            left = max(limit // _PART, 1)
        self._until_look[caller.account_id] = left - 1
        if len(self._until_look) > _MAX_KNOWN:
            del self._until_look[next(iter(self._until_look))]

    async def _again(
        self, caller: Caller, call: KeyedCall, found: RememberedCall, *, answering: Answering
    ) -> Answer:
        if found.fingerprint != call.fingerprint:
            raise _conflict("the Idempotency-Key was used for another call")
        if found.status == _NOT_KEPT:
            raise _conflict("the call was made already; its answer shows a secret and was not kept")
        if found.status:
            return Answer(found.status, _unpack(found.headers), found.body, is_replayed=True)
        try:
            answer = await answering.resume(found.job_key)
        except PostroomError as error:
            if error.kind is Kind.NOT_FOUND:
                raise _conflict("the call was made already; its answer is no longer known") from None
            if error.kind in _OWN_FAULTS:
                raise
            answer = await answering.refuse(error)
        async with self._store.directory_transaction() as tx:
            await _keep(tx.remembered_calls, caller, call.key, answer=answer)
        return answer._replace(is_replayed=True)


async def _keep(calls: RememberedCallRepo, caller: Caller, key: str, *, answer: Answer) -> None:
    headers = dict(answer.headers)
    if b"no-store" in headers.get(b"cache-control", b"") and answer.status < 400:
        await calls.answer(caller.account_id, key, status=_NOT_KEPT, headers=b"", body=b"")
    else:
        packed = _pack(answer.headers)
        await calls.answer(caller.account_id, key, status=answer.status, headers=packed, body=answer.body)


def _conflict(message: str) -> PostroomError:
    return PostroomError(Kind.CONFLICT, "conflict", message)


async def purge_calls(store: Store, *, now: Callable[[], float] = time.time) -> int:
    """Forget calls that were made long ago; return how many. Raises: unavailable."""
    before = int((now() - KEPT_SECONDS) * 1000)
    removed, count = 0, _SLICE
    while count == _SLICE:
        async with store.directory_transaction() as tx:
            count = await tx.remembered_calls.purge(before=before, limit=_SLICE)
        removed += count
    return removed
