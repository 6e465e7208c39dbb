"""A permission that is taken away while a job of its holder runs, at every stage; and what can be taken back then.

What was done by then stays, in the owner's history; the rest is told in ``failedItems``. Counters and deltas are
right for owner and reader alike, and nothing of what is maintained is off.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from postroom.domain import jobs as jobs_module
from postroom.domain.check import check_store
from postroom.domain.jobs import Jobs
from postroom.errors import unavailable
from tests.api.test_batches import finish
from tests.api.test_shared_conversations import deliver_thread
from tests.api.test_sharing import batch, make_folder, refuse, share, unread_of
from tests.api.world import User, World, make_message

SLICE = 2
MAILS = 6


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "SLICE", SLICE)
    for module in ("postroom.domain.jobs", "postroom.domain.operations", "postroom.api.jobs"):
        monkeypatch.setattr(f"{module}.WAITED_FOR", 0)
    monkeypatch.setattr(jobs_module, "IDLE_SECONDS", -1)


class Copy:
    """A client's copy of a folder, kept by deltas."""

    def __init__(self, user: User, folder: str) -> None:
        self.user = user
        self.folder = folder
        self.known: dict[str, tuple[bool, bool]] = {}
        self._token = ""

    async def check(self) -> None:
        """Follow, and compare with the list and the counters; a folder that may not be read is refused."""
        query: dict[str, Any] = {"folderId": self.folder, "limit": 1000}
        params = {**query, "syncToken": self._token}
        response = await self.user.client.get("/api/v1/mails/delta", params=params)
        if response.status_code in {403, 404}:
            assert (await self.user.client.get("/api/v1/mails", params=query)).status_code in {403, 404}
            return
        delta = response.json()
        if delta["reset"]:
            self.known.clear()
        for mail in [*delta["newItems"], *delta["replacedItems"], *delta["updatedItems"]]:
            self.known[mail["id"]] = (mail["isUnread"], mail["isFlagged"])
        for mail in delta["removedItems"]:
            self.known.pop(mail["id"], None)
        self._token = delta["syncToken"]
        page = await self.user.get("/api/v1/mails", **query)
        assert self.known == {mail["id"]: (mail["isUnread"], mail["isFlagged"]) for mail in page["items"]}
        assert len({*await unread_of(self.user, self.folder)}) == 1


class Scene:
    """An owner's folder that a reader works in, another folder there, and everybody's copies."""

    def __init__(self, owner: User, reader: User, top: str, mails: list[str]) -> None:
        self.owner, self.reader, self.top, self.mails = owner, reader, top, mails
        folders = [(owner, owner.inbox), (owner, top), (reader, owner.inbox), (reader, top)]
        self.copies = [Copy(user, folder) for user, folder in [*folders, (reader, reader.inbox)]]

    async def check(self) -> None:
        for copy in self.copies:
            await copy.check()
        assert (await check_store(self.owner.world.store)).findings == []

    async def give(self, letters: str, *, top: str = "lri") -> None:
        await share(self.owner, self.owner.inbox, self.reader, letters)
        await share(self.owner, self.top, self.reader, top)

    async def count(self, folder: str) -> int:
        return int((await self.owner.get("/api/v1/mails", folderId=folder))["totalItems"])


@pytest.fixture
async def scene(ann: User, ben: User) -> Scene:
    """The folders, with mails in one."""
    top = await make_folder(ann, "Top")
    mails = [await ann.deliver(make_message(subject=f"{number}")) for number in range(MAILS)]
    made = Scene(ann, ben, top, mails)
    await made.give("lrswite")
    await ben.client.patch("/api/v1/account/settings", json={"deleteToTrash": False})
    await made.check()
    return made


Loss = Callable[[Scene], Awaitable[None]]
LOSSES: dict[str, tuple[str, dict[str, Any], Loss]] = {
    "flags": ("update", {"isFlagged": True}, lambda scene: scene.give("lrsite")),
    "flags, all": ("update", {"isFlagged": True, "isUnread": False}, lambda scene: scene.give("")),
    "marks": ("update", {"isUnread": False}, lambda scene: scene.give("lrwite")),
    "removals": ("delete", {}, lambda scene: scene.give("lrswi")),
    "moves, the folder": ("move", {"destinationFolderId": "top"}, lambda scene: scene.give("lrswi")),
    "moves, the destination": (
        "move",
        {"destinationFolderId": "top"},
        lambda scene: scene.give("lrswite", top="lr"),
    ),
    "moves, both": ("move", {"destinationFolderId": "top"}, lambda scene: scene.give("", top="")),
    "copies": ("copy", {"destinationFolderId": "top"}, lambda scene: scene.give("ls")),
}


async def interrupt_at(
    world: World, monkeypatch: pytest.MonkeyPatch, stage: int, start: Awaitable[Any]
) -> Any:
    """Start a job that is interrupted before a slice; return what was answered."""
    do, slices = Jobs._do, 0

    async def fail(self: Jobs, *args: Any) -> Any:
        nonlocal slices
        slices += 1
        if slices > stage:
            raise unavailable("the disk is full")
        return await do(self, *args)

    with monkeypatch.context() as patched:
        patched.setattr(Jobs, "_do", fail)
        answer = await start
        await asyncio.gather(*world.domain.jobs._running.values())
    return answer.json()


@pytest.mark.parametrize("stage", range(3))
@pytest.mark.parametrize("name", LOSSES)
async def test_a_job_goes_on_without_the_permission(
    world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str, stage: int
) -> None:
    """Before the first slice, between slices; it is another server that goes on with it."""
    kind, body, lose = LOSSES[name]
    if "destinationFolderId" in body:
        body = {"destinationFolderId": scene.top}
    start = scene.reader.client.post(f"/api/v1/batch/mails/{kind}", json={"ids": scene.mails, **body})
    answer = await interrupt_at(world, monkeypatch, stage, start)
    assert answer["status"] == "inProgress"
    await scene.check()
    await lose(scene)
    fresh = Jobs(world.store, world.domain.jobs._policies)
    await fresh.resume()
    await asyncio.gather(*fresh._running.values())
    state = await finish(scene.reader, answer)
    done = SLICE * stage
    assert state["failedItems"] == scene.mails[done:]
    if kind in {"move", "delete"}:
        assert await scene.count(scene.owner.inbox) == MAILS - done
    if kind in {"move", "copy"}:
        assert await scene.count(scene.top) == done
    await scene.check()
    shown = (await scene.owner.get("/api/v1/operations"))["items"][0]
    if done and name != "marks":
        assert (shown["kind"], shown["mailCount"]) == (f"mails.{kind}", done)
    # With the permission back, a client goes on where it was.
    await scene.give("lrswite")
    await scene.check()
    assert state == await finish(scene.reader, answer)


async def test_where_a_mail_has_gone_is_not_told(
    world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail that its owner has put where the reader sees nothing is told by the id that he knows."""
    secret = await make_folder(scene.owner, "Secret")
    body = {"ids": scene.mails, "isFlagged": True}
    start = scene.reader.client.post("/api/v1/batch/mails/update", json=body)
    answer = await interrupt_at(world, monkeypatch, 1, start)
    move = {"ids": scene.mails, "destinationFolderId": secret}
    moved = await scene.owner.client.post("/api/v1/batch/mails/move", json=move)
    assert (await finish(scene.owner, moved.json()))["failedItems"] == []
    await world.domain.jobs.resume()
    state = await finish(scene.reader, answer)
    assert state["failedItems"] == scene.mails[SLICE:]
    await scene.check()


async def test_a_batch_of_conversations(
    world: World, ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = await deliver_thread(ann, MAILS)
    scene = Scene(ann, ben, await make_folder(ann, "Top"), mails)
    await scene.give("lrswite")
    await scene.check()
    name = (await ben.get(f"/api/v1/mails/{mails[0]}/conversation"))["id"]
    monkeypatch.setattr("postroom.domain.conversation_batches.WAITED_FOR", 0)
    body = {"ids": [name], "destinationFolderId": scene.top}
    start = ben.client.post("/api/v1/batch/conversations/move", json=body)
    answer = await interrupt_at(world, monkeypatch, 1, start)
    await scene.check()
    await scene.give("lrsw")
    await world.domain.jobs.resume()
    assert (await finish(ben, answer))["failedItems"] == [name]
    assert (await scene.count(ann.inbox), await scene.count(scene.top)) == (MAILS - SLICE, SLICE)
    await scene.check()


@pytest.mark.parametrize("is_fetched", [True, False])
@pytest.mark.parametrize("kind", ["move", "copy"])
async def test_a_batch_between_owners(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, kind: str, is_fetched: bool
) -> None:
    """From the shared folder into one's own, and back: each mail is asked for, and none is lost or there twice."""
    carrying, ben = scene.reader.world.domain.batches._carrying, scene.reader
    own = [await ben.deliver(make_message(subject=f"own {number}")) for number in range(MAILS)]
    mails, target = (scene.mails, ben.inbox) if is_fetched else (own, scene.owner.inbox)
    await scene.check()
    carried, carry = 0, carrying.carry

    async def count(*args: Any, **options: Any) -> Any:
        nonlocal carried
        carried += 1
        if carried == 4:
            await scene.give("ls")
        return await carry(*args, **options)

    monkeypatch.setattr(carrying, "carry", count)
    assert await batch(ben, kind, ids=mails, destinationFolderId=target) == mails[3:]
    await scene.check()
    there = await scene.count(scene.owner.inbox)
    here = (await ben.get("/api/v1/mails", folderId=ben.inbox))["totalItems"]
    left = 3 if kind == "move" else 0
    assert (there, here) == ((MAILS - left, MAILS + 3) if is_fetched else (MAILS + 3, MAILS - left))


# Taking back


async def log_in(user: User) -> None:
    user.client.headers["X-Axigen-Session"] = (await user.client.post("/api/v1/login")).json()["sessid"]


@pytest.mark.parametrize("is_lost", [True, False])
@pytest.mark.parametrize("is_fetched", [True, False])
async def test_a_move_between_owners_is_not_taken_back(scene: Scene, is_fetched: bool, is_lost: bool) -> None:
    """Taking out what came would remove the only one there is."""
    ben = scene.reader
    await log_in(ben)
    await log_in(scene.owner)
    own = await ben.deliver(make_message(subject="own"))
    mail, target = (scene.mails[0], ben.inbox) if is_fetched else (own, scene.owner.inbox)
    body = {"destinationFolderId": target}
    moved = (await ben.client.post(f"/api/v1/mails/{mail}/move", json=body)).json()["id"]
    if is_lost:
        await scene.give("")
    assert await refuse(ben.client.post("/api/v1/undo")) == "conflict"
    # What the owner did before (the folder that he made) is what his undo takes back; the mail stays.
    newest = (await scene.owner.get("/api/v1/operations"))["items"][0]
    assert (newest["kind"], newest["reversible"]) == ("mails.move", False)
    holder = ben if is_fetched else scene.owner
    assert (await holder.get(f"/api/v1/mails/{moved}"))["id"] == moved
    await scene.check()


@pytest.mark.parametrize("is_lost", [True, False])
async def test_a_copy_in_ones_own_account_is_taken_out(scene: Scene, is_lost: bool) -> None:
    """Whoever lost the permission may still take out what is his own; the shared folder stays as it is."""
    ben = scene.reader
    await log_in(ben)
    body = {"destinationFolderId": ben.inbox}
    assert (await ben.client.post(f"/api/v1/mails/{scene.mails[0]}/copy", json=body)).status_code == 200
    if is_lost:
        await scene.give("")
    assert (await ben.client.post("/api/v1/undo")).status_code == 200
    assert (await ben.get("/api/v1/mails", folderId=ben.inbox))["totalItems"] == 0
    assert await scene.count(scene.owner.inbox) == MAILS
    await scene.check()


async def test_a_readers_batch_is_taken_back_by_the_owner_alone(
    world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben, owner = scene.reader, scene.owner
    await log_in(ben)
    body = {"ids": scene.mails, "destinationFolderId": scene.top}
    answer = await interrupt_at(world, monkeypatch, 2, ben.client.post("/api/v1/batch/mails/move", json=body))
    await scene.give("", top="")
    await world.domain.jobs.resume()
    await finish(ben, answer)
    operation = (await owner.get("/api/v1/operations"))["items"][0]
    assert (operation["kind"], operation["mailCount"], operation["reversible"]) == ("mails.move", 4, True)
    assert await refuse(ben.client.post("/api/v1/undo")) == "conflict"
    assert await refuse(ben.client.post(f"/api/v1/operations/{operation['id']}/undo")) == "notFound"
    assert await scene.count(scene.top) == 4
    await log_in(owner)
    undone = await owner.client.post(f"/api/v1/operations/{operation['id']}/undo")
    assert undone.status_code in {200, 201}, undone.text
    if undone.status_code == 201:
        await finish(owner, undone.json())
    assert (await scene.count(owner.inbox), await scene.count(scene.top)) == (MAILS, 0)
    await scene.check()
