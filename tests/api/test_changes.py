"""Moving, copying, deleting, labelling mails; making, renaming, moving, deleting folders."""

from typing import Any

import httpx
import pytest

from postroom.config.classes import AccountClass
from postroom.domain.examination import examine
from tests.api.world import User, make_message


async def call(user: User, method: str, path: str, body: Any = None, **query: Any) -> Any:
    """Return the JSON of a call that succeeds, None if its answer is empty."""
    response = await send(user, method, path, body, **query)
    assert response.status_code == 200, response.text
    return response.json() if response.content else None


async def send(user: User, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
    return await user.client.request(method, f"/api/v1/{path}", json=body, params=query)


async def refusal(user: User, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str, str]:
    """Return status, code and parameter of a call that is refused."""
    response = await send(user, method, path, body, **query)
    error = response.json()
    return response.status_code, error["errorCode"], error["details"].get("parameter", "")


async def folder_id(user: User, role: str) -> str:
    folders = (await user.get("/api/v1/folders"))["items"]
    return str(next(folder["id"] for folder in folders if folder["role"] == role))


async def listed(user: User, folder: str) -> list[dict[str, Any]]:
    page = await user.get("/api/v1/mails", folderId=folder, limit=1000)
    assert page["totalItems"] == len(page["items"])
    return list(page["items"])


async def check(user: User) -> None:
    """Nothing of what is maintained may be off."""
    await user.world.domain.doomed.wait()
    async with user.world.store.read(user.account.account_id) as mailbox:
        _, faults = await examine(mailbox, "ann")
    assert faults == []


async def make_label(user: User, name: str = "Red") -> str:
    return str((await call(user, "POST", "labels", {"name": name}))["id"])


# Mails


async def test_a_mail_is_moved(ann: User) -> None:
    mail_id = await ann.deliver(make_message(subject="One"))
    other = await ann.deliver(make_message(subject="Two"))
    await call(ann, "PATCH", f"mails/{mail_id}", {"isFlagged": True, "isUnread": False})
    before = await ann.get(f"/api/v1/mails/{mail_id}")
    target = await folder_id(ann, "sent")
    moved = await call(ann, "POST", f"mails/{mail_id}/move", {"destinationFolderId": target})
    assert moved["id"] != mail_id
    assert moved["folderId"] == target
    same = {"id", "folderId", "originalFolderId", "originalMailId"}
    assert {name: moved[name] for name in moved if name not in same} == {
        name: before[name] for name in before if name not in same
    }
    assert await ann.get(f"/api/v1/mails/{moved['id']}") == moved
    assert (await refusal(ann, "GET", f"mails/{mail_id}"))[0] == 404
    assert [mail["id"] for mail in await listed(ann, ann.inbox)] == [other]
    assert [mail["id"] for mail in await listed(ann, target)] == [moved["id"]]
    again = await call(ann, "POST", f"mails/{moved['id']}/move", {"destinationFolderId": target})
    assert again == moved
    await check(ann)


async def test_a_mail_is_copied(ann: User) -> None:
    mail_id = await ann.deliver(make_message(subject="One"))
    label = await make_label(ann)
    await call(ann, "POST", f"mails/{mail_id}/labels", {"labelId": label})
    copy = await call(ann, "POST", f"mails/{mail_id}/copy", {})
    assert copy["folderId"] == ann.inbox
    assert copy["labelIds"] == [label]
    sent = await folder_id(ann, "sent")
    other = await call(ann, "POST", f"mails/{mail_id}/copy", {"destinationFolderId": sent})
    assert other["folderId"] == sent
    assert len(await listed(ann, ann.inbox)) == 2
    counters = await ann.get("/api/v1/mails/counters", labels="all")
    assert counters["unreadCount"] == 2
    assert counters["labels"][0]["totalItems"] == 3
    raw = (await ann.client.get(f"/api/v1/mails/{mail_id}/source")).content
    await call(ann, "DELETE", f"mails/{mail_id}", permanent="true")
    assert (await ann.client.get(f"/api/v1/mails/{other['id']}/source")).content == raw
    await check(ann)


async def test_deleting_obeys_the_setting(ann: User) -> None:
    trash = await folder_id(ann, "trash")
    first = await ann.deliver(make_message())
    await call(ann, "DELETE", f"mails/{first}")
    [there] = await listed(ann, trash)
    await call(ann, "DELETE", f"mails/{there['id']}")
    assert await listed(ann, trash) == []
    second = await ann.deliver(make_message())
    await call(ann, "DELETE", f"mails/{second}", permanent="true")
    assert await listed(ann, trash) == []
    await call(ann, "PATCH", "account/settings", {"deleteToTrash": False})
    third = await ann.deliver(make_message())
    await call(ann, "DELETE", f"mails/{third}")
    assert await listed(ann, trash) == await listed(ann, ann.inbox) == []
    await check(ann)


async def test_below_trash_is_in_trash(ann: User) -> None:
    trash = await folder_id(ann, "trash")
    below = (await call(ann, "POST", "folders", {"name": "Old", "parentId": trash}))["id"]
    mail_id = await ann.deliver(make_message())
    moved = await call(ann, "POST", f"mails/{mail_id}/move", {"destinationFolderId": below})
    await call(ann, "DELETE", f"mails/{moved['id']}")
    assert await listed(ann, trash) == await listed(ann, below) == []


async def test_labels_on_and_off(ann: User) -> None:
    mail_id = await ann.deliver(make_message())
    red, blue = await make_label(ann), await make_label(ann, "Blue")
    for label in (blue, red, red):
        assert await call(ann, "POST", f"mails/{mail_id}/labels", {"labelId": label}) is None
    assert (await ann.get(f"/api/v1/mails/{mail_id}"))["labelIds"] == [red, blue]
    for _ in range(2):
        assert await call(ann, "DELETE", f"mails/{mail_id}/labels/{red}") is None
    assert (await ann.get(f"/api/v1/mails/{mail_id}"))["labelIds"] == [blue]
    gone = f"{ann.account.account_id}_99"
    assert await refusal(ann, "POST", f"mails/{mail_id}/labels", {"labelId": gone}) == (404, "notFound", "")
    assert (await refusal(ann, "POST", f"mails/{mail_id}/labels", {"labelId": "x"}))[2] == "labelId"
    assert (await refusal(ann, "POST", f"mails/{mail_id}/labels", {}))[2] == "labelId"
    await check(ann)


async def test_spam_and_back(ann: User) -> None:
    mail_id = await ann.deliver(make_message())
    spam = await call(ann, "POST", f"mails/{mail_id}/spam")
    assert spam["folderId"] == await folder_id(ann, "junk")
    back = await call(ann, "POST", f"mails/{spam['id']}/notspam")
    assert back["folderId"] == ann.inbox
    sent = await folder_id(ann, "sent")
    there = await call(ann, "POST", f"mails/{back['id']}/notspam", {"destinationFolderId": sent})
    assert there["folderId"] == sent


@pytest.mark.parametrize(
    ("policy", "names"),
    [
        ("none", ["Archive"]),
        ("folderPerYear", ["Archive", "2025"]),
        ("folderPerMonth", ["Archive", "2025-04"]),
        ("subfolderPerMonth", ["Archive", "2025", "04"]),
    ],
)
async def test_archive_by_policy(ann: User, policy: str, names: list[str]) -> None:
    await call(ann, "PATCH", "account/settings", {"archivingPolicy": policy})
    for _ in range(2):
        mail_id = await ann.deliver(make_message())
        archived = await call(ann, "POST", f"mails/{mail_id}/archive")
    folders = {folder["id"]: folder for folder in (await ann.get("/api/v1/folders"))["items"]}
    path: list[str] = []
    place = archived["folderId"]
    while place in folders:
        path.insert(0, folders[place]["name"])
        place = folders[place]["parentId"]
    assert path == names
    assert len(await listed(ann, archived["folderId"])) == 2
    assert sum(folder["role"] == "archive" for folder in folders.values()) == 1
    await check(ann)


@pytest.mark.parametrize(
    ("timezone", "year"), [("UTC", "2024"), ("Asia/Taipei", "2025"), ("America/New_York", "2024")]
)
async def test_the_year_of_the_archive_is_the_owner_s(ann: User, timezone: str, year: str) -> None:
    settings = {"archivingPolicy": "folderPerYear", "timezone": timezone}
    await call(ann, "PATCH", "account/settings", settings)
    ann.world.clock.now = 1_735_687_800.0 - 1  # 2024-12-31 23:30 UTC
    mail_id = await ann.deliver(make_message())
    archived = await call(ann, "POST", f"mails/{mail_id}/archive")
    folders = {folder["id"]: folder["name"] for folder in (await ann.get("/api/v1/folders"))["items"]}
    assert folders[archived["folderId"]] == year


async def test_wrong_places_are_refused(ann: User, ben: User) -> None:
    mail_id = await ann.deliver(make_message())
    contacts = next(
        folder["id"]
        for folder in (await ann.get("/api/v1/folders"))["items"]
        if folder["folderType"] == "contacts"
    )
    for verb in ("move", "copy"):
        path = f"mails/{mail_id}/{verb}"
        for target, expected in [
            (contacts, (400, "badParameter", "destinationFolderId")),
            ("x", (400, "badParameter", "destinationFolderId")),
            (f"{ann.account.account_id}_99", (404, "notFound", "")),
            (ben.inbox, (404, "notFound", "")),
        ]:
            assert await refusal(ann, "POST", path, {"destinationFolderId": target}) == expected
        assert (await refusal(ann, "POST", path, {"destinationFolderId": ann.inbox, "x": 1}))[2] == "x"
    assert (await refusal(ann, "POST", f"mails/{mail_id}/move"))[2] == "destinationFolderId"
    assert (await refusal(ann, "DELETE", f"mails/{mail_id}", permanent="perhaps"))[2] == "permanent"
    assert [mail["id"] for mail in await listed(ann, ann.inbox)] == [mail_id]


async def test_nobody_changes_the_mails_of_others(ann: User, ben: User) -> None:
    mail_id = await ann.deliver(make_message())
    target = {"destinationFolderId": ben.inbox}
    label = await make_label(ben)
    for method, path, body in [
        ("POST", "move", target),
        ("POST", "copy", target),
        ("POST", "copy", {}),
        ("POST", "archive", None),
        ("POST", "spam", None),
        ("POST", "notspam", {}),
        ("POST", "labels", {"labelId": label}),
        ("DELETE", f"labels/{label}", None),
    ]:
        assert (await refusal(ben, method, f"mails/{mail_id}/{path}", body))[:2] == (404, "notFound")
    assert (await refusal(ben, "DELETE", f"mails/{mail_id}"))[:2] == (404, "notFound")
    assert (await refusal(ann, "POST", f"mails/{mail_id}/labels", {"labelId": label}))[0] == 404
    assert [mail["id"] for mail in await listed(ann, ann.inbox)] == [mail_id]


class TestQuota:
    @pytest.fixture
    def classes(self) -> dict[str, AccountClass]:
        return {"default": AccountClass(messages=2)}

    async def test_copies_count(self, ann: User) -> None:
        mail_id = await ann.deliver(make_message())
        await call(ann, "POST", f"mails/{mail_id}/copy")
        assert await refusal(ann, "POST", f"mails/{mail_id}/copy") == (403, "messageQuotaExceeded", "")
        assert len(await listed(ann, ann.inbox)) == 2
        await check(ann)


# Folders


async def test_folders_are_made(ann: User) -> None:
    made = await call(ann, "POST", "folders/", {"name": "  Projects "})
    assert (made["name"], made["folderType"], made["role"]) == ("Projects", "mails", "")
    assert made["parentId"] == f"{ann.account.account_id}_1"
    assert made["permissions"] == list("lrswikxtea")
    below = await call(ann, "POST", "folders", {"name": "2026", "parentId": made["id"]})
    assert below["parentId"] == made["id"]
    container = made["parentId"]
    events = await call(ann, "POST", "folders", {"name": "Dates", "type": "events", "parentId": container})
    assert events["folderType"] == "events"
    ids = [folder["id"] for folder in (await ann.get("/api/v1/folders"))["items"]]
    assert ids.index(made["id"]) < ids.index(below["id"])
    assert len(ids) == 14


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "badParameter"),
        ("   ", "badParameter"),
        ("a/b", "badParameter"),
        ("a\nb", "badParameter"),
        ("x" * 256, "folderNameTooLong"),
    ],
)
async def test_names_are_checked(ann: User, name: str, code: str) -> None:
    assert await refusal(ann, "POST", "folders", {"name": name}) == (400, code, "name")
    made = await call(ann, "POST", "folders", {"name": "x" * 255})
    assert await refusal(ann, "PATCH", f"folders/{made['id']}", {"name": name}) == (400, code, "name")


async def test_folders_that_cannot_be_made(ann: User, ben: User) -> None:
    contacts, drafts = f"{ann.account.account_id}_8", await folder_id(ann, "drafts")
    for body, expected in [
        ({"name": "inbox"}, (409, "folderExists", "name")),
        ({"name": "x", "parentId": drafts}, (403, "subfoldersNotAllowed", "")),
        ({"name": "x", "parentId": contacts, "type": "mails"}, (400, "badParameter", "type")),
        ({"name": "x", "type": "all"}, (400, "badParameter", "type")),
        ({"name": "x", "parentId": ben.inbox}, (404, "notFound", "")),
        ({"name": "x", "parentId": f"{ann.account.account_id}_99"}, (404, "notFound", "")),
        ({"name": "x", "parentId": "x"}, (400, "badParameter", "parentId")),
        ({"name": 1}, (400, "badParameter", "name")),
        ({}, (400, "badParameter", "name")),
    ]:
        assert await refusal(ann, "POST", "folders", body) == expected
    assert len((await ann.get("/api/v1/folders"))["items"]) == 11


async def test_folders_are_at_most_so_deep(ann: User) -> None:
    parent = None
    for number in range(32):
        body = {"name": str(number)} if parent is None else {"name": str(number), "parentId": parent}
        parent = (await call(ann, "POST", "folders", body))["id"]
    assert await refusal(ann, "POST", "folders", {"name": "x", "parentId": parent}) == (
        400,
        "badParameter",
        "parentId",
    )
    top = (await call(ann, "POST", "folders", {"name": "top"}))["id"]
    assert (await refusal(ann, "POST", f"folders/{top}/move", {"parentId": parent}))[2] == "parentId"


async def test_folders_are_renamed_and_moved(ann: User, ben: User) -> None:
    one = (await call(ann, "POST", "folders", {"name": "One"}))["id"]
    two = (await call(ann, "POST", "folders", {"name": "Two"}))["id"]
    three = (await call(ann, "POST", "folders", {"name": "Three", "parentId": one}))["id"]
    assert (await call(ann, "PATCH", f"folders/{one}", {"name": "ONE"}))["name"] == "ONE"
    assert await refusal(ann, "PATCH", f"folders/{one}", {"name": "two"}) == (409, "folderExists", "name")
    moved = await call(ann, "POST", f"folders/{one}/move", {"parentId": two})
    assert (moved["id"], moved["parentId"]) == (one, two)
    for target, expected in [
        (three, (400, "badParameter", "parentId")),
        (one, (400, "badParameter", "parentId")),
        (f"{ann.account.account_id}_8", (400, "badParameter", "type")),
        (await folder_id(ann, "drafts"), (403, "subfoldersNotAllowed", "")),
        (ben.inbox, (404, "notFound", "")),
    ]:
        assert await refusal(ann, "POST", f"folders/{one}/move", {"parentId": target}) == expected
    back = await call(ann, "POST", f"folders/{one}/move", {"parentId": f"{ann.account.account_id}_1"})
    assert back["parentId"] == f"{ann.account.account_id}_1"
    for method, path, body in [
        ("PATCH", f"folders/{ann.inbox}", {"name": "x"}),
        ("POST", f"folders/{ann.inbox}/move", {"parentId": two}),
        ("DELETE", f"folders/{ann.inbox}", None),
    ]:
        assert (await refusal(ann, method, path, body))[:2] == (403, "notPermitted")
        assert (await refusal(ben, method, path, body))[:2] == (404, "notFound")


async def test_folders_of_every_type_go_to_trash(ann: User) -> None:
    made = await call(ann, "POST", "folders", {"name": "People", "type": "contacts"})
    await call(ann, "DELETE", f"folders/{made['id']}")
    there = await ann.get(f"/api/v1/folders/{made['id']}")
    assert there["parentId"] == await folder_id(ann, "trash")
    await call(ann, "DELETE", f"folders/{made['id']}")
    assert (await refusal(ann, "GET", f"folders/{made['id']}"))[0] == 404


async def test_a_folder_is_deleted_by_steps(ann: User) -> None:
    trash = await folder_id(ann, "trash")
    one = (await call(ann, "POST", "folders", {"name": "One"}))["id"]
    below = (await call(ann, "POST", "folders", {"name": "Below", "parentId": one}))["id"]
    await call(ann, "POST", "folders", {"name": "one", "parentId": trash})
    label = await make_label(ann)
    for folder in (one, below):
        mail_id = await ann.deliver(make_message())
        await call(ann, "POST", f"mails/{mail_id}/labels", {"labelId": label})
        moved = await call(ann, "POST", f"mails/{mail_id}/move", {"destinationFolderId": folder})
    assert await call(ann, "DELETE", f"folders/{one}") is None
    there = await ann.get(f"/api/v1/folders/{one}")
    assert (there["parentId"], there["name"]) == (trash, "One 2")
    assert len(await listed(ann, below)) == 1
    await call(ann, "DELETE", f"folders/{one}")
    for folder in (one, below):
        assert (await refusal(ann, "GET", f"folders/{folder}"))[0] == 404
        assert (await refusal(ann, "GET", "mails", folderId=folder))[0] == 404
    assert (await refusal(ann, "GET", f"mails/{moved['id']}"))[0] == 404
    assert (await refusal(ann, "GET", f"mails/{moved['id']}/source"))[0] == 404
    assert (await refusal(ann, "DELETE", f"mails/{moved['id']}"))[0] == 404
    counters = await ann.get("/api/v1/mails/counters", labels="all")
    assert counters["labels"][0] == {"labelId": label, "unreadItems": 0, "totalItems": 0}
    assert (await ann.get("/api/v1/account/info"))["usedMessageCount"] == 0
    await check(ann)
    async with ann.world.store.engine.peek() as connection:
        assert await connection.fetch_value("SELECT count(*) FROM mail") == 0
        assert await connection.fetch_value("SELECT count(*) FROM content") == 0
