"""Security tokens, methods, and what may be done with them."""

import asyncio
import xml.etree.ElementTree as ET

import httpx
import pytest

from postroom.config.classes import (
    AccountClass,
    Restrictions,
    SecurityMethods,
    SecurityPolicy,
    TwoFactorAuthPolicy,
)
from tests.api.factor_world import METHODS, TOKEN, Owner, find_code, open_session, read_letters
from tests.api.world import PASSWORD, User, World

CHECK = "/api/v1/account/security/check"


@pytest.fixture
async def owner(ann: User) -> Owner:
    """An account in a session."""
    return await open_session(ann)


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    """Two classes: one that may have no methods at all."""
    nothing = SecurityPolicy(
        security_methods=SecurityMethods(alternate_email_address=False),
        two_factor_auth_policy=TwoFactorAuthPolicy(status="disabled"),
    )
    return {
        "default": AccountClass(),
        "none": AccountClass(restrictions=Restrictions(security_policy=nothing)),
    }


async def test_security_token_needs_session_and_password(owner: Owner, ann: User) -> None:
    without = await ann.client.post(CHECK, json={"password": PASSWORD})
    assert (without.status_code, without.json()["errorCode"]) == (401, "sessionRequired")
    wrong = await owner.call("POST", CHECK, {"password": "wrong"})
    assert (wrong.status_code, wrong.json()["details"]) == (400, {"parameter": "password"})
    await owner.prove()


async def test_wrong_passwords_are_limited(owner: Owner) -> None:
    statuses = [(await owner.call("POST", CHECK, {"password": "wrong"})).status_code for _ in range(12)]
    assert statuses == [400] * 10 + [429] * 2
    assert (await owner.call("POST", CHECK, {"password": PASSWORD})).status_code == 429


@pytest.mark.parametrize("token", [None, "", "x", "\u00e9", "a" * 5000])
async def test_changes_need_a_token(owner: Owner, token: str | None) -> None:
    if token is not None:
        owner.user.client.headers = httpx.Headers(
            [(TOKEN, token), *owner.user.client.headers.items()], "utf-8"
        )
    answer = await owner.call("POST", METHODS, {"method": "authApp"})
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "securityTokenRequired")


async def test_token_is_one_sessions_for_ten_minutes(owner: Owner, ann: User, ben: User) -> None:
    await owner.prove()
    other, stranger = await open_session(ann), await open_session(ben)
    for one in (other, stranger):
        one.headers[TOKEN] = owner.headers[TOKEN]
        assert (await one.call("POST", METHODS, {"method": "authApp"})).status_code == 403
    owner.later(599)
    await owner.ok("POST", METHODS, {"method": "authApp"})
    owner.later(1)
    assert (await owner.call("POST", METHODS, {"method": "authApp"})).status_code == 403


async def test_only_hashes_of_tokens_are_stored(owner: Owner, world: World) -> None:
    await owner.prove()
    async with world.store.directory() as tables:
        rows = await tables.outgoing._connection.fetch_all("SELECT token_hash FROM security_token")
    assert len(rows) == 1
    assert owner.headers[TOKEN].encode() not in bytes(rows[0][0])


async def test_app_is_set_up_with_a_code(owner: Owner) -> None:
    await owner.prove()
    method, _ = await owner.add_app()
    assert await owner.ok("GET", METHODS) == {
        "items": [
            {
                "id": method,
                "method": "authApp",
                "target": "",
                "lastUsedDate": str(int(owner.world.clock.now)),
            }
        ]
    }


async def test_pending_method_is_not_listed_and_the_sessions_own(owner: Owner, ann: User) -> None:
    await owner.prove()
    made = await owner.ok("POST", METHODS, {"method": "authApp"})
    assert (await owner.ok("GET", METHODS))["items"] == []
    other = await open_session(ann)
    await other.prove()
    for method, path, body in (
        ("GET", "qr", None),
        ("POST", "sendtoken", None),
        ("POST", "activate", {"totpToken": "123456"}),
    ):
        answer = await other.call(method, f"{METHODS}/{made['id']}/{path}", body)
        assert answer.status_code == 404
    for _ in range(3):
        owner.later(1200)
        await owner.prove()
    assert (await owner.call("GET", f"{METHODS}/{made['id']}/qr")).status_code == 404


async def test_qr_shows_the_uri_until_it_is_activated(owner: Owner) -> None:
    await owner.prove()
    made = await owner.ok("POST", METHODS, {"method": "authApp"})
    picture = await owner.call("GET", f"{METHODS}/{made['id']}/qr")
    assert picture.status_code == 200
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.headers["cache-control"] == "no-store"
    assert ET.fromstring(picture.text).tag.endswith("svg")  # noqa: S314 (it is our own)
    del owner.headers[TOKEN]
    assert (await owner.call("GET", f"{METHODS}/{made['id']}/qr")).status_code == 403
    await owner.prove()
    method, _ = await owner.add_app()
    assert (await owner.call("GET", f"{METHODS}/{method}/qr")).status_code == 409


async def test_email_is_set_up_with_a_code_that_is_mailed(owner: Owner) -> None:
    await owner.prove()
    made = await owner.ok("POST", METHODS, {"method": "email", "target": " Ann.Example@ELSEWHERE.test "})
    assert "otpauthUri" not in made
    await owner.ok("POST", f"{METHODS}/{made['id']}/sendtoken")
    [letter] = await read_letters(owner.world)
    assert letter[0] == "ann.example@elsewhere.test"
    wrong = await owner.call("POST", f"{METHODS}/{made['id']}/activate", {"totpToken": "abcdef"})
    assert (wrong.status_code, wrong.json()["details"]) == (400, {"parameter": "totpToken"})
    await owner.ok("POST", f"{METHODS}/{made['id']}/activate", {"totpToken": find_code(letter)})
    [item] = (await owner.ok("GET", METHODS))["items"]
    assert item["target"] == "ann***@***.test"


async def test_code_lives_ten_minutes_and_five_tries(owner: Owner) -> None:
    await owner.prove()
    made = await owner.ok("POST", METHODS, {"method": "email", "target": "ann@elsewhere.test"})
    path = f"{METHODS}/{made['id']}"
    await owner.ok("POST", f"{path}/sendtoken")
    owner.later(600)
    await owner.prove()
    code = find_code((await read_letters(owner.world))[-1])
    assert (await owner.call("POST", f"{path}/activate", {"totpToken": code})).status_code == 400
    owner.later(1)
    await owner.ok("POST", f"{path}/sendtoken")
    code = find_code((await read_letters(owner.world))[-1])
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(5):
        assert (await owner.call("POST", f"{path}/activate", {"totpToken": wrong})).status_code == 400
    assert (await owner.call("POST", f"{path}/activate", {"totpToken": code})).status_code == 400


async def test_code_before_the_last_one_is_void(owner: Owner) -> None:
    await owner.prove()
    made = await owner.ok("POST", METHODS, {"method": "email", "target": "ann@elsewhere.test"})
    path = f"{METHODS}/{made['id']}"
    codes: list[str] = []
    while len(set(codes)) < 2:
        await owner.ok("POST", f"{path}/sendtoken")
        owner.later(1)
        codes.append(find_code((await read_letters(owner.world))[-1]))
    assert (await owner.call("POST", f"{path}/activate", {"totpToken": codes[0]})).status_code == 400
    await owner.ok("POST", f"{path}/activate", {"totpToken": codes[-1]})


async def test_sending_is_limited(owner: Owner) -> None:
    await owner.prove()
    made = await owner.ok("POST", METHODS, {"method": "email", "target": "ann@elsewhere.test"})
    path = f"{METHODS}/{made['id']}/sendtoken"
    answers = [await owner.call("POST", path) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 900


async def test_wrong_codes_are_counted_though_they_carry_a_key(owner: Owner) -> None:
    await owner.prove()
    made = await owner.ok("POST", METHODS, {"method": "authApp"})
    path = f"{METHODS}/{made['id']}/activate"
    statuses = [
        (
            await owner.call("POST", path, {"totpToken": "abcdef"}, **{"Idempotency-Key": f"key-{number}"})
        ).status_code
        for number in range(11)
    ]
    assert statuses == [400] * 10 + [429]


async def test_secrets_are_not_replayed(owner: Owner) -> None:
    await owner.prove()
    key = {"Idempotency-Key": "the-same"}
    first = await owner.call("POST", METHODS, {"method": "authApp"}, **key)
    assert first.status_code == 200
    again = await owner.call("POST", METHODS, {"method": "authApp"}, **key)
    assert again.status_code == 409
    assert "otpauth" not in again.text


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"method": "email"}, "target"),
        ({"method": "email", "target": ""}, "target"),
        ({"method": "email", "target": "no address"}, "target"),
        ({"method": "email", "target": "Ann <ann@elsewhere.test>"}, "target"),
        ({"method": "email", "target": "a@b.test\r\nBcc: x@y.test"}, "target"),
        ({"method": "email", "target": "a\u0000@b.test"}, "target"),
        ({"method": "email", "target": "ann@[127.0.0.1]"}, "target"),
        ({"method": "email", "target": "a@" + "b" * 300}, "target"),
        ({"method": "email", "target": "ann@example.test"}, "target"),
        ({"method": "authApp", "target": "x"}, "target"),
        ({"method": "fax"}, "method"),
        ({}, "method"),
        ({"method": "authApp", "more": 1}, "more"),
    ],
)
async def test_bad_methods(owner: Owner, body: dict[str, object], parameter: str) -> None:
    await owner.prove()
    answer = await owner.call("POST", METHODS, body)
    assert (answer.status_code, answer.json()["details"]["parameter"]) == (400, parameter)


async def test_policy_says_what_may_be_set_up(owner: Owner, world: World) -> None:
    await owner.prove()
    sms = await owner.call("POST", METHODS, {"method": "sms", "target": "+491701234567"})
    assert (sms.status_code, sms.json()["errorCode"]) == (403, "notPermitted")
    poor = await open_session(await world.add_account("poor@example.test", class_name="none"))
    await poor.prove()
    for body in ({"method": "authApp"}, {"method": "email", "target": "a@elsewhere.test"}):
        assert (await poor.call("POST", METHODS, body)).json()["errorCode"] == "notPermitted"


async def test_scopes(owner: Owner) -> None:
    await owner.prove()
    app, _ = await owner.add_app()
    email = await owner.add_email()
    found = {
        scope: {one["id"] for one in (await owner.ok("GET", f"{METHODS}?scope={scope}"))["items"]}
        for scope in ("general", "2fa", "usernameRecovery", "passwordRecovery")
    }
    assert found == {
        "general": {app, email},
        "2fa": {app, email},
        "usernameRecovery": {email},
        "passwordRecovery": {email},
    }
    assert (await owner.call("GET", f"{METHODS}?scope=else")).status_code == 400


async def test_same_target_once(owner: Owner) -> None:
    await owner.prove()
    await owner.add_email()
    again = await owner.call("POST", METHODS, {"method": "email", "target": "ANN@elsewhere.TEST"})
    assert again.status_code == 409


async def test_pending_methods_are_few(owner: Owner, world: World) -> None:
    await owner.prove()
    for _ in range(8):
        await owner.ok("POST", METHODS, {"method": "authApp"})
    async with world.store.directory() as tables:
        assert len(await tables.methods.list_of(owner.user.account.account_id)) == 5


async def test_deleting_ends_other_sessions(owner: Owner, ann: User) -> None:
    await owner.prove()
    method, _ = await owner.add_app()
    other = await open_session(ann)
    await owner.ok("DELETE", f"{METHODS}/{method}")
    assert (await other.call("GET", METHODS)).status_code == 401
    assert (await owner.ok("GET", METHODS))["items"] == []
    assert (await owner.call("DELETE", f"{METHODS}/{method}")).status_code == 404


async def test_all_are_deleted(owner: Owner) -> None:
    await owner.prove()
    await owner.add_app()
    await owner.add_email()
    await owner.ok("DELETE", METHODS)
    assert (await owner.ok("GET", METHODS))["items"] == []


async def test_method_of_another_account_is_unknown(owner: Owner, ben: User) -> None:
    await owner.prove()
    method, _ = await owner.add_app()
    other = await open_session(ben)
    await other.prove()
    for verb, path, body in (
        ("GET", "/qr", None),
        ("POST", "/sendtoken", None),
        ("POST", "/activate", {"totpToken": "123456"}),
        ("DELETE", "", None),
    ):
        assert (await other.call(verb, f"{METHODS}/{method}{path}", body)).status_code == 404


async def test_two_activations_with_one_code(owner: Owner) -> None:
    await owner.prove()
    made = await owner.ok("POST", METHODS, {"method": "email", "target": "ann@elsewhere.test"})
    await owner.ok("POST", f"{METHODS}/{made['id']}/sendtoken")
    code = find_code((await read_letters(owner.world))[-1])
    path = f"{METHODS}/{made['id']}/activate"
    answers = await asyncio.gather(*(owner.call("POST", path, {"totpToken": code}) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409, 409]


async def test_targets_are_sealed(owner: Owner, world: World) -> None:
    await owner.prove()
    await owner.add_email()
    async with world.store.directory() as tables:
        [method] = await tables.methods.list_of(owner.user.account.account_id)
    assert method.target.startswith("pv1.")
    assert "elsewhere" not in repr(method)


async def test_account_that_is_removed_leaves_nothing(owner: Owner, world: World) -> None:
    await owner.prove()
    await owner.add_app()
    await owner.ok("POST", METHODS, {"method": "authApp"})
    await world.directory.remove_account(owner.user.account.address)
    async with world.store.directory() as tables:
        for table in ("security_method", "security_token", "two_factor", "recovery_code"):
            rows = await tables.outgoing._connection.fetch_all(f"SELECT 1 FROM {table}")  # noqa: S608
            assert rows == [], table
