"""Conversations of shared folders: each reader sees them as if there were only what he may read."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.test_sharing import make_folder, refuse, search, share
from tests.api.world import User, make_message


async def deliver_thread(owner: User, count: int) -> list[str]:
    """Deliver mails of one conversation, each from somebody else."""
    mails = []
    for number in range(count):
        lines = [
            f"From: Sender {number} <sender{number}@example.org>",
            "To: ann@example.test",
            f"Subject: {'Re: ' if number else ''}Plans",
            f"Message-ID: <{number}@example.org>",
            *(["References: <0@example.org>"] if number else []),
            "",
            "Text",
        ]
        mails.append(await owner.deliver("\r\n".join(lines).encode()))
    return mails


async def list_in(user: User, folder: str, **query: Any) -> list[Any]:
    page = await user.get("/api/v1/conversations", folderId=folder, **query)
    return list(page["items"])


async def test_only_what_may_be_read_is_shown(ann: User, ben: User) -> None:
    top = await make_folder(ann, "Top")
    mails = await deliver_thread(ann, 3)
    whole = (await ann.get(f"/api/v1/mails/{mails[0]}/conversation"))["id"]
    # The first mail of the conversation goes where Ben does not see it.
    moved = await ann.client.post(f"/api/v1/mails/{mails[0]}/move", json={"destinationFolderId": top})
    hidden = moved.json()["id"]
    paths = [
        f"/api/v1/conversations?folderId={ann.inbox}",
        f"/api/v1/conversations/{whole}",
        f"/api/v1/conversations/{whole}/why",
        f"/api/v1/mails/{mails[1]}/conversation",
    ]

    async def codes() -> set[int]:
        return {(await ben.client.get(path)).status_code for path in paths}

    assert await codes() == {404}
    await share(ann, ann.inbox, ben, "l")
    assert await codes() == {403}
    await share(ann, ann.inbox, ben, "lrs")
    assert await codes() == {200}
    [shown] = await list_in(ben, ann.inbox)
    assert (shown["id"], shown["mailCount"], shown["subject"]) == (whole, "2", "Re: Plans")
    assert [mail["mailId"] for mail in shown["mails"]] == mails[1:]
    assert [one["fullEmailAddress"] for one in shown["participants"]] == [
        "Sender 1 <sender1@example.org>",
        "Sender 2 <sender2@example.org>",
    ]
    assert await ben.get(paths[3]) == shown
    listed = await ben.get(paths[1])
    assert (listed["totalItems"], [mail["id"] for mail in listed["items"]]) == (2, mails[1:])
    assert (await ben.get(paths[1], mailIds=f"{hidden},{mails[2]}"))["items"] == listed["items"][1:]
    why = (await ben.get(paths[2]))["items"]
    assert [one["mailId"] for one in why] == mails[1:]
    assert hidden not in str([shown, listed, why])
    [own] = await list_in(ann, ann.inbox)
    assert own["mailCount"] == "3"


@pytest.mark.parametrize("field", ["subject", "from", "to", "date", "isUnread", "isFlagged", "importance"])
async def test_orders(ann: User, ben: User, field: str) -> None:
    await deliver_thread(ann, 2)
    for number in range(4):
        await ann.deliver(make_message(subject=f"Apple {number}", from_=f"S{-number} <{number}@example.org>"))
    await share(ann, ann.inbox, ben, "lrsw")
    own = await list_in(ann, ann.inbox, sort=field, dir="ASC")
    assert [one["id"] for one in await list_in(ben, ann.inbox, sort=field, dir="ASC")] == [
        one["id"] for one in own
    ]
    page = await ben.get(
        "/api/v1/conversations",
        folderId=ann.inbox,
        sort=field,
        dir="DESC",
        start=1,
        limit=2,
        activeConversationId=own[0]["id"],
    )
    assert [one["id"] for one in page["items"]] == [one["id"] for one in own[::-1][1:3]]
    assert page["sortInfo"]["activeRowIndex"] == 4


async def test_marks_move_the_readers_tokens_alone(ann: User, ben: User) -> None:
    mails = await deliver_thread(ann, 2)
    await share(ann, ann.inbox, ben, "lrs")
    query = {"folderId": ann.inbox, "syncTokenOnly": True}
    own = await ann.get("/api/v1/conversations", **query)
    before = await ben.get("/api/v1/conversations", **query)
    [shown] = await list_in(ben, ann.inbox)
    single = await ben.get(f"/api/v1/conversations/{shown['id']}", syncTokenOnly=True)
    for mail in mails:
        await ben.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False})
    [seen] = await list_in(ben, ann.inbox)
    assert (shown["isUnread"], seen["isUnread"]) == (True, False)
    assert await ben.get("/api/v1/conversations", **query) != before
    assert await ben.get(f"/api/v1/conversations/{shown['id']}", syncTokenOnly=True) != single
    assert await ann.get("/api/v1/conversations", **query) == own
    assert (await list_in(ann, ann.inbox))[0]["isUnread"] is True


async def test_changing_shared_conversations(ann: User, ben: User) -> None:
    top = await make_folder(ann, "Top")
    mails = await deliver_thread(ann, 3)
    name = (await ann.get(f"/api/v1/mails/{mails[0]}/conversation"))["id"]
    hidden = await ann.client.post(f"/api/v1/mails/{mails[0]}/move", json={"destinationFolderId": top})
    path, client = f"/api/v1/conversations/{name}", ben.client
    target = {"destinationFolderId": top}
    own_target = {"destinationFolderId": ben.inbox}
    label = {"labelId": (await client.post("/api/v1/labels", json={"name": "Mine"})).json()["id"]}
    calls: list[Callable[[], Any]] = [
        lambda: client.patch(path, json={"isUnread": False}),
        lambda: client.patch(path, json={"isFlagged": True}),
        lambda: client.post(f"{path}/move", json=target),
        lambda: client.post(f"{path}/move", json=own_target),
        lambda: client.delete(path),
        lambda: client.post(f"{path}/labels", json=label),
        lambda: client.post(f"{path}/spam"),
    ]
    assert [await refuse(call()) for call in calls] == ["notFound"] * 7
    await share(ann, ann.inbox, ben, "l")
    assert [await refuse(call()) for call in calls] == ["notPermitted"] * 7
    await share(ann, ann.inbox, ben, "lrswte")
    seen = await calls[0]()
    assert (seen.status_code, seen.json()["isUnread"], seen.json()["mailCount"]) == (200, False, "2")
    assert (await calls[1]()).json()["isFlagged"] is True
    codes = [await refuse(call()) for call in calls[2:]]
    assert codes == ["notFound", "badParameter", "notPermitted", "notFound", "notPermitted"]
    # What he does not see stays as it is.
    left = await ann.get(f"/api/v1/mails/{hidden.json()['id']}")
    assert (left["isFlagged"], left["isUnread"]) == (False, True)
    body = {"ids": [name], "isUnread": True}
    done = await client.post("/api/v1/batch/conversations/update", json=body)
    assert (done.status_code, done.json()["failedItems"]) == (200, [])
    assert (await list_in(ben, ann.inbox))[0]["isUnread"] is True
    await share(ann, top, ben, "li")
    moved = await client.post("/api/v1/batch/conversations/move", json={"ids": [name], **target})
    assert (moved.status_code, moved.json()["failedItems"]) == (200, [])
    assert await refuse(client.get(path)) == "notPermitted"
    again = await client.post("/api/v1/batch/conversations/update", json=body)
    assert again.json()["failedItems"] == [name]
    assert (await ann.get("/api/v1/mails", folderId=top))["totalItems"] == 3


# What was found


@pytest.mark.parametrize(
    "field", ["subject", "from", "to", "date", "isUnread", "isFlagged", "hasAttachments"]
)
async def test_orders_of_what_was_found(ann: User, ben: User, field: str) -> None:
    await deliver_thread(ann, 2)
    for number in range(4):
        await ann.deliver(make_message(subject=f"Apple {number}", from_=f"S{-number} <{number}@example.org>"))
    await share(ann, ann.inbox, ben, "lr")
    own = await list_in(ann, await search(ann, ann.inbox), sort=field, dir="ASC")
    found = await search(ben, ann.inbox)
    assert len(own) == 5
    shown = await list_in(ben, found, sort=field, dir="ASC")
    assert [one["id"] for one in shown] == [one["id"] for one in own]
    page = await ben.get(
        "/api/v1/conversations",
        folderId=found,
        sort=field,
        dir="DESC",
        start=1,
        limit=2,
        activeConversationId=own[0]["id"],
    )
    assert [one["id"] for one in page["items"]] == [one["id"] for one in own[::-1][1:3]]
    assert (page["totalItems"], page["sortInfo"]["activeRowIndex"]) == (5, 4)


async def test_what_was_found_is_listed_as_conversations(ann: User, ben: User) -> None:
    top = await make_folder(ann, "Top")
    mails = await deliver_thread(ann, 3)
    hidden = await ann.client.post(f"/api/v1/mails/{mails[0]}/move", json={"destinationFolderId": top})
    await ann.deliver(make_message(subject="Apple"))
    await share(ann, ann.inbox, ben, "lrs")
    # From the last mail of the conversation alone; shown are all that may be read.
    criterion: dict[str, Any] = {"from": "sender2"}
    found = await search(ben, ann.inbox, **criterion)
    [shown] = await list_in(ben, found)
    assert (shown["subject"], shown["mailCount"]) == ("Re: Plans", "2")
    assert [mail["originalMailId"] for mail in shown["mails"]] == mails[1:]
    assert [mail["folderId"] for mail in shown["mails"]] == [ann.inbox, found]
    assert hidden.json()["id"] not in str(shown)
    # It is the reader's own, as what was found is.
    assert await refuse(ann.client.get("/api/v1/conversations", params={"folderId": found})) == "notFound"
    body = {"ranges": [{"start": shown["id"], "limit": 9}], "folderId": found, "isUnread": False}
    by_subject = {**body, "sortInfo": {"field": "subject", "direction": "ASC"}}
    assert (
        await refuse(ben.client.post("/api/v1/batch/conversations/update", json=by_subject)) == "badParameter"
    )
    by_date = {**body, "sortInfo": {"field": "date", "direction": "ASC"}}
    done = await ben.client.post("/api/v1/batch/conversations/update", json=by_date)
    assert (done.status_code, done.json()["failedItems"]) == (200, [])
    assert [one["isUnread"] for one in await list_in(ben, ann.inbox)] == [True, False]
    assert (await list_in(ann, ann.inbox))[0]["isUnread"] is True


async def test_the_state_of_what_was_found(ann: User, ben: User) -> None:
    mails = await deliver_thread(ann, 2)
    apple = await ann.deliver(make_message(subject="Apple"))
    await share(ann, ann.inbox, ben, "lrs")
    found = await search(ben, ann.inbox)

    async def state() -> tuple[str, str | None, list[str]]:
        """The token, the tag, and what is listed; the first must tell of changes of the last."""
        alone = await ben.get("/api/v1/conversations", folderId=found, syncTokenOnly=True)
        whole = await ben.client.get("/api/v1/conversations", params={"folderId": found})
        assert whole.json()["syncToken"] == alone["syncToken"]
        tag = whole.headers.get("etag")
        again = await ben.client.get(
            "/api/v1/conversations", params={"folderId": found}, headers={"If-None-Match": tag}
        )
        assert again.status_code == 304
        return alone["syncToken"], tag, whole.json()["items"]

    states = [await state()]
    await ben.client.patch(f"/api/v1/mails/{apple}", json={"isUnread": False})
    states.append(await state())
    await ann.client.patch(f"/api/v1/mails/{mails[0]}", json={"isFlagged": True})
    states.append(await state())
    await ann.client.delete(f"/api/v1/mails/{apple}")
    states.append(await state())
    assert len(states[-1][2]) == 1
    # A permission that is taken away counts at once.
    await share(ann, ann.inbox, ben, "l")
    states.append(await state())
    assert states[-1][2] == []
    assert len({token for token, _, _ in states}) == len({tag for _, tag, _ in states}) == len(states)


async def test_very_many_that_were_found_have_one_order(
    ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await ann.deliver(make_message(subject=f"Apple {number}"))
    await share(ann, ann.inbox, ben, "lr")
    found = await search(ben, ann.inbox)
    monkeypatch.setattr("postroom.domain.shared_conversations.MOST_SORTED", 2)
    assert len(await list_in(ben, found, sort="date")) == 3
    call = ben.client.get("/api/v1/conversations", params={"folderId": found, "sort": "subject"})
    assert await refuse(call) == "badParameter"
