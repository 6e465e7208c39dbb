"""What somebody who attacks accounts tries that no other module tells of by its name."""

import asyncio
from collections import Counter
from email import message_from_bytes
from typing import Any

import httpx
import pytest

from postroom.auth.passwords import PasswordHasher
from postroom.domain import cookie_logins
from postroom.domain.submission import Submission
from postroom.errors import PostroomError
from tests.api.factor_world import (
    METHODS,
    SESSION,
    TOKEN,
    TWO_FACTOR,
    Owner,
    log_in,
    open_session,
    read_letters,
)
from tests.api.world import PASSWORD, User, World, basic

NAME, ELSEWHERE = "ann@example.test", "ann@elsewhere.test"
NOBODY, DISABLED = "nobody@example.test", "off@example.test"
COUNTERS, LOGIN, COOKIE, STEP = (
    "/api/v1/mails/counters",
    "/api/v1/login",
    "/api/v1/login/cookie",
    "/api/v1/login/2fa",
)
RECOVER = "/api/v1/recover/password"
NEW = "another battery"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have refusals of cookie logins told soon."""
    monkeypatch.setattr(cookie_logins, "REFUSED_SECONDS", 0.01)


@pytest.fixture
async def owner(ann: User) -> Owner:
    """A user in a session, with a security token and an address elsewhere."""
    made = await open_session(ann)
    await made.prove()
    await made.add_email(ELSEWHERE)
    return made


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> "Counter[str]":
    """How many passwords are hashed."""
    done: Counter[str] = Counter()
    verify, unknown, make = PasswordHasher.verify, PasswordHasher.verify_unknown, PasswordHasher.hash

    async def count_verify(self: PasswordHasher, password_hash: str, password: str) -> bool:
        done["hashes"] += 1
        return await verify(self, password_hash, password)

    async def count_unknown(self: PasswordHasher, password: str) -> bool:
        done["hashes"] += 1
        return await unknown(self, password)

    async def count_hash(self: PasswordHasher, password: str) -> str:
        done["hashes"] += 1
        return await make(self, password)

    monkeypatch.setattr(PasswordHasher, "verify", count_verify)
    monkeypatch.setattr(PasswordHasher, "verify_unknown", count_unknown)
    monkeypatch.setattr(PasswordHasher, "hash", count_hash)
    return done


PUBLIC: tuple[tuple[str, str, dict[str, Any] | None, int], ...] = (
    ("GET", COUNTERS, None, 1),
    ("POST", LOGIN, None, 1),
    ("POST", COOKIE, {"username": "NAME", "password": "wrong"}, 1),
    ("GET", "/api/v1/captha/status?username=NAME", None, 0),
    ("GET", "/api/v1/captha?username=NAME", None, 0),
    ("GET", f"{RECOVER}/methods?username=NAME", None, 0),
    ("POST", f"{RECOVER}/sendtoken", {"username": "NAME", "email": "who@elsewhere.test"}, 0),
    ("POST", f"{RECOVER}/validatetoken", {"username": "NAME", "recoveryToken": "wrong"}, 0),
    ("POST", f"{RECOVER}/reset", {"username": "NAME", "recoveryToken": "wrong", "newPassword": NEW}, 0),
)


@pytest.mark.parametrize(("method", "path", "body", "hashes"), PUBLIC)
async def test_known_and_unknown_names_cost_the_same(
    owner: Owner,
    work: "Counter[str]",
    method: str,
    path: str,
    body: dict[str, Any] | None,
    hashes: int,
) -> None:
    """The hashes are what takes time; whether there is such an account does not change how many there are."""
    world = owner.world
    await world.add_account(DISABLED)
    await world.directory.set_enabled(DISABLED, enabled=False)
    answers: list[httpx.Response] = []
    for number, name in enumerate((NAME, NOBODY, DISABLED, "x")):
        work.clear()
        authorization = basic(name, "wrong") if hashes and body is None else None
        given = None if body is None else {key: value.replace("NAME", name) for key, value in body.items()}
        client = world.connect(authorization, address=f"192.0.2.{number}")
        answers.append(await client.request(method, path.replace("NAME", name), json=given))
        await world.domain.recovery.settle()
        assert work["hashes"] == hashes, name
    assert len({one.status_code for one in answers}) == 1
    if "methods" not in path:
        assert len({one.content for one in answers}) == 1
    assert len({tuple(one.headers) for one in answers}) == 1


async def test_what_a_request_says_of_its_host_is_in_no_letter(owner: Owner) -> None:
    world, before = owner.world, len(await read_letters(owner.world))
    evil = {
        "Host": "evil.test",
        "X-Forwarded-Host": "evil.test",
        "Forwarded": "host=evil.test",
        "Origin": "https://evil.test",
        "Referer": "https://evil.test/",
    }
    client = world.connect(address="192.0.2.1")
    for path, body in (
        (f"{RECOVER}/sendtoken", {"username": NAME, "email": ELSEWHERE}),
        ("/api/v1/recover/username", {"email": ELSEWHERE}),
    ):
        assert (await client.post(path, json=body, headers=evil)).status_code == 200
        await world.domain.recovery.settle()
        world.clock.now += 1
    [method] = (await owner.ok("GET", METHODS))["items"]
    await owner.ok("POST", f"{METHODS}/{method['id']}/sendtoken", **evil)
    letters = (await read_letters(world))[before:]
    assert len(letters) == 3
    async with world.store.directory() as tables:
        rows = await tables.outgoing._connection.fetch_all("SELECT account_id, content_id FROM outgoing")
    for account_id, content_id in rows:
        async with world.store.read(account_id) as mailbox:
            content = await mailbox.contents.find(content_id)
            assert content is not None
            reader = await world.store.messages.open(account_id, content)
            raw = bytes(await reader.read(0, content.size_bytes))
            reader.close()
        assert b"evil" not in raw
        assert b"://" not in raw
        assert message_from_bytes(raw)["From"] == "Postmaster <postmaster@example.test>"


async def test_no_login_takes_up_a_session_that_it_is_given(owner: Owner, ann: User) -> None:
    """Session fixation: whoever plants a session or a cookie has nothing of the login that follows."""
    planted = (await ann.client.post(LOGIN)).json()["sessid"]
    given = {SESSION: planted}
    made = (await ann.client.post(LOGIN, headers=given)).json()["sessid"]
    assert made != planted
    cookie, _ = await log_in(ann)
    again = await owner.world.connect().post(
        f"{COOKIE}?_h={cookie.sessid}",
        json={"username": NAME, "password": PASSWORD},
        headers={**cookie.headers, SESSION: planted},
    )
    assert again.json()["sessid"] not in {planted, cookie.sessid}
    assert again.headers["set-cookie"].partition(";")[0] != cookie.headers["Cookie"]
    # The new id does not go with the old cookie.
    mixed = await owner.world.connect().get(
        f"{COUNTERS}?_h={again.json()['sessid']}", headers={"Cookie": cookie.headers["Cookie"]}
    )
    assert mixed.status_code == 401


@pytest.mark.parametrize("way", ["own", "another session", "another account", "after logout", "remembered"])
async def test_a_security_token_is_its_sessions(owner: Owner, ann: User, ben: User, way: str) -> None:
    path, body = "/api/v1/account/badgetokens", {"name": "widget"}
    token = owner.headers[TOKEN]
    if way == "own":
        assert (await owner.call("POST", path, body)).status_code == 200
        return
    other = await open_session(ben if way == "another account" else ann)
    if way == "after logout":
        await owner.ok("POST", "/api/v1/logout")
    if way == "remembered":
        owner.later(600)
        other = owner
    refused = await other.call("POST", path, body, **{TOKEN: token})
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "securityTokenRequired")


async def test_a_password_alone_gets_around_no_second_step(owner: Owner, world: World) -> None:
    """Whatever takes a password: headers, sessions, tickets and streams of before, mail programs."""
    strange = world.connect(basic(NAME, PASSWORD), address="192.0.2.1")
    assert (await strange.get(COUNTERS)).status_code == 200
    before = (await strange.post(LOGIN)).json()["sessid"]
    ticket = (await strange.post("/api/v1/events/ticket")).json()["ticket"]
    waiting, _ = await log_in(owner.user)
    await owner.switch_on()
    later, stage = await log_in(owner.user)
    assert stage == "required"
    for session in (before, later.sessid, waiting.sessid, "x"):
        refused = await strange.get("/api/v1/folders", headers={SESSION: session})
        assert refused.status_code == 401, session
    assert (await strange.get("/api/v1/events", params={"kinds": "counters"})).status_code == 401
    assert (await world.connect().get("/api/v1/events", params={"ticket": ticket})).status_code == 401
    for path in (LOGIN, "/api/v1/events/ticket", "/api/v1/account/security/check"):
        assert (await strange.post(path, json=None)).status_code == 401, path
    parts: Any = {"ingest": world.domain.ingest, "routing": None, "classes": {}, "clock": None}
    submission = Submission(world.store, world.domain.logins, **parts)
    with pytest.raises(PostroomError) as caught:
        await submission.login(NAME, PASSWORD, client="192.0.2.1")
    assert caught.value.code == "secondFactorRequired"


async def test_a_waiting_session_reaches_nothing_by_changed_spellings(owner: Owner) -> None:
    method, _, _ = await owner.switch_on()
    waiting, _ = await log_in(owner.user)
    for verb, path in (
        ("GET", f"{METHODS}"),
        ("GET", f"{METHODS}/?scope=general"),
        ("GET", f"{METHODS}?scope=2fa&scope=general"),
        ("GET", f"{METHODS}?scope=passwordRecovery"),
        ("HEAD", "/api/v1/folders"),
        ("GET", "/api/v1/login/../folders"),
        ("GET", "/api/v1/login/2fa/../../folders"),
        ("GET", "/api/v1//folders"),
        ("DELETE", f"{METHODS}/{method}"),
        ("POST", f"{METHODS}/{method}/activate"),
        ("DELETE", TWO_FACTOR),
        ("POST", "/api/v1/account/password/set"),
        ("POST", "/api/v1/events/ticket"),
        ("GET", "/api/v1/events"),
    ):
        answer = await waiting.call(verb, path, {} if verb == "POST" else None)
        assert answer.status_code in {400, 401, 404, 405}, (verb, path)
        assert b"syncToken" not in answer.content


async def test_codes_are_guessed_together_whatever_session_they_come_from(owner: Owner) -> None:
    """An emailed code has five tries in all, not five for each session and each call that takes codes."""
    [method] = (await owner.ok("GET", METHODS))["items"]
    await owner.switch_on()
    owner.later(1)
    first, _ = await log_in(owner.user)
    await first.ok("POST", f"{METHODS}/{method['id']}/sendtoken")
    letters = await read_letters(owner.world)
    code = letters[-1][1].split()[0]
    sessions = [first, (await log_in(owner.user))[0]]
    wrong = {"methodId": method["id"], "totpToken": f"{(int(code) + 1) % 10**6:06}"}
    for number in range(5):
        assert (await sessions[number % 2].call("POST", STEP, wrong)).status_code == 401
    refused = await sessions[1].call("POST", STEP, {**wrong, "totpToken": code})
    assert (refused.status_code, refused.json()["errorCode"]) == (401, "secondFactorRequired")


async def test_one_of_many_at_once_uses_a_code_or_a_token(owner: Owner) -> None:
    """What is good once is good once, however many come with it to the same place at the same time."""
    _, _, codes = await owner.switch_on()
    session, _ = await log_in(owner.user)
    answers = await asyncio.gather(
        *(session.call("POST", STEP, {"recoveryCode": codes[0]}) for _ in range(6))
    )
    assert sorted(one.status_code for one in answers)[0] == 200
    assert [one.status_code for one in answers].count(200) == 1
    other, _ = await log_in(owner.user)
    spent = await other.call("POST", STEP, {"recoveryCode": codes[0]})
    assert (spent.status_code, spent.json()["errorCode"]) == (401, "secondFactorRequired")


async def test_a_recovery_leaves_nothing_that_was_known_before(owner: Owner, world: World) -> None:
    """Who had the password, a session, an app password or a security token has nothing after the reset."""
    made = await owner.ok("POST", "/api/v1/account/apppasswords", {"name": "program"})
    cookie, _ = await log_in(owner.user)
    ticket = (await owner.user.client.post("/api/v1/events/ticket")).json()["ticket"]
    world.clock.now += 1
    client = world.connect()
    assert (
        await client.post(f"{RECOVER}/sendtoken", json={"username": NAME, "email": ELSEWHERE})
    ).status_code == 200
    await world.domain.recovery.settle()
    token = (await read_letters(world))[-1][1].partition("is: ")[2].split()[0]
    body = {"username": NAME, "recoveryToken": token, "newPassword": NEW}
    # Another account's name does not go with the token.
    assert (
        await client.post(f"{RECOVER}/validatetoken", json={**body, "username": NOBODY})
    ).status_code == 400
    body.pop("newPassword")
    assert (await client.post(f"{RECOVER}/validatetoken", json=body)).status_code == 200
    reset = await client.post(f"{RECOVER}/reset", json={**body, "newPassword": NEW})
    assert reset.status_code == 200
    assert (await owner.call("GET", COUNTERS)).status_code == 401
    assert (await cookie.call("GET", COUNTERS)).status_code == 401
    assert (await world.connect(basic(NAME, PASSWORD)).get(COUNTERS)).status_code == 401
    assert (await world.connect(basic(NAME, made["password"])).get(COUNTERS)).status_code == 401
    assert (await client.get("/api/v1/events", params={"ticket": ticket})).status_code == 401
    fresh = world.connect(basic(NAME, NEW))
    assert (await fresh.get(COUNTERS)).status_code == 200
    old = {SESSION: owner.headers[SESSION], TOKEN: owner.headers[TOKEN]}
    assert (
        await fresh.post("/api/v1/account/badgetokens", json={"name": "x"}, headers=old)
    ).status_code == 401
