"""Text messages from the API to a gateway on this machine: second steps, and what is recovered by a phone."""

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest

from postroom.api.settings import APISettings
from postroom.config.classes import (
    AccountClass,
    Restrictions,
    SecurityMethods,
    SecurityPolicy,
    TwoFactorAuthPolicy,
)
from postroom.config.sms import SmsConfig
from postroom.store import Store
from tests.api.factor_world import METHODS, TWO_FACTOR, Owner, log_in, open_session
from tests.api.world import User, World, basic, make_world
from tests.protocol.sms_gateway import Gateway, running_gateway

NUMBER, NAME = "+491701234567", "ann@example.test"
COUNTERS, STEP = "/api/v1/mails/counters", "/api/v1/login/2fa"
PASSWORD, USERNAME = "/api/v1/recover/password", "/api/v1/recover/username"
REFUSAL = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NEW = "another battery"


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    """A class that uses phones for everything, and one that has no use for them."""
    policy = SecurityPolicy(
        security_methods=SecurityMethods(phone_number=True),
        two_factor_auth_policy=TwoFactorAuthPolicy(methods=("sms",)),
        username_recovery_methods=("sms",),
        password_recovery_methods=("sms",),
    )
    return {
        "default": AccountClass(restrictions=Restrictions(security_policy=policy)),
        "plain": AccountClass(),
    }


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """The gateway."""
    async with running_gateway(Gateway()) as running:
        yield running


@pytest.fixture
async def world(store: Store, classes: dict[str, AccountClass], gateway: Gateway) -> AsyncIterator[World]:
    """A server that sends text messages."""
    sms = SmsConfig(url=f"http://127.0.0.1:{gateway.port}/send", allow_private=True)
    made = await make_world(store, APISettings(), classes, sms=sms)
    yield made
    await made.domain.recovery.close()
    await made.close()


async def read_last(world: World, gateway: Gateway) -> str:
    """Return the last message to the number, once all that is on its way has come."""
    await world.domain.recovery.settle()
    message = json.loads(gateway.requests[-1][2])
    assert message["to"] == NUMBER
    return str(message["text"])


async def read_code(world: World, gateway: Gateway) -> str:
    """Return the code of the last message."""
    found = re.search(r"\b(\d{6}|\d{8})\b", await read_last(world, gateway))
    assert found is not None
    return found[1]


@pytest.fixture
async def owner(ann: User, gateway: Gateway) -> Owner:
    """A user whose phone is set up."""
    made = await open_session(ann)
    await made.prove()
    created = await made.ok("POST", METHODS, {"method": "sms", "target": "+49 170 123-45-67"})
    await made.ok("POST", f"{METHODS}/{created['id']}/sendtoken")
    code = await read_code(ann.world, gateway)
    await made.ok("POST", f"{METHODS}/{created['id']}/activate", {"totpToken": code})
    return made


async def find_method(owner: Owner) -> str:
    """Return the method of the phone."""
    [item] = (await owner.ok("GET", METHODS))["items"]
    assert (item["method"], item["target"]) == ("sms", "***567")
    return str(item["id"])


async def switch_on(owner: Owner, gateway: Gateway) -> str:
    """Have logins wait for a text message; return its method."""
    method = await find_method(owner)
    await owner.ok("POST", f"{METHODS}/{method}/sendtoken")
    code = await read_code(owner.world, gateway)
    await owner.ok("POST", TWO_FACTOR, {"methodId": method, "totpToken": code})
    return method


async def test_a_second_step_by_phone(owner: Owner, ann: User, gateway: Gateway) -> None:
    method = await switch_on(owner, gateway)
    cookie, stage = await log_in(ann)
    assert stage == "required"
    assert (await cookie.call("GET", COUNTERS)).json()["errorCode"] == "secondFactorRequired"
    shown = await cookie.ok("GET", f"{METHODS}?scope=2fa")
    assert [item["id"] for item in shown["items"]] == [method]
    await cookie.ok("POST", f"{METHODS}/{method}/sendtoken")
    code = await read_code(ann.world, gateway)
    wrong = await cookie.call("POST", STEP, {"methodId": method, "totpToken": f"{int(code) ^ 1:06}"})
    assert (wrong.status_code, wrong.json()["errorCode"]) == (401, "secondFactorRequired")
    await cookie.ok("POST", STEP, {"methodId": method, "totpToken": code})
    await cookie.ok("GET", COUNTERS)
    again, _ = await log_in(ann)
    used = await again.call("POST", STEP, {"methodId": method, "totpToken": code})
    assert used.json()["errorCode"] == "secondFactorRequired"


async def test_a_password_is_recovered_by_phone(owner: Owner, world: World, gateway: Gateway) -> None:
    client = world.connect()
    ways = (await client.get(f"{PASSWORD}/methods", params={"username": NAME})).json()
    assert ways == {"items": [{"method": "sms", "target": "***567"}]}
    asked = await client.post(f"{PASSWORD}/sendtoken", json={"username": NAME, "phoneNumber": NUMBER})
    assert (asked.status_code, asked.content) == (200, b"")
    token = await read_code(world, gateway)
    assert len(token) == 8
    body = {"username": NAME, "recoveryToken": token, "newPassword": NEW}
    assert (await client.post(f"{PASSWORD}/reset", json=body)).status_code == 200
    assert (await owner.call("GET", COUNTERS)).status_code == 401
    assert (await world.connect(basic(NAME, NEW)).get(COUNTERS)).status_code == 200


async def test_names_are_recovered_by_phone(owner: Owner, world: World, gateway: Gateway) -> None:
    await owner.ok("PATCH", "/api/v1/account/settings", {"language": "de"})
    before = len(gateway.requests)
    for number in (NUMBER, "+491709999999"):
        answer = await world.connect().post(USERNAME, json={"phoneNumber": number})
        assert (answer.status_code, answer.content) == (200, b"")
    assert await read_last(world, gateway) == f"Ihre Konten: {NAME}"
    assert len(gateway.requests) == before + 1


async def test_a_gateway_that_fails_is_no_matter_of_the_caller(
    owner: Owner, world: World, gateway: Gateway
) -> None:
    method = await find_method(owner)
    gateway.answer = REFUSAL
    await owner.ok("POST", f"{METHODS}/{method}/sendtoken")
    lost = await read_code(world, gateway)
    gateway.answer = Gateway().answer
    await owner.ok("POST", f"{METHODS}/{method}/sendtoken")
    code = await read_code(world, gateway)
    assert code != lost
    # The code that was lost is void, as another was sent after it.
    body = {"methodId": method, "totpToken": lost}
    assert (await owner.call("POST", TWO_FACTOR, body)).status_code == 400
    await owner.ok("POST", TWO_FACTOR, {**body, "totpToken": code})


async def test_answers_wait_for_no_gateway(owner: Owner, world: World, gateway: Gateway) -> None:
    gateway.answer = b""
    method = await find_method(owner)
    async with asyncio.timeout(5):
        await owner.ok("POST", f"{METHODS}/{method}/sendtoken")
        body = {"username": NAME, "phoneNumber": NUMBER}
        assert (await world.connect().post(f"{PASSWORD}/sendtoken", json=body)).status_code == 200


async def test_who_may_have_no_phone(world: World, gateway: Gateway) -> None:
    made = await open_session(await world.add_account("cut@example.test", class_name="plain"))
    await made.prove()
    refused = await made.call("POST", METHODS, {"method": "sms", "target": NUMBER})
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "notPermitted")
    assert gateway.requests == []
