"""Bearer: tokens of an OpenID Connect provider, of a real one and of hostile ones."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwk

from postroom.api.settings import APISettings
from postroom.auth.signed_tokens import BadTokenError, parse_keys, read_header
from postroom.bench.server import find_free_port
from postroom.config.classes import AccountClass
from postroom.config.oidc import ALGORITHMS, OIDCConfig
from postroom.domain.directory import AccountSettings
from postroom.store import Store
from tests.api.identity_provider import CLIENT, RealProvider
from tests.api.scripted_provider import (
    ADDRESS,
    EC,
    ED,
    OTHER_RSA,
    RSA,
    Scripted,
    claims_of,
    encode,
    serving_tokens,
    sign,
    sign_by_secret,
)
from tests.api.world import User, World, basic, make_world

FOLDERS = "/api/v1/folders"
SESSION = "X-Axigen-Session"


@pytest.fixture
async def provider() -> AsyncIterator[Scripted]:
    async with serving_tokens() as scripted:
        yield scripted


@pytest.fixture
def oidc() -> OIDCConfig:
    return OIDCConfig(audience=(CLIENT,), timeout_seconds=30)


@pytest.fixture
async def world(
    store: Store, classes: dict[str, AccountClass], provider: Scripted, oidc: OIDCConfig
) -> AsyncIterator[World]:
    made = await make_world(store, APISettings(), classes, oidc=replace(oidc, issuer=provider.issuer))
    yield made
    await made.domain.logins.tokens.close()
    await made.close()


async def ask(world: World, token: str, **headers: str) -> httpx.Response:
    return await world.connect(f"Bearer {token}").get(FOLDERS, headers=headers)


async def test_right_token(world: World, ann: User, provider: Scripted) -> None:
    token = sign(claims_of(world, provider))
    for _ in range(3):
        assert (await ask(world, token)).status_code == 200
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]
    assert world.domain.logins.remembered.hits >= 2
    caller = await world.domain.logins.authenticate(f"Bearer {token}", None, client="")
    assert (caller.login, caller.scope, caller.address) == ("bearer", "all", ADDRESS)


async def test_sessions(world: World, ann: User, ben: User, provider: Scripted) -> None:
    client = world.connect("Bearer " + sign(claims_of(world, provider)))
    made = await client.post("/api/v1/login")
    assert made.status_code == 200, made.text
    session = {SESSION: made.json()["sessid"]}
    assert (await client.get(FOLDERS, headers=session)).status_code == 200
    # Both are needed, and of the same account.
    assert (await world.connect().get(FOLDERS, headers=session)).status_code == 401
    assert (await ben.client.get(FOLDERS, headers=session)).status_code == 401
    # There, the provider does what a security token is for.
    body = {"password": "correct horse"}
    checked = await client.post("/api/v1/account/security/check", json=body, headers=session)
    assert (checked.status_code, checked.json()["errorCode"]) == (403, "notPermitted")
    assert (await client.post("/api/v1/logout", headers=session)).status_code == 200


async def test_aliases_and_other_names(world: World, ann: User, provider: Scripted) -> None:
    await world.directory.set_account(ADDRESS, AccountSettings(aliases=("anna@example.test",)))
    for email, status in [
        ("anna@example.test", 200),
        ("ANN@Example.Test", 200),
        ("nobody@example.test", 401),
        ("ann@example.org", 401),
        ("ann", 401),
    ]:
        response = await ask(world, sign(claims_of(world, provider, email=email)))
        assert response.status_code == status, email


async def test_disabled_and_enabled(world: World, ann: User, provider: Scripted) -> None:
    token = sign(claims_of(world, provider))
    for enabled, status in ((True, 200), (False, 401), (True, 200)):
        await world.directory.set_enabled(ADDRESS, enabled=enabled)
        assert (await ask(world, token)).status_code == status


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": ...},
        {"iss": ["x"]},
        {"iss": "http://127.0.0.1"},
        {"iss": ""},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": []},
        {"aud": ...},
        {"aud": {CLIENT: 1}},
        {"aud": [CLIENT, 7]},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"exp": ...},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": None},
        {"exp": 1e400},
        {"exp": -1},
        {"exp": 10**30},
        {"exp": 1_744_407_421 - 61},
        {"iat": ...},
        {"iat": 1_744_407_421 + 61},
        {"nbf": 1_744_407_421 + 61},
        {"nbf": "now"},
        {"nbf": None},
        {"email": ...},
        {"email": ""},
        {"email": ["ann@example.test"]},
        {"email": "ann@example.test\x00"},
        {"email": "a" * 400},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": ...},
        {"cnf": {"jkt": "x"}},
        {"events": {}},
        {"typ": "Refresh"},
        {"typ": "Logout"},
    ],
)
async def test_claims_that_do_not_hold(
    world: World, ann: User, provider: Scripted, changes: dict[str, Any]
) -> None:
    assert (await ask(world, sign(claims_of(world, provider)))).status_code == 200
    response = await ask(world, sign(claims_of(world, provider, **changes)))
    assert (response.status_code, response.json()["errorCode"]) == (401, "notAuthenticated")
    assert response.headers["www-authenticate"]


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["another", CLIENT], "azp": CLIENT},
        {"aud": [CLIENT], "azp": "a client"},
        {"exp": 1_744_407_421 - 59},
        {"iat": 1_744_407_421 + 59},
        {"nbf": 1_744_407_421 - 1000},
        {"typ": "Bearer"},
    ],
)
async def test_claims_that_hold(world: World, ann: User, provider: Scripted, changes: dict[str, Any]) -> None:
    assert (await ask(world, sign(claims_of(world, provider, **changes)))).status_code == 200


async def test_access_tokens(world: World, ann: User, provider: Scripted) -> None:
    several = claims_of(world, provider, aud=["another", CLIENT], azp="a client")
    assert (await ask(world, sign(several, typ="at+jwt"))).status_code == 200
    assert (await ask(world, sign(several))).status_code == 401


@pytest.mark.parametrize("oidc", [OIDCConfig(audience=(CLIENT,), authorized_parties=("webmail",))])
async def test_authorized_parties(world: World, ann: User, provider: Scripted) -> None:
    cases: list[tuple[dict[str, Any], int]] = [
        ({"azp": "webmail"}, 200),
        ({"client_id": "webmail"}, 200),
        ({}, 401),
        ({"azp": "other"}, 401),
        ({"azp": "other", "client_id": "webmail"}, 401),
        ({"azp": ["webmail"]}, 401),
    ]
    for changes, status in cases:
        response = await ask(world, sign(claims_of(world, provider, **changes)))
        assert response.status_code == status, changes


@pytest.mark.parametrize(
    "oidc", [OIDCConfig(audience=(CLIENT,), account_claim="upn", require_verified_email=False)]
)
async def test_another_claim(world: World, ann: User, provider: Scripted) -> None:
    claims = claims_of(world, provider, email="ben@example.test", email_verified=...)
    assert (await ask(world, sign(claims))).status_code == 401
    assert (await ask(world, sign({**claims, "upn": ADDRESS}))).status_code == 200


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS512"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")]
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_algorithms(world: World, ann: User, provider: Scripted, key: Any, algorithm: str) -> None:
    provider.keys = [one.as_dict(private=False) for one in (RSA, EC, ED)]
    assert (await ask(world, sign(claims_of(world, provider), key, algorithm))).status_code == 200


def forgeries(world: World, provider: Scripted) -> dict[str, str]:
    """Return tokens that are not signed by the provider."""
    claims = claims_of(world, provider)
    right = sign(claims)
    head, body, signature = right.split(".")
    mine = jwk.RSAKey.generate_key(2048, {"kid": "one"})
    public = RSA.as_pem(private=False)
    unsigned = f"{encode({'alg': 'none'})}.{body}."
    published = json.dumps(provider.keys[0]).encode()
    changed = sign({**claims, "email": "ben@example.test"}).split(".")[1]
    return {
        "none": unsigned,
        "none in capitals": unsigned.replace(
            unsigned.split(".", maxsplit=1)[0], encode({"alg": "NONE", "kid": "one"})
        ),
        "none, with a signature": f"{encode({'alg': 'none'})}.{body}.{signature}",
        "HMAC by the public key": sign_by_secret(claims, public),
        "HMAC by the published key": sign_by_secret(claims, published),
        "another key of that name": sign(claims, mine),
        "another key, sent along": sign(claims, mine, jwk=mine.as_dict(private=False), kid=...),
        "another key, to be fetched": sign(claims, mine, jku="http://127.0.0.1:1/keys"),
        "another key, in a certificate": sign(
            claims, mine, x5c=["MIIB"], x5u="http://127.0.0.1:1/c", kid=...
        ),
        "a key id that is a path": sign(claims, mine, kid="../../../dev/null"),
        "a key id that is a query": sign(claims, mine, kid="one' OR '1'='1"),
        "a key id of nothing": sign(claims, mine, kid=""),
        "HMAC by nothing": sign_by_secret(claims, b""),
        "another content": f"{head}.{changed}.{signature}",
        "no signature": f"{head}.{body}.",
        "signature of nothing": f"{head}.{body}.AAAA",
        "not all of it": right[:-6],
        "two parts": f"{head}.{body}",
        "five parts": f"{head}.{body}.{signature}.{signature}.{signature}",
        "no content": f"{head}..{signature}",
        "critical": sign(claims, crit=["exp"], exp=1),
        "not encoded": sign(claims, typ="JWT", b64=True, crit=["b64"]),
        "logout token": sign(claims, typ="logout+jwt"),
        "security event": sign(claims, typ="secevent+jwt"),
        "a list": sign([claims]),
        "a text": sign("claims"),
        "not a number": sign({**claims, "exp": float("nan")}),
        "algorithm of another key": f"{encode({'alg': 'ES256', 'kid': 'one'})}.{body}.{signature}",
        "algorithm is a list": f"{encode({'alg': ['RS256'], 'kid': 'one'})}.{body}.{signature}",
        "algorithm is missing": f"{encode({'kid': 'one'})}.{body}.{signature}",
        "key id is a number": f"{encode({'alg': 'RS256', 'kid': 1})}.{body}.{signature}",
        "header is a list": f"{encode(['RS256'])}.{body}.{signature}",
        "deep": f"{'W' * 4000}.{body}.{signature}",
        "opaque": "abcdef",
        "dots": "..",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["alg", "kid", "typ", "crit", "exp", "aud", "keys", "kty", "n", "e"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_any_header(header: Any) -> None:
    token = f"{encode(header)}.e30.AAAA"
    try:
        read_header(token, ALGORITHMS)
    except BadTokenError:
        pass
    else:
        assert header["alg"] in ALGORITHMS


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    JSON | st.lists(st.dictionaries(st.sampled_from(["kty", "n", "e", "x", "y", "crv", "kid", "use"]), JSON))
)
def test_any_keys(keys: Any) -> None:
    for document in (json.dumps(keys), json.dumps({"keys": keys})):
        with contextlib.suppress(ValueError):
            assert parse_keys(document.encode()) == []


def test_keys_that_are_not_for_this() -> None:
    one = RSA.as_dict(private=False)
    for changes in (
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"kty": "oct", "k": "AAAA"},
        {"n": "AQAB"},
        {"n": ""},
        {"e": 3},
        {"kid": 7},
    ):
        assert parse_keys(json.dumps({"keys": [{**one, **changes}]}).encode()) == [], changes
    [key] = parse_keys(json.dumps({"keys": [RSA.as_dict(private=True), "x", None]}).encode())
    assert not key.key.is_private


async def test_two_keys_of_one_name_are_none(world: World, ann: User, provider: Scripted) -> None:
    """Which of them a token is signed by is not tried out."""
    mine = jwk.RSAKey.generate_key(2048, {"kid": "one"})
    provider.keys = [RSA.as_dict(private=False), mine.as_dict(private=False)]
    for key in (RSA, mine):
        assert (await ask(world, sign(claims_of(world, provider), key))).status_code == 401


async def test_the_issuer_is_compared_to_the_letter(world: World, ann: User, provider: Scripted) -> None:
    for issuer in (provider.issuer + "/", provider.issuer.upper(), provider.issuer + "/realms/other"):
        assert (await ask(world, sign(claims_of(world, provider, iss=issuer)))).status_code == 401
    assert (await ask(world, sign(claims_of(world, provider)))).status_code == 200


# The provider


async def test_rotation(world: World, ann: User, provider: Scripted) -> None:
    assert (await ask(world, sign(claims_of(world, provider)))).status_code == 200
    provider.keys = [OTHER_RSA.as_dict(private=False)]
    world.clock.now += 31
    assert (await ask(world, sign(claims_of(world, provider), OTHER_RSA))).status_code == 200
    assert len(provider.asked) == 4
    # The old key is no longer known; whoever comes with it does not have the provider asked all the time.
    for number in range(20):
        assert (await ask(world, sign(claims_of(world, provider, jti=str(number))))).status_code == 401
    assert len(provider.asked) == 4


async def test_unknown_keys_are_asked_for_now_and_then(world: World, ann: User, provider: Scripted) -> None:
    assert (await ask(world, sign(claims_of(world, provider)))).status_code == 200
    for number in range(30):
        world.clock.now += 10
        token = sign(claims_of(world, provider), kid=f"unknown {number}")
        assert (await ask(world, token)).status_code == 401
    assert len(provider.asked) <= 2 + 2 * 10


async def test_many_at_once_ask_once(world: World, ann: User, provider: Scripted) -> None:
    tokens = [sign(claims_of(world, provider, jti=str(number))) for number in range(20)]
    answers = await asyncio.gather(*(ask(world, token) for token in tokens))
    assert {answer.status_code for answer in answers} == {200}
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    "broken",
    [
        {"status": 500},
        {"status": 404},
        {"status": 302},
        {"raw": b"not JSON"},
        {"raw": b"[]"},
        {"raw": b"[" * 200_000},
        {"raw": b"{}" + b" " * 300_000},
        {"raw": b"\xff"},
        {"keys": []},
        {"keys": [{}] * 101},
        {"keys": [{"kty": "oct", "k": "AAAA"}]},
        {"discovery": {"issuer": "https://other.example"}},
        {"discovery": {"jwks_uri": "ftp://127.0.0.1/keys"}},
        {"discovery": {"jwks_uri": "http://192.0.2.1/keys"}},
        {"discovery": {"jwks_uri": 7}},
        {"discovery": {"jwks_uri": "http://127.0.0.1:1/keys"}},
    ],
)
async def test_no_provider_no_access(
    world: World, ann: User, provider: Scripted, broken: dict[str, Any]
) -> None:
    for name, value in broken.items():
        setattr(provider, name, value)
    token = sign(claims_of(world, provider))
    for _ in range(2):
        response = await ask(world, token)
        assert (response.status_code, response.json()["errorCode"]) == (503, "unavailable")
        assert response.headers["retry-after"]
    assert len(provider.asked) <= 2
    # What is no token of anybody is not worth asking.
    assert (await ask(world, "abcdef")).status_code == 401
    assert (await world.connect(basic(ADDRESS, "correct horse")).get(FOLDERS)).status_code == 200
    for name, value in Scripted(provider.issuer).__dict__.items():
        setattr(provider, name, value)
    world.clock.now += 31
    assert (await ask(world, token)).status_code == 200


@pytest.mark.parametrize("oidc", [OIDCConfig(audience=(CLIENT,), timeout_seconds=1)])
async def test_a_silent_provider(world: World, ann: User, provider: Scripted) -> None:
    provider.is_silent = True
    token = sign(claims_of(world, provider))
    for _ in range(2):
        response = await ask(world, token)
        assert (response.status_code, response.json()["errorCode"]) == (503, "unavailable")
    assert len(provider.asked) <= 1


async def test_known_keys_serve_while_the_provider_is_away(
    world: World, ann: User, provider: Scripted
) -> None:
    assert (await ask(world, sign(claims_of(world, provider)))).status_code == 200
    provider.status = 500
    world.clock.now += 86_000
    token = sign(claims_of(world, provider))
    assert (await ask(world, token)).status_code == 200
    await asyncio.sleep(0.2)
    # Nobody knows whether that is a key of the provider.
    unknown = await ask(world, sign(claims_of(world, provider), OTHER_RSA))
    assert unknown.status_code == 503
    world.clock.now += 500
    # What is remembered of a token that still holds does; nothing new is accepted.
    assert (await ask(world, token)).status_code == 200
    assert (await ask(world, sign(claims_of(world, provider)))).status_code == 503


async def test_a_remembered_token_ends_with_its_time(world: World, ann: User, provider: Scripted) -> None:
    token = sign(claims_of(world, provider, exp=int(world.clock.now) + 100))
    assert (await ask(world, token)).status_code == 200
    world.clock.now += 99
    assert (await ask(world, token)).status_code == 200
    world.clock.now += 60
    assert (await ask(world, token)).status_code == 200  # The leeway, checked each time.
    world.clock.now += 2
    assert (await ask(world, token)).status_code == 401


async def test_without_configuration(
    store: Store, classes: dict[str, AccountClass], provider: Scripted
) -> None:
    made = await make_world(store, APISettings(), classes)
    await made.add_account(ADDRESS)
    assert (await ask(made, sign(claims_of(made, provider)))).status_code == 401
    assert provider.asked == []
    await made.close()


# A real provider


@pytest.fixture(scope="module")
def real() -> RealProvider:
    return RealProvider(find_free_port())


async def test_real_provider(store: Store, classes: dict[str, AccountClass], real: RealProvider) -> None:
    oidc = OIDCConfig(issuer=real.issuer, audience=(CLIENT,))
    world = await make_world(store, APISettings(), classes, oidc=oidc)
    world.clock.now = time.time()
    await world.add_account(ADDRESS)
    user: dict[str, object] = {"email": ADDRESS, "email_verified": True}

    async def get_token(claims: dict[str, object]) -> str:
        return await asyncio.to_thread(real.log_in, claims)

    with real.running():
        first = await get_token(user)
        assert (await ask(world, first)).status_code == 200
        assert (await world.connect(f"Bearer {first}").post("/api/v1/login")).status_code == 200
        stranger = await get_token({"email": "nobody@example.test", "email_verified": True})
        unverified = await get_token({"email": ADDRESS, "email_verified": False})
        for token in (stranger, unverified):
            assert (await ask(world, token)).status_code == 401
    # It comes back with another key, which has no name.
    world.clock.now += 31
    with real.running():
        second = await get_token(user)
        assert (await ask(world, second)).status_code == 200
    # It is away: its key is known.
    assert (await ask(world, second)).status_code == 200
    await world.domain.logins.tokens.close()
    await world.close()
