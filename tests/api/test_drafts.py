"""Writing mails: drafts, saving them anew, inserting elsewhere, what they answer."""

import email
import email.policy
from typing import Any

import httpx
import pytest

from postroom.config.classes import AccountClass
from postroom.domain.examination import examine
from postroom.store.sql.directory import ALIAS, Address
from tests.api.world import User, World, make_message

MAILS, DRAFTS = "/api/v1/mails", "/api/v1/drafts"
LETTER = {"to": "ben@example.test", "subject": "Lunch", "bodyText": "Today?\n"}


async def save(user: User, **fields: Any) -> Any:
    """Save a draft that can be saved; return the mail."""
    response = await user.client.post(MAILS, json=LETTER | fields)
    assert response.status_code == 200, response.text
    return response.json()


async def read(user: User, mail_id: str) -> email.message.EmailMessage:
    """Return a mail as the standard library reads it."""
    raw = (await user.client.get(f"{MAILS}/{mail_id}/source/download")).content
    return email.message_from_bytes(raw, policy=email.policy.default)


async def check(user: User) -> None:
    """See that everything maintained is right."""
    async with user.world.store.read(user.account.account_id) as mailbox:
        assert (await examine(mailbox, "x"))[1] == []


def refused(response: httpx.Response, parameter: str) -> None:
    assert response.status_code == 400, response.text
    assert response.json()["details"] == {"parameter": parameter}, response.text


async def test_a_draft(ann: User) -> None:
    draft = await save(
        ann,
        cc="Carl <carl@example.org>",
        bcc="dora@example.org",
        replyTo="Office <office@example.org>",
        bodyHtml="<p>Today?</p>",
        importance="high",
        isFlagged=True,
    )
    assert draft["folderId"] == f"{ann.account.account_id}_3"
    assert (draft["isDraft"], draft["isUnread"], draft["isFlagged"]) == (True, False, True)
    assert (draft["to"], draft["cc"], draft["bcc"]) == (
        "ben@example.test",
        "Carl <carl@example.org>",
        "dora@example.org",
    )
    assert draft["from"] == "Ann Example <ann@example.test>"
    assert (draft["importance"], draft["replyTo"]) == ("high", "Office <office@example.org>")
    assert await ann.get(f"{MAILS}/{draft['id']}") == draft
    message = await read(ann, draft["id"])
    assert message.get_content_type() == "multipart/alternative"
    assert message["message-id"].endswith("@example.test>")
    assert message["date"].datetime.timestamp() == int(draft["date"])
    [operation] = (await ann.get("/api/v1/operations"))["items"]
    assert (operation["kind"], operation["reversible"]) == ("mails.create", True)
    await check(ann)


async def test_an_empty_draft(ann: User) -> None:
    response = await ann.client.post(MAILS)
    assert response.status_code == 200, response.text
    assert response.json()["subject"] == response.json()["to"] == ""


async def test_a_mail_in_another_folder(ann: User) -> None:
    mail = await save(ann, folderId=ann.inbox, isUnread=True)
    assert (mail["folderId"], mail["isDraft"], mail["isUnread"]) == (ann.inbox, False, True)
    folders = (await ann.get("/api/v1/folders"))["items"]
    contacts = next(folder["id"] for folder in folders if folder["folderType"] == "contacts")
    refused(await ann.client.post(MAILS, json={"folderId": contacts}), "folderId")
    gone = await ann.client.post(MAILS, json={"folderId": f"{ann.account.account_id}_999"})
    assert gone.status_code == 404


async def test_inserting_is_taken_back(ann: User) -> None:
    draft = await save(ann)
    [operation] = (await ann.get("/api/v1/operations"))["items"]
    response = await ann.client.post(f"/api/v1/operations/{operation['id']}/undo")
    assert response.status_code == 200, response.text
    assert (await ann.client.get(f"{MAILS}/{draft['id']}")).status_code == 404
    trash = await ann.get(MAILS, folderId=f"{ann.account.account_id}_5")
    assert [mail["subject"] for mail in trash["items"]] == ["Lunch"]
    await check(ann)


async def test_a_draft_is_saved_anew(ann: User) -> None:
    draft = await save(ann, isFlagged=True)
    listed = await ann.get(MAILS, folderId=draft["folderId"])
    ann.world.clock.now += 5
    response = await ann.client.put(
        f"{DRAFTS}/{draft['id']}", json={"subject": "Dinner", "to": "carl@example.org", "isUnread": True}
    )
    assert response.status_code == 200, response.text
    saved = response.json()
    assert (saved["id"], saved["subject"], saved["to"]) == (draft["id"], "Dinner", "carl@example.org")
    assert (saved["isUnread"], saved["isFlagged"], saved["isDraft"]) == (True, False, True)
    assert int(saved["date"]) == int(draft["date"]) + 5
    delta = await ann.get(f"{MAILS}/delta", folderId=draft["folderId"], syncToken=listed["syncToken"])
    assert [mail["id"] for mail in delta["replacedItems"]] == [draft["id"]]
    assert delta["newItems"] == delta["updatedItems"] == delta["removedItems"] == []
    folder = await ann.get(f"/api/v1/folders/{draft['folderId']}")
    assert (folder["totalItems"], folder["unreadItems"]) == (1, 1)
    operation = (await ann.get("/api/v1/operations"))["items"][0]
    assert (operation["kind"], operation["reversible"]) == ("mails.replace", False)
    await check(ann)


async def test_only_drafts_are_saved_anew(ann: User) -> None:
    mail = await ann.deliver(make_message())
    assert (await ann.client.put(f"{DRAFTS}/{mail}", json={})).status_code == 404
    moved = await ann.client.post(
        f"{MAILS}/{mail}/move", json={"destinationFolderId": f"{ann.account.account_id}_3"}
    )
    saved = await ann.client.put(f"{DRAFTS}/{moved.json()['id']}", json={"subject": "Mine now"})
    assert (saved.status_code, saved.json()["isDraft"]) == (200, True)
    await check(ann)


async def test_an_answer(ann: User) -> None:
    long = " ".join(f"<{number:0>60}@example.org>" for number in range(60))
    mail = await ann.deliver(make_message(References=long))
    draft = await save(ann, refwType="re", refwMailId=mail)
    assert (draft["refwType"], draft["refwMailId"]) == ("re", mail)
    message = await read(ann, draft["id"])
    assert message["in-reply-to"] == "<1@example.org>"
    references = message["references"].split()
    assert (references[0], references[-1]) == (long.split()[0], "<1@example.org>")
    assert len(" ".join(references)) < 2000
    assert (await ann.get(f"{MAILS}/{mail}"))["refwFlags"] == ""
    # It is shown wherever that mail goes, in lists and deltas too, and when it is gone no more.
    moved = await ann.client.post(
        f"{MAILS}/{mail}/move", json={"destinationFolderId": f"{ann.account.account_id}_5"}
    )
    page = await ann.get(MAILS, folderId=draft["folderId"])
    delta = await ann.get(f"{MAILS}/delta", folderId=draft["folderId"])
    for item in (page["items"][0], delta["newItems"][0]):
        assert (item["refwType"], item["refwMailId"]) == ("re", moved.json()["id"])
    copy = await ann.client.post(f"{MAILS}/{draft['id']}/copy")
    assert copy.json()["refwMailId"] == moved.json()["id"]
    await ann.client.delete(f"{MAILS}/{moved.json()['id']}")
    assert (await ann.get(f"{MAILS}/{draft['id']}"))["refwType"] == ""


async def test_a_forwarded_mail(ann: User) -> None:
    mail = await ann.deliver(make_message())
    draft = await save(ann, refwType="fw", refwMailId=mail)
    message = await read(ann, draft["id"])
    assert (message["in-reply-to"], message["references"]) == (None, "<1@example.org>")
    saved = await ann.client.put(f"{DRAFTS}/{draft['id']}", json=LETTER)
    assert (saved.json()["refwType"], saved.json()["refwMailId"]) == ("", "")


async def test_what_is_answered_is_named_whole(ann: User, ben: User) -> None:
    mail, other = await ann.deliver(make_message()), await ben.deliver(make_message())
    for body in ({"refwType": "re"}, {"refwMailId": mail}, {"refwType": "re", "refwMailId": "x"}):
        refused(await ann.client.post(MAILS, json=body), "refwMailId")
    refused(await ann.client.post(MAILS, json={"refwType": "refw", "refwMailId": mail}), "refwType")
    response = await ann.client.post(MAILS, json={"refwType": "re", "refwMailId": other})
    assert response.status_code == 404


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\0"])
@pytest.mark.parametrize("name", ["from", "to", "cc", "bcc", "replyTo", "subject"])
@pytest.mark.parametrize("path", [MAILS, f"{MAILS}/send"])
async def test_no_field_makes_another(ann: User, path: str, name: str, line_end: str) -> None:
    value = f"ann@example.test{line_end}X-Evil: 1"
    refused(await ann.client.post(path, json=LETTER | {name: value}), name)
    value = f"=?utf-8?q?=0D=0AX-Evil:_1?= <ann@example.test>{line_end}"
    refused(await ann.client.post(path, json=LETTER | {name: value}), name)


@pytest.mark.parametrize("name", ["subject", "bodyText", "bodyHtml", "to"])
async def test_half_characters(ann: User, name: str) -> None:
    content = b'{"%s": "a\\ud800b"}' % name.encode()
    response = await ann.client.post(MAILS, content=content)
    assert response.status_code == 400


@pytest.mark.parametrize("name", ["to", "cc", "bcc", "replyTo"])
async def test_what_is_no_address_is_named(ann: User, name: str) -> None:
    response = await ann.client.post(MAILS, json={name: "ben@example.test, not an address"})
    refused(response, name)
    assert "not an address" in response.json()["message"]


@pytest.mark.usefixtures("ben")
async def test_senders(world: World, ann: User) -> None:
    async with world.store.directory_transaction() as tx:
        address = Address("office@example.test", ALIAS)
        assert await tx.directory.create_address(ann.account.account_id, address)
    for text in ("ann@example.test", "The Office <office@example.test>", "ANN@Example.Test"):
        draft = await save(ann, **{"from": text})
        assert draft["from"].casefold() == text.casefold()
    for text in ("ben@example.test", "Ann <ann@other.test>", "ann+x@example.test", "<a@[127.0.0.1]>"):
        response = await ann.client.post(MAILS, json={"from": text})
        assert (response.status_code, response.json()["errorCode"]) == (403, "notPermitted")
    refused(await ann.client.post(MAILS, json={"from": "ann@example.test, ann@example.test"}), "from")


async def test_unknown_attachments(ann: User) -> None:
    response = await ann.client.post(MAILS, json={"temporaryAttachments": [{"id": 7}]})
    assert (response.status_code, response.json()["errorCode"]) == (401, "sessionRequired")
    session = (await ann.client.post("/api/v1/login")).json()["sessid"]
    response = await ann.client.post(
        MAILS, json={"temporaryAttachments": [{"id": 7}]}, headers={"X-Axigen-Session": session}
    )
    assert response.status_code == 404


class TestQuota:
    """An account that holds little."""

    @pytest.fixture
    def classes(self) -> dict[str, AccountClass]:
        return {"default": AccountClass(messages=1, quota_kb=8)}

    async def test_drafts_count(self, ann: User) -> None:
        draft = await save(ann)
        response = await ann.client.post(MAILS, json=LETTER)
        assert (response.status_code, response.json()["errorCode"]) == (403, "messageQuotaExceeded")
        response = await ann.client.put(f"{DRAFTS}/{draft['id']}", json={"bodyText": "long " * 9000})
        assert (response.status_code, response.json()["errorCode"]) == (403, "sizeQuotaExceeded")
        assert await ann.get(f"{MAILS}/{draft['id']}") == draft
        await check(ann)
