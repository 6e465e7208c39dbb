"""Cookie logins: the cookie and the session id that go together, and the captchas before them."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from postroom.api.settings import APISettings
from postroom.config.classes import AccountClass
from postroom.domain import captchas as captchas_module
from postroom.domain import cookie_logins
from postroom.domain.cookie_logins import CookieLogins
from postroom.domain.directory import AccountSettings
from postroom.domain.failed_logins import hash_name
from postroom.model.account import SECOND, SETUP, Account
from tests.api.world import PASSWORD, User, World, basic, make_world

NAME = "ann@example.test"
LOGIN = "/api/v1/login/cookie"
STATUS = "/api/v1/captha/status"
IMAGE = "/api/v1/captha"
COUNTERS = "/api/v1/mails/counters"
FOLDERS = "/api/v1/folders"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have refusals told soon."""
    monkeypatch.setattr(cookie_logins, "REFUSED_SECONDS", 0.02)


class Browser:
    """What a browser and the program in it have: a cookie, and the id of a session."""

    def __init__(self, world: World, *, address: str = "127.0.0.1") -> None:
        self.client = world.connect(address=address)
        self.cookie = ""
        self.sessid = ""

    async def try_login(self, username: str = NAME, password: str = PASSWORD, **more: Any) -> httpx.Response:
        return await self.client.post(LOGIN, json={"username": username, "password": password, **more})

    async def login(self, username: str = NAME, password: str = PASSWORD, **more: Any) -> httpx.Response:
        response = await self.try_login(username, password, **more)
        assert response.status_code == 200, response.text
        self.sessid = response.json()["sessid"]
        self.cookie = response.headers["set-cookie"].partition(";")[0]
        return response

    async def call(
        self, method: str = "GET", path: str = COUNTERS, *, cookie: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = {"Cookie": self.cookie if cookie is None else cookie, **more.pop("headers", {})}
        params = {"_h": self.sessid, **more.pop("params", {})}
        return await self.client.request(method, path, params=params, headers=headers, **more)


@pytest.fixture
async def browser(world: World, ann: User) -> Browser:
    made = Browser(world)
    await made.login()
    return made


async def fail(world: World, times: int, name: str = NAME) -> None:
    for number in range(times):
        response = await Browser(world).try_login(name, f"guess {number}")
        assert response.status_code == 401


async def is_required(world: World, name: str = NAME) -> bool:
    response = await world.connect().get(STATUS, params={"username": name})
    assert response.status_code == 200
    assert list(response.json()) == ["isRequired"]
    return bool(response.json()["isRequired"])


async def get_captcha(world: World, name: str = NAME) -> dict[str, str]:
    """Look at a captcha, as somebody with good eyes."""
    response = await world.connect().get(IMAGE, params={"username": name, "t": "1"})
    assert response.status_code == 200
    captcha_id = response.headers["x-captcha-id"]
    captchas = world.domain.cookie_logins._captchas
    counted = await world.domain.logins.count_as(name)
    found = captchas._key.find(captcha_id, hash_name(counted), now_ms=int(world.clock.now * 1000))
    assert found is not None
    return {"captchaId": captcha_id, "captchaText": found.text}


# The cookie and the id


async def test_login(browser: Browser) -> None:
    response = await browser.login()
    assert list(response.json()) == ["sessid"]
    assert response.headers["cache-control"] == "no-store"
    assert "x-axigen-2fa" not in response.headers
    pair, *attributes = response.headers["set-cookie"].split("; ")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
    name, _, token = pair.partition("=")
    assert name == "__Host-postroom"
    assert len(token) >= 22
    assert token != browser.sessid
    assert (await browser.call()).json() == {"unreadCount": 0}
    assert (await browser.call(path=FOLDERS)).status_code == 200
    assert (await browser.call("POST", "/api/v1/events/ticket")).status_code == 200


async def test_cookie_and_id_must_belong_together(browser: Browser, world: World) -> None:
    other = Browser(world)
    await other.login()
    wrong = [
        await browser.call(cookie=other.cookie),
        await browser.call(cookie="x=y"),
        await browser.call(cookie="__Host-postroom="),
        await browser.call(cookie=f"postroom={browser.cookie.partition('=')[2]}"),
        await browser.call(params={"_h": other.sessid}),
        await browser.call(params={"_h": ""}),
        await browser.call(params={"_h": browser.cookie.partition("=")[2]}),
        await browser.call(params={"_h": "x" * 5000}),
        await browser.call(params={"_h": "\ufffd%00"}),
        await browser.call(params={"_h": [browser.sessid, browser.sessid]}),
        await browser.call(params={"_h": [browser.sessid, other.sessid]}),
        await browser.client.get(COUNTERS, headers={"Cookie": browser.cookie}),
        await browser.client.post("/api/v1/logout", headers={"Cookie": browser.cookie}),
        await browser.client.get("/api/v1/events", headers={"Cookie": browser.cookie}),
        await browser.call(headers={"X-Axigen-Session": browser.sessid}),
        await browser.call(headers={"Authorization": basic(NAME, "wrong")}),
    ]
    for response in wrong:
        assert response.status_code == 401, response.request.url
        assert response.json()["errorCode"] == "notAuthenticated"
        assert "www-authenticate" not in response.headers
    alone = await browser.client.get(COUNTERS, params={"_h": browser.sessid})
    assert alone.status_code == 401
    assert "www-authenticate" in alone.headers
    assert (await browser.call()).status_code == 200


async def test_sessions_of_headers_and_of_cookies_are_two_things(browser: Browser, ann: User) -> None:
    response = await ann.client.get(FOLDERS, headers={"X-Axigen-Session": browser.sessid})
    assert response.status_code == 401
    sessid = (await ann.client.post("/api/v1/login")).json()["sessid"]
    assert (await browser.call(params={"_h": sessid})).status_code == 401
    # With credentials in its headers a call is what it would be without a cookie.
    headers = {"Cookie": browser.cookie, "X-Axigen-Session": sessid}
    assert (await ann.client.get(FOLDERS, headers=headers)).status_code == 200
    assert (await ann.client.get(FOLDERS, headers=headers, params={"_h": "x"})).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        'a=b; {name}="{token}"; c',
        "{name}=tossed; {}",
        "{}; {name}=tossed",
        ";;=;{name}; =x; {} ;",
        "big=" + "x" * 20_000 + "; {}",
        "; ".join(f"c{n}=d" for n in range(500)) + "; {}",
    ],
)
async def test_the_cookie_among_others(browser: Browser, form: str) -> None:
    name, _, token = browser.cookie.partition("=")
    cookie = form.replace("{name}", name).replace("{token}", token).replace("{}", browser.cookie)
    assert (await browser.call(cookie=cookie)).status_code == 200


async def test_too_many_tossed_cookies_and_too_large_ones(browser: Browser) -> None:
    name, _, token = browser.cookie.partition("=")
    tossed = "; ".join(f"{name}=tossed{n}" for n in range(8))
    assert (await browser.call(cookie=f"{tossed}; {browser.cookie}")).status_code == 401
    assert (await browser.call(cookie=f"{name}={token * 100}")).status_code == 401
    assert (await browser.call(cookie=f"{browser.cookie}; a={'x' * 40_000}")).status_code == 431


async def test_a_login_never_takes_up_what_is_given(browser: Browser, world: World) -> None:
    before = (browser.cookie, browser.sessid)
    headers = {"Cookie": browser.cookie}
    response = await browser.client.post(
        LOGIN, params={"_h": browser.sessid}, headers=headers, json={"username": NAME, "password": PASSWORD}
    )
    after = (response.headers["set-cookie"].partition(";")[0], response.json()["sessid"])
    assert not set(before) & set(after)


@pytest.mark.parametrize("api_settings", [APISettings(secure_cookies=False)])
async def test_on_loopback_the_cookie_goes_over_plain_http(browser: Browser) -> None:
    response = await browser.login()
    assert browser.cookie.startswith("postroom=")
    assert "Secure" not in response.headers["set-cookie"]
    assert (await browser.call()).status_code == 200


async def test_logout(browser: Browser, ann: User, world: World) -> None:
    other = Browser(world)
    await other.login()
    response = await browser.call("POST", "/api/v1/logout")
    assert (response.status_code, response.content) == (200, b"")
    pair, *attributes = response.headers["set-cookie"].split("; ")
    assert pair == "__Host-postroom="
    assert "Max-Age=0" in attributes
    assert "Path=/" in attributes
    assert (await browser.call()).status_code == 401
    assert (await other.call()).status_code == 200
    sessid = (await ann.client.post("/api/v1/login")).json()["sessid"]
    response = await ann.client.post("/api/v1/logout", headers={"X-Axigen-Session": sessid})
    assert "Max-Age=0" in response.headers["set-cookie"]


async def test_logout_purges(browser: Browser, ann: User) -> None:
    mail = await ann.deliver(b"Subject: x\r\n\r\nx\r\n")
    assert (await browser.call("DELETE", f"/api/v1/mails/{mail}")).status_code == 200
    patch = {"purgeTrashOnLogout": True}
    assert (await browser.call("PATCH", "/api/v1/account/settings", json=patch)).status_code == 200
    assert (await browser.call("POST", "/api/v1/logout")).status_code == 200
    folders = await ann.get(FOLDERS)
    assert [one["totalItems"] for one in folders["items"] if one["name"] == "Trash"] == [0]


# How long it lasts


async def test_the_times_of_a_session(browser: Browser, world: World) -> None:
    world.clock.now += 1799
    assert (await browser.call()).status_code == 200
    world.clock.now += 1801
    assert (await browser.call()).status_code == 401
    await browser.login(rememberLogin=False)
    for _ in range(86_400 // 1700):
        world.clock.now += 1700
        assert (await browser.call()).status_code == 200
    world.clock.now += 1700
    assert (await browser.call()).status_code == 401


async def test_a_remembered_session_lasts(browser: Browser, world: World) -> None:
    response = await browser.login(rememberLogin=True)
    assert "Max-Age=2592000" in response.headers["set-cookie"].split("; ")
    world.clock.now += 29 * 86_400
    assert (await browser.call()).status_code == 200
    world.clock.now += 86_399
    assert (await browser.call()).status_code == 200
    world.clock.now += 2
    assert (await browser.call()).status_code == 401


async def test_what_ends_cookie_sessions(browser: Browser, ann: User, world: World) -> None:
    other = Browser(world)
    await other.login()
    body = {"oldPassword": PASSWORD, "newPassword": "another good one"}
    assert (await other.call("POST", "/api/v1/account/password/reset", json=body)).status_code == 200
    assert (await browser.call()).status_code == 401
    assert (await other.call()).status_code == 200
    await world.directory.set_enabled(NAME, enabled=False)
    assert (await other.call()).status_code == 401
    assert (await Browser(world).try_login(password="another good one")).status_code == 401


async def test_a_password_that_must_be_changed(browser: Browser, world: World) -> None:
    await world.directory.set_account(NAME, AccountSettings(must_change_password=True))
    await browser.login()
    response = await browser.call()
    assert (response.status_code, response.json()["errorCode"]) == (403, "notPermitted")
    body = {"newPassword": "another good one"}
    assert (await browser.call("POST", "/api/v1/account/password/set", json=body)).status_code == 200
    assert (await browser.call()).status_code == 200


# Stages


@pytest.mark.parametrize(("stage", "told"), [(SECOND, "required"), (SETUP, "mandatory")])
async def test_a_session_that_waits(world: World, ann: User, stage: str, told: str) -> None:
    async def find_stage(account: Account) -> str:
        assert account.account_id == ann.account.account_id
        return stage

    cases: CookieLogins = world.domain.cookie_logins
    cases._find_stage = find_stage
    browser = Browser(world)
    response = await browser.login()
    assert response.headers["x-axigen-2fa"] == told
    for method, path in [
        ("GET", COUNTERS),
        ("GET", FOLDERS),
        ("GET", "/api/v1/events"),
        ("POST", "/api/v1/events/ticket"),
        ("POST", "/api/v1/labels"),
        ("POST", "/api/v1/account/password/reset"),
    ]:
        response = await browser.call(method, path)
        assert response.status_code == 401, path
        assert response.json()["errorCode"] == "secondFactorRequired"
        assert "www-authenticate" not in response.headers
    caller = await world.domain.cookie_logins.authenticate(browser.sessid, [browser.cookie.partition("=")[2]])
    assert (caller.stage, caller.login) == (stage, "cookie")
    assert caller.session_id is not None
    async with world.store.directory_transaction() as tx:
        await tx.directory.raise_versions(caller.account_id, auth=0, sessions=1)
        assert await tx.sessions.pass_step(caller.session_id)
    assert (await browser.call()).status_code == 200
    await browser.login()
    assert (await browser.call("POST", "/api/v1/logout")).status_code == 200
    assert (await browser.call()).status_code == 401


# Guessing


async def test_refusals_are_alike(world: World, ann: User, ben: User) -> None:
    await world.directory.set_enabled("ben@example.test", enabled=False)
    bodies = [
        {"username": NAME, "password": "wrong"},
        {"username": "nobody@example.test", "password": PASSWORD},
        {"username": "ben@example.test", "password": PASSWORD},
        {"username": "", "password": ""},
        {"username": "a\x00b", "password": PASSWORD},
        {"username": "ann+x@example.test", "password": PASSWORD},
    ]
    answers = {}
    for body in bodies:
        response = await world.connect().post(LOGIN, json=body)
        headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
        answers[response.status_code, response.content, tuple(headers.items())] = body
    await fail(world, 3, "carl@example.test")
    body = {"username": "carl@example.test", "password": "x", "captchaId": "x", "captchaText": "y"}
    response = await world.connect().post(LOGIN, json=body)
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    answers[response.status_code, response.content, tuple(headers.items())] = body
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401


@pytest.mark.parametrize("name", [NAME, "nobody@example.test"])
async def test_a_captcha_is_required_after_three(world: World, ann: User, name: str) -> None:
    await fail(world, 2, name)
    assert not await is_required(world, name)
    empty = await world.connect().get(IMAGE, params={"username": name})
    assert (empty.status_code, empty.content) == (204, b"")
    assert "content-length" not in empty.headers
    await fail(world, 1, name.upper())
    assert await is_required(world, name)
    assert await is_required(world, name.upper())
    assert not await is_required(world, "ben@example.test")
    image = await world.connect().get("/api/v1/captcha/", params={"username": name})
    assert image.status_code == 200
    assert image.headers["content-type"] == "image/png"
    assert image.headers["cache-control"] == "no-store"
    assert image.content.startswith(b"\x89PNG")
    world.clock.now += 901
    assert not await is_required(world, name)


async def test_the_owner_logs_in_with_a_captcha(world: World, ann: User) -> None:
    await fail(world, 3)
    browser = Browser(world)
    assert (await browser.try_login()).status_code == 401
    captcha = await get_captcha(world)
    wrong = {**captcha, "captchaText": "AAAAAA"}
    assert (await browser.try_login(**wrong)).status_code == 401
    assert (await browser.try_login(**captcha)).status_code == 401, "it was used"
    captcha = await get_captcha(world)
    captcha["captchaText"] = f" {captcha['captchaText'].lower()[:3]} {captcha['captchaText'][3:]}"
    await browser.login(**captcha)
    assert not await is_required(world)
    await fail(world, 3)
    assert (await browser.try_login(**captcha)).status_code == 401, "it was used"


async def test_captchas_that_are_no_good(world: World, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    await fail(world, 3)
    await fail(world, 3, "ben@example.test")
    browser = Browser(world)
    for changed in ({"captchaId": "x"}, {"captchaId": ""}, {"captchaId": "é"}, {"captchaText": "é"}):
        assert (await browser.try_login(**{**await get_captcha(world), **changed})).status_code == 401
    of_another = await get_captcha(world, "ben@example.test")
    assert (await browser.try_login(**of_another)).status_code == 401
    stretched = await get_captcha(world)
    stretched["captchaId"] += "A"
    assert (await browser.try_login(**stretched)).status_code == 401
    old = await get_captcha(world)
    world.clock.now += 301
    assert (await browser.try_login(**old)).status_code == 401
    await browser.login(**await get_captcha(world))


async def test_of_many_at_once_one_can_use_a_captcha(world: World, ann: User) -> None:
    await fail(world, 3)
    captcha = await get_captcha(world)
    tries = await asyncio.gather(*(Browser(world).try_login(**captcha) for _ in range(6)))
    assert sorted(one.status_code for one in tries) == [200, 401, 401, 401, 401, 401]


async def test_of_many_at_once_few_are_checked(
    world: World, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = 0
    real = world.domain.logins.check_password

    async def check(credentials: Any, *, client: str) -> Account | None:
        nonlocal checked
        checked += 1
        return await real(credentials, client=client)

    monkeypatch.setattr(world.domain.logins, "check_password", check)
    await asyncio.gather(*(Browser(world).try_login(password=f"guess {n}") for n in range(20)))
    assert checked == 3


async def test_basic_and_cookie_logins(world: World, ann: User) -> None:
    client = world.connect()
    for number in range(12):
        await client.get(COUNTERS, headers={"Authorization": basic(NAME, f"guess {number}")})
    limited = await client.get(COUNTERS, headers={"Authorization": basic(NAME, PASSWORD)})
    assert limited.status_code == 429
    assert await is_required(world)
    browser = Browser(world)
    assert (await browser.try_login()).status_code == 401
    await browser.login(**await get_captcha(world))
    assert (await browser.call()).status_code == 200


async def test_an_address_is_limited(world: World, ann: User) -> None:
    browser = Browser(world, address="192.0.2.7")
    statuses = [(await browser.try_login(f"n{n}@example.test", "x")).status_code for n in range(21)]
    assert statuses == [401] * 20 + [429]
    limited = await browser.try_login()
    assert limited.status_code == 429
    assert 0 < int(limited.headers["retry-after"]) <= 900
    assert (await Browser(world, address="192.0.2.8").try_login()).status_code == 200


async def test_images_are_limited_by_address(
    world: World, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fail(world, 3)
    client = world.connect(address="192.0.2.7")
    query = {"username": NAME}
    statuses = [(await client.get(IMAGE, params=query)).status_code for _ in range(61)]
    assert statuses == [200] * captchas_module.IMAGES_PER_ADDRESS + [429]
    assert (await world.connect(address="192.0.2.8").get(IMAGE, params=query)).status_code == 200


async def test_all_processes_know(world: World, ann: User) -> None:
    other = await make_world(world.store, APISettings(), {"default": AccountClass()})
    await fail(world, 2)
    await fail(other, 1)
    assert await is_required(world)
    assert await is_required(other)
    captcha = await get_captcha(world)
    assert (await Browser(other).try_login(**captcha)).status_code == 200
    await other.close()


# What browsers do


async def test_pages_of_other_sites_cannot_log_in(world: World, ann: User) -> None:
    body = {"username": NAME, "password": PASSWORD}
    for site, status in [("cross-site", 403), ("same-origin", 200), ("same-site", 200), ("none", 200)]:
        response = await world.connect().post(LOGIN, json=body, headers={"Sec-Fetch-Site": site})
        assert response.status_code == status


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/plain", 403),
        ("application/x-www-form-urlencoded", 403),
        ("multipart/form-data; boundary=x", 403),
        ("text/json", 403),
        (None, 403),
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
    ],
)
async def test_forms_of_other_sites_cannot_log_in(
    world: World, ann: User, kind: str | None, status: int
) -> None:
    """Nor where the browser is too old to say whose page it is: without being asked it sends no JSON for others."""
    raw = json.dumps({"username": NAME, "password": PASSWORD}).encode()
    given = {} if kind is None else {"Content-Type": kind}
    response = await world.connect().post(
        LOGIN, content=raw, headers={"Origin": "https://evil.test", **given}
    )
    assert response.status_code == status
    assert ("set-cookie" in response.headers) is (status == 200)
    # Programs have no origin.
    assert (await world.connect().post(LOGIN, content=raw, headers=given)).status_code == 200


async def test_programs_in_browsers_get_no_challenge(world: World, ann: User) -> None:
    body = {"username": NAME, "password": "wrong"}
    response = await world.connect().post(LOGIN, json=body, headers={"Sec-Fetch-Mode": "cors"})
    assert response.status_code == 401
    assert "www-authenticate" not in response.headers
    response = await world.connect().post(LOGIN, json=body)
    assert "www-authenticate" in response.headers


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "username"),
        ({"username": NAME}, "password"),
        ({"username": 1, "password": "x"}, "username"),
        ({"username": NAME, "password": "x", "more": 1}, "more"),
        ({"username": NAME, "password": "x", "rememberLogin": "yes"}, "rememberLogin"),
        ({"username": NAME, "password": "x" * 5000}, "password"),
        ({"username": "x" * 1001, "password": "x"}, "username"),
        ({"username": NAME, "password": "x", "captchaId": "x" * 300}, "captchaId"),
        ({"username": NAME, "password": "x", "captchaText": "x" * 100}, "captchaText"),
    ],
)
async def test_bad_bodies(world: World, body: dict[str, Any], parameter: str) -> None:
    response = await world.connect().post(LOGIN, json=body)
    assert (response.status_code, response.json()["errorCode"]) == (400, "badParameter")
    assert response.json()["details"]["parameter"] == parameter


@pytest.mark.parametrize("path", [STATUS, IMAGE, "/api/v1/captcha", "/api/v1/captcha/status"])
async def test_bad_queries(world: World, path: str) -> None:
    for query in ("", "username=a&username=b", "username=" + "x" * 2000, "username=%ff"):
        response = await world.connect().get(f"{path}?{query}")
        assert response.status_code == 400


async def test_an_idempotent_call_is_the_same_in_another_session(browser: Browser) -> None:
    headers = {"Idempotency-Key": "one"}
    body = {"name": "Work"}
    first = await browser.call("POST", "/api/v1/labels", json=body, headers=headers)
    await browser.login()
    again = await browser.call("POST", "/api/v1/labels", json=body, headers=headers)
    assert first.status_code == again.status_code == 200
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
