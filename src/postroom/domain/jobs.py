"""Jobs: what is done to many mails, in slices, each in a transaction of its own.

A job and its slices are stored before anything is done. Doing a slice removes it, does its work, writes the log and
notes the progress in one transaction: so each mail is done once, whatever dies when, and any process can go on with
the job. Between slices everyone else has a turn.

A batch that is small is a job too, only that its caller waits for it. Taking back a batch is a job of one slice for
each entry that the batch has in the log.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import structlog

from postroom.domain.access import asker_of
from postroom.domain.actions import Action, Policy, perform
from postroom.domain.history import count_mails, folder_of, is_reversible, is_stacked, make_head
from postroom.domain.mail_changes import Policies
from postroom.domain.shared_changes import perform_for, write_down_shared
from postroom.domain.steps import Record, Step, read_record
from postroom.domain.undo import Failed, undo_steps
from postroom.errors import Kind, PostroomError, not_found
from postroom.model.account import Caller
from postroom.model.ids import AccountId, FolderId, ItemId, Modseq, SessionId
from postroom.model.sharing import Asker
from postroom.store import Store
from postroom.store.sql.jobs import NOT_THERE, Job, Slice
from postroom.store.sql.mails import Located
from postroom.store.tx import Transaction

SLICE = 40
"""Mails done in one transaction: it holds up other writers of the store for some 15 ms."""
WAITED_FOR = 500
"""Mails of a batch that its caller waits for."""
MOST_MAILS_WAITED_FOR = 20_000
"""Mails of a batch over few conversations that its caller waits for."""
IDLE_SECONDS = 10
"""A job on which nobody has worked for so long is taken up by whoever notices."""
MOST_RUNNING = 100
"""Jobs of an account at once."""
KEPT_SECONDS = 3600
CONVERSATION = -1
"""In the place of a folder, in what failed: it is a conversation, whose number is in the place of the uid."""
_PURGED_AT_ONCE = 100

_log = structlog.get_logger("postroom.jobs")


class Target(NamedTuple):
    """A mail that a job is to do, by its number, and where it was when that was asked for.

    Where a conversation was asked for, its number is with the mail. If the mail cannot be done, it is the
    conversation that has failed; a mail that is no longer there is no loss.
    """

    item_id: int
    folder_id: int
    uid: int
    conversation_id: int = 0

    def as_failed(self) -> Failed:
        """Return what is told if this cannot be done."""
        if self.conversation_id:
            return Failed(CONVERSATION, self.conversation_id)
        return Failed(self.folder_id, self.uid)


class Request(msgspec.Struct, frozen=True):
    """What a job does: an action, or taking back an operation. ``waits``: the caller waits for it to be done."""

    class_name: str
    action: Action | None = None
    undoes: int = 0
    waits: bool = False
    owner: int = 0
    """Whose mails they are, if not those of who asked for it."""
    domain: str = ""
    """The domain of who asked for it, where they are another's."""


class JobState(NamedTuple):
    """How far a job is. ``failed`` are mails of the account that could not be done."""

    job_key: str
    account_id: AccountId
    total_items: int
    done_items: int
    failed: list[Failed]
    is_done: bool
    is_waited_for: bool = False
    """It was few things that were asked for, though they may have many mails."""

    @property
    def progress(self) -> int:
        """Percent done."""
        return 100 if self.is_done else min(99, 100 * self.done_items // max(self.total_items, 1))


_read_request = msgspec.json.Decoder(Request).decode
_read_failed = msgspec.msgpack.Decoder(list[Failed]).decode
_read_targets = msgspec.msgpack.Decoder(list[Target]).decode
_read_modseq = msgspec.msgpack.Decoder(int).decode
_pack = msgspec.msgpack.Encoder().encode
_write = msgspec.json.Encoder().encode


class _Done(NamedTuple):
    """What a slice did."""

    mails: int
    steps: list[Step]
    failed: list[Failed]


class Jobs:
    """The jobs of all accounts."""

    def __init__(
        self,
        store: Store,
        policies: Policies,
        *,
        on_progress: Callable[[AccountId, str], None] = lambda *_: None,
    ) -> None:
        """``on_progress`` is told the account and the key of a job that has gone on."""
        self._store = store
        self._policies = policies
        self._on_progress = on_progress
        self._running: dict[str, asyncio.Task[None]] = {}

    # Beginning

    async def start_batch(
        self,
        caller: Caller,
        kind: str,
        action: Action,
        *,
        targets: Sequence[Target],
        failed: Sequence[Failed],
        waits: bool = False,
        owner: AccountId | None = None,
    ) -> JobState:
        """Do an action to mails; return when it is done, or begun if they are many.

        Args:
            caller: who asked for it.
            kind: the kind of operation.
            action: what is done.
            targets: the mails.
            failed: what was asked for and is not there.
            waits: return when it is done, however many they are.
            owner: whose mails they are, if not the caller's.

        Raises: tooManyRequests; unavailable.
        """
        slices = [_pack(list(targets[start : start + SLICE])) for start in range(0, len(targets), SLICE)]
        request = Request(caller.class_name, action, waits=waits)
        if owner not in {None, caller.account_id}:
            request = msgspec.structs.replace(request, owner=int(owner or 0), domain=asker_of(caller).domain)
        job = _new_job(caller, kind, request, total=len(targets))
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            running = await tx.tables.jobs.list_running(caller.account_id, limit=MOST_RUNNING)
            if len(running) >= MOST_RUNNING:
                raise PostroomError(
                    Kind.LIMITED,
                    "tooManyRequests",
                    f"{MOST_RUNNING} batches of this account are running: wait until some are done",
                    retry_after_seconds=IDLE_SECONDS,
                )
            await tx.tables.jobs.create(job, slices)
            if failed:
                await tx.tables.jobs.add_failure(job.job_key, Slice(NOT_THERE, _pack(list(failed))))
        return await self.proceed(job)

    async def create_undo(
        self, tx: Transaction, caller: Caller, *, history_id: int, mail_count: int, waits: bool = False
    ) -> Job:
        """Store a job that takes back an operation of several entries; it is begun by :meth:`proceed`."""
        slices: list[bytes] = []
        before = 1 << 62
        while entries := await tx.operations.list_steps(history_id, before=before, limit=SLICE):
            slices += [_pack(int(entry.modseq)) for entry in entries]
            before = entries[-1].modseq
        request = Request(caller.class_name, undoes=history_id, waits=waits)
        job = _new_job(caller, "undo", request, total=mail_count)
        await tx.tables.jobs.create(job, slices)
        return job

    async def proceed(self, job: Job) -> JobState:
        """Work on a job that was stored; return when it is done, or begun if it is large."""
        # Who works on it has to see it, and to write.
        await self._store.commit_now(job.job_key)
        task = self._begin(job.job_key)
        if job.total_items <= WAITED_FOR or _read_request(job.request).waits:
            await asyncio.shield(task)
        return await self._state(job.job_key)

    async def get(self, caller: Caller, job_key: str) -> JobState:
        """Return how far a job of the caller is. Raises: notFound; unavailable."""
        state = await self._state(job_key)
        if state.account_id != caller.account_id:
            raise not_found("the job")
        return state

    async def find_again(self, caller: Caller, job_key: str) -> Job:
        """Return a job that a call of the caller began, to be proceeded with. Raises: notFound; unavailable."""
        async with self._store.directory() as directory:
            job = await directory.jobs.find(job_key)
        if job is None or job.account_id != caller.account_id:
            raise not_found("the job")
        return job

    async def _state(self, job_key: str) -> JobState:
        async with self._store.directory() as directory:
            job = await directory.jobs.find(job_key)
            failures = await directory.jobs.list_failures(job_key)
        if job is None:
            raise not_found("the job")
        return JobState(
            job_key=job.job_key,
            account_id=job.account_id,
            total_items=job.total_items,
            done_items=job.done_items,
            # Of a conversation, several mails may have failed.
            failed=list(dict.fromkeys(failed for failure in failures for failed in _read_failed(failure))),
            is_done=bool(job.finished_at),
            is_waited_for=_read_request(job.request).waits,
        )

    # Working

    def _begin(self, job_key: str) -> "asyncio.Task[None]":
        task = self._running.get(job_key)
        if task is None:
            task = self._running[job_key] = asyncio.create_task(self._run(job_key))
            task.add_done_callback(lambda _: self._running.pop(job_key, None))
        return task

    async def _run(self, job_key: str) -> None:
        try:
            goes_on = True
            while goes_on:
                goes_on = await self._do_slice(job_key)
                # Whoever waits for the store has a turn between two slices.
                await asyncio.sleep(0)
        except PostroomError as error:
            # What is temporary is taken up again later; an account that is gone has no jobs any more.
            _log.warning("a job was interrupted", job_key=job_key, error=str(error), private=error.private)

    async def _do_slice(self, job_key: str) -> bool:
        """Do the next slice of a job; False if there is none."""
        async with self._store.directory() as directory:
            job = await directory.jobs.find(job_key)
        if job is None or job.finished_at:
            return False
        owner = AccountId(_read_request(job.request).owner)
        try:
            return await self._do_next(job, owner or job.account_id)
        except PostroomError as error:
            if not owner or error.kind is not Kind.NOT_FOUND:
                raise
        await self._abandon(job, owner)
        return False

    async def _do_next(self, job: Job, account_id: AccountId) -> bool:
        """Do the next slice of a job in a mailbox. Raises: notFound where that is gone."""
        job_key = job.job_key
        session_id = job.session_id if account_id == job.account_id else None
        async with self._store.transaction(account_id, session_id=session_id) as tx:
            await tx.lock()
            # Another process may have gone on with it meanwhile.
            piece = await tx.tables.jobs.take_slice(job_key)
            job = await tx.tables.jobs.find(job_key) or job
            now = int(time.time() * 1000)
            if piece is None:
                await self._finish(tx, job._replace(finished_at=job.finished_at or now, touched_at=now))
            else:
                done = await self._do(tx, job, piece.items)
                history_id = await _write_down(tx, job, done.steps)
                self._policies.note(tx, job.kind, done.steps)
                if done.failed:
                    await tx.tables.jobs.add_failure(job_key, Slice(piece.number, _pack(done.failed)))
                job = job._replace(history_id=history_id, touched_at=now)
                await tx.tables.jobs.advance(job, done=done.mails)
            tx.after_commit(lambda: self._on_progress(job.account_id, job_key))
        return piece is not None

    async def _abandon(self, job: Job, owner: AccountId) -> None:
        """End a job that works in another's mailbox, which is gone."""
        async with self._store.transaction(job.account_id) as tx:
            await tx.lock()
            while (piece := await tx.tables.jobs.take_slice(job.job_key)) is not None:
                failed = [one.as_failed()._replace(owner=int(owner)) for one in _read_targets(piece.items)]
                await tx.tables.jobs.add_failure(job.job_key, Slice(piece.number, _pack(failed)))
            now = int(time.time() * 1000)
            await tx.tables.jobs.advance(job._replace(finished_at=now, touched_at=now), done=0)

    async def _finish(self, tx: Transaction, job: Job) -> None:
        await tx.tables.jobs.advance(job, done=0)
        if job.history_id:
            await tx.operations.add_to_head(job.history_id, mails=0, state="done")

    async def _do(self, tx: Transaction, job: Job, items: bytes) -> _Done:
        request = _read_request(job.request)
        if request.action is not None:
            asker = Asker(job.account_id, request.domain) if request.owner else None
            done = await self._act(tx, request, asker, targets=_read_targets(items))
            # Who asked for it is not whose mails they are.
            return done._replace(failed=[one._replace(owner=request.owner) for one in done.failed])
        entry = await tx.operations.find(Modseq(_read_modseq(items)))
        if entry is None:
            return _Done(0, [], [])
        steps = read_record(entry.data).steps
        policy = await self._policies.read(tx, request.class_name)
        undone = await undo_steps(tx, await _kind_of(tx, request.undoes), steps, policy=policy)
        return _Done(count_mails(steps), undone.steps, undone.failed)

    async def _act(
        self, tx: Transaction, request: Request, asker: Asker | None, *, targets: Sequence[Target]
    ) -> _Done:
        """Do an action to a slice; if it fails as a whole, to one mail after the other."""
        action = request.action
        assert action is not None  # noqa: S101 (said where this is called)
        if asker is None:
            policy = await self._policies.read_for(action, tx, request.class_name)
        else:
            policy = await self._policies.read_for_reader(tx, asker.account_id)
        work = _Work(action, policy, asker)
        found = await tx.mails.locate_items([ItemId(target.item_id) for target in targets])
        gone = [target for target in targets if target.item_id not in found]
        failed = [target.as_failed() for target in gone if not target.conversation_id]
        # In the order asked for, which is that of the uids that they are given.
        there = [target for target in targets if target.item_id in found]
        items = [found[ItemId(target.item_id)] for target in there]
        steps = await _try(tx, work, items)
        if steps is None:
            steps = []
            for target, item in zip(there, items, strict=True):
                done = await _try(tx, work, [item])
                if done is None:
                    # Where it is now, in case it has been moved: others may not see it there.
                    if asker is None:
                        target = target._replace(folder_id=item.mail.folder_id, uid=item.mail.uid)  # noqa: PLW2901
                    failed.append(target.as_failed())
                else:
                    steps += done
        return _Done(len(targets), steps, failed)

    # Going on

    async def resume(self) -> None:
        """Take up the jobs on which nobody works. Raises: unavailable."""
        before = int(time.time() * 1000) - IDLE_SECONDS * 1000
        async with self._store.directory() as directory:
            keys = await directory.jobs.list_idle(before=before, limit=100)
        for job_key in keys:
            self._begin(job_key)

    async def purge(self, *, now: float) -> None:
        """Remove the jobs that were finished some time ago. Raises: unavailable."""
        before = int((now - KEPT_SECONDS) * 1000)
        count = _PURGED_AT_ONCE
        while count == _PURGED_AT_ONCE:
            async with self._store.directory_transaction() as tx:
                count = await tx.jobs.purge(before=before, limit=_PURGED_AT_ONCE)

    async def close(self) -> None:
        """Stop working; what is not done is done by the next start."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Work(NamedTuple):
    """What is done to mails, by which policy; and who asked for it, where they are another's."""

    action: Action
    policy: Policy
    asker: Asker | None


async def _try(tx: Transaction, work: _Work, items: Sequence[Located]) -> list[Step] | None:
    """Do an action to mails and return the steps; None, and nothing done, if it cannot be done to all of them."""
    if not items:
        return []
    try:
        async with tx.savepoint():
            if work.asker is not None:
                return (await perform_for(tx, work.asker, work.action, items=items, policy=work.policy)).steps
            return (await perform(tx, work.action, items, policy=work.policy)).steps
    except PostroomError:
        return None


async def has_running(tx: Transaction, session_id: SessionId) -> bool:
    """Tell whether a batch of a session is running."""
    jobs = await tx.tables.jobs.list_running(tx.account_id, limit=2 * MOST_RUNNING)
    return any(job.session_id == session_id for job in jobs)


def _new_job(caller: Caller, kind: str, request: Request, *, total: int) -> Job:
    now = int(time.time() * 1000)
    return Job(
        job_key=secrets.token_urlsafe(18),
        account_id=caller.account_id,
        session_id=caller.session_id,
        kind=kind,
        request=_write(request).decode(),
        history_id=0,
        total_items=total,
        done_items=0,
        created_at=now,
        touched_at=now,
        finished_at=0,
    )


async def _kind_of(tx: Transaction, history_id: int) -> str:
    head = await tx.operations.find(Modseq(history_id))
    return head.kind if head is not None else ""


async def _write_down(tx: Transaction, job: Job, steps: list[Step]) -> int:
    """Write down what a slice did, and return the operation that it belongs to (0: none yet)."""
    if not steps:
        if _read_request(job.request).owner:
            # Nothing but marks of a reader, which are no part of the owner's history.
            await write_down_shared(tx, job.kind, steps, folder_id=FolderId(0))
        return job.history_id
    undoes = _read_request(job.request).undoes
    if job.history_id:
        await tx.log(job.kind, Record(steps, undoes=undoes), modseq=tx.modseq, history_id=job.history_id)
        await tx.operations.add_to_head(
            job.history_id,
            mails=count_mails(steps),
            state="running",
            is_stacked=is_stacked(job.kind, steps) and tx.session_id is not None,
            is_reversible=is_reversible(steps),
        )
        return job.history_id
    head = make_head(job.kind, steps, folder_id=folder_of(steps[0]), state="running")
    await tx.log(job.kind, Record(steps, undoes=undoes), modseq=tx.modseq, head=head)
    return int(tx.modseq)
