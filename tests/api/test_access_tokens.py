"""App passwords and badge tokens, as programs use them."""

import asyncio
import base64

import pytest

from postroom.domain.access_tokens import MOST, Made
from postroom.errors import PostroomError
from postroom.model.access_token import AccessTokenRef
from postroom.model.account import Caller
from tests.api.world import PASSWORD, User, World, basic, make_message

ADDRESS = "ann@example.test"
COUNTERS = "/api/v1/mails/counters"
SESSION = "X-Axigen-Session"


async def get_caller(world: World, user: User) -> Caller:
    header = basic(user.account.address, PASSWORD)
    return await world.domain.logins.authenticate(header, None, client="127.0.0.1")


async def make(world: World, user: User, scope: str, name: str = "A program") -> Made:
    caller = await get_caller(world, user)
    return await world.domain.access_tokens.create(caller, name, scope, client="192.0.2.1")


async def revoke(world: World, user: User, made: Made) -> None:
    ref = AccessTokenRef(user.account.account_id, made.token.token_id)
    await world.domain.access_tokens.delete(
        await get_caller(world, user), ref, badges=made.token.scope == "badge", client="192.0.2.1"
    )


def header_of(user: User, made: Made) -> str:
    """Return the Authorization header of an app password or badge token."""
    if made.token.scope == "badge":
        return f"Bearer {made.secret}"
    return basic(user.account.address, made.secret)


@pytest.mark.parametrize("scope", ["counters", "read", "all", "badge"])
async def test_counter(world: World, ann: User, scope: str) -> None:
    await ann.deliver(make_message())
    made = await make(world, ann, scope)
    client = world.connect(header_of(ann, made))
    for _ in range(3):
        response = await client.get(COUNTERS)
        assert response.status_code == 200, response.text
        # The owner is told of it by a mail, which comes when it comes.
        assert response.json()["unreadCount"] in {1, 2}
    # From the second call on it is the short way that answers.
    unread = world.domain.counters.find_fast(header_of(ann, made).encode(), None)
    assert (unread in {1, 2}) == world.store.engine.answers_now


@pytest.mark.parametrize(
    ("scope", "may_read", "may_write", "may_log_in"),
    [
        ("badge", False, False, False),
        ("counters", False, False, True),
        ("read", True, False, True),
        ("all", True, True, True),
    ],
)
async def test_scopes(
    world: World, ann: User, scope: str, may_read: bool, may_write: bool, may_log_in: bool
) -> None:
    client = world.connect(header_of(ann, await make(world, ann, scope)))
    statuses = [
        (await client.get("/api/v1/folders")).status_code,
        (await client.post("/api/v1/mails/search", json={"folderIds": [ann.inbox], "query": []})).status_code,
        (await client.post("/api/v1/labels", json={"name": "New"})).status_code,
        (await client.post("/api/v1/login")).status_code,
    ]
    expected = [may_read, may_read, may_write, may_log_in]
    assert [status == 200 for status in statuses] == expected
    assert {status for status in statuses if status != 200} <= {403}
    refused = await client.delete("/api/v1/account/avatar")
    assert (refused.status_code == 403) != may_write
    if not may_write:
        assert refused.json()["errorCode"] == "notPermitted"


async def test_scope_goes_with_the_credentials_not_with_the_session(world: World, ann: User) -> None:
    session = {SESSION: (await ann.client.post("/api/v1/login")).json()["sessid"]}
    client = world.connect(header_of(ann, await make(world, ann, "read")))
    assert (await client.get("/api/v1/folders", headers=session)).status_code == 200
    response = await client.post("/api/v1/labels", json={"name": "New"}, headers=session)
    assert response.status_code == 403


async def test_remembered_answers_need_the_scope_too(world: World, ann: User) -> None:
    key = {"Idempotency-Key": "k"}
    made = await ann.client.post("/api/v1/labels", json={"name": "New"}, headers=key)
    assert made.status_code == 200
    client = world.connect(header_of(ann, await make(world, ann, "read")))
    response = await client.post("/api/v1/labels", json={"name": "New"}, headers=key)
    assert response.status_code == 403


@pytest.mark.parametrize("scope", ["counters", "badge"])
async def test_events_of_counters_alone(world: World, ann: User, scope: str) -> None:
    client = world.connect(header_of(ann, await make(world, ann, scope)))
    for kinds in ("mails", "counters,mails", "job"):
        response = await client.get("/api/v1/events", params={"kinds": kinds})
        assert response.status_code == 403, kinds
    issued = await client.post("/api/v1/events/ticket")
    assert issued.status_code == (403 if scope == "badge" else 200)
    if issued.status_code == 200:
        query = {"ticket": issued.json()["ticket"], "kinds": "folders"}
        assert (await world.connect().get("/api/v1/events", params=query)).status_code == 403


@pytest.mark.parametrize("scope", ["all", "badge"])
async def test_revoked_at_once(world: World, ann: User, scope: str) -> None:
    made, other = await make(world, ann, scope), await make(world, ann, scope)
    client, kept = world.connect(header_of(ann, made)), world.connect(header_of(ann, other))
    assert (await client.get(COUNTERS)).status_code == 200
    await revoke(world, ann, made)
    assert (await client.get(COUNTERS)).status_code == 401
    assert (await kept.get(COUNTERS)).status_code == 200
    assert (await ann.client.get(COUNTERS)).status_code == 200
    with pytest.raises(PostroomError) as raised:
        await revoke(world, ann, made)
    assert raised.value.code == "notFound"


@pytest.mark.parametrize("scope", ["all", "badge"])
async def test_disabled_account(world: World, ann: User, scope: str) -> None:
    made = await make(world, ann, scope)
    client = world.connect(header_of(ann, made))
    assert (await client.get(COUNTERS)).status_code == 200
    await world.directory.set_enabled(ADDRESS, enabled=False)
    assert (await client.get(COUNTERS)).status_code == 401
    await world.directory.set_enabled(ADDRESS, enabled=True)
    assert (await client.get(COUNTERS)).status_code == 200


async def test_wrong_places(world: World, ann: User, ben: User) -> None:
    password, badge = await make(world, ann, "all"), await make(world, ann, "badge")
    for authorization in (
        basic(ben.account.address, password.secret),
        basic("nobody@example.test", password.secret),
        basic(ADDRESS, badge.secret),
        basic(ADDRESS, password.secret[:-1]),
        basic(ADDRESS, password.secret + "a"),
        basic(ADDRESS, password.secret.swapcase()),
        basic(ADDRESS, password.secret.replace("pap_", "pbt_")),
        f"Bearer {password.secret}",
        f"Bearer {badge.secret}x",
        f"Bearer {badge.secret.replace('pbt_', 'pap_')}",
        "Bearer pbt_",
        "Bearer",
        "Bearer \xff",
        "Bearer a b",
        f"bearer  {badge.secret} x",
        "Bearer " + "a" * 9000,
        "Basic " + base64.b64encode(f"{ADDRESS}:pap_\x00".encode()).decode(),
    ):
        client = world.connect()
        response = await client.get(
            "/api/v1/folders", headers={b"Authorization": authorization.encode("latin-1")}
        )
        assert response.status_code in {401, 429}, authorization
    assert (await world.connect(f"bearer {badge.secret}").get(COUNTERS)).status_code == 200


async def test_not_affected_by_guesses(world: World, ann: User) -> None:
    made = await make(world, ann, "all")
    stranger = world.connect(basic(ADDRESS, "wrong"), address="192.0.2.7")
    while (await stranger.get("/api/v1/folders")).status_code != 429:
        pass
    owner = world.connect(header_of(ann, made), address="192.0.2.7")
    assert (await owner.get("/api/v1/folders")).status_code == 200


async def test_last_use_is_written_now_and_then(world: World, ann: User) -> None:
    made = await make(world, ann, "badge")
    caller = await get_caller(world, ann)

    async def last_use() -> int:
        [token] = await world.domain.access_tokens.list(caller, badges=True)
        return token.last_used_at

    client = world.connect(header_of(ann, made))
    assert await last_use() == 0
    await client.get(COUNTERS)
    first = await last_use()
    assert first == int(world.clock.now * 1000)
    world.clock.now += 100
    await client.get(COUNTERS)
    assert await last_use() == first
    world.clock.now += 600
    await client.get(COUNTERS)
    assert await last_use() == int(world.clock.now * 1000)


async def test_limit(world: World, ann: User) -> None:
    made = await asyncio.gather(*(make(world, ann, "badge") for _ in range(MOST + 5)), return_exceptions=True)
    assert sum(isinstance(one, Made) for one in made) == MOST
    problems = {one.code for one in made if isinstance(one, PostroomError)}
    assert problems == {"notPermitted"}
    assert isinstance(await make(world, ann, "all"), Made)


@pytest.mark.parametrize("name", ["", "  ", "a" * 129, "a\x00b", "a\nb", "\x7f"])
async def test_bad_names(world: World, ann: User, name: str) -> None:
    with pytest.raises(PostroomError) as raised:
        await make(world, ann, "all", name)
    assert raised.value.details == {"parameter": "name"}


async def test_secrets_are_not_stored(world: World, ann: User) -> None:
    made = await make(world, ann, "all")
    async with world.store.directory() as directory:
        rows = await directory.access_tokens._connection.fetch_all("SELECT * FROM access_token")
    assert made.secret not in repr(rows)
    assert made.secret[4:] not in repr(rows)


async def test_reading_credentials_clear_nothing_at_logout(world: World, ann: User) -> None:
    settings = {"purgeTrashOnLogout": True}
    changed = await ann.client.patch("/api/v1/account/settings", json=settings)
    assert changed.status_code == 200, changed.text
    mail = await ann.deliver(make_message())
    assert (await ann.client.delete(f"/api/v1/mails/{mail}")).status_code == 200
    client = world.connect(header_of(ann, await make(world, ann, "read")))
    session = {SESSION: (await client.post("/api/v1/login")).json()["sessid"]}
    assert (await client.post("/api/v1/logout", headers=session)).status_code == 200
    trash = next(one for one in (await ann.get("/api/v1/folders"))["items"] if one.get("role") == "trash")
    assert trash["totalItems"] == 1
