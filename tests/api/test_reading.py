"""The short way of calls that only read leads where the framework's way leads."""

from typing import Any

import pytest
from litestar.routes import HTTPRoute

from postroom.api.build import build_router
from postroom.api.call import EXCHANGE, Exchange
from postroom.api.reading import ReadingWay

_ROUTER = build_router()
_WAY = ReadingWay(_ROUTER)
_PATHS = sorted(
    {
        "/" + "/".join(part if isinstance(part, str) else "MV8yXzM" for part in route.path_components)
        for route in _ROUTER.routes
        if isinstance(route, HTTPRoute)
    }
)


def find(path: str, *, method: str = "GET", host: bytes | None = b"mail.test:8180", root: str = "") -> Any:
    """Return the handler, the path's parameters and the template that the short way finds."""
    headers = {} if host is None else {b"host": host}
    exchange: Any = Exchange("id", headers, domain=None, settings=None, stats=None)  # type: ignore[arg-type]
    scope: Any = {"method": method, "path": path, "root_path": root, EXCHANGE: exchange}
    found = _WAY.find(scope)
    if found is None:
        return None
    way, values = found
    return way.handler, dict(zip(way.names, values, strict=True)), way.template


@pytest.mark.parametrize("path", _PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_what_is_found_is_what_the_framework_finds(path: str, method: Any) -> None:
    found = find(path, method=method)
    if found is None:
        return
    _, handler, _, parameters, template = _ROUTER.asgi_router.handle_routing(path=path, method=method)
    assert found == (handler, parameters, template)


def test_calls_that_read_a_mailbox_go_the_short_way() -> None:
    for path in ("/api/v1/mails", "/api/v1/mails/MV8yXzM", "/api/v1/mails/MV8yXzM/body", "/api/v1/folders"):
        assert find(path) is not None, path
    assert find("/api/v1/mails/MV8yXzM/source", method="HEAD") is not None


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/mails/",
        "/api//v1/mails",
        "//api/v1/mails",
        "/api/v1/mails//body",
        "/api/v1/nothing",
        "/",
        "",
        "*",
    ],
)
def test_what_is_odd_is_left_to_the_framework(path: str) -> None:
    assert find(path) is None


@pytest.mark.parametrize("host", [None, b"", b"a b", b"a/b", b"user@host", b"[::1]", b"host:", b"host:port"])
def test_an_odd_host_is_left_to_the_framework(host: bytes | None) -> None:
    assert find("/api/v1/mails", host=host) is None


def test_a_server_below_a_path_is_left_to_the_framework() -> None:
    assert find("/api/v1/mails", root="/api") is None


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_calls_that_write_are_left_to_the_framework(method: str) -> None:
    assert all(find(path, method=method) is None for path in _PATHS)
