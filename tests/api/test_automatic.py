"""What sends mail, and what it leaves behind, by itself: receipts by the setting, recipients that become contacts."""

from typing import Any

import pytest

from postroom.model.outgoing import Outgoing
from tests.api.test_sending import send, set_settings, unfinished
from tests.api.world import User, make_message

ASKS = {"Return-Path": "<bea@example.org>", "Disposition-Notification-To": "bea@example.org"}
COLLECTED = 9


def asking(**more: str) -> bytes:
    fields = "".join(f"{name}: {value}\r\n" for name, value in (ASKS | more).items())
    return fields.encode() + make_message()


async def always(user: User) -> None:
    await set_settings(user, receipts={"sendReadReceipts": "always"})


async def receipts(user: User) -> list[Outgoing]:
    return [one for one in await unfinished(user) if one.kind == "receipt"]


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "read-1"}])
async def test_a_receipt(ann: User, headers: dict[str, str]) -> None:
    await always(ann)
    mail = await ann.deliver(asking())
    assert (await ann.get(f"/api/v1/mails/{mail}"))["returnReceipt"] is True
    assert await receipts(ann) == []
    for _ in range(2):
        answer = await ann.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False}, headers=headers)
        assert answer.status_code == 200
    [queued] = await receipts(ann)
    assert (queued.sender, queued.account_id) == ("", ann.account.account_id)


async def test_receipts_of_a_batch(ann: User) -> None:
    await always(ann)
    mails = [await ann.deliver(asking(**{"X-Number": f"{number}"})) for number in range(3)]
    mails.append(await ann.deliver(make_message()))
    for is_unread in (False, True, False):
        body = {"ids": mails, "isUnread": is_unread}
        answer = await ann.client.post("/api/v1/batch/mails/update", json=body)
        assert answer.status_code in {200, 201}
    assert len(await receipts(ann)) == 3


@pytest.mark.parametrize("word", ["ask", "never"])
async def test_no_receipt(ann: User, word: str) -> None:
    await set_settings(ann, receipts={"sendReadReceipts": word})
    mail = await ann.deliver(asking())
    await ann.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False})
    assert await receipts(ann) == []


async def collected(user: User) -> Any:
    folder = await user.get(f"/api/v1/folders/{user.account.account_id}_{COLLECTED}")
    assert folder["folderType"] == "contacts"
    return folder["totalItems"]


async def test_recipients_are_collected(ann: User) -> None:
    assert await collected(ann) == 0
    before = (await ann.get("/api/v1/folders"))["syncToken"]
    recipients = {"to": "Bea <bea@x.test>", "cc": "carl@x.test", "bcc": "dora@x.test, BEA@x.test"}
    await send(ann, **recipients)
    assert await collected(ann) == 3
    token = (await ann.get("/api/v1/folders"))["syncToken"]
    assert token != before
    await send(ann, **recipients)
    assert await collected(ann) == 3
    await set_settings(ann, autoAddRecipients=False)
    await send(ann, to="emil@x.test", cc="", bcc="")
    assert await collected(ann) == 3


async def test_contacts_are_no_mails(ann: User) -> None:
    await send(ann, to="bea@x.test")
    folder = f"{ann.account.account_id}_{COLLECTED}"
    page = await ann.get("/api/v1/mails", folderId=folder)
    assert (page["totalItems"], page["items"]) == (0, [])
    delta = await ann.get("/api/v1/mails/delta", folderId=folder)
    assert (delta["totalItems"], delta["newItems"]) == (0, [])
    info = await ann.get("/api/v1/account/info")
    assert info["usedMessageCount"] == 1, "the copy in Sent"
