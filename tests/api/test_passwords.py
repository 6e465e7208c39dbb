"""Passwords: set and reset, with the whole policy of a class."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from postroom.api.idempotency import make_fingerprint
from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.auth import AuthConfig
from postroom.config.classes import (
    AccountClass,
    ContentPolicy,
    Expiration,
    History,
    PasswordPolicy,
    RenewalInterval,
    Restrictions,
)
from postroom.config.root import Config
from postroom.domain import counters, event_streams
from postroom.domain.directory import AccountSettings
from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId
from postroom.store import Store, open_store
from tests.api.live import serving, streaming
from tests.api.test_access import call, protected
from tests.api.world import PASSWORD, User, World, basic

SET, RESET = "/api/v1/account/password/set", "/api/v1/account/password/reset"
INFO, LOGIN, LABELS = "/api/v1/account/info", "/api/v1/login", "/api/v1/labels"
COUNTERS, TICKET = "/api/v1/mails/counters", "/api/v1/events/ticket"
SESSION = "X-Axigen-Session"
NEW = "battery staple"
STRONG = "correct horse 1"
DAY_SECONDS = 86_400
DAY = "2025-04-20"
"""The passwords of class ``expiring`` expire then; the tests begin nine days before."""
DAY_AT = 1_745_107_200


def make_class(**policy: Any) -> AccountClass:
    return AccountClass(restrictions=Restrictions(password_policy=PasswordPolicy(**policy)))


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    content = ContentPolicy(
        enabled=True, min_length=10, max_length=20, must_include="lettersAndNumbersAndSpecial"
    )
    return {
        "default": AccountClass(),
        "strict": make_class(content_policy=content, history=History(enabled=True, size=3)),
        "renewed": make_class(renewal_interval=RenewalInterval(enabled=True, interval=30)),
        "expiring": make_class(expiration=Expiration(enabled=True, date=DAY, warning_interval=7)),
        "new": make_class(must_change_password=True),
        "fixed": make_class(allow_change_by_user=False),
    }


async def set_to(user: User, new: Any, **headers: str) -> httpx.Response:
    return await user.client.post(SET, json={"newPassword": new}, headers=headers)


async def reset(
    user: User, old: Any = PASSWORD, new: Any = NEW, headers: dict[str, str] | None = None, **more: Any
) -> httpx.Response:
    body = {"oldPassword": old, "newPassword": new, **more}
    return await user.client.post(RESET, json=body, headers=headers)


def with_password(user: User, password: str) -> User:
    return User(user.world, user.account, user.world.connect(basic(user.account.address, password)))


async def is_right(user: User, password: str) -> bool:
    response = await with_password(user, password).client.get(LABELS)
    assert response.status_code in {200, 401, 403}, response.text
    return response.status_code != 401


async def policy_of(user: User) -> Any:
    return (await user.get(INFO))["restrictions"]["passwordPolicy"]


async def log_in(user: User) -> dict[str, str]:
    return {SESSION: (await user.client.post(LOGIN)).json()["sessid"]}


def assert_refused(response: httpx.Response, reason: str) -> None:
    assert response.status_code == 400, response.text
    error = response.json()
    assert (error["errorCode"], error["details"]["parameter"]) == ("badParameter", "newPassword")
    assert error["details"]["reason"] == reason


# Reset


async def test_reset(ann: User) -> None:
    response = await reset(ann)
    assert (response.status_code, response.content) == (200, b"")
    assert not await is_right(ann, PASSWORD)
    assert await is_right(ann, NEW)
    assert (await ann.client.get(COUNTERS)).status_code == 401


async def test_the_session_of_the_call_goes_on_and_others_end(ann: User, ben: User) -> None:
    own, other = await log_in(ann), await log_in(ann)
    others = await log_in(ben)
    files = {"file": ("a.txt", b"text")}
    for session in (own, other):
        uploaded = await ann.client.post("/api/v1/temporaryAttachments", files=files, headers=session)
        assert uploaded.status_code == 200
    assert (await reset(ann, headers=own, logoutOtherSessions=False)).status_code == 200
    changed = with_password(ann, NEW)
    assert (await changed.client.get(LABELS, headers=own)).status_code == 200
    assert (await changed.client.get(LABELS, headers=other)).status_code == 401
    assert (await ann.client.get(LABELS, headers=own)).status_code == 401
    assert (await ben.client.get(LABELS, headers=others)).status_code == 200
    async with ann.world.store.engine.peek() as connection:
        assert await connection.fetch_value("SELECT count(*) FROM temporary_attachment") == 1


@pytest.mark.parametrize("value", [True, False, None, "yes", 1, []])
async def test_log_out_of_other_sessions_is_tolerated(ann: User, value: Any) -> None:
    session = await log_in(ann)
    assert (await reset(ann, logoutOtherSessions=value)).status_code == 200
    assert (await with_password(ann, NEW).client.get(LABELS, headers=session)).status_code == 401


async def test_a_wrong_old_password(ann: User) -> None:
    session = await log_in(ann)
    for wrong in ("wrong", "", PASSWORD.upper(), "x" * 4096, "x" * 4097, "\x00"):
        response = await reset(ann, wrong)
        assert response.status_code == 400
        assert response.json()["details"] == {"parameter": "oldPassword"}
    assert await is_right(ann, PASSWORD)
    assert (await ann.client.get(LABELS, headers=session)).status_code == 200


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "oldPassword"),
        ({"oldPassword": PASSWORD}, "newPassword"),
        ({"newPassword": NEW}, "oldPassword"),
        ({"oldPassword": 1, "newPassword": NEW}, "oldPassword"),
        ({"oldPassword": PASSWORD, "newPassword": None}, "newPassword"),
        ({"oldPassword": PASSWORD, "newPassword": ["a"]}, "newPassword"),
        ({"oldPassword": PASSWORD, "newPassword": ""}, "newPassword"),
        ({"oldPassword": PASSWORD, "newPassword": "a\nb"}, "newPassword"),
        ({"oldPassword": PASSWORD, "newPassword": "a\x00b"}, "newPassword"),
        ({"oldPassword": PASSWORD, "newPassword": "a\x7f"}, "newPassword"),
        ({"oldPassword": PASSWORD, "newPassword": "x" * 4097}, "newPassword"),
        ({"oldPassword": PASSWORD, "newPassword": "\u00e4" * 2049}, "newPassword"),
        ({"oldPassword": PASSWORD, "newPassword": "\ufb2c" * 1000}, "newPassword"),
        ({"oldPassword": PASSWORD, "newPassword": NEW, "other": 1}, "other"),
    ],
)
async def test_bad_bodies(ann: User, body: Any, parameter: str) -> None:
    response = await ann.client.post(RESET, json=body)
    assert response.status_code == 400
    assert response.json()["details"] == {"parameter": parameter}
    assert await is_right(ann, PASSWORD)


@pytest.mark.parametrize("raw", [b'{"newPassword":"\\ud800"}', b'{"newPassword":"\xff"}', b"[]", b"1", b"{"])
async def test_broken_bodies(ann: User, raw: bytes) -> None:
    for path in (SET, RESET):
        assert (await ann.client.post(path, content=raw)).status_code == 400
    assert await is_right(ann, PASSWORD)


async def test_a_class_that_does_not_allow_it(world: World) -> None:
    user = await world.add_account("f@example.test", class_name="fixed")
    assert (await policy_of(user))["allowChangeByUser"] is False
    for old in (PASSWORD, "wrong"):
        response = await reset(user, old)
        assert (response.status_code, response.json()["errorCode"]) == (403, "notPermitted")
    assert await is_right(user, PASSWORD)
    # What the operator demands of an account can be done nevertheless.
    await world.directory.set_account("f@example.test", AccountSettings(must_change_password=True))
    assert (await reset(user)).status_code == 403
    assert (await set_to(user, NEW)).status_code == 200
    assert await is_right(user, NEW)


# Guessing


async def test_wrong_old_passwords_are_limited(world: World, ann: User, ben: User) -> None:
    for number in range(10):
        assert (await reset(ann, f"guess {number}")).status_code == 400
    for old in ("guess", PASSWORD):
        response = await reset(ann, old)
        assert (response.status_code, response.json()["errorCode"]) == (429, "tooManyRequests")
        assert response.headers["retry-after"] == "30"
    # Nobody else is affected, nor are the account's own programs.
    assert (await reset(ben)).status_code == 200
    assert (await ann.client.get(LABELS)).status_code == 200
    assert await is_right(ann, PASSWORD)
    world.clock.now += 30
    assert (await reset(ann)).status_code == 200
    assert (await reset(with_password(ann, NEW), NEW, PASSWORD)).status_code == 200


async def test_failed_logins_do_not_keep_the_owner_from_it(ann: User) -> None:
    assert (await ann.client.get(LABELS)).status_code == 200
    for number in range(11):
        last = await with_password(ann, f"guess {number}").client.get(LABELS)
    assert last.status_code == 429
    assert (await reset(ann)).status_code == 200


async def test_an_address_is_limited_wherever_it_guesses(world: World, ann: User) -> None:
    users = [await world.add_account(f"u{number}@example.test") for number in range(5)]
    authorized = [
        User(world, one.account, world.connect(basic(one.account.address, PASSWORD), address="192.0.2.7"))
        for one in users
    ]
    for one in authorized:
        assert (await one.client.get(LABELS)).status_code == 200
    for number in range(20):
        assert (await reset(authorized[number % 5], "guess")).status_code == 400
    assert (await reset(authorized[0])).status_code == 429
    stranger = world.connect(basic("ann@example.test", PASSWORD), address="192.0.2.7")
    assert (await stranger.get(LABELS)).status_code == 429
    assert (await reset(users[0])).status_code == 200


async def test_guesses_at_once_do_not_pass_the_limit_together(ann: User) -> None:
    responses = await asyncio.gather(*(reset(ann, f"guess {number}") for number in range(30)))
    statuses = [response.status_code for response in responses]
    assert (statuses.count(400), statuses.count(429)) == (10, 20)


# Set


async def test_set_is_for_those_who_must(world: World, ann: User) -> None:
    response = await set_to(ann, NEW)
    assert (response.status_code, response.json()["errorCode"]) == (403, "notPermitted")
    assert await is_right(ann, PASSWORD)


async def test_new_accounts_must_change_their_password(world: World) -> None:
    user = await world.add_account("n@example.test", class_name="new")
    assert (await policy_of(user))["mustChangePassword"] is True
    own, other = await log_in(user), await log_in(user)
    response = await set_to(user, NEW, **own)
    assert (response.status_code, response.content) == (200, b"")
    changed = with_password(user, NEW)
    assert (await policy_of(changed))["mustChangePassword"] is False
    assert (await changed.client.get(LABELS, headers=own)).status_code == 200
    assert (await changed.client.get(LABELS, headers=other)).status_code == 401
    assert (await set_to(changed, PASSWORD)).status_code == 403


async def test_reset_will_do_as_well(world: World) -> None:
    user = await world.add_account("n@example.test", class_name="new")
    assert (await reset(user)).status_code == 200
    assert (await with_password(user, NEW).client.get(LABELS)).status_code == 200


async def test_the_present_password_is_no_change(world: World, ann: User) -> None:
    user = await world.add_account("n@example.test", class_name="new")
    assert_refused(await set_to(user, PASSWORD), "history")
    assert_refused(await reset(ann, PASSWORD, PASSWORD), "history")
    assert (await policy_of(user))["mustChangePassword"] is True


async def test_what_is_possible_before_the_password_is_changed(world: World) -> None:
    user = await world.add_account("n@example.test", class_name="new")
    session = await log_in(user)
    open_to_all = set()
    for endpoint in protected(world):
        if endpoint.declared.despite_due_password:
            open_to_all.add(endpoint.declared.operation_id)
            continue
        if endpoint.declared.operation_id == "login":
            continue
        response = await call(user, endpoint, {})
        assert response.status_code == 403, endpoint
        if endpoint.method != "HEAD":
            error = response.json()
            assert (error["errorCode"], error["details"]) == ("notPermitted", {"mustChangePassword": True})
            assert SET in error["message"]
    assert open_to_all == {"getAccountInfo", "logout", "resetPassword", "setPassword"}
    for _ in range(2):
        assert (await user.client.get(COUNTERS)).status_code == 403
        assert (await user.client.get(COUNTERS, headers=session)).status_code == 403
    assert (await user.client.get("/api")).status_code == 200
    assert (await user.client.get(INFO, headers=session)).status_code == 200
    assert (await user.client.post("/api/v1/logout", headers=session)).status_code == 200


async def test_the_operator_may_demand_it(world: World, ann: User) -> None:
    session = await log_in(ann)
    assert (await ann.client.get(COUNTERS, headers=session)).status_code == 200
    await world.directory.set_account("ann@example.test", AccountSettings(must_change_password=True))
    assert (await ann.client.get(COUNTERS, headers=session)).status_code == 403
    assert (await policy_of(ann))["mustChangePassword"] is True
    assert (await set_to(ann, NEW, **session)).status_code == 200
    assert (await with_password(ann, NEW).client.get(COUNTERS, headers=session)).status_code == 200


# What a password is made of


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short 1!", "minLength"),
        ("long enough 1 but too long", "maxLength"),
        ("only letters", "mustInclude"),
        ("letters1234", "mustInclude"),
        ("1234567890!", "mustInclude"),
        ("letters!!!!!", "mustInclude"),
        ("a\u0308" * 7 + "1!", "minLength"),
    ],
)
async def test_content(world: World, password: str, reason: str) -> None:
    user = await world.add_account("s@example.test", class_name="strict", password=STRONG)
    response = await reset(user, STRONG, password)
    assert_refused(response, reason)
    assert response.json()["details"]["passwordPolicy"] == {
        "minLength": 10,
        "maxLength": 20,
        "mustInclude": "lettersAndNumbersAndSpecial",
        "historySize": 3,
    }
    await world.directory.set_account("s@example.test", AccountSettings(must_change_password=True))
    assert_refused(await set_to(user, password), reason)
    assert await is_right(user, STRONG)


@pytest.mark.parametrize(
    "password", ["letters 12", "\u0434" * 8 + "-\u0663", "p" * 18 + "1-", "a\u0308" * 18 + "1-"]
)
async def test_content_that_is_right(world: World, password: str) -> None:
    user = await world.add_account("s@example.test", class_name="strict", password=STRONG)
    assert (await reset(user, STRONG, password)).status_code == 200
    assert await is_right(user, password)


async def test_info_tells_what_holds(world: World) -> None:
    user = await world.add_account("s@example.test", class_name="strict", password=STRONG)
    assert await policy_of(user) == {
        "mustChangePassword": False,
        "contentPolicy": {
            "enabled": True,
            "minLength": 10,
            "maxLength": 20,
            "mustInclude": "lettersAndNumbersAndSpecial",
        },
        "history": {"enabled": True, "size": 3},
        "allowChangeByUser": True,
        "renewalInterval": {"enabled": False, "interval": 90},
        "expiration": {"enabled": False, "date": "", "warningInterval": 7, "inWarningInterval": False},
    }


async def test_one_password_however_it_is_typed(ann: User) -> None:
    """RFC 8265: composed or not, with whatever space."""
    assert (await reset(ann, PASSWORD, "pa\u0308ss\u3000wo\u0308rd")).status_code == 200
    for spelled in ("p\u00e4ss w\u00f6rd", "pa\u0308ss wo\u0308rd", "p\u00e4ss\u00a0wo\u0308rd"):
        assert await is_right(ann, spelled)
    assert not await is_right(ann, "pass word")
    changed = with_password(ann, "p\u00e4ss w\u00f6rd")
    assert_refused(await reset(changed, "pa\u0308ss w\u00f6rd", "p\u00e4ss wo\u0308rd"), "history")


@pytest.mark.parametrize("password", ["x" * 4096, "\U0001f511" * 1024, "a:b", ":", " ", "\u202e\u200d"])
async def test_unusual_passwords_work(ann: User, password: str) -> None:
    assert (await reset(ann, PASSWORD, password)).status_code == 200
    assert await is_right(ann, password)
    assert (await reset(with_password(ann, password), password, NEW)).status_code == 200


# History


async def test_history(world: World) -> None:
    user = await world.add_account("s@example.test", class_name="strict", password=STRONG)
    present = STRONG
    for number in (2, 3):
        new = f"correct horse {number}"
        assert (await reset(with_password(user, present), present, new)).status_code == 200
        present = new
    for old in (STRONG, "correct horse 2", "correct horse 3"):
        assert_refused(await reset(with_password(user, present), present, old), "history")
    assert (await reset(with_password(user, present), present, "correct horse 4")).status_code == 200
    present = "correct horse 4"
    # Three are remembered, the present one among them.
    assert (await reset(with_password(user, present), present, STRONG)).status_code == 200
    assert await count_remembered(world.store, user.account.account_id) == 3


async def test_what_the_operator_sets_is_remembered_too(world: World) -> None:
    user = await world.add_account("s@example.test", class_name="strict", password=STRONG)
    await world.directory.set_account("s@example.test", AccountSettings(password="correct horse 2"))
    changed = with_password(user, "correct horse 2")
    assert_refused(await reset(changed, "correct horse 2", STRONG), "history")
    for forbidden in (STRONG, "correct horse 2", "short"):
        settings = AccountSettings(password=forbidden)
        with pytest.raises(PostroomError) as caught:
            await world.directory.set_account("s@example.test", settings)
        assert caught.value.details["parameter"] == "password"
        assert caught.value.details["reason"]
        await world.directory.set_account("s@example.test", settings._replace(ignores_policy=True))
        await world.directory.set_account(
            "s@example.test", AccountSettings(password="correct horse 2", ignores_policy=True)
        )
    with pytest.raises(PostroomError):
        await world.add_account("t@example.test", class_name="strict", password="short")
    with pytest.raises(PostroomError):
        await world.directory.set_account(
            "s@example.test", AccountSettings(password="a\nb", ignores_policy=True)
        )


async def test_where_there_is_no_history_none_is_kept(ann: User) -> None:
    assert (await reset(ann)).status_code == 200
    assert (await reset(with_password(ann, NEW), NEW, PASSWORD)).status_code == 200
    assert await count_remembered(ann.world.store, ann.account.account_id) == 1
    await ann.world.directory.remove_account("ann@example.test")
    assert await count_remembered(ann.world.store, ann.account.account_id) == 0


async def count_remembered(store: Store, account_id: AccountId) -> int:
    async with store.engine.peek() as connection:
        sql = "SELECT count(*) FROM past_password WHERE account_id = $1"
        return int(await connection.fetch_value(sql, account_id))


# Passwords that come of age


async def test_renewal(world: World) -> None:
    user = await world.add_account("r@example.test", class_name="renewed")
    session = await log_in(user)
    world.clock.now += 30 * DAY_SECONDS - 1
    session = await log_in(user)
    tag = (await user.client.get(INFO)).headers["etag"]
    assert (await user.client.get(COUNTERS, headers=session)).status_code == 200
    world.clock.now += 1
    assert (await user.client.get(COUNTERS, headers=session)).status_code == 403
    changed = await user.client.get(INFO, headers={"If-None-Match": tag})
    assert changed.json()["restrictions"]["passwordPolicy"]["mustChangePassword"] is True
    assert (await set_to(user, NEW, **session)).status_code == 200
    user = with_password(user, NEW)
    assert (await user.client.get(COUNTERS, headers=session)).status_code == 200
    world.clock.now += 30 * DAY_SECONDS
    assert (await policy_of(user))["mustChangePassword"] is True
    await world.directory.set_account("r@example.test", AccountSettings(password=PASSWORD))
    user = with_password(user, PASSWORD)
    assert (await user.client.get(LABELS)).status_code == 200


async def test_expiration(world: World) -> None:
    user = await world.add_account("e@example.test", class_name="expiring")

    async def look() -> tuple[bool, bool]:
        policy = await policy_of(user)
        assert policy["expiration"]["date"] == str(DAY_AT)
        return policy["mustChangePassword"], policy["expiration"]["inWarningInterval"]

    for seconds, shown in [
        (-7 * DAY_SECONDS - 1, (False, False)),
        (-7 * DAY_SECONDS, (False, True)),
        (-1, (False, True)),
        (0, (True, False)),
        (400 * DAY_SECONDS, (True, False)),
    ]:
        world.clock.now = DAY_AT + seconds
        assert await look() == shown
    assert (await user.client.get(LABELS)).status_code == 403
    assert (await set_to(user, NEW)).status_code == 200
    user = with_password(user, NEW)
    assert await look() == (False, False)


@pytest.mark.parametrize(
    ("seconds", "has_expired"), [(-7 * DAY_SECONDS - 1, True), (-7 * DAY_SECONDS, False), (-1, False)]
)
async def test_who_has_heeded_the_warning_is_left_alone(
    world: World, seconds: int, has_expired: bool
) -> None:
    user = await world.add_account("e@example.test", class_name="expiring")
    world.clock.now = DAY_AT + seconds
    assert (await reset(user)).status_code == 200
    user = with_password(user, NEW)
    world.clock.now += 1
    if not has_expired:
        assert (await policy_of(user))["expiration"]["inWarningInterval"] is False
    world.clock.now = DAY_AT
    assert (await policy_of(user))["mustChangePassword"] is has_expired


async def test_what_the_operator_sets_before_the_day_expires(world: World) -> None:
    user = await world.add_account("e@example.test", class_name="expiring")
    world.clock.now = DAY_AT - 1
    await world.directory.set_account("e@example.test", AccountSettings(password=NEW))
    user = with_password(user, NEW)
    assert (await policy_of(user))["expiration"]["inWarningInterval"] is True
    world.clock.now = DAY_AT
    assert (await policy_of(user))["mustChangePassword"] is True


# Several at once, other processes, open streams


async def test_of_several_at_once_one_is_done(ann: User) -> None:
    assert (await ann.client.get(LABELS)).status_code == 200
    wanted = [f"battery staple {number}" for number in range(6)]
    responses = await asyncio.gather(*(reset(ann, PASSWORD, new) for new in wanted))
    done = [new for new, response in zip(wanted, responses, strict=True) if response.status_code == 200]
    assert len(done) == 1
    assert {response.status_code for response in responses} == {200, 401}
    assert [new for new in wanted if await is_right(ann, new)] == done


@pytest.fixture
async def elsewhere(world: World, store_url: str, tmp_path: Path, classes: dict[str, AccountClass]) -> Any:
    """The same server, as another process runs it."""
    store = await open_store(store_url, tmp_path / "data")
    config = AuthConfig(argon2_time_cost=1, argon2_memory_kib=8)
    hasher = PasswordHasher(config)
    yield await make_domain(store, Config(data_dir=tmp_path / "data", auth=config, classes=classes), hasher)
    hasher.close()
    await store.close()


async def test_other_processes_forget_at_once(ann: User, elsewhere: Any) -> None:
    authorization, session = basic("ann@example.test", PASSWORD), await log_in(ann)
    here = ann.world.domain.logins
    for logins in (here, elsewhere.logins):
        await logins.authenticate(authorization, None, client="")
    caller = await elsewhere.logins.authenticate(authorization, None, client="")
    await elsewhere.passwords.reset(caller, PASSWORD, NEW, client="")
    for logins in (here, elsewhere.logins):
        assert logins.find_now(authorization.encode(), None) is None
        with pytest.raises(PostroomError):
            await logins.authenticate(authorization, None, client="")
        await logins.authenticate(basic("ann@example.test", NEW), None, client="")
        with pytest.raises(PostroomError):
            await logins.authenticate(basic("ann@example.test", NEW), session[SESSION], client="")


async def test_of_two_processes_one_is_done(ann: User, elsewhere: Any) -> None:
    authorization = basic("ann@example.test", PASSWORD)
    here = ann.world.domain
    callers = [await one.logins.authenticate(authorization, None, client="") for one in (here, elsewhere)]
    results = await asyncio.gather(
        here.passwords.reset(callers[0], PASSWORD, "one of two", client=""),
        elsewhere.passwords.reset(callers[1], PASSWORD, "two of two", client=""),
        return_exceptions=True,
    )
    refused = [one for one in results if isinstance(one, PostroomError)]
    assert [one.kind for one in refused] == [Kind.UNAUTHENTICATED]
    assert [await is_right(ann, new) for new in ("one of two", "two of two")].count(True) == 1


async def test_who_logged_in_before_the_operator_acted_cannot_set_it(world: World, ann: User) -> None:
    caller = await world.domain.logins.authenticate(basic("ann@example.test", PASSWORD), None, client="")
    settings = AccountSettings(password="given by the operator", must_change_password=True)
    await world.directory.set_account("ann@example.test", settings)
    with pytest.raises(PostroomError) as caught:
        await world.domain.passwords.set(caller, "of a thief", client="")
    assert caught.value.kind is Kind.UNAUTHENTICATED
    assert await is_right(ann, "given by the operator")


async def test_streams_of_ended_sessions_end(world: World, ann: User) -> None:
    async with serving(world) as live, streaming(live, basic("ann@example.test", PASSWORD)) as events:
        await events.next()
        assert (await reset(ann)).status_code == 200
        assert await events.next() is None


async def test_streams_end_when_the_password_must_be_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.05)
    user = await world.add_account("r@example.test", class_name="renewed")
    early = (await user.client.post(TICKET)).json()["ticket"]
    async with (
        serving(world) as live,
        streaming(live, None, ticket=early) as by_ticket,
        streaming(live, basic("r@example.test", PASSWORD)) as events,
    ):
        for stream in (by_ticket, events):
            await stream.until("counters")
        world.clock.now += 30 * DAY_SECONDS - 10
        late = (await user.client.post(TICKET)).json()["ticket"]
        world.clock.now += 10
        for stream in (by_ticket, events):
            while await stream.next() is not None:
                pass
    refused = await world.connect().get("/api/v1/events", params={"ticket": late})
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "notPermitted")


async def test_who_waits_for_the_counter_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "LOOK_SECONDS", 0.05)
    user = await world.add_account("r@example.test", class_name="renewed")
    tag = (await user.client.get(COUNTERS)).headers["etag"]
    world.clock.now += 30 * DAY_SECONDS - 1
    headers = {"If-None-Match": tag, "Prefer": "wait=60"}
    waiting = asyncio.create_task(user.client.get(COUNTERS, headers=headers))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    world.clock.now += 1
    assert (await asyncio.wait_for(waiting, 10)).status_code == 403


# Calls with a key


async def test_a_call_with_a_key_is_made_once(ann: User) -> None:
    key = {"Idempotency-Key": "k"}
    assert (await reset(ann, headers=key)).status_code == 200
    changed = with_password(ann, NEW)
    again = await reset(changed, headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert (await reset(changed, NEW, PASSWORD, headers=key)).status_code == 409
    assert (await reset(changed, PASSWORD, "other", headers=key)).status_code == 409
    assert await is_right(ann, NEW)


async def test_the_same_call_at_once_is_made_once(ann: User) -> None:
    assert (await ann.client.get(LABELS)).status_code == 200
    responses = await asyncio.gather(*(reset(ann, headers={"Idempotency-Key": "k"}) for _ in range(5)))
    # Who is only authenticated when it is done comes with a password that is no longer right.
    done = [response for response in responses if response.status_code != 401]
    assert [response.status_code for response in done] == [200] * len(done)
    assert sum("idempotency-replayed" not in response.headers for response in done) == 1
    assert await is_right(ann, NEW)


async def test_nothing_is_kept_that_a_password_can_be_guessed_from(world: World, ann: User) -> None:
    """Fingerprints of equal calls differ by account and key, and are no plain hashes of the body."""
    fingerprints = set()
    for number in range(2):
        user = await world.add_account(f"u{number}@example.test", class_name="new")
        response = await set_to(user, NEW, **{"Idempotency-Key": "k"})
        assert response.status_code == 200
    hashed = 0
    original = world.hasher._derive

    def derive(data: bytes, salt: bytes) -> bytes:
        nonlocal hashed
        hashed += 1
        assert data != b""
        return original(data, salt)

    world.hasher._derive = derive  # type: ignore[method-assign]
    await reset(ann, headers={"Idempotency-Key": "k"})
    assert hashed == 1
    async with world.store.engine.peek() as connection:
        rows = await connection.fetch_all("SELECT fingerprint, headers, body FROM remembered_call")
    assert len(rows) == 3
    for fingerprint, headers, body in rows:
        fingerprints.add(bytes(fingerprint))
        assert NEW.encode() not in bytes(headers) + bytes(body)
    assert len(fingerprints) == 3
    scope: Any = {"method": "POST", "path": SET, "query_string": b""}
    assert make_fingerprint(scope, response.request.content) not in fingerprints


# Secrets


async def test_no_password_is_logged(
    world: World, ann: User, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "a very secret password"

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("made up by the test")

    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        answers = [
            await reset(ann, secret, NEW),
            await reset(ann, PASSWORD, f"{secret}\n"),
            await reset(ann, PASSWORD, {"a": secret}),
            await ann.client.post(RESET, content=f'{{"newPassword": "{secret}"'),
            await set_to(ann, secret),
            await reset(ann, PASSWORD, secret),
        ]
        with monkeypatch.context() as patch:
            patch.setattr(world.domain.passwords, "_change", fail)
            answers.append(await reset(with_password(ann, secret), secret, NEW))
    assert answers[-1].status_code == 500
    assert answers[-2].status_code == 200
    assert lines
    for text in (str(lines), caplog.text, *(answer.text for answer in answers)):
        assert secret not in text
