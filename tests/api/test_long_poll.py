"""Counters that are held back until they differ (``Prefer: wait``)."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from postroom.domain import counters
from postroom.domain.directory import AccountSettings
from tests.api.live import PATIENCE_SECONDS, Live, serving
from tests.api.world import User, World, make_message

PATH = "/api/v1/mails/counters"
FORMS = [{}, {"folders": "all"}, {"labels": "all", "folders": "all"}, {"unknown": "1"}]
SOON_SECONDS = 2.0


@pytest.fixture
async def live(world: World) -> AsyncIterator[Live]:
    """The server, over a socket."""
    async with serving(world) as running:
        yield running


@pytest.fixture
async def client(live: Live, ann: User) -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls as Ann."""
    async with httpx.AsyncClient(
        base_url=live.url, headers=ann.client.headers, timeout=PATIENCE_SECONDS
    ) as made:
        yield made


async def wait_with(client: httpx.AsyncClient, etag: str, seconds: object, **query: str) -> httpx.Response:
    headers = {"If-None-Match": etag, "Prefer": f"wait={seconds}"}
    return await client.get(PATH, params=query, headers=headers)


async def hold(world: World, waiting: "asyncio.Task[httpx.Response]") -> None:
    """Return when a call is being held."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not world.domain.news._listeners:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert not waiting.done()


async def until_free(world: World) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while world.domain.news._taken:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.01)
    assert world.domain.news._listeners == {}


@pytest.mark.parametrize("query", FORMS)
async def test_answers_when_the_figure_differs(
    client: httpx.AsyncClient, ann: User, query: dict[str, str]
) -> None:
    etag = (await client.get(PATH, params=query)).headers["etag"]
    waiting = asyncio.create_task(wait_with(client, etag, 60, **query))
    await hold(ann.world, waiting)
    started = time.monotonic()
    await ann.deliver(make_message())
    answer = await waiting
    assert time.monotonic() - started < SOON_SECONDS
    assert answer.status_code == 200
    assert answer.json()["unreadCount"] == 1
    assert answer.headers["etag"] != etag
    assert answer.headers["preference-applied"] == "wait=60"
    await until_free(ann.world)


async def test_what_changes_no_figure_is_not_answered(client: httpx.AsyncClient, ann: User) -> None:
    mail = await ann.deliver(make_message())
    etag = (await client.get(PATH)).headers["etag"]
    waiting = asyncio.create_task(wait_with(client, etag, 60))
    await hold(ann.world, waiting)
    await ann.client.patch(f"/api/v1/mails/{mail}", json={"isFlagged": True})
    await hold(ann.world, waiting)
    await ann.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False})
    assert (await waiting).json() == {"unreadCount": 0}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_time_is_over(client: httpx.AsyncClient, ann: User, method: str) -> None:
    etag = (await client.get(PATH)).headers["etag"]
    started = time.monotonic()
    headers = {"If-None-Match": etag, "Prefer": "wait=1"}
    answer = await client.request(method, PATH, headers=headers)
    assert time.monotonic() - started >= 1
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag
    assert answer.headers["preference-applied"] == "wait=1"
    await until_free(ann.world)


async def test_answers_at_once_where_there_is_nothing_to_wait_for(
    client: httpx.AsyncClient, ann: User
) -> None:
    etag = (await client.get(PATH)).headers["etag"]
    for given, status, applied in [
        ({"Prefer": "wait=60"}, 200, None),
        ({"Prefer": "wait=60", "If-None-Match": '"other"'}, 200, "wait=60"),
        ({"Prefer": "wait=0", "If-None-Match": etag}, 304, "wait=0"),
        ({"Prefer": "wait=soon", "If-None-Match": etag}, 304, None),
        ({"Prefer": "wait=-1", "If-None-Match": etag}, 304, None),
        ({"Prefer": "respond-async", "If-None-Match": etag}, 304, None),
    ]:
        answer = await client.get(PATH, headers=given)
        assert answer.status_code == status
        assert answer.headers.get("preference-applied") == applied
    await until_free(ann.world)


async def test_larger_wishes_are_cut(client: httpx.AsyncClient, ann: User) -> None:
    answer = await wait_with(client, '"other"', 10**6)
    assert answer.headers["preference-applied"] == "wait=300"
    assert ann.account.account_id


async def test_a_client_that_goes_is_forgotten(client: httpx.AsyncClient, ann: User) -> None:
    etag = (await client.get(PATH)).headers["etag"]
    waiting = asyncio.create_task(wait_with(client, etag, 60))
    await hold(ann.world, waiting)
    waiting.cancel()
    await until_free(ann.world)


@pytest.mark.parametrize("way", ["password", "disabled", "removed", "logout"])
async def test_login_that_ends_meanwhile(client: httpx.AsyncClient, ann: User, way: str) -> None:
    directory = ann.world.directory
    if way == "logout":
        sessid = (await ann.client.post("/api/v1/login")).json()["sessid"]
        client.headers["X-Axigen-Session"] = sessid
    etag = (await client.get(PATH)).headers["etag"]
    waiting = asyncio.create_task(wait_with(client, etag, 60))
    await hold(ann.world, waiting)
    if way == "password":
        await directory.set_account("ann@example.test", AccountSettings(password="another"))
    elif way == "disabled":
        await directory.set_enabled("ann@example.test", enabled=False)
    elif way == "removed":
        await directory.remove_account("ann@example.test")
    else:
        await ann.client.post("/api/v1/logout", headers={"X-Axigen-Session": sessid})
    answer = await waiting
    assert answer.status_code == 401
    assert answer.json()["errorCode"] == "notAuthenticated"
    await until_free(ann.world)


async def test_login_that_changes_and_stays_right(client: httpx.AsyncClient, ann: User) -> None:
    etag = (await client.get(PATH)).headers["etag"]
    waiting = asyncio.create_task(wait_with(client, etag, 60))
    await hold(ann.world, waiting)
    await ann.world.directory.set_account("ann@example.test", AccountSettings(full_name="Another"))
    await hold(ann.world, waiting)
    await ann.deliver(make_message())
    assert (await waiting).json() == {"unreadCount": 1}


async def test_places_are_limited(
    client: httpx.AsyncClient, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ann.world.domain.news, "_max_per_account", 1)
    etag = (await client.get(PATH)).headers["etag"]
    waiting = asyncio.create_task(wait_with(client, etag, 60))
    await hold(ann.world, waiting)
    refused = await wait_with(client, etag, 60)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert (await client.get(PATH)).status_code == 200
    await ann.deliver(make_message())
    assert (await waiting).status_code == 200


async def test_what_nobody_told_is_found(
    client: httpx.AsyncClient, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "LOOK_SECONDS", 0.1)
    etag = (await client.get(PATH)).headers["etag"]
    waiting = asyncio.create_task(wait_with(client, etag, 60))
    await hold(ann.world, waiting)
    monkeypatch.setattr(ann.world.domain.news, "_listeners", {})
    await ann.deliver(make_message())
    assert (await waiting).json() == {"unreadCount": 1}


async def test_the_server_stops(world: World, ann: User) -> None:
    async with (
        serving(world) as live,
        httpx.AsyncClient(base_url=live.url, headers=ann.client.headers) as client,
    ):
        etag = (await client.get(PATH)).headers["etag"]
        waiting = asyncio.create_task(wait_with(client, etag, 60))
        await hold(world, waiting)
        world.domain.news.close()
        assert (await waiting).status_code == 304
