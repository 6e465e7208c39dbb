"""The security log of an account, as its owner reads it."""

import asyncio
from typing import Any

import pytest

from postroom.domain import known_addresses, login_log
from postroom.model.account import Account
from postroom.store.sql.security_events import Span
from tests.api.factor_world import METHODS, open_session, read_letters
from tests.api.factor_world import log_in as open_cookie
from tests.api.world import PASSWORD, User, World, basic

PATH = "/api/v1/account/security/events"
HOME, ABROAD = "192.0.2.1", "2001:db8:1:2::7"


async def log_in(world: World, address: str, *, password: str = PASSWORD, name: str = "ann") -> int:
    """Log in from an address; return the status."""
    client = world.connect(basic(f"{name}@example.test", password), address=address)
    return (await client.post("/api/v1/login")).status_code


async def kinds(user: User) -> list[str]:
    return [one["kind"] for one in (await user.get(PATH))["items"]]


async def test_nothing_happened(ann: User) -> None:
    assert await ann.get(PATH) == {"totalItems": 0, "items": []}


async def test_a_login_from_a_new_address(world: World, ann: User, ben: User) -> None:
    for address in (HOME, HOME, ABROAD, "2001:db8:1:2:ffff::1", HOME, "127.0.0.1", ""):
        assert await log_in(world, address) == 200
    found = await ann.get(PATH)
    date = str(int(world.clock.now))
    assert found == {
        "totalItems": 2,
        "items": [
            {"id": 2, "date": date, "kind": "loginFromNewAddress", "client": ABROAD, "details": {}},
            {"id": 1, "date": date, "kind": "loginFromNewAddress", "client": HOME, "details": {}},
        ],
    }
    assert await ben.get(PATH) == {"totalItems": 0, "items": []}


async def test_an_address_is_forgotten(world: World, ann: User) -> None:
    await log_in(world, HOME)
    world.clock.now += 100 * 86_400
    await log_in(world, HOME)
    world.clock.now += 100 * 86_400
    await log_in(world, HOME)
    assert len(await kinds(ann)) == 1
    world.clock.now += (known_addresses.KEPT_DAYS + 1) * 86_400
    await log_in(world, HOME)
    assert len(await kinds(ann)) == 2


async def test_a_wrong_password_tells_of_no_address(world: World, ann: User) -> None:
    assert await log_in(world, ABROAD, password="guess") == 401
    await world.directory.set_enabled("ann@example.test", enabled=False)
    assert await log_in(world, ABROAD) == 401
    await world.directory.set_enabled("ann@example.test", enabled=True)
    assert await kinds(ann) == ["accountEnabled", "accountDisabled"]


async def test_a_password_is_changed(world: World, ann: User) -> None:
    for _ in range(3):
        await log_in(world, HOME)
    body = {"oldPassword": PASSWORD, "newPassword": "another one"}
    client = world.connect(basic("ann@example.test", PASSWORD), address=ABROAD)
    session = {"X-Axigen-Session": (await client.post("/api/v1/login")).json()["sessid"]}
    changed = await client.post("/api/v1/account/password/reset", json=body, headers=session)
    assert changed.status_code == 200
    later = world.connect(basic("ann@example.test", "another one"))
    items = (await later.get(PATH)).json()["items"]
    assert [(one["kind"], one["client"], one["details"]) for one in items[:2]] == [
        ("sessionsEnded", ABROAD, {"count": 3, "reason": "passwordChanged"}),
        ("passwordChanged", ABROAD, {}),
    ]
    refused = await later.post("/api/v1/account/password/reset", json=body)
    assert refused.status_code == 400
    assert (await later.get(PATH)).json()["items"] == items


async def test_sessions_that_end_with_something_else(world: World, ann: User) -> None:
    owner = await open_session(ann)
    await owner.prove()
    email = await owner.add_email("ann@elsewhere.test")

    async def find_ended() -> list[dict[str, Any]]:
        items = (await owner.ok("GET", PATH))["items"]
        return [one["details"] for one in items if one["kind"] == "sessionsEnded"]

    await open_cookie(ann)
    await owner.ok("DELETE", f"{METHODS}/{email}")
    assert await find_ended() == [{"count": 1, "reason": "methodRemoved"}]
    await owner.add_email("ann@elsewhere.test")
    for _ in range(2):
        await open_cookie(ann)
    await owner.switch_on()
    assert (await find_ended())[0] == {"count": 2, "reason": "twoFactorEnabled"}
    client, name = world.connect(), "ann@example.test"
    world.clock.now += 1
    body = {"username": name, "email": "ann@elsewhere.test"}
    assert (await client.post("/api/v1/recover/password/sendtoken", json=body)).status_code == 200
    await world.domain.recovery.settle()
    token = (await read_letters(world))[-1][1].partition("is: ")[2].split()[0]
    body = {"username": name, "recoveryToken": token, "newPassword": "another one"}
    assert (await client.post("/api/v1/recover/password/reset", json=body)).status_code == 200
    async with world.store.directory() as tables:
        newest = await tables.security_events.find_newest(ann.account.account_id)
        found = await tables.security_events.list_down(ann.account.account_id, newest, limit=2)
    assert [one.kind for one in found] == ["sessionsEnded", "recoveryUsed"]


async def test_many_failed_logins(world: World, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_log, "DELAY_SECONDS", 0)
    names = ["ann", "nobody"]
    assert await kinds(ann) == []
    for number in range(24):
        await log_in(world, f"192.0.2.{number}", password=f"guess {number}", name=names[number % 2])
    await world.domain.logins.log.wait()
    [item] = (await ann.get(PATH))["items"]
    assert (item["kind"], item["details"]) == ("manyFailedLogins", {"count": 10})
    # It goes on: that is told once a day.
    for number in range(20):
        world.clock.now += 30
        await log_in(world, f"192.0.2.{number}", password=f"guess {number}")
    await world.domain.logins.log.wait()
    assert len(await kinds(ann)) == 1
    world.clock.now += 86_400
    assert len(await kinds(ann)) == 1
    for number in range(12):
        await log_in(world, f"192.0.2.{number}", password=f"guess {number}")
    await world.domain.logins.log.wait()
    assert len(await kinds(ann)) == 2


async def test_pages(world: World, ann: User) -> None:
    for number in range(7):
        await log_in(world, f"192.0.2.{number}")
    everything = (await ann.get(PATH))["items"]
    assert [one["id"] for one in everything] == [7, 6, 5, 4, 3, 2, 1]
    page: dict[str, Any] = await ann.get(PATH, start=2, limit=3)
    assert page == {"totalItems": 7, "items": everything[2:5]}
    assert await ann.get(PATH, start=7) == {"totalItems": 7, "items": []}
    assert await ann.get(PATH, start=2**62) == {"totalItems": 7, "items": []}
    for wrong in ({"limit": 0}, {"limit": 1001}, {"start": -1}, {"start": "x"}):
        response = await ann.client.get(PATH, params=wrong)
        assert response.status_code == 400
        assert response.json()["details"] == {"parameter": next(iter(wrong))}


async def test_the_tag_changes_with_the_log(world: World, ann: User) -> None:
    await log_in(world, HOME)
    first = await ann.client.get(PATH)
    known = {"If-None-Match": first.headers["etag"]}
    assert (await ann.client.get(PATH, headers=known)).status_code == 304
    assert (await ann.client.get(PATH, headers=known, params={"limit": 1})).status_code == 200
    await log_in(world, ABROAD)
    assert (await ann.client.get(PATH, headers=known)).status_code == 200


async def test_addresses_at_once(world: World, ann: User) -> None:
    await asyncio.gather(*(log_in(world, HOME) for _ in range(5)))
    await asyncio.gather(*(log_in(world, ABROAD) for _ in range(5)))
    assert await kinds(ann) == ["loginFromNewAddress"] * 2


async def test_a_removed_account_leaves_nothing(world: World, ann: User) -> None:
    await log_in(world, HOME)
    account: Account = ann.account
    await world.directory.remove_account("ann@example.test")
    assert await world.domain.security_logs.find_span(account.account_id) == Span(1, 0)
    async with world.store.directory_transaction() as tx:
        assert not await tx.known_addresses.has_any(account.account_id)
