"""Contacts in and out as vCards."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from postroom.config.classes import AccountClass
from postroom.domain.contact_transfer import MAX_CARDS, MAX_IMPORT_BYTES, MAX_IMPORT_LINES
from tests.api.world import User

PATH = "/api/v1/contacts"
MOST = 150


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    """An account may have few contacts."""
    return {"default": AccountClass(contacts=MOST)}


async def take_in(user: User, text: str | bytes, **query: str) -> Any:
    data = text.encode() if isinstance(text, str) else text
    response = await user.client.post(f"{PATH}/import", content=data, params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def all_of(user: User) -> list[Any]:
    items = (await user.get(PATH, limit=1000))["items"]
    return [await user.get(f"{PATH}/{one['id']}") for one in items]


def card(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""])


def picture() -> str:
    out = io.BytesIO()
    Image.new("RGB", (500, 500), "red").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


@pytest.mark.parametrize("version", ["3.0", "4.0"])
async def test_there_and_back(ann: User, ben: User, version: str) -> None:
    for body in (
        {
            "name": "Bea, Sen; \\ Ex",
            "firstName": "Bea",
            "lastName": "Sen",
            "notes": "a\n\tb\\n",
            "phone": "+1",
        },
        {"name": "Büro " + "ö" * 100, "businessEmail": "b@x.test", "homeEmail": "h@x.test"},
        {"name": "Team", "members": ['"A, B" <a@x.test>', "ü@x.test"]},
        {"name": "Pic", "email": "p@x.test", "avatar": picture()},
    ):
        assert (await ann.client.post(PATH, json=body)).status_code == 200
    response = await ann.client.get(f"{PATH}/export", params={"version": version})
    assert response.headers["content-type"] == "text/vcard; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="contacts.vcf"'
    head = await ann.client.head(f"{PATH}/export", params={"version": version})
    assert head.headers["content-length"] == str(len(response.content))
    before, token = await all_of(ann), (await ann.get(PATH))["syncToken"]
    assert await take_in(ann, response.content) == {"imported": 0, "updated": 4, "failed": 0}
    assert await all_of(ann) == before
    assert (await ann.get(PATH))["syncToken"] == token
    files = {"file": ("contacts.vcf", response.content, "text/vcard")}
    again = await ben.client.post(f"{PATH}/import", files=files)
    assert again.json() == {"imported": 4, "updated": 0, "failed": 0}
    own = ("id", "folderId", "avatar")
    assert [{name: one[name] for name in one if name not in own} for one in await all_of(ben)] == [
        {name: one[name] for name in one if name not in own} for one in before
    ]
    assert [bool(one["avatar"]) for one in await all_of(ben)] == [bool(one["avatar"]) for one in before]


async def test_matching(ann: User) -> None:
    first = card("UID:1", "FN:Bea", "EMAIL:bea@x.test", "TEL:1")
    assert await take_in(ann, first) == {"imported": 1, "updated": 0, "failed": 0}
    assert await take_in(ann, card("UID:1", "FN:Beate", "EMAIL:bea@x.test")) == {
        "imported": 0,
        "updated": 1,
        "failed": 0,
    }
    [bea] = await all_of(ann)
    assert (bea["name"], bea["phone"]) == ("Beate", "1"), "what a card does not say stays"
    assert (await take_in(ann, card("UID:2", "FN:BEATE", "EMAIL:Bea@x.test")))["updated"] == 1
    assert (await take_in(ann, card("FN:Beate", "EMAIL:other@x.test")))["imported"] == 1
    twice = card("FN:Twice", "EMAIL:t@x.test") * 2 + card("FN:Nobody") * 2
    assert await take_in(ann, twice) == {"imported": 2, "updated": 2, "failed": 0}
    phones = card("FN:Nobody", "TEL:1") + card("FN:Nobody", "TEL:2") + card("FN:Nobody", "TEL:1")
    assert await take_in(ann, phones) == {"imported": 2, "updated": 1, "failed": 0}
    elsewhere = f"{ann.account.account_id}_9"
    assert (await take_in(ann, first, folderId=elsewhere))["imported"] == 1
    export = await ann.client.get(f"{PATH}/export", params={"folderId": elsewhere})
    assert export.text.count("BEGIN:VCARD") == 1


async def test_many_of_one_name_are_told_apart_by_their_phones(ann: User) -> None:
    phones = "".join(card("FN:Works", f"TEL:{number}") for number in range(30))
    assert await take_in(ann, phones) == {"imported": 30, "updated": 0, "failed": 0}
    assert await take_in(ann, phones) == {"imported": 0, "updated": 30, "failed": 0}


async def test_oddities(ann: User) -> None:
    text = (
        card("FN:" + "a" * 1000, "NOTE:" + "b" * 20_000, "EMAIL:nobody", "PHOTO;ENCODING=b:AAAA")
        + card("FN:\x01B\x02", "EMAIL:b@x.test", "EMAIL:c@x.test", "EMAIL:d@x.test", "EMAIL:e@x.test")
        + card("NOTE:nothing else")
        + "BEGIN:VCARD\nbroken\nEND:VCARD\n"
        + card("KIND:group", "FN:Team", "MEMBER:urn:uuid:7", "MEMBER:mailto:nobody", "MEMBER:urn:uuid:9")
        + card("UID:urn:uuid:7", "FN:Carl", "EMAIL:carl@x.test")
    )
    assert await take_in(ann, text) == {"imported": 4, "updated": 0, "failed": 2}
    found = {one["name"][:5]: one for one in await all_of(ann)}
    assert len(found["aaaaa"]["name"]) == 255
    assert len(found["aaaaa"]["notes"]) == 10_000
    assert (found["aaaaa"]["email"], found["aaaaa"]["avatar"]) == ("", "")
    assert found["B"]["businessEmail"] == "c@x.test"
    assert found["Team"]["members"] == ["Carl <carl@x.test>"]


async def test_many(ann: User) -> None:
    text = "".join(card(f"FN:Contact {number}", f"EMAIL:c{number}@x.test") for number in range(MOST + 20))
    assert await take_in(ann, text) == {"imported": MOST, "updated": 0, "failed": 20}
    found = await ann.get(PATH, limit=1000)
    assert found["totalItems"] == len(found["items"]) == MOST
    export = await ann.client.get(f"{PATH}/export")
    assert export.text.count("BEGIN:VCARD") == MOST
    delta = await ann.get(f"{PATH}/delta", limit=1000)
    assert len(delta["newItems"]) == MOST


async def test_once_by_key(ann: User) -> None:
    headers = {"Idempotency-Key": "k"}
    data = "".join(card(f"FN:Somebody {number}") for number in range(120))
    first = await ann.client.post(f"{PATH}/import", content=data, headers=headers)
    again = await ann.client.post(f"{PATH}/import", content=data, headers=headers)
    assert first.json() == again.json() == {"imported": 120, "updated": 0, "failed": 0}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await ann.get(PATH))["totalItems"] == 120


async def test_bad_imports(ann: User, ben: User) -> None:
    good = card("FN:a").encode()
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    for content, headers, expected in (
        (b"", {}, (400, {"parameter": "body"})),
        (b"hello", {}, (400, {"parameter": "body"})),
        (b"\x00\xff" * 100, {}, (400, {"parameter": "body"})),
        (good, {"Content-Type": "multipart/form-data"}, (400, {"parameter": "Content-Type"})),
        (good, form, (400, {"parameter": "body"})),
        (b"--x--\r\n", form, (400, {"parameter": "body"})),
        (b"begin:vcard\n" * (MAX_CARDS + 1), {}, (413, {"limit": MAX_CARDS})),
        (b"BEGIN:VCARD\r\n" + b"=\r\n" * MAX_IMPORT_LINES, {}, (413, {"limit": MAX_IMPORT_LINES})),
        (b"BEGIN:VCARD\r" + b"=\r" * MAX_IMPORT_LINES, {}, (413, {"limit": MAX_IMPORT_LINES})),
        (b"x" * (MAX_IMPORT_BYTES + 1), {}, (413, {"limit": MAX_IMPORT_BYTES})),
    ):
        response = await ann.client.post(f"{PATH}/import", content=content, headers=headers)
        assert (response.status_code, response.json()["details"]) == expected, content[:20]
    files = [("a", ("a.vcf", good)), ("b", ("b.vcf", good))]
    assert (await ann.client.post(f"{PATH}/import", files=files)).status_code == 400
    for folder, status in ((f"{ann.account.account_id}_2", 400), (f"{ben.account.account_id}_8", 404)):
        response = await ann.client.post(f"{PATH}/import", content=good, params={"folderId": folder})
        assert response.status_code == status
    response = await ann.client.get(f"{PATH}/export", params={"folderId": f"{ben.account.account_id}_8"})
    assert response.status_code == 404
    assert (await ann.client.get(f"{PATH}/export", params={"version": "2.1"})).status_code == 400
    assert (await ann.get(PATH))["totalItems"] == (await ben.get(PATH))["totalItems"] == 0
