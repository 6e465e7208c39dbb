"""Sending, scheduling, and taking back."""

import asyncio
from typing import Any

import httpx
import pytest

from postroom.config.classes import AccountClass
from postroom.model.outgoing import LOCAL, Outgoing, OutgoingRecipient, ProcessingId
from tests.api.test_drafts import DRAFTS, LETTER, MAILS, check, read, refused, save
from tests.api.world import User, make_message

SEND, UNDO, SCHEDULE = f"{MAILS}/send", f"{MAILS}/send/undo", f"{MAILS}/send/schedule"


async def post(user: User, path: str, body: Any = None, **headers: str) -> Any:
    """Make a call that succeeds."""
    response = await user.client.post(path, json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def send(user: User, **fields: Any) -> Any:
    return await post(user, SEND, LETTER | fields)


async def queued(user: User, processing_id: int) -> tuple[Outgoing, list[OutgoingRecipient]]:
    """Return a message in the queue, with its recipients."""
    async with user.world.store.directory() as directory:
        message = await directory.outgoing.find(ProcessingId(processing_id))
        assert message is not None
        return message, await directory.outgoing.list_recipients(message.processing_id)


async def unfinished(user: User) -> list[Outgoing]:
    async with user.world.store.directory() as directory:
        return await directory.outgoing.list_unfinished(0, limit=100)


async def folder(user: User, number: int) -> list[dict[str, Any]]:
    page = await user.get(MAILS, folderId=f"{user.account.account_id}_{number}")
    items: list[dict[str, Any]] = page["items"]
    return items


async def set_settings(user: User, **settings: Any) -> None:
    response = await user.client.patch("/api/v1/account/settings", json=settings)
    assert response.status_code == 200, response.text


async def conflict(user: User, body: Any) -> None:
    response = await user.client.post(UNDO, json=body)
    assert (response.status_code, response.json()["errorCode"]) == (409, "conflict"), response.text


async def test_a_mail_is_sent(ann: User) -> None:
    sent = await send(ann, cc="carl@example.org", bcc="dora@example.org, ben@example.test")
    assert sorted(sent) == ["mailId", "processingId"]
    [copy] = await folder(ann, 4)
    assert copy["id"] == sent["mailId"]
    assert (copy["isUnread"], copy["isDraft"], copy["bcc"]) == (
        False,
        False,
        "dora@example.org, ben@example.test",
    )
    message, recipients = await queued(ann, sent["processingId"])
    assert (message.sender, message.kind, message.started_at) == ("ann@example.test", "sent", 0)
    assert message.release_at == int(ann.world.clock.now * 1000) + 10_000
    assert [(one.address, one.destination, one.notify) for one in recipients] == [
        ("ben@example.test", LOCAL, ""),
        ("carl@example.org", "example.org", ""),
        ("dora@example.org", "example.org", ""),
    ]
    [operation] = (await ann.get("/api/v1/operations"))["items"]
    assert (operation["kind"], operation["reversible"]) == ("mails.send", False)
    await check(ann)


async def test_no_copy_is_kept(ann: User) -> None:
    await set_settings(ann, saveToSent=False, autoAddRecipients=False)
    before = await ann.get("/api/v1/folders")
    sent = await send(ann, bcc="dora@example.org")
    assert list(sent) == ["processingId"]
    assert await ann.get("/api/v1/folders") == before
    await check(ann)
    draft = (await post(ann, UNDO, {"processingId": sent["processingId"]}))["mailId"]
    [mail] = await folder(ann, 3)
    # Nobody but the copy showed the Bcc.
    assert (mail["id"], mail["isDraft"], mail["bcc"], mail["to"]) == (draft, True, "", "ben@example.test")
    await check(ann)
    assert await unfinished(ann) == []


async def test_sending_is_taken_back(ann: User) -> None:
    answered = await ann.deliver(make_message())
    sent = await send(ann, bcc="dora@example.org", refwType="re", refwMailId=answered)
    assert (await ann.get(f"{MAILS}/{answered}"))["refwFlags"] == "re"
    ann.world.clock.now += 9.9
    draft = (await post(ann, UNDO, sent))["mailId"]
    [mail] = await folder(ann, 3)
    assert (mail["id"], mail["isDraft"], mail["bcc"]) == (draft, True, "dora@example.org")
    assert (mail["refwType"], mail["refwMailId"]) == ("re", answered)
    assert (await ann.get(f"{MAILS}/{answered}"))["refwFlags"] == ""
    assert (await folder(ann, 4), await unfinished(ann)) == ([], [])
    await conflict(ann, sent)
    await check(ann)


async def test_flags_that_were_there_stay(ann: User) -> None:
    answered = await ann.deliver(make_message())
    await send(ann, refwType="re", refwMailId=answered)
    again = await send(ann, refwType="re", refwMailId=answered)
    await post(ann, UNDO, again)
    assert (await ann.get(f"{MAILS}/{answered}"))["refwFlags"] == "re"
    [draft] = await folder(ann, 3)
    assert (draft["refwType"], draft["refwMailId"]) == ("re", answered)
    await send(ann, refwType="fw", refwMailId=answered)
    assert (await ann.get(f"{MAILS}/{answered}"))["refwFlags"] == "refw"
    await check(ann)


async def test_answering_is_told(ann: User) -> None:
    answered = await ann.deliver(make_message())
    token = (await ann.get(MAILS, folderId=ann.inbox))["syncToken"]
    await send(ann, refwType="re", refwMailId=answered)
    delta = await ann.get(f"{MAILS}/delta", folderId=ann.inbox, syncToken=token)
    assert [(mail["id"], mail["refwFlags"]) for mail in delta["updatedItems"]] == [(answered, "re")]


async def test_a_copy_that_was_moved_or_deleted(ann: User) -> None:
    sent = await send(ann)
    moved = await post(ann, f"{MAILS}/{sent['mailId']}/move", {"destinationFolderId": ann.inbox})
    await post(ann, UNDO, sent)
    assert [mail["subject"] for mail in await folder(ann, 3)] == ["Lunch"]
    assert (await ann.client.get(f"{MAILS}/{moved['id']}")).status_code == 404
    sent = await send(ann)
    await ann.client.delete(f"{MAILS}/{sent['mailId']}", params={"permanent": "1"})
    await post(ann, UNDO, sent)
    assert len(await folder(ann, 3)) == 2
    await check(ann)


async def test_it_is_too_late(ann: User, ben: User) -> None:
    other = await ann.deliver(make_message())
    sent = await send(ann)
    refused(await ann.client.post(UNDO, json=sent | {"mailId": other}), "mailId")
    assert (await ben.client.post(UNDO, json={"processingId": sent["processingId"]})).status_code == 404
    assert (await ann.client.post(UNDO, json={"processingId": 1})).status_code == 404
    ann.world.clock.now += 10
    await conflict(ann, sent)
    assert len(await unfinished(ann)) == len(await folder(ann, 4)) == 1


async def test_two_undo_at_once(ann: User) -> None:
    sent = await send(ann)
    answers = await asyncio.gather(*(ann.client.post(UNDO, json=sent) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert len(await folder(ann, 3)) == 1
    await check(ann)


async def test_a_draft_is_sent(ann: User) -> None:
    answered = await ann.deliver(make_message())
    draft = await save(ann, bcc="dora@example.org", refwType="fw", refwMailId=answered, bodyHtml="<p>Hi</p>")
    before = await read(ann, draft["id"])
    ann.world.clock.now += 100
    sent = await post(ann, f"{DRAFTS}/{draft['id']}/send")
    assert await folder(ann, 3) == []
    [copy] = await folder(ann, 4)
    assert (copy["id"], copy["isDraft"], copy["refwType"]) == (sent["mailId"], False, "")
    after = await read(ann, copy["id"])
    assert after["date"].datetime.timestamp() == int(ann.world.clock.now)
    assert after["message-id"] != before["message-id"]
    assert (after["bcc"], after["references"]) == (before["bcc"], before["references"])
    assert after.get_body().get_content() == before.get_body().get_content()  # type: ignore[union-attr]
    assert (await ann.get(f"{MAILS}/{answered}"))["refwFlags"] == "fw"
    _, recipients = await queued(ann, sent["processingId"])
    assert [one.address for one in recipients] == ["ben@example.test", "dora@example.org"]
    assert (await ann.client.post(f"{DRAFTS}/{draft['id']}/send")).status_code == 404
    await check(ann)


async def test_drafts_that_cannot_be_sent(ann: User) -> None:
    draft = await save(ann, to="")
    refused(await ann.client.post(f"{DRAFTS}/{draft['id']}/send"), "to")
    mail = await ann.deliver(make_message())
    assert (await ann.client.post(f"{DRAFTS}/{mail}/send")).status_code == 404
    drafts = {"destinationFolderId": f"{ann.account.account_id}_3"}
    foreign = await post(ann, f"{MAILS}/{mail}/move", drafts)
    response = await ann.client.post(f"{DRAFTS}/{foreign['id']}/send")
    assert (response.status_code, response.json()["errorCode"]) == (403, "notPermitted")
    assert await unfinished(ann) == []


@pytest.mark.parametrize("path", [SEND, SCHEDULE])
async def test_recipients(ann: User, path: str) -> None:
    body = {"subject": "x"} | ({"deliveryTime": int(ann.world.clock.now)} if path == SCHEDULE else {})
    refused(await ann.client.post(path, json=body), "to")
    many = [f"user{number}@example.org" for number in range(101)]
    refused(await ann.client.post(path, json=body | {"to": many[0], "bcc": ", ".join(many[1:])}), "to")
    await post(ann, path, body | {"to": ", ".join(many[:100]), "cc": ", ".join(many[:100])})


class TestFewRecipients:
    """A class with a limit of its own."""

    @pytest.fixture
    def classes(self) -> dict[str, AccountClass]:
        return {"default": AccountClass(max_recipients=1)}

    async def test_the_limit_is_of_the_class(self, ann: User) -> None:
        await send(ann)
        refused(await ann.client.post(SEND, json=LETTER | {"cc": "x@example.org"}), "to")


class TestSmallQueue:
    """A class of which few mails may wait."""

    @pytest.fixture
    def classes(self) -> dict[str, AccountClass]:
        return {"default": AccountClass(queued_mails=3)}

    async def test_what_waits_is_limited(self, ann: User, ben: User) -> None:
        draft = await save(ann)
        mails = [await send(ann) for _ in range(2)]
        await post(ann, SCHEDULE, LETTER | {"deliveryTime": int(ann.world.clock.now) + 3600})
        for path in (SEND, f"{DRAFTS}/{draft['id']}/send"):
            response = await ann.client.post(path, json=LETTER if path == SEND else {})
            assert response.status_code == 429
            assert response.json()["errorCode"] == "tooManyRequests"
            assert response.json()["details"] == {"limit": 3}
            assert response.headers["Retry-After"] == "60"
        assert len(await folder(ann, 4)) == 2  # Nothing was left of them.
        await send(ben)  # It is for each account.
        await post(ann, UNDO, mails[0])
        await post(ann, f"{DRAFTS}/{draft['id']}/send")
        assert (await ann.client.post(SEND, json=LETTER)).status_code == 429


async def test_receipts(ann: User) -> None:
    sent = await send(ann, requestReadReceipt=True, requestDeliveryReceipt=True)
    message = await read(ann, sent["mailId"])
    assert message["disposition-notification-to"] == "Ann Example <ann@example.test>"
    _, [recipient] = await queued(ann, sent["processingId"])
    assert "SUCCESS" in recipient.notify
    assert recipient.orcpt == "rfc822;ben@example.test"
    await set_settings(ann, receipts={"requestReadReceipts": True, "requestDeliveryReceipts": True})
    asked = [await send(ann), await post(ann, f"{DRAFTS}/{(await save(ann))['id']}/send")]
    for sent in asked:
        assert "disposition-notification-to" in await read(ann, sent["mailId"])
        assert (await queued(ann, sent["processingId"]))[1][0].notify
    sent = await send(ann, requestReadReceipt=False, requestDeliveryReceipt=False)
    assert "disposition-notification-to" not in await read(ann, sent["mailId"])
    assert not (await queued(ann, sent["processingId"]))[1][0].notify


async def test_a_repeated_call_sends_nothing(ann: User) -> None:
    first = await post(ann, SEND, LETTER, **{"Idempotency-Key": "k"})
    again = await post(ann, SEND, LETTER, **{"Idempotency-Key": "k"})
    assert first == again
    assert len(await unfinished(ann)) == len(await folder(ann, 4)) == 1
    other = await post(ann, SEND, LETTER, **{"Idempotency-Key": "l"})
    ids = {(await read(ann, sent["mailId"]))["message-id"] for sent in (first, other)}
    assert len(ids) == 2
    # Should a repeat slip through, it is recognised as the same mail.
    async with ann.world.store.engine.write() as connection:
        await connection.execute("DELETE FROM remembered_call")
    slipped = await post(ann, SEND, LETTER, **{"Idempotency-Key": "k"})
    assert (await read(ann, slipped["mailId"]))["message-id"] in ids


async def test_a_mail_is_scheduled(ann: User) -> None:
    at = int(ann.world.clock.now) + 3600
    mail_id = (await post(ann, SCHEDULE, LETTER | {"deliveryTime": at}))["mailId"]
    [mail] = await folder(ann, 7)
    assert (mail["id"], mail["date"]) == (mail_id, str(at))
    [message] = await unfinished(ann)
    assert (message.kind, message.release_at) == ("scheduled", at * 1000)
    await conflict(ann, {"processingId": message.processing_id})
    response = await ann.client.delete(f"{SCHEDULE}/{mail_id}")
    assert response.status_code == 200, response.text
    [draft] = await folder(ann, 3)
    assert (draft["id"], draft["isDraft"]) == (response.json()["mailId"], True)
    assert draft["date"] == str(int(ann.world.clock.now))
    assert (await unfinished(ann), await folder(ann, 7)) == ([], [])
    assert (await ann.client.delete(f"{SCHEDULE}/{mail_id}")).status_code == 404
    await check(ann)


async def test_a_draft_is_scheduled(ann: User) -> None:
    answered = await ann.deliver(make_message())
    draft = await save(ann, refwType="re", refwMailId=answered)
    at = int(ann.world.clock.now) + 60
    mail_id = (await post(ann, f"{DRAFTS}/{draft['id']}/send/schedule", {"deliveryTime": at}))["mailId"]
    assert [mail["id"] for mail in await folder(ann, 7)] == [mail_id]
    assert await folder(ann, 3) == []
    response = await ann.client.delete(f"{SCHEDULE}/{mail_id}")
    [again] = await folder(ann, 3)
    assert (again["id"], again["refwMailId"]) == (response.json()["mailId"], answered)
    assert (await ann.get(f"{MAILS}/{answered}"))["refwFlags"] == ""
    await check(ann)


@pytest.mark.parametrize(
    ("seconds", "is_right"),
    [(-61, False), (-60, True), (0, True), (364 * 86400, True), (366 * 86400 + 61, False), (10**12, False)],
)
async def test_times(ann: User, seconds: int, is_right: bool) -> None:
    body = LETTER | {"deliveryTime": int(ann.world.clock.now) + seconds}
    response = await ann.client.post(SCHEDULE, json=body)
    if is_right:
        assert response.status_code == 200, response.text
    else:
        refused(response, "deliveryTime")


async def test_an_unscheduled_mail_is_not_sent_as_it_was(ann: User) -> None:
    """Taken out of Scheduled by hand, changed and scheduled again, it goes once, as it is then."""
    at = int(ann.world.clock.now) + 60
    mail_id = (await post(ann, SCHEDULE, LETTER | {"deliveryTime": at}))["mailId"]
    drafts = {"destinationFolderId": f"{ann.account.account_id}_3"}
    moved = await post(ann, f"{MAILS}/{mail_id}/move", drafts)
    saved = await ann.client.put(f"{DRAFTS}/{moved['id']}", json=LETTER | {"subject": "Changed"})
    assert saved.status_code == 200
    assert await unfinished(ann) == []
    await post(ann, f"{DRAFTS}/{moved['id']}/send/schedule", {"deliveryTime": at + 60})
    [message] = await unfinished(ann)
    assert message.release_at == (at + 60) * 1000
    await check(ann)


async def test_recipients_are_collected(ann: User) -> None:
    await send(ann, cc="Carl <carl@example.org>")
    folders = (await ann.get("/api/v1/folders"))["items"]
    collected = next(one for one in folders if one["id"] == f"{ann.account.account_id}_9")
    assert collected["totalItems"] == 2
    await set_settings(ann, autoAddRecipients=False, saveToSent=False)
    await send(ann, cc="dora@example.org")
    await set_settings(ann, autoAddRecipients=True)
    before = (await ann.get("/api/v1/folders"))["syncToken"]
    await send(ann, cc="eve@example.org")
    assert (await ann.get("/api/v1/folders"))["syncToken"] != before
    await check(ann)


class TestQuota:
    """An account that is full."""

    @pytest.fixture
    def classes(self) -> dict[str, AccountClass]:
        return {"default": AccountClass(messages=1)}

    async def test_nothing_is_half_sent(self, ann: User) -> None:
        draft = await save(ann)
        response: httpx.Response = await ann.client.post(SEND, json=LETTER)
        assert (response.status_code, response.json()["errorCode"]) == (403, "messageQuotaExceeded")
        assert (await unfinished(ann), await folder(ann, 4)) == ([], [])
        # A draft makes room for its own copy.
        sent = await post(ann, f"{DRAFTS}/{draft['id']}/send")
        assert [mail["id"] for mail in await folder(ann, 4)] == [sent["mailId"]]
        await check(ann)


@pytest.mark.parametrize("path", ["send", "send/schedule"])
async def test_the_labels_of_a_draft_go_with_it(ann: User, path: str) -> None:
    labels = [(await post(ann, "/api/v1/labels", {"name": name}))["id"] for name in ("A", "B", "C")]
    draft = await save(ann)
    for label in labels:
        assert (await ann.client.post(f"{MAILS}/{draft['id']}/labels", json={"labelId": label})).is_success
    assert (await ann.client.delete(f"/api/v1/labels/{labels[2]}")).is_success
    body = {"deliveryTime": int(ann.world.clock.now) + 60} if path == "send/schedule" else None
    sent = await post(ann, f"{DRAFTS}/{draft['id']}/{path}", body)
    copy = (await ann.client.get(f"{MAILS}/{sent['mailId']}")).json()
    assert copy["labelIds"] == labels[:2]
    await check(ann)


async def test_international_mail(ann: User) -> None:
    sent = await send(ann, to="Ben Ünal <bün@exämple.org>", subject="Grüße 日本", bodyText="Äpfel\n")
    message, [recipient] = await queued(ann, sent["processingId"])
    assert message.needs_smtputf8
    assert (recipient.address, recipient.destination) == ("bün@xn--exmple-cua.org", "xn--exmple-cua.org")
    sent = await send(ann, to="Ben Ünal <ben@exämple.org>", subject="Grüße 日本", bodyText="Äpfel\n")
    message, _ = await queued(ann, sent["processingId"])
    assert not message.needs_smtputf8
    for sent in (
        await send(ann, bcc="bün@example.org"),
        await post(ann, f"{DRAFTS}/{(await save(ann, bcc='bün@example.org'))['id']}/send"),
    ):
        message, recipients = await queued(ann, sent["processingId"])
        assert [one.address for one in recipients] == ["ben@example.test", "bün@example.org"]
        assert (message.needs_smtputf8, message.is_8bit) == (0, 0)
    draft = await save(ann, to="bün@example.org")
    sent = await post(ann, f"{DRAFTS}/{draft['id']}/send")
    message, [recipient] = await queued(ann, sent["processingId"])
    assert (message.needs_smtputf8, recipient.address) == (1, "bün@example.org")
