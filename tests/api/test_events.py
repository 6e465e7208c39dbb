"""Event streams over a real connection, and their tickets."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from postroom.api.protocol import make_protocol
from postroom.domain import event_feed, event_streams, tickets
from postroom.domain.directory import AccountSettings
from tests.api.live import HEADER_BYTES, PATIENCE_SECONDS, Events, Live, serving, streaming
from tests.api.world import PASSWORD, User, World, basic, make_message

ANN = basic("ann@example.test", PASSWORD)
BEN = basic("ben@example.test", PASSWORD)
TICKET = "/api/v1/events/ticket"
LOGIN, LOGOUT = "/api/v1/login", "/api/v1/logout"
GOALS_SECONDS = 2.0


@pytest.fixture
async def live(world: World) -> AsyncIterator[Live]:
    """The server, over a socket."""
    async with serving(world) as running:
        yield running


def figures(user: User, unread: int, total: int) -> dict[str, Any]:
    return {"folderId": user.inbox, "role": "inbox", "unreadCount": unread, "totalItems": total}


async def test_begins_with_the_inbox(live: Live, ann: User) -> None:
    await ann.deliver(make_message())
    async with streaming(live, ANN) as events:
        assert events.response.headers["content-type"] == "text/event-stream"
        assert events.response.headers["cache-control"] == "no-store"
        first = await events.next()
        assert first is not None
        assert (first.kind, first.data) == ("counters", figures(ann, 1, 1))
        assert re.fullmatch(r"\d+\.\d+", first.id)


async def test_begins_with_all_folders(live: Live, ann: User) -> None:
    counters = await ann.get("/api/v1/mails/counters", folders="all")
    async with streaming(live, ANN, folders="all") as events:
        for folder in counters["folders"]:
            told = await events.next()
            assert told is not None
            assert told.data == {
                "folderId": folder["folderId"],
                "role": folder["role"],
                "unreadCount": folder["unreadItems"],
                "totalItems": folder["totalItems"],
            }


async def test_tells_of_a_delivery_soon(live: Live, ann: User) -> None:
    async with streaming(live, ANN) as events:
        await events.next()
        started = time.monotonic()
        await ann.deliver(make_message())
        counted, mails, folders = [await events.next() for _ in range(3)]
        assert time.monotonic() - started < GOALS_SECONDS
        assert counted is not None
        assert mails is not None
        assert folders is not None
        assert (counted.kind, counted.data) == ("counters", figures(ann, 1, 1))
        token = (await ann.get("/api/v1/mails", folderId=ann.inbox, syncTokenOnly="true"))["syncToken"]
        assert (mails.kind, mails.data) == ("mails", {"folderId": ann.inbox, "syncToken": token})
        token = (await ann.get("/api/v1/folders", syncTokenOnly="true"))["syncToken"]
        assert (folders.kind, folders.data) == ("folders", {"syncToken": token})


async def test_kinds(live: Live, ann: User) -> None:
    async with streaming(live, ANN, kinds="mails,labels") as events:
        mail = await ann.deliver(make_message())
        assert (await events.until("mails")).data["folderId"] == ann.inbox
        await ann.client.patch(f"/api/v1/mails/{mail}", json={"isFlagged": True})
        told = await events.next()
        assert told is not None
        assert told.kind == "mails"


async def test_labels(live: Live, ann: User) -> None:
    async with streaming(live, ANN, kinds="labels") as events:
        made = await ann.client.post("/api/v1/labels", json={"name": "Blue"})
        assert made.status_code == 200
        token = (await ann.get("/api/v1/labels", syncTokenOnly="true"))["syncToken"]
        assert (await events.until("labels")).data == {"syncToken": token}


async def test_contacts(live: Live, ann: User) -> None:
    folder = f"{ann.account.account_id}_8"
    async with streaming(live, ANN, kinds="contacts") as events:
        made = (await ann.client.post("/api/v1/contacts", json={"name": "Bea"})).json()
        event = await events.until("contacts")
        token = await ann.get("/api/v1/contacts", folderId=folder, syncTokenOnly="1")
        assert event.data == {"folderId": folder, **token}
    await ann.client.patch(f"/api/v1/contacts/{made['id']}", json={"folderId": f"{ann.account.account_id}_9"})
    async with streaming(live, ANN, last=event.id, kinds="contacts,mails") as events:
        told = [await events.until("contacts"), await events.until("contacts")]
    assert {one.data["folderId"] for one in told} == {folder, f"{ann.account.account_id}_9"}


async def test_figures_that_stay_are_not_told(live: Live, ann: User) -> None:
    mail = await ann.deliver(make_message())
    async with streaming(live, ANN, kinds="counters,mails") as events:
        await events.until("counters")
        await ann.client.patch(f"/api/v1/mails/{mail}", json={"isFlagged": True})
        await ann.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False})
        assert (await events.until("counters")).data == figures(ann, 0, 1)


async def test_jobs(live: Live, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_feed, "WAITED_FOR", 0)
    mail = await ann.deliver(make_message())
    async with streaming(live, ANN, kinds="job") as events:
        body = {"ids": [mail], "isUnread": False}
        assert (await ann.client.post("/api/v1/batch/mails/update", json=body)).status_code == 200
        told = await events.until("job")
        while told.data["status"] == "inProgress":
            assert 0 <= told.data["progress"] < 100
            told = await events.until("job")
        assert told.data == {"jobKey": told.data["jobKey"], "status": "completed", "progress": 100}


async def test_goes_on_from_an_id(live: Live, ann: User) -> None:
    async with streaming(live, ANN) as events:
        first = await events.until("counters")
    for _ in range(3):
        await ann.deliver(make_message())
    async with streaming(live, ANN, last=first.id) as events:
        told = [await events.next() for _ in range(3)]
        assert [one.kind for one in told if one] == ["counters", "mails", "folders"]
        assert told[0] is not None
        assert told[0].data == figures(ann, 3, 3)
        await ann.deliver(make_message())
        assert (await events.until("counters")).data == figures(ann, 4, 4)


@pytest.mark.parametrize("last", ["999999.1", "1000000000.0"])
async def test_unknown_positions_begin_anew(live: Live, ann: User, last: str) -> None:
    async with streaming(live, ANN, last=last) as events:
        reset = await events.next()
        assert reset is not None
        assert (reset.kind, reset.data) == ("reset", {})
        counted = await events.next()
        assert counted is not None
        assert (counted.kind, counted.data) == ("counters", figures(ann, 0, 0))


@pytest.mark.parametrize("last", ["x", "1", "1.", ".1", "1.2.3", "-1.1", "01.1", "9" * 40 + ".1"])
async def test_malformed_positions(live: Live, ann: User, last: str) -> None:
    async with streaming(live, ANN, last=last) as events:
        assert events.response.status_code == 400
        assert events.response.json()["details"] == {"parameter": "Last-Event-ID"}


@pytest.mark.parametrize("query", [{"folders": "some"}, {"kinds": "mails,x"}, {"kinds": ""}, {"ticket": ""}])
async def test_bad_parameters(live: Live, ann: User, query: dict[str, str]) -> None:
    async with streaming(live, ANN, **query) as events:
        assert events.response.status_code == 400
        assert events.response.json()["details"] == {"parameter": next(iter(query))}


async def test_heartbeats(live: Live, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.05)
    async with streaming(live, ANN) as events:
        await events.until("counters")
        for _ in range(3):
            told = await events.next()
            assert told is not None
            assert told.kind == ":"


async def test_what_nobody_told_is_found_at_a_heartbeat(
    live: Live, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.2)
    async with streaming(live, ANN) as events:
        await events.until("counters")
        monkeypatch.setattr(ann.world.domain.news, "_listeners", {})
        await ann.deliver(make_message())
        assert (await events.until("counters")).data == figures(ann, 1, 1)


async def test_others_are_not_told(live: Live, ann: User, ben: User) -> None:
    async with streaming(live, BEN) as events:
        await events.until("counters")
        await ann.deliver(make_message())
        await ben.deliver(make_message())
        while (told := await events.next()) is not None and told.kind != "folders":
            assert told.data["folderId"] == ben.inbox


# The end of a stream


async def test_ends_with_its_session(live: Live, ann: User) -> None:
    first, second = [(await ann.client.post(LOGIN)).json()["sessid"] for _ in range(2)]
    async with streaming(live, ANN, session=first) as events, streaming(live, ANN, session=second) as others:
        await events.until("counters")
        await others.until("counters")
        await ann.client.post(LOGOUT, headers={"X-Axigen-Session": first})
        assert await events.rest() == []
        await ann.deliver(make_message())
        assert (await others.until("counters")).data == figures(ann, 1, 1)


async def test_ends_when_its_session_is_not_used(
    live: Live, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.05)
    session = (await ann.client.post(LOGIN)).json()["sessid"]
    async with streaming(live, ANN, session=session) as events:
        await events.until("counters")
        later = time.time() + 1801
        monkeypatch.setattr(ann.world.domain.logins.sessions, "_now", lambda: later)
        assert {told.kind for told in await events.rest()} <= {":"}


@pytest.mark.parametrize("way", ["password", "disabled", "removed"])
async def test_ends_with_the_login(live: Live, ann: User, ben: User, way: str) -> None:
    directory = ann.world.directory
    async with streaming(live, ANN) as events, streaming(live, BEN) as others:
        await events.until("counters")
        await others.until("counters")
        if way == "password":
            await directory.set_account("ann@example.test", AccountSettings(password="another"))
        elif way == "disabled":
            await directory.set_enabled("ann@example.test", enabled=False)
        else:
            await directory.remove_account("ann@example.test")
        assert await events.rest() == []
        await ben.deliver(make_message())
        assert (await others.until("counters")).data == figures(ben, 1, 1)


async def test_ends_when_the_server_stops(world: World, ann: User) -> None:
    async with serving(world) as live, streaming(live, ANN) as events:
        await events.until("counters")
        started = time.monotonic()
        world.domain.news.close()
        assert await events.rest() == []
        async with streaming(live, ANN) as refused:
            assert refused.response.status_code == 503
    assert time.monotonic() - started < GOALS_SECONDS


async def test_places_are_limited_and_given_back(
    live: Live, ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ann.world.domain.news, "_max_per_account", 2)
    monkeypatch.setattr(ann.world.domain.news, "_max_in_all", 3)
    async with streaming(live, ANN) as one, streaming(live, ANN) as two:
        await one.until("counters")
        await two.until("counters")
        async with streaming(live, ANN) as refused:
            check_refused(refused)
        async with streaming(live, BEN) as three:
            await three.until("counters")
            async with streaming(live, BEN) as refused:
                check_refused(refused)
    await until_left(ann.world)
    async with streaming(live, ANN) as again:
        await again.until("counters")


def check_refused(events: Events) -> None:
    assert events.response.status_code == 429
    assert int(events.response.headers["retry-after"]) > 0
    assert events.response.json()["errorCode"] == "tooManyRequests"


async def until_left(world: World) -> None:
    """Wait until the server has noticed that all clients are gone; it keeps nothing of them."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while world.domain.news._taken or world.domain.news._listeners:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.01)
    assert world.domain.event_streams._feeds == {}
    assert not world.domain.news._places


# Readers that are slow


def open_slowly(live: Live, query: str = "") -> socket.socket:
    """Return a connection that asks for events, with little room for what it does not read."""
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    slow.connect(("127.0.0.1", live.port))
    lines = f"GET /api/v1/events{query} HTTP/1.1\r\nHost: mail.test\r\nAuthorization: {ANN}\r\n\r\n"
    slow.sendall(lines.encode())
    slow.setblocking(False)
    return slow


async def fill(world: World, live: Live) -> Any:
    """Have changes told until the one connection is full; return its transport."""
    async with asyncio.timeout(30):
        while not live.connections or not world.domain.event_streams._feeds:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        transport: Any = live.connections[0].transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        transport.set_write_buffer_limits(high=4096)
        while not live.connections[0].flow.write_paused:
            await change(world)
    return transport


async def change(world: World) -> None:
    """Change something, and wait until it was read."""
    [feed] = world.domain.event_streams._feeds.values()
    async with world.store.transaction(feed.account_id) as tx:
        await tx.mailbox.labels_changed((await tx.advance()).modseq)
    await feed.refresh()
    await asyncio.sleep(0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_feed, "SPACING_SECONDS", 0.0)


@pytest.mark.usefixtures("quick")
async def test_a_slow_reader_is_told_the_newest(world: World, ann: User) -> None:
    async with serving(world) as live:
        slow = open_slowly(live)
        transport = await fill(world, live)
        full = transport.get_write_buffer_size()
        for _ in range(50):
            await change(world)
        # One answer more may have been ready when the output was full.
        assert transport.get_write_buffer_size() <= full + 4096
        last = (await ann.get("/api/v1/folders", syncTokenOnly="true"))["syncToken"].encode()
        read = b""
        async with asyncio.timeout(10):
            while last not in read:
                read += await asyncio.get_running_loop().sock_recv(slow, 65536)
        slow.close()
        await until_left(world)


@pytest.mark.usefixtures("ann", "quick")
async def test_a_reader_that_takes_nothing_is_cut_off(world: World) -> None:
    protocol = make_protocol(HEADER_BYTES)
    protocol.stall_seconds = 1
    async with serving(world, protocol) as live:
        with open_slowly(live):
            await fill(world, live)
            # The kernels of both sides may find room for a little more; then nothing is held up any more.
            async with asyncio.timeout(PATIENCE_SECONDS):
                while world.domain.event_streams._feeds:
                    await change(world)
                    await asyncio.sleep(0.01)
            await until_left(world)
            assert live.connections == []


# Tickets


async def test_a_ticket_opens_one_stream(live: Live, ann: User) -> None:
    made = (await ann.client.post(TICKET)).json()
    assert 0 < int(made["expireDate"]) - ann.world.clock.now <= tickets.LIFETIME_SECONDS + 1
    async with streaming(live, None, ticket=made["ticket"]) as events:
        assert (await events.until("counters")).data == figures(ann, 0, 0)
        async with streaming(live, None, ticket=made["ticket"]) as again:
            assert again.response.status_code == 401
    async with streaming(live, ANN, ticket="another") as refused:
        assert refused.response.status_code == 401
        assert refused.response.json()["errorCode"] == "notAuthenticated"


async def test_of_many_who_use_a_ticket_one_gets_in(world: World, ann: User) -> None:
    ticket = (await ann.client.post(TICKET)).json()["ticket"]
    redeemed = await asyncio.gather(
        *(world.domain.tickets.redeem(ticket) for _ in range(5)), return_exceptions=True
    )
    assert len([one for one in redeemed if not isinstance(one, BaseException)]) == 1


async def test_a_ticket_is_of_its_account(live: Live, ann: User, ben: User) -> None:
    ticket = (await ben.client.post(TICKET)).json()["ticket"]
    async with streaming(live, ANN, ticket=ticket) as events:
        assert (await events.until("counters")).data == figures(ben, 0, 0)
    assert ann.account.account_id != ben.account.account_id


async def test_tickets_expire(live: Live, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = (await ann.client.post(TICKET)).json()["ticket"]
    later = time.time() + tickets.LIFETIME_SECONDS
    monkeypatch.setattr(ann.world.domain.tickets, "_now", lambda: later)
    async with streaming(live, None, ticket=ticket) as refused:
        assert refused.response.status_code == 401


@pytest.mark.parametrize("way", ["logout", "password", "disabled", "removed"])
async def test_tickets_end_with_the_login(live: Live, ann: User, way: str) -> None:
    directory = ann.world.directory
    headers = {}
    if way == "logout":
        headers["X-Axigen-Session"] = (await ann.client.post(LOGIN)).json()["sessid"]
    ticket = (await ann.client.post(TICKET, headers=headers)).json()["ticket"]
    if way == "logout":
        await ann.client.post(LOGOUT, headers=headers)
    elif way == "password":
        await directory.set_account("ann@example.test", AccountSettings(password="another"))
    elif way == "disabled":
        await directory.set_enabled("ann@example.test", enabled=False)
    else:
        await directory.remove_account("ann@example.test")
    async with streaming(live, None, ticket=ticket) as refused:
        assert refused.response.status_code == 401


async def test_a_ticket_carries_its_session(live: Live, ann: User) -> None:
    headers = {"X-Axigen-Session": (await ann.client.post(LOGIN)).json()["sessid"]}
    ticket = (await ann.client.post(TICKET, headers=headers)).json()["ticket"]
    async with streaming(live, None, ticket=ticket) as events:
        await events.until("counters")
        await ann.client.post(LOGOUT, headers=headers)
        assert await events.rest() == []


async def test_open_tickets_are_few(world: World, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "MAX_OPEN", 3)
    now = time.time()
    made = []
    for number in range(5):
        monkeypatch.setattr(world.domain.tickets, "_now", lambda number=number: now + number)
        made.append((await ann.client.post(TICKET)).json()["ticket"])
    caller = await world.domain.tickets.redeem(made[2])
    assert caller.account_id == ann.account.account_id
    assert (await ann.client.get("/api/v1/events", params={"ticket": made[1]})).status_code == 401
    async with world.store.engine.peek() as connection:
        rows = await connection.fetch_all("SELECT ticket_hash FROM event_ticket")
    assert len(rows) == 2
    assert not any(ticket.encode() in bytes(row[0]) for ticket in made for row in rows)


async def test_expired_tickets_are_removed(world: World, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    await ann.client.post(TICKET)
    later = time.time() + tickets.LIFETIME_SECONDS + 1
    monkeypatch.setattr(world.domain.tickets, "_now", lambda: later)
    await ann.client.post(TICKET)
    async with world.store.engine.peek() as connection:
        assert await connection.fetch_value("SELECT count(*) FROM event_ticket") == 1
