"""Folders."""

import pytest

from tests.api.world import User, make_message

PATH = "/api/v1/folders"
SHAPE = {
    "id": str,
    "name": str,
    "parentId": str,
    "role": str,
    "ownerUsername": str,
    "ownerFullname": str,
    "folderSize": int,
    "folderType": str,
    "accessMode": str,
    "totalItems": int,
    "unreadItems": int,
    "permissions": list,
}


@pytest.mark.parametrize("path", [PATH, PATH + "/"])
async def test_new_account(ann: User, path: str) -> None:
    listed = await ann.get(path)
    assert list(listed) == ["syncToken", "items"]
    for folder in listed["items"]:
        assert {name: type(value) for name, value in folder.items()} == SHAPE
        assert folder["accessMode"] == "local"
        assert folder["ownerUsername"] == "ann@example.test"
        assert folder["ownerFullname"] == "Ann Example"
        assert folder["parentId"] == f"{ann.account.account_id}_1"
        assert await ann.get(f"{PATH}/{folder['id']}") == folder
    found = [(folder["name"], folder["role"], folder["folderType"]) for folder in listed["items"]]
    assert found == [
        ("Inbox", "inbox", "mails"),
        ("Drafts", "drafts", "mails"),
        ("Sent", "sent", "mails"),
        ("Trash", "trash", "mails"),
        ("Spam", "junk", "mails"),
        ("Scheduled", "", "mails"),
        ("Contacts", "", "contacts"),
        ("Collected Addresses", "", "contacts"),
        ("Calendar", "", "events"),
        ("Tasks", "", "tasks"),
        ("Notes", "", "notes"),
    ]


async def test_permissions_say_what_special_folders_allow(ann: User) -> None:
    folders = {folder["name"]: folder["permissions"] for folder in (await ann.get(PATH))["items"]}
    assert folders["Inbox"] == list("lrswikt" + "ea")
    assert folders["Drafts"] == list("lrswitea")


async def test_counters(ann: User) -> None:
    raw = make_message()
    read = await ann.deliver(raw)
    await ann.deliver(raw)
    await ann.client.patch(f"/api/v1/mails/{read}", json={"isUnread": False})
    inbox = await ann.get(f"{PATH}/{ann.inbox}")
    assert (inbox["totalItems"], inbox["unreadItems"]) == (2, 1)
    assert inbox["folderSize"] == 2 * (await ann.get(f"/api/v1/mails/{read}"))["size"]


@pytest.mark.parametrize("kind", ["mails", "events", "tasks", "notes", "contacts"])
async def test_type(ann: User, kind: str) -> None:
    listed = (await ann.get(PATH, type=kind))["items"]
    everything = (await ann.get(PATH, type="all"))["items"]
    assert listed == [folder for folder in everything if folder["folderType"] == kind]
    assert listed


@pytest.mark.parametrize(
    ("mode", "is_empty"), [("all", False), ("local", False), ("public", True), ("shared", True)]
)
async def test_access_mode(ann: User, mode: str, is_empty: bool) -> None:
    assert ((await ann.get(PATH, accessMode=mode))["items"] == []) is is_empty


async def test_sync_token(ann: User) -> None:
    token = (await ann.get(PATH))["syncToken"]
    for value in ("true", "1", "YES"):
        assert await ann.get(PATH, syncTokenOnly=value) == {"syncToken": token}
    assert list(await ann.get(PATH, syncTokenOnly="no")) == ["syncToken", "items"]
    mail = await ann.deliver(make_message())
    after = (await ann.get(PATH, syncTokenOnly="true"))["syncToken"]
    assert after != token
    await ann.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False})
    assert (await ann.get(PATH, syncTokenOnly="true"))["syncToken"] != after


@pytest.mark.parametrize("query", [{}, {"syncTokenOnly": "true"}, {"type": "mails"}])
async def test_etag(ann: User, query: dict[str, str]) -> None:
    tag = (await ann.client.get(PATH, params=query)).headers["etag"]
    unchanged = await ann.client.get(PATH, params=query, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    await ann.deliver(make_message())
    assert (await ann.client.get(PATH, params=query, headers={"If-None-Match": tag})).status_code == 200


async def test_etag_of_one_folder(ann: User) -> None:
    path = f"{PATH}/{ann.inbox}"
    tag = (await ann.client.get(path)).headers["etag"]
    assert (await ann.client.get(path, headers={"If-None-Match": tag})).status_code == 304
    await ann.deliver(make_message())
    assert (await ann.client.get(path, headers={"If-None-Match": tag})).status_code == 200


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"type": "mail"}, "type"),
        ({"type": ""}, "type"),
        ({"type": ["mails", "tasks"]}, "type"),
        ({"accessMode": "Local"}, "accessMode"),
        ({"syncTokenOnly": "maybe"}, "syncTokenOnly"),
    ],
)
async def test_bad_parameters(ann: User, query: dict[str, str], parameter: str) -> None:
    response = await ann.client.get(PATH, params=query)
    assert response.status_code == 400
    assert response.json()["details"] == {"parameter": parameter}


async def test_unknown_folders(ann: User, ben: User) -> None:
    for folder, status in [
        (ben.inbox, 404),
        (f"{ann.account.account_id}_999", 404),
        ("x", 400),
        ("1_2_3", 400),
    ]:
        response = await ann.client.get(f"{PATH}/{folder}")
        assert response.status_code == status
        if status == 400:
            assert response.json()["details"] == {"parameter": "folderId"}
