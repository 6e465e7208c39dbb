"""Contacts: lists, single ones, those found as one types, pictures."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from postroom.config.classes import AccountClass
from postroom.domain.contact_cards import MAX_CHARS, MAX_MEMBERS, MAX_NOTES_CHARS
from tests.api.world import User

PATH = "/api/v1/contacts"
MOST = 30


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    """An account may have few contacts."""
    return {"default": AccountClass(contacts=MOST)}


def folder(user: User, number: int = 8) -> str:
    return f"{user.account.account_id}_{number}"


async def create(user: User, **fields: Any) -> Any:
    response = await user.client.post(PATH, json=fields)
    assert response.status_code == 200, response.text
    return response.json()


async def refused(user: User, method: str, path: str, body: Any) -> tuple[int, Any]:
    response = await user.client.request(method, path, json=body)
    return response.status_code, response.json()["details"].get("parameter", response.json()["errorCode"])


async def token(user: User, **query: str) -> str:
    return str((await user.get(PATH, syncTokenOnly="true", **query))["syncToken"])


def picture(colour: str = "red", size: tuple[int, int] = (600, 400)) -> str:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


async def test_life_of_a_contact(ann: User) -> None:
    made = await create(
        ann,
        firstName=" Bea ",
        lastName="Example",
        nickName="Bee",
        businessEmail="bea@büro.test",
        homeEmail="Bea.Home@Example.org",
        phone="+1 555",
        organization="Büro",
        notes="one\ntwo",
    )
    assert made == {
        "id": made["id"],
        "folderId": folder(ann),
        "isDistributionList": False,
        "name": "Bea Example",
        "email": "",
        "businessEmail": "bea@xn--bro-hoa.test",
        "homeEmail": "Bea.Home@Example.org",
        "firstName": "Bea",
        "lastName": "Example",
        "nickName": "Bee",
        "reversedName": "Example, Bea",
        "phone": "+1 555",
        "organization": "Büro",
        "notes": "one\ntwo",
        "members": [],
        "avatar": "",
    }
    assert await ann.get(f"{PATH}/{made['id']}") == made
    listed = await ann.get(f"{PATH}/")
    assert (listed["totalItems"], listed["sortInfo"]) == (1, {"field": "name", "direction": "ASC"})
    names = (
        "id",
        "folderId",
        "isDistributionList",
        "name",
        "firstName",
        "lastName",
        "nickName",
        "reversedName",
    )
    assert listed["items"] == [{name: made[name] for name in names} | {"email": made["businessEmail"]}]
    response = await ann.client.patch(f"{PATH}/{made['id']}", json={"lastName": "Other", "email": "b@x.test"})
    changed = response.json()
    assert (changed["name"], changed["email"], changed["id"]) == ("Bea Other", "b@x.test", made["id"])
    response = await ann.client.patch(f"{PATH}/{made['id']}", json={"name": "Boss"})
    assert response.json()["name"] == "Boss"
    response = await ann.client.patch(f"{PATH}/{made['id']}", json={"lastName": "Third"})
    assert response.json()["name"] == "Boss", "a name that was given stays"
    response = await ann.client.delete(f"{PATH}/{made['id']}")
    assert (response.status_code, response.content) == (200, b"")
    assert (await ann.client.get(f"{PATH}/{made['id']}")).status_code == 404
    assert (await ann.client.delete(f"{PATH}/{made['id']}")).status_code == 404
    assert (await ann.get(PATH))["totalItems"] == 0


async def test_moving(ann: User) -> None:
    response = await ann.client.post("/api/v1/folders", json={"name": "Friends", "type": "contacts"})
    friends = response.json()["id"]
    made = await create(ann, name="Bea", email="bea@example.org")
    response = await ann.client.patch(f"{PATH}/{made['id']}", json={"folderId": friends, "phone": "1"})
    moved = response.json()
    assert moved == made | {"id": moved["id"], "folderId": friends, "phone": "1"}
    assert moved["id"] != made["id"]
    assert (await ann.client.get(f"{PATH}/{made['id']}")).status_code == 404
    assert [one["id"] for one in (await ann.get(PATH, folderId=friends))["items"]] == [moved["id"]]
    assert (await ann.get(PATH, folderId=folder(ann)))["totalItems"] == 0
    assert (await ann.get(PATH))["totalItems"] == 1
    counts = {one["id"]: one["totalItems"] for one in (await ann.get("/api/v1/folders"))["items"]}
    assert (counts[friends], counts[folder(ann)]) == (1, 0)
    there = await create(ann, name="Carl", folderId=friends)
    assert there["folderId"] == friends
    for wrong, expected in [(folder(ann, 2), (400, "folderId")), (folder(ann, 999), (404, "notFound"))]:
        assert await refused(ann, "PATCH", f"{PATH}/{moved['id']}", {"folderId": wrong}) == expected
        assert await refused(ann, "POST", PATH, {"name": "a", "folderId": wrong}) == expected


async def test_tokens_and_tags(ann: User) -> None:
    tokens = [await token(ann)]
    in_folder = [await token(ann, folderId=folder(ann))]
    elsewhere = await token(ann, folderId=folder(ann, 9))
    made = await create(ann, name="Bea")
    path = f"{PATH}/{made['id']}"

    async def note() -> None:
        tokens.append(await token(ann))
        in_folder.append(await token(ann, folderId=folder(ann)))

    await note()
    await ann.client.patch(path, json={"name": "Beate"})
    await note()
    tag = (await ann.client.get(path)).headers["etag"]
    await ann.client.patch(path, json={"name": "Beate "})
    assert (await ann.client.get(path, headers={"If-None-Match": tag})).status_code == 304
    assert await token(ann) == tokens[-1] == (await ann.get(PATH))["syncToken"]
    assert (await ann.get(PATH, folderId=folder(ann)))["syncToken"] == in_folder[-1]
    for query in ("", "?limit=3&sort=email", "?syncTokenOnly=1", f"?folderId={folder(ann)}"):
        response = await ann.client.get(f"{PATH}{query}")
        again = await ann.client.get(f"{PATH}{query}", headers={"If-None-Match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    await ann.client.delete(path)
    await note()
    assert len(set(tokens)) == len(tokens)
    assert len(set(in_folder)) == len(in_folder)
    assert await token(ann, folderId=folder(ann, 9)) == elsewhere


async def test_orders_and_pages(ann: User) -> None:
    names = ["Zoë", "adam", "Ädam", "Bert", "bert", "Çelik", "émile", "Emil"]
    made = [
        (await create(ann, name=name, email=f"{len(names) - number}@x.test"))["id"]
        for number, name in enumerate(names)
    ]
    by_name = [1, 2, 3, 4, 5, 7, 6, 0]
    by_email = list(reversed(range(len(names))))
    for query in ({}, {"folderId": folder(ann)}):
        for field, order in (("name", by_name), ("email", by_email)):
            expected = [made[number] for number in order]
            for direction, rows in (("ASC", expected), ("DESC", expected[::-1])):
                for start in range(len(rows) + 2):
                    for limit in (1, 3, 50):
                        found = await ann.get(
                            PATH, sort=field, dir=direction, start=start, limit=limit, **query
                        )
                        assert [one["id"] for one in found["items"]] == rows[start : start + limit]
                        assert found["totalItems"] == len(names)
                        assert found["sortInfo"] == {"field": field, "direction": direction}


async def test_a_session_remembers_the_order(ann: User) -> None:
    response = await ann.client.post("/api/v1/login")
    session = {"X-Axigen-Session": response.json()["sessid"]}
    await ann.client.get(PATH, params={"sort": "email", "dir": "DESC"}, headers=session)
    found = (await ann.client.get(PATH, headers=session)).json()
    assert found["sortInfo"] == {"field": "email", "direction": "DESC"}
    assert (await ann.get(PATH))["sortInfo"] == {"field": "name", "direction": "ASC"}


async def complete(user: User, query: str, **more: Any) -> list[str]:
    found = await user.get(f"{PATH}/autocomplete", query=query, **more)
    assert found["totalItems"] == len(found["items"])
    return [one["name"] for one in found["items"]]


async def test_autocomplete(ann: User, ben: User) -> None:
    await create(ann, name="Jean-Pierre O'Hara", email="jp.ohara@example.org", nickName="Schätzchen")
    await create(ann, name="Petra Jansen", homeEmail="petra@jansen.test")
    await create(ann, name="Zoe", email="zoe_petersen+list@example.org", organization="Petra Ltd")
    await create(ben, name="Petra of Ben")
    expected = {
        "pe": ["Zoe", "Petra Jansen"],
        "PETRA": ["Petra Jansen"],
        "petra jan": ["Petra Jansen"],
        "jan petra": ["Petra Jansen"],
        "pierre": ["Jean-Pierre O'Hara"],
        "jean-p": ["Jean-Pierre O'Hara"],
        "o'ha": ["Jean-Pierre O'Hara"],
        "hara": ["Jean-Pierre O'Hara"],
        "schatz": ["Jean-Pierre O'Hara"],
        "Schätz": ["Jean-Pierre O'Hara"],
        "jp.ohara@ex": ["Jean-Pierre O'Hara"],
        "<jp.o": ["Jean-Pierre O'Hara"],
        "ohara@example": ["Jean-Pierre O'Hara"],
        "petersen": ["Zoe"],
        "list@": ["Zoe"],
        "example": [],
        "petra x": [],
        "j p": ["Petra Jansen", "Jean-Pierre O'Hara"],
        "": [],
        " ,;<> ": [],
        "%": [],
        "\x00": [],
        "p pe pet petr petra ja j jan jans janse jansen": ["Petra Jansen"],
        "\udcff": [],
    }
    for query, names in expected.items():
        if query.isprintable() or query == "\x00":
            assert await complete(ann, query) == names, query
    assert await complete(ann, "p", limit=1) == ["Zoe"]
    for bad in ({"limit": 0}, {"limit": 51}, {"limit": "x"}):
        response = await ann.client.get(f"{PATH}/autocomplete", params={"query": "a", **bad})
        assert response.json()["details"] == {"parameter": "limit"}
    for params in ({}, {"query": "a" * 257}):
        response = await ann.client.get(f"{PATH}/autocomplete", params=params)
        assert (response.status_code, response.json()["details"]) == (400, {"parameter": "query"})


async def test_who_is_written_to_most_comes_first(ann: User) -> None:
    for name in ("Pat One", "Pat Two", "Pat Three"):
        await create(ann, name=name, email=f"{name.split()[1].lower()}@other.test")
    assert await complete(ann, "pat") == ["Pat One", "Pat Two", "Pat Three"]
    for to in ("three@other.test", "THREE@Other.test, two@other.test", "new@other.test"):
        response = await ann.client.post("/api/v1/mails/send", json={"to": to, "bodyText": "x"})
        assert response.status_code in {200, 201}, response.text
    assert await complete(ann, "pat") == ["Pat Three", "Pat Two", "Pat One"]
    assert await complete(ann, "new@") == ["new@other.test"]
    collected = await ann.get(PATH, folderId=folder(ann, 9))
    assert [one["email"] for one in collected["items"]] == ["new@other.test"]
    found = await ann.get(PATH)
    assert found["totalItems"] == 4
    [three] = [one["id"] for one in found["items"] if one["name"] == "Pat Three"]
    await ann.client.patch(f"{PATH}/{three}", json={"firstName": "Patricia", "folderId": folder(ann, 9)})
    assert await complete(ann, "pat") == ["Pat Three", "Pat Two", "Pat One"]
    assert await complete(ann, "patr") == ["Pat Three"]


async def test_autocomplete_in_a_crowd(ann: User) -> None:
    """More words of one contact than contacts are asked for, and contacts of several levels."""
    for number in range(12):
        await create(ann, name="aa ab ac ad ae af ag ah", nickName="ai aj ak al", email=f"a{number}@x.test")
    for number in range(6):
        await create(ann, name=f"au{number}")
    found = await complete(ann, "a", limit=15)
    assert found == ["aa ab ac ad ae af ag ah"] * 12 + ["au0", "au1", "au2"]
    async with ann.world.store.engine.write() as connection:
        # As if many mails had gone there.
        for name, uses in (("au3", 70), ("au4", 127), ("au5", 3)):
            level = {70: 8, 127: 8, 3: 3}[uses]
            await connection.execute("UPDATE contact SET uses = $1 WHERE name = $2", uses, name)
            await connection.execute(
                "UPDATE contact_word SET uses = $1, level = $2 "
                "WHERE item_id = (SELECT item_id FROM contact WHERE name = $3)",
                uses,
                level,
                name,
            )
    assert (await complete(ann, "a", limit=4)) == ["au4", "au3", "au5", "aa ab ac ad ae af ag ah"]


async def test_distribution_lists(ann: User) -> None:
    made = await create(ann, name="Team", members=["Bea <bea@x.test>", "carl@x.test", "BEA@x.test"])
    assert (made["isDistributionList"], made["members"]) == (True, ["Bea <bea@x.test>", "carl@x.test"])
    path = f"{PATH}/{made['id']}"
    assert (await ann.get(path))["members"] == made["members"]
    assert (await ann.get(PATH))["items"][0]["isDistributionList"] is True
    response = await ann.client.patch(path, json={"members": []})
    assert (response.json()["members"], response.json()["isDistributionList"]) == ([], True)
    single = await create(ann, name="Bea")
    assert await refused(ann, "PATCH", f"{PATH}/{single['id']}", {"members": ["a@x.test"]}) == (
        400,
        "members",
    )
    for members in (
        ["nobody"],
        [""],
        ["a@x.test,b@x.test"],
        ["a@x.test"] * (MAX_MEMBERS + 1),
        "a@x.test",
        [1],
    ):
        assert await refused(ann, "POST", PATH, {"name": "a", "members": members}) == (400, "members")


BAD = [
    ({}, "name"),
    ({"name": " "}, "name"),
    ({"name": "a\x00"}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"name": None}, "name"),
    ({"name": "a" * (MAX_CHARS + 1)}, "name"),
    ({"firstName": "a" * (MAX_CHARS + 1)}, "firstName"),
    ({"name": "a", "phone": 5}, "phone"),
    ({"name": "a", "notes": "a" * (MAX_NOTES_CHARS + 1)}, "notes"),
    ({"name": "a", "notes": "\x01"}, "notes"),
    ({"name": "a", "email": "nobody"}, "email"),
    ({"name": "a", "email": "Bea <bea@x.test>"}, "email"),
    ({"name": "a", "homeEmail": "a@x.test, b@x.test"}, "homeEmail"),
    ({"name": "a", "colour": "red"}, "colour"),
    ({"name": "a", "avatar": "?"}, "avatar"),
    ({"name": "a", "avatar": "AAAA"}, "avatar"),
    ({"name": "a", "folderId": "x"}, "folderId"),
]


@pytest.mark.parametrize(("body", "parameter"), BAD)
async def test_bad_contacts(ann: User, body: Any, parameter: str) -> None:
    made = await create(ann, name="Bea")
    before = await token(ann)
    assert await refused(ann, "POST", PATH, body) == (400, parameter)
    if body:
        assert await refused(ann, "PATCH", f"{PATH}/{made['id']}", body) == (400, parameter)
    assert await token(ann) == before


async def test_contacts_are_limited(ann: User) -> None:
    made = [await create(ann, name=str(number)) for number in range(MOST)]
    assert await refused(ann, "POST", PATH, {"name": "too many"}) == (403, "notPermitted")
    await ann.client.delete(f"{PATH}/{made[0]['id']}")
    await create(ann, name="again")


async def test_pictures(ann: User, ben: User) -> None:
    made = await create(ann, name="Bea", email="Bea@Example.org", avatar=picture())
    with Image.open(io.BytesIO(base64.b64decode(made["avatar"]))) as image:
        assert image.size == (512, 341)
    await create(ann, name="Anna", email="anna@example.org")
    second = await create(ann, name="Carl", homeEmail="carl@example.org", avatar=picture("blue"))
    other = await create(ben, name="Ben", email="ben@example.org", avatar=picture())

    async def search(**body: Any) -> Any:
        response = await ann.client.post(f"{PATH}/avatars/search", json=body)
        assert response.status_code == 200, response.text
        return response.json()["items"]

    shown = {"id": made["id"], "email": "Bea@Example.org", "data": made["avatar"]}
    shown_second = {"id": second["id"], "email": "carl@example.org", "data": second["avatar"]}
    assert await search(contactEmailAddresses=["BEA@example", "nobody@x.test", ""]) == [shown]
    assert await search(contactEmailAddresses=["example.org", "carl@"]) == [shown, shown_second]
    assert await search(contactIds=[second["id"], made["id"], other["id"], made["id"]]) == [
        shown_second,
        shown,
    ]
    assert await search(contactEmailAddresses=[]) == []
    path = f"{PATH}/{made['id']}"
    tag = (await ann.client.get(path)).headers["etag"]
    same = await ann.client.patch(path, json={"avatar": picture()})
    assert same.headers["etag"] == tag
    changed = (await ann.client.patch(path, json={"avatar": picture("green")})).json()
    assert changed["avatar"] not in {"", made["avatar"]}
    assert (await ann.client.patch(path, json={"phone": "1"})).json()["avatar"] == changed["avatar"]
    assert (await ann.client.patch(path, json={"avatar": None})).json()["avatar"] == ""
    assert await search(contactEmailAddresses=["bea"]) == []
    both: list[Any] = [{}, {"contactIds": [], "contactEmailAddresses": []}]
    for wrong in both:
        assert await refused(ann, "POST", f"{PATH}/avatars/search", wrong) == (400, "contactEmailAddresses")
    for body, name in (
        ({"contactIds": ["x"]}, "contactIds"),
        ({"contactIds": [made["id"]] * 101}, "contactIds"),
        ({"contactEmailAddresses": ["x"] * 101}, "contactEmailAddresses"),
    ):
        assert await refused(ann, "POST", f"{PATH}/avatars/search", body) == (400, name)
    large = base64.b64encode(b"x" * (1024 * 1024 + 1)).decode()
    assert (await refused(ann, "POST", PATH, {"name": "a", "avatar": large}))[0] == 413


async def test_deltas(ann: User, ben: User) -> None:
    """What the answers look like; that they are right is shown by the histories of the domain's tests."""
    path = f"{PATH}/delta"
    first = await ann.get(path)
    assert first == {
        "syncToken": await token(ann),
        "totalItems": 0,
        "sortInfo": {"field": "name", "direction": "ASC"},
        "moreAvailable": False,
        "newItems": [],
        "replacedItems": [],
        "removedItems": [],
        "reset": False,
    }
    made = [await create(ann, name=name) for name in ("Bea", "Carl", "Dan")]
    page = await ann.get(path, syncToken=first["syncToken"], limit=2)
    assert (page["moreAvailable"], page["totalItems"]) == (True, 3)
    listed = await ann.get(PATH)
    assert page["newItems"] == listed["items"][:2]
    last = await ann.get(path, syncToken=page["syncToken"], limit=2)
    assert (last["newItems"], last["moreAvailable"]) == (listed["items"][2:], False)
    assert last["syncToken"] == listed["syncToken"]
    await ann.client.patch(f"{PATH}/{made[0]['id']}", json={"name": "Beate"})
    await ann.client.delete(f"{PATH}/{made[1]['id']}")
    in_folder = await ann.get(path, folderId=folder(ann))
    change = await ann.get(path, syncToken=last["syncToken"])
    assert [one["name"] for one in change["replacedItems"]] == ["Beate"]
    assert change["removedItems"] == [{"id": made[1]["id"], "folderId": folder(ann)}]
    same = await ann.client.get(path, params={"syncToken": change["syncToken"]})
    tag = {"If-None-Match": same.headers["etag"]}
    again = await ann.client.get(path, params={"syncToken": change["syncToken"]}, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    wrong = [
        {"syncToken": "x"},
        {"syncToken": in_folder["syncToken"]},
        {"syncToken": change["syncToken"], "folderId": folder(ann)},
        {"syncToken": in_folder["syncToken"], "folderId": folder(ann, 9)},
        {"syncToken": change["syncToken"][:-1] + "!"},
        {"syncToken": await token(ben)},
    ]
    for query in wrong:
        response = await ann.client.get(path, params=query)
        assert (response.status_code, response.json()["details"]) == (400, {"parameter": "syncToken"}), query


async def test_contacts_of_others_do_not_exist(ann: User, ben: User) -> None:
    theirs = await create(ben, name="Mine")
    for method, body in (("GET", None), ("PATCH", {"name": "Taken"}), ("DELETE", None)):
        assert await refused(ann, method, f"{PATH}/{theirs['id']}", body) == (404, "notFound")
    for query in ({"folderId": folder(ben)}, {"folderId": folder(ann, 999)}):
        for path in (PATH, f"{PATH}/delta"):
            assert (await ann.client.get(path, params=query)).status_code == 404
    assert (await ann.client.post(PATH, json={"name": "a", "folderId": folder(ben)})).status_code == 404
    assert (await ben.get(f"{PATH}/{theirs['id']}"))["name"] == "Mine"
    for malformed in ("x", "80_2_1", "ODA", "9" * 90):
        assert await refused(ann, "GET", f"{PATH}/{malformed}", None) == (400, "contactId")
