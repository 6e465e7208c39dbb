"""The example client keeps an exact copy, by deltas and by events."""

import asyncio
import contextlib
import http.client
import importlib.util
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.api.live import Live, serving
from tests.api.test_changes import call, folder_id, listed
from tests.api.test_sharing import share
from tests.api.world import PASSWORD, User, World, make_message

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "sync_client.py"


@pytest.fixture
async def live(world: World) -> AsyncIterator[Live]:
    async with serving(world) as live:
        yield live


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sync_client", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def check(copy: Any, user: User) -> None:
    """The copy equals what lists show."""
    folders = {folder["id"]: folder for folder in (await user.get("/api/v1/folders"))["items"]}
    assert copy.folders.keys() == folders.keys()
    for number, folder in folders.items():
        mine = copy.folders[number]
        assert {name: mine[name] for name in folder} == folder
        if folder["folderType"] == "mails":
            expected = {mail["id"]: mail for mail in await listed(user, number)}
            # A delta tells of each mail's conversation, too.
            kept = {
                mail_id: {name: value for name, value in mail.items() if name != "conversationId"}
                for mail_id, mail in copy.mails.get(number, {}).items()
            }
            assert kept == expected


async def test_it_keeps_a_copy(live: Live, ann: User, example: ModuleType, tmp_path: Path) -> None:
    example.PAGE = 2  # type: ignore[attr-defined]
    api = example.API(live.url, ann.account.address, PASSWORD)
    copy = example.LocalCopy(api)
    mails = [await ann.deliver(make_message(subject=f"Letter {number}")) for number in range(5)]
    await asyncio.to_thread(copy.sync)
    await check(copy, ann)
    copy.save(tmp_path / "copy.json")
    made = await call(ann, "POST", "folders", {"name": "Old"})
    below = await call(ann, "POST", "folders", {"name": "Older", "parentId": made["id"]})
    await call(ann, "POST", f"mails/{mails[0]}/move", {"destinationFolderId": below["id"]})
    await call(ann, "PATCH", f"mails/{mails[1]}", {"isFlagged": True})
    await call(ann, "DELETE", f"mails/{mails[2]}", permanent="true")
    again = example.LocalCopy(api)
    again.load(tmp_path / "copy.json")
    await asyncio.to_thread(again.sync)
    await check(again, ann)
    await call(ann, "PATCH", f"folders/{made['id']}", {"name": "Past"})
    await call(ann, "POST", f"folders/{below['id']}/move", {"parentId": await folder_id(ann, "sent")})
    await call(ann, "DELETE", f"folders/{made['id']}")
    await asyncio.to_thread(again.sync)
    await asyncio.to_thread(copy.sync)
    await check(again, ann)
    await check(copy, ann)


async def test_it_keeps_what_others_share(live: Live, ann: User, ben: User, example: ModuleType) -> None:
    """What is shared is told anew by itself: neither do one's own folders go with it, nor it with them."""
    copy = example.LocalCopy(example.API(live.url, ben.account.address, PASSWORD))
    await ben.deliver(make_message(subject="Ben's own"))
    await ann.deliver(make_message(subject="Shared"))
    await asyncio.to_thread(copy.sync)
    await check(copy, ben)
    for rights in ("lr", "l", "lrs"):
        await share(ann, ann.inbox, ben, rights)
        await asyncio.to_thread(copy.sync)
        folders = {folder["id"] for folder in (await ben.get("/api/v1/folders"))["items"]}
        assert copy.folders.keys() == folders >= {ann.inbox, ben.inbox}
        assert [mail["subject"] for mail in copy.mails[ben.inbox].values()] == ["Ben's own"]
        shared = [mail["subject"] for mail in copy.mails.get(ann.inbox, {}).values()]
        assert shared == (["Shared"] if "r" in rights else [])
    made = await call(ben, "POST", "folders", {"name": "Mine"})
    copy.folders_token = ""
    await asyncio.to_thread(copy.sync)
    assert copy.folders.keys() == folders | {made["id"]}
    response = await ann.client.delete(
        f"/api/v1/folders/{ann.inbox}/permissions", params={"account": ben.account.address}
    )
    assert response.is_success
    await asyncio.to_thread(copy.sync)
    await check(copy, ben)
    assert ann.inbox not in copy.mails


async def test_it_follows_what_happens(live: Live, ann: User, example: ModuleType) -> None:
    api = example.API(live.url, ann.account.address, PASSWORD)
    copy = example.LocalCopy(api)
    await asyncio.to_thread(copy.sync)
    changed: list[str] = []
    begun, heard = threading.Event(), threading.Event()
    ask = api._ask

    def ask_and_note(connection: Any, path: str, query: dict[str, Any]) -> Any:
        response = ask(connection, path, query)
        if path.endswith("/events"):
            begun.set()
        return response

    api._ask = ask_and_note

    def follow() -> None:
        # The server ends with the test, whatever is asked for then. What fails before is not heard of.
        with contextlib.suppress(OSError, http.client.HTTPException):
            for number in copy.follow():
                changed.append(number)
                heard.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    assert await asyncio.to_thread(begun.wait, 10)
    await ann.deliver(make_message())
    assert await asyncio.to_thread(heard.wait, 10)
    async with asyncio.timeout(10):
        while len(copy.mails.get(ann.inbox, {})) != 1:  # noqa: ASYNC110 - the thread tells of nothing else
            await asyncio.sleep(0.02)
    assert ann.inbox in changed
    assert "Inbox: 1 mails, 1 unread" in copy.describe(ann.inbox)
