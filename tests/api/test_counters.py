"""The unread counter."""

import httpx
import pytest

from postroom.errors import unavailable
from tests.api.world import User, World, basic, make_message

PATH = "/api/v1/mails/counters"


@pytest.mark.parametrize("path", [PATH, PATH + "/"])
async def test_counts_the_inbox(ann: User, path: str) -> None:
    assert await ann.get(path) == {"unreadCount": 0}
    await ann.deliver(make_message())
    await ann.deliver(make_message())
    assert await ann.get(path) == {"unreadCount": 2}


async def test_is_exact_after_flags_change(ann: User) -> None:
    mail = await ann.deliver(make_message())
    for unread, count in [(True, 1), (False, 0), (False, 0), (True, 1)]:
        await ann.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": unread})
        assert await ann.get(PATH) == {"unreadCount": count}


async def test_short_and_ordinary_way_answer_the_same(ann: User) -> None:
    await ann.deliver(make_message())
    await ann.client.get(PATH)
    answers_now = ann.world.store.engine.answers_now
    authorization = ann.client.headers["Authorization"].encode()
    assert ann.world.domain.counters.find_fast(authorization, None) == (1 if answers_now else None)
    short = await ann.client.get(PATH)
    ordinary = await ann.client.get(PATH, params={"unknown": "parameter"})
    assert short.content == ordinary.content
    drop = {"x-request-id"}
    assert sorted(item for item in short.headers.items() if item[0] not in drop) == sorted(
        item for item in ordinary.headers.items() if item[0] not in drop
    )
    assert short.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("query", [{}, {"unknown": "1"}])
async def test_etag_changes_with_the_figure(ann: User, query: dict[str, str]) -> None:
    before = await ann.client.get(PATH, params=query)
    tag = before.headers["etag"]
    unchanged = await ann.client.get(PATH, params=query, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == tag
    assert unchanged.headers["x-request-id"]
    mail = await ann.deliver(make_message())
    changed = await ann.client.get(PATH, params=query, headers={"If-None-Match": f'"other", {tag}'})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    await ann.client.patch(f"/api/v1/mails/{mail}", json={"isFlagged": True})
    same = await ann.client.get(PATH, params=query, headers={"If-None-Match": changed.headers["etag"]})
    assert same.status_code == 304


@pytest.mark.parametrize("query", [{}, {"folders": "all"}])
async def test_head(ann: User, query: dict[str, str]) -> None:
    got = await ann.client.get(PATH, params=query)
    head = await ann.client.head(PATH, params=query)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["etag"] == got.headers["etag"]


async def test_folders_and_labels(ann: User) -> None:
    await ann.deliver(make_message())
    counters = await ann.get(PATH, folders="all", labels="all")
    assert list(counters) == ["unreadCount", "folders", "labels"]
    assert counters["labels"] == []
    listed = await ann.get("/api/v1/folders", type="mails")
    expected = [
        {
            "folderId": folder["id"],
            "role": folder["role"],
            "unreadItems": folder["unreadItems"],
            "totalItems": folder["totalItems"],
        }
        for folder in listed["items"]
    ]
    assert sorted(counters["folders"], key=str) == sorted(expected, key=str)
    assert {"folderId": ann.inbox, "role": "inbox", "unreadItems": 1, "totalItems": 1} in counters["folders"]
    assert list(await ann.get(PATH, folders="all")) == ["unreadCount", "folders"]
    assert list(await ann.get(PATH, labels="all")) == ["unreadCount", "labels"]


@pytest.mark.parametrize("name", ["folders", "labels"])
@pytest.mark.parametrize("value", ["", "none", "ALL", "1"])
async def test_other_values_are_refused(ann: User, name: str, value: str) -> None:
    response = await ann.client.get(PATH, params={name: value})
    assert response.status_code == 400
    assert response.json()["details"] == {"parameter": name}


async def test_session_is_used_and_not_replaced(ann: User, ben: User) -> None:
    sessid = (await ann.client.post("/api/v1/login")).json()["sessid"]
    for _ in range(2):
        assert (await ann.client.get(PATH, headers={"X-Axigen-Session": sessid})).status_code == 200
    for client, token in [(ann.client, "unknown"), (ben.client, sessid)]:
        for _ in range(2):
            refused = await client.get(PATH, headers={"X-Axigen-Session": token})
            assert refused.status_code == 401
            assert refused.json()["errorCode"] == "notAuthenticated"
    await ann.client.post("/api/v1/logout", headers={"X-Axigen-Session": sessid})
    assert (await ann.client.get(PATH, headers={"X-Axigen-Session": sessid})).status_code == 401


async def test_leaves_no_session_behind(ann: User) -> None:
    for _ in range(3):
        await ann.client.get(PATH)
    sessid = (await ann.client.post("/api/v1/login")).json()["sessid"]
    info = await ann.client.get("/api/v1/account/info", headers={"X-Axigen-Session": sessid})
    assert info.json()["isFirstApiLogin"] is True


async def test_wrong_password_after_a_right_one(world: World, ann: User) -> None:
    assert (await ann.client.get(PATH)).status_code == 200
    wrong = world.connect(basic("ann@example.test", "wrong"))
    assert (await wrong.get(PATH)).status_code == 401
    assert (await ann.client.get(PATH)).status_code == 200


async def test_body_is_refused_on_the_short_way_too(ann: User) -> None:
    await ann.client.get(PATH)
    request = httpx.Request("GET", "http://mail.test" + PATH, headers=ann.client.headers, json={"x": 1})
    response = await ann.client.send(request)
    assert response.status_code == 400
    assert response.json()["details"] == {"parameter": "x"}


async def test_trouble_on_the_short_way_is_told_by_the_ordinary_one(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise unavailable("the store cannot be reached")

    monkeypatch.setattr(ann.world.app, "_find_fast", fail)
    assert (await ann.client.get(PATH)).json() == {"unreadCount": 0}
