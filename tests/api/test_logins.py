"""Logging in and out."""

import re

import pytest

import postroom
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


@pytest.mark.parametrize("body", [b"{}", b""])
async def test_login_takes_no_body(ann: User, body: bytes) -> None:
    assert (await ann.client.post("/api/v1/login", content=body)).status_code == 200
    refused = await ann.client.post("/api/v1/login", json={"username": "x"})
    assert refused.json()["details"] == {"parameter": "username"}
