"""Event streams end with what they were opened with: the token of a provider, an app password, a badge token."""

import time
from collections.abc import AsyncIterator

import pytest

from postroom.api.settings import APISettings
from postroom.config.classes import AccountClass
from postroom.config.oidc import OIDCConfig
from postroom.store import Store
from tests.api.factor_world import Owner, open_session
from tests.api.identity_provider import CLIENT
from tests.api.live import Live, serving, streaming
from tests.api.scripted_provider import Scripted, claims_of, serving_tokens, sign
from tests.api.world import User, World, basic, make_world

TICKET = "/api/v1/events/ticket"
FAR_SECONDS = 60


@pytest.fixture
async def provider() -> AsyncIterator[Scripted]:
    """A provider of tokens."""
    async with serving_tokens() as scripted:
        yield scripted


@pytest.fixture
async def world(store: Store, classes: dict[str, AccountClass], provider: Scripted) -> AsyncIterator[World]:
    """A server that believes the provider."""
    oidc = OIDCConfig(issuer=provider.issuer, audience=(CLIENT,), leeway_seconds=0, timeout_seconds=30)
    made = await make_world(store, APISettings(), classes, oidc=oidc)
    yield made
    await made.domain.logins.tokens.close()
    await made.close()


@pytest.fixture
async def live(world: World) -> AsyncIterator[Live]:
    """The server over a socket."""
    async with serving(world) as running:
        yield running


@pytest.fixture
async def owner(ann: User) -> Owner:
    """A user who may make tokens."""
    made = await open_session(ann)
    await made.prove()
    return made


def make_token(world: World, provider: Scripted, *, lives_seconds: int) -> str:
    """Return a token of the account's, which ends so long from now by the clock of the server."""
    return "Bearer " + sign(claims_of(world, provider, exp=int(world.clock.now) + lives_seconds))


@pytest.mark.parametrize("way", ["header", "session", "ticket"])
async def test_a_stream_ends_with_the_token_of_a_provider(
    live: Live, world: World, ann: User, provider: Scripted, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    # From here on the server's clock goes: the stream is to end by itself, at its time.
    began, start = time.monotonic(), world.clock.now
    monkeypatch.setattr(world.domain.logins.sessions, "_now", lambda: start + time.monotonic() - began)
    bearer = make_token(world, provider, lives_seconds=2)
    authorization: str | None = bearer
    session, query = None, {}
    client = world.connect(bearer)
    if way == "session":
        session = (await client.post("/api/v1/login")).json()["sessid"]
    elif way == "ticket":
        authorization, query = None, {"ticket": (await client.post(TICKET)).json()["ticket"]}
    async with streaming(live, authorization, session=session, **query) as events:
        await events.until("counters")
        assert await events.next() is None
    assert 1.5 < time.monotonic() - began < 8
    assert ann.account.address


async def test_a_stream_outlives_the_token_of_another(
    live: Live, world: World, ann: User, provider: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = make_token(world, provider, lives_seconds=FAR_SECONDS)
    short = make_token(world, provider, lives_seconds=1)
    async with streaming(live, long) as kept, streaming(live, short) as ended:
        await kept.until("counters")
        await ended.until("counters")
        later = world.clock.now + 2
        monkeypatch.setattr(world.domain.logins.sessions, "_now", lambda: later)
        await ann.deliver(b"Subject: x\r\n\r\nx\r\n")
        await kept.until("counters")
        assert await ended.rest() == []


@pytest.mark.parametrize(
    ("scope", "by_ticket"), [("counters", False), ("all", False), ("badge", False), ("all", True)]
)
async def test_a_stream_ends_when_its_secret_is_revoked(
    live: Live, world: World, owner: Owner, *, scope: str, by_ticket: bool
) -> None:
    if scope == "badge":
        path = "/api/v1/account/badgetokens"
        made = await owner.ok("POST", path, {"name": "widget"})
        authorization: str | None = f"Bearer {made['token']}"
    else:
        path = "/api/v1/account/apppasswords"
        made = await owner.ok("POST", path, {"name": "program", "scope": scope})
        authorization = basic(owner.user.account.address, made["password"])
    query = {}
    if by_ticket:
        issued = await world.connect(authorization).post(TICKET)
        authorization, query = None, {"ticket": issued.json()["ticket"]}
    async with streaming(live, authorization, **query) as events:
        await events.until("counters")
        await owner.ok("DELETE", f"{path}/{made['id']}")
        # The notice of what was made may have come meanwhile.
        assert {one.kind for one in await events.rest()} <= {"counters", "mails", "folders"}
