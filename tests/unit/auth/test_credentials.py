"""The Authorization header, and session tokens."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.auth.credentials import (
    MAX_AUTHORIZATION_BYTES,
    BasicCredentials,
    hash_session_token,
    new_session_token,
    parse_basic,
)
from postroom.errors import Kind, PostroomError


def encoded(text: str, encoding: str = "utf-8") -> bytes:
    return base64.b64encode(text.encode(encoding))


@pytest.mark.parametrize("scheme", [b"Basic ", b"basic ", b"BASIC ", b"Basic   "])
def test_basic(scheme: bytes) -> None:
    assert parse_basic(scheme + encoded("anna@example.test:secret")) == ("anna@example.test", "secret")


@pytest.mark.parametrize(
    ("text", "name", "password"),
    [
        ("a:b:c", "a", "b:c"),
        ("a:", "a", ""),
        ("jörg:pässwörd €", "jörg", "pässwörd €"),
        (" a : b ", " a ", " b "),
    ],
)
def test_names_and_passwords(text: str, name: str, password: str) -> None:
    assert parse_basic(b"Basic " + encoded(text)) == BasicCredentials(name, password)


@pytest.mark.parametrize(
    "authorization",
    [
        b"",
        b"Basic",
        b"Basic ",
        b"Bearer " + encoded("a:b"),
        b"Basic" + encoded("a:b"),
        b"Basic " + encoded("no colon"),
        b"Basic " + encoded(":no name"),
        b"Basic " + encoded("a:b\x00c"),
        b"Basic " + encoded("jörg:x", "latin-1"),
        b"Basic " + encoded("a:b")[:-1],
        b"Basic !!!!",
        b"Basic YTpi Yzpk",
        b"Basic \xff\xfe",
        b"Basic " + encoded("a:" + "b" * MAX_AUTHORIZATION_BYTES),
    ],
)
def test_all_else_is_not_authenticated(authorization: bytes) -> None:
    with pytest.raises(PostroomError) as caught:
        parse_basic(authorization)
    assert (caught.value.kind, caught.value.code) == (Kind.UNAUTHENTICATED, "notAuthenticated")


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for authorization in (data, b"Basic " + data, b"Basic " + base64.b64encode(data)):
        try:
            credentials = parse_basic(authorization)
        except PostroomError as error:
            assert error.kind is Kind.UNAUTHENTICATED  # noqa: PT017
        else:
            assert credentials.name


def test_tokens_are_random_and_kept_as_hashes() -> None:
    tokens = {new_session_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 32 and token.isascii() for token in tokens)
    hashes = {hash_session_token(token.encode()) for token in tokens}
    assert len(hashes) == 100
    assert all(len(one) == 32 for one in hashes)
