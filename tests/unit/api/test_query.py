"""Query strings."""

from contextlib import suppress
from typing import Annotated, Literal
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from postroom.api.query import Query
from postroom.errors import PostroomError
from postroom.model.listing import SortField


class Wanted(msgspec.Struct, frozen=True, rename="camel"):
    folder_id: Annotated[str, Meta(description="An id.")]
    sort: SortField | None = None
    dir: Literal["ASC", "DESC"] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] | None = None
    delta: int = 0
    is_only: bool = False
    part_ids: list[Annotated[int, Meta(ge=0)]] | None = None


QUERY = Query(Wanted)


def refused(query: bytes) -> str:
    with pytest.raises(PostroomError) as caught:
        QUERY.parse(query)
    assert caught.value.code == "badParameter"
    return str(caught.value.details["parameter"])


def test_all_kinds() -> None:
    found = QUERY.parse(
        b"folderId=80_2&sort=isUnread&dir=ASC&limit=1000&delta=-5&isOnly=YES&partIds=1&partIds=2,3"
    )
    assert found == Wanted("80_2", SortField.IS_UNREAD, "ASC", 1000, -5, True, [1, 2, 3])


def test_defaults_and_unknown_parameters() -> None:
    assert QUERY.parse(b"unknown=1&folderId=x&unknown=2&&=&%F0%9F%98%80=%41") == Wanted("x")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("TRUE", True),
        ("1", True),
        ("Yes", True),
        ("false", False),
        ("0", False),
        ("nO", False),
    ],
)
def test_booleans(text: str, value: bool) -> None:
    assert QUERY.parse(f"folderId=x&isOnly={text}".encode()).is_only is value


@pytest.mark.parametrize("text", ["", "on", "off", "t", "2", "true ", "null", "ſ"])
def test_malformed_booleans(text: str) -> None:
    assert refused(urlencode({"folderId": "x", "isOnly": text}).encode()) == "isOnly"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "1001",
        "-1",
        "+1",
        " 1",
        "01",
        "1.0",
        "1e2",
        "1_0",
        "٣",
        "null",
        "x",
        "9" * 30,
        str(2**63),
        str(2**64),
    ],
)
def test_malformed_integers(text: str) -> None:
    assert refused(urlencode({"folderId": "x", "limit": text}).encode()) == "limit"


@pytest.mark.parametrize("text", [str(2**63), str(-(2**63) - 1), "-0"])
def test_integers_are_64_bit(text: str) -> None:
    assert refused(urlencode({"folderId": "x", "delta": text}).encode()) == "delta"


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 0])
def test_extreme_integers(value: int) -> None:
    assert QUERY.parse(f"folderId=x&delta={value}".encode()).delta == value


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        (b"", "folderId"),
        (b"folderId=", "folderId"),
        (b"folderid=x", "folderId"),
        (b"folderId=x&folderId=x", "folderId"),
        (b"folderId=x&limit=1&limit=2", "limit"),
        (b"folderId=x&sort=null", "sort"),
        (b"folderId=x&sort=DATE", "sort"),
        (b"folderId=x&sort=", "sort"),
        (b"folderId=x&dir=asc", "dir"),
        (b"folderId=x&partIds=", "partIds"),
        (b"folderId=x&partIds=1,", "partIds"),
        (b"folderId=x&partIds=-1", "partIds"),
        (b"folderId=%ff", "query"),
        (b"folderId=\xff", "query"),
        (b"%c3%28=x", "query"),
    ],
)
def test_refused(query: bytes, parameter: str) -> None:
    assert refused(query) == parameter


@given(st.binary(max_size=100))
def test_any_bytes_are_parsed_or_refused(query: bytes) -> None:
    with suppress(PostroomError):
        QUERY.parse(query)
