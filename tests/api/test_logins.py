"""Logging in and out."""

import re

import pytest

import postroom
from postroom.domain.directory import AccountSettings
from tests.api.world import PASSWORD, User, World, basic


@pytest.mark.parametrize("path", ["/api", "/api/"])
async def test_versions(world: World, path: str) -> None:
    response = await world.connect().get(path)
    assert response.status_code == 200
    body = response.json()
    assert body == {"apiVersion": body["apiVersion"], "serverVersion": postroom.__version__}
    assert re.fullmatch(r"\d+\.\d+\.\d+", body["apiVersion"])


async def test_login_and_logout(ann: User) -> None:
    response = await ann.client.post("/api/v1/login")
    assert list(response.json()) == ["sessid"]
    assert response.headers["cache-control"] == "no-store"
    headers = {"X-Axigen-Session": response.json()["sessid"]}
    assert (await ann.client.get("/api/v1/folders", headers=headers)).status_code == 200
    ended = await ann.client.post("/api/v1/logout/", headers=headers)
    assert (ended.status_code, ended.content) == (200, b"")
    assert (await ann.client.get("/api/v1/folders", headers=headers)).status_code == 401
    assert (await ann.client.post("/api/v1/logout", headers=headers)).status_code == 401


async def test_logout_needs_a_session(ann: User) -> None:
    response = await ann.client.post("/api/v1/logout")
    assert response.status_code == 401
    assert response.json()["errorCode"] == "sessionRequired"


async def test_session_needs_its_credentials(world: World, ann: User, ben: User) -> None:
    sessid = (await ann.client.post("/api/v1/login")).json()["sessid"]
    for client in (world.connect(), ben.client):
        response = await client.get("/api/v1/folders", headers={"X-Axigen-Session": sessid})
        assert response.status_code == 401
        assert response.json()["errorCode"] == "notAuthenticated"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + "A" * 20_000,
        "Bearer abc",
        "Digest x",
        "\u00ff\u00fe",
        basic("ann@example.test", "wrong"),
        basic("nobody@example.test", PASSWORD),
        basic("", ""),
        basic("ann@example.test\x00", PASSWORD),
    ],
)
async def test_wrong_credentials(world: World, ann: User, authorization: str | None) -> None:
    headers = {} if authorization is None else {b"Authorization": authorization.encode("latin-1")}
    client = world.connect()
    for method, path in [
        ("POST", "/api/v1/login"),
        ("GET", "/api/v1/mails/counters"),
        ("POST", "/api/v1/logout"),
    ]:
        response = await client.request(method, path, headers=headers)
        assert response.status_code == 401
        assert response.json()["errorCode"] == "notAuthenticated"


async def test_guessing_is_limited(world: World, ann: User) -> None:
    client = world.connect(address="192.0.2.1")
    statuses = []
    for number in range(12):
        wrong = basic("ann@example.test", f"wrong {number}")
        response = await client.get("/api/v1/folders", headers={"Authorization": wrong})
        statuses.append(response.status_code)
    assert statuses[:3] == [401] * 3
    assert statuses[-1] == 429
    assert int(response.headers["retry-after"]) >= 1
    assert response.json()["errorCode"] == "tooManyRequests"


async def test_all_addresses_of_an_account_are_guessed_together(world: World, ann: User) -> None:
    settings = AccountSettings(aliases=("anna@example.test", "a@example.test"))
    await world.directory.set_account("ann@example.test", settings)
    await world.directory.add_domain("example.net", alias_of="example.test")
    names = ["ann@example.test", "ANNA@example.test", "a@example.net", "ann@example.net"]
    statuses = []
    for number in range(12):
        client = world.connect(basic(names[number % 4], f"wrong {number}"), address=f"192.0.2.{number}")
        statuses.append((await client.get("/api/v1/folders")).status_code)
    assert statuses == [401] * 10 + [429] * 2
    # The right password is refused too, but not what was checked before or is in a session.
    stranger = world.connect(basic("ann@example.test", PASSWORD), address="192.0.2.99")
    assert (await stranger.get("/api/v1/folders")).status_code == 429
    world.clock.now += 30
    assert (await stranger.get("/api/v1/folders")).status_code == 200
    assert (await stranger.get("/api/v1/folders")).status_code == 200


async def test_what_was_checked_goes_on_while_others_guess(world: World, ann: User) -> None:
    session = {"X-Axigen-Session": (await ann.client.post("/api/v1/login")).json()["sessid"]}
    for number in range(12):
        client = world.connect(basic("ann@example.test", f"wrong {number}"), address=f"192.0.2.{number}")
        last = await client.get("/api/v1/folders")
    assert last.status_code == 429
    for headers in ({}, session):
        assert (await ann.client.get("/api/v1/folders", headers=headers)).status_code == 200


async def test_guessing_from_one_address_is_limited(world: World, ann: User) -> None:
    for number in range(20):
        client = world.connect(basic(f"nobody{number}@example.test", "x"), address=f"2001:db8::{number:x}")
        assert (await client.get("/api/v1/folders")).status_code == 401
    assert (await client.get("/api/v1/folders")).status_code == 429
    right = basic("ann@example.test", PASSWORD)
    assert (await world.connect(right, address="2001:db8::1:1").get("/api/v1/folders")).status_code == 429
    assert (await world.connect(right, address="2001:db8:1::1").get("/api/v1/folders")).status_code == 200
    # It is remembered now, for whichever address.
    assert (await world.connect(right, address="2001:db8::1:1").get("/api/v1/folders")).status_code == 200


@pytest.mark.parametrize("body", [b"{}", b""])
async def test_login_takes_no_body(ann: User, body: bytes) -> None:
    assert (await ann.client.post("/api/v1/login", content=body)).status_code == 200
    refused = await ann.client.post("/api/v1/login", json={"username": "x"})
    assert refused.json()["details"] == {"parameter": "username"}
