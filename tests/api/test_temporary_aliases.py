"""Temporary aliases: made, used, ended by time or by hand, and nobody else's afterwards."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.config.classes import AccountClass, Restrictions, TemporaryAliases
from postroom.domain import temporary_aliases
from postroom.domain.directory import AccountSettings
from postroom.domain.readable_names import make_name
from postroom.domain.temporary_aliases import KEPT_DAYS, MOST_KEPT, forget_expired
from postroom.errors import Kind, PostroomError
from postroom.model.envelope import Envelope
from postroom.store import Store
from tests.api.world import PASSWORD, User, World, basic, make_message

PATH = "/api/v1/account/temporaryaliases"
MAILS = "/api/v1/mails"
DAY = 86_400
NAME = re.compile(r"[a-z]+-[a-z]+-[1-9][0-9]{4}@example\.test")


def restrict(**options: Any) -> AccountClass:
    return AccountClass(restrictions=Restrictions(temporary_aliases=TemporaryAliases(**options)))


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    return {
        "default": AccountClass(),
        "brief": restrict(days=2, max_number_of_aliases=3),
        "none": restrict(enabled=False),
    }


async def make(user: User) -> dict[str, str]:
    response = await user.client.post(PATH)
    assert response.status_code == 200, response.text
    made: dict[str, str] = response.json()
    return made


async def items(user: User) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await user.get(PATH))["items"]
    return found


async def answers(world: World, address: str) -> int | None:
    """Return the account that mail for an address is delivered to."""
    try:
        return (await world.domain.ingest.resolve_recipient(address, size_bytes=None)).account_id
    except PostroomError as error:
        if error.code != "unknownRecipient":
            raise
        return None


async def may_send(user: User, address: str) -> bool:
    letter = {"from": f"Somebody <{address}>", "to": "carl@example.org", "bodyText": "Hi"}
    codes = set()
    for path in (MAILS, f"{MAILS}/send"):
        response = await user.client.post(path, json=letter)
        assert response.status_code == 200 or response.json()["errorCode"] == "notPermitted"
        codes.add(response.status_code)
    [code] = codes
    return code == 200


async def test_one_is_made(world: World, ann: User) -> None:
    made = await make(ann)
    assert sorted(made) == ["emailAddress", "expireDate", "id"]
    assert NAME.fullmatch(made["emailAddress"])
    assert made["expireDate"] == str(int(world.clock.now) + 30 * DAY)
    assert await items(ann) == [made]


async def test_it_gets_mail(world: World, ann: User) -> None:
    address = (await make(ann))["emailAddress"]
    number = ann.account.account_id
    local_part, domain = address.split("@")
    await world.directory.add_domain("alias.test", alias_of="example.test")
    for spelling in (address, f"{local_part.upper()}@Example.TEST", f"{local_part}+news@{domain}"):
        assert await answers(world, spelling) == number
    assert await answers(world, f"{local_part}@alias.test") == number
    assert await answers(world, f"{local_part}@other.test") is None
    assert await answers(world, f"x{local_part}@{domain}") is None


async def test_it_is_a_sender(world: World, ann: User, ben: User) -> None:
    made = await make(ann)
    assert await may_send(ann, made["emailAddress"])
    assert not await may_send(ben, made["emailAddress"])
    letter = {"from": made["emailAddress"], "to": "carl@example.org"}
    sent = (await ann.client.post(f"{MAILS}/send", json=letter)).json()
    async with world.store.directory() as tables:
        [queued] = [
            one
            for one in await tables.outgoing.list_unfinished(0, limit=9)
            if one.processing_id == sent["processingId"]
        ]
    assert queued.sender == made["emailAddress"]
    mail = await ann.get(f"{MAILS}/{sent['mailId']}")
    assert made["emailAddress"] in mail["from"]
    draft = (await ann.client.post(MAILS, json=letter)).json()["id"]
    later = {**letter, "deliveryTime": int(world.clock.now) + DAY}
    await ann.client.delete(f"{PATH}/{made['id']}")
    assert not await may_send(ann, made["emailAddress"])
    assert (await ann.client.post(f"/api/v1/drafts/{draft}/send")).status_code == 403
    assert (await ann.client.post(f"{MAILS}/send/schedule", json=later)).status_code == 403


async def test_it_ends_by_time_without_anybody_removing_it(world: World) -> None:
    dora = await world.add_account("dora@example.test", class_name="brief")
    made = await make(dora)
    world.clock.now = int(made["expireDate"]) - 0.001
    assert await answers(world, made["emailAddress"]) == dora.account.account_id
    assert await may_send(dora, made["emailAddress"])
    assert await items(dora) == [made]
    world.clock.now = int(made["expireDate"])
    assert await answers(world, made["emailAddress"]) is None
    assert not await may_send(dora, made["emailAddress"])
    assert await items(dora) == []
    response = await dora.client.delete(f"{PATH}/{made['id']}")
    assert response.status_code == 404


async def test_it_ends_when_it_is_deleted(world: World, ann: User) -> None:
    kept, made = await make(ann), await make(ann)
    response = await ann.client.delete(f"{PATH}/{made['id']}")
    assert (response.status_code, response.content) == (200, b"")
    assert await answers(world, made["emailAddress"]) is None
    assert await answers(world, kept["emailAddress"]) == ann.account.account_id
    assert await items(ann) == [kept]
    assert (await ann.client.delete(f"{PATH}/{made['id']}")).status_code == 404


async def test_the_class_limits_them(world: World) -> None:
    dora = await world.add_account("dora@example.test", class_name="brief")
    made = [await make(dora) for _ in range(3)]
    refused = await dora.client.post(PATH)
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "notPermitted")
    await dora.client.delete(f"{PATH}/{made[0]['id']}")
    await make(dora)
    assert (await dora.client.post(PATH)).status_code == 403
    world.clock.now += 2 * DAY
    await make(dora)
    none = await world.add_account("emil@example.test", class_name="none")
    assert (await none.client.post(PATH)).json()["errorCode"] == "notPermitted"
    assert await items(none) == []


async def test_the_limit_holds_at_the_same_time(world: World) -> None:
    dora = await world.add_account("dora@example.test", class_name="brief")
    found = await asyncio.gather(*(dora.client.post(PATH) for _ in range(12)))
    assert sorted(one.status_code for one in found) == [200] * 3 + [403] * 9
    assert len({one["id"] for one in await items(dora)}) == 3


async def test_it_is_no_login(world: World, ann: User) -> None:
    address = (await make(ann))["emailAddress"]
    response = await world.connect(basic(address, PASSWORD)).get("/api/v1/account/info")
    assert response.status_code == 401


async def test_nobody_else_is_given_it(
    world: World, ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await make(ann)
    address = made["emailAddress"]
    monkeypatch.setattr(temporary_aliases, "make_name", lambda: address.partition("@")[0])

    async def give() -> None:
        await world.directory.set_account("ben@example.test", AccountSettings(aliases=[address]))

    async def add() -> None:
        await world.directory.add_account(address, AccountSettings(password="x"))

    for _ in range(2):
        for attempt in (give, add):
            with pytest.raises(PostroomError) as caught:
                await attempt()
            assert caught.value.kind is Kind.CONFLICT
        assert (await ben.client.post(PATH)).status_code == 503
        await ann.client.delete(f"{PATH}/{made['id']}")
    await world.directory.remove_account("ann@example.test")
    assert await answers(world, made["emailAddress"]) is None
    with pytest.raises(PostroomError):
        await give()
    # After a year anybody may have it.
    world.clock.now += KEPT_DAYS * DAY - 1
    assert await forget_expired(world.store, now_ms=int(world.clock.now * 1000)) == 0
    world.clock.now += 31 * DAY
    assert await forget_expired(world.store, now_ms=int(world.clock.now * 1000)) == 1
    await give()
    assert await answers(world, made["emailAddress"]) == ben.account.account_id


async def test_an_address_is_given_once_at_the_same_time(
    world: World, ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        name = f"free-name-{number}"
        monkeypatch.setattr(temporary_aliases, "make_name", lambda name=name: name)
        address = f"{name}@example.test"
        given, made = await asyncio.gather(
            world.directory.set_account("ben@example.test", AccountSettings(aliases=[address])),
            ann.client.post(PATH),
            return_exceptions=True,
        )
        assert isinstance(made, httpx.Response)
        if isinstance(given, BaseException):
            assert isinstance(given, PostroomError)
            assert (given.kind, made.status_code) == (Kind.CONFLICT, 200)
            assert await answers(world, address) == ann.account.account_id
        else:
            assert made.status_code == 503
            assert await answers(world, address) == ben.account.account_id


async def test_a_domain_can_go_after_them(world: World) -> None:
    await world.directory.add_domain("other.test")
    dora = await world.add_account("dora@other.test")
    address = (await make(dora))["emailAddress"]
    assert address.endswith("@other.test")
    with pytest.raises(PostroomError, match="still has"):
        await world.directory.remove_domain("other.test")
    await world.directory.remove_account("dora@other.test")
    await world.directory.remove_domain("other.test")
    assert await answers(world, address) is None
    await world.directory.add_domain("other.test")
    again = await world.add_account("dora@other.test")
    assert await answers(world, address) is None
    assert await items(again) == []


async def test_an_administrator_finds_its_owner(world: World, ann: User) -> None:
    made = await make(ann)
    # An administrator's commands have the time of the machine.
    async with world.store.directory_transaction() as tx:
        [alias] = await tx.directory.temporary_aliases.list_active(ann.account.account_id, now=0)
        await tx.directory.temporary_aliases.end(ann.account.account_id, alias.alias_id, now=0)
        await tx.directory.temporary_aliases.create(
            ann.account.account_id, alias._replace(address="late@example.test", expires_at=2**52)
        )
    assert (await world.directory.get_account("late@example.test")).account.address == "ann@example.test"
    assert (await world.directory.get_account("ann@example.test")).aliases == []
    with pytest.raises(PostroomError):
        await world.directory.set_account(
            "ann@example.test", AccountSettings(removed_aliases=[made["emailAddress"]])
        )


async def test_a_taken_address_is_not_made(
    world: World, ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(["ben", "free-name-12345"])
    monkeypatch.setattr(temporary_aliases, "make_name", lambda: next(names))
    assert (await make(ann))["emailAddress"] == "free-name-12345@example.test"
    assert await answers(world, "ben@example.test") == ben.account.account_id


async def test_only_so_many_are_remembered(world: World, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_aliases, "MOST_KEPT", 5)
    made = []
    for _ in range(12):
        world.clock.now += 1
        made.append(await make(ann))
        await ann.client.delete(f"{PATH}/{made[-1]['id']}")
    kept = await make(ann)
    async with world.store.directory() as tables:
        aliases = tables.directory.temporary_aliases
        assert [await aliases.has(one["emailAddress"]) for one in made] == [False] * 7 + [True] * 5
        assert await aliases.has(kept["emailAddress"])
    assert MOST_KEPT >= 100


async def test_expired_ones_are_forgotten_in_slices(
    world: World, ann: User, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary_aliases, "SLICE", 2)
    for _ in range(5):
        await make(ann)
    late = int((world.clock.now + (KEPT_DAYS + 31) * DAY) * 1000)
    assert await forget_expired(store, now_ms=late) == 5


async def test_a_key_makes_one(ann: User) -> None:
    first, second = [await ann.client.post(PATH, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len(await items(ann)) == 1


async def test_the_list_is_revalidated(world: World, ann: User) -> None:
    made = await make(ann)
    response = await ann.client.get(PATH)
    headers = {"If-None-Match": response.headers["etag"]}
    assert (await ann.client.get(PATH, headers=headers)).status_code == 304
    world.clock.now = int(made["expireDate"])
    assert (await ann.client.get(PATH, headers=headers)).status_code == 200


async def test_absence_is_told_by_it(world: World, ann: User) -> None:
    """Who writes to the alias is answered by it, and learns no other address."""
    notice = {
        "age": 7, "applyAlways": True, "applyToExternal": True, "applyToInternal": True,
        "body": "Away", "enabled": True, "subject": "Away",
    }  # fmt: skip
    assert (await ann.client.post("/api/v1/account/vacation", json=notice)).status_code == 200
    address = (await make(ann))["emailAddress"]
    recipient = await world.domain.ingest.resolve_recipient(address, size_bytes=None)
    envelope = Envelope(
        sender="bea@example.org",
        recipients=(recipient,),
        client="[127.0.0.1]",
        helo="client.example.org",
        smtputf8=False,
        body_8bit=True,
    )
    [problem] = await world.domain.ingest.deliver(envelope, make_message(to=address))
    assert problem is None
    async with world.store.directory() as tables:
        [queued] = await tables.outgoing.list_unfinished(0, limit=9)
        [receiver] = await tables.outgoing.list_recipients(queued.processing_id)
    assert receiver.address == "bea@example.org"
    async with world.store.peek(ann.account.account_id) as mailbox:
        content = await mailbox.contents.find(queued.content_id)
    assert content is not None
    reader = await world.store.messages.open(ann.account.account_id, content)
    raw = await reader.read(0, reader.size_bytes)
    reader.close()
    assert f"From: Ann Example <{address}>".encode() in raw
    assert b"ann@" not in raw


async def test_conversations_know_it_as_ones_own(world: World, ann: User) -> None:
    """For good: what was written under it stays written by its owner."""
    made = await make(ann)
    mail = await ann.deliver(make_message(from_=made["emailAddress"]))
    found = await ann.get(f"{MAILS}/{mail}/conversation")
    assert [one["isMe"] for one in found["participants"]] == [True]
    await ann.client.delete(f"{PATH}/{made['id']}")
    assert await ann.get(f"{MAILS}/{mail}/conversation") == found


def test_names_are_readable() -> None:
    names = {make_name() for _ in range(2000)}
    assert len(names) > 1990
    assert all(re.fullmatch(r"[a-z]{2,12}-[a-z]{2,12}-[0-9]{5}", name) for name in names)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("make"), st.integers(0, 1)),
            st.tuples(st.just("end"), st.integers(0, 9)),
            st.tuples(st.just("wait"), st.sampled_from([1, DAY, 2 * DAY, 2 * DAY - 1, 400 * DAY])),
            st.tuples(st.just("sweep"), st.just(0)),
        ),
        max_size=15,
    )
)
async def test_histories(world: World, ann: User, ben: User, steps: list[tuple[str, int]]) -> None:
    """Whatever happens, an address is its owner's until its end, and nobody's afterwards."""
    for user in (ann, ben):
        await world.directory.set_account(user.account.address, AccountSettings(class_name="brief"))
    ends: dict[str, tuple[User, str, float]] = {
        one["emailAddress"]: (user, one["id"], int(one["expireDate"]))
        for user in (ann, ben)
        for one in await items(user)
    }
    for step, value in steps:
        if step == "make":
            user = (ann, ben)[value]
            active = [end for owner, _, end in ends.values() if owner is user and end > world.clock.now]
            response = await user.client.post(PATH)
            assert response.status_code == (200 if len(active) < 3 else 403)
            if response.status_code == 200:
                made = response.json()
                assert made["emailAddress"] not in ends
                ends[made["emailAddress"]] = (user, made["id"], int(made["expireDate"]))
        elif step == "end" and ends:
            address = sorted(ends)[value % len(ends)]
            user, number, end = ends[address]
            response = await user.client.delete(f"{PATH}/{number}")
            assert response.status_code == (200 if end > world.clock.now else 404)
            ends[address] = (user, number, min(end, world.clock.now))
        elif step == "wait":
            world.clock.now += value
        else:
            await forget_expired(world.store, now_ms=int(world.clock.now * 1000))
        for address, (user, number, end) in ends.items():
            works = end > world.clock.now
            assert await answers(world, address) == (user.account.account_id if works else None)
            assert (number in {one["id"] for one in await items(user)}) is works
