"""What a hook is told of an operation: the steps of its record, as messages in their order.

A delivery is one message for each mail; any other step is one message, however many mails it is about. After those
comes at most one message with counters: of the Inbox, or of the hook's folder, if the steps may have changed them.
Messages are numbered before any are left out, so that a message has the same number whatever a hook wants.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from postroom.domain.steps import (
    UNREAD,
    Bounce,
    Copy,
    Deliver,
    Dispatch,
    DropFolder,
    Insert,
    Label,
    MakeFolder,
    Mark,
    Move,
    PlaceFolder,
    Record,
    Refer,
    Remove,
    RemoveFolder,
    Replace,
    Step,
    Uncopy,
    read_record,
)
from postroom.model.folder import INBOX
from postroom.model.webhook import (
    BOUNCED,
    CHANGED,
    COUNTERS_CHANGED,
    DELIVERED,
    FOLDER_CHANGED,
    REMOVED,
    SENT,
)

_KINDS: dict[type, str] = {
    Deliver: DELIVERED,
    Insert: CHANGED,
    Replace: CHANGED,
    Refer: CHANGED,
    Move: CHANGED,
    Copy: CHANGED,
    Uncopy: REMOVED,
    Remove: REMOVED,
    Mark: CHANGED,
    Label: CHANGED,
    Dispatch: SENT,
    Bounce: BOUNCED,
    MakeFolder: FOLDER_CHANGED,
    DropFolder: FOLDER_CHANGED,
    PlaceFolder: FOLDER_CHANGED,
    RemoveFolder: FOLDER_CHANGED,
}


class CountersOf(NamedTuple):
    """The counters of a folder are to be told."""

    folder_id: int


class Message(NamedTuple):
    """A message: its number within the operation, its kind, and what it is about (a delivery is of one mail)."""

    number: int
    kind: str
    about: Step | CountersOf


def list_messages(data: str, *, kinds: frozenset[str], folder_id: int) -> list[Message]:
    """Return the messages of an operation for a hook.

    Args:
        data: the record of the operation, as the log has it.
        kinds: what the hook wants.
        folder_id: only what concerns this folder; 0 for all.
    """
    try:
        record = read_record(data)
    except msgspec.MsgspecError:
        record = Record()  # Nothing that can be told.
    return list_messages_of(record.steps, kinds=kinds, folder_id=folder_id)


def list_messages_of(steps: Sequence[Step | None], *, kinds: frozenset[str], folder_id: int) -> list[Message]:
    """Return the messages of steps; None stands for one that is not told, and has a number all the same."""
    abouts = [about for step in steps for about in ([None] if step is None else _split(step))]
    messages = [
        Message(number, kind, about)
        for number, about in enumerate(abouts)
        if about is not None
        and (kind := _KINDS[type(about)]) in kinds
        and folder_id in {0, *_folders_of(about)}
    ]
    counted = folder_id or INBOX
    there = [step for step in steps if step is not None]
    if COUNTERS_CHANGED in kinds and _changes_counters(there, counted):
        messages.append(Message(len(abouts), COUNTERS_CHANGED, CountersOf(counted)))
    return messages


def _split(step: Step) -> Iterator[Step]:
    if isinstance(step, Deliver):
        for mail in step.mails:
            yield Deliver(step.folder_id, [mail])
    else:
        yield step


def _folders_of(step: Step) -> tuple[int, ...]:
    return (step.source, step.target) if isinstance(step, Move) else (step.folder_id,)


def _changes_counters(steps: Sequence[Step], folder_id: int) -> bool:
    """Tell whether steps may have changed the counters of a folder."""
    for step in steps:
        if folder_id not in _folders_of(step):
            continue
        if isinstance(step, Mark):
            if any((mail.before ^ mail.after) & UNREAD for mail in step.mails):
                return True
        elif isinstance(step, Deliver | Insert | Replace | Move | Copy | Uncopy | Remove):
            return True
    return False
