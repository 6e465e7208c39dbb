"""Live events of what others share: what a reader is told, how soon, and what he is not told any more."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from postroom.domain import event_feed, event_streams
from postroom.domain.sharing import Sharing
from tests.api.live import PATIENCE_SECONDS, Events, Live, Told, serving, streaming
from tests.api.test_sharing import make_folder, share
from tests.api.world import PASSWORD, User, World, basic, make_message

BEN = basic("ben@example.test", PASSWORD)
SOON_SECONDS = 2.0
QUIET_BEATS = 3
"""Heartbeats after which nothing more is to come; the first may have been on its way already."""


@pytest.fixture(autouse=True)
def quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream soon says that it has looked, and has nothing to tell."""
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.1)


@pytest.fixture
async def live(world: World) -> AsyncIterator[Live]:
    """The server, over a socket."""
    async with serving(world) as running:
        yield running


async def token_of_folders(user: User) -> str:
    return str((await user.get("/api/v1/folders", syncTokenOnly="true"))["syncToken"])


class Heard:
    """An open stream that is read all the time, so that it can be waited for that nothing comes."""

    def __init__(self, events: Events) -> None:
        self._queue: asyncio.Queue[Told] = asyncio.Queue()
        self._events = events

    async def listen(self) -> None:
        """Read until the stream ends."""
        while (told := await self._events.next()) is not None:
            self._queue.put_nowait(told)

    async def until(self, kind: str) -> Told:
        """Return the next event of a kind."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (told := await self._queue.get()).kind != kind:
                pass
        return told

    async def waiting(self) -> list[Told]:
        """Return what comes until the stream has nothing more to tell."""
        found: list[Told] = []
        old, beats = self._queue.qsize(), 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while beats < QUIET_BEATS:
                told = await self._queue.get()
                old -= 1
                if told.kind != ":":
                    found.append(told)
                    beats = 0
                elif old < 0:
                    beats += 1
        return found


@asynccontextmanager
async def hearing(live: Live, authorization: str, **given: str) -> AsyncIterator[Heard]:
    """Open a stream and read it."""
    async with streaming(live, authorization, **given) as opened:
        heard = Heard(opened)
        listening = asyncio.create_task(heard.listen())
        try:
            yield heard
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def until_token(heard: Heard, user: User) -> None:
    """Read until the list of folders is told as it is."""
    wanted = await token_of_folders(user)
    while (await heard.until("folders")).data["syncToken"] != wanted:
        pass


def by_kind(events: list[Told]) -> dict[str, list[Any]]:
    kinds: dict[str, list[Any]] = {}
    for told in events:
        kinds.setdefault(told.kind, []).append(told.data)
    return kinds


async def test_nothing_shared_begins_as_ever(live: Live, ann: User, ben: User) -> None:
    async with hearing(live, BEN) as heard:
        [first] = await heard.waiting()
    assert first.kind == "counters"


async def test_what_is_given_and_taken_is_told(live: Live, ann: User, ben: User) -> None:
    async with hearing(live, BEN, folders="all") as heard:
        await heard.waiting()
        started = time.monotonic()
        await share(ann, ann.inbox, ben, "lr")
        told = await heard.until("folders")
        assert time.monotonic() - started < SOON_SECONDS
        assert told.data == {"syncToken": await token_of_folders(ben)}
        await heard.waiting()
        await share(ann, ann.inbox, ben, "")
        told = await heard.until("folders")
        assert told.data == {"syncToken": await token_of_folders(ben)}
        await ann.deliver(make_message())
        assert await heard.waiting() == []


async def test_what_changes_in_a_shared_folder_is_told(live: Live, ann: User, ben: User) -> None:
    folder = await make_folder(ann, "Projects")
    await share(ann, ann.inbox, ben, "lrs")
    await share(ann, folder, ben, "l")
    async with hearing(live, BEN, folders="all") as heard:
        first = by_kind(await heard.waiting())
        assert {data["folderId"] for data in first["mails"]} == {ann.inbox}
        assert {ann.inbox, folder} <= {data["folderId"] for data in first["counters"]}
        mail = await ann.deliver(make_message())
        told = by_kind(await heard.waiting())
        token = (await ben.get("/api/v1/mails", folderId=ann.inbox, syncTokenOnly="true"))["syncToken"]
        assert told["mails"] == [{"folderId": ann.inbox, "syncToken": token}]
        figures = {"folderId": ann.inbox, "role": "", "unreadCount": 1, "totalItems": 1}
        assert told["counters"] == [figures]
        assert told["folders"] == [{"syncToken": await token_of_folders(ben)}]

        # What he has read is his own, and told.
        response = await ben.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False})
        assert response.status_code == 200
        assert by_kind(await heard.waiting())["counters"] == [{**figures, "unreadCount": 0}]

        # A folder that he may list alone is told of as the list shows it.
        await ann.client.patch(f"/api/v1/folders/{folder}", json={"name": "Plans"})
        assert [one.kind for one in await heard.waiting()] == ["folders"]
        await ann.client.post(f"/api/v1/mails/{mail}/move", json={"destinationFolderId": folder})
        told = by_kind(await heard.waiting())
        assert {data["folderId"] for data in told["mails"]} == {ann.inbox}
        assert {data["folderId"] for data in told["counters"]} == {ann.inbox, folder}
        assert told["folders"] == [{"syncToken": await token_of_folders(ben)}]


async def test_only_the_kinds_asked_for(live: Live, ann: User, ben: User) -> None:
    await share(ann, ann.inbox, ben, "lr")
    async with hearing(live, BEN, kinds="folders,counters") as heard:
        assert {told.kind for told in await heard.waiting()} == {"counters", "folders"}
        await ann.deliver(make_message())
        assert [told.kind for told in await heard.waiting()] == ["folders"]
    async with hearing(live, BEN, kinds="labels") as heard:
        assert await heard.waiting() == []


async def test_contacts_of_others(live: Live, ann: User, ben: User) -> None:
    folder = f"{ann.account.account_id}_8"
    await share(ann, folder, ben, "lr")
    async with hearing(live, BEN, kinds="contacts") as heard:
        await heard.waiting()
        await ann.client.post("/api/v1/contacts", json={"name": "Bea"})
        token = await ben.get("/api/v1/contacts", folderId=folder, syncTokenOnly="1")
        [told] = await heard.waiting()
        assert told.data == {"folderId": folder, **token}


async def test_nothing_is_told_of_what_was_taken(live: Live, ann: User, ben: User) -> None:
    """Also while much happens at once, and for a reader who has not read for a while."""
    kept = await make_folder(ann, "Kept")
    await share(ann, ann.inbox, ben, "lr")
    await share(ann, kept, ben, "lr")
    async with hearing(live, BEN, folders="all") as heard:
        await heard.waiting()
        mails = [await ann.deliver(make_message()) for _ in range(3)]
        await share(ann, ann.inbox, ben, "")
        await until_token(heard, ben)
        for mail in mails:
            await ann.client.post(f"/api/v1/mails/{mail}/move", json={"destinationFolderId": kept})
        told = by_kind(await heard.waiting())
        assert {data["folderId"] for data in told["mails"] + told["counters"]} == {kept}


async def test_going_on(live: Live, ann: User, ben: User) -> None:
    await share(ann, ann.inbox, ben, "lr")
    async with hearing(live, BEN, folders="all") as heard:
        known = (await heard.waiting())[-1].id
    async with hearing(live, BEN, last=known, folders="all") as heard:
        assert await heard.waiting() == []
    await ann.deliver(make_message())
    async with hearing(live, BEN, last=known, folders="all") as heard:
        told = await heard.waiting()
        assert by_kind(told)["folders"] == [{"syncToken": await token_of_folders(ben)}]
        assert [data["unreadCount"] for data in by_kind(told)["counters"]] == [1]
    # Whatever is shared is told where something within the answer was the last that was read.
    async with hearing(live, BEN, last=told[0].id, folders="all") as heard:
        assert by_kind(await heard.waiting())["folders"] == by_kind(told)["folders"]
    await share(ann, ann.inbox, ben, "")
    for last in (told[0].id, told[-1].id):
        async with hearing(live, BEN, last=last, folders="all") as heard:
            gone = await heard.waiting()
        assert [(one.kind, one.data) for one in gone] == [
            ("folders", {"syncToken": await token_of_folders(ben)})
        ]
    async with hearing(live, BEN, last=gone[-1].id, folders="all") as heard:
        assert await heard.waiting() == []


async def test_own_changes_among_those_of_others(live: Live, ann: User, ben: User) -> None:
    await share(ann, ann.inbox, ben, "lr")
    async with hearing(live, BEN) as heard:
        await heard.waiting()
        await asyncio.gather(ann.deliver(make_message()), ben.deliver(make_message()))
        told = await heard.waiting()
    assert {data["folderId"] for data in by_kind(told)["mails"]} == {ann.inbox, ben.inbox}
    assert by_kind(told)["folders"][-1] == {"syncToken": await token_of_folders(ben)}
    async with hearing(live, BEN, last=told[-1].id) as heard:
        assert await heard.waiting() == []


async def test_many_folders_are_told_in_parts(
    live: Live, ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "MAX_BATCH", 3)
    folders = [await make_folder(ann, f"F{number}") for number in range(7)]
    for folder in folders:
        await share(ann, folder, ben, "lr")
    async with hearing(live, BEN) as heard:
        told = await heard.waiting()
        assert sorted(data["folderId"] for data in by_kind(told)["mails"]) == sorted(folders)
        await share(ann, folders[0], ben, "")
        await until_token(heard, ben)
    # From wherever in between, all that there is now is told.
    for one in told[:-1]:
        async with hearing(live, BEN, last=one.id) as heard:
            again = by_kind(await heard.waiting())
        assert sorted(data["folderId"] for data in again["mails"]) == sorted(folders[1:])
        assert again["folders"] == [{"syncToken": await token_of_folders(ben)}]


async def test_public_folders_and_everybody(live: Live, world: World, ann: User, ben: User) -> None:
    sharing = Sharing(world.store)
    async with hearing(live, BEN) as heard:
        await heard.waiting()
        await sharing.add_public("News", account="*", rights="lr")
        await until_token(heard, ben)
        await heard.waiting()
        await sharing.add_public("News/Today", account="@example.test", rights="lr")
        await until_token(heard, ben)
        await heard.waiting()
        await sharing.remove_public("News/Today")
        await sharing.remove_public("News")
        await until_token(heard, ben)


async def test_a_new_owner_is_followed_at_once(live: Live, world: World, ann: User, ben: User) -> None:
    carl = await world.add_account("carl@example.test")
    await share(ann, ann.inbox, ben, "lr")
    async with hearing(live, BEN) as heard:
        await heard.waiting()
        await share(carl, carl.inbox, ben, "lr")
        await until_token(heard, ben)
        await heard.waiting()
        started = time.monotonic()
        await carl.deliver(make_message())
        assert (await heard.until("mails")).data["folderId"] == carl.inbox
        assert time.monotonic() - started < SOON_SECONDS


async def test_nobody_is_listened_to_when_all_streams_are_closed(
    live: Live, world: World, ann: User, ben: User
) -> None:
    await share(ann, ann.inbox, ben, "lr")
    async with hearing(live, BEN) as heard:
        await heard.waiting()
        assert world.domain.news._listeners
    async with asyncio.timeout(PATIENCE_SECONDS):
        while world.domain.news._listeners:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.05)
