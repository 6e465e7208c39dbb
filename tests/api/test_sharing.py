"""Shared and public folders: who is given what, and what he sees of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from postroom.domain.sharing import Sharing
from postroom.model.ids import FolderId
from tests.api.world import User, World, make_message

RIGHTS = "lrswikxtea"


async def share(owner: User, folder: str, reader: User | str, rights: str) -> None:
    """Give a reader rights in a folder; none take all away."""
    account = reader if isinstance(reader, str) else reader.account.address
    body = {"account": account, "permissions": list(rights)}
    response = await owner.client.put(f"/api/v1/folders/{folder}/permissions", json=body)
    assert response.status_code == 200, response.text
    assert response.json() == {"account": account, "permissions": [one for one in RIGHTS if one in rights]}


async def make_folder(owner: User, name: str, parent: str | None = None) -> str:
    body = {"name": name} | ({} if parent is None else {"parentId": parent})
    response = await owner.client.post("/api/v1/folders", json=body)
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def refuse(response: Any) -> str:
    """Return the code of a refusal."""
    made = await response
    assert made.status_code >= 400, made.text
    return str(made.json()["errorCode"])


async def others(user: User, mode: str = "all") -> list[dict[str, Any]]:
    items = (await user.get("/api/v1/folders", accessMode=mode))["items"]
    return [item for item in items if item["accessMode"] != "local"]


async def follow(user: User, known: dict[str, Any], token: str, mode: str = "all") -> str:
    """Bring a client's folders up to date by a delta; return the new token."""
    delta = await user.get("/api/v1/folders/delta", syncToken=token, accessMode=mode)
    marked: set[str] = set()
    for event in delta["events"]:
        kind, name, container = event["eventType"], event["id"], event["containerId"]
        if kind == "resetContainer":
            marked |= {one for one, folder in known.items() if folder["containerId"] == name}
        elif kind == "removeContainer":
            for one in [one for one, folder in known.items() if folder["containerId"] == name]:
                del known[one]
            known.pop(name, None)
        elif kind == "removedFolder":
            del known[name]
        else:
            assert kind == "newFolder" or name in known
            known[name] = {**known.get(name, {}), **event}
            assert known[name]["containerId"] == container
        if kind == "newFolder":
            marked.discard(name)
    for one in marked:
        del known[one]
    return str(delta["syncToken"])


async def check_followed(user: User, known: dict[str, Any], token: str, mode: str = "all") -> None:
    """A client that follows deltas has what a listing shows, and its token."""
    listed = await user.get("/api/v1/folders", accessMode=mode)
    assert token == listed["syncToken"]
    fields = [*listed["items"][0]] if listed["items"] else []
    assert {one: {field: folder[field] for field in fields} for one, folder in known.items()} == {
        item["id"]: item for item in listed["items"]
    }
    only = await user.get("/api/v1/folders", accessMode=mode, syncTokenOnly=True)
    assert only == {"syncToken": token}


async def test_permissions_are_given_and_taken(ann: User, ben: User) -> None:
    path = f"/api/v1/folders/{ann.inbox}/permissions"
    assert await ann.get(path) == {"items": []}
    await share(ann, ann.inbox, ben, "rl")
    await share(ann, ann.inbox, "@example.test", "l")
    listed = (await ann.get(path))["items"]
    assert sorted((one["account"], "".join(one["permissions"])) for one in listed) == [
        ("@example.test", "l"),
        ("ben@example.test", "lr"),
    ]
    assert await refuse(ben.client.get(path)) == "notPermitted"
    await share(ann, ann.inbox, ben, "lra")
    assert len((await ben.get(path))["items"]) == 2
    assert (await ben.client.delete(path, params={"account": "@example.test"})).status_code == 200
    assert await refuse(ben.client.delete(path, params={"account": "@example.test"})) == "notFound"
    await share(ann, ann.inbox, ben, "")
    assert await refuse(ben.client.get(path)) == "notFound"
    assert await ann.get(path) == {"items": []}


@pytest.mark.parametrize(
    ("account", "permissions", "code"),
    [
        ("nobody@example.test", ["l"], "badParameter"),
        ("ann@example.test", ["l"], "badParameter"),
        ("@nowhere.test", ["l"], "badParameter"),
        ("@", ["l"], "badParameter"),
        ("", ["l"], "badParameter"),
        ("@" + "é" * 390, ["l"], "badParameter"),
        ("a" * 500, ["l"], "badParameter"),
        ("\x00", ["l"], "badParameter"),
        ("~public", ["l"], "badParameter"),
        ("ben@example.test", ["z"], "badParameter"),
        ("ben@example.test", ["lr"], "badParameter"),
        ("ben@example.test", [""], "badParameter"),
        ("ben@example.test", ["r"], "badParameter"),
        ("ben@example.test", "lr", "badParameter"),
        ("*", ["l"], "notPermitted"),
    ],
)
async def test_what_cannot_be_given(ann: User, ben: User, account: str, permissions: Any, code: str) -> None:
    body = {"account": account, "permissions": permissions}
    path = f"/api/v1/folders/{ann.inbox}/permissions"
    assert await refuse(ann.client.put(path, json=body)) == code
    assert await refuse(ben.client.put(path, json={"account": "ann@example.test", "permissions": ["l"]})) == (
        "notFound"
    )
    assert await ann.get(path) == {"items": []}


async def test_grants_are_limited(ann: User, ben: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.domain.sharing.MOST_OF_READER", 1)
    await share(ann, ann.inbox, ben, "l")
    await share(ann, ann.inbox, ben, "lr")
    other = await make_folder(ann, "Other")
    body = {"account": ben.account.address, "permissions": ["l"]}
    assert await refuse(ann.client.put(f"/api/v1/folders/{other}/permissions", json=body)) == "notPermitted"
    monkeypatch.setattr("postroom.domain.sharing.MOST_OF_FOLDER", 1)
    body["account"] = "@example.test"
    assert await refuse(ann.client.put(f"/api/v1/folders/{ann.inbox}/permissions", json=body)) == (
        "notPermitted"
    )


async def test_shared_folders_are_listed_below_their_roots(world: World, ann: User, ben: User) -> None:
    sharing = Sharing(world.store)
    top = await make_folder(ann, "Top")
    hidden = await make_folder(ann, "Hidden", top)
    below = await make_folder(ann, "Below", hidden)
    await share(ann, top, ben, "lrk")
    await share(ann, below, ben, "l")
    await sharing.add_public("News", account="*", rights="lr")
    await sharing.add_public("news/2026", account="@example.test", rights="lri")
    number, reader = ann.account.account_id, ben.account.account_id
    listed = await others(ben)
    public = listed[-1]["id"].partition("_")[0]
    assert [(one["id"], one["parentId"], one["folderType"], one["accessMode"]) for one in listed] == [
        (f"{reader}_0", f"{reader}_1", "shared_namespace", "shared"),
        (f"{number}_1", f"{reader}_0", "shared_container", "shared"),
        (top, f"{number}_1", "mails", "shared"),
        (below, f"{number}_1", "mails", "shared"),
        (f"{public}_1", f"{reader}_1", "public_container", "public"),
        (f"{public}_2", f"{public}_1", "mails", "public"),
        (f"{public}_3", f"{public}_2", "mails", "public"),
    ]
    assert [(one["name"], "".join(one["permissions"])) for one in listed] == [
        ("~Other users' folders", "l"),
        ("Ann Example", "l"),
        ("Top", "lrk"),
        ("Below", "l"),
        ("~Public Folders", "l"),
        ("News", "lr"),
        # What everybody may do in the parent holds for a new folder below it.
        ("2026", "lri"),
    ]
    assert {(one["ownerUsername"], one["ownerFullname"]) for one in listed[1:4]} == {
        ("ann@example.test", "Ann Example")
    }
    for one in listed:
        assert await ben.get(f"/api/v1/folders/{one['id']}") == one
    assert [one["id"] for one in await others(ben, "public")] == [one["id"] for one in listed[4:]]
    assert [one["id"] for one in await others(ben, "shared")] == [one["id"] for one in listed[:4]]
    assert await others(ben, "local") == []
    assert await refuse(ben.client.get(f"/api/v1/folders/{hidden}")) == "notFound"
    assert [one["name"] for one in await others(ann)] == ["~Public Folders", "News", "2026"]
    await sharing.remove_public("News")
    assert await others(ann) == []
    assert await sharing.list_public() == []


async def test_deltas_tell_of_shared_folders(world: World, ann: User, ben: User) -> None:
    known: dict[str, Any] = {}
    token = await follow(ben, known, "")
    await check_followed(ben, known, token)
    top = await make_folder(ann, "Top")
    steps: list[Callable[[], Awaitable[Any]]] = [
        lambda: share(ann, top, ben, "l"),
        lambda: share(ann, ann.inbox, ben, "lr"),
        lambda: ann.deliver(make_message()),
        lambda: make_folder(ann, "Below", top),
        lambda: share(ann, top, ben, "lrsi"),
        lambda: ann.client.patch(f"/api/v1/folders/{top}", json={"name": "Renamed"}),
        lambda: Sharing(world.store).add_public("News", account="@example.test", rights="l"),
        lambda: share(ann, top, ben, ""),
        lambda: ann.client.delete(f"/api/v1/folders/{top}"),
        lambda: Sharing(world.store).remove_public("News"),
        lambda: share(ann, ann.inbox, ben, ""),
        lambda: share(ann, top, "@example.test", "l"),
        lambda: make_folder(ben, "Own"),
    ]
    for step in steps:
        await step()
        token = await follow(ben, known, token)
        await check_followed(ben, known, token)


async def test_strangers_changes_leave_the_tokens(ann: User, ben: User) -> None:
    top = await make_folder(ann, "Top")
    await share(ann, top, ben, "lr")
    before = await ben.get("/api/v1/folders", syncTokenOnly=True)
    await ann.deliver(make_message())
    await make_folder(ann, "Another")
    assert await ben.get("/api/v1/folders", syncTokenOnly=True) == before
    own = await ann.get("/api/v1/folders", syncTokenOnly=True)
    await share(ann, top, ben, "lrs")
    assert await ben.get("/api/v1/folders", syncTokenOnly=True) != before
    assert await ann.get("/api/v1/folders", syncTokenOnly=True) == own


async def test_a_wider_mode_adds_folders(ann: User, ben: User) -> None:
    await share(ann, ann.inbox, ben, "lr")
    known: dict[str, Any] = {}
    token = await follow(ben, known, "", "local")
    assert ann.inbox not in known
    token = await follow(ben, known, token)
    await check_followed(ben, known, token)


async def test_who_is_removed_is_given_nothing(world: World, ann: User, ben: User) -> None:
    await share(ann, ann.inbox, ben, "lr")
    await share(ben, ben.inbox, ann, "lr")
    await world.directory.remove_account("ben@example.test")
    assert await others(ann) == []
    assert await ann.get(f"/api/v1/folders/{ann.inbox}/permissions") == {"items": []}


async def test_changing_shared_folders(ann: User, ben: User) -> None:
    top = await make_folder(ann, "Top")
    child = await make_folder(ann, "Child", top)
    await share(ann, top, ben, "lr")
    await share(ann, child, ben, "lr")
    new = {"name": "New", "parentId": top}

    async def codes() -> list[str]:
        return [
            await refuse(ben.client.post("/api/v1/folders", json=new)),
            await refuse(ben.client.patch(f"/api/v1/folders/{child}", json={"name": "Other"})),
            await refuse(ben.client.delete(f"/api/v1/folders/{child}")),
            await refuse(ben.client.post(f"/api/v1/folders/{child}/move", json={"parentId": top})),
        ]

    assert await codes() == ["notPermitted"] * 4
    await share(ann, child, ben, "")
    assert (await codes())[1:] == ["notFound"] * 3
    await share(ann, top, ben, "lrk")
    made = (await ben.client.post("/api/v1/folders", json=new)).json()
    assert (made["parentId"], made["ownerUsername"], made["accessMode"]) == (
        top,
        "ann@example.test",
        "shared",
    )
    assert made["permissions"] == ["l", "r", "k"]
    await share(ann, made["id"], ben, "lrx")
    renamed = await ben.client.patch(f"/api/v1/folders/{made['id']}", json={"name": "Renamed"})
    assert renamed.json()["name"] == "Renamed"
    # It goes for good, or not at all.
    assert await refuse(ben.client.delete(f"/api/v1/folders/{made['id']}")) == "notPermitted"
    own = await make_folder(ben, "Own")
    moves = [(made["id"], ben.inbox), (made["id"], f"{ann.account.account_id}_1"), (own, top)]
    codes_of_moves = [
        await refuse(ben.client.post(f"/api/v1/folders/{one}/move", json={"parentId": parent}))
        for one, parent in moves
    ]
    assert codes_of_moves == ["badParameter", "notPermitted", "badParameter"]
    await ben.client.patch("/api/v1/account/settings", json={"deleteToTrash": False})
    assert (await ben.client.delete(f"/api/v1/folders/{made['id']}")).status_code == 200
    assert await refuse(ann.client.get(f"/api/v1/folders/{made['id']}")) == "notFound"
    # It is in the owner's history, and on nobody's stack.
    kinds = [one["kind"] for one in (await ann.get("/api/v1/operations"))["items"]]
    assert kinds[:3] == ["folders.delete", "folders.rename", "folders.create"]
    assert await refuse(ben.client.post("/api/v1/undo")) in {"conflict", "sessionRequired"}


async def test_nothing_is_given_of_a_folder_whose_making_was_taken_back(ann: User, ben: User) -> None:
    folder = await make_folder(ann, "Plans")
    folder_id = FolderId(int(folder.partition("_")[2]))
    await share(ann, folder, ben, "lr")
    [made, *_] = (await ann.get("/api/v1/operations", kind="folders.create"))["items"]
    assert (await ann.client.post(f"/api/v1/operations/{made['id']}/undo")).status_code == 200
    assert await others(ben) == []
    async with ann.world.store.read(ann.account.account_id) as mailbox:
        # It would count among those that a reader may have.
        assert await mailbox.grants.list_of_folder(folder_id) == []


# Mails


async def show(user: User, mail: str) -> Any:
    return await user.get(f"/api/v1/mails/{mail}")


async def unread_of(user: User, folder: str) -> tuple[int, int, int]:
    """Return the unread mails of a folder by its counter, its list, and a delta from nothing."""
    counter = (await user.get(f"/api/v1/folders/{folder}"))["unreadItems"]
    listed = (await user.get("/api/v1/mails", folderId=folder, limit=1000))["items"]
    delta = await user.get("/api/v1/mails/delta", folderId=folder, limit=1000)
    return (
        counter,
        sum(mail["isUnread"] for mail in listed),
        sum(mail["isUnread"] for mail in delta["newItems"]),
    )


async def test_reading_a_shared_folder(ann: User, ben: User) -> None:
    pdf = ("application/pdf", "a.pdf", b"pdf")
    mail = await ann.deliver(make_message(attachments=(pdf,)))
    label = (await ann.client.post("/api/v1/labels", json={"name": "Mine"})).json()["id"]
    await ann.client.post(f"/api/v1/mails/{mail}/labels", json={"labelId": label})
    paths = [
        f"/api/v1/mails/{mail}{rest}"
        for rest in (
            "",
            "/body",
            "/body/full",
            "/parts",
            "/parts/details?partIds=0",
            "/parts/0/details/full",
            "/attachments",
            "/attachments/download",
            "/attachments/0",
            "/attachments/0/download",
            "/attachments/0/thumbnail",
            "/source",
            "/source/download",
            "/source/headers",
        )
    ]
    paths += [f"/api/v1/mails{rest}?folderId={ann.inbox}" for rest in ("", "/delta")]

    async def codes() -> set[int]:
        return {(await ben.client.get(path)).status_code for path in paths}

    assert await codes() == {404}
    await share(ann, ann.inbox, ben, "l")
    assert await codes() == {403}
    await share(ann, ann.inbox, ben, "lr")
    assert await codes() == {200}
    seen, own = await show(ben, mail), await show(ann, mail)
    assert seen == {**own, "labelIds": []}
    await share(ann, ann.inbox, ben, "")
    assert await codes() == {404}


async def test_unread_is_each_readers_own(ann: User, ben: User) -> None:
    mails = [await ann.deliver(make_message(subject=f"{number}")) for number in range(5)]
    await share(ann, ann.inbox, ben, "lrs")
    token = (await ben.get("/api/v1/mails", folderId=ann.inbox))["syncToken"]
    own = (await ann.get("/api/v1/mails", folderId=ann.inbox))["syncToken"]
    folders = await ann.get("/api/v1/folders", syncTokenOnly=True)
    seen = await ben.client.patch(f"/api/v1/mails/{mails[0]}", json={"isUnread": False})
    assert seen.json()["isUnread"] is False
    assert await unread_of(ben, ann.inbox) == (4, 4, 4)
    assert await unread_of(ann, ann.inbox) == (5, 5, 5)
    assert (await ann.get("/api/v1/mails", folderId=ann.inbox))["syncToken"] == own
    assert await ann.get("/api/v1/folders", syncTokenOnly=True) == folders
    delta = await ben.get("/api/v1/mails/delta", folderId=ann.inbox, syncToken=token)
    assert [(one["id"], one["isUnread"]) for one in delta["updatedItems"]] == [(mails[0], False)]
    assert delta["newItems"] == delta["removedItems"] == []
    only = await ben.get("/api/v1/mails", folderId=ann.inbox, syncTokenOnly=True)
    assert only == {"syncToken": delta["syncToken"]}
    # Of the owner's own state, nothing is seen.
    await ann.client.patch(f"/api/v1/mails/{mails[1]}", json={"isUnread": False})
    assert await unread_of(ben, ann.inbox) == (4, 4, 4)
    assert await unread_of(ann, ann.inbox) == (4, 4, 4)
    assert await refuse(ben.client.patch(f"/api/v1/mails/{mails[1]}", json={"isFlagged": True})) == (
        "notPermitted"
    )
    for direction, first in (("ASC", False), ("DESC", True)):
        page = await ben.get(
            "/api/v1/mails", folderId=ann.inbox, sort="isUnread", dir=direction, activeMailId=mails[0]
        )
        assert page["items"][0]["isUnread"] is first
        assert page["items"][page["sortInfo"]["activeRowIndex"]]["id"] == mails[0]
        assert [one["id"] for one in page["items"]] == (
            mails if direction == "ASC" else [*reversed(mails[1:]), mails[0]]
        )
    await ben.client.patch(f"/api/v1/mails/{mails[0]}", json={"isUnread": True})
    assert await unread_of(ben, ann.inbox) == (5, 5, 5)
    # What he has seen is known again when he is given the folder again, and gone with the mail.
    await ben.client.patch(f"/api/v1/mails/{mails[0]}", json={"isUnread": False})
    await share(ann, ann.inbox, ben, "")
    await ann.client.delete(f"/api/v1/mails/{mails[0]}")
    await share(ann, ann.inbox, ben, "lrs")
    assert await unread_of(ben, ann.inbox) == (4, 4, 4)


class Changer:
    """Changes of one mail of Ann's by Ben, by short names."""

    def __init__(self, ben: User, mail: str, *, target: str, labels: tuple[str, str]) -> None:
        self.ben = ben
        self.mail = mail
        top, own = {"destinationFolderId": target}, {"destinationFolderId": ben.inbox}
        self.calls: dict[str, tuple[str, str, Any]] = {
            "seen": ("PATCH", "", {"isUnread": False}),
            "flag": ("PATCH", "", {"isFlagged": True}),
            "move": ("POST", "/move", top),
            "copy": ("POST", "/copy", top),
            "notspam": ("POST", "/notspam", top),
            "here": ("POST", "/copy", {}),
            "take": ("POST", "/move", own),
            "fetch": ("POST", "/copy", own),
            "delete": ("DELETE", "?permanent=true", None),
            "trash": ("DELETE", "", None),
            "label": ("POST", "/labels", {"labelId": labels[0]}),
            "own label": ("POST", "/labels", {"labelId": labels[1]}),
            "unlabel": ("DELETE", f"/labels/{labels[0]}", None),
            "archive": ("POST", "/archive", None),
            "spam": ("POST", "/spam", None),
        }

    async def do(self, kind: str) -> Any:
        method, path, body = self.calls[kind]
        return await self.ben.client.request(method, f"/api/v1/mails/{self.mail}{path}", json=body)


@pytest.fixture
async def changer(ann: User, ben: User) -> Changer:
    """A mail in Ann's Inbox, to be changed by Ben; the target is another folder of hers."""
    top = await make_folder(ann, "Top")
    mail = await ann.deliver(make_message())
    label = (await ann.client.post("/api/v1/labels", json={"name": "Mine"})).json()["id"]
    own = (await ben.client.post("/api/v1/labels", json={"name": "Mine"})).json()["id"]
    return Changer(ben, mail, target=top, labels=(label, own))


async def test_what_may_not_be_done_to_shared_mails(ann: User, ben: User, changer: Changer) -> None:
    top = changer.calls["move"][2]["destinationFolderId"]
    before = await ann.get("/api/v1/mails", folderId=ann.inbox)
    for kind in changer.calls:
        assert await refuse(changer.do(kind)) == "notFound"
    await share(ann, ann.inbox, ben, "l")
    await share(ann, top, ben, "l")
    for kind in changer.calls:
        assert await refuse(changer.do(kind)) == "notPermitted", kind
    await share(ann, ann.inbox, ben, "lrswite")
    for kind in ("move", "copy", "notspam", "trash", "archive", "spam"):
        assert await refuse(changer.do(kind)) == "notPermitted", kind
    for kind in ("label", "own label", "unlabel"):
        assert await refuse(changer.do(kind)) == "notFound"
    assert await ann.get("/api/v1/mails", folderId=ann.inbox) == before


async def test_changing_shared_mails(ann: User, ben: User, changer: Changer) -> None:
    top, mail = changer.calls["move"][2]["destinationFolderId"], changer.mail
    before = await show(ann, mail)
    await share(ann, ann.inbox, ben, "lrswite")
    assert (await changer.do("seen")).json()["isUnread"] is False
    assert (await changer.do("flag")).json()["isFlagged"] is True
    assert await show(ann, mail) == {**before, "isFlagged": True}
    fetched = (await changer.do("fetch")).json()
    assert (fetched["folderId"], fetched["isUnread"], fetched["isFlagged"]) == (ben.inbox, False, True)
    assert await show(ben, fetched["id"]) == fetched
    sources = [
        (await user.client.get(f"/api/v1/mails/{one}/source")).content
        for user, one in ((ann, mail), (ben, fetched["id"]))
    ]
    assert sources[0] == sources[1]
    await share(ann, top, ben, "lri")
    copied = (await changer.do("copy")).json()
    assert (copied["folderId"], copied["isUnread"]) == (top, True)
    moved = (await changer.do("move")).json()
    assert moved["folderId"] == top
    assert await refuse(ben.client.get(f"/api/v1/mails/{mail}")) == "notFound"
    changer.mail = moved["id"]
    assert await refuse(changer.do("delete")) == "notPermitted"
    await share(ann, top, ben, "lrite")
    assert (await changer.do("take")).json()["folderId"] == ben.inbox
    assert await refuse(ann.client.get(f"/api/v1/mails/{moved['id']}")) == "notFound"
    changer.mail = copied["id"]
    assert (await changer.do("delete")).status_code == 200
    assert (await ann.get("/api/v1/mails", folderId=top))["totalItems"] == 0


async def test_putting_mails_into_a_shared_folder(ann: User, ben: User) -> None:
    mail = await ben.deliver(make_message())
    await ben.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False})
    move = f"/api/v1/mails/{mail}/move"
    target = {"destinationFolderId": ann.inbox}
    new = {"to": "ann@example.test", "folderId": ann.inbox}
    for rights, code in (("", "notFound"), ("lr", "notPermitted")):
        await share(ann, ann.inbox, ben, rights)
        assert await refuse(ben.client.post(move, json=target)) == code
        assert await refuse(ben.client.post("/api/v1/mails", json=new)) == code
    await share(ann, ann.inbox, ben, "lri")
    sent = (await ben.client.post(move, json=target)).json()
    assert (sent["folderId"], sent["isUnread"]) == (ann.inbox, False)
    assert await show(ben, sent["id"]) == sent
    written = await ben.client.post("/api/v1/mails", json=new)
    assert (written.status_code, written.json()["folderId"]) == (200, ann.inbox)
    assert await show(ben, written.json()["id"]) == written.json()
    assert await unread_of(ben, ann.inbox) == (0, 0, 0)
    kinds = [one["kind"] for one in (await ann.get("/api/v1/operations"))["items"]]
    assert kinds == ["mails.create", "mails.move"]


async def test_the_owners_quota_counts(world: World, ann: User, ben: User) -> None:
    await share(ann, ann.inbox, ben, "lri")
    mail = await ben.deliver(make_message())
    target = {"destinationFolderId": ann.inbox}
    assert (await ben.client.post(f"/api/v1/mails/{mail}/copy", json=target)).status_code == 200
    info = await ann.get("/api/v1/account/info")
    assert info["usedMessageCount"] == 1


async def test_answering_a_shared_mail(ann: User, ben: User) -> None:
    mail = await ann.deliver(make_message())
    own = await ben.deliver(make_message())
    await share(ann, ann.inbox, ben, "lr")
    body = {"to": "carl@example.org", "refwType": "re", "refwMailId": mail}
    sent = await ben.client.post("/api/v1/mails/send", json=body)
    assert sent.status_code == 200, sent.text
    headers = (await ben.client.get(f"/api/v1/mails/{sent.json()['mailId']}/source/headers")).text
    assert "In-Reply-To:" in headers
    assert (await show(ben, own))["refwFlags"] == (await show(ann, mail))["refwFlags"] == ""


async def test_a_folder_stays_with_its_owner(ann: User, ben: User) -> None:
    top = await make_folder(ann, "Top")
    own = await make_folder(ben, "Own")
    await share(ann, top, ben, "lrkx")
    for parent in (own, f"{ben.account.account_id}_1", ben.inbox):
        call = ben.client.post(f"/api/v1/folders/{top}/move", json={"parentId": parent})
        assert await refuse(call) == "badParameter"
    call = ben.client.post(f"/api/v1/folders/{own}/move", json={"parentId": top})
    assert await refuse(call) == "badParameter"
    call = ben.client.post(f"/api/v1/folders/{top}/move", json={"parentId": f"{ben.account.account_id}_99"})
    assert await refuse(call) == "notFound"


async def test_counters_of_all_folders_are_ones_own(ann: User, ben: User) -> None:
    path, query = "/api/v1/mails/counters", {"folders": "all"}
    before = await ben.client.get(path, params=query)
    await share(ann, ann.inbox, ben, "lrs")
    mail = await ann.deliver(make_message())
    await ben.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False})
    headers = {"If-None-Match": before.headers["etag"], "Prefer": "wait=1"}
    assert (await ben.client.get(path, params=query, headers=headers)).status_code == 304
    owners = {one["folderId"].split("_")[0] for one in before.json()["folders"]}
    assert owners == {str(ben.account.account_id)}


async def test_nothing_is_put_below_the_root_of_others(ann: User, ben: User) -> None:
    root, own = f"{ben.account.account_id}_0", await make_folder(ben, "Own")
    folders, move = "/api/v1/folders", f"/api/v1/folders/{own}/move"
    for expected in ("notFound", "notPermitted", "notFound"):
        made = await refuse(ben.client.post(folders, json={"name": "New", "parentId": root}))
        assert (made, await refuse(ben.client.post(move, json={"parentId": root}))) == (expected, expected)
        # What another's root has is nobody's to know.
        assert await refuse(ann.client.post(folders, json={"name": "New", "parentId": root})) == "notFound"
        await share(ann, ann.inbox, ben, "l" if expected == "notFound" else "")


# Searches


async def search(user: User, *folders: str, recursive: bool = False, **criterion: Any) -> str:
    query = [{"field": field, "value": value} for field, value in criterion.items()]
    body = {"folderIds": list(folders), "query": query, "recursive": recursive}
    response = await user.client.post("/api/v1/mails/search", json=body)
    assert response.status_code == 200, response.text
    return str(response.json()["folderId"])


async def found_in(user: User, folder: str, **query: Any) -> list[str]:
    page = await user.get("/api/v1/mails", folderId=folder, **query)
    return [mail["originalMailId"] for mail in page["items"]]


async def test_searching_shared_folders(ann: User, ben: User) -> None:
    top = await make_folder(ann, "Top")
    mails = [await ann.deliver(make_message(subject=f"Apple {number}")) for number in range(4)]
    body = {"folderIds": [ann.inbox], "query": []}
    assert await refuse(ben.client.post("/api/v1/mails/search", json=body)) == "notFound"
    await share(ann, ann.inbox, ben, "ls")
    assert await refuse(ben.client.post("/api/v1/mails/search", json=body)) == "notPermitted"
    await share(ann, ann.inbox, ben, "lrs")
    found = await search(ben, ann.inbox, subject="apple")
    assert await found_in(ben, found) == mails[::-1]
    # It is the reader's own, and nobody else's.
    assert await refuse(ann.client.get("/api/v1/mails", params={"folderId": found})) == "notFound"
    # The container stands for all that may be read.
    container = f"{ann.account.account_id}_1"
    assert await found_in(ben, await search(ben, container, recursive=True)) == mails[::-1]
    mixed = {"folderIds": [ann.inbox, ben.inbox], "query": []}
    assert await refuse(ben.client.post("/api/v1/mails/search", json=mixed)) == "badParameter"
    token = (await ben.get("/api/v1/mails", folderId=found))["syncToken"]
    first = (await ben.get("/api/v1/mails", folderId=found, sort="date", dir="ASC"))["items"][0]
    seen = await ben.client.patch(f"/api/v1/mails/{first['id']}", json={"isUnread": False})
    assert (seen.json()["originalMailId"], seen.json()["isUnread"]) == (mails[0], False)
    assert await found_in(ben, await search(ben, ann.inbox, unread="")) == mails[:0:-1]
    assert await found_in(ben, await search(ben, ann.inbox, unread="false")) == mails[:1]
    assert len(await found_in(ann, await search(ann, ann.inbox, unread=""))) == 4
    page = await ben.get("/api/v1/mails", folderId=found, sort="isUnread", dir="ASC")
    assert [mail["isUnread"] for mail in page["items"]] == [False, True, True, True]
    delta = await ben.get("/api/v1/mails/delta", folderId=found, syncToken=token)
    assert [(one["id"], one["isUnread"]) for one in delta["updatedItems"]] == [(first["id"], False)]
    # What is moved where he may not read is gone.
    await ann.client.post(f"/api/v1/mails/{mails[1]}/move", json={"destinationFolderId": top})
    assert len(await found_in(ben, found)) == 3
    await share(ann, ann.inbox, ben, "l")
    assert await found_in(ben, found) == []
    assert await refuse(ben.client.get(f"/api/v1/mails/{first['id']}")) == "notFound"
    label = (await ben.client.post("/api/v1/labels", json={"name": "Mine"})).json()["id"]
    await share(ann, ann.inbox, ben, "lr")
    labelled = {"folderIds": [ann.inbox], "query": [{"field": "label", "value": label}]}
    assert await refuse(ben.client.post("/api/v1/mails/search", json=labelled)) == "notFound"


# Batches


async def batch(user: User, kind: str, **body: Any) -> Any:
    response = await user.client.post(f"/api/v1/batch/mails/{kind}", json=body)
    assert response.status_code == 200, response.text
    return response.json()["failedItems"]


async def test_batches_over_a_shared_folder(ann: User, ben: User) -> None:
    top = await make_folder(ann, "Top")
    mails = [await ann.deliver(make_message(subject=f"{number}")) for number in range(6)]
    assert await batch(ben, "update", ids=mails, isUnread=False) == mails
    await share(ann, ann.inbox, ben, "lrs")
    seen = mails[:3]
    before = await ann.get("/api/v1/mails", folderId=ann.inbox)
    assert await batch(ben, "update", ids=seen, isUnread=False) == []
    assert await batch(ben, "update", ids=seen, isUnread=False) == []
    assert await ann.get("/api/v1/mails", folderId=ann.inbox) == before
    assert await unread_of(ben, ann.inbox) == (3, 3, 3)
    assert await batch(ben, "update", ids=seen, isFlagged=True) == seen
    assert await batch(ben, "delete", ids=seen) == seen
    sort = {"field": "isUnread", "direction": "ASC"}
    ranges = [{"start": mails[1], "limit": 4}]
    assert await batch(ben, "update", ranges=ranges, sortInfo=sort, isUnread=True) == []
    page = await ben.get("/api/v1/mails", folderId=ann.inbox, sort="date", dir="ASC")
    assert [mail["isUnread"] for mail in page["items"]] == [False, True, True, True, True, True]
    move = {"ids": mails[:2], "destinationFolderId": top}
    assert await refuse(ben.client.post("/api/v1/batch/mails/move", json=move)) == "notFound"
    await share(ann, top, ben, "l")
    assert await refuse(ben.client.post("/api/v1/batch/mails/move", json=move)) == "notPermitted"
    await share(ann, top, ben, "li")
    assert await batch(ben, "move", **move) == mails[:2]
    await share(ann, ann.inbox, ben, "lrtews")
    assert await batch(ben, "move", **move) == []
    own = await ben.deliver(make_message())
    mixed = {"ids": [own, mails[2]], "isUnread": False}
    assert await refuse(ben.client.post("/api/v1/batch/mails/update", json=mixed)) == "badParameter"
    assert await batch(ben, "copy", ids=mails[2:4], destinationFolderId=ben.inbox) == []
    assert await batch(ben, "move", ids=mails[2:4], destinationFolderId=ben.inbox) == []
    assert await batch(ben, "move", ids=mails[2:4], destinationFolderId=ben.inbox) == mails[2:4]
    assert (await ben.get("/api/v1/mails", folderId=ben.inbox))["totalItems"] == 5
    found = await search(ben, ann.inbox)
    names = [one["id"] for one in (await ben.get("/api/v1/mails", folderId=found))["items"]]
    await ben.client.patch("/api/v1/account/settings", json={"deleteToTrash": False})
    assert await batch(ben, "delete", ids=names) == []
    assert (await ann.get("/api/v1/mails", folderId=ann.inbox))["totalItems"] == 0
    kinds = [one["kind"] for one in (await ann.get("/api/v1/operations"))["items"]]
    assert kinds == ["mails.delete", "mails.move", "mails.move", "mails.move", "folders.create"]


async def test_a_permission_that_goes_in_the_middle_of_a_batch(
    ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.domain.jobs.SLICE", 2)
    mails = [await ann.deliver(make_message(subject=f"{number}")) for number in range(6)]
    await share(ann, ann.inbox, ben, "lrw")
    done = 0
    jobs = ben.world.domain.jobs
    original = jobs._do_slice

    async def do_slice(key: str) -> bool:
        nonlocal done
        done += 1
        if done == 2:
            await share(ann, ann.inbox, ben, "l")
        return await original(key)

    monkeypatch.setattr(jobs, "_do_slice", do_slice)
    assert await batch(ben, "update", ids=mails, isFlagged=True) == mails[2:]
    page = await ann.get("/api/v1/mails", folderId=ann.inbox, sort="date", dir="ASC")
    assert [mail["isFlagged"] for mail in page["items"]] == [True, True, False, False, False, False]


async def test_a_batch_in_an_account_that_goes(
    world: World, ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.domain.jobs.SLICE", 2)
    mails = [await ann.deliver(make_message(subject=f"{number}")) for number in range(4)]
    await share(ann, ann.inbox, ben, "lrw")
    jobs = world.domain.jobs
    original = jobs._do_slice
    is_gone = False

    async def do_slice(key: str) -> bool:
        nonlocal is_gone
        if not is_gone:
            is_gone = True
            await world.directory.remove_account("ann@example.test")
        return await original(key)

    monkeypatch.setattr(jobs, "_do_slice", do_slice)
    assert await batch(ben, "update", ids=mails, isFlagged=True) == mails


async def test_mails_cross_in_both_directions_at_the_same_time(ann: User, ben: User) -> None:
    """Both mailboxes are taken in one order, so that nobody waits for ever."""
    await share(ann, ann.inbox, ben, "lrite")
    mails = {
        user.inbox: [await user.deliver(make_message(subject=f"{number}")) for number in range(6)]
        for user in (ann, ben)
    }
    moves = [
        ben.client.post(f"/api/v1/mails/{mail}/move", json={"destinationFolderId": target})
        for source, target in ((ann.inbox, ben.inbox), (ben.inbox, ann.inbox))
        for mail in mails[source]
    ]
    assert {response.status_code for response in await asyncio.gather(*moves)} == {200}
    for user in (ann, ben):
        page = await user.get("/api/v1/mails", folderId=user.inbox)
        assert page["totalItems"] == 6
        assert {mail["id"] for mail in page["items"]}.isdisjoint(mails[user.inbox])
    assert (await unread_of(ben, ann.inbox))[0] == 6


async def test_undo_takes_out_what_was_fetched(ann: User, ben: User) -> None:
    await share(ann, ann.inbox, ben, "lr")
    mail = await ann.deliver(make_message())
    session = {"X-Axigen-Session": (await ben.client.post("/api/v1/login")).json()["sessid"]}
    body = {"destinationFolderId": ben.inbox}
    copied = await ben.client.post(f"/api/v1/mails/{mail}/copy", json=body, headers=session)
    assert copied.status_code == 200
    assert (await ben.client.post("/api/v1/undo", headers=session)).status_code == 200
    assert (await ben.get("/api/v1/mails", folderId=ben.inbox))["totalItems"] == 0
