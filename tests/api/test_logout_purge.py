"""What a logout clears: Trash and Spam, as the settings say."""

import asyncio
import time

import pytest

from postroom.domain import clearing
from postroom.domain.clearing import clear_folders
from postroom.domain.examination import examine
from postroom.domain.filing import Filing, file_mails
from postroom.domain.steps import read_record
from postroom.model.ids import FolderId, Modseq
from tests.api.test_changes import call, folder_id, listed
from tests.api.world import User, make_message
from tests.fixtures.factories import make_filing

TRASH, SPAM = FolderId(5), FolderId(6)


async def fill(user: User, folder: FolderId, mails: int, *, first: int = 0) -> None:
    filings = [Filing(make_filing(first + number), 1_750_000_000) for number in range(mails)]
    async with user.world.store.transaction(user.account.account_id) as tx:
        await file_mails(tx, filings, folder)


async def login(user: User) -> dict[str, str]:
    return {"X-Axigen-Session": (await user.client.post("/api/v1/login")).json()["sessid"]}


async def logout(user: User) -> None:
    headers = await login(user)
    response = await user.client.post("/api/v1/logout", headers=headers)
    assert (response.status_code, response.content) == (200, b"")
    assert (await user.client.get("/api/v1/folders", headers=headers)).status_code == 401


async def totals(user: User) -> dict[str, int]:
    return {
        folder["role"]: folder["totalItems"]
        for folder in (await user.get("/api/v1/folders"))["items"]
        if folder["role"] in {"trash", "junk"}
    }


async def check(user: User) -> None:
    await user.world.domain.doomed.wait()
    async with user.world.store.read(user.account.account_id) as mailbox:
        _, faults = await examine(mailbox, "ann")
        assert await mailbox.upkeep.list_clearings() == []
    assert faults == []


@pytest.mark.parametrize("trash", [False, True])
@pytest.mark.parametrize("spam", [False, True])
async def test_what_the_settings_say(ann: User, ben: User, *, trash: bool, spam: bool) -> None:
    for user in (ann, ben):
        await fill(user, TRASH, 3)
        await fill(user, SPAM, 4, first=10)
    settings = {"purgeTrashOnLogout": trash, "purgeSpamOnLogout": spam}
    await call(ann, "PATCH", "account/settings", settings)
    await logout(ann)
    assert await totals(ann) == {"trash": 0 if trash else 3, "junk": 0 if spam else 4}
    assert await totals(ben) == {"trash": 3, "junk": 4}
    await check(ann)


async def test_folders_below(ann: User) -> None:
    """Folders in Trash were deleted and go; those in Spam sort what is there, and are emptied."""
    await call(ann, "PATCH", "account/settings", {"purgeTrashOnLogout": True, "purgeSpamOnLogout": True})
    made = {}
    for role in ("trash", "junk"):
        parent = {"name": "One", "parentId": await folder_id(ann, role)}
        made[role] = (await call(ann, "POST", "folders", parent))["id"]
        below = {"name": "Two", "parentId": made[role]}
        made[role + " below"] = (await call(ann, "POST", "folders", below))["id"]
    for number, wire in enumerate(made.values()):
        await fill(ann, FolderId(int(wire.split("_")[1])), 3, first=10 * number)
    token = (await ann.get("/api/v1/folders"))["syncToken"]
    await logout(ann)
    there = {folder["id"]: folder["totalItems"] for folder in (await ann.get("/api/v1/folders"))["items"]}
    assert made["trash"] not in there
    assert made["trash below"] not in there
    assert (there[made["junk"]], there[made["junk below"]]) == (0, 0)
    delta = await ann.get("/api/v1/folders/delta", syncToken=token)
    assert {made["trash"], made["trash below"]} <= {
        event["id"] for event in delta["events"] if event["eventType"] == "removedFolder"
    }
    await check(ann)


async def test_a_large_folder_is_cleared_behind_the_logout(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "SLICE", 5)
    monkeypatch.setattr(clearing, "WAIT_SECONDS", 0.0)
    await call(ann, "PATCH", "account/settings", {"purgeTrashOnLogout": True})
    await fill(ann, TRASH, 300)
    began = time.monotonic()
    await logout(ann)
    assert time.monotonic() - began < 5
    # What comes into Trash meanwhile stays.
    await fill(ann, TRASH, 2, first=1000)
    await ann.world.domain.doomed.wait()
    assert await totals(ann) == {"trash": 2, "junk": 0}
    subjects = [mail["subject"] for mail in await listed(ann, await folder_id(ann, "trash"))]
    assert sorted(subjects) == ["Letter 1000", "Letter 1001"]
    await check(ann)


async def test_what_is_noted_is_done_after_a_restart(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    await call(ann, "PATCH", "account/settings", {"purgeTrashOnLogout": True})
    await fill(ann, TRASH, 7)
    async with ann.world.store.directory_transaction() as tx:
        purges = ann.world.domain.logins._purges
        assert purges is not None
        assert await purges.note(tx, ann.account.account_id)
    assert (await totals(ann))["trash"] == 7
    await ann.world.domain.doomed.resume()
    await ann.world.domain.doomed.wait()
    assert (await totals(ann))["trash"] == 0
    await check(ann)


async def test_others_are_told(ann: User) -> None:
    await call(ann, "PATCH", "account/settings", {"purgeTrashOnLogout": True})
    mail = await ann.deliver(make_message())
    await call(ann, "DELETE", f"mails/{mail}")
    trash = await folder_id(ann, "trash")
    token = (await ann.get("/api/v1/mails", folderId=trash, syncTokenOnly="true"))["syncToken"]
    [there] = await listed(ann, trash)
    await logout(ann)
    delta = await ann.get("/api/v1/mails/delta", folderId=trash, syncToken=token)
    assert [item["id"] for item in delta["removedItems"]] == [there["id"]]
    async with ann.world.store.read(ann.account.account_id) as mailbox:
        entries = await mailbox.operations.list_after(Modseq(0), limit=100)
    assert [entry.kind for entry in entries][-1] == "logout.purge"
    assert len(read_record(entries[-1].data).steps) == 1


async def test_sessions_that_end_by_themselves_clear_nothing(ann: User) -> None:
    await call(ann, "PATCH", "account/settings", {"purgeTrashOnLogout": True, "purgeSpamOnLogout": True})
    await fill(ann, TRASH, 2)
    headers = await login(ann)
    ann.world.clock.now += 86_400 * 2
    assert (await ann.client.get("/api/v1/folders", headers=headers)).status_code == 401
    await ann.world.domain.doomed.wait()
    assert (await totals(ann))["trash"] == 2


async def test_many_logouts_at_once(ann: User) -> None:
    await call(ann, "PATCH", "account/settings", {"purgeTrashOnLogout": True, "purgeSpamOnLogout": True})
    await fill(ann, TRASH, 50)
    await fill(ann, SPAM, 50, first=100)
    await asyncio.gather(*(logout(ann) for _ in range(5)), ann.deliver(make_message()))
    await check(ann)
    assert await totals(ann) == {"trash": 0, "junk": 0}
    assert await clear_folders(ann.world.store, ann.account.account_id) == 0
