"""What an operation is told as: which messages, in which order, under which numbers."""

import msgspec
import pytest

from postroom.domain.steps import (
    Bounce,
    Copied,
    Copy,
    Deliver,
    Dispatch,
    Label,
    Listed,
    MakeFolder,
    Mark,
    Marked,
    Move,
    Moved,
    Place,
    PlaceFolder,
    Reached,
    Record,
    Remove,
    RemoveFolder,
    Step,
    Uncopy,
)
from postroom.domain.webhook_messages import CountersOf, Message, list_messages
from postroom.model.folder import INBOX
from postroom.model.webhook import (
    BOUNCED,
    CHANGED,
    COUNTERS_CHANGED,
    DELIVERED,
    FOLDER_CHANGED,
    KINDS,
    REMOVED,
    SENT,
)

ALL = frozenset(KINDS)
DELIVERY = Deliver(INBOX, [Listed(1, 11), Listed(2, 12)])
MOVE = Move(INBOX, 5, [Moved(1, 11, 1), Moved(2, 12, 2)])


def messages(*steps: Step, kinds: frozenset[str] = ALL, folder_id: int = 0) -> list[Message]:
    data = msgspec.json.encode(Record(list(steps))).decode()
    return list_messages(data, kinds=kinds, folder_id=folder_id)


def test_a_delivery_is_a_message_for_each_mail() -> None:
    assert messages(DELIVERY) == [
        Message(0, DELIVERED, Deliver(INBOX, [Listed(1, 11)])),
        Message(1, DELIVERED, Deliver(INBOX, [Listed(2, 12)])),
        Message(2, COUNTERS_CHANGED, CountersOf(INBOX)),
    ]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (MOVE, CHANGED),
        (Copy(5, [Copied(3, 1, 1)]), CHANGED),
        (Uncopy(5, [Copied(3, 1, 1)]), REMOVED),
        (Remove(5, [Listed(3, 1)]), REMOVED),
        (Dispatch(5, [Listed(3, 1)], 77, [Reached("b@other.test", "2.0.0", "250 ok")]), SENT),
        (Bounce(5, [Listed(3, 1)], 77, [Reached("b@other.test", "5.1.1", "550 no")]), BOUNCED),
        (Mark(5, [Marked(3, 1, 0, 1)]), CHANGED),
        (Label(5, 7, True, [Listed(3, 1)]), CHANGED),
        (MakeFolder(20, Place(1, "A"), "mails"), FOLDER_CHANGED),
        (PlaceFolder(20, Place(1, "A"), Place(1, "B")), FOLDER_CHANGED),
        (RemoveFolder(20, Place(1, "A")), FOLDER_CHANGED),
    ],
)
def test_any_other_step_is_one_message(step: Step, kind: str) -> None:
    assert messages(step)[0] == Message(0, kind, step)
    assert messages(step, kinds=ALL - {kind, COUNTERS_CHANGED}) == []


def test_numbers_do_not_depend_on_what_is_wanted() -> None:
    wanted = messages(DELIVERY, MOVE, kinds=frozenset({CHANGED, COUNTERS_CHANGED}))
    assert [(one.number, one.kind) for one in wanted] == [(2, CHANGED), (3, COUNTERS_CHANGED)]


def test_one_folder_alone() -> None:
    assert [one.number for one in messages(DELIVERY, MOVE, folder_id=5)] == [2, 3]
    assert messages(DELIVERY, MOVE, folder_id=5)[-1].about == CountersOf(5)
    assert messages(DELIVERY, MOVE, folder_id=6) == []


@pytest.mark.parametrize(
    ("step", "counts"),
    [
        (Mark(INBOX, [Marked(1, 1, 0, 1)]), True),
        (Mark(INBOX, [Marked(1, 1, 1, 3)]), False),
        (Label(INBOX, 7, True, [Listed(1, 1)]), False),
        (PlaceFolder(INBOX, Place(1, "A"), Place(1, "B")), False),
        (Move(5, INBOX, [Moved(1, 1, 1)]), True),
        (Move(5, 6, [Moved(1, 1, 1)]), False),
        (Remove(INBOX, [Listed(1, 1)]), True),
    ],
)
def test_counters_are_told_where_they_may_have_changed(step: Step, counts: bool) -> None:
    assert (messages(step)[-1].kind == COUNTERS_CHANGED) is counts


@pytest.mark.parametrize("data", ["", "{}", '{"folder":20,"name":"x"}', '{"steps":[["unknown",1]]}', "["])
def test_what_is_no_record_tells_nothing(data: str) -> None:
    assert list_messages(data, kinds=ALL, folder_id=0) == []
