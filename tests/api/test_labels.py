"""Labels: the list, its token, single labels, and what deleting one does."""

from typing import Any

import pytest

from postroom.domain.labels import MAX_LABELS
from tests.api.world import User, make_message

PATH = "/api/v1/labels"


async def create(user: User, name: str) -> str:
    response = await user.client.post(PATH, json={"name": name})
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def token(user: User) -> str:
    return str((await user.get(PATH, syncTokenOnly="true"))["syncToken"])


async def folders_token(user: User) -> str:
    return str((await user.get("/api/v1/folders", syncTokenOnly="true"))["syncToken"])


async def put_on(user: User, mail: str, label: str) -> None:
    response = await user.client.post(f"/api/v1/mails/{mail}/labels", json={"labelId": label})
    assert response.status_code == 200, response.text


async def test_life_of_a_label(ann: User) -> None:
    assert (await ann.get(PATH))["items"] == []
    response = await ann.client.post(f"{PATH}/", json={"name": "  Invoices "})
    label = response.json()
    assert label == {"id": f"{ann.account.account_id}_1", "name": "Invoices"}
    assert await ann.get(f"{PATH}/{label['id']}") == label
    second = await create(ann, "Zwei")
    assert [one["name"] for one in (await ann.get(f"{PATH}/"))["items"]] == ["Invoices", "Zwei"]
    for method, name in [("PUT", "Bills"), ("PATCH", "BILLS")]:
        response = await ann.client.request(method, f"{PATH}/{label['id']}", json={"name": name})
        assert response.json() == {"id": label["id"], "name": name}
    response = await ann.client.delete(f"{PATH}/{label['id']}")
    assert (response.status_code, response.content) == (200, b"")
    assert (await ann.client.get(f"{PATH}/{label['id']}")).status_code == 404
    assert (await ann.client.delete(f"{PATH}/{label['id']}")).status_code == 404
    assert (await ann.client.put(f"{PATH}/{label['id']}", json={"name": "a"})).status_code == 404
    assert [one["id"] for one in (await ann.get(PATH))["items"]] == [second]
    assert await create(ann, "Bills") == f"{ann.account.account_id}_3"


async def test_tokens(ann: User, ben: User) -> None:
    seen = [await token(ann)]
    folders = await folders_token(ann)
    label = await create(ann, "One")
    seen.append(await token(ann))
    await ann.client.put(f"{PATH}/{label}", json={"name": "one"})
    seen.append(await token(ann))
    assert await folders_token(ann) == folders
    await ann.client.put(f"{PATH}/{label}", json={"name": " one "})
    assert (await ann.client.post(PATH, json={"name": "ONE"})).status_code == 409
    assert (await ann.client.post(PATH, json={"name": ""})).status_code == 400
    mail = await ann.deliver(make_message())
    await put_on(ann, mail, label)
    await create(ben, "Two")
    assert await token(ann) == seen[-1] == (await ann.get(PATH))["syncToken"]
    await ann.client.delete(f"{PATH}/{label}")
    seen.append(await token(ann))
    assert len(set(seen)) == 4


async def test_tags(ann: User) -> None:
    label = await create(ann, "One")
    for path in (PATH, f"{PATH}?syncTokenOnly=1", f"{PATH}/{label}"):
        tag = (await ann.client.get(path)).headers["etag"]
        again = await ann.client.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    tags = [(await ann.client.get(path)).headers["etag"] for path in (PATH, f"{PATH}/{label}")]
    changed = await ann.client.patch(f"{PATH}/{label}", json={"name": "Two"})
    assert changed.headers["etag"] == (await ann.client.get(f"{PATH}/{label}")).headers["etag"]
    for path, tag in zip((PATH, f"{PATH}/{label}"), tags, strict=True):
        assert (await ann.client.get(path, headers={"If-None-Match": tag})).status_code == 200


@pytest.mark.parametrize("name", ["Straße", "STRASSE", " strasse\n"])
async def test_names_are_unique_without_regard_to_case(ann: User, name: str) -> None:
    await create(ann, "strasse")
    other = await create(ann, "other")
    for method, path in [("POST", PATH), ("PUT", f"{PATH}/{other}")]:
        response = await ann.client.request(method, path, json={"name": name})
        assert (response.status_code, response.json()["errorCode"]) == (409, "labelExists")
    assert (await ann.get(f"{PATH}/{other}"))["name"] == "other"


async def test_names_are_kept_in_one_form(ann: User) -> None:
    await create(ann, "Cafe\u0301")
    assert (await ann.get(PATH))["items"][0]["name"] == "Café"
    assert (await ann.client.post(PATH, json={"name": "CAFÉ"})).status_code == 409
    await create(ann, "é" * 128)
    await create(ann, "e\u0301" * 127)


BAD_NAMES = [
    "",
    "  ",
    "\n",
    "a" * 129,
    "a\x00b",
    "a\nb",
    "a\x7f",
    "\x85a\x85b",
    "junk",
    "NotJunk",
    " NONJUNK ",
]


@pytest.mark.parametrize("name", [*BAD_NAMES, None, 5, ["a"]])
async def test_bad_names(ann: User, name: Any) -> None:
    label = await create(ann, "One")
    before = await token(ann)
    for method, path in [("POST", PATH), ("PUT", f"{PATH}/{label}"), ("PATCH", f"{PATH}/{label}")]:
        response = await ann.client.request(method, path, json={"name": name})
        assert response.status_code == 400, response.text
        assert response.json()["details"] == {"parameter": "name"}
    response = await ann.client.post(PATH, json={"name": "a", "colour": "red"})
    assert response.json()["details"] == {"parameter": "colour"}
    response = await ann.client.post(PATH)
    assert response.json()["details"] == {"parameter": "name"}
    assert await token(ann) == before


async def test_names_of_filters_are_not_shown(ann: User) -> None:
    label = await create(ann, "One")
    async with ann.world.store.engine.write() as connection:
        # As a mail client may have set it.
        await connection.execute("UPDATE label SET name = 'NotJunk', name_key = 'notjunk' WHERE label_id = 1")
    assert (await ann.get(PATH))["items"] == []
    assert (await ann.client.get(f"{PATH}/{label}")).status_code == 404


async def test_labels_are_limited(ann: User) -> None:
    async with ann.world.store.engine.write() as connection:
        await connection.execute_many(
            "INSERT INTO label (account_id, label_id, name, name_key, total_items, unread_items, modseq) "
            "VALUES ($1, $2, $3, $3, 0, 0, 1)",
            [(ann.account.account_id, 10_000 + number, f"n{number}") for number in range(MAX_LABELS - 1)],
        )
    label = await create(ann, "last")
    response = await ann.client.post(PATH, json={"name": "too many"})
    assert (response.status_code, response.json()["errorCode"]) == (403, "notPermitted")
    await ann.client.delete(f"{PATH}/{label}")
    await create(ann, "again")


async def test_a_label_comes_off_all_mails(ann: User) -> None:
    label, other = await create(ann, "One"), await create(ann, "Two")
    mails = [await ann.deliver(make_message(subject=str(number))) for number in range(3)]
    for mail in mails[:2]:
        await put_on(ann, mail, label)
    for mail in mails[1:]:
        await put_on(ann, mail, other)
    copy = await ann.client.post(
        f"/api/v1/mails/{mails[0]}/copy", json={"destinationFolderId": f"{ann.account.account_id}_5"}
    )
    start = await ann.get("/api/v1/mails/delta", folderId=ann.inbox)
    await ann.client.delete(f"{PATH}/{label}")
    labels = [(await ann.get(f"/api/v1/mails/{mail}"))["labelIds"] for mail in mails]
    assert labels == [[], [other], [other]]
    assert (await ann.get(f"/api/v1/mails/{copy.json()['id']}"))["labelIds"] == []
    delta = await ann.get("/api/v1/mails/delta", folderId=ann.inbox, syncToken=start["syncToken"])
    assert {one["id"]: one["labelIds"] for one in delta["updatedItems"]} == {mails[0]: [], mails[1]: [other]}
    counters = await ann.get("/api/v1/mails/counters", labels="all")
    assert counters["labels"] == [{"labelId": other, "unreadItems": 2, "totalItems": 2}]
    response = await ann.client.post(f"/api/v1/mails/{mails[0]}/labels", json={"labelId": label})
    assert response.status_code == 404


async def test_labels_of_others_do_not_exist(ann: User, ben: User) -> None:
    label = await create(ben, "Mine")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = {"name": "Taken"} if method in {"PUT", "PATCH"} else None
        response = await ann.client.request(method, f"{PATH}/{label}", json=body)
        assert (response.status_code, response.json()["errorCode"]) == (404, "notFound")
    assert (await ben.get(f"{PATH}/{label}"))["name"] == "Mine"
    for malformed in ("x", "80", "80_", "080_1", "9" * 40 + "_1"):
        response = await ann.client.get(f"{PATH}/{malformed}")
        assert (response.status_code, response.json()["details"]) == (400, {"parameter": "labelId"})
