"""Errors: the one shape, request ids, limits."""

import re

import httpx
import pytest
from structlog.testing import capture_logs

from postroom.api.settings import APISettings
from postroom.api.stats import APIStats
from tests.api.world import User, World

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def check_shape(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    body = response.json()
    assert list(body) == ["errorCode", "message", "details"]
    assert body["errorCode"] == code
    assert body["message"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v2/mails", "/api/v1", "/api/v1/mails/x/y", "/api/v1/folders/1_2/z"]
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_unknown_path(world: World, path: str, method: str) -> None:
    check_shape(await world.connect().request(method, path), 404, "notFound")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/api/v1/mails/counters", "GET, HEAD, OPTIONS"),
        ("POST", "/api/v1/mails/ODBfMTE0XzEzNTQ/", "DELETE, GET, OPTIONS, PATCH"),
        ("GET", "/api/v1/login", "OPTIONS, POST"),
        ("HEAD", "/api/v1/folders", "GET, OPTIONS, POST"),
        ("PUT", "/api/v1/folders/80_2", "DELETE, GET, OPTIONS, PATCH"),
        ("POST", "/api/v1/labels/80_7", "DELETE, GET, OPTIONS, PATCH, PUT"),
        ("GET", "/api/v1/mails/ODBfMTE0XzEzNTQ/labels/80_7", "DELETE, OPTIONS"),
        ("DELETE", "/api/v1/batch/eGfCkOoTr8nDkX5Y0yJm0lZ2", "GET, OPTIONS"),
        ("GET", "/api/v1/operations/1354/undo", "OPTIONS, POST"),
    ],
)
async def test_wrong_method(world: World, method: str, path: str, allow: str) -> None:
    response = await world.connect().request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allow
    if method != "HEAD":
        check_shape(response, 405, "methodNotAllowed")


async def test_options_names_the_methods(world: World) -> None:
    response = await world.connect().options("/api/v1/mails/counters")
    assert response.status_code == 204
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"
    assert response.headers["x-request-id"]


async def test_challenges(world: World) -> None:
    client = world.connect()
    response = await client.get("/api/v1/folders")
    check_shape(response, 401, "notAuthenticated")
    assert [value.split()[0] for value in response.headers.get_list("www-authenticate")] == [
        "Basic",
        "Bearer",
    ]
    with_cookie = await client.get("/api/v1/folders", headers={"Cookie": "a=b"})
    check_shape(with_cookie, 401, "notAuthenticated")
    assert "www-authenticate" not in with_cookie.headers


async def test_request_ids_are_unique(ann: User) -> None:
    paths = ["/api/v1/mails/counters", "/api/v1/folders", "/nothing"] * 3
    seen = [(await ann.client.get(path)).headers["x-request-id"] for path in paths]
    assert len(set(seen)) == len(paths)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", one) for one in seen)


@pytest.mark.parametrize("path", ["/api/v1/mails/counters", "/api/v1/folders", "/nothing"])
@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("abc-DEF_123", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("a\tb", False),
        ("", False),
        ("é", False),
    ],
)
async def test_request_id_of_the_client(ann: User, path: str, given: str, is_kept: bool) -> None:
    response = await ann.client.get(path, headers={b"X-Request-Id": given.encode()})
    assert response.headers.get_list("x-request-id") == [response.headers["x-request-id"]]
    assert (response.headers["x-request-id"] == given) is is_kept


@pytest.mark.parametrize("path", ["/api/v1/mails/counters", "/api/v1/folders", "/healthz", "/nothing"])
async def test_headers_over_the_limit(ann: User, path: str) -> None:
    fits = await ann.client.get(path, headers={"X-Long": "a" * 31_000})
    assert fits.status_code != 431
    for headers in ({"X-Long": "a" * 32_768}, {f"X-{number}": "a" * 100 for number in range(320)}):
        check_shape(await ann.client.get(path, headers=headers), 431, "headersTooLarge")
    check_shape(await ann.client.get(path + "?" + "a" * 32_768), 431, "headersTooLarge")


@pytest.mark.parametrize(("size", "status"), [(4 * 1024 * 1024, 400), (4 * 1024 * 1024 + 1, 413)])
@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", "/api/v1/mails/ODBfMTE0XzEzNTQ"), ("GET", "/api/v1/folders"), ("POST", "/api/v1/logout")],
)
async def test_body_over_the_limit(ann: User, method: str, path: str, size: int, status: int) -> None:
    body = b'"' + b"x" * (size - 2) + b'"'
    response = await ann.client.request(method, path, content=body)
    check_shape(response, status, "badParameter" if status == 400 else "payloadTooLarge")


async def test_authentication_comes_before_the_body(world: World) -> None:
    response = await world.connect().patch("/api/v1/mails/x", content=b"x" * 5_000_000)
    check_shape(response, 401, "notAuthenticated")


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/folders", "/api/v1/mails/counters", "/api/v1/account/info", "/healthz"]
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data", ""])
async def test_bodies_where_none_is_expected(ann: User, path: str, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    for body, status in [
        (b"", 200),
        (b"{}", 200),
        (b"[]", 400),
        (b'{"a":1}', 400),
        (b"\xff", 400),
        (b"a=1", 400),
    ]:
        response = await ann.client.request("GET", path, content=body, headers=headers)
        expected = 200 if path == "/healthz" else status
        assert response.status_code == expected, body


async def test_host_header_is_checked(ann: User) -> None:
    response = await ann.client.get("/api/v1/folders", headers={"Host": "a<b>"})
    check_shape(response, 400, "badParameter")


async def test_failure_inside_is_logged_and_not_told(
    world: World, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ValueError("the inside")

    monkeypatch.setattr(world.domain.folders, "state", fail)
    with capture_logs() as lines:
        response = await ann.client.get("/api/v1/folders", params={"syncTokenOnly": True})
    check_shape(response, 500, "internalError")
    assert "inside" not in response.text
    assert world.stats.requests_open == 0
    [line] = lines
    assert (line["log_level"], line["request_id"]) == ("error", response.headers["x-request-id"])
    assert str(line["exc_info"]) == "the inside"


class TestLog:
    @pytest.fixture
    def api_settings(self) -> APISettings:
        return APISettings(log_requests=True)

    async def test_one_line_for_each_request(self, ann: User) -> None:
        await ann.client.get("/api/v1/mails/counters")
        with capture_logs() as lines:
            answers = [
                await ann.client.get(path) for path in ("/api/v1/mails/counters", "/api/v1/folders", "/no")
            ]
        assert [line["event"] for line in lines] == ["request"] * 3
        assert [line["status"] for line in lines] == [200, 200, 404]
        assert [line["request_id"] for line in lines] == [
            answer.headers["x-request-id"] for answer in answers
        ]
        assert lines[1]["path"] == "/api/v1/folders"
        assert {line["log_level"] for line in lines} == {"debug"}


def test_defaults_of_the_limits() -> None:
    assert (APISettings().max_json_bytes, APISettings().max_header_bytes) == (4_194_304, 32_768)
    assert APIStats().requests_open == 0
