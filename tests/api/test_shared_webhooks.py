"""Webhooks of folders that others share: what a reader is told, and that it ends with his permission."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from postroom.api.schemas.webhook_messages import render_message
from postroom.app.webhook_http import HTTPSender
from postroom.domain.webhook_runner import WebhookRunner
from tests.api.test_sharing import make_folder, refuse, share
from tests.api.world import User, World, make_message
from tests.protocol.hook_receiver import Receiver, receiving

PATH = "/api/v1/account/webhooks"


@dataclass
class Hook:
    """A hook of an account, its receiver, and a runner that works when it is asked to."""

    user: User
    path: str
    receiver: Receiver
    runner: WebhookRunner

    async def told(self) -> list[tuple[str, Any]]:
        """Return the kinds and data of what was told since the last time."""
        start = len(self.receiver.taken)
        await self.runner.look()
        await self.runner.settle()
        messages = [taken.message for taken in self.receiver.taken[start:]]
        assert {message["account"] for message in messages} <= {self.user.account.address}
        return [(message["kind"], message["data"]) for message in messages]

    async def change(self, **change: Any) -> Any:
        response = await self.user.client.patch(self.path, json=change)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with receiving() as made:
        yield made


def url_of(receiver: Receiver) -> str:
    return f"http://hooks.example.com:{receiver.port}/"


async def make_hook(user: User, folder: str, receiver: Receiver) -> Hook:
    """Make a hook by a name that leads to the receiver."""

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    world = user.world
    sender = HTTPSender(allow_private=True, resolve=resolve)
    runner = WebhookRunner(world.store, world.domain.webhooks, sender=sender, render=render_message)
    response = await user.client.post(PATH, json={"url": url_of(receiver), "folderId": folder})
    assert response.status_code == 200, response.text
    made = response.json()
    assert made["folderId"] == folder
    return Hook(user, f"{PATH}/{made['id']}", receiver, runner)


async def patch(user: User, mail: str, **change: bool) -> None:
    response = await user.client.patch(f"/api/v1/mails/{mail}", json=change)
    assert response.status_code == 200, response.text


async def move(user: User, mail: str, folder: str) -> str:
    response = await user.client.post(f"/api/v1/mails/{mail}/move", json={"destinationFolderId": folder})
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


def counters(folder: str, unread: int, total: int) -> tuple[str, Any]:
    return "counters.changed", {"folderId": folder, "unreadCount": unread, "totalItems": total}


def changed(change: str, folder: str, **mail: Any) -> tuple[str, Any]:
    return "mail.changed", {"change": change, "folderId": folder, "mails": [mail]}


async def test_what_it_takes_to_be_told(ann: User, ben: User, receiver: Receiver) -> None:
    own = await make_hook(ben, ben.inbox, receiver)

    async def codes() -> tuple[str, str]:
        wanted = {"url": url_of(receiver), "folderId": ann.inbox}
        made = await refuse(ben.client.post(PATH, json=wanted))
        return made, await refuse(ben.client.patch(own.path, json={"folderId": ann.inbox}))

    assert await codes() == ("notFound", "notFound")
    await share(ann, ann.inbox, ben, "ls")
    assert await codes() == ("notPermitted", "notPermitted")
    # The container of an owner is no folder.
    await share(ann, ann.inbox, ben, "lr")
    container = {"url": url_of(receiver), "folderId": f"{ann.account.account_id}_1"}
    assert await refuse(ben.client.post(PATH, json=container)) == "notPermitted"
    # From one's own folder to another's: told is what happens from then on.
    await ann.deliver(make_message())
    await ben.deliver(make_message())
    assert len(await own.told()) == 2
    assert (await own.change(folderId=ann.inbox))["folderId"] == ann.inbox
    await ben.deliver(make_message())
    assert await own.told() == []
    mail = await ann.deliver(make_message())
    assert await own.told() == [
        ("mail.delivered", {"folderId": ann.inbox, "mailId": mail}),
        counters(ann.inbox, 2, 2),
    ]
    assert (await own.change(folderId=None))["folderId"] is None
    await ann.deliver(make_message())
    assert await own.told() == []


async def test_a_reader_is_told_what_he_sees(ann: User, ben: User, world: World, receiver: Receiver) -> None:
    carl = await world.add_account("carl@example.test")
    top = await make_folder(ann, "Top")
    mails = [await ann.deliver(make_message(subject=f"{number}")) for number in range(3)]
    for reader in (ben, carl):
        await share(ann, ann.inbox, reader, "lrsw")
    hook = await make_hook(ben, ann.inbox, receiver)
    # What is unread is each one's own: neither the owner's marks are told nor other readers'.
    await patch(ann, mails[0], isUnread=False)
    await patch(carl, mails[0], isUnread=False)
    assert await hook.told() == []
    await patch(ben, mails[1], isUnread=False)
    seen = {"mailId": mails[1], "isUnread": False, "isFlagged": False}
    assert await hook.told() == [changed("flags", ann.inbox, **seen), counters(ann.inbox, 2, 3)]
    await patch(ann, mails[0], isFlagged=True, isUnread=True)
    flagged = {"mailId": mails[0], "isUnread": True, "isFlagged": True}
    assert await hook.told() == [changed("flags", ann.inbox, **flagged)]
    await patch(carl, mails[1], isFlagged=True)
    assert await hook.told() == [changed("flags", ann.inbox, **seen | {"isFlagged": True})]
    # Labels are their owner's.
    label = (await ann.client.post("/api/v1/labels", json={"name": "Mine"})).json()["id"]
    labelled = await ann.client.post(f"/api/v1/mails/{mails[0]}/labels", json={"labelId": label})
    assert labelled.status_code == 200, labelled.text
    assert await hook.told() == []
    # Where a mail goes, and where it came from, is not his to know.
    hidden = await move(ann, mails[1], top)
    [gone, count] = await hook.told()
    assert gone == ("mail.removed", {"folderId": ann.inbox, "mails": [{"mailId": mails[1]}]})
    assert count == counters(ann.inbox, 2, 2)
    back = await move(ann, hidden, ann.inbox)
    assert await hook.told() == [changed("created", ann.inbox, mailId=back), counters(ann.inbox, 3, 3)]
    await ann.client.delete(f"/api/v1/mails/{back}?permanent=true")
    [gone, count] = await hook.told()
    assert gone[1]["mails"] == [{"mailId": back}]
    assert count == counters(ann.inbox, 2, 2)


async def test_the_folder_itself(ann: User, ben: User, receiver: Receiver) -> None:
    top = await make_folder(ann, "Top")
    below = await make_folder(ann, "Below", top)
    await share(ann, below, ben, "lr")
    hook = await make_hook(ben, below, receiver)
    container = f"{ann.account.account_id}_1"
    await ann.client.patch(f"/api/v1/folders/{top}", json={"name": "Hidden"})
    assert await hook.told() == []
    await ann.client.patch(f"/api/v1/folders/{below}", json={"name": "Renamed"})
    places = {"parentId": container, "oldParentId": container}
    told = {"change": "renamed", "folderId": below, "name": "Renamed", "oldName": "Below", **places}
    assert await hook.told() == [("folder.changed", told)]
    # From one place that he does not see to another nothing has changed for him.
    await ann.client.post(f"/api/v1/folders/{below}/move", json={"parentId": container})
    assert await hook.told() == []
    await share(ann, top, ben, "l")
    await ann.client.post(f"/api/v1/folders/{below}/move", json={"parentId": top})
    [(_, moved)] = await hook.told()
    assert (moved["change"], moved["parentId"], moved["oldParentId"]) == ("moved", top, container)


async def test_it_ends_with_the_permission(ann: User, ben: User, receiver: Receiver) -> None:
    await share(ann, ann.inbox, ben, "lr")
    hook = await make_hook(ben, ann.inbox, receiver)
    await ann.deliver(make_message())
    # Taken away before it was told: it counts at once.
    await share(ann, ann.inbox, ben, "l")
    await ann.deliver(make_message())
    assert await hook.told() == []
    shown = await ben.get(hook.path)
    assert shown["enabled"] is False
    assert shown["failure"]["message"] == "switched off: its folder can no longer be read"
    assert await refuse(ben.client.patch(hook.path, json={"enabled": True})) == "notPermitted"
    assert await refuse(ben.client.post(f"{hook.path}/replay", json={"from": "1"})) == "notPermitted"
    await share(ann, ann.inbox, ben, "")
    assert await refuse(ben.client.patch(hook.path, json={"enabled": True})) == "notFound"
    # Given back, it goes on from where it was.
    await share(ann, ann.inbox, "@example.test", "lr")
    assert (await hook.change(enabled=True))["failure"] is None
    kinds = [kind for kind, _ in await hook.told()]
    assert kinds == ["mail.delivered", "counters.changed"] * 2
    again = await ben.client.post(f"{hook.path}/replay", json={"from": "1"})
    assert (again.status_code, again.json()["complete"]) == (200, True)
    assert [kind for kind, _ in await hook.told()].count("mail.delivered") == 2
    gone = await ann.client.delete(f"/api/v1/folders/{ann.inbox}/permissions?account=@example.test")
    assert gone.status_code == 200
    await ann.deliver(make_message())
    assert await hook.told() == []
    assert (await ben.get(hook.path))["enabled"] is False


async def test_a_folder_that_is_gone(ann: User, ben: User, world: World, receiver: Receiver) -> None:
    top = await make_folder(ann, "Top")
    await share(ann, top, ben, "lr")
    await share(ann, ann.inbox, ben, "lr")
    hooks = [await make_hook(ben, folder, receiver) for folder in (top, ann.inbox)]
    for _ in range(2):  # To Trash, then for good.
        assert (await ann.client.delete(f"/api/v1/folders/{top}")).status_code == 200
    assert await hooks[0].told() == []
    assert (await ben.get(hooks[0].path))["enabled"] is False
    assert (await ben.get(hooks[1].path))["enabled"] is True
    await world.directory.remove_account(ann.account.address)
    assert await hooks[1].told() == []
    shown = await ben.get(hooks[1].path)
    assert (shown["enabled"], shown["failure"]["message"]) == (False, "switched off: its folder is gone")
