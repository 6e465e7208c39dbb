"""Sessions: made by a login, known to every process, ended by logout, time or policy."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fixtures.factories import CHEAP_AUTH, Owner, basic

from postroom.auth.passwords import PasswordHasher
from postroom.config.classes import AccountClass
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.logins import Logins
from postroom.domain.sessions import Sessions
from postroom.errors import Kind, PostroomError
from postroom.model.account import Caller
from postroom.model.listing import Sort, SortField
from postroom.store import Store, open_store

IDLE, ABSOLUTE = 1800, 7200
CONFIG = replace(CHEAP_AUTH, session_idle_seconds=IDLE, session_absolute_seconds=ABSOLUTE)
AUTHORIZATION = basic("anna", "secret")


class Clock:
    """The time, the same for all processes of a test."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0


class Process:
    """Logins and sessions, as one process has them."""

    def __init__(self, store: Store, clock: Clock, hasher: PasswordHasher, *, sessions: int = 3) -> None:
        self.store = store
        self.logins = Logins(
            store,
            CONFIG,
            hasher=hasher,
            classes={"default": AccountClass(sessions=sessions)},
            primary_domain="example.test",
            now=lambda: clock.now,
        )

    async def login(self) -> str:
        return await self.logins.login(AUTHORIZATION, client="127.0.0.1")

    async def call(self, token: str, authorization: str = AUTHORIZATION) -> Caller:
        return await self.logins.authenticate(authorization, token, client="127.0.0.1")

    async def is_over(self, token: str) -> bool:
        try:
            await self.call(token)
        except PostroomError as error:
            assert error.kind is Kind.UNAUTHENTICATED  # noqa: PT017
            return True
        return False

    def is_known_at_once(self, token: str) -> bool:
        return self.logins.find_now(AUTHORIZATION.encode(), token.encode()) is not None

    @property
    def sessions(self) -> Sessions:
        return self.logins.sessions


@pytest.fixture
def clock(owner: Owner) -> Clock:
    assert owner.account.address == "anna@example.test"
    return Clock()


@pytest.fixture
def process(store: Store, clock: Clock, hasher: PasswordHasher) -> Process:
    return Process(store, clock, hasher)


@pytest.fixture
async def other(
    store: Store, store_url: str, tmp_path: Path, clock: Clock, hasher: PasswordHasher
) -> AsyncIterator[Process]:
    """Another process on the same store."""
    opened = await open_store(store_url, tmp_path / "data")
    assert opened.engine is not store.engine
    yield Process(opened, clock, hasher)
    await opened.close()


async def count_rows(process: Process, owner: Owner) -> int:
    async with process.store.directory() as tables:
        return await tables.sessions.count(owner.account_id)


async def test_a_session_names_its_caller(process: Process, owner: Owner) -> None:
    token = await process.login()
    caller = await process.call(token)
    assert (caller.account_id, caller.is_first_session) == (owner.account_id, True)
    assert caller.session_id is not None
    again = await process.call(token)
    assert again == caller
    second = await process.call(await process.login())
    assert second.session_id != caller.session_id
    assert not second.is_first_session


@pytest.mark.parametrize("token", ["", "x", "é", "\udcff", "x" * 10_000])
async def test_no_such_session(process: Process, token: str) -> None:
    assert await process.is_over(token)
    assert not process.is_known_at_once("x")


async def test_the_store_knows_no_token(process: Process, store: Store) -> None:
    token = await process.login()
    async with store.engine.peek() as connection:
        [row] = await connection.fetch_all("SELECT * FROM session")
    assert token not in repr(row)
    assert token.encode() not in [value for value in row if isinstance(value, bytes)]


async def test_a_session_of_another_account(process: Process, directory: Directory, owner: Owner) -> None:
    await directory.add_account("berta", AccountSettings(password="other"))
    token = await process.login()
    with pytest.raises(PostroomError) as caught:
        await process.call(token, basic("berta", "other"))
    assert caught.value.kind is Kind.UNAUTHENTICATED
    assert (await process.call(token)).account_id == owner.account_id
    await process.logins.authenticate(basic("berta", "other"), None, client="127.0.0.1")
    assert process.logins.find_now(basic("berta", "other").encode(), token.encode()) is None


async def test_logout(process: Process, owner: Owner) -> None:
    token, kept = await process.login(), await process.login()
    await process.logins.logout(await process.call(token))
    assert await process.is_over(token)
    assert not process.is_known_at_once(token)
    assert not await process.is_over(kept)
    assert await count_rows(process, owner) == 1


async def test_a_session_not_used_ends(process: Process, clock: Clock, owner: Owner) -> None:
    token = await process.login()
    clock.now += IDLE - 1
    assert not await process.is_over(token)
    clock.now += IDLE
    assert not process.is_known_at_once(token)
    assert await process.is_over(token)
    assert await count_rows(process, owner) == 0
    clock.now -= IDLE
    assert await process.is_over(token)


async def test_use_extends_a_session_until_its_absolute_end(process: Process, clock: Clock) -> None:
    token = await process.login()
    started = clock.now
    while clock.now + IDLE - 1 < started + ABSOLUTE:
        clock.now += IDLE - 1
        assert not await process.is_over(token)
    clock.now = started + ABSOLUTE - 0.001
    assert not await process.is_over(token)
    clock.now = started + ABSOLUTE
    assert not process.is_known_at_once(token)
    assert await process.is_over(token)


async def test_use_by_the_fast_way_extends_it_too(process: Process, clock: Clock, store: Store) -> None:
    token = await process.login()
    await process.call(token)
    if not store.engine.answers_now:
        assert not process.is_known_at_once(token)
        return
    for _ in range(3 * IDLE // 25):
        clock.now += 25
        if not process.is_known_at_once(token):
            # The last use is to be written: the ordinary way does that.
            assert not await process.is_over(token)
            assert process.is_known_at_once(token)
    async with store.engine.peek() as connection:
        written = await connection.fetch_value("SELECT last_used_at FROM session")
    assert clock.now * 1000 - written <= 61_000


async def test_few_writes_for_much_use(process: Process, clock: Clock, store: Store) -> None:
    token = await process.login()
    written = set()
    for _ in range(100):
        clock.now += 6
        assert not await process.is_over(token)
        async with store.engine.peek() as connection:
            written.add(await connection.fetch_value("SELECT last_used_at FROM session"))
    assert 8 <= len(written) <= 11


async def test_another_process_knows_a_session_in_use(process: Process, other: Process, clock: Clock) -> None:
    token = await process.login()
    for _ in range(6):
        clock.now += IDLE - 100
        assert not await process.is_over(token)
        clock.now += 10
        assert not await other.is_over(token)
        if clock.now + IDLE > 1_750_000_000 + ABSOLUTE:
            break


async def test_another_process_does_not_end_what_it_has_not_seen_used(
    process: Process, other: Process, clock: Clock
) -> None:
    token = await process.login()
    assert not await other.is_over(token)
    for _ in range(4):
        clock.now += IDLE / 2
        assert not await process.is_over(token)
    assert not await other.is_over(token)


async def test_a_session_ended_elsewhere_ends_here_at_once(process: Process, other: Process) -> None:
    token, kept = await process.login(), await process.login()
    assert not await process.is_over(token)
    assert not await process.is_over(kept)
    await other.logins.logout(await other.call(token))
    assert not process.is_known_at_once(token)
    assert await process.is_over(token)
    assert not await process.is_over(kept)


async def test_a_session_survives_a_restart(
    process: Process, store: Store, clock: Clock, hasher: PasswordHasher
) -> None:
    token = await process.login()
    caller = await process.call(token)
    again = await Process(store, clock, hasher).call(token)
    assert again == caller


@pytest.mark.parametrize("action", ["password", "disable", "remove"])
async def test_what_ends_all_sessions(process: Process, directory: Directory, action: str) -> None:
    tokens = [await process.login() for _ in range(2)]
    if action == "password":
        await directory.set_account("anna", AccountSettings(password="changed"))
    elif action == "disable":
        await directory.set_enabled("anna", enabled=False)
        await directory.set_enabled("anna", enabled=True)
    else:
        await directory.remove_account("anna")
    assert [await process.is_over(token) for token in tokens] == [True, True]
    if action == "password":
        with pytest.raises(PostroomError):
            await process.call(tokens[0], basic("anna", "changed"))


async def test_other_changes_end_no_session(process: Process, directory: Directory) -> None:
    token = await process.login()
    await directory.set_account("anna", AccountSettings(full_name="Anna B", aliases=["aa"]))
    assert not await process.is_over(token)


async def test_the_longest_idle_session_ends_beyond_the_limit(
    process: Process, clock: Clock, owner: Owner
) -> None:
    tokens = []
    for _ in range(3):
        tokens.append(await process.login())
        clock.now += 100
    assert not await process.is_over(tokens[0])
    tokens.append(await process.login())
    assert [await process.is_over(token) for token in tokens] == [False, True, False, False]
    assert await count_rows(process, owner) == 3


async def test_the_new_session_always_stays(store: Store, clock: Clock, hasher: PasswordHasher) -> None:
    """Many logins in the same millisecond: the last use tells none of them from another."""
    process = Process(store, clock, hasher, sessions=1)
    for _ in range(12):
        token = await process.login()
        assert not await process.is_over(token)


async def test_sessions_past_their_absolute_end_are_deleted(
    process: Process, clock: Clock, owner: Owner
) -> None:
    await process.login()
    await process.login()
    clock.now += ABSOLUTE + 1
    await process.login()
    assert await count_rows(process, owner) == 1


async def test_an_unwritten_use_counts_when_something_else_of_the_account_changes(
    process: Process, clock: Clock
) -> None:
    token, ended = await process.login(), await process.login()
    clock.now += 50
    assert not await process.is_over(token)
    await process.logins.logout(await process.call(ended))
    assert not await process.is_over(token)
    clock.now += IDLE - 20
    assert not await process.is_over(token)


async def test_memory_is_bounded(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.domain.sessions.MAX_REMEMBERED", 2)
    tokens = [await process.login() for _ in range(3)]
    for token in tokens * 2:
        assert not await process.is_over(token)
    assert len(process.sessions._live) == len(process.sessions._by_id) == 2


async def test_logins_and_logouts_at_once(process: Process, other: Process, owner: Owner) -> None:
    """Each changes the account and its sessions, in one order, so that none waits for another in a circle."""

    async def come_and_go(number: int) -> None:
        for _ in range(6):
            here, there = (process, other) if number % 2 else (other, process)
            token = await here.login()
            try:
                caller = await there.call(token)
                await there.sessions.sort_for(caller, "mails", field=SortField.SIZE, descending=None)
                await here.logins.logout(caller)
            except PostroomError as error:
                assert error.kind is Kind.UNAUTHENTICATED  # noqa: PT017 - pushed out by the others

    await asyncio.wait_for(asyncio.gather(*(come_and_go(number) for number in range(8))), 60)
    assert await count_rows(process, owner) <= 3


# The sort of lists


async def sort_for(
    process: Process, caller: Caller, field: SortField | None = None, descending: bool | None = None
) -> Sort:
    return await process.sessions.sort_for(caller, "mails", field=field, descending=descending)


async def test_a_session_remembers_its_sort(process: Process, other: Process) -> None:
    token, second = await process.login(), await process.login()
    caller, another = await process.call(token), await process.call(second)
    assert await sort_for(process, caller) == Sort(SortField.DATE, descending=True)
    assert await sort_for(process, caller, SortField.SIZE, False) == Sort(SortField.SIZE, descending=False)
    assert await sort_for(process, caller) == Sort(SortField.SIZE, descending=False)
    assert await sort_for(process, caller, None, True) == Sort(SortField.SIZE, descending=True)
    assert await sort_for(process, caller, SortField.DATE) == Sort(SortField.DATE, descending=True)
    assert await sort_for(process, caller, SortField.TO) == Sort(SortField.TO, descending=True)
    assert await sort_for(process, another) == Sort()
    assert await sort_for(other, await other.call(token)) == Sort(SortField.TO, descending=True)
    kind = await process.sessions.sort_for(caller, "contacts", field=None, descending=None)
    assert kind == Sort()


async def test_a_call_without_session_remembers_no_sort(process: Process) -> None:
    caller = await process.logins.authenticate(AUTHORIZATION, None, client="127.0.0.1")
    assert await sort_for(process, caller, SortField.SIZE, False) == Sort(SortField.SIZE, descending=False)
    assert await sort_for(process, caller) == Sort()


async def test_a_sort_given_in_another_process_counts(process: Process, other: Process) -> None:
    token = await process.login()
    assert await sort_for(process, await process.call(token)) == Sort()
    await sort_for(other, await other.call(token), SortField.FROM)
    assert await sort_for(process, await process.call(token)) == Sort(SortField.FROM, descending=True)
