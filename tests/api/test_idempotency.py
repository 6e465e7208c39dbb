"""Calls with an Idempotency-Key: done once, answered alike, in every process."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.routes import HTTPRoute

from postroom.api.idempotency import WRITING_METHODS, OncePerKey
from postroom.api.openapi import iter_endpoints
from postroom.api.operation import Access
from postroom.api.settings import APISettings
from postroom.config.classes import AccountClass
from postroom.domain.calls import KEPT_SECONDS, purge_calls
from postroom.domain.check import check_store
from postroom.errors import PostroomError, unavailable
from postroom.store import Store, open_store
from postroom.store.tx import Transaction
from tests.api.live import serving
from tests.api.world import User, World, make_message, make_world

LABELS = "/api/v1/labels"
REPLAYED = "idempotency-replayed"
UNREMEMBERED = {
    "checkPassword": "its answer is a secret",
    "login": "no account is known before it, and its answer is a secret",
    "loginWithCookie": "no account is known before it, and its answer is a secret",
    "logout": "the session that it names is gone afterwards",
    "passSecondStep": "a code counts once, and a wrong one must be counted",
    "queryPartData": "it changes nothing",
    "recoverPassword": "no account is known before it",
    "recoverUsername": "no account is known before it",
    "sendRecoveryToken": "no account is known before it",
    "validateRecoveryToken": "no account is known before it",
}
"""Operations of writing methods that are made again, and why. This list may only shrink."""


async def call(
    user: User, method: str, path: str, *, key: str | None = "k", **options: Any
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await user.client.request(method, path, headers=headers, **options)


async def count_labels(user: User) -> int:
    return len((await user.get(LABELS))["items"])


class TestFewCalls:
    """A class of which few calls are remembered."""

    @pytest.fixture
    def classes(self) -> dict[str, AccountClass]:
        return {"default": AccountClass(remembered_calls=100)}

    async def test_the_oldest_are_forgotten(self, ann: User, ben: User) -> None:
        store, path = ann.world.store, "/api/v1/account/settings"
        await call(ben, "PATCH", path, json={"saveToSent": False})
        for number in range(130):
            ann.world.clock.now += 0.01
            await call(ann, "PATCH", path, key=f"k{number}", json={"saveToSent": bool(number % 2)})
        assert await count_remembered(store) == 101
        for number, is_known in ((129, True), (31, True), (28, False), (0, False)):
            body = {"saveToSent": bool(number % 2)}
            response = await call(ann, "PATCH", path, key=f"k{number}", json=body)
            assert response.is_success
            assert (REPLAYED in response.headers) is is_known
        assert REPLAYED in (await call(ben, "PATCH", path, json={"saveToSent": False})).headers


async def count_remembered(store: Store) -> int:
    async with store.engine.peek() as connection:
        return int(await connection.fetch_value("SELECT count(*) FROM remembered_call"))


def test_every_writing_route_goes_through_it(world: World) -> None:
    unremembered = set()
    seen = 0
    for endpoint in iter_endpoints(world.app.app.router.routes):
        if endpoint.method not in WRITING_METHODS:
            assert not endpoint.declared.unremembered
            continue
        seen += 1
        assert endpoint.handler.resolve_middleware() == [OncePerKey], endpoint
        if endpoint.declared.unremembered or endpoint.declared.access is not Access.ACCOUNT:
            unremembered.add(endpoint.declared.operation_id)
    assert seen > 35
    assert unremembered == set(UNREMEMBERED)
    for route in world.app.app.router.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                assert "operation" in handler.opt or WRITING_METHODS.isdisjoint(handler.http_methods)


async def test_a_call_is_made_once(ann: User) -> None:
    first = await call(ann, "POST", LABELS, json={"name": "One"})
    assert first.status_code == 200
    assert REPLAYED not in first.headers
    again = await call(ann, "POST", LABELS, json={"name": "One"})
    slashed = await call(ann, "POST", f"{LABELS}/", json={"name": "One"})
    for response in (again, slashed):
        assert (response.status_code, response.content) == (200, first.content)
        assert response.headers[REPLAYED] == "true"
        for name in ("etag", "content-type", "cache-control", "content-length"):
            assert response.headers[name] == first.headers[name]
        assert response.headers["x-request-id"] != first.headers["x-request-id"]
    assert await count_labels(ann) == 1
    assert (await call(ann, "POST", LABELS, key="other", json={"name": "One"})).status_code == 409
    assert (await call(ann, "POST", LABELS, key=None, json={"name": "One"})).status_code == 409


async def test_another_call_with_the_key_is_refused(ann: User) -> None:
    label = (await call(ann, "POST", LABELS, json={"name": "One"})).json()["id"]
    others: list[tuple[str, str, Any]] = [
        ("POST", LABELS, {"name": "Two"}),
        ("POST", f"{LABELS}?a=1", {"name": "One"}),
        ("PUT", f"{LABELS}/{label}", {"name": "One"}),
        ("DELETE", f"{LABELS}/{label}", None),
        ("POST", LABELS, {}),
        ("PATCH", "/api/v1/account/settings", {"theme": "ocean"}),
    ]
    for method, path, body in others:
        response = await call(ann, method, path, json=body)
        assert (response.status_code, response.json()["errorCode"]) == (409, "conflict"), path
        assert REPLAYED not in response.headers
    assert (await ann.get(LABELS))["items"] == [{"id": label, "name": "One"}]


async def test_keys_are_of_an_account(ann: User, ben: User) -> None:
    for user in (ann, ben):
        response = await call(user, "POST", LABELS, json={"name": user.account.address})
        assert REPLAYED not in response.headers
        assert response.json()["name"] == user.account.address


async def test_failed_calls_are_not_remembered(ann: User) -> None:
    path = f"{LABELS}/{ann.account.account_id}_1"
    assert (await call(ann, "PUT", path, json={"name": "One"})).status_code == 404
    assert (await call(ann, "PUT", path, json={"name": ""})).status_code == 400
    assert (await call(ann, "PUT", path, json={"nam": ""})).status_code == 400
    assert await count_remembered(ann.world.store) == 0
    await call(ann, "POST", LABELS, key=None, json={"name": "Zero"})
    response = await call(ann, "PUT", path, json={"name": "One"})
    assert response.status_code == 200
    assert REPLAYED not in response.headers
    assert (await call(ann, "PUT", path, json={"name": "One"})).headers[REPLAYED] == "true"


@pytest.mark.parametrize("key", ["", " ", "a b", "a" * 129, "ä", "a\tb", "\x7f"])
async def test_bad_keys(ann: User, key: str) -> None:
    for path, body in [(LABELS, {"name": "One"}), ("/api/v1/login", None), ("/api/v1/logout", None)]:
        response = await ann.client.post(path, json=body, headers=[(b"Idempotency-Key", key.encode())])
        assert response.status_code == 400
        assert response.json()["details"] == {"parameter": "Idempotency-Key"}
    assert await count_labels(ann) == 0


async def test_good_keys(ann: User) -> None:
    keys = ["a", "~" * 128, '"8e03978e-40d5-43e8-bc93-6894a57f9324"', "!#$%&'()*+,-./:;<=>?@[]^_`{|}~\\"]
    for number, key in enumerate(keys):
        for replayed in (False, True):
            response = await call(ann, "POST", LABELS, key=key, json={"name": str(number)})
            assert response.status_code == 200
            assert (REPLAYED in response.headers) is replayed


async def test_credentials_come_first(ann: User) -> None:
    await call(ann, "POST", LABELS, json={"name": "One"})
    stranger = ann.world.connect()
    response = await stranger.post(LABELS, json={"name": "One"}, headers={"Idempotency-Key": "k"})
    assert response.status_code == 401


async def test_reading_takes_no_notice(ann: User) -> None:
    for _ in range(2):
        response = await call(ann, "GET", LABELS)
        assert (response.status_code, REPLAYED in response.headers) == (200, False)
    assert (await call(ann, "GET", LABELS, key="a b")).status_code == 200
    assert await count_remembered(ann.world.store) == 0


async def test_sessions_are_not_remembered(ann: User) -> None:
    first, second = [(await call(ann, "POST", "/api/v1/login")).json()["sessid"] for _ in range(2)]
    assert first != second
    for session in (first, second):
        headers = {"Idempotency-Key": "k", "X-Axigen-Session": session}
        assert (await ann.client.post("/api/v1/logout", headers=headers)).status_code == 200
    assert await count_remembered(ann.world.store) == 0


async def test_calls_that_change_nothing_are_remembered(ann: User) -> None:
    for replayed in (False, True):
        response = await call(ann, "PATCH", "/api/v1/account/settings", json={})
        assert (response.status_code, response.content) == (200, b"")
        assert (REPLAYED in response.headers) is replayed
    response = await call(ann, "PATCH", "/api/v1/account/settings", json={"theme": "ocean"})
    assert response.status_code == 409


async def test_answers_that_show_a_secret_are_not_kept(ann: User) -> None:
    issued = await call(ann, "POST", "/api/v1/events/ticket")
    assert issued.status_code == 200
    again = await call(ann, "POST", "/api/v1/events/ticket")
    assert (again.status_code, again.json()["errorCode"]) == (409, "conflict")
    async with ann.world.store.engine.peek() as connection:
        rows = await connection.fetch_all("SELECT body FROM remembered_call")
    assert [bytes(row[0]) for row in rows] == [b""]


# Mails, folders, batches, undo


async def test_moves_and_copies(ann: User) -> None:
    mail = await ann.deliver(make_message())
    target = f"{ann.account.account_id}_4"
    body = {"destinationFolderId": target}
    copies = [await call(ann, "POST", f"/api/v1/mails/{mail}/copy", key="copy", json=body) for _ in range(3)]
    assert len({response.content for response in copies}) == 1
    moves = [await call(ann, "POST", f"/api/v1/mails/{mail}/move", key="move", json=body) for _ in range(3)]
    # The mail is not there any more, and the answer is still known.
    assert [response.status_code for response in moves] == [200] * 3
    assert len({response.content for response in moves}) == 1
    assert (await ann.get(f"/api/v1/folders/{target}"))["totalItems"] == 2
    assert (await ann.client.post(f"/api/v1/mails/{mail}/move", json=body)).status_code == 404


async def test_folders(ann: User) -> None:
    for name in ("made", "made"):
        response = await call(ann, "POST", "/api/v1/folders", key="make", json={"name": name})
        assert response.status_code == 200
    folder = response.json()["id"]
    for _ in range(2):
        assert (await call(ann, "DELETE", f"/api/v1/folders/{folder}", key="one")).status_code == 200
    for _ in range(2):
        assert (await call(ann, "DELETE", f"/api/v1/folders/{folder}", key="two")).status_code == 200
    await ann.world.domain.doomed.wait()
    assert (await ann.client.get(f"/api/v1/folders/{folder}")).status_code == 404
    assert not (await check_store(ann.world.store)).findings


@pytest.mark.parametrize("count", [3, 501])
async def test_batches(ann: User, count: int) -> None:
    mails = await add_mails(ann, count)
    body = {"ids": mails, "destinationFolderId": f"{ann.account.account_id}_4"}
    first = await call(ann, "POST", "/api/v1/batch/mails/copy", json=body)
    assert first.status_code == (200 if count <= 500 else 201)
    again = await call(ann, "POST", "/api/v1/batch/mails/copy", json=body)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers[REPLAYED] == "true"
    await wait_for_jobs(ann.world)
    assert (await ann.get(f"/api/v1/folders/{ann.account.account_id}_4"))["totalItems"] == count


async def test_a_batch_whose_answer_was_lost(ann: User) -> None:
    mails = await add_mails(ann, 3)
    body = {"ids": mails, "destinationFolderId": f"{ann.account.account_id}_4"}
    first = await call(ann, "POST", "/api/v1/batch/mails/copy", json=body)
    await forget_answer(ann.world.store)
    again = await call(ann, "POST", "/api/v1/batch/mails/copy", json=body)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers[REPLAYED] == "true"
    assert (await ann.get(f"/api/v1/folders/{ann.account.account_id}_4"))["totalItems"] == 3
    await forget_answer(ann.world.store)
    async with ann.world.store.engine.write() as connection:
        await connection.execute("DELETE FROM job")
    gone = await call(ann, "POST", "/api/v1/batch/mails/copy", json=body)
    assert (gone.status_code, gone.json()["errorCode"]) == (409, "conflict")


@pytest.mark.parametrize("count", [1, 2, 120])
async def test_undo_that_fails_in_part_is_done_once(ann: User, count: int) -> None:
    session = (await ann.client.post("/api/v1/login")).json()["sessid"]
    ann.client.headers["X-Axigen-Session"] = session
    mails = await add_mails(ann, count + 1)
    sent, trash = (f"{ann.account.account_id}_{number}" for number in (4, 5))
    # Two operations are on the stack; the second cannot be taken back, its mail having gone.
    await ann.client.post(f"/api/v1/mails/{mails[0]}/copy", json={"destinationFolderId": sent})
    moved = await ann.client.post(
        "/api/v1/batch/mails/move", json={"ids": mails[1:], "destinationFolderId": trash}
    )
    assert moved.json()["failedItems"] == []
    found = (await ann.get("/api/v1/mails", folderId=trash, limit=1000))["items"]
    gone = await ann.client.delete(f"/api/v1/mails/{found[0]['id']}", params={"permanent": "true"})
    assert gone.status_code == 200
    answers = [await call(ann, "POST", "/api/v1/undo") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [409] * 3
    assert len({answer.content for answer in answers}) == 1
    assert len(answers[0].json()["details"]["failedItems"]) == 1
    assert [REPLAYED in answer.headers for answer in answers] == [False, True, True]
    assert (await ann.get(f"/api/v1/folders/{sent}"))["totalItems"] == 1
    assert (await ann.get(f"/api/v1/folders/{trash}"))["totalItems"] == 0
    assert not (await check_store(ann.world.store)).findings


async def add_mails(user: User, count: int) -> list[str]:
    """Put mails into the Inbox and return their ids."""
    first = await user.deliver(make_message())
    for _ in range(count - 1):
        await user.client.post(f"/api/v1/mails/{first}/copy", json={})
    page = await user.get("/api/v1/mails", folderId=user.inbox, limit=1000)
    assert len(page["items"]) == count
    return [mail["id"] for mail in page["items"]]


async def wait_for_jobs(world: World) -> None:
    await asyncio.gather(*world.domain.jobs._running.values())


async def forget_answer(store: Store) -> None:
    """Make the store what it is where a server died before it had stored the answer of a job."""
    async with store.engine.write() as connection:
        await connection.execute("UPDATE remembered_call SET status = 0, headers = $1, body = $1", b"")


# When things go wrong


async def test_what_fails_in_the_end_was_not_done(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Any:
        raise RuntimeError("rendering fails")

    with monkeypatch.context() as patched:
        patched.setattr("postroom.api.routes.labels.render_label", refuse)
        assert (await call(ann, "POST", LABELS, json={"name": "One"})).status_code == 500
    assert await count_labels(ann) == 0
    assert await count_remembered(ann.world.store) == 0
    response = await call(ann, "POST", LABELS, json={"name": "One"})
    assert (response.status_code, REPLAYED in response.headers) == (200, False)


async def test_a_store_that_fails(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: Transaction, *_: object, **__: object) -> None:
        raise unavailable("the store cannot be written")

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "log", fail)
        assert (await call(ann, "POST", LABELS, json={"name": "One"})).status_code == 503
    assert await count_remembered(ann.world.store) == 0
    assert (await call(ann, "POST", LABELS, json={"name": "One"})).status_code == 200


async def test_a_call_that_waits_for_another_task_is_given_up(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ann.world.domain.labels.create

    async def create_and_wait(*args: Any) -> Any:
        made = await create(*args)
        await asyncio.create_task(asyncio.Event().wait())
        return made

    with monkeypatch.context() as patched:
        patched.setattr("postroom.store.joined.HOLD_SECONDS", 0.05)
        patched.setattr(ann.world.domain.labels, "create", create_and_wait)
        assert (await call(ann, "POST", LABELS, json={"name": "One"})).status_code == 503
    assert await count_labels(ann) == 0
    assert (await call(ann, "POST", LABELS, json={"name": "One"})).status_code == 200


async def test_other_tasks_have_no_part_in_it(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a handler starts goes on by itself, and sees what is committed alone."""
    seen: list[int] = []
    create = ann.world.domain.labels.create

    async def look() -> None:
        async with ann.world.store.peek(ann.account.account_id) as mailbox:
            seen.append(len(await mailbox.labels.list_all()))

    async def create_and_start(*args: Any) -> Any:
        made = await create(*args)
        await asyncio.create_task(look())
        async with ann.world.store.peek(ann.account.account_id) as mailbox:
            seen.append(len(await mailbox.labels.list_all()))
        return made

    monkeypatch.setattr(ann.world.domain.labels, "create", create_and_start)
    assert (await call(ann, "POST", LABELS, json={"name": "One"})).status_code == 200
    assert seen == [0, 1]


async def test_old_calls_are_forgotten(ann: User) -> None:
    store = ann.world.store
    for number in range(3):
        await call(ann, "POST", LABELS, key=str(number), json={"name": str(number)})
    assert await purge_calls(store, now=ann.world.clock) == 0
    async with store.engine.write() as connection:
        await connection.execute(
            "UPDATE remembered_call SET called_at = called_at - $1 WHERE call_key <> '2'",
            (KEPT_SECONDS + 60) * 1000,
        )
    assert await purge_calls(store, now=ann.world.clock) == 2
    assert (await call(ann, "POST", LABELS, key="0", json={"name": "0"})).status_code == 409
    assert (await call(ann, "POST", LABELS, key="2", json={"name": "2"})).headers[REPLAYED] == "true"


async def test_an_account_that_is_removed_takes_its_calls_along(ann: User, ben: User) -> None:
    for user in (ann, ben):
        await call(user, "POST", LABELS, json={"name": "One"})
    await ann.world.directory.remove_account(ann.account.address)
    assert await count_remembered(ann.world.store) == 1


# Several calls at once, over real HTTP, in several processes' worth of servers


@dataclass
class Node:
    """A server of its own over the same store: its own engine, domain and memory."""

    url: str
    world: World


@contextlib.asynccontextmanager
async def run_node(store_url: str, folder: Path) -> AsyncIterator[Node]:
    store = await open_store(store_url, folder, connections=4)
    with contextlib.suppress(PostroomError):
        # The second finds the domain there.
        world = await make_world(store, APISettings(), {"default": AccountClass()})
    try:
        async with serving(world) as live:
            yield Node(live.url, world)
    finally:
        await world.close()
        await store.close()


async def test_calls_at_once(store_url: str, tmp_path: Path) -> None:
    async with run_node(store_url, tmp_path / "data") as node:
        user = await node.world.add_account("ann@example.test")
        headers = {"Authorization": user.client.headers["Authorization"]}
        async with httpx.AsyncClient(base_url=node.url, headers=headers) as client:
            await client.get(LABELS)

            async def make(number: int, name: str) -> httpx.Response:
                return await client.post(
                    LABELS, json={"name": name}, headers={"Idempotency-Key": f"key-{number}"}
                )

            for number in range(5):
                found = await asyncio.gather(*(make(number, f"n{number}") for _ in range(8)))
                assert {one.status_code for one in found} == {200}, [one.text for one in found]
                assert len({one.content for one in found}) == 1
                assert sum(REPLAYED in one.headers for one in found) == 7
            mixed = await asyncio.gather(*(make(99, name) for name in ("a", "b", "a", "b")))
            assert sorted(one.status_code for one in mixed) == [200, 200, 409, 409]
            assert len((await client.get(LABELS)).json()["items"]) == 6


async def test_calls_to_several_servers(store_url: str, tmp_path: Path) -> None:
    """Two nodes over one store (the file locks of SQLite, the locks of PostgreSQL), then a third after both."""
    folder = tmp_path / "data"
    async with run_node(store_url, folder) as first:
        user = await first.world.add_account("ann@example.test")
        mail = await user.deliver(make_message())
        headers = {"Authorization": user.client.headers["Authorization"]}
        path, body = f"/api/v1/mails/{mail}/move", {"destinationFolderId": f"{user.account.account_id}_4"}

        async def move(url: str) -> httpx.Response:
            async with httpx.AsyncClient(base_url=url, headers=headers) as client:
                return await client.post(path, json=body, headers={"Idempotency-Key": "k"})

        async with run_node(store_url, folder) as second:
            urls = itertools.islice(itertools.cycle([first.url, second.url]), 10)
            found = await asyncio.gather(*(move(url) for url in urls))
            assert {one.status_code for one in found} == {200}, [one.text for one in found]
            assert len({one.content for one in found}) == 1
            assert sum(REPLAYED in one.headers for one in found) == 9
    async with run_node(store_url, folder) as third:
        again = await move(third.url)
        assert (again.status_code, again.content) == (200, found[0].content)
        assert again.headers[REPLAYED] == "true"
