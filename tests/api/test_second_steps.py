"""2-step verification: on and off, the second step of a login, recovery codes, and what a password is good for."""

import asyncio

import pyotp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.auth.codes import find_step, make_app_code
from postroom.config.classes import AccountClass, Restrictions, SecurityPolicy, TwoFactorAuthPolicy
from tests.api.factor_world import (
    METHODS,
    SESSION,
    TOKEN,
    TWO_FACTOR,
    Owner,
    find_code,
    log_in,
    open_session,
    read_letters,
)
from tests.api.world import PASSWORD, User, World, basic

LOGIN = "/api/v1/login/2fa"
COUNTERS = "/api/v1/mails/counters"


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    """Classes that may, must and cannot have second steps."""

    def of(status: str) -> AccountClass:
        policy = SecurityPolicy(two_factor_auth_policy=TwoFactorAuthPolicy(status=status))
        return AccountClass(restrictions=Restrictions(security_policy=policy))

    return {"default": of("enabled"), "must": of("mandatory"), "cannot": of("disabled")}


@pytest.fixture
async def owner(ann: User) -> Owner:
    """An account in a session."""
    return await open_session(ann)


async def test_login_in_two_steps(owner: Owner, ann: User) -> None:
    method, app, codes = await owner.switch_on()
    assert len(set(codes)) == 10
    waiting, header = await log_in(ann)
    assert header == "required"
    refused = await waiting.call("GET", COUNTERS)
    assert (refused.status_code, refused.json()["errorCode"]) == (401, "secondFactorRequired")
    [item] = (await waiting.ok("GET", f"{METHODS}?scope=2fa"))["items"]
    assert item["id"] == method
    await waiting.ok("POST", LOGIN, {"methodId": method, "totpToken": waiting.code(app)})
    await waiting.ok("GET", COUNTERS)
    again = await waiting.call("POST", LOGIN, {"methodId": method, "totpToken": waiting.code(app, steps=1)})
    assert again.status_code == 409
    info = await waiting.ok("GET", "/api/v1/account/info")
    assert info["twoFactorAuthConfigured"] is True


async def test_login_with_a_code_by_mail(owner: Owner, ann: User) -> None:
    await owner.switch_on()
    await owner.prove()
    email = await owner.add_email()
    waiting, _ = await log_in(ann)
    owner.later(1)
    await waiting.ok("POST", f"{METHODS}/{email}/sendtoken")
    code = find_code((await read_letters(owner.world))[-1])
    await waiting.ok("POST", LOGIN, {"methodId": email, "totpToken": code})
    await waiting.ok("GET", COUNTERS)
    other, _ = await log_in(ann)
    assert (await other.call("POST", LOGIN, {"methodId": email, "totpToken": code})).status_code == 401


async def test_password_alone_is_refused(owner: Owner, ann: User) -> None:
    strange = owner.world.connect(basic("ann@example.test", PASSWORD))
    assert (await strange.get(COUNTERS)).status_code == 200
    await owner.switch_on()
    for path in (COUNTERS, "/api/v1/folders", "/api/v1/account/info", f"{METHODS}?scope=2fa"):
        answer = await strange.get(path)
        assert (answer.status_code, answer.json()["errorCode"]) == (401, "secondFactorRequired"), path
    login = await strange.post("/api/v1/login")
    assert (login.status_code, login.json()["errorCode"]) == (401, "secondFactorRequired")
    wrong = owner.world.connect(basic("ann@example.test", "wrong"))
    assert (await wrong.get(COUNTERS)).json()["errorCode"] == "notAuthenticated"
    # The app password goes on.
    assert (await ann.client.get(COUNTERS)).status_code == 200


async def test_the_password_goes_on_in_the_session_that_switched_it_on(owner: Owner, ann: User) -> None:
    await owner.switch_on()
    strange = owner.world.connect(basic("ann@example.test", PASSWORD))
    session = {SESSION: owner.headers[SESSION]}
    for path in (COUNTERS, "/api/v1/folders", "/api/v1/account/security/events"):
        assert (await strange.get(path, headers=session)).status_code == 200, path
    # A session of an app password has taken no second step: with the main password it is no more than that.
    made = await ann.client.post("/api/v1/login")
    other = {SESSION: made.json()["sessid"]}
    assert (await ann.client.get(COUNTERS, headers=other)).status_code == 200
    refused = await strange.get(COUNTERS, headers=other)
    assert (refused.status_code, refused.json()["errorCode"]) == (401, "secondFactorRequired")
    assert (await strange.get(COUNTERS, headers={SESSION: "unknown"})).status_code == 401
    await ann.client.post("/api/v1/logout", headers=session)
    assert (await strange.get(COUNTERS, headers=session)).status_code == 401


async def test_refusals_cost_no_hashes(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    await owner.switch_on()
    strange = owner.world.connect(basic("ann@example.test", PASSWORD))
    assert (await strange.get(COUNTERS)).status_code == 401

    async def fail(*_: object) -> bool:
        raise AssertionError("a password was hashed")

    monkeypatch.setattr(owner.world.hasher, "verify", fail)
    for _ in range(30):
        assert (await strange.get(COUNTERS)).json()["errorCode"] == "secondFactorRequired"


async def test_switching_on_ends_other_sessions(owner: Owner, ann: User) -> None:
    other, _ = await log_in(ann)
    await other.ok("GET", COUNTERS)
    await owner.switch_on()
    assert (await other.call("GET", COUNTERS)).status_code == 401
    await owner.ok("GET", COUNTERS)


async def test_recovery_code_is_good_once(owner: Owner, ann: User) -> None:
    _, _, codes = await owner.switch_on()
    waiting, _ = await log_in(ann)
    await waiting.ok("POST", LOGIN, {"recoveryCode": codes[3].upper().replace("-", " ")})
    await waiting.ok("GET", COUNTERS)
    other, _ = await log_in(ann)
    refused = await other.call("POST", LOGIN, {"recoveryCode": codes[3]})
    assert (refused.status_code, refused.json()["errorCode"]) == (401, "secondFactorRequired")
    await other.ok("POST", LOGIN, {"recoveryCode": codes[4]})


async def test_new_recovery_codes_void_the_old(owner: Owner, ann: User) -> None:
    _, _, codes = await owner.switch_on()
    await owner.prove()
    fresh = (await owner.ok("POST", f"{TWO_FACTOR}/recoverycodes"))["recoveryCodes"]
    assert not set(codes) & set(fresh)
    waiting, _ = await log_in(ann)
    assert (await waiting.call("POST", LOGIN, {"recoveryCode": codes[0]})).status_code == 401
    await waiting.ok("POST", LOGIN, {"recoveryCode": fresh[0]})


async def test_recovery_codes_are_not_stored_or_replayed(owner: Owner, world: World) -> None:
    _, _, codes = await owner.switch_on()
    await owner.prove()
    key = {"Idempotency-Key": "codes"}
    first = await owner.call("POST", f"{TWO_FACTOR}/recoverycodes", **key)
    assert first.headers["cache-control"] == "no-store"
    again = await owner.call("POST", f"{TWO_FACTOR}/recoverycodes", **key)
    assert (again.status_code, again.json()["errorCode"]) == (409, "conflict")
    async with world.store.directory() as tables:
        stored = repr(
            await tables.outgoing._connection.fetch_all("SELECT call_key, headers, body FROM remembered_call")
        )
    assert not any(code in stored for code in [*codes, *first.json()["recoveryCodes"]])


@pytest.mark.parametrize("is_recovery", [False, True])
async def test_fifth_wrong_step_ends_the_session(owner: Owner, ann: User, *, is_recovery: bool) -> None:
    method, app, _ = await owner.switch_on()
    waiting, _ = await log_in(ann)
    wrong = {"recoveryCode": "aaaa-bbbb"} if is_recovery else {"methodId": method, "totpToken": "abcdef"}
    answers = [await waiting.call("POST", LOGIN, wrong) for _ in range(5)]
    assert [one.status_code for one in answers] == [401] * 5
    assert [one.json()["errorCode"] for one in answers] == ["secondFactorRequired"] * 4 + ["notAuthenticated"]
    right = {"methodId": method, "totpToken": waiting.code(app)}
    assert (await waiting.call("POST", LOGIN, right)).json()["errorCode"] == "notAuthenticated"
    # They do not count as failed logins.
    again, _ = await log_in(ann)
    await again.ok("POST", LOGIN, right)


async def test_many_wrong_codes_are_followed_by_waiting(owner: Owner, ann: User) -> None:
    method, app, codes = await owner.switch_on()
    for _ in range(2):
        waiting, _ = await log_in(ann)
        for _ in range(5):
            await waiting.call("POST", LOGIN, {"methodId": method, "totpToken": "abcdef"})
    waiting, _ = await log_in(ann)
    refused = await waiting.call("POST", LOGIN, {"methodId": method, "totpToken": waiting.code(app)})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    await waiting.ok("POST", LOGIN, {"recoveryCode": codes[0]})
    other, _ = await log_in(ann)
    await other.ok("POST", LOGIN, {"methodId": method, "totpToken": waiting.code(app)})


async def test_two_logins_with_one_code(owner: Owner, ann: User) -> None:
    method, app, _ = await owner.switch_on()
    waiting = [(await log_in(ann))[0] for _ in range(4)]
    body = {"methodId": method, "totpToken": owner.code(app)}
    answers = await asyncio.gather(*(one.call("POST", LOGIN, body) for one in waiting))
    assert sorted(one.status_code for one in answers) == [200, 401, 401, 401]


async def test_two_logins_with_one_recovery_code(owner: Owner, ann: User) -> None:
    _, _, codes = await owner.switch_on()
    waiting = [(await log_in(ann))[0] for _ in range(4)]
    answers = await asyncio.gather(*(one.call("POST", LOGIN, {"recoveryCode": codes[0]}) for one in waiting))
    assert sorted(one.status_code for one in answers) == [200, 401, 401, 401]


async def test_one_session_with_many_wrong_codes_at_once(owner: Owner, ann: User) -> None:
    method, app, _ = await owner.switch_on()
    waiting, _ = await log_in(ann)
    body = {"methodId": method, "totpToken": "abcdef"}
    await asyncio.gather(*(waiting.call("POST", LOGIN, body) for _ in range(8)))
    right = await waiting.call("POST", LOGIN, {"methodId": method, "totpToken": owner.code(app)})
    assert right.json()["errorCode"] == "notAuthenticated"


async def test_switching_off(owner: Owner, ann: User) -> None:
    method, app, _ = await owner.switch_on()
    await owner.prove()
    body = {"methodId": method, "totpToken": owner.code(app)}
    assert (await owner.call("DELETE", TWO_FACTOR, {**body, "totpToken": "123"})).status_code == 400
    await owner.ok("DELETE", TWO_FACTOR, body)
    _, header = await log_in(ann)
    assert header == ""
    plain = owner.world.connect(basic("ann@example.test", PASSWORD))
    assert (await plain.get(COUNTERS)).status_code == 200
    info = await owner.ok("GET", "/api/v1/account/info")
    assert info["twoFactorAuthConfigured"] is False
    owner.later(60)
    await owner.prove()
    assert (await owner.call("DELETE", TWO_FACTOR, body)).status_code == 409
    assert (await owner.call("POST", f"{TWO_FACTOR}/recoverycodes")).status_code == 409


async def test_code_of_switching_on_is_used_up(owner: Owner) -> None:
    await owner.prove()
    method, app = await owner.add_app()
    again = await owner.call("POST", TWO_FACTOR, {"methodId": method, "totpToken": owner.code(app)})
    assert (again.status_code, again.json()["details"]) == (400, {"parameter": "totpToken"})


async def test_last_second_step_stays(owner: Owner) -> None:
    method, _, _ = await owner.switch_on()
    await owner.prove()
    assert (await owner.call("DELETE", f"{METHODS}/{method}")).status_code == 409
    assert (await owner.call("DELETE", METHODS)).status_code == 409
    await owner.add_email()
    await owner.ok("DELETE", f"{METHODS}/{method}")


async def test_pending_method_switches_nothing_on(owner: Owner) -> None:
    await owner.prove()
    made = await owner.ok("POST", METHODS, {"method": "authApp"})
    app = pyotp.TOTP(made["otpauthUri"].partition("secret=")[2].partition("&")[0])
    answer = await owner.call("POST", TWO_FACTOR, {"methodId": made["id"], "totpToken": owner.code(app)})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "methodId"),
        ({"methodId": "80_1"}, "totpToken"),
        ({"methodId": "x", "totpToken": "123456"}, "methodId"),
        ({"recoveryCode": "a", "totpToken": "123456"}, "recoveryCode"),
        ({"recoveryCode": "a" * 200}, "recoveryCode"),
        ({"other": 1}, "other"),
    ],
)
async def test_bad_steps(owner: Owner, ann: User, body: dict[str, object], parameter: str) -> None:
    await owner.switch_on()
    waiting, _ = await log_in(ann)
    answer = await waiting.call("POST", LOGIN, body)
    assert (answer.status_code, answer.json()["details"].get("parameter")) == (400, parameter)


async def test_session_that_waits_may_do_nothing_else(owner: Owner, ann: User) -> None:
    method, _, _ = await owner.switch_on()
    waiting, _ = await log_in(ann)
    waiting.headers[TOKEN] = owner.headers[TOKEN]
    for verb, path in (
        ("GET", f"{METHODS}"),
        ("GET", f"{METHODS}?scope=passwordRecovery"),
        ("POST", METHODS),
        ("DELETE", METHODS),
        ("GET", f"{METHODS}/{method}/qr"),
        ("POST", f"{METHODS}/{method}/activate"),
        ("DELETE", f"{METHODS}/{method}"),
        ("POST", TWO_FACTOR),
        ("DELETE", TWO_FACTOR),
        ("POST", f"{TWO_FACTOR}/recoverycodes"),
        ("POST", "/api/v1/account/security/check"),
        ("GET", "/api/v1/events"),
        ("POST", "/api/v1/events/ticket"),
    ):
        answer = await waiting.call(verb, path)
        assert (answer.status_code, answer.json()["errorCode"]) == (401, "secondFactorRequired"), path


async def test_it_must_be_set_up_where_that_is_mandatory(world: World) -> None:
    user = await world.add_account("must@example.test", class_name="must")
    owner, header = await log_in(user)
    assert header == "mandatory"
    for path in (COUNTERS, "/api/v1/folders"):
        assert (await owner.call("GET", path)).json()["errorCode"] == "secondFactorRequired"
        assert (await user.client.get(path)).json()["errorCode"] == "secondFactorRequired"
    # No security token is needed.
    method, app = await owner.add_app()
    assert (await owner.call("GET", COUNTERS)).status_code == 401
    owner.later(30)
    body = {"methodId": method, "totpToken": owner.code(app)}
    assert len((await owner.ok("POST", TWO_FACTOR, body))["recoveryCodes"]) == 10
    await owner.ok("GET", COUNTERS)
    owner.later(30)
    await owner.prove()
    off = await owner.call("DELETE", TWO_FACTOR, {"methodId": method, "totpToken": owner.code(app)})
    assert (off.status_code, off.json()["errorCode"]) == (403, "notPermitted")
    assert (await user.client.get(COUNTERS)).json()["errorCode"] == "secondFactorRequired"


async def test_header_session_can_set_it_up_too(world: World) -> None:
    user = await world.add_account("must@example.test", class_name="must")
    owner = await open_session(user)
    assert (await owner.call("GET", COUNTERS)).json()["errorCode"] == "secondFactorRequired"
    method, app = await owner.add_app()
    owner.later(30)
    await owner.ok("POST", TWO_FACTOR, {"methodId": method, "totpToken": owner.code(app)})
    await owner.ok("GET", COUNTERS)
    assert (await user.client.get(COUNTERS)).json()["errorCode"] == "secondFactorRequired"


async def test_class_that_cannot_have_it(world: World) -> None:
    user = await world.add_account("cannot@example.test", class_name="cannot")
    owner = await open_session(user)
    await owner.prove()
    assert (await owner.call("POST", METHODS, {"method": "authApp"})).status_code == 403
    email = await owner.add_email()
    owner.later(1)
    await owner.ok("POST", f"{METHODS}/{email}/sendtoken")
    code = find_code((await read_letters(world))[-1])
    answer = await owner.call("POST", TWO_FACTOR, {"methodId": email, "totpToken": code})
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "notPermitted")


async def test_method_of_another_account_passes_nothing(owner: Owner, ann: User, ben: User) -> None:
    await owner.switch_on()
    other = await open_session(ben)
    method, app, _ = await other.switch_on()
    waiting, _ = await log_in(ann)
    answer = await waiting.call("POST", LOGIN, {"methodId": method, "totpToken": owner.code(app)})
    assert answer.status_code == 404


async def test_events_are_in_the_log(owner: Owner, ann: User, world: World) -> None:
    _, _, codes = await owner.switch_on()
    waiting, _ = await log_in(ann)
    await waiting.ok("POST", LOGIN, {"recoveryCode": codes[0]})
    async with world.store.directory() as tables:
        rows = await tables.outgoing._connection.fetch_all("SELECT kind FROM security_event")
    assert {"methodAdded", "twoFactorEnabled", "recoveryUsed"} <= {row[0] for row in rows}


def test_codes_are_those_of_the_rfc() -> None:
    # RFC 6238, appendix B, for SHA-1; the last six of the eight digits.
    secret = b"12345678901234567890"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert make_app_code(secret, seconds // 30) == code
        assert find_step(secret, code, now=seconds) == seconds // 30


@given(
    secret=st.binary(min_size=20, max_size=20),
    now=st.floats(0, 4e9),
    offset=st.integers(-5, 5),
)
def test_one_step_of_drift(secret: bytes, now: float, offset: int) -> None:
    present = int(now // 30)
    step = max(present + offset, 0)
    found = find_step(secret, make_app_code(secret, step), now=now)
    near = range(max(present - 1, 0), present + 2)
    same = [one for one in near if make_app_code(secret, one) == make_app_code(secret, step)]
    assert found == (same[-1] if same else None)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), min_size=1, max_size=12))
async def test_each_code_once_whatever_the_history(world: World, moves: list[tuple[int, int]]) -> None:
    """A code is right if its step is near, and later than every step that was right before."""
    user = await world.add_account(f"u{world.clock.now}-{len(world.clients)}@example.test")
    owner = await open_session(user)
    method, app, _ = await owner.switch_on()
    last = int(world.clock.now) // 30 - 1
    wrong_in_row = 0
    waiting, _ = await log_in(user)
    wrong = 0
    for steps, offset in moves:
        world.clock.now += 30 * steps
        step = int(world.clock.now) // 30 + offset
        is_right = abs(offset) <= 1 and step > last
        if wrong_in_row >= 10:
            break
        answer = await waiting.call(
            "POST", LOGIN, {"methodId": method, "totpToken": owner.code(app, steps=offset)}
        )
        assert (answer.status_code == 200) is is_right, (steps, offset)
        if is_right:
            last, wrong_in_row, wrong = step, 0, 0
            waiting, _ = await log_in(user)
        else:
            wrong, wrong_in_row = wrong + 1, wrong_in_row + 1
            if wrong == 5:
                wrong = 0
                waiting, _ = await log_in(user)
