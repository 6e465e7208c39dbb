"""The resource of webhooks: made, listed, changed, removed, started again."""

import base64
from typing import Any

import httpx
import pytest

from postroom.domain.webhooks import MAX_HOOKS
from postroom.model.webhook import KINDS
from tests.api.world import User, World, make_message

PATH = "/api/v1/account/webhooks"
URL = "https://hooks.example.com/mail?token=abc"


async def make(user: User, **body: Any) -> Any:
    response = await user.client.post(PATH, json={"url": URL, **body})
    assert response.status_code == 200, response.text
    return response.json()


def assert_bad(response: httpx.Response, parameter: str) -> None:
    assert response.status_code == 400, response.text
    assert response.json()["errorCode"] == "badParameter"
    assert response.json()["details"] == {"parameter": parameter}


async def test_life_of_a_webhook(ann: User) -> None:
    response = await ann.client.post(PATH, json={"url": URL})
    assert response.headers["cache-control"] == "no-store"
    made = response.json()
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert made == {
        "id": made["id"],
        "url": URL,
        "kinds": list(KINDS),
        "folderId": None,
        "enabled": True,
        "lastDelivery": None,
        "failure": None,
    }
    one = f"{PATH}/{made['id']}"
    assert await ann.get(one) == made
    assert await ann.get(PATH) == {"items": [made]}
    change = {"kinds": ["mail.removed", "mail.delivered"], "folderId": ann.inbox, "enabled": False}
    changed = (await ann.client.patch(one, json=change)).json()
    assert changed == {**made, **change, "kinds": ["mail.delivered", "mail.removed"]}
    assert await ann.get(one) == changed
    wider = (await ann.client.patch(one, json={"folderId": None, "url": "http://example.org/"})).json()
    assert wider == {**changed, "folderId": None, "url": "http://example.org/"}
    assert (await ann.client.patch(one, json={})).json() == wider
    deleted = await ann.client.delete(one)
    assert (deleted.status_code, deleted.content) == (200, b"")
    assert (await ann.client.get(one)).status_code == 404
    assert (await ann.client.delete(one)).status_code == 404
    assert await ann.get(PATH) == {"items": []}


async def test_etags(ann: User) -> None:
    hook = await make(ann)
    for path in (PATH, f"{PATH}/{hook['id']}"):
        tag = (await ann.client.get(path)).headers["etag"]
        assert (await ann.client.get(path, headers={"If-None-Match": tag})).status_code == 304
        await ann.client.patch(f"{PATH}/{hook['id']}", json={"url": f"https://a.example/{len(path)}"})
        assert (await ann.client.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_secrets_differ_and_are_not_stored(world: World, ann: User) -> None:
    secrets = [(await make(ann))["secret"] for _ in range(2)]
    assert secrets[0] != secrets[1]
    async with world.store.directory() as directory:
        for hook in await directory.webhooks.list_of(ann.account.account_id):
            assert base64.b64decode(secrets[0].removeprefix("whsec_")) not in hook.nonce
            assert world.domain.webhooks.secret_of(hook) in secrets


async def test_a_secret_is_not_kept_for_repeated_calls(world: World, ann: User) -> None:
    headers = {"Idempotency-Key": "one"}
    made = (await ann.client.post(PATH, json={"url": URL}, headers=headers)).json()
    again = await ann.client.post(PATH, json={"url": URL}, headers=headers)
    assert (again.status_code, again.json()["errorCode"]) == (409, "conflict")
    assert [hook["id"] for hook in (await ann.get(PATH))["items"]] == [made["id"]]
    async with world.store.directory() as directory:
        kept = await directory.remembered_calls.find(ann.account.account_id, "one")
    assert kept is not None
    assert made["secret"].encode() not in kept.body


async def test_lists_are_in_order_and_short(world: World, ann: User) -> None:
    made = [await make(ann, url=f"https://example.com/{number}") for number in range(MAX_HOOKS)]
    listed = (await ann.get(PATH))["items"]
    assert sorted(hook["id"] for hook in made) == sorted(hook["id"] for hook in listed)
    full = await ann.client.post(PATH, json={"url": URL})
    assert (full.status_code, full.json()["errorCode"]) == (409, "conflict")
    await ann.client.delete(f"{PATH}/{made[0]['id']}")
    await make(ann)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "url"),
        ({"url": 1}, "url"),
        ({"url": None}, "url"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://user:password@example.com"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://[::1]/"}, "url"),
        ({"url": "https://example.com/" + "a" * 2000}, "url"),
        ({"url": URL, "kinds": []}, "kinds"),
        ({"url": URL, "kinds": ["mail.read"]}, "kinds"),
        ({"url": URL, "kinds": "mail.delivered"}, "kinds"),
        ({"url": URL, "folderId": "x"}, "folderId"),
        ({"url": URL, "folderId": 2}, "folderId"),
        ({"url": URL, "enabled": "yes"}, "enabled"),
        ({"url": URL, "secret": "whsec_abc"}, "secret"),
        ({"url": URL, "id": "1_1"}, "id"),
    ],
)
async def test_what_cannot_be_made(ann: User, body: dict[str, Any], parameter: str) -> None:
    assert_bad(await ann.client.post(PATH, json=body), parameter)
    assert await ann.get(PATH) == {"items": []}


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"url": None}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"kinds": []}, "kinds"),
        ({"kinds": None}, "kinds"),
        ({"folderId": "1"}, "folderId"),
        ({"enabled": None}, "enabled"),
        ({"failure": None}, "failure"),
    ],
)
async def test_what_cannot_be_changed(ann: User, body: dict[str, Any], parameter: str) -> None:
    hook = await make(ann)
    del hook["secret"]
    assert_bad(await ann.client.patch(f"{PATH}/{hook['id']}", json=body), parameter)
    assert await ann.get(f"{PATH}/{hook['id']}") == hook


async def test_folders_that_are_not_there(ann: User, ben: User) -> None:
    hook = await make(ann)
    for folder in (ben.inbox, f"{ann.account.account_id}_999"):
        made = await ann.client.post(PATH, json={"url": URL, "folderId": folder})
        assert (made.status_code, made.json()["errorCode"]) == (404, "notFound")
        changed = await ann.client.patch(f"{PATH}/{hook['id']}", json={"folderId": folder})
        assert (changed.status_code, changed.json()["errorCode"]) == (404, "notFound")


async def test_ids_that_name_nothing(ann: User, ben: User) -> None:
    theirs = await make(ben)
    for webhook, status in [
        (theirs["id"], 404),
        (theirs["id"].replace(f"{ben.account.account_id}_", f"{ann.account.account_id}_"), 404),
        (f"{ann.account.account_id}_1", 404),
        ("1", 400),
        ("x_y", 400),
        (f"{2**63}_1", 400),
    ]:
        path = f"{PATH}/{webhook}"
        responses = [
            await ann.client.get(path),
            await ann.client.patch(path, json={"enabled": False}),
            await ann.client.post(f"{path}/replay", json={"from": 1}),
            await ann.client.delete(path),
        ]
        for response in responses:
            assert response.status_code == status
            if status == 400:
                assert_bad(response, "webhookId")
    assert (await ben.get(f"{PATH}/{theirs['id']}"))["enabled"] is True
    assert await ann.get(PATH) == {"items": []}


async def test_replay_by_position_and_date(world: World, ann: User) -> None:
    hook = await make(ann)
    path = f"{PATH}/{hook['id']}/replay"
    for _ in range(5):
        await ann.deliver(make_message())
    async with world.store.peek(ann.account.account_id) as mailbox:
        entries = await mailbox.operations.list_after(0, limit=10)  # type: ignore[arg-type]
    first, last = entries[0], entries[-1]
    for entry in entries:
        answer = await ann.client.post(path, json={"from": entry.modseq})
        assert answer.json() == {"position": entry.modseq, "complete": True}
    early = await ann.client.post(path, json={"from": 0})
    assert early.json() == {"position": 1, "complete": True}
    past = await ann.client.post(path, json={"from": str(first.done_at // 1000)})
    assert past.json() == {"position": 1, "complete": True}
    now = await ann.client.post(path, json={"from": last.modseq})
    assert now.json() == {"position": last.modseq, "complete": True}


async def test_replay_of_what_is_forgotten(world: World, ann: User) -> None:
    hook = await make(ann)
    path = f"{PATH}/{hook['id']}/replay"
    for _ in range(5):
        await ann.deliver(make_message())
    async with world.store.transaction(ann.account.account_id) as tx:
        assert await tx.operations.purge(before=2**60, limit=3) == 3
        [first, *_] = await tx.operations.list_after(0, limit=1)  # type: ignore[arg-type]
    assert (await ann.client.post(path, json={"from": 2})).json() == {"position": 2, "complete": False}
    assert (await ann.client.post(path, json={"from": "-5"})).json()["complete"] is False
    exact = await ann.client.post(path, json={"from": first.modseq})
    assert exact.json() == {"position": first.modseq, "complete": True}


@pytest.mark.parametrize(
    "start", [None, -1, 1.5, True, "", "x", "01", "1e3", 2**62, "99999999999", "9" * 30, [1], {}]
)
async def test_replay_from_nowhere(ann: User, start: object) -> None:
    hook = await make(ann)
    assert_bad(await ann.client.post(f"{PATH}/{hook['id']}/replay", json={"from": start}), "from")


async def test_replay_needs_a_start(ann: User) -> None:
    hook = await make(ann)
    assert_bad(await ann.client.post(f"{PATH}/{hook['id']}/replay"), "from")


async def test_hooks_go_with_their_account(world: World, ann: User) -> None:
    await make(ann)
    await world.directory.remove_account("ann@example.test")
    async with world.store.directory() as directory:
        assert await directory.webhooks.list_of(ann.account.account_id) == []
