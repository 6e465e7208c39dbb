"""Search folders: lists, names of mails in them, deltas and batches, as clients see them."""

import base64
from typing import Any, NamedTuple

import httpx
import pytest

from postroom.api.ids import parse_mail
from postroom.model.account import Caller
from postroom.model.ids import FolderId, Modseq, SessionId
from postroom.model.listing import SortField
from postroom.model.search_folder import FIRST_SEARCH_FOLDER
from tests.api.world import User, make_message

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
    mails = []
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
    for _ in range(2):
        whole = (await found.page(sort=field, dir="ASC"))["items"]
        names = {made.json()["id"]: "a box", ann.inbox: "inbox"}
        keys = {
            "size": lambda mail: mail["size"],
            "importance": lambda mail: ["low", "normal", "high"].index(mail["importance"]),
            "folderName": lambda mail: names[mail["originalFolderId"]],
        }
        key = keys.get(field, lambda mail: mail[field])
        expected = sorted(whole, key=lambda mail: (key(mail), mail["date"]))
        assert [mail["id"] for mail in whole] == [mail["id"] for mail in expected]
        assert (await found.page(sort=field, dir="DESC"))["items"] == whole[::-1]
        assert (await found.page(sort=field, dir="DESC", start=2, limit=3))["items"] == whole[::-1][2:5]
        row = await found.page(sort=field, dir="DESC", activeMailId=whole[1]["id"])
        assert row["sortInfo"]["activeRowIndex"] == len(whole) - 2
        for name in await found.ids(sort="date", limit=3):
            await found.ask(
                "POST", f"mails/{name}/move", {"destinationFolderId": made.json()["id"]}
            )
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
        # All processes tell the same, also those that have seen nothing of it before.
        ann.world.domain.search_folders.forget_all()
        assert await token() == changed


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
