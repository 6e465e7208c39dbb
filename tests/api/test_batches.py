"""Batches: by ids and by ranges, small and as jobs; undo and history."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock

import pytest

from postroom.config.classes import AccountClass
from postroom.domain import jobs as jobs_module
from postroom.domain.jobs import Jobs
from postroom.domain.mail_changes import Policies
from postroom.errors import unavailable
from postroom.store import Store
from tests.api.test_changes import call, check, folder_id, listed, make_label, refusal, send
from tests.api.world import User, World, make_message


@pytest.fixture
async def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of 3 mails; batches of more than 6 are jobs."""
    monkeypatch.setattr(jobs_module, "SLICE", 3)
    monkeypatch.setattr("postroom.domain.jobs.WAITED_FOR", 6)
    monkeypatch.setattr("postroom.domain.operations.WAITED_FOR", 6)
    monkeypatch.setattr("postroom.api.jobs.WAITED_FOR", 6)


@pytest.fixture
async def session(ann: User) -> User:
    """Ann, logged in."""
    token = (await call(ann, "POST", "login"))["sessid"]
    ann.client.headers["X-Axigen-Session"] = token
    return ann


async def fill(user: User, count: int) -> list[str]:
    return [await user.deliver(make_message(subject=f"Letter {number:03}")) for number in range(count)]


async def finish(user: User, answer: Any) -> Any:
    """Wait until a job is done; return its last state."""
    async with asyncio.timeout(30):
        while (state := await user.get(f"/api/v1/batch/{answer['jobKey']}"))["status"] != "completed":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert state["progress"] == 100
    return state


async def subjects(user: User, folder: str) -> list[str]:
    return sorted(mail["subject"] for mail in await listed(user, folder))


DONE = {
    "batchOperationDetails": {"failedItems": []},
    "failedItems": [],
    "status": "completed",
    "progress": 100,
}


async def test_a_small_batch_by_ids(ann: User, ben: User) -> None:
    mails = await fill(ann, 4)
    sent = await folder_id(ann, "sent")
    stranger = await ben.deliver(make_message())
    await call(ann, "DELETE", f"mails/{mails[3]}", permanent="true")
    body = {"ids": [mails[0], mails[1], mails[0], stranger, mails[3]], "destinationFolderId": sent}
    response = await send(ann, "POST", "batch/mails/move", body)
    assert response.status_code == 200
    assert response.json() == {
        **DONE,
        "batchOperationDetails": {"failedItems": [stranger, mails[3]]},
        "failedItems": [stranger, mails[3]],
    }
    assert await subjects(ann, sent) == ["Letter 000", "Letter 001"]
    assert await subjects(ann, ann.inbox) == ["Letter 002"]
    assert len(await listed(ben, ben.inbox)) == 1
    await check(ann)


async def test_every_kind_of_batch(ann: User) -> None:
    mails = await fill(ann, 3)
    label = await make_label(ann)
    sent, trash = await folder_id(ann, "sent"), await folder_id(ann, "trash")
    some = {"ids": mails[:2]}
    assert await call(ann, "POST", "batch/mails/copy", {**some, "destinationFolderId": sent}) == DONE
    assert await call(ann, "POST", "batch/mails/copy", some) == DONE
    assert len(await listed(ann, ann.inbox)) == 5
    assert await call(ann, "POST", "batch/mails/update", {**some, "isUnread": False}) == DONE
    assert (await ann.get("/api/v1/mails/counters"))["unreadCount"] == 3
    assert await call(ann, "POST", "batch/mails/labels/add", {**some, "labelId": label}) == DONE
    assert (await ann.get(f"/api/v1/mails/{mails[0]}"))["labelIds"] == [label]
    assert await call(ann, "POST", "batch/mails/labels/remove", {**some, "labelId": label}) == DONE
    assert (await ann.get(f"/api/v1/mails/{mails[0]}"))["labelIds"] == []
    assert await call(ann, "POST", "batch/mails/delete", some) == DONE
    assert await subjects(ann, trash) == ["Letter 000", "Letter 001"]
    there = {"ids": [mail["id"] for mail in await listed(ann, trash)]}
    assert await call(ann, "POST", "batch/mails/delete", there) == DONE
    assert await listed(ann, trash) == []
    await check(ann)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_ranges_count_in_their_order(ann: User, direction: str) -> None:
    mails = await fill(ann, 8)
    sent = await folder_id(ann, "sent")
    body = {
        "ranges": [{"start": mails[3], "limit": 3}, {"start": mails[4], "limit": 1}],
        "sortInfo": {"field": "subject", "direction": direction},
        "destinationFolderId": sent,
    }
    assert await call(ann, "POST", "batch/mails/move", body) == DONE
    expected = [3, 4, 5] if direction == "ASC" else [1, 2, 3, 4]
    assert await subjects(ann, sent) == [f"Letter {number:03}" for number in expected]
    body["ranges"] = [{"start": mails[3], "limit": 2}]
    assert (await call(ann, "POST", "batch/mails/move", body))["failedItems"] == [mails[3]]
    beyond = {**body, "ranges": [{"start": mails[6], "limit": 100}]}
    assert await call(ann, "POST", "batch/mails/move", beyond) == DONE
    await check(ann)


async def test_rows_count_each_time_they_are_named(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at them takes its time, whether or not they are found for the first time."""
    monkeypatch.setattr("postroom.domain.batches.MAX_MAILS", 5)
    mails = await fill(ann, 8)
    found = await call(ann, "POST", "mails/search", {"folderIds": [ann.inbox], "query": []})
    rows = [mail["id"] for mail in await listed(ann, found["folderId"])]
    for first in (mails[0], rows[-1]):
        body = {
            "ranges": [{"start": first, "limit": 3}, {"start": first, "limit": 2}],
            "sortInfo": {"field": "date", "direction": "ASC"},
            "isFlagged": True,
        }
        assert await call(ann, "POST", "batch/mails/update", body) == DONE
        body["ranges"] = [{"start": first, "limit": 3}, {"start": first, "limit": 3}]
        assert await refusal(ann, "POST", "batch/mails/update", body) == (400, "badParameter", "ranges")


async def test_what_is_wrong_is_refused(ann: User, ben: User) -> None:
    mails = await fill(ann, 2)
    sort = {"field": "date", "direction": "ASC"}
    one = [{"start": mails[0], "limit": 1}]
    sent = await folder_id(ann, "sent")
    for body, parameter in [
        ({"destinationFolderId": sent}, "ids"),
        ({"ids": mails, "ranges": one, "sortInfo": sort, "destinationFolderId": sent}, "ids"),
        ({"ids": ["x"], "destinationFolderId": sent}, "ids"),
        ({"ids": mails}, "destinationFolderId"),
        ({"ids": mails, "destinationFolderId": "x"}, "destinationFolderId"),
        ({"ids": mails, "destinationFolderId": f"{ann.account.account_id}_8"}, "destinationFolderId"),
        ({"ranges": one, "destinationFolderId": sent}, "sortInfo"),
        (
            {"ranges": [{"start": mails[0], "limit": 0}], "sortInfo": sort, "destinationFolderId": sent},
            "ranges",
        ),
        ({"ranges": [{"start": "x", "limit": 1}], "sortInfo": sort, "destinationFolderId": sent}, "ranges"),
        (
            {"ranges": one, "sortInfo": {"field": "x", "direction": "ASC"}, "destinationFolderId": sent},
            "sortInfo.field",
        ),
        ({"ids": mails, "destinationFolderId": sent, "isUnread": True}, "isUnread"),
    ]:
        status, code, named = await refusal(ann, "POST", "batch/mails/move", body)
        assert (status, code, named) == (400, "badParameter", parameter), body
    for path, body, expected in [
        ("move", {"ids": mails, "destinationFolderId": ben.inbox}, (404, "notFound", "")),
        (
            "move",
            {"ids": mails, "destinationFolderId": f"{ann.account.account_id}_99"},
            (404, "notFound", ""),
        ),
        ("update", {"ids": mails}, (400, "badParameter", "isUnread")),
        ("labels/add", {"ids": mails}, (400, "badParameter", "labelId")),
        ("labels/add", {"ids": mails, "labelId": f"{ann.account.account_id}_9"}, (404, "notFound", "")),
    ]:
        assert await refusal(ann, "POST", f"batch/mails/{path}", body) == expected
    assert len(await listed(ann, ann.inbox)) == 2
    assert (await refusal(ann, "GET", f"batch/{'x' * 24}"))[:2] == (404, "notFound")


async def test_a_large_batch_is_a_job(
    session: User, ben: User, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_begin = asyncio.Event()
    do_slice = Jobs._do_slice

    async def wait_and_do(self: Jobs, job_key: str) -> bool:
        await may_begin.wait()
        return await do_slice(self, job_key)

    monkeypatch.setattr(Jobs, "_do_slice", wait_and_do)
    mails = await fill(session, 10)
    sent = await folder_id(session, "sent")
    body = {"ids": mails, "destinationFolderId": sent}
    response = await send(session, "POST", "batch/mails/move", body)
    assert response.status_code == 201
    answer = response.json()
    assert answer["status"] == "inProgress"
    assert (await refusal(session, "POST", "undo"))[:2] == (409, "conflict")
    may_begin.set()
    state = await finish(session, answer)
    assert state == {**DONE, "jobKey": answer["jobKey"]}
    assert (await refusal(ben, "GET", f"batch/{answer['jobKey']}"))[:2] == (404, "notFound")
    assert len(await listed(session, sent)) == 10
    [operation] = (await session.get("/api/v1/operations"))["items"]
    assert (operation["mailCount"], operation["kind"], operation["reversible"]) == (10, "mails.move", True)
    undone = await send(session, "POST", "undo")
    assert undone.status_code == 201
    await finish(session, undone.json())
    assert await subjects(session, session.inbox) == [f"Letter {number:03}" for number in range(10)]
    assert (await refusal(session, "POST", "undo"))[:2] == (409, "conflict")
    await check(session)


async def test_a_job_goes_on_where_it_was_left(
    world: World, session: User, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = await fill(session, 10)
    trash = await folder_id(session, "trash")
    slices = 0
    do = Jobs._do

    async def fail_at_the_third(self: Jobs, *args: Any) -> Any:
        nonlocal slices
        slices += 1
        if slices == 3:
            raise unavailable("the disk is full")
        return await do(self, *args)

    monkeypatch.setattr(Jobs, "_do", fail_at_the_third)
    answer = (await send(session, "POST", "batch/mails/delete", {"ids": mails})).json()
    await asyncio.gather(*world.domain.jobs._running.values())
    half = await session.get(f"/api/v1/batch/{answer['jobKey']}")
    assert (half["status"], half["progress"]) == ("inProgress", 60)
    assert len(await listed(session, trash)) == 6
    monkeypatch.setattr(jobs_module, "IDLE_SECONDS", -1)
    await world.domain.jobs.resume()
    assert await finish(session, answer) == {**DONE, "jobKey": answer["jobKey"]}
    assert await subjects(session, trash) == [f"Letter {number:03}" for number in range(10)]
    await world.domain.jobs.purge(now=4e9)
    assert (await refusal(session, "GET", f"batch/{answer['jobKey']}"))[0] == 404
    await check(session)


async def test_batches_at_once_are_limited(
    session: User, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = await fill(session, 7)
    monkeypatch.setattr(jobs_module, "MOST_RUNNING", 1)
    monkeypatch.setattr(Jobs, "_do_slice", AsyncMock(return_value=False))
    body = {"ids": mails, "isUnread": False}
    assert (await send(session, "POST", "batch/mails/update", body)).status_code == 201
    refused = await send(session, "POST", "batch/mails/update", body)
    assert (refused.status_code, refused.json()["errorCode"]) == (429, "tooManyRequests")
    assert "retry-after" in refused.headers


# Undo


async def test_undo_needs_a_session(ann: User) -> None:
    assert (await refusal(ann, "POST", "undo"))[:2] == (401, "sessionRequired")


async def test_undo_of_each_kind(session: User) -> None:
    inbox, sent = session.inbox, await folder_id(session, "sent")
    mail_id = await session.deliver(make_message(subject="A"))
    await call(session, "PATCH", f"mails/{mail_id}", {"isFlagged": True})
    changes: list[tuple[str, str, Any]] = [
        ("POST", "move", {"destinationFolderId": sent}),
        ("POST", "copy", {"destinationFolderId": sent}),
        ("POST", "archive", None),
        ("POST", "spam", None),
        ("DELETE", "", None),
    ]
    for method, verb, body in changes:
        [before] = await listed(session, inbox)
        await call(session, method, f"mails/{before['id']}/{verb}".rstrip("/"), body)
        assert await call(session, "POST", "undo") is None
        [after] = await listed(session, inbox)
        assert (after["subject"], after["isFlagged"]) == ("A", True)
        assert await listed(session, sent) == []
    assert (await refusal(session, "POST", "undo"))[:2] == (409, "conflict")
    await check(session)


async def test_undo_of_folders(session: User) -> None:
    made = (await call(session, "POST", "folders", {"name": "One"}))["id"]
    two = (await call(session, "POST", "folders", {"name": "Two"}))["id"]
    await call(session, "PATCH", f"folders/{made}", {"name": "First"})
    await call(session, "POST", f"folders/{made}/move", {"parentId": two})
    await call(session, "DELETE", f"folders/{made}")
    expected = [("First", two), ("First", f"{session.account.account_id}_1"), ("One", None)]
    for name, parent in expected:
        await call(session, "POST", "undo")
        folder = await session.get(f"/api/v1/folders/{made}")
        assert folder["name"] == name
        assert parent is None or folder["parentId"] == parent
    mail_id = await session.deliver(make_message())
    await call(session, "POST", f"mails/{mail_id}/move", {"destinationFolderId": made})
    operations = (await session.get("/api/v1/operations", kind="folders.create"))["items"]
    assert [operation["summary"] for operation in operations] == ["folder Two created", "folder One created"]
    for operation in operations:
        await call(session, "POST", f"operations/{operation['id']}/undo")
    assert (await session.get(f"/api/v1/folders/{made}"))["parentId"] == await folder_id(session, "trash")
    assert (await refusal(session, "GET", f"folders/{two}"))[0] == 404
    await check(session)


async def test_the_stack_is_16_deep(session: User) -> None:
    for number in range(20):
        await call(session, "POST", "folders", {"name": str(number)})
    assert await refusal(session, "POST", "folders", {"name": "1"}) == (409, "folderExists", "name")
    for _ in range(16):
        await call(session, "POST", "undo")
    assert (await refusal(session, "POST", "undo"))[:2] == (409, "conflict")
    names = {folder["name"] for folder in (await session.get("/api/v1/folders"))["items"]}
    assert {str(number) for number in range(20)} & names == {"0", "1", "2", "3"}


async def test_each_session_has_its_own_stack(session: User) -> None:
    await call(session, "POST", "folders", {"name": "One"})
    first = session.client.headers.pop("X-Axigen-Session")
    session.client.headers["X-Axigen-Session"] = (await call(session, "POST", "login"))["sessid"]
    assert (await refusal(session, "POST", "undo"))[:2] == (409, "conflict")
    [shown] = (await session.get("/api/v1/operations"))["items"]
    assert shown["sessionIsMine"] is False
    session.client.headers["X-Axigen-Session"] = first
    [shown] = (await session.get("/api/v1/operations"))["items"]
    assert shown["sessionIsMine"] is True
    await call(session, "POST", "undo")


async def test_what_is_not_reversible_is_not_stacked(session: User) -> None:
    mail_id = await session.deliver(make_message())
    label = await make_label(session)
    await call(session, "PATCH", f"mails/{mail_id}", {"isUnread": False})
    await call(session, "POST", f"mails/{mail_id}/labels", {"labelId": label})
    await call(session, "DELETE", f"mails/{mail_id}", permanent="true")
    assert (await refusal(session, "POST", "undo"))[:2] == (409, "conflict")


async def test_flags_and_labels_are_taken_back_by_id(session: User) -> None:
    mails = await fill(session, 3)
    label = await make_label(session)
    await call(session, "PATCH", f"mails/{mails[0]}", {"isUnread": False})
    await call(session, "POST", "batch/mails/update", {"ids": mails, "isUnread": False, "isFlagged": True})
    await call(session, "POST", "batch/mails/labels/add", {"ids": mails, "labelId": label})
    await call(session, "PATCH", f"mails/{mails[1]}", {"isFlagged": False})
    listing = (await session.get("/api/v1/operations"))["items"]
    assert listing[0]["summary"] == "1 mail marked"
    by_kind = {item["kind"]: item["id"] for item in reversed(listing) if item["mailCount"] == 3}
    failed = await send(session, "POST", f"operations/{by_kind['mails.update']}/undo")
    assert failed.status_code == 409
    assert failed.json()["details"]["failedItems"] == [mails[1]]
    await call(session, "POST", f"operations/{by_kind['mails.label']}/undo")
    states = {
        mail["id"]: (mail["isUnread"], mail["isFlagged"], mail["labelIds"])
        for mail in await listed(session, session.inbox)
    }
    assert states == {mails[0]: (False, False, []), mails[1]: (False, False, []), mails[2]: (True, False, [])}
    again = await refusal(session, "POST", f"operations/{by_kind['mails.label']}/undo")
    assert again[:2] == (409, "conflict")
    newest = (await session.get("/api/v1/operations"))["items"][0]
    assert (newest["kind"], newest["reversible"], newest["undone"]) == ("undo", True, False)
    await call(session, "POST", f"operations/{newest['id']}/undo")
    assert all(mail["labelIds"] == [label] for mail in await listed(session, session.inbox))
    await check(session)


async def test_undo_against_what_others_did(session: User) -> None:
    mails = await fill(session, 3)
    sent = await folder_id(session, "sent")
    await call(session, "POST", "batch/mails/move", {"ids": mails, "destinationFolderId": sent})
    there = {mail["subject"]: mail["id"] for mail in await listed(session, sent)}
    headers = dict(session.client.headers)
    del session.client.headers["X-Axigen-Session"]
    await call(session, "DELETE", f"mails/{there['Letter 000']}", permanent="true")
    archived = await call(session, "POST", f"mails/{there['Letter 001']}/archive")
    session.client.headers.update(headers)
    response = await send(session, "POST", "undo")
    assert response.status_code == 409
    assert sorted(response.json()["details"]["failedItems"]) == sorted([mails[0], archived["id"]])
    assert await subjects(session, session.inbox) == ["Letter 002"]
    await check(session)


async def test_undo_keeps_folders_from_lying_too_deep(session: User) -> None:
    top = (await call(session, "POST", "folders", {"name": "Top"}))["id"]
    moved = (await call(session, "POST", "folders", {"name": "Moved", "parentId": top}))["id"]
    root = f"{session.account.account_id}_1"
    await call(session, "POST", f"folders/{moved}/move", {"parentId": root})
    token = session.client.headers.pop("X-Axigen-Session")
    parent = moved
    for number in range(30):
        parent = (await call(session, "POST", "folders", {"name": str(number), "parentId": parent}))["id"]
    above = (await call(session, "POST", "folders", {"name": "Above"}))["id"]
    await call(session, "POST", f"folders/{top}/move", {"parentId": above})
    session.client.headers["X-Axigen-Session"] = token
    response = await send(session, "POST", "undo")  # It would be the 33rd level.
    assert response.status_code == 409
    assert response.json()["details"]["failedItems"] == [moved]
    assert (await session.get(f"/api/v1/folders/{moved}"))["parentId"] == root
    await check(session)


async def test_undo_tells_where_mails_are_whose_folder_is_gone(session: User) -> None:
    sent = await folder_id(session, "sent")
    old = (await call(session, "POST", "folders", {"name": "Old"}))["id"]
    mails = [await session.deliver(make_message(subject=subject)) for subject in "AB"]
    there = [
        (await call(session, "POST", f"mails/{one}/move", {"destinationFolderId": old}))["id"]
        for one in mails
    ]
    await call(session, "POST", "batch/mails/move", {"ids": there, "destinationFolderId": sent})
    [moved] = (await session.get("/api/v1/operations", kind="mails.move", limit=1))["items"]
    await call(session, "PATCH", "account/settings", {"deleteToTrash": False})
    await call(session, "DELETE", f"folders/{old}")
    [one, other] = [mail["id"] for mail in await listed(session, sent)]
    archived = (await call(session, "POST", f"mails/{one}/archive"))["id"]
    response = await send(session, "POST", f"operations/{moved['id']}/undo")
    assert sorted(response.json()["details"]["failedItems"]) == sorted([archived, other])
    await check(session)


async def test_undo_tells_of_folders_that_stay(session: User) -> None:
    one = (await call(session, "POST", "folders", {"name": "One"}))["id"]
    await call(session, "PATCH", f"folders/{one}", {"name": "First"})
    token = session.client.headers.pop("X-Axigen-Session")
    await call(session, "POST", "folders", {"name": "One"})
    session.client.headers["X-Axigen-Session"] = token
    response = await send(session, "POST", "undo")
    assert response.status_code == 409
    assert response.json()["details"]["failedItems"] == [one]
    assert (await session.get(f"/api/v1/folders/{one}"))["name"] == "First"


async def test_undo_tells_of_what_was_removed_for_good(session: User) -> None:
    trash = await folder_id(session, "trash")
    mails = await fill(session, 2)
    there = await call(session, "POST", f"mails/{mails[0]}/move", {"destinationFolderId": trash})
    await call(session, "POST", "batch/mails/delete", {"ids": [there["id"], mails[1]]})
    response = await send(session, "POST", "undo")
    assert response.status_code == 409
    assert response.json()["details"]["failedItems"] == [there["id"]]
    assert await subjects(session, session.inbox) == ["Letter 001"]


async def test_a_batch_is_shown_with_the_folder_it_began_in(session: User) -> None:
    await call(session, "POST", "batch/mails/update", {"ids": await fill(session, 2), "isUnread": False})
    shown = await session.get("/api/v1/operations", folderId=session.inbox)
    assert [item["kind"] for item in shown["items"]] == ["mails.update"]


class TestOverQuota:
    @pytest.fixture
    def classes(self) -> dict[str, AccountClass]:
        return {"default": AccountClass(messages=2)}

    async def test_moves_are_taken_back_all_the_same(self, session: User) -> None:
        mails = await fill(session, 2)
        await call(session, "POST", f"mails/{mails[0]}/spam")
        # The limit may have been lowered since.
        state = session.world.domain.operations._policies
        session.world.domain.operations._policies = Policies({"default": AccountClass(messages=1)})
        assert await call(session, "POST", "undo") is None
        session.world.domain.operations._policies = state


async def test_a_copy_taken_back_twice(session: User) -> None:
    mail_id = await session.deliver(make_message(subject="A"))
    await call(session, "POST", f"mails/{mail_id}/copy")
    await call(session, "POST", "undo")
    assert len(await listed(session, session.inbox)) == 1
    newest = (await session.get("/api/v1/operations"))["items"][0]
    await call(session, "POST", f"operations/{newest['id']}/undo")
    assert await subjects(session, session.inbox) == ["A", "A"]
    await check(session)


async def test_history_is_the_owners(session: User, ben: User) -> None:
    await call(session, "POST", "folders", {"name": "One"})
    [shown] = (await session.get("/api/v1/operations"))["items"]
    assert (await refusal(ben, "POST", f"operations/{shown['id']}/undo"))[:2] == (404, "notFound")
    assert (await ben.get("/api/v1/operations"))["totalItems"] == 0
    assert (await refusal(session, "POST", "operations/x/undo"))[2] == "operationId"
    assert (await refusal(session, "POST", "operations/99999/undo"))[:2] == (404, "notFound")
    assert (await refusal(session, "GET", "operations", folderId=ben.inbox))[:2] == (404, "notFound")
    assert (await session.get("/api/v1/operations", kind="mails.move"))["items"] == []


async def test_operations_outlive_a_restart(store: Store, session: User, world: World) -> None:
    await call(session, "POST", "folders", {"name": "One"})
    fresh = Jobs(store, world.domain.jobs._policies)
    await fresh.resume()
    await call(session, "POST", "undo")
    assert "One" not in {folder["name"] for folder in (await session.get("/api/v1/folders"))["items"]}
