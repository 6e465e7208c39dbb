"""What an account's owner did, and taking it back: the undo stack of a session, and the history of the account.

Both are views of the operation log. What is taken back leaves the stack, whichever way it was done, and is marked;
taking it back is an operation itself, which can be taken back by its id, but is on no stack.
"""

from collections.abc import Sequence
from typing import NamedTuple

from postroom.domain.history import make_head
from postroom.domain.jobs import MOST_MAILS_WAITED_FOR, WAITED_FOR, Jobs, JobState, has_running
from postroom.domain.mail_changes import Policies
from postroom.domain.steps import (
    Label,
    MakeFolder,
    PlaceFolder,
    Record,
    Remove,
    RemoveFolder,
    Step,
    read_record,
)
from postroom.domain.undo import Failed, undo_steps
from postroom.errors import Kind, PostroomError, not_found
from postroom.model.account import Caller
from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.store import Store
from postroom.store.sql.jobs import Job
from postroom.store.sql.operations import Operation
from postroom.store.tx import UNDO_DEPTH, Transaction


class Shown(NamedTuple):
    """An operation as people see it; ``done_at`` in Unix milliseconds."""

    operation_id: int
    done_at: int
    kind: str
    summary: str
    mail_count: int
    is_reversible: bool
    is_undone: bool
    is_mine: bool


class Undoing(NamedTuple):
    """How taking back went: what it could not do, and the job if it goes on."""

    account_id: AccountId
    failed: list[Failed]
    job: JobState | None


class Operations:
    """The operations of a caller's account."""

    def __init__(self, store: Store, policies: Policies, jobs: Jobs) -> None:
        self._store = store
        self._policies = policies
        self._jobs = jobs

    async def list_shown(
        self, caller: Caller, *, kind: str, folder_id: FolderId | None, start: int, limit: int
    ) -> tuple[int, list[Shown]]:
        """Return how many operations there are, and a page of them, newest first. Raises: unavailable."""
        folder = folder_id or 0
        async with self._store.read(caller.account_id) as mailbox:
            total = await mailbox.operations.count_shown(kind=kind, folder_id=folder)
            found = await mailbox.operations.list_shown(kind=kind, folder_id=folder, start=start, limit=limit)
        return total, [_show(operation, caller) for operation in found]

    async def undo_last(self, caller: Caller) -> Undoing:
        """Take back the newest reversible operation of the caller's session.

        Raises: sessionRequired; conflict, if there is nothing to take back, or a batch is running; unavailable.
        """
        session_id = caller.session_id
        if session_id is None:
            raise PostroomError(
                Kind.UNAUTHENTICATED, "sessionRequired", "undo needs a session: name the one that did it"
            )
        async with self._store.transaction(caller.account_id, session_id=session_id) as tx:
            await tx.lock()
            if await has_running(tx, session_id):
                raise _conflict("a batch is running: wait until it is done")
            await tx.operations.drop_beyond(session_id, keep=UNDO_DEPTH)
            head = await tx.operations.find_top(session_id)
            if head is None:
                raise _conflict("there is nothing to undo")
            taken = await self._take_back(tx, caller, head)
        return await self.settle(caller, taken)

    async def undo(self, caller: Caller, operation_id: int) -> Undoing:
        """Take back an operation of the caller's account.

        Raises: notFound; conflict, if it cannot be taken back, was already, or is running; unavailable.
        """
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            head = await tx.operations.find(Modseq(operation_id))
            if head is None or not head.is_head:
                raise not_found("the operation")
            if head.state == "running":
                raise _conflict("the operation is running: wait until it is done")
            if head.state == "undone":
                raise _conflict("the operation was taken back already")
            if not head.is_reversible:
                raise _conflict("the operation cannot be taken back")
            if head.session_id is not None:
                await tx.operations.drop_beyond(head.session_id, keep=UNDO_DEPTH)
            taken = await self._take_back(tx, caller, head)
        return await self.settle(caller, taken)

    async def _take_back(self, tx: Transaction, caller: Caller, head: Operation) -> "list[Failed] | Job":
        """Take an operation back at once if it is one entry, else store the job that will."""
        await tx.operations.unstack(head.modseq, state="undone")
        entries = await tx.operations.list_steps(head.history_id, before=1 << 62, limit=2)
        if len(entries) > 1:
            return await self._jobs.create_undo(
                tx,
                caller,
                history_id=head.history_id,
                mail_count=head.mail_count,
                waits=head.kind.startswith("conversations.") and head.mail_count <= MOST_MAILS_WAITED_FOR,
            )
        policy = await self._policies.read(tx, caller.class_name)
        steps = read_record(head.data).steps
        undone = await undo_steps(tx, head.kind, steps, policy=policy)
        if undone.steps:
            shown = make_head("undo", undone.steps, folder_id=head.folder_id)
            await tx.log("undo", Record(undone.steps, undoes=head.modseq), modseq=tx.modseq, head=shown)
        return undone.failed

    async def settle(self, caller: Caller, taken: "list[Failed] | Job") -> Undoing:
        """Return how taking back went; if it is a job, go on with that. Raises: unavailable."""
        if not isinstance(taken, Job):
            return Undoing(caller.account_id, taken, None)
        state = await self._jobs.proceed(taken)
        if state.is_done and (state.is_waited_for or state.total_items <= WAITED_FOR):
            return Undoing(caller.account_id, state.failed, None)
        return Undoing(caller.account_id, [], state)


def _conflict(message: str) -> PostroomError:
    return PostroomError(Kind.CONFLICT, "conflict", message)


def _show(operation: Operation, caller: Caller) -> Shown:
    return Shown(
        operation_id=operation.modseq,
        done_at=operation.done_at,
        kind=operation.kind,
        summary=_summarise(operation.kind, read_record(operation.data).steps, operation.mail_count),
        mail_count=operation.mail_count,
        is_reversible=operation.state == "done" and bool(operation.is_reversible),
        is_undone=operation.state == "undone",
        is_mine=operation.session_id is not None and operation.session_id == caller.session_id,
    )


_VERBS = {
    "mails.archive": "archived",
    "mails.cancelSchedule": "taken out of Scheduled",
    "mails.copy": "copied",
    "mails.create": "created",
    "mails.release": "moved out of Scheduled",
    "mails.replace": "saved anew",
    "mails.undoSend": "taken back before being sent",
    "mails.update": "marked",
    "mails.spam": "moved to Spam",
    "mails.notspam": "moved out of Spam",
}


def _summarise(kind: str, steps: Sequence[Step], mail_count: int) -> str:
    """Return what was done, in words."""
    mails = "1 mail" if mail_count == 1 else f"{mail_count} mails"
    first = steps[0] if steps else None
    kind = kind.replace("conversations.", "mails.")
    if kind.startswith("folders."):
        return _summarise_folder(kind, steps[-1]) if steps else kind
    if kind == "undo":
        return f"taken back: {mails}" if mail_count else "taken back"
    if isinstance(first, Label):
        return f"label {'put on' if first.is_on else 'taken off'} {mails}"
    if kind in {"mails.send", "mails.schedule"}:
        return f"1 mail {'sent' if kind == 'mails.send' else 'scheduled'}"
    if kind == "mails.delete":
        return f"{mails} {'deleted' if isinstance(first, Remove) else 'moved to Trash'}"
    return f"{mails} {_VERBS.get(kind, 'moved')}"


def _summarise_folder(kind: str, step: Step) -> str:
    match step:
        case MakeFolder():
            return f"folder {step.place.name} created"
        case RemoveFolder():
            return f"folder {step.place.name} deleted"
        case PlaceFolder() if kind == "folders.rename":
            return f"folder {step.before.name} renamed to {step.after.name}"
        case PlaceFolder():
            return f"folder {step.before.name} moved" + (" to Trash" if kind == "folders.delete" else "")
    return kind
