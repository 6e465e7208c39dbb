"""Who calls: checks of passwords, what is remembered of them, and limits on guessing."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.factories import CHEAP_AUTH, AddOwner, Owner, basic

from postroom.auth.passwords import PasswordHasher
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass
from postroom.config.options import parse_networks
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.logins import Logins
from postroom.errors import Kind, PostroomError
from postroom.model.account import Account, Caller
from postroom.store import Store, open_store

HOME, ABROAD = "127.0.0.1", "192.0.2.7"
RIGHT, WRONG = "secret", "guess"


class CountingHasher(PasswordHasher):
    """Does the real work, and counts it."""

    def __init__(self, config: AuthConfig) -> None:
        super().__init__(config)
        self.checks = 0
        self.unknown = 0

    async def verify(self, password_hash: str, password: str) -> bool:
        self.checks += 1
        return await super().verify(password_hash, password)

    async def verify_unknown(self, password: str) -> bool:
        self.unknown += 1
        return await super().verify_unknown(password)


class Door:
    """Logins over one store, with the clock in hand."""

    def __init__(self, store: Store, config: AuthConfig = CHEAP_AUTH, **settings: Any) -> None:
        self.now = 1_750_000_000.0
        self.hasher = CountingHasher(config)
        self.logins = Logins(
            store,
            config,
            hasher=self.hasher,
            classes={"default": AccountClass(sessions=3)},
            primary_domain="example.test",
            now=lambda: self.now,
            **settings,
        )

    async def knock(self, password: str = RIGHT, name: str = "anna", client: str = HOME) -> Caller:
        return await self.logins.authenticate(basic(name, password), None, client=client)

    async def refused(self, password: str = WRONG, name: str = "anna", client: str = HOME) -> PostroomError:
        with pytest.raises(PostroomError) as caught:
            await self.knock(password, name, client)
        return caught.value

    async def fail(self, times: int, name: str = "anna", client: str = HOME) -> None:
        for number in range(times):
            error = await self.refused(f"guess {number}", name, client)
            assert error.kind is Kind.UNAUTHENTICATED


MakeDoor = Callable[..., Door]


@pytest.fixture
async def make_door(store: Store, owner: Owner) -> AsyncIterator[MakeDoor]:
    doors: list[Door] = []
    assert owner.password == RIGHT

    def make(at: Store = store, **settings: Any) -> Door:
        doors.append(Door(at, **settings))
        return doors[-1]

    yield make
    for door in doors:
        door.hasher.close()


@pytest.fixture
def door(make_door: MakeDoor) -> Door:
    return make_door()


@pytest.fixture
async def other_store(store: Store, store_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """The same store, as another process has it."""
    opened = await open_store(store_url, tmp_path / "data")
    yield opened
    await opened.close()


# Passwords


async def test_a_right_password(door: Door, owner: Owner) -> None:
    caller = await door.knock()
    assert caller == Caller(
        account_id=owner.account_id,
        address="anna@example.test",
        full_name="Anna Example",
        class_name="default",
        session_id=None,
        is_first_session=False,
        auth_version=1,
        session_version=1,
    )
    for name in ("anna@example.test", "ANNA", "Anna@Example.TEST", " anna "):
        assert (await door.knock(name=name)).account_id == owner.account_id


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("anna", "Secret"),
        ("anna", ""),
        ("anna", "secret "),
        ("anna", "x" * 5000),
        ("berta", RIGHT),
        ("anna@other.test", RIGHT),
        ("anna+detail", RIGHT),
        ("a b", RIGHT),
        ("a" * 3000, RIGHT),
    ],
)
async def test_all_else_is_refused_alike_and_costs_the_same(door: Door, name: str, password: str) -> None:
    error = await door.refused(password, name)
    assert (error.kind, error.code, error.details) == (Kind.UNAUTHENTICATED, "notAuthenticated", {})
    assert door.hasher.checks + door.hasher.unknown == 1


@pytest.mark.parametrize("authorization", [None, "", "Bearer x", "Basic", "Basic \udcff\udcfe", "Basic !"])
async def test_no_credentials(door: Door, authorization: str | None) -> None:
    with pytest.raises(PostroomError) as caught:
        await door.logins.authenticate(authorization, None, client=HOME)
    assert caught.value.kind is Kind.UNAUTHENTICATED
    assert door.hasher.checks + door.hasher.unknown == 0


async def test_aliases(add_owner: AddOwner, make_door: MakeDoor, directory: Directory) -> None:
    other = await add_owner("berta", AccountSettings(aliases=["bb"]))
    await directory.add_domain("alias.test", alias_of="example.test")
    door = make_door()
    assert (await door.knock(name="bb")).account_id == other.account_id
    assert (await door.knock(name="berta@alias.test")).account_id == other.account_id
    strict = make_door(config=replace(CHEAP_AUTH, alias_logins=False))
    assert (await strict.knock(name="berta@alias.test")).account_id == other.account_id
    await strict.refused(RIGHT, "bb")
    assert (strict.hasher.checks, strict.hasher.unknown) == (1, 1)


async def test_a_disabled_account(door: Door, directory: Directory) -> None:
    await directory.set_enabled("anna", enabled=False)
    assert (await door.refused(RIGHT)).kind is Kind.UNAUTHENTICATED
    assert door.hasher.checks == 1
    await directory.set_enabled("anna", enabled=True)
    await door.knock()


async def test_an_account_that_is_gone(door: Door, directory: Directory) -> None:
    await door.knock()
    await directory.remove_account("anna")
    assert (await door.refused(RIGHT)).kind is Kind.UNAUTHENTICATED
    with pytest.raises(PostroomError):
        await door.logins.login(basic("anna", RIGHT), client=HOME)


# What is remembered


async def test_a_check_is_remembered_for_a_time(door: Door) -> None:
    for _ in range(3):
        await door.knock()
    assert door.hasher.checks == 1
    door.now += CHEAP_AUTH.cache_lifetime_seconds - 1
    await door.knock()
    assert door.hasher.checks == 1
    door.now += 1
    await door.knock()
    assert door.hasher.checks == 2


async def test_failed_checks_are_not_remembered(door: Door) -> None:
    await door.refused()
    await door.refused()
    assert door.hasher.checks == 2


async def test_nothing_is_remembered_if_so_configured(make_door: MakeDoor) -> None:
    door = make_door(config=replace(CHEAP_AUTH, cache_lifetime_seconds=0))
    await door.knock()
    await door.knock()
    assert door.hasher.checks == 2
    assert door.logins.find_now(basic("anna", RIGHT).encode(), None) is None


async def test_the_same_check_many_times_at_once_is_made_once(door: Door) -> None:
    callers = await asyncio.gather(*(door.knock() for _ in range(30)))
    assert len(set(callers)) == 1
    assert door.hasher.checks == 1
    assert not door.logins._checking


async def test_a_client_who_goes_away_spoils_nobody_s_check(door: Door) -> None:
    first, second = asyncio.create_task(door.knock()), asyncio.create_task(door.knock())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert isinstance(results[1], Caller)


async def test_changes_by_another_process_count_at_once(
    door: Door, other_store: Store, hasher: PasswordHasher
) -> None:
    classes = {"default": AccountClass()}
    elsewhere = Directory(other_store, hasher, classes, primary_domain="example.test")
    fast = basic("anna", RIGHT).encode()
    await door.knock()
    await elsewhere.set_account("anna", AccountSettings(full_name="Anna B"))
    assert door.logins.find_now(fast, None) is None
    assert (await door.knock()).full_name == "Anna B"
    assert door.hasher.checks == 2
    await elsewhere.set_account("anna", AccountSettings(password="changed"))
    assert door.logins.find_now(fast, None) is None
    await door.refused(RIGHT)
    await door.knock("changed")
    await elsewhere.set_enabled("anna", enabled=False)
    assert (await door.refused("changed")).kind is Kind.UNAUTHENTICATED
    await elsewhere.set_enabled("anna", enabled=True)
    await door.knock("changed")
    await elsewhere.remove_account("anna")
    assert (await door.refused("changed")).kind is Kind.UNAUTHENTICATED


async def test_a_password_changed_during_its_check(door: Door, directory: Directory) -> None:
    """The check was of the old password: what it found is not believed."""
    real = door.hasher.verify

    async def verify(password_hash: str, password: str) -> bool:
        right = await real(password_hash, password)
        if door.hasher.checks == 1:
            await directory.set_account("anna", AccountSettings(password="changed"))
        return right

    door.hasher.verify = verify  # type: ignore[method-assign]
    assert (await door.refused(RIGHT)).kind is Kind.UNAUTHENTICATED
    assert door.hasher.checks == 2


async def test_no_session_is_made_with_a_password_changed_meanwhile(
    door: Door, directory: Directory, store: Store, owner: Owner
) -> None:
    await door.knock()
    real = door.logins.sessions.create

    async def create(account: Account, **facts: Any) -> str:
        await directory.set_account("anna", AccountSettings(password="changed"))
        return await real(account, **facts)

    door.logins.sessions.create = create  # type: ignore[method-assign]
    with pytest.raises(PostroomError) as caught:
        await door.logins.login(basic("anna", RIGHT), client=HOME)
    assert caught.value.kind is Kind.UNAUTHENTICATED
    async with store.directory() as tables:
        assert await tables.sessions.count(owner.account_id) == 0


async def test_the_fast_way(door: Door, store: Store, owner: Owner) -> None:
    authorization = basic("anna", RIGHT).encode()
    assert door.logins.find_now(authorization, None) is None
    await door.knock()
    badge = door.logins.find_now(authorization, None)
    if not store.engine.answers_now:
        assert badge is None
        return
    assert badge is not None
    assert badge.unread == 0
    await owner.add_mail()
    badge = door.logins.find_now(authorization, None)
    assert badge is not None
    assert badge.unread == 1
    assert door.logins.find_now(basic("anna", WRONG).encode(), None) is None
    assert door.logins.find_now(authorization, b"no session") is None
    door.now += CHEAP_AUTH.cache_lifetime_seconds
    assert door.logins.find_now(authorization, None) is None


# Limits on guessing


async def test_ten_tries_for_a_name_then_one_now_and_then(door: Door) -> None:
    await door.fail(10)
    for password in (WRONG, RIGHT):
        error = await door.refused(password)
        assert (error.kind, error.code, error.retry_after_seconds) == (Kind.LIMITED, "tooManyRequests", 30)
    assert door.hasher.checks == 10
    door.now += 30
    await door.fail(1)
    assert (await door.refused(RIGHT)).retry_after_seconds == 30
    door.now += 29.5
    assert (await door.refused(RIGHT)).retry_after_seconds == 1
    door.now += 0.5
    await door.knock()
    door.logins.remembered.forget(door.logins.remembered.digest(basic("anna", RIGHT).encode()))
    await door.fail(10)


async def test_unknown_names_are_limited_alike(door: Door) -> None:
    await door.fail(10, name="berta")
    error = await door.refused(WRONG, "Berta@Example.test")
    assert (error.kind, error.retry_after_seconds) == (Kind.LIMITED, 30)
    assert (door.hasher.checks, door.hasher.unknown) == (0, 10)


async def test_spellings_of_a_name_are_one_name(door: Door) -> None:
    for number in range(10):
        await door.refused(
            f"{number}", ("anna", "ANNA", "anna@example.test", "Anna@EXAMPLE.test")[number % 4]
        )
    assert (await door.refused(RIGHT, "aNNa")).kind is Kind.LIMITED


async def test_the_window_passes(door: Door) -> None:
    await door.fail(9)
    door.now += CHEAP_AUTH.attempts_window_seconds
    await door.fail(10)


async def test_twenty_tries_from_an_address(door: Door) -> None:
    for number in range(20):
        await door.fail(1, name=f"user{number}", client=ABROAD)
    error = await door.refused(RIGHT, client=ABROAD)
    assert (error.kind, error.code) == (Kind.LIMITED, "tooManyRequests")
    assert error.retry_after_seconds == CHEAP_AUTH.attempts_window_seconds
    await door.knock(client=HOME)
    await door.knock(client=ABROAD)


async def test_right_passwords_do_not_count_against_an_address(add_owner: AddOwner, door: Door) -> None:
    await add_owner("berta")
    for _ in range(25):
        door.logins.remembered.forget(door.logins.remembered.digest(basic("berta", RIGHT).encode()))
        await door.knock(name="berta", client=ABROAD)
    for number in range(20):
        await door.fail(1, name=f"user{number}", client=ABROAD)
    assert (await door.refused(RIGHT, client=ABROAD)).kind is Kind.LIMITED


@pytest.mark.parametrize(
    "client", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "unix", ""]
)
async def test_addresses_that_many_share_are_not_limited(make_door: MakeDoor, client: str) -> None:
    door = make_door(trusted=parse_networks(("10.0.0.0/8", "2001:db8::/32")))
    for number in range(25):
        await door.fail(1, name=f"user{number}", client=client)


async def test_an_ipv6_address_is_limited(make_door: MakeDoor) -> None:
    door = make_door(trusted=parse_networks(("10.0.0.0/8",)))
    for number in range(20):
        await door.fail(1, name=f"user{number}", client="2001:db8::7")
    assert (await door.refused(RIGHT, client="2001:db8::7")).kind is Kind.LIMITED


async def test_a_remembered_check_is_not_limited(door: Door) -> None:
    await door.knock()
    await door.fail(10, client=ABROAD)
    await door.knock()
    assert (await door.logins.login(basic("anna", RIGHT), client=ABROAD)) != ""
    assert (await door.refused("another guess")).kind is Kind.LIMITED


@pytest.mark.parametrize("client", [HOME, ABROAD])
async def test_tries_at_once_do_not_pass_the_limit_together(door: Door, client: str) -> None:
    tries = [door.knock(f"guess {number}", "anna", client) for number in range(60)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    kinds = [result.kind for result in results if isinstance(result, PostroomError)]
    assert kinds.count(Kind.UNAUTHENTICATED) == 10
    assert kinds.count(Kind.LIMITED) == 50
    assert door.hasher.checks == 10


async def test_tries_at_once_of_many_names_do_not_pass_the_limit_of_an_address(door: Door) -> None:
    tries = [door.knock(WRONG, f"user{number}", ABROAD) for number in range(60)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, PostroomError) and one.kind is Kind.LIMITED for one in results) == 40
    assert door.hasher.unknown == 20


async def test_a_lost_store_counts_as_no_try(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lose(_: str) -> None:
        raise PostroomError(Kind.UNAVAILABLE, "unavailable", "made up by the test")

    with monkeypatch.context() as patch:
        patch.setattr(door.logins, "find_account", lose)
        for number in range(30):
            assert (await door.refused(f"{number}", client=ABROAD)).kind is Kind.UNAVAILABLE
    await door.fail(10, client=ABROAD)
    assert (await door.refused(client=ABROAD)).kind is Kind.LIMITED


async def test_limits_can_be_switched_off(make_door: MakeDoor) -> None:
    door = make_door(config=replace(CHEAP_AUTH, attempts_per_name=0, attempts_per_address=0))
    await door.fail(30, client=ABROAD)


async def test_a_header_of_odd_bytes(door: Door) -> None:
    header = "Basic " + base64.b64encode(b"anna:\xff\xfe").decode()
    with pytest.raises(PostroomError) as caught:
        await door.logins.authenticate(header, None, client=HOME)
    assert caught.value.kind is Kind.UNAUTHENTICATED
