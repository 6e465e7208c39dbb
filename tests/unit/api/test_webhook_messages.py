"""Steps as webhooks are told of them."""

import json
from typing import Any

import pytest

from postroom.api.ids import render_mail
from postroom.api.schemas.webhook_messages import render_message
from postroom.domain.steps import (
    Bounce,
    Copied,
    Copy,
    Deliver,
    Dispatch,
    DropFolder,
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
    Remove,
    RemoveFolder,
    Uncopy,
)
from postroom.domain.webhook_messages import CountersOf, Message
from postroom.domain.webhook_turns import Told
from postroom.model.account import Account
from postroom.model.ids import AccountId, FolderId, Modseq, Uid
from postroom.store.sql.folders import FolderCount
from postroom.store.sql.operations import Operation

ACCOUNT = Account(AccountId(80), "ann@example.test", "", "default", "en", "active", "", 0, 1, 1, 0, 0)
OPERATION = Operation(*[0] * len(Operation._fields))._replace(  # type: ignore[arg-type]
    modseq=Modseq(9), done_at=1_744_407_421_999
)


def render(about: Any, counters: FolderCount | None = None) -> Any:
    told = Told("whm_1_9_0", Message(0, "kind", about), counters, ACCOUNT, ACCOUNT.account_id, OPERATION)
    return json.loads(render_message(told))


def mail(folder: int, uid: int) -> str:
    return render_mail(AccountId(80), FolderId(folder), Uid(uid))


def test_envelope() -> None:
    assert render(Deliver(2, [Listed(1, 11)])) == {
        "id": "whm_1_9_0",
        "kind": "kind",
        "date": "1744407421",
        "account": "ann@example.test",
        "position": 9,
        "data": {"folderId": "80_2", "mailId": mail(2, 11)},
    }


@pytest.mark.parametrize(
    ("step", "data"),
    [
        (
            Move(2, 5, [Moved(1, 11, 1), Moved(2, 12, 2)]),
            {
                "change": "moved",
                "folderId": "80_5",
                "oldFolderId": "80_2",
                "mails": [
                    {"mailId": mail(5, 1), "oldMailId": mail(2, 11)},
                    {"mailId": mail(5, 2), "oldMailId": mail(2, 12)},
                ],
            },
        ),
        (
            Copy(5, [Copied(3, 1, 1)]),
            {"change": "copied", "folderId": "80_5", "mails": [{"mailId": mail(5, 1)}]},
        ),
        (Uncopy(5, [Copied(3, 1, 1)]), {"folderId": "80_5", "mails": [{"mailId": mail(5, 1)}]}),
        (Remove(5, [Listed(3, 1)]), {"folderId": "80_5", "mails": [{"mailId": mail(5, 1)}]}),
        (
            Mark(5, [Marked(3, 1, 1, 2), Marked(4, 2, 0, 1)]),
            {
                "change": "flags",
                "folderId": "80_5",
                "mails": [
                    {"mailId": mail(5, 1), "isUnread": False, "isFlagged": True},
                    {"mailId": mail(5, 2), "isUnread": True, "isFlagged": False},
                ],
            },
        ),
        (
            Label(5, 7, True, [Listed(3, 1)]),
            {
                "change": "labelled",
                "folderId": "80_5",
                "labelId": "80_7",
                "mails": [{"mailId": mail(5, 1)}],
            },
        ),
        (
            Label(5, 7, False, [Listed(3, 1)]),
            {
                "change": "unlabelled",
                "folderId": "80_5",
                "labelId": "80_7",
                "mails": [{"mailId": mail(5, 1)}],
            },
        ),
        (
            MakeFolder(20, Place(1, "A"), "mails"),
            {"change": "created", "folderId": "80_20", "name": "A", "parentId": "80_1"},
        ),
        (
            DropFolder(20, Place(1, "A"), "mails"),
            {"change": "removed", "folderId": "80_20", "name": "A", "parentId": "80_1"},
        ),
        (
            RemoveFolder(20, Place(4, "A")),
            {"change": "removed", "folderId": "80_20", "name": "A", "parentId": "80_4"},
        ),
        (
            PlaceFolder(20, Place(1, "A"), Place(1, "B")),
            {
                "change": "renamed",
                "folderId": "80_20",
                "name": "B",
                "parentId": "80_1",
                "oldName": "A",
                "oldParentId": "80_1",
            },
        ),
        (
            PlaceFolder(20, Place(1, "A"), Place(4, "A")),
            {
                "change": "moved",
                "folderId": "80_20",
                "name": "A",
                "parentId": "80_4",
                "oldName": "A",
                "oldParentId": "80_1",
            },
        ),
    ],
)
def test_steps(step: Any, data: dict[str, Any]) -> None:
    assert render(step)["data"] == data


def test_counters() -> None:
    data = render(CountersOf(2), FolderCount(FolderId(2), "inbox", 3, 8, "mails"))["data"]
    assert data == {"folderId": "80_2", "unreadCount": 3, "totalItems": 8}


@pytest.mark.parametrize("kind", [Dispatch, Bounce])
def test_sent_mail(kind: type[Dispatch | Bounce]) -> None:
    recipients = [Reached("b@other.test", "2.0.0", "250 ok")]
    shown = {
        "processingId": 77,
        "recipients": [{"address": "b@other.test", "status": "2.0.0", "answer": "250 ok"}],
    }
    assert render(kind(5, [Listed(3, 9)], 77, recipients))["data"] == {
        **shown,
        "folderId": "80_5",
        "mailId": mail(5, 9),
    }
    assert render(kind(0, [], 77, recipients))["data"] == shown
