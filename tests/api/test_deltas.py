"""Deltas of mails and folders, over HTTP."""

from typing import Any

import pytest

from postroom.config.retention import RetentionConfig
from postroom.domain.maintenance import purge_history
from tests.api.test_folders import SHAPE as FOLDER
from tests.api.test_mails import MAIL
from tests.api.world import User, make_message

MAILS = "/api/v1/mails/delta"
FOLDERS = "/api/v1/folders/delta"
DELTA = {
    "syncToken": str,
    "totalItems": int,
    "sortInfo": dict,
    "moreAvailable": bool,
    "newItems": list,
    "replacedItems": list,
    "updatedItems": list,
    "removedItems": list,
    "reset": bool,
    "idValidity": int,
}
UPDATED = {
    "id": str,
    "folderId": str,
    "isUnread": bool,
    "isFlagged": bool,
    "isDraft": bool,
    "isDeleted": bool,
    "isItip": bool,
    "refwFlags": str,
    "labelIds": list,
    "conversationId": str,
}


def shape(value: dict[str, Any]) -> dict[str, type]:
    return {name: type(member) for name, member in value.items()}


async def fill(user: User, count: int) -> list[str]:
    return [await user.deliver(make_message(subject=f"Letter {number}")) for number in range(count)]


async def flag(user: User, mail: str) -> None:
    response = await user.client.patch(f"/api/v1/mails/{mail}", json={"isFlagged": True})
    assert response.status_code == 200


def told(delta: dict[str, Any]) -> dict[str, list[str]]:
    """Return the ids that a delta tells, by list."""
    lists = ("newItems", "replacedItems", "updatedItems", "removedItems")
    return {name: [item["id"] for item in delta[name]] for name in lists if delta[name]}


async def token_of(user: User) -> str:
    answer = await user.get("/api/v1/mails", folderId=user.inbox, syncTokenOnly="true")
    return str(answer["syncToken"])


async def conversation_of(user: User, mail: str) -> str:
    return str((await user.get(f"/api/v1/mails/{mail}/conversation"))["id"])


async def forget(user: User) -> None:
    """Let the time pass for which removals are remembered."""
    await purge_history(user.world.store, user.account.account_id, RetentionConfig(), now_ms=4 * 10**12)


# Mails


@pytest.mark.parametrize("path", [MAILS, MAILS + "/"])
async def test_everything_is_new_from_nothing(ann: User, path: str) -> None:
    await fill(ann, 2)
    delta = await ann.get(path, folderId=ann.inbox)
    assert shape(delta) == DELTA
    assert [shape(mail) for mail in delta["newItems"]] == [{**MAIL, "conversationId": str}] * 2
    listed = await ann.get("/api/v1/mails", folderId=ann.inbox, sort="date", dir="ASC")
    conversations = [await conversation_of(ann, mail["id"]) for mail in listed["items"]]
    expected = zip(listed["items"], conversations, strict=True)
    assert delta["newItems"] == [{**mail, "conversationId": number} for mail, number in expected]
    assert delta["syncToken"] == listed["syncToken"] == await token_of(ann)
    assert (delta["totalItems"], delta["moreAvailable"], delta["reset"]) == (2, False, False)
    assert await ann.get(path, folderId=ann.inbox, syncToken="") == delta


async def test_changes(ann: User) -> None:
    kept, marked, deleted = await fill(ann, 3)
    token = await token_of(ann)
    await flag(ann, marked)
    assert (await ann.client.delete(f"/api/v1/mails/{deleted}")).status_code == 200
    [new] = await fill(ann, 1)
    delta = await ann.get(MAILS, folderId=ann.inbox, syncToken=token)
    assert told(delta) == {"newItems": [new], "updatedItems": [marked], "removedItems": [deleted]}
    [updated] = delta["updatedItems"]
    assert shape(updated) == UPDATED
    mail = await ann.get(f"/api/v1/mails/{marked}")
    mail["conversationId"] = await conversation_of(ann, marked)
    assert updated == {name: mail[name] for name in UPDATED}
    assert delta["removedItems"] == [{"id": deleted, "folderId": ann.inbox}]
    assert (delta["totalItems"], delta["syncToken"]) == (3, await token_of(ann))
    assert kept not in str(delta)


async def test_nothing_has_changed(ann: User, ben: User) -> None:
    await fill(ann, 1)
    token = await token_of(ann)
    await fill(ben, 1)
    delta = await ann.get(MAILS, folderId=ann.inbox, syncToken=token)
    assert told(delta) == {}
    assert (delta["syncToken"], delta["totalItems"], delta["moreAvailable"]) == (token, 1, False)


async def test_pages(ann: User) -> None:
    mails = await fill(ann, 5)
    seen, token, more = [], "", True
    while more:
        delta = await ann.get(MAILS, folderId=ann.inbox, syncToken=token, limit=2)
        assert delta["totalItems"] == 5
        seen.append(told(delta)["newItems"])
        token, more = delta["syncToken"], delta["moreAvailable"]
    assert seen == [mails[:2], mails[2:4], mails[4:]]
    assert token == await token_of(ann)


async def test_the_page_size_is_that_of_the_account(ann: User) -> None:
    await fill(ann, 51)
    delta = await ann.get(MAILS, folderId=ann.inbox)
    assert (len(delta["newItems"]), delta["moreAvailable"]) == (50, True)
    delta = await ann.get(MAILS, folderId=ann.inbox, limit=1000)
    assert (len(delta["newItems"]), delta["moreAvailable"]) == (51, False)


async def test_the_order_is_that_of_the_session(ann: User) -> None:
    plain = {"field": "date", "direction": "DESC", "activeRowIndex": -1}
    assert (await ann.get(MAILS, folderId=ann.inbox))["sortInfo"] == plain
    login = await ann.client.post("/api/v1/login", json={})
    ann.client.headers["X-Axigen-Session"] = login.json()["sessid"]
    await ann.get("/api/v1/mails", folderId=ann.inbox, sort="size", dir="ASC")
    sort = (await ann.get(MAILS, folderId=ann.inbox))["sortInfo"]
    assert sort == {"field": "size", "direction": "ASC", "activeRowIndex": -1}


async def test_an_old_token_starts_anew(ann: User) -> None:
    first, second = await fill(ann, 2)
    token = await token_of(ann)
    await ann.client.delete(f"/api/v1/mails/{first}", params={"permanent": "true"})
    delta = await ann.get(MAILS, folderId=ann.inbox, syncToken=token)
    assert (told(delta), delta["reset"]) == ({"removedItems": [first]}, False)
    await forget(ann)
    delta = await ann.get(MAILS, folderId=ann.inbox, syncToken=token)
    assert (told(delta), delta["reset"]) == ({"newItems": [second]}, True)


@pytest.mark.parametrize("given", [{}, {"limit": "1"}, {"syncToken": "present"}])
async def test_etag(ann: User, given: dict[str, str]) -> None:
    await fill(ann, 2)
    query = {"folderId": ann.inbox, **given}
    if "syncToken" in query:
        query["syncToken"] = await token_of(ann)
    tag = (await ann.client.get(MAILS, params=query)).headers["etag"]
    unchanged = await ann.client.get(MAILS, params=query, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    other = await ann.client.get(MAILS, params={**query, "limit": "7"}, headers={"If-None-Match": tag})
    assert other.status_code == 200
    await fill(ann, 1)
    changed = await ann.client.get(MAILS, params=query, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({}, "folderId"),
        ({"folderId": "x"}, "folderId"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"syncToken": "x"}, "syncToken"),
        ({"syncToken": "ü" * 100}, "syncToken"),
        ({"syncToken": ["", ""]}, "syncToken"),
        ({"syncToken": "folders"}, "syncToken"),
        ({"syncToken": "another folder"}, "syncToken"),
        ({"syncToken": "another account"}, "syncToken"),
    ],
)
async def test_bad_parameters(ann: User, ben: User, query: dict[str, Any], parameter: str) -> None:
    others = {
        "folders": (ann, "/api/v1/folders", {}),
        "another folder": (ann, "/api/v1/mails", {"folderId": ann.inbox[:-1] + "3"}),
        "another account": (ben, "/api/v1/mails", {"folderId": ben.inbox}),
    }
    token = query.get("syncToken")
    if isinstance(token, str) and token in others:
        user, path, asked = others[token]
        query = {**query, "syncToken": (await user.get(path, **asked))["syncToken"]}
    given = {"folderId": ann.inbox, **query} if query else query
    for headers in ({}, {"If-None-Match": "*"}):
        response = await ann.client.get(MAILS, params=given, headers=headers)
        assert response.status_code == 400
        assert response.json()["errorCode"] == "badParameter"
        assert response.json()["details"] == {"parameter": parameter}


async def test_folders_of_others_are_not_found(ann: User, ben: User) -> None:
    token = (await ben.get(MAILS, folderId=ben.inbox))["syncToken"]
    for folder in (ben.inbox, f"{ann.account.account_id}_999"):
        for query in ({"folderId": folder}, {"folderId": folder, "syncToken": token}):
            for headers in ({}, {"If-None-Match": "*"}):
                response = await ann.client.get(MAILS, params=query, headers=headers)
                assert (response.status_code, response.json()["errorCode"]) == (404, "notFound")


# Folders


async def make_folder(user: User, name: str, parent: str | None = None) -> str:
    body = {"name": name} | ({"parentId": parent} if parent else {})
    response = await user.client.post("/api/v1/folders", json=body)
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def test_all_folders_are_new_from_nothing(ann: User) -> None:
    listed = await ann.get("/api/v1/folders")
    for query in ({}, {"syncToken": ""}, {"accessMode": "all"}):
        delta = await ann.get(FOLDERS, **query)
        assert list(delta) == ["syncToken", "events"]
        assert delta["syncToken"] == listed["syncToken"]
        assert [event["id"] for event in delta["events"]] == [folder["id"] for folder in listed["items"]]
    for event, folder in zip(delta["events"], listed["items"], strict=True):
        assert shape(event) == FOLDER | {
            "eventType": str,
            "containerId": str,
            "idValidity": int,
            "pathChanged": bool,
            "syncToken": str,
        }
        assert {name: event[name] for name in FOLDER} == folder
        assert (event["eventType"], event["pathChanged"]) == ("newFolder", False)
        assert event["containerId"] == folder["parentId"] == f"{ann.account.account_id}_1"
    assert delta["events"][0]["syncToken"] == await token_of(ann)
    assert (await ann.get(FOLDERS, syncToken=delta["syncToken"])) == {**delta, "events": []}


async def test_events(ann: User) -> None:
    container = f"{ann.account.account_id}_1"
    top, moved, gone = [await make_folder(ann, name) for name in ("Top", "Moved", "Gone")]
    below = await make_folder(ann, "Below", gone)
    token = (await ann.get("/api/v1/folders"))["syncToken"]
    assert (await ann.client.post(f"/api/v1/folders/{moved}/move", json={"parentId": top})).is_success
    await fill(ann, 1)
    for _ in range(2):  # to Trash, and out of it
        assert (await ann.client.delete(f"/api/v1/folders/{gone}")).is_success
    new = await make_folder(ann, "New", moved)
    delta = await ann.get(FOLDERS, syncToken=token)
    assert [(event["eventType"], event["id"]) for event in delta["events"]] == [
        ("newFolder", new),
        ("changedFolder", ann.inbox),
        ("changedFolder", moved),
        ("removedFolder", below),
        ("removedFolder", gone),
    ]
    _, content, path, *removed = delta["events"]
    inbox = await ann.get(f"/api/v1/folders/{ann.inbox}")
    counters = {name: inbox[name] for name in ("folderSize", "totalItems", "unreadItems")}
    validity = content["idValidity"]
    assert content == {
        "eventType": "changedFolder",
        "id": ann.inbox,
        "containerId": container,
        "idValidity": validity,
        "pathChanged": False,
        "syncToken": await token_of(ann),
        **counters,
    }
    assert path == {
        **(await ann.get(f"/api/v1/folders/{moved}")),
        "eventType": "changedFolder",
        "containerId": container,
        "idValidity": path["idValidity"],
        "pathChanged": True,
        "syncToken": path["syncToken"],
        "oldParentId": container,
    }
    assert removed == [
        {"eventType": "removedFolder", "id": folder, "containerId": container} for folder in (below, gone)
    ]
    assert delta["syncToken"] == (await ann.get("/api/v1/folders"))["syncToken"]


async def test_an_old_token_resets_the_container(ann: User) -> None:
    container = f"{ann.account.account_id}_1"
    gone = await make_folder(ann, "Gone")
    token = (await ann.get("/api/v1/folders"))["syncToken"]
    for _ in range(2):
        assert (await ann.client.delete(f"/api/v1/folders/{gone}")).is_success
    await forget(ann)
    delta = await ann.get(FOLDERS, syncToken=token)
    reset, *events = delta["events"]
    assert reset == {"eventType": "resetContainer", "id": container, "containerId": container}
    assert {"syncToken": delta["syncToken"], "events": events} == await ann.get(FOLDERS)


async def test_access_modes(ann: User) -> None:
    everything = (await ann.get(FOLDERS))["events"]
    assert (await ann.get(FOLDERS, accessMode="local"))["events"] == everything
    tokens = {}
    for mode in ("public", "shared"):
        delta = await ann.get(FOLDERS, accessMode=mode)
        assert delta["events"] == []
        tokens[mode] = delta["syncToken"]
        assert (await ann.get(FOLDERS, accessMode="all", syncToken=delta["syncToken"]))[
            "events"
        ] == everything
    for query, parameter in (
        ({"accessMode": "local", "syncToken": tokens["public"]}, "syncToken"),
        ({"accessMode": "mine"}, "accessMode"),
        ({"syncToken": "x"}, "syncToken"),
        ({"syncToken": await token_of(ann)}, "syncToken"),
    ):
        response = await ann.client.get(FOLDERS, params=query)
        assert (response.status_code, response.json()["details"]) == (400, {"parameter": parameter})


async def test_folder_tokens_of_others_are_refused(ann: User, ben: User) -> None:
    token = (await ben.get(FOLDERS))["syncToken"]
    response = await ann.client.get(FOLDERS, params={"syncToken": token})
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": "syncToken"})


async def test_etag_of_folders(ann: User) -> None:
    token = (await ann.get(FOLDERS))["syncToken"]
    for query in ({}, {"syncToken": token}):
        tag = (await ann.client.get(FOLDERS, params=query)).headers["etag"]
        unchanged = await ann.client.get(FOLDERS, params=query, headers={"If-None-Match": tag})
        assert unchanged.status_code == 304
        await fill(ann, 1)
        changed = await ann.client.get(FOLDERS, params=query, headers={"If-None-Match": tag})
        assert changed.status_code == 200
