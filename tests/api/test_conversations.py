"""Conversations: lists, single ones, what they show, and what changes them. For batches see another module."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from postroom.api.ids import parse_conversation, parse_mail, render_conversation, render_mail
from postroom.config.classes import AccountClass
from postroom.domain import conversation_changes, jobs
from postroom.domain.directory import AccountSettings
from postroom.domain.filing import Flags
from postroom.model.conversation import ConversationId
from postroom.model.folder import DRAFTS, INBOX, SENT
from postroom.model.ids import FolderId, Uid
from postroom.store.sql import orders
from tests.api.letters import DATE, Letter, list_conversations, put
from tests.api.test_changes import call, check, folder_id, listed, make_label, refusal, send
from tests.api.world import User, World, basic

ASK = Letter("ask", "Lunch?")
ANSWER = Letter(
    "answer",
    "Re: Lunch?",
    ("ask",),
    from_="Ann <ann@example.test>",
    to="Bea <bea@example.org>, Carl <carl@example.org>",
)
THANKS = Letter("thanks", "Re: Lunch?", ("ask", "answer"), from_="carl@example.org", attachment="menu.pdf")
OTHER = Letter("other", "Something else", importance="high")


async def put_thread(ann: User) -> list[str]:
    """Three mails of one conversation, one of them in Sent, and one of another; return their ids."""
    return [
        await put(ann, ASK, date=DATE, flags=Flags(is_unread=False)),
        await put(ann, ANSWER, date=DATE + 1, folder=SENT, flags=Flags(is_unread=False, is_flagged=True)),
        await put(ann, THANKS, date=DATE + 2, flags=Flags(refw=2)),
        await put(ann, OTHER, date=DATE + 3),
    ]


async def conversation_of(user: User, mail_id: str) -> dict[str, Any]:
    return dict(await user.get(f"/api/v1/mails/{mail_id}/conversation"))


async def make_folder(user: User) -> str:
    return str((await call(user, "POST", "folders", {"name": "Kept"}))["id"])


# What is shown


async def test_what_is_shown(ann: User) -> None:
    ask, answer, thanks, _ = await put_thread(ann)
    label = await make_label(ann)
    await call(ann, "POST", f"mails/{answer}/labels", {"labelId": label})
    shown = (await list_conversations(ann))[1]
    sent = await folder_id(ann, "sent")
    assert shown == {
        "id": shown["id"],
        "subject": "Lunch?",
        "snippet": "Text of thanks.",
        "date": str(DATE + 2),
        "isUnread": True,
        "isFlagged": True,
        "hasAttachments": True,
        "hasDrafts": False,
        "refwFlags": "fw",
        "importance": "normal",
        "labelIds": [label],
        "attachments": (await ann.get(f"/api/v1/mails/{thanks}"))["attachments"],
        "participants": [
            {"fullEmailAddress": "Bea Sender <bea@example.org>", "isMe": False, "hasUnreadMessages": False},
            {"fullEmailAddress": "Ann <ann@example.test>", "isMe": True, "hasUnreadMessages": False},
            {"fullEmailAddress": "carl@example.org", "isMe": False, "hasUnreadMessages": True},
        ],
        "myRecipients": [
            {
                "fullEmailAddress": f"{name} <{name.lower()}@example.org>",
                "isMe": False,
                "isTo": True,
                "isCc": False,
                "isBcc": False,
            }
            for name in ("Bea", "Carl")
        ],
        "mailCount": "3",
        "mails": [
            {
                "mailId": mail,
                "normalizedMessageId": f"{name}@example.org",
                "folderId": folder,
                "isUnread": is_unread,
                "isFlagged": is_flagged,
                "isDraft": False,
                "originalFolderId": folder,
                "originalMailId": mail,
            }
            for mail, name, folder, is_unread, is_flagged in [
                (ask, "ask", ann.inbox, False, False),
                (answer, "answer", sent, False, True),
                (thanks, "thanks", ann.inbox, True, False),
            ]
        ],
    }
    assert shown["attachments"][0]["name"] == "menu.pdf"
    assert await conversation_of(ann, thanks) == shown
    in_sent = {**shown, "snippet": "Text of answer.", "date": str(DATE + 1)}
    assert await conversation_of(ann, answer) == in_sent
    assert await list_conversations(ann, sent) == [in_sent]
    await check(ann)


async def test_addresses_are_told_once(ann: User, world: World) -> None:
    await put(ann, Letter("a", from_="bea@example.org"))
    await put(
        ann,
        Letter("b", answers=("a",), from_='"Sender, Bea" <BEA@example.org>'),
        flags=Flags(is_unread=False),
    )
    await put(
        ann,
        Letter(
            "c", answers=("b",), from_="ann+list@example.test", to="me2@example.test", cc="me2@example.test"
        ),
    )
    await put(ann, Letter("d", answers=("c",), from_="nobody at all"))
    [shown] = await list_conversations(ann)
    assert [one["fullEmailAddress"] for one in shown["participants"]] == [
        '"Sender, Bea" <BEA@example.org>',
        "ann+list@example.test",
        "nobody at all",
    ]
    assert [one["hasUnreadMessages"] for one in shown["participants"]] == [True, True, True]
    assert shown["myRecipients"] == [
        {"fullEmailAddress": "me2@example.test", "isMe": False, "isTo": True, "isCc": True, "isBcc": False}
    ]
    before = await ann.client.get("/api/v1/conversations", params={"folderId": ann.inbox})
    await world.directory.set_account("ann@example.test", AccountSettings(aliases=["me2@example.test"]))
    same = {"If-None-Match": before.headers["etag"]}
    after = await ann.client.get("/api/v1/conversations", params={"folderId": ann.inbox}, headers=same)
    assert after.status_code == 200
    assert after.json()["items"][0]["myRecipients"][0]["isMe"] is True


async def test_what_was_shown_is_not_shown_again_when_it_changed(ann: User) -> None:
    ask, answer, thanks, _ = await put_thread(ann)

    async def shown() -> dict[str, Any]:
        return (await list_conversations(ann, sort="subject", dir="ASC"))[0]

    assert (await shown())["isUnread"]
    await call(ann, "PATCH", f"mails/{thanks}", {"isUnread": False})
    assert not (await shown())["isUnread"]
    label = await make_label(ann)
    await call(ann, "POST", f"mails/{answer}/labels", {"labelId": label})
    assert (await shown())["labelIds"] == [label]
    await call(ann, "POST", f"mails/{thanks}/move", {"destinationFolderId": await make_folder(ann)})
    after = await shown()
    assert (after["snippet"], after["date"], after["mailCount"]) == ("Text of ask.", str(DATE), "3")
    await call(ann, "DELETE", f"mails/{ask}")
    assert [one["subject"] for one in await list_conversations(ann)] == ["Something else"]
    assert (await conversation_of(ann, answer))["mailCount"] == "2"
    await check(ann)


# Lists

KEYS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "date": lambda _: 0,
    "subject": lambda one: one["subject"].removeprefix("Re: ").casefold(),
    "isUnread": lambda one: one["isUnread"],
    "isFlagged": lambda one: one["isFlagged"],
    "importance": lambda one: ["low", "normal", "high"].index(one["importance"]),
    "hasAttachments": lambda one: one["hasAttachments"],
}


async def fill(ann: User, count: int, seed: int = 1) -> None:
    """Many mails in few conversations."""
    chance = random.Random(seed)  # noqa: S311
    for number in range(count):
        thread = chance.randrange(count // 2)
        await put(
            ann,
            Letter(
                f"m{number}",
                f"Re: Subject {thread % 7}",
                (f"root{thread}",),
                from_=f"Sender {chance.randrange(5)} <s{chance.randrange(5)}@example.org>",
                to=f"List {chance.randrange(5)} <l@example.org>",
                importance=chance.choice(("low", "normal", "high")),
                attachment=chance.choice(("", "", "a.pdf")),
            ),
            folder=chance.choice((INBOX, INBOX, SENT)),
            date=DATE + chance.randrange(count),
            flags=Flags(is_unread=chance.random() < 0.3, is_flagged=chance.random() < 0.2),
        )


@pytest.mark.parametrize("capacity", [8, 1024])
async def test_every_order(ann: User, monkeypatch: pytest.MonkeyPatch, capacity: int) -> None:
    monkeypatch.setattr(orders, "CAPACITY", capacity)
    await fill(ann, 70)
    by_id = {one["id"]: one for one in await list_conversations(ann)}
    mails = {mail["id"]: mail for mail in await listed(ann, ann.inbox)}

    def last(one: dict[str, Any]) -> dict[str, Any]:
        here = [mails[mail["mailId"]] for mail in one["mails"] if mail["folderId"] == ann.inbox]
        return max(here, key=lambda mail: (int(mail["date"]), uid_of(mail["id"])))

    keys = KEYS | {
        "from": lambda one: last(one)["from"].partition(" <")[0].casefold(),
        "to": lambda one: last(one)["to"].partition(" <")[0].casefold(),
    }
    for field, key in keys.items():
        expected = sorted(by_id.values(), key=lambda one: (key(one), int(one["date"]), number_of(one["id"])))
        for direction in ("ASC", "DESC"):
            ids = [one["id"] for one in (expected if direction == "ASC" else reversed(expected))]
            assert [one["id"] for one in await list_conversations(ann, sort=field, dir=direction)] == ids
            for start in range(0, len(ids), 9):
                query = {"sort": field, "dir": direction, "start": start, "limit": 5}
                active = ids[(start * 7) % len(ids)]
                page = await ann.get(
                    "/api/v1/conversations", folderId=ann.inbox, activeConversationId=active, **query
                )
                assert [one["id"] for one in page["items"]] == ids[start : start + 5]
                assert page["totalItems"] == len(ids)
                assert page["sortInfo"] == {
                    "field": field,
                    "direction": direction,
                    "activeRowIndex": ids.index(active),
                }
    await check(ann)


def uid_of(mail_id: str) -> int:
    return parse_mail(mail_id, "").uid


def number_of(conversation_id: str) -> int:
    return parse_conversation(conversation_id, "").conversation


async def test_the_edges_of_lists(ann: User, ben: User) -> None:
    await put_thread(ann)
    beyond = await ann.get("/api/v1/conversations", folderId=ann.inbox, start=2)
    assert (beyond["totalItems"], beyond["items"], beyond["sortInfo"]["activeRowIndex"]) == (2, [], -1)
    await put(ben, OTHER)
    [others] = await list_conversations(ben)
    owner = ann.account.account_id
    sent = await folder_id(ann, "sent")
    [elsewhere] = [one for one in await list_conversations(ann) if one["subject"] == "Something else"]
    for active, folder in [
        (others["id"], ann.inbox),
        (render_conversation(owner, ConversationId(99)), ann.inbox),
        (elsewhere["id"], sent),
    ]:
        page = await ann.get("/api/v1/conversations", folderId=folder, activeConversationId=active)
        assert page["sortInfo"]["activeRowIndex"] == -1
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"sort": "size"}, "sort"),
        ({"sort": "folderName"}, "sort"),
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"start": -1}, "start"),
        ({"dir": "asc"}, "dir"),
        ({"activeConversationId": "x"}, "activeConversationId"),
        ({"folderId": "x"}, "folderId"),
    ]
    for query, parameter in wrong:
        asked = {"folderId": ann.inbox, **query}
        assert await refusal(ann, "GET", "conversations", **asked) == (400, "badParameter", parameter)
    assert await refusal(ann, "GET", "conversations") == (400, "badParameter", "folderId")
    for folder in (f"{owner}_999", ben.inbox):
        for more in ({}, {"syncTokenOnly": "true"}):
            assert (await refusal(ann, "GET", "conversations", folderId=folder, **more))[:2] == (
                404,
                "notFound",
            )


async def test_spam_trash_and_folders_of_other_things_have_none(ann: User) -> None:
    mail = await put(ann, ASK)
    for role in ("trash", "junk"):
        folder = await folder_id(ann, role)
        moved = (await call(ann, "POST", f"mails/{mail}/move", {"destinationFolderId": folder}))["id"]
        assert await list_conversations(ann, folder) == []
        assert await list_conversations(ann) == []
        assert (await refusal(ann, "GET", f"mails/{moved}/conversation"))[:2] == (404, "notFound")
        mail = (await call(ann, "POST", f"mails/{moved}/move", {"destinationFolderId": ann.inbox}))["id"]
        assert len(await list_conversations(ann)) == 1
    for folder in (await ann.get("/api/v1/folders"))["items"]:
        if folder["folderType"] != "mails":
            assert await list_conversations(ann, folder["id"]) == []
    await check(ann)


async def test_a_session_remembers_the_sort(ann: User) -> None:
    await put_thread(ann)
    ann.client.headers["X-Axigen-Session"] = (await call(ann, "POST", "login"))["sessid"]
    await list_conversations(ann, sort="subject", dir="ASC")
    info = (await ann.get("/api/v1/conversations", folderId=ann.inbox))["sortInfo"]
    assert (info["field"], info["direction"]) == ("subject", "ASC")
    info = (await ann.get("/api/v1/mails", folderId=ann.inbox))["sortInfo"]
    assert (info["field"], info["direction"]) == ("date", "DESC")


async def test_tokens_and_tags_of_lists(ann: User) -> None:
    ask, answer, _, other = await put_thread(ann)
    sent, query = await folder_id(ann, "sent"), {"folderId": ann.inbox}

    async def token(folder: str) -> str:
        alone = await ann.get("/api/v1/conversations", folderId=folder, syncTokenOnly="true")
        assert list(alone) == ["syncToken"]
        whole = await ann.get("/api/v1/conversations", folderId=folder)
        assert whole["syncToken"] == alone["syncToken"]
        return str(alone["syncToken"])

    inbox_token, sent_token = await token(ann.inbox), await token(sent)
    response = await ann.client.get("/api/v1/conversations", params=query)
    same = {"If-None-Match": response.headers["etag"]}
    assert (await ann.client.get("/api/v1/conversations", params=query, headers=same)).status_code == 304
    another: dict[str, Any] = {**query, "limit": 1}
    assert (await ann.client.get("/api/v1/conversations", params=another, headers=same)).status_code == 200
    await call(ann, "PATCH", f"mails/{other}", {"isFlagged": True})
    assert await token(sent) == sent_token
    assert await token(ann.inbox) != inbox_token
    assert (await ann.client.get("/api/v1/conversations", params=query, headers=same)).status_code == 200
    # What changes in Sent shows in the Inbox, and the other way round.
    inbox_token = await token(ann.inbox)
    await call(ann, "PATCH", f"mails/{answer}", {"isFlagged": False})
    assert await token(ann.inbox) != inbox_token
    assert await token(sent) != sent_token
    sent_token = await token(sent)
    await call(ann, "PATCH", f"mails/{ask}", {"isUnread": True})
    assert await token(sent) != sent_token
    inbox_token = await token(ann.inbox)
    await call(ann, "PATCH", f"mails/{ask}", {"isUnread": True})
    assert await token(ann.inbox) == inbox_token
    assert await refusal(ann, "GET", "mails/delta", folderId=ann.inbox, syncToken=inbox_token) == (
        400,
        "badParameter",
        "syncToken",
    )


class TestNotShown:
    """Accounts of this class may not show conversations."""

    @pytest.fixture
    def classes(self) -> dict[str, AccountClass]:
        return {"default": AccountClass(), "plain": AccountClass(allow_conversation_view=False)}

    async def test_the_class_does_not_allow_it(self, world: World) -> None:
        carl = await world.add_account("carl@example.test", class_name="plain")
        mail = await put(carl, ASK)
        for more in ({}, {"syncTokenOnly": "true"}):
            answer = await refusal(carl, "GET", "conversations", folderId=carl.inbox, **more)
            assert answer[:2] == (403, "notPermitted")
        assert (await conversation_of(carl, mail))["mailCount"] == "1"

    async def test_the_account_does_not_want_it(self, ann: User) -> None:
        await put(ann, ASK)
        await call(ann, "PATCH", "account/settings", {"conversationView": False})
        answer = await refusal(ann, "GET", "conversations", folderId=ann.inbox)
        assert answer[:2] == (403, "notPermitted")
        await call(ann, "PATCH", "account/settings", {"conversationView": True})
        assert len(await list_conversations(ann)) == 1


# One conversation


async def test_the_mails_of_a_conversation(ann: User) -> None:
    mails = await put_thread(ann)
    number = (await conversation_of(ann, mails[0]))["id"]
    path = f"/api/v1/conversations/{number}"
    page = await ann.get(path)
    assert page["totalItems"] == 3
    assert page["items"] == [await ann.get(f"/api/v1/mails/{mail}") for mail in mails[:3]]
    assert await ann.get(path, start=1, limit=1) == {**page, "items": page["items"][1:2]}
    assert await ann.get(path, start=3) == {**page, "items": []}
    named = await ann.get(path, mailIds=f"{mails[2]},{mails[0]},{mails[3]}", start=1, limit=1)
    assert named == {**page, "items": [page["items"][0], page["items"][2]]}
    assert await ann.get(path, syncTokenOnly="true") == {"syncToken": page["syncToken"]}
    response = await ann.client.get(path)
    same = {"If-None-Match": response.headers["etag"]}
    assert (await ann.client.get(path, headers=same)).status_code == 304
    assert (await ann.client.get(path, headers=same, params={"start": 1})).status_code == 200
    await call(ann, "PATCH", f"mails/{mails[1]}", {"isFlagged": False})
    assert (await ann.client.get(path, headers=same)).status_code == 200
    assert (await ann.get(path))["syncToken"] != page["syncToken"]


async def test_what_there_is_not(ann: User, ben: User) -> None:
    mail = await put(ben, ASK)
    [others] = await list_conversations(ben)
    owner = ann.account.account_id
    for number in (others["id"], *(render_conversation(owner, ConversationId(n)) for n in (0, 1, 2**63 - 1))):
        for query in ({}, {"syncTokenOnly": "true"}):
            assert (await refusal(ann, "GET", f"conversations/{number}", **query))[:2] == (404, "notFound")
        answer = await refusal(ann, "PATCH", f"conversations/{number}", {"isUnread": True})
        assert answer[:2] == (404, "notFound")
    assert (await refusal(ann, "GET", f"mails/{mail}/conversation"))[:2] == (404, "notFound")
    gone = render_mail(owner, FolderId(2), Uid(99))
    assert (await refusal(ann, "GET", f"mails/{gone}/conversation"))[:2] == (404, "notFound")
    assert len(await list_conversations(ben)) == 1


async def test_mails_named_as_found_by_a_search(ann: User) -> None:
    mails = await put_thread(ann)
    shown = await conversation_of(ann, mails[2])
    query = [{"field": "subject", "value": "Lunch"}]
    found = await call(ann, "POST", "mails/search", {"folderIds": [ann.inbox], "query": query})
    thanks, ask = await listed(ann, found["folderId"])
    assert (thanks["originalMailId"], ask["originalMailId"]) == (mails[2], mails[0])
    assert await conversation_of(ann, thanks["id"]) == shown
    page = await ann.get(f"/api/v1/conversations/{shown['id']}", mailIds=f"{thanks['id']},{mails[1]}")
    assert [mail["id"] for mail in page["items"]] == mails[1:3]


async def test_why_mails_are_in_it(ann: User) -> None:
    mails = await put_thread(ann)
    last = await put(ann, Letter("bare", "AW: Lunch?", from_="carl@example.org"), date=DATE + 9)
    shown = await conversation_of(ann, last)
    assert shown["mailCount"] == "4"
    assert await ann.get(f"/api/v1/conversations/{shown['id']}/why") == {
        "items": [
            {"mailId": mails[0], "rule": "first", "matched": ""},
            {"mailId": mails[1], "rule": "reference", "matched": "<ask@example.org>"},
            {"mailId": mails[2], "rule": "reference", "matched": "<answer@example.org>"},
            {"mailId": last, "rule": "subject", "matched": "Lunch?"},
        ]
    }
    gone = render_conversation(ann.account.account_id, ConversationId(999))
    assert (await refusal(ann, "GET", f"conversations/{gone}/why"))[:2] == (404, "notFound")


# Changes


async def test_flags(ann: User) -> None:
    mails = await put_thread(ann)
    draft = await put(ann, Letter("draft", "Re: Lunch?", ("ask",)), folder=DRAFTS, flags=Flags(is_draft=True))
    number = (await conversation_of(ann, mails[0]))["id"]
    shown = await call(ann, "PATCH", f"conversations/{number}", {"isUnread": True})
    assert shown["id"] == number
    unread = {mail["mailId"]: mail["isUnread"] for mail in shown["mails"]}
    assert unread == {mails[0]: True, mails[1]: False, mails[2]: True, draft: True}
    shown = await call(ann, "PATCH", f"conversations/{number}", {"isUnread": False, "isFlagged": True})
    assert {mail["mailId"]: mail["isUnread"] for mail in shown["mails"]} == {
        mails[0]: False,
        mails[1]: False,
        mails[2]: False,
        draft: True,
    }
    assert all(mail["isFlagged"] for mail in shown["mails"])
    shown = await call(ann, "PATCH", f"conversations/{number}", {"isFlagged": False})
    assert not shown["isFlagged"]
    assert (await ann.get(f"/api/v1/mails/{mails[3]}"))["isUnread"]
    assert await refusal(ann, "PATCH", f"conversations/{number}", {}) == (400, "badParameter", "isUnread")
    operations = (await ann.get("/api/v1/operations", kind="conversations.update"))["items"]
    assert [one["mailCount"] for one in operations] == [4, 3, 1]
    assert operations[0]["summary"] == "4 mails marked"
    await call(ann, "POST", f"operations/{operations[0]['id']}/undo")
    assert all(mail["isFlagged"] for mail in (await conversation_of(ann, mails[0]))["mails"])
    await check(ann)


@pytest.fixture
async def session(ann: User) -> User:
    """Ann, logged in."""
    ann.client.headers["X-Axigen-Session"] = (await call(ann, "POST", "login"))["sessid"]
    return ann


def places(shown: dict[str, Any]) -> list[str]:
    return [mail["folderId"] for mail in shown["mails"]]


@pytest.mark.parametrize("slice_size", [2, 100])
async def test_move(session: User, monkeypatch: pytest.MonkeyPatch, slice_size: int) -> None:
    monkeypatch.setattr(jobs, "SLICE", slice_size)
    monkeypatch.setattr(conversation_changes, "SLICE", slice_size)
    mails = await put_thread(session)
    number = (await conversation_of(session, mails[0]))["id"]
    archive, sent = await make_folder(session), await folder_id(session, "sent")
    target = {"destinationFolderId": archive}
    shown = await call(session, "POST", f"conversations/{number}/move", target)
    assert (shown["id"], places(shown)) == (number, [archive, sent, archive])
    assert shown["snippet"] == "Text of thanks."
    assert [one["id"] for one in await list_conversations(session, archive)] == [number]
    again = await call(session, "POST", f"conversations/{number}/move", target)
    assert again == shown
    await check(session)
    await call(session, "POST", "undo")
    assert places(await conversation_of(session, mails[1])) == [session.inbox, sent, session.inbox]
    for role in ("trash", "junk"):
        folder = await folder_id(session, role)
        target = {"destinationFolderId": folder}
        assert await call(session, "POST", f"conversations/{number}/move", target) is None
        assert len(await listed(session, folder)) == 3
        assert (await refusal(session, "GET", f"conversations/{number}"))[:2] == (404, "notFound")
        await call(session, "POST", "undo")
        [shown] = [one for one in await list_conversations(session) if one["subject"] == "Lunch?"]
        assert places(shown) == [session.inbox, sent, session.inbox]
        number = shown["id"]
    assert len(await list_conversations(session)) == 2
    await check(session)


async def test_where_it_cannot_be_moved(ann: User, ben: User) -> None:
    await put(ann, ASK)
    [shown] = await list_conversations(ann)
    path = f"conversations/{shown['id']}/move"
    before = await ann.get("/api/v1/operations")
    contacts = next(
        folder["id"]
        for folder in (await ann.get("/api/v1/folders"))["items"]
        if folder["folderType"] == "contacts"
    )
    assert await refusal(ann, "POST", path, {"destinationFolderId": contacts}) == (
        400,
        "badParameter",
        "destinationFolderId",
    )
    for folder in (f"{ann.account.account_id}_99", ben.inbox):
        assert (await refusal(ann, "POST", path, {"destinationFolderId": folder}))[:2] == (404, "notFound")
    assert await refusal(ann, "POST", path, {}) == (400, "badParameter", "destinationFolderId")
    assert await ann.get("/api/v1/operations") == before


@pytest.mark.parametrize("slice_size", [2, 100])
@pytest.mark.parametrize("call_of", ["delete", "spam"])
async def test_all_of_it_goes(
    session: User, monkeypatch: pytest.MonkeyPatch, slice_size: int, call_of: str
) -> None:
    monkeypatch.setattr(jobs, "SLICE", slice_size)
    monkeypatch.setattr(conversation_changes, "SLICE", slice_size)
    mails = await put_thread(session)
    number = (await conversation_of(session, mails[0]))["id"]
    target = await folder_id(session, "trash" if call_of == "delete" else "junk")
    if call_of == "delete":
        assert await call(session, "DELETE", f"conversations/{number}") is None
    else:
        assert await call(session, "POST", f"conversations/{number}/spam") is None
    assert len(await listed(session, target)) == 3
    assert [one["subject"] for one in await list_conversations(session)] == ["Something else"]
    [operation] = (await session.get("/api/v1/operations", kind=f"conversations.{call_of}"))["items"]
    assert operation["summary"] == f"3 mails moved to {'Trash' if call_of == 'delete' else 'Spam'}"
    assert (operation["mailCount"], operation["reversible"]) == (3, True)
    assert await call(session, "POST", "undo") is None
    assert len(await list_conversations(session)) == 2
    await check(session)


async def test_delete_for_good(ann: User) -> None:
    mails = await put_thread(ann)
    number = (await conversation_of(ann, mails[0]))["id"]
    await call(ann, "PATCH", "account/settings", {"deleteToTrash": False})
    assert await call(ann, "DELETE", f"conversations/{number}") is None
    assert await listed(ann, await folder_id(ann, "trash")) == []
    assert len(await listed(ann, ann.inbox)) == 1
    await check(ann)


async def test_labels(ann: User, ben: User) -> None:
    mails = await put_thread(ann)
    number, label = (await conversation_of(ann, mails[0]))["id"], await make_label(ann)
    path = f"conversations/{number}/labels"
    assert await call(ann, "POST", path, {"labelId": label}) is None
    for mail, labels in zip(mails, ([label], [label], [label], []), strict=True):
        assert (await ann.get(f"/api/v1/mails/{mail}"))["labelIds"] == labels
    for other in (f"{ann.account.account_id}_99", await make_label(ben)):
        assert (await refusal(ann, "POST", path, {"labelId": other}))[:2] == (404, "notFound")
    assert await refusal(ann, "POST", path, {}) == (400, "badParameter", "labelId")
    for _ in range(2):
        assert await call(ann, "DELETE", f"{path}/{label}") is None
    assert (await conversation_of(ann, mails[0]))["labelIds"] == []
    [off, on] = (await ann.get("/api/v1/operations", kind="conversations.label"))["items"]
    assert (on["summary"], off["summary"]) == ("label put on 3 mails", "label taken off 3 mails")
    await call(ann, "POST", f"operations/{off['id']}/undo")
    assert (await conversation_of(ann, mails[0]))["labelIds"] == [label]
    await check(ann)


@pytest.mark.parametrize("slice_size", [2, 100])
async def test_a_call_is_made_once(ann: User, monkeypatch: pytest.MonkeyPatch, slice_size: int) -> None:
    monkeypatch.setattr(jobs, "SLICE", slice_size)
    monkeypatch.setattr(conversation_changes, "SLICE", slice_size)
    mails = await put_thread(ann)
    number, archive = (await conversation_of(ann, mails[0]))["id"], await make_folder(ann)
    ann.client.headers["Idempotency-Key"] = "one"
    first = await send(ann, "POST", f"conversations/{number}/move", {"destinationFolderId": archive})
    second = await send(ann, "POST", f"conversations/{number}/move", {"destinationFolderId": archive})
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len((await ann.get("/api/v1/operations", kind="conversations.move"))["items"]) == 1


# Deltas


async def test_deltas_tell_the_conversation(ann: User) -> None:
    ask, _, thanks, _ = await put_thread(ann)
    number = (await conversation_of(ann, ask))["id"]
    delta = await ann.get("/api/v1/mails/delta", folderId=ann.inbox)
    found = {mail["id"]: mail["conversationId"] for mail in delta["newItems"]}
    assert (found[ask], found[thanks]) == (number, number)
    assert len(found) == 3
    await call(ann, "PATCH", f"mails/{ask}", {"isFlagged": True})
    delta = await ann.get("/api/v1/mails/delta", folderId=ann.inbox, syncToken=delta["syncToken"])
    assert [(mail["id"], mail["conversationId"]) for mail in delta["updatedItems"]] == [(ask, number)]
    trash = await folder_id(ann, "trash")
    await call(ann, "DELETE", f"mails/{thanks}")
    [mail] = (await ann.get("/api/v1/mails/delta", folderId=trash))["newItems"]
    assert "conversationId" not in mail


async def test_who_must_say_who_they_are(world: World, ann: User) -> None:
    stranger = User(world, ann.account, world.connect(basic("ann@example.test", "wrong")))
    assert (await refusal(stranger, "GET", "conversations", folderId=ann.inbox))[:2] == (
        401,
        "notAuthenticated",
    )
