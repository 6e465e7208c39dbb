"""Search folders: lists, names of mails in them, deltas and batches, as clients see them."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import httpx
import pytest

from postroom.api.ids import parse_mail
from postroom.api.settings import APISettings
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass
from postroom.domain.search_folders import remove_ended
from postroom.model.account import Caller
from postroom.model.ids import FolderId, Modseq, SessionId
from postroom.model.listing import SortField
from postroom.model.search_folder import FIRST_SEARCH_FOLDER
from tests.api.test_access import ROWS, call, clear_limited, fit, make_things, names_of, protected
from tests.api.world import User, make_message, make_world

SESSION = "X-Axigen-Session"
PDF = ("application/pdf", "a.pdf", b"pdf")


class Found(NamedTuple):
    """A search folder of a user, as a client has it."""

    user: User
    folder: str
    session: str = ""

    async def send(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """Make a call, in the session of the search."""
        headers = {SESSION: self.session} if self.session else {}
        return await self.user.client.request(
            method, f"/api/v1/{path}", json=body, params=query, headers=headers
        )

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Make a call that succeeds; return the JSON of the answer."""
        response = await self.send(method, path, body, **query)
        assert response.status_code == 200, response.text
        return response.json() if response.content else None

    async def page(self, **query: Any) -> Any:
        """Return a page of the list."""
        return await self.ask("GET", "mails", folderId=self.folder, **query)

    async def subjects(self, **query: Any) -> list[str]:
        """Return the subjects of a page."""
        return [mail["subject"] for mail in (await self.page(**query))["items"]]

    async def ids(self, **query: Any) -> list[str]:
        """Return the ids of the mails of a page."""
        return [mail["id"] for mail in (await self.page(**query))["items"]]


async def log_in(user: User) -> str:
    """Begin a session."""
    response = await user.client.post("/api/v1/login")
    return str(response.json()["sessid"])


async def search(
    user: User, mails: list[str], *, session: str = "", shows_discarded: bool = False, question: bytes = b"q"
) -> Found:
    """Keep mails, given newest first, as what a search has found."""
    account_id = user.account.account_id
    session_id = None
    async with user.world.store.read(account_id) as mailbox:
        state = await mailbox.mailbox.find()
        assert state is not None
        refs = [parse_mail(mail, "mail") for mail in mails]
        numbers = [(await mailbox.mails.find_item_ids(ref.folder, [ref.uid]))[ref.uid] for ref in refs]
    if session:
        credentials = str(user.client.headers["Authorization"])
        caller = await user.world.domain.logins.authenticate(credentials, session, client="127.0.0.1")
        session_id = caller.session_id
    caller = make_caller(user, session_id)
    made = await user.world.domain.search_folders.create(
        caller,
        numbers,
        fingerprint=question,
        modseq=Modseq(state.modseq),
        shows_discarded=shows_discarded,
    )
    assert made.search_id >= FIRST_SEARCH_FOLDER
    return Found(user, f"{account_id}_{made.search_id}", session)


def make_caller(user: User, session_id: SessionId | None = None) -> Caller:
    account = user.account
    return Caller(
        account.account_id,
        account.address,
        account.full_name,
        account.class_name,
        session_id,
        False,
        account.auth_version,
        account.session_version,
    )


async def fill(user: User, count: int, **headers: Any) -> list[str]:
    """Deliver mails of different subjects; return their ids, newest first."""
    made = [await user.deliver(make_message(subject=f"Letter {n}", **headers)) for n in range(count)]
    return made[::-1]


async def folder_named(user: User, role: str) -> str:
    folders = (await user.get("/api/v1/folders"))["items"]
    return str(next(folder["id"] for folder in folders if folder["role"] == role))


async def test_a_search_folder_is_listed(ann: User) -> None:
    mails = await fill(ann, 5)
    await ann.deliver(make_message(subject="Not found"))
    found = await search(ann, [mails[0], mails[2], mails[4]])
    page = await found.page()
    assert page["totalItems"] == 3
    assert page["sortInfo"] == {"field": "date", "direction": "DESC", "activeRowIndex": -1}
    assert [mail["subject"] for mail in page["items"]] == ["Letter 4", "Letter 2", "Letter 0"]
    shown = page["items"][1]
    assert shown["folderId"] == found.folder
    assert shown["originalFolderId"] == ann.inbox
    assert shown["originalMailId"] == mails[2]
    assert base64.b64decode(shown["id"] + "==").decode().startswith(f"{found.folder}_")
    assert await found.subjects(dir="ASC", start=1, limit=1) == ["Letter 2"]
    assert await found.subjects(start=7) == []
    active = await found.page(dir="ASC", activeMailId=shown["id"])
    assert active["sortInfo"]["activeRowIndex"] == 1
    assert (await found.page(activeMailId=mails[2]))["sortInfo"]["activeRowIndex"] == -1
    assert found.folder not in {folder["id"] for folder in (await ann.get("/api/v1/folders"))["items"]}


async def test_calls_about_one_mail_take_its_name_in_a_search_folder(ann: User) -> None:
    raw = make_message(subject="Letter", attachments=(("message/rfc822", "m", make_message()), PDF))
    mail = await ann.deliver(raw)
    found = await search(ann, [mail])
    [name] = await found.ids()
    got = await found.ask("GET", f"mails/{name}")
    assert (got["id"], got["originalMailId"]) == (name, mail)
    assert {one["mailId"] for one in got["attachments"]} == {name}
    for path in (
        *("body", "body/full", "parts", "parts/details", "parts/0/details/full", "source"),
        *("source/download", "source/headers", "headers", "attachments", "attachments/download"),
        *("attachments/1", "attachments/1/download", "attachments/1/thumbnail", "attachments/0/eml"),
    ):
        assert (await found.send("GET", f"mails/{name}/{path}", partIds=0)).status_code == 200, path
    changed = await found.ask("PATCH", f"mails/{name}", {"isUnread": False, "isFlagged": True})
    assert (changed["id"], changed["isUnread"], changed["isFlagged"]) == (name, False, True)
    assert (await ann.get(f"/api/v1/mails/{mail}"))["isFlagged"] is True
    label = (await found.ask("POST", "labels", {"name": "Work"}))["id"]
    await found.ask("POST", f"mails/{name}/labels", {"labelId": label})
    assert (await found.ask("GET", f"mails/{name}"))["labelIds"] == [label]
    await found.ask("DELETE", f"mails/{name}/labels/{label}")
    copy = await found.ask("POST", f"mails/{name}/copy", {})
    assert copy["folderId"] == copy["originalFolderId"] == ann.inbox
    archived = await found.ask("POST", f"mails/{name}/archive")
    assert archived["folderId"] == await folder_named(ann, "archive")
    got = await found.ask("GET", f"mails/{name}")
    assert (got["id"], got["originalMailId"]) == (name, archived["id"])
    moved = await found.ask("POST", f"mails/{name}/move", {"destinationFolderId": ann.inbox})
    assert moved["folderId"] == ann.inbox
    answer = {"to": "carl@example.org", "refwType": "re", "refwMailId": name}
    draft = await found.ask("POST", "mails", answer)
    assert draft["refwMailId"] == moved["id"]
    await found.ask("DELETE", f"mails/{name}")
    assert await found.ids() == []
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/body"), ("POST", "/spam")):
        response = await found.send(method, f"mails/{name}{path}")
        assert (response.status_code, response.json()["errorCode"]) == (404, "notFound")
    assert (await found.send("POST", "mails", answer)).status_code == 404


@pytest.mark.parametrize("field", [field.value for field in SortField])
async def test_all_orders(ann: User, field: str) -> None:
    mails: list[str] = []
    for number in range(8):
        name = "DACB"[number % 4]
        raw = make_message(
            subject=f"{name} letter",
            from_=f"{name} <{name}@example.org>",
            to=f"{name}{name}@example.org",
            text="x" * (100 if number % 3 else 10),
            attachments=(PDF,) if number % 2 else (),
            Importance="high" if number % 3 else "low",
        )
        mails.insert(0, await ann.deliver(raw))
    made = await ann.client.post("/api/v1/folders", json={"name": "A box", "parentId": ann.inbox})
    for mail in mails[2:5]:
        await ann.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False, "isFlagged": True})
    found = await search(ann, mails)
    names = {made.json()["id"]: "a box", ann.inbox: "inbox"}
    keys: dict[str, Callable[[Any], Any]] = {
        "importance": lambda mail: ["low", "normal", "high"].index(mail["importance"]),
        "folderName": lambda mail: names[mail["originalFolderId"]],
    }
    key = keys.get(field, lambda mail: mail[field])
    for _ in range(2):
        whole = (await found.page(sort=field, dir="ASC"))["items"]
        expected = sorted(whole, key=lambda mail: (key(mail), mail["date"]))
        assert [mail["id"] for mail in whole] == [mail["id"] for mail in expected]
        assert (await found.page(sort=field, dir="DESC"))["items"] == whole[::-1]
        assert (await found.page(sort=field, dir="DESC", start=2, limit=3))["items"] == whole[::-1][2:5]
        row = await found.page(sort=field, dir="DESC", activeMailId=whole[1]["id"])
        assert row["sortInfo"]["activeRowIndex"] == len(whole) - 2
        for name in await found.ids(sort="date", limit=3):
            await found.ask("POST", f"mails/{name}/move", {"destinationFolderId": made.json()["id"]})
            await found.ask("PATCH", f"mails/{name}", {"isFlagged": True})


async def test_folders_have_no_order_by_folder(ann: User) -> None:
    mail = await ann.deliver(make_message())
    response = await ann.client.get("/api/v1/mails", params={"folderId": ann.inbox, "sort": "folderName"})
    assert response.status_code == 400
    assert response.json()["details"] == {"parameter": "sort"}
    body = {
        "ranges": [{"start": mail, "limit": 1}],
        "sortInfo": {"field": "folderName", "direction": "ASC"},
        "isFlagged": True,
    }
    response = await ann.client.post("/api/v1/batch/mails/update", json=body)
    assert response.status_code == 400
    assert response.json()["details"] == {"parameter": "sortInfo"}


async def test_a_session_remembers_the_order_of_search_folders(ann: User) -> None:
    mails = await fill(ann, 2)
    found = await search(ann, mails, session=await log_in(ann))
    assert (await found.page(sort="folderName", dir="ASC"))["sortInfo"]["field"] == "folderName"
    assert (await found.page())["sortInfo"]["direction"] == "ASC"
    assert (await found.ask("GET", "mails", folderId=ann.inbox))["sortInfo"]["field"] == "date"


async def test_search_folders_belong_to_their_session(ann: User, ben: User) -> None:
    mails = await fill(ann, 2)
    session, other = await log_in(ann), await log_in(ann)
    found = await search(ann, mails, session=session)
    [name, _] = await found.ids()
    strangers = [found._replace(session=other), found._replace(session=""), found._replace(user=ben)]
    strangers[2] = strangers[2]._replace(session="")
    for stranger in strangers:
        for path, query in (
            ("mails", {"folderId": found.folder}),
            ("mails", {"folderId": found.folder, "syncTokenOnly": "true"}),
            ("mails/delta", {"folderId": found.folder}),
            (f"mails/{name}", {}),
            (f"mails/{name}/body", {}),
        ):
            response = await stranger.send("GET", path, **query)
            assert (response.status_code, response.json()["errorCode"]) == (404, "notFound")
        failed = await stranger.ask("POST", "batch/mails/update", {"ids": [name], "isFlagged": True})
        assert failed["failedItems"] == [name]
        ranges = {
            "ranges": [{"start": name, "limit": 2}],
            "sortInfo": {"field": "date", "direction": "DESC"},
            "isFlagged": True,
        }
        assert (await stranger.ask("POST", "batch/mails/update", ranges))["failedItems"] == [name]
    assert await found.subjects() == ["Letter 1", "Letter 0"]
    assert not any(mail["isFlagged"] for mail in (await found.page())["items"])
    await found.ask("POST", "logout")
    assert await count_rows(ann) == 0


async def count_rows(user: User) -> int:
    """Return how many rows there are of search folders."""
    account_id, count = user.account.account_id, 0
    async with user.world.store.directory() as directory:
        for holding in await directory.search_folders.list_after(account_id, FolderId(0), limit=1000):
            assert await directory.search_folders.read_items(account_id, holding.search_id)
            count += holding.account_id == account_id
    return count


async def test_without_a_session_it_lasts_a_quarter_of_an_hour(ann: User) -> None:
    mails = await fill(ann, 1)
    found = await search(ann, mails)
    session = await log_in(ann)
    assert await found._replace(session=session).subjects() == ["Letter 0"]
    ann.world.clock.now += 14 * 60
    assert await found.subjects() == ["Letter 0"]
    ann.world.clock.now += 60
    assert (await found.send("GET", "mails", folderId=found.folder)).status_code == 404


async def test_the_oldest_goes_beyond_sixteen(ann: User) -> None:
    mails = await fill(ann, 1)
    session = await log_in(ann)
    shared = await search(ann, mails)
    folders = [await search(ann, mails, session=session, question=b"%d" % n) for n in range(17)]
    answers = [(await one.send("GET", "mails", folderId=one.folder)).status_code for one in folders]
    assert answers == [404] + 16 * [200]
    assert await shared.subjects() == ["Letter 0"]
    assert await count_rows(ann) == 17


async def test_the_same_question_gives_the_same_folder(ann: User) -> None:
    mails = await fill(ann, 1)
    session = await log_in(ann)
    service = ann.world.domain.search_folders
    found = await search(ann, mails, session=session, question=b"same")
    credentials = str(ann.client.headers["Authorization"])
    caller = await ann.world.domain.logins.authenticate(credentials, session, client="127.0.0.1")
    folder = await service.find(caller, b"same")
    assert folder is not None
    assert found.folder == f"{folder.account_id}_{folder.search_id}"
    assert folder.total_items == 1
    assert await service.find(caller, b"another") is None
    assert await service.find(make_caller(ann), b"same") is None
    for number in range(30):
        # Asked for again, it stays among the newest.
        await search(ann, mails, session=session, question=b"%d" % number)
        assert await service.find(caller, b"same") == folder
    await ann.deliver(make_message())
    assert await service.find(caller, b"same") is None
    await search(ann, mails, question=b"mine")
    ann.world.clock.now += 14 * 60
    assert await service.find(make_caller(ann), b"mine") is not None
    ann.world.clock.now += 14 * 60
    assert await service.find(make_caller(ann), b"mine") is not None


# What becomes of the mails


async def test_what_has_gone_is_dropped(ann: User) -> None:
    mails = await fill(ann, 6)
    found = await search(ann, mails)
    token = (await found.page())["syncToken"]
    await found.ask("DELETE", f"mails/{mails[0]}", permanent="true")
    await found.ask("DELETE", f"mails/{mails[1]}")
    await found.ask("POST", f"mails/{mails[2]}/spam")
    folder = await found.ask("POST", "folders", {"name": "Gone soon", "parentId": ann.inbox})
    await found.ask("POST", f"mails/{mails[3]}/move", {"destinationFolderId": folder["id"]})
    assert await found.subjects() == ["Letter 2", "Letter 1", "Letter 0"]
    await found.ask("DELETE", f"folders/{folder['id']}")
    assert await found.subjects() == ["Letter 1", "Letter 0"]
    page = await found.page(limit=1)
    assert page["totalItems"] == 2
    assert page["syncToken"] != token
    # Taken back out of Trash, it is there again.
    trash = await folder_named(ann, "trash")
    [trashed] = (await found.ask("GET", "mails", folderId=trash))["items"]
    await found.ask("POST", f"mails/{trashed['id']}/move", {"destinationFolderId": ann.inbox})
    assert await found.subjects() == ["Letter 4", "Letter 1", "Letter 0"]


async def test_a_search_in_trash_shows_what_is_there(ann: User) -> None:
    mails = await fill(ann, 2)
    await ann.client.delete(f"/api/v1/mails/{mails[0]}")
    trash = await folder_named(ann, "trash")
    [trashed] = (await ann.get("/api/v1/mails", folderId=trash))["items"]
    found = await search(ann, [trashed["id"], mails[1]], shows_discarded=True)
    await found.ask("DELETE", f"mails/{mails[1]}")
    assert {mail["originalFolderId"] for mail in (await found.page())["items"]} == {trash}
    for name in await found.ids():
        await found.ask("DELETE", f"mails/{name}")
    assert await found.ids() == []


async def token_of_another_process(found: Found) -> str:
    """Return what a process tells that has seen nothing of a search folder before."""
    world = found.user.world
    other = await make_world(world.store, APISettings(), {"default": AccountClass()})
    try:
        other.clock.now = world.clock.now
        client = other.connect(str(found.user.client.headers["Authorization"]))
        there = found._replace(user=replace(found.user, world=other, client=client))
        return str((await there.page(syncTokenOnly="true"))["syncToken"])
    finally:
        await other.close()


async def test_the_token_changes_with_what_is_visible_alone(ann: User) -> None:
    mails = await fill(ann, 3)
    found = await search(ann, mails[:2])

    async def token() -> str:
        alone = await found.page(syncTokenOnly="true")
        assert (await found.page())["syncToken"] == alone["syncToken"]
        return str(alone["syncToken"])

    first = await token()
    await ann.deliver(make_message())
    await found.ask("PATCH", f"mails/{mails[2]}", {"isFlagged": True})
    await found.ask("DELETE", f"mails/{mails[2]}", permanent="true")
    assert await token() == first
    seen = {first}
    for method, path, body in (
        ("PATCH", f"mails/{mails[0]}", {"isFlagged": True}),
        ("POST", f"mails/{mails[0]}/archive", None),
        ("DELETE", f"mails/{mails[1]}", None),
    ):
        await found.ask(method, path, body)
        changed = await token()
        assert changed not in seen
        seen.add(changed)
        assert await token_of_another_process(found) == changed


async def test_etags(ann: User) -> None:
    mails = await fill(ann, 2)
    found = await search(ann, mails)
    headers = {"If-None-Match": (await found.send("GET", "mails", folderId=found.folder)).headers["etag"]}

    async def again() -> int:
        response = await ann.client.get("/api/v1/mails", params={"folderId": found.folder}, headers=headers)
        return response.status_code

    assert await again() == 304
    await ann.deliver(make_message())
    assert await again() == 304
    await found.ask("PATCH", f"mails/{mails[1]}", {"isFlagged": True})
    assert await again() == 200


async def test_renamed_folders_change_the_order_by_folder(ann: User) -> None:
    mails = await fill(ann, 2)
    made = (await ann.client.post("/api/v1/folders", json={"name": "A", "parentId": ann.inbox})).json()["id"]
    found = await search(ann, mails)
    await found.ask("POST", f"mails/{mails[0]}/move", {"destinationFolderId": made})
    page = await found.page(sort="folderName", dir="ASC")
    assert [mail["subject"] for mail in page["items"]] == ["Letter 1", "Letter 0"]
    await found.ask("PATCH", f"folders/{made}", {"name": "Z"})
    renamed = await found.page(sort="folderName", dir="ASC")
    assert [mail["subject"] for mail in renamed["items"]] == ["Letter 0", "Letter 1"]
    assert renamed["syncToken"] != page["syncToken"]


async def test_many_look_while_mails_go(ann: User) -> None:
    mails = await fill(ann, 12)
    found = await search(ann, mails)
    calls = [
        call
        for mail in mails[:10]
        for call in (
            found.ask("DELETE", f"mails/{mail}"),
            found.page(sort="subject"),
            found.page(syncTokenOnly="true"),
            found.ask("GET", "mails/delta", folderId=found.folder, limit=3),
        )
    ]
    answers = await asyncio.gather(*calls)
    for page in answers[1::4]:
        assert len(page["items"]) == page["totalItems"] == len({mail["id"] for mail in page["items"]})
    assert await found.subjects() == ["Letter 1", "Letter 0"]
    last = await found.page(syncTokenOnly="true")
    assert await token_of_another_process(found) == last["syncToken"]


# Deltas


def told(delta: dict[str, Any]) -> dict[str, list[str]]:
    """Return the ids that a delta tells, by list."""
    lists = ("newItems", "replacedItems", "updatedItems", "removedItems")
    return {name: [item["id"] for item in delta[name]] for name in lists if delta[name]}


async def test_deltas(ann: User) -> None:
    mails = await fill(ann, 3)
    found = await search(ann, mails)
    names = await found.ids()
    first = await found.ask("GET", "mails/delta", folderId=found.folder)
    assert told(first) == {"newItems": names[::-1]}
    assert [mail["originalMailId"] for mail in first["newItems"]] == mails[::-1]
    assert first["totalItems"] == 3
    token = (await found.page())["syncToken"]
    assert first["syncToken"] == token

    async def since(token: str) -> Any:
        return await found.ask("GET", "mails/delta", folderId=found.folder, syncToken=token)

    assert told(await since(token)) == {}
    await found.ask("PATCH", f"mails/{mails[0]}", {"isFlagged": True})
    archived = await found.ask("POST", f"mails/{mails[1]}/archive")
    await found.ask("DELETE", f"mails/{mails[2]}")
    delta = await since(token)
    assert told(delta) == {"updatedItems": names[:1], "newItems": names[1:2], "removedItems": names[2:]}
    assert delta["removedItems"][0]["folderId"] == found.folder
    assert delta["newItems"][0]["originalMailId"] == archived["id"]
    assert told(await since(delta["syncToken"])) == {}
    strange = (await ann.get("/api/v1/mails", folderId=ann.inbox, syncTokenOnly="true"))["syncToken"]
    for wrong in (strange, "x" + token):
        response = await found.send("GET", "mails/delta", folderId=found.folder, syncToken=wrong)
        assert response.json()["details"] == {"parameter": "syncToken"}


async def test_deltas_in_pages(ann: User) -> None:
    mails = await fill(ann, 5)
    found = await search(ann, mails)
    delta = await found.ask("GET", "mails/delta", folderId=found.folder, limit=2)
    seen = told(delta)["newItems"]
    await found.ask("DELETE", f"mails/{mails[4]}", permanent="true")
    await found.ask("PATCH", f"mails/{mails[3]}", {"isFlagged": True})
    removed = []
    while delta["moreAvailable"]:
        delta = await found.ask(
            "GET", "mails/delta", folderId=found.folder, limit=2, syncToken=delta["syncToken"]
        )
        seen += told(delta).get("newItems", [])
        removed += told(delta).get("removedItems", [])
    assert set(seen) - set(removed) == set(await found.ids())
    assert len(removed) == 1


# Batches


async def test_batches_by_ids(ann: User) -> None:
    mails = await fill(ann, 4)
    found = await search(ann, mails[:3])
    names = await found.ids()
    foreign = _name_of(found.folder, 10**6)
    await found.ask("DELETE", f"mails/{mails[2]}")
    ids = [*names, mails[3], mails[0], foreign]
    done = await found.ask("POST", "batch/mails/update", {"ids": ids, "isFlagged": True})
    assert done["failedItems"] == [names[2], foreign]
    flagged = (await ann.get("/api/v1/mails", folderId=ann.inbox, sort="isFlagged", dir="DESC"))["items"]
    assert [mail["isFlagged"] for mail in flagged] == [True] * 3
    copied = await found.ask("POST", "batch/mails/copy", {"ids": names[:2]})
    assert copied["failedItems"] == []
    assert (await ann.get("/api/v1/mails", folderId=ann.inbox))["totalItems"] == 5
    label = (await found.ask("POST", "labels", {"name": "Work"}))["id"]
    await found.ask("POST", "batch/mails/labels/add", {"ids": names[:2], "labelId": label})
    assert [mail["labelIds"] for mail in (await found.page())["items"]] == [[label]] * 2
    await found.ask("POST", "batch/mails/delete", {"ids": names[:2]})
    assert await found.ids() == []


def _name_of(folder: str, number: int) -> str:
    return base64.b64encode(f"{folder}_{number}".encode()).decode().rstrip("=")


async def test_batches_by_ranges(ann: User) -> None:
    mails = await fill(ann, 6)
    found = await search(ann, mails)
    names = await found.ids(sort="subject", dir="ASC")
    sent = await folder_named(ann, "sent")
    body: dict[str, Any] = {
        "ranges": [
            {"start": names[1], "limit": 2},
            {"start": names[2], "limit": 2},
            {"start": _name_of(found.folder, 10**6), "limit": 1},
        ],
        "sortInfo": {"field": "subject", "direction": "ASC"},
        "destinationFolderId": sent,
    }
    moved = await found.ask("POST", "batch/mails/move", body)
    assert moved["failedItems"] == [_name_of(found.folder, 10**6)]
    page = await ann.get("/api/v1/mails", folderId=sent, sort="subject", dir="ASC")
    assert [mail["subject"] for mail in page["items"]] == ["Letter 1", "Letter 2", "Letter 3"]
    # They are still what was found, and sorted by folder they come last.
    assert (await found.page(sort="folderName", dir="ASC"))["totalItems"] == 6
    body = {
        "ranges": [{"start": names[3], "limit": 10**9}],
        "sortInfo": {"field": "folderName", "direction": "DESC"},
        "isFlagged": True,
    }
    done = await found.ask("POST", "batch/mails/update", body)
    assert done["failedItems"] == []
    flagged = [mail["subject"] for mail in (await found.page())["items"] if mail["isFlagged"]]
    assert len(flagged) == 6


async def test_a_large_batch_is_taken_back(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.api.jobs.WAITED_FOR", 2)
    monkeypatch.setattr("postroom.domain.jobs.SLICE", 2)
    mails = await fill(ann, 5)
    found = await search(ann, mails, session=await log_in(ann))
    body = {
        "ranges": [{"start": (await found.ids(dir="DESC"))[0], "limit": 5}],
        "sortInfo": {"field": "date", "direction": "DESC"},
    }
    response = await found.send("POST", "batch/mails/delete", body)
    assert response.status_code == 201
    assert await found.ids() == []
    response = await found.send("POST", "undo")
    assert response.status_code in {200, 201}, response.text
    assert await found.subjects() == [f"Letter {n}" for n in range(4, -1, -1)]


# All that takes a mail


async def test_every_call_about_a_mail_takes_its_name_in_a_search_folder(ann: User) -> None:
    """Wherever an endpoint takes a mail's id, in path, query or body, it may be one of a search folder."""
    tried = 0
    for endpoint in protected(ann.world):
        row = ROWS[endpoint.declared.operation_id]
        kinds = {"mailId", "refwMailId", "ids", "activeMailId"} & set(names_of(endpoint))
        if not kinds or endpoint.declared.operation_id.endswith("onversations"):
            continue
        tried += 1
        values = fit(endpoint, await make_things(ann))
        found = await search(ann, [values["mailId"]])
        [name] = await found.ids()
        for kind in kinds:
            values[kind] = name
        response = await call(ann, endpoint, values)
        assert response.status_code == 200, (endpoint, response.text)
        if row.told == "ids":
            assert response.json()["failedItems"] == []
        await clear_limited(ann)
    assert tried > 30


async def test_a_repeated_call_has_its_first_answer_though_the_mail_is_gone(ann: User) -> None:
    found = await search(ann, [await ann.deliver(make_message())])
    [name] = await found.ids()
    answers = [
        await ann.client.delete(f"/api/v1/mails/{name}", headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].headers["idempotency-replayed"] == "true"


async def test_search_folders_are_no_folders(ann: User) -> None:
    found = await search(ann, [await ann.deliver(make_message())])
    sent = await folder_named(ann, "sent")
    for method, where, body in (
        ("GET", f"folders/{found.folder}", None),
        ("PATCH", f"folders/{found.folder}", {"name": "Mine"}),
        ("DELETE", f"folders/{found.folder}", None),
        ("POST", f"folders/{found.folder}/move", {"parentId": sent}),
        ("POST", "folders", {"name": "In it", "parentId": found.folder}),
        ("POST", "mails", {"folderId": found.folder, "to": "carl@example.org"}),
        ("POST", f"mails/{(await found.ids())[0]}/move", {"destinationFolderId": found.folder}),
        ("POST", f"mails/{(await found.ids())[0]}/copy", {"destinationFolderId": found.folder}),
    ):
        response = await found.send(method, where, body)
        assert (response.status_code, response.json()["errorCode"]) == (404, "notFound"), where
    assert len(await found.ids()) == 1


async def test_search_folders_go_with_sessions_and_accounts(ann: User, ben: User) -> None:
    mails = await fill(ann, 1)
    config = AuthConfig()
    world, clock = ann.world, ann.world.clock
    session = await log_in(ann)
    await search(ann, mails, session=session)
    await search(ann, mails)
    await search(ben, [await ben.deliver(make_message())])
    now = int(clock.now * 1000)
    assert await remove_ended(world.store, config, now_ms=now) == 0
    assert await remove_ended(world.store, config, now_ms=now + 15 * 60 * 1000) == 2
    assert (await count_rows(ann), await count_rows(ben)) == (1, 0)
    idle = config.session_idle_seconds * 1000
    assert await remove_ended(world.store, config, now_ms=now + idle + 300_000) == 1
    assert await count_rows(ann) == 0
    await search(ann, mails)
    await world.directory.remove_account(ann.account.address)
    assert await count_rows(ann) == 0
