"""Batches over conversations: by ids and by ranges, small and as jobs; and taking them back."""

import asyncio
from typing import Any

import pytest

from postroom.api.ids import parse_conversation, render_conversation
from postroom.domain import actions, jobs
from postroom.errors import not_found
from postroom.model.conversation import ConversationId
from postroom.model.folder import SENT
from tests.api.letters import DATE, Letter, list_conversations, put
from tests.api.test_batches import DONE, finish
from tests.api.test_changes import call, check, folder_id, listed, make_label, refusal, send
from tests.api.world import User


@pytest.fixture
async def session(ann: User) -> User:
    """Ann, logged in."""
    ann.client.headers["X-Axigen-Session"] = (await call(ann, "POST", "login"))["sessid"]
    return ann


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of 3 mails; batches of more than 4 conversations are jobs."""
    monkeypatch.setattr(jobs, "SLICE", 3)
    monkeypatch.setattr("postroom.domain.jobs.WAITED_FOR", 4)
    monkeypatch.setattr("postroom.domain.conversation_batches.WAITED_FOR", 4)
    monkeypatch.setattr("postroom.domain.operations.WAITED_FOR", 4)
    monkeypatch.setattr("postroom.api.jobs.WAITED_FOR", 4)


async def fill(user: User, count: int) -> list[str]:
    """Conversations of two mails in the Inbox and one in Sent; return their ids, oldest first."""
    for number in range(count):
        subject, name = f"Subject {number:02}", f"{number:02}"
        await put(user, Letter(name, subject), date=DATE + number)
        await put(user, Letter(f"{name}-re", f"Re: {subject}", (name,)), folder=SENT, date=DATE + number)
        await put(user, Letter(f"{name}-re-re", f"Re: {subject}", (name, f"{name}-re")), date=DATE + number)
    return [one["id"] for one in await list_conversations(user, sort="date", dir="ASC")]


async def subjects(user: User, folder: str = "") -> list[str]:
    return [one["subject"][-2:] for one in await list_conversations(user, folder, sort="subject", dir="ASC")]


async def make_folder(user: User) -> str:
    return str((await call(user, "POST", "folders", {"name": "Kept"}))["id"])


def failed(*ids: str) -> dict[str, Any]:
    return {**DONE, "batchOperationDetails": {"failedItems": list(ids)}, "failedItems": list(ids)}


async def test_every_kind_of_batch(ann: User) -> None:
    ids = await fill(ann, 3)
    kept, sent, label = await make_folder(ann), await folder_id(ann, "sent"), await make_label(ann)
    some = {"ids": [*ids[:2], ids[0]]}

    async def batch(kind: str, **more: Any) -> Any:
        return await call(ann, "POST", f"batch/conversations/{kind}", {**some, **more})

    assert await batch("labels/add", labelId=label) == DONE
    assert [one["labelIds"] for one in await list_conversations(ann)] == [[], [label], [label]]
    assert await batch("labels/remove", labelId=label) == DONE
    assert [one["labelIds"] for one in await list_conversations(ann)] == [[], [], []]
    assert await batch("update", isUnread=False, isFlagged=True) == DONE
    [_, shown, _] = await list_conversations(ann)
    assert [(mail["isUnread"], mail["isFlagged"]) for mail in shown["mails"]] == [
        (False, True),
        (True, True),
        (False, True),
    ]
    assert await batch("move", destinationFolderId=kept) == DONE
    assert (await subjects(ann), await subjects(ann, kept)) == (["02"], ["00", "01"])
    assert await subjects(ann, sent) == ["00", "01", "02"]
    await check(ann)
    assert await batch("delete") == DONE
    assert (await subjects(ann), await subjects(ann, kept), await subjects(ann, sent)) == (["02"], [], ["02"])
    assert len(await listed(ann, await folder_id(ann, "trash"))) == 6
    assert await batch("delete") == failed(*ids[:2])
    await check(ann)


async def test_into_trash_all_of_it_goes(session: User) -> None:
    ids = await fill(session, 2)
    trash = await folder_id(session, "trash")
    body = {"ids": ids, "destinationFolderId": trash}
    assert await call(session, "POST", "batch/conversations/move", body) == DONE
    assert len(await listed(session, trash)) == 6
    assert await call(session, "POST", "undo") is None
    assert (
        await subjects(session) == await subjects(session, await folder_id(session, "sent")) == ["00", "01"]
    )
    await check(session)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_ranges_count_in_the_list_of_a_folder(ann: User, direction: str) -> None:
    ids = await fill(ann, 8)
    kept = await make_folder(ann)
    await call(ann, "POST", f"conversations/{ids[7]}/move", {"destinationFolderId": kept})
    gone = render_conversation(ann.account.account_id, ConversationId(999))
    body = {
        "ranges": [
            {"start": ids[3], "limit": 3},
            {"start": ids[4], "limit": 1},
            {"start": gone, "limit": 2},
            {"start": ids[7], "limit": 2},
        ],
        "sortInfo": {"field": "subject", "direction": direction},
        "folderId": ann.inbox,
        "destinationFolderId": kept,
    }
    assert await call(ann, "POST", "batch/conversations/move", body) == failed(gone, ids[7])
    expected = ["03", "04", "05"] if direction == "ASC" else ["01", "02", "03", "04"]
    assert await subjects(ann, kept) == [*expected, "07"]
    first = ids[0] if direction == "ASC" else ids[6]
    body = {**body, "ranges": [{"start": first, "limit": 2**53}]}
    assert await call(ann, "POST", "batch/conversations/move", body) == DONE
    assert await subjects(ann) == []
    await check(ann)


async def test_rows_count_each_time_they_are_named(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.domain.batches.MAX_MAILS", 5)
    ids = await fill(ann, 8)
    found = await call(ann, "POST", "mails/search", {"folderIds": [ann.inbox], "query": []})
    for folder in (ann.inbox, found["folderId"]):
        body = {
            "ranges": [{"start": ids[0], "limit": 3}, {"start": ids[0], "limit": 2}],
            "sortInfo": {"field": "subject", "direction": "ASC"},
            "folderId": folder,
            "isFlagged": True,
        }
        assert await call(ann, "POST", "batch/conversations/update", body) == DONE
        body["ranges"] = [{"start": ids[0], "limit": 3}, {"start": ids[0], "limit": 3}]
        assert await refusal(ann, "POST", "batch/conversations/update", body) == (
            400,
            "badParameter",
            "ranges",
        )


async def test_what_is_wrong_is_refused(ann: User, ben: User) -> None:
    ids = await fill(ann, 1)
    others = await fill(ben, 1)
    kept = await make_folder(ann)
    ranges: dict[str, Any] = {
        "ranges": [{"start": ids[0], "limit": 1}],
        "sortInfo": {"field": "date", "direction": "ASC"},
        "folderId": ann.inbox,
    }

    def without(name: str, **more: Any) -> dict[str, Any]:
        return {key: value for key, value in {**ranges, **more}.items() if key != name}

    size = {"field": "size", "direction": "ASC"}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "ids"),
        ({"ids": ids, **ranges}, "ids"),
        ({"ids": ["x"]}, "ids"),
        ({"ids": ["ODBfMl8xMzU0"]}, "ids"),
        (without("sortInfo"), "sortInfo"),
        (without("folderId"), "folderId"),
        (without("", folderId="x"), "folderId"),
        (without("", sortInfo=size), "sortInfo"),
        (without("", ranges=[{"start": "x", "limit": 1}]), "ranges"),
        (without("", ranges=[{"start": ids[0], "limit": 0}]), "ranges"),
        ({"ids": ids, "destinationFolderId": "x"}, "destinationFolderId"),
        ({"ids": ids, "permanent": True}, "permanent"),
    ]
    for body, parameter in wrong:
        given = {"destinationFolderId": kept, **body}
        answer = await refusal(ann, "POST", "batch/conversations/move", given)
        assert answer == (400, "badParameter", parameter), body
    for more in (
        {"folderId": ben.inbox},
        {"folderId": f"{ann.account.account_id}_99"},
        {"destinationFolderId": ben.inbox},
    ):
        given = {"destinationFolderId": kept, **ranges, **more}
        assert (await refusal(ann, "POST", "batch/conversations/move", given))[:2] == (404, "notFound")
    body = {"ids": [others[0], ids[0]], "destinationFolderId": kept}
    assert await call(ann, "POST", "batch/conversations/move", body) == failed(others[0])
    assert len(await list_conversations(ben)) == 1
    assert await refusal(ann, "POST", "batch/conversations/update", {"ids": ids}) == (
        400,
        "badParameter",
        "isUnread",
    )


async def test_a_large_batch_is_a_job(session: User, small: None) -> None:
    ids = await fill(session, 6)
    kept = await make_folder(session)
    response = await send(
        session, "POST", "batch/conversations/move", {"ids": ids, "destinationFolderId": kept}
    )
    assert response.status_code == 201
    state = await finish(session, response.json())
    assert state["failedItems"] == []
    assert len(await subjects(session, kept)) == 6
    [operation] = (await session.get("/api/v1/operations", kind="conversations.move"))["items"]
    assert (operation["mailCount"], operation["summary"]) == (12, "12 mails moved")
    await check(session)


async def test_few_conversations_are_waited_for(session: User, small: None) -> None:
    """However many mails they have: here, more than the mails of a batch that is a job."""
    ids = await fill(session, 4)
    kept = await make_folder(session)
    body = {"ids": ids, "destinationFolderId": kept}
    assert await call(session, "POST", "batch/conversations/move", body) == DONE
    assert len(await subjects(session, kept)) == 4
    assert await call(session, "POST", "undo") is None
    assert await subjects(session, kept) == []
    assert len(await subjects(session)) == 4
    await check(session)


async def test_a_conversation_that_cannot_be_done_has_failed(
    ann: User, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await fill(ann, 2)
    kept = await make_folder(ann)
    stubborn = parse_conversation(ids[0], "").conversation

    async def perform_some(*args: Any, **options: Any) -> Any:
        if any(item.mail.conversation_id == stubborn for item in args[2]):
            raise not_found("the mail")
        return await actions.perform(*args, **options)

    monkeypatch.setattr(jobs, "perform", perform_some)
    body = {"ids": ids, "destinationFolderId": kept}
    assert await call(ann, "POST", "batch/conversations/move", body) == failed(ids[0])
    assert await subjects(ann, kept) == ["01"]
    await check(ann)


async def test_batches_at_once(ann: User, small: None) -> None:
    ids = await fill(ann, 6)
    kept = await make_folder(ann)
    answers = await asyncio.gather(
        send(ann, "POST", "batch/conversations/delete", {"ids": ids}),
        send(ann, "POST", "batch/conversations/move", {"ids": ids, "destinationFolderId": kept}),
        send(ann, "POST", "batch/conversations/update", {"ids": ids, "isUnread": False}),
    )
    for answer in answers:
        assert answer.status_code == 201
        await finish(ann, answer.json())
    await check(ann)
