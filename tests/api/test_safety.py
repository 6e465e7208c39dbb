"""What keeps browsers safe is in every answer of every route; and proxies are believed where they are trusted."""

import asyncio
import ipaddress
import re
import socket

import httpx
import pytest
from litestar.routes import HTTPRoute

from postroom.api.build import build_router
from postroom.api.settings import APISettings
from tests.api.live import serving
from tests.api.world import PASSWORD, User, World, basic, make_message

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
COUNTERS = "/api/v1/mails/counters"
HSTS = "strict-transport-security"
ROUTES = sorted(
    (route.path, method)
    for route in build_router().routes
    if isinstance(route, HTTPRoute)
    for handler in route.route_handlers
    for method in handler.http_methods
)


@pytest.fixture
def api_settings() -> APISettings:
    """A server behind a proxy."""
    return APISettings(proxy_networks=(ipaddress.ip_network("10.0.0.0/8"),), hsts_seconds=60)


def check(response: httpx.Response, *, policy: str | None = API_POLICY) -> None:
    """Check the headers of an answer; without ``policy`` it has one of its own."""
    headers = response.headers
    for name, value in ALWAYS.items():
        assert headers.get_list(name) == [value], (response.request.url, name)
    # A 304 would replace the policy of what is kept.
    policies = headers.get_list("content-security-policy")
    assert len(policies) == (response.status_code != 304)
    assert policy is None or policies in ([policy], []), response.request.url
    [cached] = headers.get_list("cache-control")
    assert cached in {"no-store", "private, no-cache", "no-cache"}
    assert len(headers.get_list("x-request-id")) == 1


async def test_every_route(world: World, ann: User) -> None:
    document = make_message(html="<p>Hello</p>", attachments=(("application/pdf", "a.pdf", b"%PDF-1.4"),))
    mail_id = await ann.deliver(document)
    values = {"mail_id": mail_id, "folder_id": ann.inbox, "attachment_id": "0", "part_id": "1"}
    statuses: set[int] = set()
    for path, method in ROUTES:
        if path in {"/api/v1/events", "/api/v1/logout"}:
            continue  # An endless answer, and the end of what is tested; see below.
        url = re.sub(r"\{(\w+):\w+\}", lambda found: values.get(found[1], "1"), path)
        for client in (world.connect(), ann.client):
            response = await client.request(
                method, url, json={} if method in {"POST", "PUT", "PATCH"} else None
            )
            # What is not JSON is a download or the page of the documentation, and has a policy of its own.
            media_type = response.headers.get("content-type", "application/json")
            check(response, policy=API_POLICY if media_type == "application/json" else None)
            assert HSTS not in response.headers
            statuses.add(response.status_code)
    assert {200, 400, 401, 404} <= statuses
    assert 500 not in statuses


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v1/mails/%00", COUNTERS, "/api/v1/folders", "/api/v1/events"]
)
async def test_errors(world: World, path: str) -> None:
    for method in ("GET", "HEAD", "DELETE", "OPTIONS", "POST"):
        response = await world.connect().request(method, path)
        check(response)


async def test_the_counters_short_way(ann: User, world: World) -> None:
    plain, quick = [await ann.client.get(COUNTERS) for _ in range(2)]
    check(quick)
    assert quick.status_code == 200
    names = [name for name in quick.headers if name != "x-request-id"]
    assert {name: quick.headers[name] for name in names} == {name: plain.headers[name] for name in names}
    unchanged = await ann.client.get(COUNTERS, headers={"If-None-Match": quick.headers["etag"]})
    assert unchanged.status_code == 304
    check(unchanged)


async def test_a_kept_download_keeps_its_policy(ann: User) -> None:
    mail_id = await ann.deliver(make_message(html="<p>Hello</p>"))
    url = f"/api/v1/mails/{mail_id}/body/full"
    first = await ann.client.get(url)
    check(first, policy="sandbox")
    unchanged = await ann.client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert unchanged.status_code == 304
    check(unchanged, policy="sandbox")


async def test_secrets_are_not_kept(ann: User) -> None:
    login = await ann.client.post("/api/v1/login")
    assert "sessid" in login.json()
    hook = await ann.client.post("/api/v1/account/webhooks", json={"url": "https://example.org/hook"})
    ticket = await ann.client.post("/api/v1/events/ticket")
    for response in (login, hook, ticket):
        assert response.status_code == 200, response.text
        assert response.headers["cache-control"] == "no-store"


async def test_https_is_told_to_stay(world: World, ann: User) -> None:
    transport = httpx.ASGITransport(world.app)
    headers = {"Authorization": basic(ann.account.address, PASSWORD)}
    async with httpx.AsyncClient(
        transport=transport, base_url="https://mail.test", headers=headers
    ) as client:
        for path in (COUNTERS, COUNTERS, "/api/v1/folders", "/nothing"):
            response = await client.get(path)
            check(response)
            assert response.headers.get_list(HSTS) == ["max-age=60"]


async def test_only_a_trusted_proxy_is_believed(world: World, ann: User) -> None:
    told = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Forwarded": "for=127.0.0.1"}
    for address, is_believed in (("10.0.0.1", True), ("192.0.2.1", False), ("127.0.0.1", False)):
        client = world.connect(basic(ann.account.address, PASSWORD), address=address)
        for path in (COUNTERS, "/api/v1/folders"):
            response = await client.get(path, headers=told)
            assert response.status_code == 200
            assert (HSTS in response.headers) is is_believed


async def test_guessing_is_counted_for_the_client_behind_a_proxy(world: World, ann: User) -> None:
    async def guess(forwarded: str, number: int) -> int:
        client = world.connect(basic(f"name{number}@example.test", "wrong"), address="10.0.0.1")
        return (await client.get("/api/v1/folders", headers={"X-Forwarded-For": forwarded})).status_code

    # A forged beginning of the list gives nobody a new address.
    tries = [await guess(f"198.51.100.{number}, 203.0.113.9", number) for number in range(21)]
    assert tries == [401] * 20 + [429]
    assert await guess("203.0.113.10", 50) == 401


async def test_metrics_are_not_for_those_behind_a_proxy(world: World) -> None:
    for headers in (
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Forwarded": "for=_x"},
    ):
        response = await world.connect().get("/metrics", headers=headers)
        assert response.status_code == 403
        check(response)
    assert (await world.connect().get("/metrics")).status_code == 200


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000])
async def test_what_is_no_request(world: World, sent: bytes) -> None:
    async with serving(world) as live:
        with socket.create_connection(("127.0.0.1", live.port)) as connection:
            connection.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(connection, sent)
            await asyncio.sleep(0.1)
            await loop.sock_sendall(connection, sent[-40_000:])
            answer = (await loop.sock_recv(connection, 65_536)).decode().lower()
    for name, value in {**ALWAYS, "content-security-policy": API_POLICY, "cache-control": "no-store"}.items():
        assert f"\r\n{name}: {value}\r\n" in answer


async def test_events(world: World, ann: User) -> None:
    async with serving(world) as live, httpx.AsyncClient() as client:
        headers = {"Authorization": basic(ann.account.address, PASSWORD)}
        async with client.stream("GET", f"{live.url}/api/v1/events", headers=headers) as response:
            assert response.status_code == 200
            check(response)


async def ask(live_port: int, request: bytes, *, answers: int) -> list[tuple[str, dict[str, str]]]:
    """Send bytes; return status line and headers of what is answered, bodies read past."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live_port)
    writer.write(request)
    found = []
    for _ in range(answers):
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().rstrip()
        status, *lines = head.split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        assert len(headers) == len(lines)
        found.append((status, headers))
        if " 304" not in status:
            await reader.readexactly(int(headers["content-length"]))
    writer.close()
    return found


async def test_the_counters_ready_head(world: World, ann: User) -> None:
    """Over a socket its head is sent as it was rendered, and is that of the ordinary way."""
    await ann.client.get(COUNTERS)
    quick = await ann.client.get(COUNTERS)
    lines = f"Host: x\r\nAuthorization: {basic(ann.account.address, PASSWORD)}\r\n"
    plain = f"GET {COUNTERS} HTTP/1.1\r\n{lines}\r\n".encode()
    old = f"GET {COUNTERS} HTTP/1.0\r\n{lines}\r\n".encode()
    tagged = f"GET {COUNTERS} HTTP/1.1\r\n{lines}If-None-Match: {quick.headers['etag']}\r\n\r\n".encode()
    async with serving(world) as live:
        # One after the other on a connection, many at once, and by a client that wants it closed.
        [first] = await ask(live.port, plain, answers=1)
        many = await ask(live.port, plain * 20, answers=20)
        [closed] = await ask(live.port, old, answers=1)
        unchanged = await ask(live.port, tagged * 2, answers=2)
    expected = {name: value for name, value in quick.headers.items() if name != "x-request-id"}
    for status, headers in [first, *many, closed]:
        assert status == "HTTP/1.1 200 OK"
        assert {name: headers[name] for name in expected} == expected
        assert set(headers) - set(expected) >= {"date", "x-request-id"}
    assert closed[1]["connection"] == "close"
    assert len({headers["x-request-id"] for _, headers in many}) == 20
    for status, headers in unchanged:
        assert status == "HTTP/1.1 304 Not Modified"
        assert "content-security-policy" not in headers
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/api/v1/mails/counters", "/api/v1/folders", "/nothing"])
@pytest.mark.parametrize(("peer", "is_kept"), [("10.1.2.3", True), ("192.0.2.1", False)])
async def test_request_ids_are_the_proxies_to_give(
    world: World, path: str, *, peer: str, is_kept: bool
) -> None:
    transport = httpx.ASGITransport(app=world.app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://mail.test") as client:
        answer = await client.get(path, headers={"X-Request-Id": "from-a-proxy"})
    assert (answer.headers["x-request-id"] == "from-a-proxy") is is_kept
