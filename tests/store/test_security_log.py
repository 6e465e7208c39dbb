"""The security log: what is written, kept, told and forgotten."""

import json

from postroom.domain.security_log import MOST_KEPT, SecurityLogs, note
from postroom.model.ids import AccountId
from postroom.model.security import SecurityDetails, SecurityEvent, SecurityEventKind
from postroom.store import Store
from postroom.store.sql.security_events import Span

KIND = SecurityEventKind
ANNA, BERTA = AccountId(7), AccountId(8)


async def write(
    store: Store,
    *kinds: SecurityEventKind,
    account_id: AccountId = ANNA,
    client: str = "192.0.2.1",
    details: SecurityDetails | None = None,
    now: int = 1_000,
) -> None:
    async with store.directory_transaction() as tx:
        for number, kind in enumerate(kinds):
            await note(tx, account_id, kind, client=client, details=details, now_ms=now + number)


async def read(store: Store, account_id: AccountId = ANNA) -> list[SecurityEvent]:
    async with store.directory() as tables:
        return await tables.security_events.list_down(account_id, 1_000_000, limit=10_000)


async def find_span(store: Store) -> Span:
    return await SecurityLogs(store).find_span(ANNA)


async def test_entries_are_numbered_and_told_newest_first(store: Store) -> None:
    assert await find_span(store) == Span(1, 0)
    await write(store, KIND.PASSWORD_CHANGED, KIND.SESSIONS_ENDED, details={"count": 3})
    await write(store, KIND.METHOD_ADDED, account_id=BERTA)
    newest, oldest = await read(store)
    assert newest == SecurityEvent(newest.event_id, 1001, "sessionsEnded", "192.0.2.1", '{"count":3}')
    assert (newest.event_id, oldest.event_id) == (2, 1)
    assert await find_span(store) == Span(1, 2)
    assert (await find_span(store)).total == 2


async def test_what_is_taken_back_leaves_no_gap(store: Store) -> None:
    await write(store, KIND.PASSWORD_CHANGED)
    try:
        async with store.directory_transaction() as tx:
            await note(tx, ANNA, KIND.METHOD_ADDED)
            raise RuntimeError
    except RuntimeError:
        pass
    await write(store, KIND.ACCOUNT_DISABLED)
    assert [event.event_id for event in await read(store)] == [2, 1]


async def test_the_log_is_bounded(store: Store) -> None:
    for first in range(0, MOST_KEPT + 20, 102):
        await write(store, *[KIND.APP_PASSWORD_MADE] * 102, now=first)
    events = await read(store)
    assert len(events) == MOST_KEPT
    span = await find_span(store)
    assert (span.newest, span.total) == (events[0].event_id, MOST_KEPT)
    logs = SecurityLogs(store)
    await logs.forget_old(ANNA, before=events[-3].happened_at)
    assert await read(store) == events[:-2]
    assert (await find_span(store)).total == MOST_KEPT - 2
    assert await logs.list(ANNA, await find_span(store), start=10, limit=3) == events[10:13]
    assert await logs.list(ANNA, await find_span(store), start=MOST_KEPT - 2, limit=3) == []
    await logs.forget_old(ANNA, before=10_000)
    assert await read(store) == []
    assert (await find_span(store)).total == 0


async def test_texts_are_cut(store: Store) -> None:
    await write(store, KIND.BADGE_TOKEN_MADE, details={"name": "n" * 5000}, client="c" * 5000)
    [event] = await read(store)
    assert json.loads(event.details) == {"name": "n" * 256}
    assert event.client == "c" * 256


async def test_notices_are_due_for_what_owners_do(store: Store) -> None:
    asked: list[AccountId] = []
    store.on_follow_up = asked.append
    await write(store, KIND.PASSWORD_CHANGED, client="", details={"by": "operator"})
    await write(store, KIND.SESSIONS_ENDED)
    assert asked == []
    await write(store, KIND.PASSWORD_CHANGED, now=500)
    assert asked == [ANNA]
    async with store.directory() as tables:
        assert await tables.list_accounts_with_doomed() == [ANNA]
        state = await tables.security_events.find_notice(ANNA)
    assert state is not None
    async with store.directory() as tables:
        [event] = await tables.security_events.list_untold(ANNA, state, limit=10)
    assert event.kind == "passwordChanged"
    async with store.directory_transaction() as tx:
        assert await tx.security_events.set_told(ANNA, state._replace(told_in_hour=1)) == 3
        assert await tx.security_events.set_told(ANNA, state) is None
        assert await tx.list_accounts_with_doomed() == []


async def test_known_addresses_are_bounded(store: Store) -> None:
    async with store.directory_transaction() as tx:
        assert not await tx.known_addresses.has_any(ANNA)
        for number in range(10):
            assert await tx.known_addresses.see(ANNA, f"192.0.2.{number}", now=number, keep=5)
        await tx.known_addresses.see(BERTA, "192.0.2.1", now=1, keep=5)
    async with store.directory() as tables:
        seen = [await tables.known_addresses.find_last_seen(ANNA, f"192.0.2.{n}") for n in range(10)]
    assert seen == [None] * 5 + [5, 6, 7, 8, 9]
    async with store.directory_transaction() as tx:
        assert await tx.known_addresses.has_any(ANNA)
        assert not await tx.known_addresses.see(ANNA, "192.0.2.9", now=11, keep=5)
        await tx.known_addresses.forget(ANNA, 99)
        assert not await tx.known_addresses.has_any(ANNA)
        assert await tx.known_addresses.has_any(BERTA)
