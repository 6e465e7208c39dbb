"""Signatures: made, read, changed, deleted; HTML of theirs is safe."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.domain.signatures import MAX_BODY_BYTES, MAX_NAME_CHARACTERS, MAX_SIGNATURES
from tests.api.world import User

PATH = "/api/v1/account/signatures"
HTML = {"name": "Work", "type": "html", "body": "<b>Ann</b><br>Example &amp; Co."}
TEXT = {"name": "Home", "type": "text", "body": "-- \r\nAnn <ann@example.test>\n\t<script>"}


async def make(user: User, **fields: Any) -> str:
    response = await user.client.post(PATH, json=HTML | fields)
    assert response.status_code == 200, response.text
    made = response.json()
    assert sorted(made) == ["id", "name", "type"]
    return str(made["id"])


async def refused(user: User, parameter: str, **fields: Any) -> None:
    response = await user.client.post(PATH, json=HTML | fields)
    assert (response.status_code, response.json()["details"]) == (400, {"parameter": parameter})


async def test_one_is_made_and_read(ann: User) -> None:
    ids = [await make(ann, **fields) for fields in (HTML, TEXT)]
    listed = (await ann.get(PATH))["items"]
    assert listed == [
        {"id": number, "name": one["name"], "type": one["type"]}
        for number, one in zip(ids, (HTML, TEXT), strict=True)
    ]
    for number, one in zip(ids, (HTML, TEXT), strict=True):
        assert await ann.get(f"{PATH}/{number}") == {"id": number, **one}


async def test_it_is_changed(ann: User) -> None:
    number = await make(ann)
    for change in (
        {"name": "Other"},
        {"body": "<i>x</i>"},
        {"type": "text"},
        {},
        {"type": "text", "body": "<i>"},
    ):
        before = await ann.get(f"{PATH}/{number}")
        response = await ann.client.put(f"{PATH}/{number}", json=change)
        assert (response.status_code, response.content) == (200, b"")
        assert await ann.get(f"{PATH}/{number}") == before | change
    # What was plain text is made safe when it becomes HTML.
    await ann.client.put(f"{PATH}/{number}", json={"body": "<script>x</script><b>Ann</b>"})
    await ann.client.put(f"{PATH}/{number}", json={"type": "html"})
    assert (await ann.get(f"{PATH}/{number}"))["body"] == "<b>Ann</b>"


async def test_it_is_deleted(ann: User) -> None:
    first, second = await make(ann), await make(ann)
    response = await ann.client.delete(f"{PATH}/{second}")
    assert (response.status_code, response.content) == (200, b"")
    assert [one["id"] for one in (await ann.get(PATH))["items"]] == [first]
    for method in ("get", "put", "delete"):
        options = {"json": {"name": "x"}} if method == "put" else {}
        response = await getattr(ann.client, method)(f"{PATH}/{second}", **options)
        assert (response.status_code, response.json()["errorCode"]) == (404, "notFound")
    # Its number is not used again.
    assert await make(ann) not in {first, second}


async def test_html_is_made_safe_and_text_is_not_touched(ann: User) -> None:
    body = (
        '<p onclick="x()">Ann<script>alert(1)</script><iframe src="https://x.test"></iframe>'
        '<a href="javascript:x()">a</a><img src="data:image/png;base64,AAAA">'
        '<img src="https://example.test/logo.png"><form action="https://x.test"><input></form></p>'
    )
    shown = (await ann.get(f"{PATH}/{await make(ann, body=body)}"))["body"]
    for bad in ("script", "iframe", "onclick", "action", "alert"):
        assert bad not in shown
    assert '<img src="https://example.test/logo.png">' in shown
    assert '<img src="data:image/png;base64,AAAA">' in shown
    assert (await ann.get(f"{PATH}/{await make(ann, type='text', body=body)}"))["body"] == body


async def test_bad_fields(ann: User) -> None:
    for name in ("", "  ", "x" * (MAX_NAME_CHARACTERS + 1), "a\nb", "a\0", "a\u2028x", "x" * 100_000):
        await refused(ann, "name", name=name)
    await refused(ann, "type", type="rtf")
    await refused(ann, "type", type=None)
    await refused(ann, "body", body="x" * (MAX_BODY_BYTES + 1))
    await refused(ann, "body", body="ä" * (MAX_BODY_BYTES // 2 + 1), type="text")
    await refused(ann, "body", body="a\0b", type="text")
    await refused(ann, "colour", colour="red")
    for missing in HTML:
        body = {name: value for name, value in HTML.items() if name != missing}
        response = await ann.client.post(PATH, json=body)
        assert response.json()["details"] == {"parameter": missing}
    number = await make(ann)
    for change in (
        {"name": ""},
        {"type": "x"},
        {"body": "x" * (MAX_BODY_BYTES + 1)},
        {"x": 1},
        {"name": None},
    ):
        response = await ann.client.put(f"{PATH}/{number}", json=change)
        assert (response.status_code, response.json()["details"]) == (400, {"parameter": next(iter(change))})
    lone = b'{"name": "x", "type": "text", "body": "\\ud800"}'
    assert (await ann.client.post(PATH, content=lone)).status_code == 400
    assert [one["id"] for one in (await ann.get(PATH))["items"]] == [number]


async def test_there_are_limits(ann: User) -> None:
    number = await make(ann, body="x" * MAX_BODY_BYTES, type="text")
    assert len((await ann.get(f"{PATH}/{number}"))["body"]) == MAX_BODY_BYTES
    made = await asyncio.gather(*(ann.client.post(PATH, json=HTML) for _ in range(MAX_SIGNATURES + 3)))
    assert [one.status_code for one in made].count(200) == MAX_SIGNATURES - 1
    assert {one.json()["errorCode"] for one in made if one.status_code != 200} == {"notPermitted"}
    assert len((await ann.get(PATH))["items"]) == MAX_SIGNATURES


async def test_changes_at_the_same_time_all_hold(ann: User) -> None:
    number = await make(ann, type="text")
    changes = [{"name": "New"}, {"body": "new"}, {"type": "html"}]
    done = await asyncio.gather(*(ann.client.put(f"{PATH}/{number}", json=change) for change in changes))
    assert [one.status_code for one in done] == [200] * 3
    assert await ann.get(f"{PATH}/{number}") == {"id": number, "name": "New", "type": "html", "body": "new"}


async def test_etags(ann: User) -> None:
    number = await make(ann)
    for path in (PATH, f"{PATH}/{number}"):
        tag = (await ann.client.get(path)).headers["etag"]
        assert (await ann.client.get(path, headers={"If-None-Match": tag})).status_code == 304
        await ann.client.put(f"{PATH}/{number}", json={"name": f"new name {path}"})
        assert (await ann.client.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_keys(ann: User) -> None:
    async def twice(method: str, path: str, key: str, **options: Any) -> list[Any]:
        call = getattr(ann.client, method)
        first, second = [await call(path, headers={"Idempotency-Key": key}, **options) for _ in range(2)]
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert second.headers["idempotency-replayed"] == "true"
        return [first]

    [made] = await twice("post", PATH, "one", json=HTML)
    path = f"{PATH}/{made.json()['id']}"
    assert len((await ann.get(PATH))["items"]) == 1
    await twice("put", path, "two", json={"body": "<b>x</b>"})
    assert (await ann.get(path))["body"] == "<b>x</b>"
    await twice("delete", path, "three")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "M")), min_size=1, max_size=40),
    body=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200),
)
async def test_any_text_comes_back(ann: User, name: str, body: str) -> None:
    number = await make(ann, name=name, type="text", body=body)
    found = await ann.get(f"{PATH}/{number}")
    assert found["body"] == body
    # A name is kept in the form that it has when it is given again.
    await ann.client.put(f"{PATH}/{number}", json={"name": found["name"]})
    assert await ann.get(f"{PATH}/{number}") == found
    await ann.client.delete(f"{PATH}/{number}")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["<b>", "</b>", "<p>", "<script>", '"', "x", "&", "<a href='https://x.test'>", "ß"])
    )
)
async def test_html_that_is_given_back_stays_as_it_is(ann: User, pieces: list[str]) -> None:
    number = await make(ann, body="".join(pieces))
    found = await ann.get(f"{PATH}/{number}")
    response = await ann.client.put(f"{PATH}/{number}", json={"body": found["body"]})
    assert response.status_code == 200
    assert await ann.get(f"{PATH}/{number}") == found
    await ann.client.delete(f"{PATH}/{number}")


@pytest.mark.parametrize("fields", [HTML, TEXT])
async def test_they_go_with_the_account(ann: User, fields: dict[str, Any]) -> None:
    await make(ann, **fields)
    await ann.world.directory.remove_account("ann@example.test")
    again = await ann.world.add_account("ann@example.test")
    assert (await again.get(PATH))["items"] == []
