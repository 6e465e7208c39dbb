"""History: writing down what somebody did, such that it is shown and can be taken back.

An operation is one entry of the log, or several with the same ``history_id`` (a batch). Its first entry is what
people see. Whether it is on the undo stack of its session follows from its kind and its steps.
"""

from collections.abc import Sequence

from postroom.domain.steps import (
    Bounce,
    Copy,
    Deliver,
    Dispatch,
    Insert,
    MakeFolder,
    Move,
    PlaceFolder,
    Record,
    Refer,
    Remove,
    RemoveFolder,
    Replace,
    Step,
)
from postroom.model.ids import FolderId, Modseq, SessionId
from postroom.store.tx import Head, Transaction

STACKED = frozenset(
    {
        "mails.create",
        "mails.move",
        "mails.copy",
        "mails.delete",
        "mails.archive",
        "mails.spam",
        "mails.notspam",
        "conversations.move",
        "conversations.delete",
        "conversations.spam",
        "folders.create",
        "folders.rename",
        "folders.move",
        "folders.delete",
    }
)
"""Kinds that a session's undo takes back; others are taken back by their id alone."""

FINAL = frozenset(
    {
        "mails.replace",
        "mails.send",
        "mails.schedule",
        "mails.undoSend",
        "mails.cancelSchedule",
        "mails.release",
    }
)
"""Kinds that are not taken back by their steps: what is sent has ways of its own."""


def is_carried(kind: str, steps: Sequence[Step]) -> bool:
    """Tell whether mails were moved here from another's mailbox, so that taking them out would lose them."""
    return kind == "mails.move" and any(isinstance(step, Insert) for step in steps)


def is_stacked(kind: str, steps: Sequence[Step]) -> bool:
    """Tell whether an operation goes on the undo stack of its session."""
    return (
        kind in STACKED
        and not is_carried(kind, steps)
        and any(isinstance(step, Insert | Move | Copy | MakeFolder | PlaceFolder) for step in steps)
    )


def is_reversible(steps: Sequence[Step]) -> bool:
    """Tell whether something of an operation can be taken back."""
    final = Remove | RemoveFolder | Deliver | Replace | Refer | Dispatch | Bounce
    return any(not isinstance(step, final) for step in steps)


def folder_of(step: Step) -> int:
    """Return the folder that a step began in."""
    return step.source if isinstance(step, Move) else step.folder_id


def make_head(kind: str, steps: Sequence[Step], *, folder_id: int, state: str = "done") -> Head:
    """Return what people see of an operation that has begun with these steps."""
    return Head(
        folder_id=folder_id,
        mail_count=count_mails(steps),
        state=state,
        is_stacked=is_stacked(kind, steps),
        is_reversible=kind not in FINAL and not is_carried(kind, steps) and is_reversible(steps),
    )


def count_mails(steps: Sequence[Step]) -> int:
    """Return how many mails steps are about."""
    return sum(len(getattr(step, "mails", ())) for step in steps)


async def write_down(
    tx: Transaction,
    kind: str,
    steps: list[Step],
    *,
    folder_id: FolderId,
    state: str = "done",
    modseq: Modseq | None = None,
    session_id: SessionId | None = None,
) -> None:
    """Write down what was done as a whole; nothing, if nothing was done.

    Args:
        tx: the transaction that did it.
        kind: the kind of operation.
        steps: what was done.
        folder_id: the folder that people see it with.
        state: ``running`` if more is to come.
        modseq: the step of history, where the transaction makes several.
        session_id: the session it was done for, where the transaction is not that of one session.
    """
    if not steps:
        return
    head = make_head(kind, steps, folder_id=folder_id, state=state)
    await tx.log(kind, Record(steps), modseq=modseq or tx.modseq, head=head, session_id=session_id)
