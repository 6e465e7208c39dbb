"""Hostile input at every call of the security part: a refusal that names the parameter, and never a 500."""

import itertools
import json
from typing import Any
from urllib.parse import quote

import pytest

from postroom.domain import cookie_logins
from tests.api.factor_world import METHODS, SESSION, TOKEN, TWO_FACTOR, Owner, log_in, open_session
from tests.api.world import PASSWORD, User, World

NAME, ELSEWHERE = "ann@example.test", "ann@elsewhere.test"
RECOVER = "/api/v1/recover"
ACCOUNT = "/api/v1/account"
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/login/cookie": {
        "username": NAME,
        "password": "wrong",
        "captchaId": "x",
        "captchaText": "x",
        "rememberLogin": False,
    },
    "/api/v1/login/2fa": {"methodId": "1_1", "totpToken": "1"},
    f"{ACCOUNT}/security/check": {"password": "wrong"},
    METHODS: {"method": "email", "target": ELSEWHERE},
    f"{METHODS}/METHOD/activate": {"totpToken": "1"},
    TWO_FACTOR: {"methodId": "METHOD", "totpToken": "1"},
    f"{ACCOUNT}/apppasswords": {"name": "program", "scope": "all"},
    f"{ACCOUNT}/badgetokens": {"name": "widget"},
    f"{ACCOUNT}/password/reset": {"oldPassword": "wrong", "newPassword": "another battery"},
    f"{ACCOUNT}/password/set": {"newPassword": "another battery"},
    f"{RECOVER}/username": {"email": ELSEWHERE},
    f"{RECOVER}/password/sendtoken": {"username": NAME, "email": ELSEWHERE},
    f"{RECOVER}/password/validatetoken": {"username": NAME, "recoveryToken": "x"},
    f"{RECOVER}/password/reset": {
        "username": NAME,
        "recoveryToken": "x",
        "newPassword": "another battery",
        "logoutOtherSessions": True,
    },
}
WRONG_TYPES: tuple[Any, ...] = (0, -1, 10**400, 1.5, [], ["x"], {}, {"x": "y"})
STRANGE_TEXTS = (
    "",
    "\x00",
    "a\x00b@example.test",
    "\ud800",
    "a\udfffb",
    "x" * 1_000_000,
    "\u202e\u0000\uffff",
    "a\r\nBcc: b@example.test",
    "' OR '1'='1",
    "../../../etc/passwd",
    "é" * 5000,
    "1_99999999999999999999",
    "1_-1",
)
RAW = (
    b"\xff",
    b'{"x": "\xff"}',
    b'{"x": "\xed\xa0\x80"}',
    b"\xef\xbb\xbf{}",
    '{"x": 1}'.encode("utf-16"),
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"1e999",
    b"[" * 200_000,
    b'{"x":' * 100_000,
    b"\x00",
)
REFUSALS = {401, 403, 404, 409, 429}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have refusals of cookie logins told soon."""
    monkeypatch.setattr(cookie_logins, "REFUSED_SECONDS", 0.001)


@pytest.fixture
async def owner(ann: User) -> Owner:
    """A user in a session, with a security token."""
    made = await open_session(ann)
    await made.prove()
    return made


async def begin_app(owner: Owner) -> str:
    """Begin to set up an app; return the method."""
    return str((await owner.ok("POST", METHODS, {"method": "authApp"}))["id"])


async def post(owner: Owner, path: str, raw: bytes, number: int) -> Any:
    """Make a call in the session, from an address of its own."""
    client = owner.world.connect(
        owner.user.client.headers["Authorization"], address=f"192.0.{number // 250}.{number % 250}"
    )
    headers = {**owner.headers, "Content-Type": "application/json"}
    answer = await client.post(path, content=raw, headers=headers)
    await owner.world.domain.recovery.settle()
    return answer


@pytest.mark.parametrize("path", BODIES)
async def test_members(owner: Owner, path: str) -> None:
    method, numbers = await begin_app(owner), itertools.count()
    right = json.loads(json.dumps(BODIES[path]).replace("METHOD", method))
    for member, value in right.items():
        for wrong in (*WRONG_TYPES, *STRANGE_TEXTS, True, None):
            if type(wrong) is type(value) and isinstance(value, bool):
                continue
            body = json.dumps({**right, member: wrong})
            answer = await post(owner, path.replace("METHOD", method), body.encode(), next(numbers))
            what = (member, repr(wrong)[:40], answer.text[:200])
            if answer.status_code == 400:
                assert answer.json()["errorCode"] == "badParameter", what
                assert answer.json()["details"]["parameter"] in {member, *right, "email", "body"}, what
            elif isinstance(wrong, str) or wrong is None:
                assert answer.status_code in REFUSALS | {200}, what
            else:
                # A limit may come before what is given is looked at.
                assert answer.status_code == 429, what


@pytest.mark.parametrize("path", BODIES)
async def test_bodies_that_are_no_objects(owner: Owner, path: str) -> None:
    method = await begin_app(owner)
    for number, raw in enumerate(RAW):
        answer = await post(owner, path.replace("METHOD", method), raw, number)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "badParameter"), raw[:20]
        assert "message" in answer.json()
    too_large = await post(owner, path.replace("METHOD", method), b" " * 5_000_000, 0)
    assert (too_large.status_code, too_large.json()["errorCode"]) == (413, "payloadTooLarge")


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", f"{METHODS}/ID/qr"),
        ("POST", f"{METHODS}/ID/sendtoken"),
        ("POST", f"{METHODS}/ID/activate"),
        ("DELETE", f"{METHODS}/ID"),
        ("DELETE", f"{ACCOUNT}/apppasswords/ID"),
        ("DELETE", f"{ACCOUNT}/badgetokens/ID"),
    ],
)
async def test_ids(owner: Owner, verb: str, path: str) -> None:
    account = owner.user.account.account_id
    body = {"totpToken": "1"} if path.endswith("activate") else None
    for strange in (
        "%00",
        "%ff",
        "%ed%a0%80",
        "x" * 5000,
        "1",
        "_",
        "1_",
        "_1",
        "1_1_1",
        "-1_1",
        "1_01",
        "٣_١",
    ):
        answer = await owner.call(verb, path.replace("ID", strange), body)
        assert answer.status_code in {400, 404}, strange[:20]
    for number in (2**53, 2**63, 10**40):
        answer = await owner.call(verb, path.replace("ID", f"{account}_{number}"), body)
        assert answer.status_code in {400, 404}, number
    gone = await owner.call(verb, path.replace("ID", f"{account}_{2**40}"), body)
    assert gone.status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/captha", "/api/v1/captha/status", f"{RECOVER}/password/methods"])
async def test_names_in_queries(world: World, path: str) -> None:
    for number, query in enumerate(
        (
            "",
            "username=%ff",
            "username=%ed%a0%80",
            "username=a&username=b",
            "username=" + "x" * 20_000,
        )
    ):
        answer = await world.connect(address=f"192.0.2.{number}").get(f"{path}?{query}")
        assert answer.status_code == 400, query[:30]
        assert answer.json()["details"]["parameter"] in {"username", "query"}
    for number, name in enumerate(
        ("", "%00", "a%00@example.test", "%0d%0aX: y", "'%20OR%201=1", "%F0%9F%92%A9@x")
    ):
        answer = await world.connect(address=f"192.0.3.{number}").get(f"{path}?username={name}")
        assert answer.status_code in {200, 204, 400}, name


async def test_tokens_in_headers(owner: Owner, ann: User) -> None:
    cookie, _ = await log_in(ann)
    for strange in ("", " ", "x" * 8000, "é", "\x7f", "a,b", "'", "../.."):
        own = {name.encode(): value.encode() for name, value in owner.headers.items()}
        changed = {**own, TOKEN.encode(): strange.encode()}
        refused = await ann.client.get(f"{METHODS}/1_1/qr", headers=changed)
        assert (refused.status_code, refused.json()["errorCode"]) == (403, "securityTokenRequired"), strange
        # An empty header is none.
        named = await ann.client.get(METHODS, headers={SESSION.encode(): strange.encode()})
        assert named.status_code == (401 if strange else 200), strange
        for query in (f"_h={quote(strange)}", "_h=%ff", "_h=%00", f"_h={cookie.sessid}&_h={cookie.sessid}"):
            refused = await ann.world.connect().get(f"{METHODS}?{query}", headers=cookie.headers)
            assert refused.status_code == 401, query[:30]
    assert (await ann.client.get(METHODS, headers=owner.headers)).status_code == 200
    assert (await owner.call("POST", f"{ACCOUNT}/security/check", {"password": PASSWORD})).status_code == 200
