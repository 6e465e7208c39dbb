"""Forgotten names and passwords: by whom they are recovered, and that nobody else learns anything."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.compose.code_texts import get_code_texts
from postroom.config.classes import (
    AccountClass,
    ContentPolicy,
    History,
    PasswordPolicy,
    Restrictions,
    SecurityPolicy,
)
from tests.api.factor_world import METHODS, Owner, log_in, open_session, read_letters
from tests.api.world import PASSWORD, User, World, basic

NAMES = "/api/v1/recover/username"
WAYS = "/api/v1/recover/password/methods"
SEND = "/api/v1/recover/password/sendtoken"
VALIDATE = "/api/v1/recover/password/validatetoken"
RESET = "/api/v1/recover/password/reset"
NAME, EMAIL = "ann@example.test", "ann@elsewhere.test"
NEW = "another battery"


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    """A class with a policy of passwords, and two in which nothing is recovered."""
    policy = PasswordPolicy(
        content_policy=ContentPolicy(enabled=True, min_length=10), history=History(enabled=True, size=3)
    )
    never = SecurityPolicy(username_recovery_methods=(), password_recovery_methods=())
    return {
        "default": AccountClass(restrictions=Restrictions(password_policy=policy)),
        "never": AccountClass(restrictions=Restrictions(security_policy=never)),
        "fixed": AccountClass(
            restrictions=Restrictions(password_policy=PasswordPolicy(allow_change_by_user=False))
        ),
    }


@pytest.fixture
async def owner(ann: User) -> Owner:
    """An account with an address elsewhere."""
    made = await open_session(ann)
    await made.prove()
    await made.add_email(EMAIL)
    return made


async def ask(world: World, path: str, body: dict[str, Any], *, address: str = "127.0.0.1") -> Any:
    """Make a call that anybody can make, and have done what is done behind its answer."""
    answer = await world.connect(address=address).post(path, json=body)
    await world.domain.recovery.settle()
    return answer


async def get_token(world: World) -> str:
    """Have a token sent, and return it."""
    world.clock.now += 1
    assert (await ask(world, SEND, {"username": NAME, "email": EMAIL})).status_code == 200
    address, text = (await read_letters(world))[-1]
    assert address == EMAIL
    return str(text.partition("is: ")[2].split()[0])


async def test_names_are_mailed(owner: Owner, world: World) -> None:
    before = len(await read_letters(world))
    world.clock.now += 1
    answer = await ask(world, NAMES, {"email": "ANN@elsewhere.test"})
    assert (answer.status_code, answer.content) == (200, b"")
    address, text = (await read_letters(world))[-1]
    assert len(await read_letters(world)) == before + 1
    assert address == EMAIL
    assert NAME in text


@pytest.mark.parametrize("address", ["nobody@elsewhere.test", "ann@example.test", "bea@elsewhere.test"])
async def test_names_of_nobody_are_answered_alike(owner: Owner, world: World, address: str) -> None:
    before = len(await read_letters(world))
    answer = await ask(world, NAMES, {"email": address})
    assert (answer.status_code, answer.content) == (200, b"")
    assert len(await read_letters(world)) == before


async def test_letters_with_names_are_few(owner: Owner, world: World) -> None:
    before = len(await read_letters(world))
    for number in range(8):
        answer = await ask(world, NAMES, {"email": EMAIL}, address=f"192.0.2.{number}")
        assert answer.status_code == 200
    assert len(await read_letters(world)) == before + 3


async def test_ways_are_masked_and_likely_for_nobody(owner: Owner, world: World) -> None:
    client = world.connect()
    found = (await client.get(WAYS, params={"username": NAME})).json()
    assert found == {"items": [{"method": "email", "target": "ann***@***.test"}]}
    for name in ("nobody@example.test", "x", "ann@nowhere.test"):
        first = (await client.get(WAYS, params={"username": name})).json()
        again = (await client.get(WAYS, params={"username": name.upper()})).json()
        assert first == again
        [item] = first["items"]
        assert item["method"] == "email"
        assert "***@***" in item["target"]


async def test_account_without_methods_is_answered_like_nobody(world: World, ben: User) -> None:
    [item] = (await world.connect().get(WAYS, params={"username": "ben@example.test"})).json()["items"]
    assert item["method"] == "email"
    assert not item["target"].endswith(".test")


@pytest.mark.parametrize("class_name", ["never", "fixed"])
async def test_class_in_which_no_password_is_recovered(world: World, class_name: str) -> None:
    user = await world.add_account("cut@example.test", class_name=class_name)
    made = await open_session(user)
    await made.prove()
    await made.add_email("cut@elsewhere.test")
    before = len(await read_letters(world))
    [item] = (await world.connect().get(WAYS, params={"username": "cut@example.test"})).json()["items"]
    assert not item["target"].startswith("cut")
    answer = await ask(world, SEND, {"username": "cut@example.test", "email": "cut@elsewhere.test"})
    assert answer.status_code == 200
    assert len(await read_letters(world)) == before


async def test_password_is_recovered(owner: Owner, world: World) -> None:
    cookie, _ = await log_in(owner.user)
    made = await owner.ok("POST", "/api/v1/account/apppasswords", {"name": "program"})
    program = world.connect(basic(NAME, made["password"]))
    assert (await program.get("/api/v1/mails/counters")).status_code == 200
    token = await get_token(world)
    found = (await ask(world, VALIDATE, {"username": NAME, "recoveryToken": token})).json()
    assert found["passwordPolicy"] == {
        "minLength": 10,
        "maxLength": 256,
        "mustInclude": "letters",
        "historySize": 3,
    }
    body = {"userName": NAME, "recoveryToken": token, "newPassword": "short"}
    refused = await ask(world, RESET, body)
    assert refused.status_code == 400
    assert refused.json()["details"]["passwordPolicy"]["minLength"] == 10
    same = await ask(world, RESET, {**body, "newPassword": PASSWORD})
    assert same.json()["details"]["reason"] == "history"
    done = await ask(world, RESET, {**body, "newPassword": NEW})
    assert (done.status_code, done.content) == (200, b"")
    for one in (owner, cookie):
        assert (await one.call("GET", "/api/v1/mails/counters")).status_code == 401
    assert (await program.get("/api/v1/mails/counters")).status_code == 401
    fresh = world.connect(basic(NAME, NEW))
    assert (await fresh.get("/api/v1/mails/counters")).status_code == 200
    again = await ask(world, RESET, {**body, "newPassword": "yet another battery"})
    assert (again.status_code, again.json()["details"]) == (400, {"parameter": "recoveryToken"})


async def test_recovery_is_in_the_log(owner: Owner, world: World) -> None:
    token = await get_token(world)
    body = {"username": NAME, "recoveryToken": token, "newPassword": NEW}
    assert (await ask(world, RESET, body)).status_code == 200
    async with world.store.directory() as tables:
        rows = await tables.outgoing._connection.fetch_all("SELECT kind FROM security_event")
    assert "recoveryUsed" in {row[0] for row in rows}


async def test_one_of_many_resets_with_one_token(owner: Owner, world: World) -> None:
    token = await get_token(world)
    answers = await asyncio.gather(
        *(
            ask(world, RESET, {"username": NAME, "recoveryToken": token, "newPassword": f"{NEW} {number}"})
            for number in range(4)
        )
    )
    assert sorted(one.status_code for one in answers) == [200, 400, 400, 400]


async def test_token_lives_fifteen_minutes(owner: Owner, world: World) -> None:
    token = await get_token(world)
    world.clock.now += 900
    answer = await ask(world, VALIDATE, {"username": NAME, "recoveryToken": token})
    assert (answer.status_code, answer.json()["details"]) == (400, {"parameter": "recoveryToken"})


async def test_token_dies_with_the_fifth_wrong_try(owner: Owner, world: World) -> None:
    token = await get_token(world)
    for _ in range(5):
        assert (await ask(world, VALIDATE, {"username": NAME, "recoveryToken": "wrong"})).status_code == 400
    assert (await ask(world, VALIDATE, {"username": NAME, "recoveryToken": token})).status_code == 400


async def test_later_token_voids_the_one_before(owner: Owner, world: World) -> None:
    first, second = await get_token(world), await get_token(world)
    assert (await ask(world, VALIDATE, {"username": NAME, "recoveryToken": first})).status_code == 400
    assert (await ask(world, VALIDATE, {"username": NAME, "recoveryToken": second})).status_code == 200


async def test_tokens_are_few(owner: Owner, world: World) -> None:
    before = len(await read_letters(world))
    for _ in range(6):
        assert (await ask(world, SEND, {"username": NAME, "email": EMAIL})).status_code == 200
    assert len(await read_letters(world)) == before + 3


async def test_wrong_targets_and_names_get_nothing(owner: Owner, world: World) -> None:
    before = len(await read_letters(world))
    for body in (
        {"username": NAME, "email": "bea@elsewhere.test"},
        {"username": NAME, "phoneNumber": "+491701234567"},
        {"username": "nobody@example.test", "email": EMAIL},
        {"username": "x", "email": EMAIL},
    ):
        answer = await ask(world, SEND, body)
        assert (answer.status_code, answer.content) == (200, b"")
    assert len(await read_letters(world)) == before


async def test_tokens_of_nobody_are_refused_alike(owner: Owner, world: World) -> None:
    answers = [
        await ask(world, path, {"username": name, "recoveryToken": "x", **more})
        for name in (NAME, "nobody@example.test")
        for path, more in ((VALIDATE, {}), (RESET, {"newPassword": NEW}))
    ]
    assert {one.status_code for one in answers} == {400}
    assert len({one.content for one in answers}) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (WAYS, None),
        (VALIDATE, {"username": NAME, "recoveryToken": "x"}),
        (SEND, {"username": NAME, "email": EMAIL}),
    ],
)
async def test_who_asks_too_often_waits(
    owner: Owner, world: World, path: str, body: dict[str, Any] | None
) -> None:
    client = world.connect(address="192.0.2.7")
    statuses = []
    for number in range(25):
        if body is None:
            answer = await client.get(path, params={"username": f"{number}@example.test"})
        else:
            answer = await client.post(path, json={**body, "username": f"{number}@example.test"})
        statuses.append(answer.status_code)
    assert statuses[-1] == 429
    assert 429 not in statuses[:20]


@pytest.mark.parametrize(
    ("path", "body", "parameter"),
    [
        (NAMES, {}, "email"),
        (NAMES, {"email": "x"}, "email"),
        (NAMES, {"email": "a@b.test", "phoneNumber": "+491701234567"}, "phoneNumber"),
        (NAMES, {"phoneNumber": "12"}, "phoneNumber"),
        (NAMES, {"phoneNumber": "+49 170\u0000"}, "phoneNumber"),
        (SEND, {"email": EMAIL}, "username"),
        (SEND, {"username": NAME}, "email"),
        (SEND, {"username": "a" * 400, "email": EMAIL}, "username"),
        (VALIDATE, {"username": NAME}, "recoveryToken"),
        (RESET, {"recoveryToken": "x", "newPassword": "x"}, "username"),
        (RESET, {"username": NAME, "userName": NAME, "recoveryToken": "x", "newPassword": "x"}, "userName"),
        (RESET, {"username": NAME, "recoveryToken": "x", "newPassword": ""}, "newPassword"),
        (RESET, {"username": NAME, "recoveryToken": "x", "newPassword": "a\u0000"}, "newPassword"),
        (RESET, {"username": NAME, "recoveryToken": "x" * 300, "newPassword": "x"}, "recoveryToken"),
    ],
)
async def test_bad_parameters(world: World, path: str, body: dict[str, Any], parameter: str) -> None:
    answer = await ask(world, path, body)
    assert (answer.status_code, answer.json()["details"].get("parameter")) == (400, parameter)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(tries=st.lists(st.booleans(), min_size=1, max_size=8))
async def test_tries_of_a_token(world: World, tries: list[bool]) -> None:
    """A token holds until the fifth wrong try, whatever comes between."""
    user = await world.add_account(f"t{world.clock.now}-{len(world.clients)}@example.test")
    made = await open_session(user)
    await made.prove()
    email = f"{user.account.account_id}@elsewhere.test"
    await made.add_email(email)
    name = user.account.address
    world.clock.now += 1
    await ask(world, SEND, {"username": name, "email": email})
    token = (await read_letters(world))[-1][1].partition("is: ")[2].split()[0]
    wrong = 0
    for is_right in tries:
        answer = await ask(world, VALIDATE, {"username": name, "recoveryToken": token if is_right else "x"})
        assert (answer.status_code == 200) is (is_right and wrong < 5)
        wrong += not is_right


@pytest.mark.parametrize("language", ["de", "ja", "tk"])
async def test_letters_are_in_the_language_of_the_account(owner: Owner, world: World, language: str) -> None:
    await owner.ok("PATCH", "/api/v1/account/settings", {"language": language})
    texts = get_code_texts(language)
    [method] = (await owner.ok("GET", f"{METHODS}?scope=general"))["items"]
    letters = []
    for path, body in (
        (f"{METHODS}/{method['id']}/sendtoken", None),
        (SEND, {"username": NAME, "email": EMAIL}),
        (NAMES, {"email": EMAIL}),
    ):
        world.clock.now += 1
        if body is None:
            await owner.ok("POST", path)
        else:
            assert (await ask(world, path, body)).status_code == 200
        letters.append((await read_letters(world))[-1][1])
    for letter, advice in zip(letters, (texts.code_advice, texts.recovery_advice, texts.names), strict=True):
        assert advice in letter
        assert NAME in letter
    assert texts.language == (language if language != "tk" else "en")
