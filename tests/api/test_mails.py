"""Mails: lists, single mails, flags."""

from typing import Any

import pytest

from postroom.model.listing import SortField
from tests.api.world import User, make_message

PATH = "/api/v1/mails"
MAIL = {
    "id": str,
    "folderId": str,
    "size": int,
    "from": str,
    "to": str,
    "cc": str,
    "bcc": str,
    "sender": str,
    "subject": str,
    "messageId": str,
    "replyTo": str,
    "replyToAll": str,
    "snippet": str,
    "date": str,
    "isUnread": bool,
    "isFlagged": bool,
    "isDraft": bool,
    "isDeleted": bool,
    "refwFlags": str,
    "refwType": str,
    "refwMailId": str,
    "hasAttachments": bool,
    "isItip": bool,
    "returnReceipt": bool,
    "importance": str,
    "originalFolderId": str,
    "originalMailId": str,
    "attachments": list,
    "labelIds": list,
    "bimiLocation": str,
}
PDF = ("application/pdf", "report.pdf", b"%PDF-1.4 not really")


async def test_mail(ann: User) -> None:
    raw = make_message(
        subject="Größe",
        text="What it says.\n",
        attachments=(PDF,),
        to="Ann <ann@example.test>, Cy <cy@example.org>",
        cc="Di <di@example.org>",
        reply_to="answers@example.org",
        importance="high",
        disposition_notification_to="bea@example.org",
    )
    mail_id = await ann.deliver(raw)
    mail = await ann.get(f"{PATH}/{mail_id}")
    assert {name: type(value) for name, value in mail.items()} == MAIL
    expected = {
        "id": mail_id,
        "folderId": ann.inbox,
        "from": "Bea Sender <bea@example.org>",
        "to": "Ann <ann@example.test>, Cy <cy@example.org>",
        "cc": "Di <di@example.org>",
        "bcc": "",
        "sender": "",
        "subject": "Größe",
        "messageId": "<1@example.org>",
        "replyTo": "answers@example.org",
        "replyToAll": "Ann <ann@example.test>, Cy <cy@example.org>, Di <di@example.org>",
        "snippet": "What it says.",
        "date": str(int(ann.world.clock.now)),
        "isUnread": True,
        "isFlagged": False,
        "isDraft": False,
        "isDeleted": False,
        "refwFlags": "",
        "refwType": "",
        "refwMailId": "",
        "hasAttachments": True,
        "isItip": False,
        "returnReceipt": True,
        "importance": "high",
        "originalFolderId": ann.inbox,
        "originalMailId": mail_id,
        "labelIds": [],
        "bimiLocation": "",
    }
    assert {name: mail[name] for name in expected} == expected
    assert mail["attachments"] == [
        {
            "id": 0,
            "mailId": mail_id,
            "name": "report.pdf",
            "contentId": "",
            "contentType": "application/pdf",
            "size": len(PDF[2]),
            "isInline": False,
        }
    ]
    source = await ann.client.get(f"{PATH}/{mail_id}/source")
    assert mail["size"] == len(source.content)


async def test_bare_mail(ann: User) -> None:
    mail_id = await ann.deliver(b"X: y\r\n\r\ntext\r\n")
    mail = await ann.get(f"{PATH}/{mail_id}")
    for name in ("from", "to", "cc", "subject", "messageId", "replyTo", "replyToAll"):
        assert mail[name] == ""
    assert mail["importance"] == "normal"
    assert mail["attachments"] == []


@pytest.mark.parametrize(
    ("to", "cc", "everybody"),
    [("a@b.c", "", "a@b.c"), ("", "d@e.f", "d@e.f"), ("a@b.c", "d@e.f", "a@b.c, d@e.f"), ("", "", "")],
)
async def test_reply_to_all(ann: User, to: str, cc: str, everybody: str) -> None:
    raw = (f"To: {to}\r\n" if to else "") + (f"Cc: {cc}\r\n" if cc else "") + "From: x@y.z\r\n\r\n"
    mail = await ann.get(f"{PATH}/{await ann.deliver(raw.encode())}")
    assert (mail["replyToAll"], mail["replyTo"]) == (everybody, "x@y.z")


async def fill(user: User) -> list[str]:
    """Deliver mails that differ in every sort field; return their ids in the order of arrival."""
    mails = []
    for number in range(7):
        raw = make_message(
            subject=f"{'Re: ' if number % 2 else ''}{'bcadgfe'[number]}",
            text="x" * (50 * ((number * 3) % 7)),
            from_=f"{'gfedcba'[number]} <x{number}@example.org>",
            to=f"{'dabcefg'[number]} <ann@example.test>",
            importance=["low", "normal", "high"][number % 3],
            attachments=(PDF,) if number % 2 else (),
        )
        mail = await user.deliver(raw)
        flags = {"isUnread": number % 3 == 0, "isFlagged": number % 4 == 0}
        await user.client.patch(f"{PATH}/{mail}", json=flags)
        mails.append(mail)
    return mails


def sort_key(field: SortField, mail: dict[str, Any]) -> Any:
    importances = ["low", "normal", "high"]
    if field is SortField.IMPORTANCE:
        return importances.index(mail["importance"])
    if field is SortField.SUBJECT:
        return mail["subject"].removeprefix("Re: ")
    return int(mail["date"]) if field is SortField.DATE else mail[field.value]


@pytest.mark.parametrize("field", [one for one in SortField if one is not SortField.FOLDER_NAME])
async def test_sorts(ann: User, field: SortField) -> None:
    arrived = await fill(ann)
    mails = {mail: await ann.get(f"{PATH}/{mail}") for mail in arrived}
    for direction in ("ASC", "DESC"):
        order = sorted(arrived, key=lambda mail: (sort_key(field, mails[mail]), arrived.index(mail)))
        order = order[::-1] if direction == "DESC" else order
        listed = await ann.get(PATH, folderId=ann.inbox, sort=field.value, dir=direction)
        assert listed["items"] == [mails[mail] for mail in order]
        assert listed["totalItems"] == 7
        assert listed["sortInfo"] == {"field": field.value, "direction": direction, "activeRowIndex": -1}
        for start in range(8):
            page = await ann.get(
                PATH, folderId=ann.inbox, sort=field.value, dir=direction, start=start, limit=3,
                activeMailId=order[4],
            )  # fmt: skip
            assert [mail["id"] for mail in page["items"]] == order[start : start + 3]
            assert page["totalItems"] == 7
            assert page["sortInfo"]["activeRowIndex"] == 4


async def test_defaults(ann: User) -> None:
    arrived = await fill(ann)
    listed = await ann.get(PATH + "/", folderId=ann.inbox)
    assert list(listed) == ["syncToken", "totalItems", "sortInfo", "items"]
    assert listed["sortInfo"] == {"field": "date", "direction": "DESC", "activeRowIndex": -1}
    assert [mail["id"] for mail in listed["items"]] == arrived[::-1]
    beyond = await ann.get(PATH, folderId=ann.inbox, start=2**63 - 1)
    assert (beyond["items"], beyond["totalItems"]) == ([], 7)


async def test_page_size_of_the_account(ann: User) -> None:
    raw = make_message()
    for _ in range(51):
        await ann.deliver(raw)
    assert len((await ann.get(PATH, folderId=ann.inbox))["items"]) == 50
    assert len((await ann.get(PATH, folderId=ann.inbox, limit=1000))["items"]) == 51


async def test_session_remembers_the_sort(ann: User) -> None:
    await fill(ann)
    sessid = (await ann.client.post("/api/v1/login")).json()["sessid"]
    headers = {"X-Axigen-Session": sessid}

    async def ask(**query: str) -> tuple[str, str]:
        response = await ann.client.get(PATH, params={"folderId": ann.inbox, **query}, headers=headers)
        info = response.json()["sortInfo"]
        return info["field"], info["direction"]

    assert await ask() == ("date", "DESC")
    assert await ask(sort="size", dir="ASC") == ("size", "ASC")
    assert await ask() == ("size", "ASC")
    assert await ask(dir="DESC") == ("size", "DESC")
    assert await ask(sort="from") == ("from", "DESC")
    without = await ann.get(PATH, folderId=ann.inbox)
    assert without["sortInfo"]["field"] == "date"


async def test_active_mail_elsewhere(ann: User, ben: User) -> None:
    mail = await ann.deliver(make_message())
    drafts = f"{ann.account.account_id}_3"
    other = await ben.deliver(make_message())
    for folder, active in [(drafts, mail), (ann.inbox, other)]:
        listed = await ann.get(PATH, folderId=folder, activeMailId=active)
        assert listed["sortInfo"]["activeRowIndex"] == -1


async def test_sync_token(ann: User) -> None:
    listed = await ann.get(PATH, folderId=ann.inbox)
    assert await ann.get(PATH, folderId=ann.inbox, syncTokenOnly="yes") == {"syncToken": listed["syncToken"]}
    seen = {listed["syncToken"]}
    mail = await ann.deliver(make_message())
    seen.add((await ann.get(PATH, folderId=ann.inbox, syncTokenOnly="1"))["syncToken"])
    await ann.client.patch(f"{PATH}/{mail}", json={"isFlagged": True})
    seen.add((await ann.get(PATH, folderId=ann.inbox, limit=1))["syncToken"])
    assert len(seen) == 3
    await ann.client.patch(f"{PATH}/{mail}", json={"isFlagged": True})
    assert (await ann.get(PATH, folderId=ann.inbox))["syncToken"] in seen


@pytest.mark.parametrize("query", [{}, {"sort": "size"}, {"limit": "1"}, {"syncTokenOnly": "true"}])
async def test_etag_of_a_list(ann: User, query: dict[str, str]) -> None:
    mail = await ann.deliver(make_message())
    params = {"folderId": ann.inbox, **query}
    first = await ann.client.get(PATH, params=params)
    tag = first.headers["etag"]
    again = await ann.client.get(PATH, params=params, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = await ann.client.get(PATH, params={**params, "start": "1", "dir": "ASC", "syncTokenOnly": "no"})
    assert other.headers["etag"] != tag
    await ann.client.patch(f"{PATH}/{mail}", json={"isFlagged": True})
    changed = await ann.client.get(PATH, params=params, headers={"If-None-Match": tag})
    assert changed.status_code == 200


async def test_remembered_sort_is_part_of_the_etag(ann: User) -> None:
    await fill(ann)
    sessid = (await ann.client.post("/api/v1/login")).json()["sessid"]
    headers = {"X-Axigen-Session": sessid}
    params = {"folderId": ann.inbox}
    tag = (await ann.client.get(PATH, params=params, headers=headers)).headers["etag"]
    conditional = {**headers, "If-None-Match": tag}
    assert (await ann.client.get(PATH, params=params, headers=conditional)).status_code == 304
    await ann.client.get(PATH, params={**params, "sort": "size"}, headers=headers)
    assert (await ann.client.get(PATH, params=params, headers=conditional)).status_code == 200


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"folderId": None}, "folderId"),
        ({"folderId": ""}, "folderId"),
        ({"folderId": "inbox"}, "folderId"),
        ({"sort": "folderName"}, "sort"),
        ({"sort": "isunread"}, "sort"),
        ({"dir": "UP"}, "dir"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": ["5", "5"]}, "limit"),
        ({"start": "-1"}, "start"),
        ({"start": str(2**63)}, "start"),
        ({"activeMailId": "x"}, "activeMailId"),
        ({"activeMailId": ""}, "activeMailId"),
        ({"syncTokenOnly": "2"}, "syncTokenOnly"),
    ],
)
async def test_bad_parameters(ann: User, query: dict[str, Any], parameter: str) -> None:
    params = {"folderId": ann.inbox, **query}
    response = await ann.client.get(
        PATH, params={name: value for name, value in params.items() if value is not None}
    )
    assert response.status_code == 400
    assert response.json()["errorCode"] == "badParameter"
    assert response.json()["details"] == {"parameter": parameter}


async def test_flags(ann: User) -> None:
    mail = await ann.deliver(make_message())
    before = await ann.get(f"{PATH}/{mail}")
    response = await ann.client.patch(f"{PATH}/{mail}", json={"isFlagged": True})
    assert response.json() == {**before, "isFlagged": True}
    response = await ann.client.patch(f"{PATH}/{mail}/", json={"isUnread": False, "isFlagged": False})
    assert response.json() == {**before, "isUnread": False}
    got = await ann.client.get(f"{PATH}/{mail}")
    assert got.json() == response.json()
    assert got.headers["etag"] == response.headers["etag"]
    unchanged = await ann.client.get(f"{PATH}/{mail}", headers={"If-None-Match": got.headers["etag"]})
    assert unchanged.status_code == 304


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        (b"", "isUnread"),
        (b"{}", "isUnread"),
        (b'{"isUnread":null}', "isUnread"),
        (b'{"isUnread":"yes"}', "isUnread"),
        (b'{"isFlagged":1}', "isFlagged"),
        (b'{"isUnread":true,"isDeleted":true}', "isDeleted"),
        (b"[]", "body"),
        (b'{"isUnread":tru', "body"),
        (b'\xff{"isUnread":true}', "body"),
        (b'{"isUnread":true}'.decode().encode("utf-16"), "body"),
    ],
)
async def test_bad_flags_change_nothing(ann: User, body: bytes, parameter: str) -> None:
    mail = await ann.deliver(make_message())
    before = await ann.get(f"{PATH}/{mail}")
    response = await ann.client.patch(f"{PATH}/{mail}", content=body)
    assert response.status_code == 400
    assert response.json()["details"] == {"parameter": parameter}
    assert await ann.get(f"{PATH}/{mail}") == before
