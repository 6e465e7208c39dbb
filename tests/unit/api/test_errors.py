"""The table of errors."""

import json
from typing import Any

import pytest
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from postroom.api.errors import STATUS_OF_KIND, may_challenge, render_error, status_of, translate
from postroom.errors import Kind, PostroomError


def sent(error: Exception, *, has_cookie: bool = False) -> tuple[int, list[tuple[bytes, bytes]], Any]:
    reply = render_error(error, challenges=not has_cookie)
    return reply._status, reply._headers, json.loads(reply._body)


def test_every_kind_has_a_status() -> None:
    assert set(STATUS_OF_KIND) == set(Kind)
    assert all(400 <= status < 600 for status in STATUS_OF_KIND.values())


@pytest.mark.parametrize("kind", Kind)
def test_shape(kind: Kind) -> None:
    status, headers, body = sent(PostroomError(kind, "someCode", "words", private="secret"))
    assert status == STATUS_OF_KIND[kind]
    assert body == {"errorCode": "someCode", "message": "words", "details": {}}
    assert (b"content-type", b"application/json") in headers


def test_unknown_errors_tell_nothing() -> None:
    status, _, body = sent(ValueError("the inside"))
    assert status == 500
    assert body["errorCode"] == "internalError"
    assert "inside" not in json.dumps(body)


def test_challenge_unless_there_is_a_cookie() -> None:
    error = PostroomError(Kind.UNAUTHENTICATED, "notAuthenticated", "no")
    challenges = [value for name, value in sent(error)[1] if name == b"www-authenticate"]
    assert [value.split()[0] for value in challenges] == [b"Basic", b"Bearer"]
    assert not [name for name, _ in sent(error, has_cookie=True)[1] if name == b"www-authenticate"]


def test_retry_after() -> None:
    error = PostroomError(Kind.LIMITED, "tooManyRequests", "wait", retry_after_seconds=0)
    assert (b"retry-after", b"1") in sent(error)[1]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFoundException(), 404, "notFound"),
        (MethodNotAllowedException(headers={"allow": "PATCH, GET"}), 405, "methodNotAllowed"),
        (HTTPException(status_code=400, detail="bad"), 400, "badParameter"),
        (HTTPException(status_code=415, detail="bad"), 400, "badParameter"),
        (HTTPException(status_code=500, detail="bad"), 500, "internalError"),
    ],
)
def test_errors_of_the_framework(error: Exception, status: int, code: str) -> None:
    assert (status_of(translate(error)), translate(error).code) == (status, code)


def test_allow() -> None:
    assert (b"allow", b"GET, PATCH") in sent(MethodNotAllowedException(headers={"allow": "PATCH, GET"}))[1]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, True),
        ({b"cookie": b"a=b"}, False),
        ({b"sec-fetch-mode": b"cors"}, False),
        ({b"sec-fetch-mode": b"navigate"}, True),
        ({b"x-requested-with": b"XMLHttpRequest"}, False),
        ({b"sec-fetch-mode": b"navigate", b"cookie": b""}, False),
    ],
)
def test_who_is_challenged(headers: dict[bytes, bytes], expected: bool) -> None:
    assert may_challenge(headers) is expected
