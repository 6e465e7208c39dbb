# ruff: noqa: S311
"""Random histories of folders that an owner shares with two readers, against a model.

The model knows which mails are where and what each has seen. Readers follow by deltas in pages of random sizes, at
random moments, while permissions come and go; whoever finishes a chain has what lists show, and what the model says.
The seed is the test's parameter.
"""

import random
from typing import Any

import pytest

from tests.api.test_sharing import check_followed, follow, make_folder, share
from tests.api.world import User, World, make_message


class Reader:
    """A reader's client: his copies of folders, and the tokens that they are of."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.seen: set[str] = set()
        self.given: set[str] = set()
        self.copies: dict[str, tuple[str, dict[str, Any]]] = {}
        self.folders: dict[str, Any] = {}
        self.token = ""


class History:
    """What happens to the owner's folders."""

    def __init__(self, owner: User, readers: list[Reader], seed: int) -> None:
        self.chance = random.Random(seed)
        self.owner = owner
        self.readers = readers
        self.places: dict[str, str] = {}
        self.owner_seen: set[str] = set()
        self.folders: list[str] = []

    async def run(self, steps: int) -> None:
        self.folders = [self.owner.inbox, *[await make_folder(self.owner, name) for name in ("One", "Two")]]
        for reader in self.readers:
            for folder in self.folders:
                await self.give(reader, folder)
        actions = [self.deliver, self.move, self.remove, self.mark, self.mark, self.mark, self.mark_own]
        actions += [self.change_grant, self.sync, self.sync, self.sync_folders]
        for _ in range(steps):
            await self.chance.choice(actions)()
        for reader in self.readers:
            for folder in self.folders:
                await self.sync_one(reader, folder, is_partial=False)
            await self.follow_folders(reader)
        for folder in self.folders:
            await self.check_owner(folder)

    async def give(self, reader: Reader, folder: str) -> None:
        is_given = folder in reader.given
        await share(self.owner, folder, reader.user, "" if is_given else "lrs")
        reader.given ^= {folder}

    def pick(self) -> str | None:
        return self.chance.choice(sorted(self.places)) if self.places else None

    async def deliver(self) -> None:
        mail = await self.owner.deliver(make_message(subject=f"{self.chance.random()}"))
        self.places[mail] = self.owner.inbox

    async def move(self) -> None:
        mail, target = self.pick(), self.chance.choice(self.folders)
        if mail is None or self.places[mail] == target:
            return
        body = {"destinationFolderId": target}
        moved = (await self.owner.client.post(f"/api/v1/mails/{mail}/move", json=body)).json()["id"]
        del self.places[mail]
        self.places[moved] = target
        if mail in self.owner_seen:
            self.owner_seen ^= {mail, moved}

    async def remove(self) -> None:
        mail = self.pick()
        if mail is not None:
            await self.owner.client.delete(f"/api/v1/mails/{mail}", params={"permanent": True})
            del self.places[mail]

    async def mark_own(self) -> None:
        mail, is_seen = self.pick(), self.chance.random() < 0.5
        if mail is not None:
            await self.owner.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": not is_seen})
            self.owner_seen = self.owner_seen | {mail} if is_seen else self.owner_seen - {mail}

    async def mark(self) -> None:
        reader, mail, is_seen = self.chance.choice(self.readers), self.pick(), self.chance.random() < 0.6
        if mail is None:
            return
        response = await reader.user.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": not is_seen})
        if self.places[mail] not in reader.given:
            assert response.status_code == 404
            return
        assert response.json()["isUnread"] is not is_seen
        reader.seen = reader.seen | {mail} if is_seen else reader.seen - {mail}

    async def change_grant(self) -> None:
        await self.give(self.chance.choice(self.readers), self.chance.choice(self.folders))

    async def sync(self) -> None:
        reader, folder = self.chance.choice(self.readers), self.chance.choice(self.folders)
        await self.sync_one(reader, folder, is_partial=self.chance.random() < 0.4)

    async def sync_one(self, reader: Reader, folder: str, *, is_partial: bool) -> None:
        token, known = reader.copies.get(folder, ("", {}))
        goes_on = True
        while goes_on:
            query = {"folderId": folder, "syncToken": token, "limit": self.chance.choice((1, 3, 100))}
            response = await reader.user.client.get("/api/v1/mails/delta", params=query)
            if folder not in reader.given:
                assert response.status_code == 404
                return
            delta = response.json()
            assert delta["reset"] is False
            for mail in [*delta["newItems"], *delta["replacedItems"]]:
                known[mail["id"]] = mail["isUnread"]
            for mail in delta["updatedItems"]:
                assert mail["id"] in known
                known[mail["id"]] = mail["isUnread"]
            for mail in delta["removedItems"]:
                known.pop(mail["id"], None)
            token = delta["syncToken"]
            reader.copies[folder] = (token, known)
            goes_on = delta["moreAvailable"]
            if is_partial:
                return
        listed = await reader.user.get("/api/v1/mails", folderId=folder, limit=1000)
        assert (listed["syncToken"], listed["totalItems"]) == (token, len(known))
        assert known == {mail["id"]: mail["isUnread"] for mail in listed["items"]}
        assert known == {
            mail: mail not in reader.seen for mail, place in self.places.items() if place == folder
        }

    async def sync_folders(self) -> None:
        await self.follow_folders(self.chance.choice(self.readers))

    async def follow_folders(self, reader: Reader) -> None:
        reader.token = await follow(reader.user, reader.folders, reader.token)
        await check_followed(reader.user, reader.folders, reader.token)
        for folder in self.folders:
            assert (folder in reader.folders) == (folder in reader.given)
            if folder in reader.given:
                there = [mail for mail, place in self.places.items() if place == folder]
                unread = sum(mail not in reader.seen for mail in there)
                counted = reader.folders[folder]
                assert (counted["totalItems"], counted["unreadItems"]) == (len(there), unread)

    async def check_owner(self, folder: str) -> None:
        listed = (await self.owner.get("/api/v1/mails", folderId=folder, limit=1000))["items"]
        assert {mail["id"]: mail["isUnread"] for mail in listed} == {
            mail: mail not in self.owner_seen for mail, place in self.places.items() if place == folder
        }


@pytest.mark.parametrize("seed", range(4))
async def test_histories(world: World, ann: User, ben: User, seed: int) -> None:
    carl = await world.add_account("carl@example.test")
    await History(ann, [Reader(ben), Reader(carl)], seed).run(150)
