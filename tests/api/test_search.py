"""Searching over HTTP: what is found, what is refused, and that nothing makes it fail."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.world import User, World, make_message

SESSION = "X-Axigen-Session"


async def send(user: User, query: object, **more: object) -> httpx.Response:
    """Search the Inbox, if nothing else is said."""
    body = {"folderIds": [user.inbox], "query": query, **more}
    return await user.client.post("/api/v1/mails/search", json=body)


async def search(user: User, query: object, **more: object) -> list[str]:
    """Return the subjects of what is found, newest first."""
    response = await send(user, query, **more)
    assert response.status_code == 200, response.text
    found = response.json()
    page = await user.get("/api/v1/mails", folderId=found["folderId"], sort="date", dir="DESC", limit=1000)
    assert page["totalItems"] == found["totalItems"] == len(page["items"])
    return [mail["subject"] for mail in page["items"]]


async def find(user: User, field: str, value: object = None, **more: object) -> list[str]:
    return await search(user, [{"field": field, "value": value}], **more)


async def test_fields_of_the_header_and_text(ann: User) -> None:
    await ann.deliver(
        make_message(
            subject="=?utf-8?q?Pr=C3=BCfung?=",
            from_="Jörg Weiß <joerg.weiss@mail.example.org>",
            cc="Cleo <c@x.test>",
        )
    )
    await ann.deliver(make_message(subject="Two", html="<p>Some <b>bo</b>ld text &amp; more</p>", text=" "))
    await ann.deliver(make_message(subject="Three", attachments=(("application/pdf", "Größe 7.pdf", b"x"),)))
    inner = make_message(subject="Hidden", text="deep inside", attachments=(("image/png", "cat.png", b"x"),))
    await ann.deliver(make_message(subject="Four", attachments=(("message/rfc822", "m", inner),)))
    for field, value, expected in [
        ("subject", "pruf", ["Prüfung"]),
        ("subject", '"pruf"', []),
        ("subject", '"PRÜFUNG"', ["Prüfung"]),
        ("from", "weiss", ["Prüfung"]),
        ("from", "joerg.weiss@mail.example.org", ["Prüfung"]),
        ("from", "mail.example.org", ["Prüfung"]),
        ("from", "joerg.weiss", ["Prüfung"]),
        ("from", '"weiss mail"', ["Prüfung"]),
        ("from", '"jorg joerg"', []),
        ("to", "ann@example.test", ["Four", "Three", "Two", "Prüfung"]),
        ("cc", "cleo", ["Prüfung"]),
        ("bcc", "cleo", []),
        ("body", '"some bold text more"', ["Two"]),
        ("attachment", "grosse pdf", ["Three"]),
        ("attachment", "cat", []),
        ("anyfield", "cat", ["Four"]),
        ("anyfield", '"deep inside"', ["Four"]),
        ("anyfield", "hidden grosse", []),
        ("anyfield", "cleo pruf", ["Prüfung"]),
        ("body", '"deep inside"', []),
    ]:
        assert await find(ann, field, value) == expected, (field, value)
    assert await search(ann, []) == ["Four", "Three", "Two", "Prüfung"]
    negated = [{"field": "body", "value": "bold", "negate": "yes"}, {"field": "subject", "value": "t f"[2:]}]
    assert await search(ann, negated) == ["Four"]


async def test_folders_and_what_is_below_them(ann: User) -> None:
    made = await ann.client.post("/api/v1/folders", json={"name": "Below", "parentId": ann.inbox})
    below = made.json()["id"]
    mail = await ann.deliver(make_message(subject="Moved word"))
    await ann.deliver(make_message(subject="Left word"))
    moved = await ann.client.post(f"/api/v1/mails/{mail}/move", json={"destinationFolderId": below})
    assert await find(ann, "subject", "word") == ["Left word"]
    assert await find(ann, "subject", "word", recursive=True) == ["Left word", "Moved word"]
    assert await find(ann, "subject", "word", folderIds=[below, ann.inbox, below]) == [
        "Left word",
        "Moved word",
    ]
    container = f"{ann.account.account_id}_1"
    assert await find(ann, "subject", "word", folderIds=[container]) == []
    assert await find(ann, "subject", "word", folderIds=[container], recursive=True) == [
        "Left word",
        "Moved word",
    ]
    # A copy has the same content, and is a mail of its own.
    await ann.client.post(f"/api/v1/mails/{moved.json()['id']}/copy", json={"destinationFolderId": ann.inbox})
    assert await find(ann, "subject", "moved") == ["Moved word"]
    assert len(await find(ann, "subject", "moved", recursive=True)) == 2


async def test_a_search_follows_what_changes(ann: User) -> None:
    mail = await ann.deliver(make_message(subject="Changing"))
    unread = [{"field": "unread"}, {"field": "subject", "value": "chang"}]
    assert await search(ann, unread) == ["Changing"]
    await ann.client.patch(f"/api/v1/mails/{mail}", json={"isUnread": False, "isFlagged": True})
    assert await search(ann, unread) == []
    assert await find(ann, "unread", "false") == await find(ann, "flag", "followup") == ["Changing"]
    await ann.client.delete(f"/api/v1/mails/{mail}", params={"permanent": True})
    assert await find(ann, "subject", "changing") == []


async def test_labels(ann: User, ben: User) -> None:
    mail = await ann.deliver(make_message(subject="Labelled"))
    await ann.deliver(make_message(subject="Plain"))
    label = (await ann.client.post("/api/v1/labels", json={"name": "L"})).json()["id"]
    await ann.client.post(f"/api/v1/mails/{mail}/labels", json={"labelId": label})
    assert await find(ann, "label", label) == ["Labelled"]
    assert await search(ann, [{"field": "label", "value": label, "negate": True}]) == ["Plain"]
    assert await search(ann, [{"field": "label", "value": label}, {"field": "subject", "value": "pl"}]) == []
    others = (await ben.client.post("/api/v1/labels", json={"name": "L"})).json()["id"]
    for unknown in (others, f"{ann.account.account_id}_99"):
        assert (await send(ann, [{"field": "label", "value": unknown}])).status_code == 404
    impossible = [
        {"field": "label", "value": f"{ann.account.account_id}_99"},
        {"field": "smaller", "value": 0},
    ]
    assert (await send(ann, impossible)).status_code == 404
    assert (await send(ann, [{"field": "label", "value": "x"}])).status_code == 400


async def test_the_same_search_is_the_same_folder(world: World, ann: User) -> None:
    await ann.deliver(make_message(subject="Same"))
    first = (await send(ann, [{"field": "subject", "value": "same"}])).json()
    assert (await send(ann, [{"field": "subject", "value": "SAME*"}], limit=5)).json() == first
    assert (await send(ann, [{"field": "subject", "value": "same"}], recursive=True)).json() != first
    session = (await ann.client.post("/api/v1/login")).json()["sessid"]
    body = {"folderIds": [ann.inbox], "query": [{"field": "subject", "value": "same"}]}
    other = await ann.client.post("/api/v1/mails/search", json=body, headers={SESSION: session})
    assert other.json()["folderId"] != first["folderId"]
    await ann.deliver(make_message(subject="Same again"))
    again = (await send(ann, [{"field": "subject", "value": "same"}])).json()
    assert again["folderId"] != first["folderId"]
    assert again["totalItems"] == 2


async def test_other_accounts_are_never_found(ann: User, ben: User) -> None:
    await ben.deliver(make_message(subject="Secret plans", text="of Ben"))
    await ann.deliver(make_message(subject="Open plans"))
    for query in (
        [{"field": "anyfield", "value": "plans"}],
        [{"field": "anyfield", "value": '"plans"'}],
        [{"field": "subject", "value": "nothing", "negate": True}],
        [],
    ):
        assert await search(ann, query) == ["Open plans"]
    assert await find(ann, "anyfield", "secret") == []
    assert (await send(ann, [], folderIds=[ben.inbox])).status_code == 404
    assert (await send(ann, [], folderIds=[ann.inbox, ben.inbox])).status_code == 404
    suggested = (await ann.get("/api/v1/mails/search/suggest", prefix="se"))["items"]
    assert [item["text"] for item in suggested] == ["Bea Sender <bea@example.org>", "sender"]


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"folderIds": []}, "folderIds"),
        ({"folderIds": ["x"]}, "folderIds"),
        ({"folderIds": None}, "folderIds"),
        ({"query": {}}, "query"),
        ({"query": [{}]}, "query"),
        ({"query": [{"field": "odd"}]}, "query"),
        ({"query": [{"field": "subject", "value": []}]}, "query"),
        ({"query": [{"field": "subject", "value": "x", "negate": None}]}, "query"),
        ({"query": [{"field": "subject", "value": "x", "other": 1}]}, "query[0].other"),
        ({"query": [{"field": "before", "value": "1.1.2020"}]}, "query"),
        ({"recursive": "yes"}, "recursive"),
        ({"more": 1}, "more"),
    ],
)
async def test_what_is_wrong_is_named(ann: User, body: dict[str, Any], parameter: str) -> None:
    right: dict[str, Any] = {"folderIds": [ann.inbox], "query": []}
    response = await ann.client.post("/api/v1/mails/search", json={**right, **body})
    assert response.status_code == 400
    assert response.json()["details"] == {"parameter": parameter}, response.text


HOSTILE = [
    'a" OR subject : "b',
    "subject : x",
    "{subject body} : x",
    "a NEAR/3 b",
    "NEAR(a b, 10)",
    "^a",
    "a + b",
    "-a",
    "a*b* ** *",
    "a & b | !c <-> d:*A",
    "'a'':*",
    "\\'\\\\",
    "'; DROP TABLE mail; --",
    "a AND",
    "NOT",
    "(((((((",
    ")",
    '"""',
    '"',
    "\x00\x01\x1f\x7f",
    "\ud7ff\ue000\ufffe\uffff",
    "\u202eright to left\u202c",
    "e" + "\u0301" * 2000,
    "👩‍👩‍👧‍👦 🇩🇪",
    "\U000f0915\U00100000",
    "%s %d {0} $1 ?1",
    "a" * 100_000,
    "日" * 100_000,
    '"' * 100_001,
    "a " * 50_000,
    "* " * 50_000,
]


async def test_hostile_texts(ann: User) -> None:
    await ann.deliver(make_message(subject="x"))
    for value in HOSTILE:
        for field in ("subject", "anyfield"):
            for negate in (False, True):
                response = await send(ann, [{"field": field, "value": value, "negate": negate}])
                assert response.status_code in {200, 400}, (value[:50], response.text)
        response = await ann.client.get("/api/v1/mails/search/suggest", params={"prefix": value[:1000]})
        assert response.status_code == 200, value[:50]


async def test_very_many_criteria(ann: User) -> None:
    await ann.deliver(make_message(subject="x", text="a0 a1"))
    words = [{"field": "anyfield", "value": f"a{number}"} for number in range(1000)]
    assert await search(ann, words) == []
    assert await search(ann, [{**word, "negate": True} for word in words]) == []
    assert await search(ann, [{"field": "body", "value": "a"}] * 1000) == ["x"]
    assert await search(ann, [{"field": "larger", "value": number} for number in range(200)]) == ["x"]
    nothing = {"field": "subject", "value": '"no such thing"', "negate": True}
    assert await search(ann, [*words[:2], nothing] * 300) == ["x"]
    assert (await send(ann, [{"field": "unread"}] * 1001)).status_code == 400
    long = " ".join(f"w{number}" for number in range(15_000))
    assert (await send(ann, [{"field": "body", "value": long}])).status_code == 400
    phrase = " ".join(f"w{number}" for number in range(1_900))
    assert await find(ann, "body", f'"{phrase}"') == []


async def test_broken_bodies(ann: User) -> None:
    for raw in (b"", b"[]", b"{", b'{"folderIds": ["\xff"]}', b"[" * 10_000, b'{"query": "\\ud800"}'):
        response = await ann.client.post("/api/v1/mails/search", content=raw)
        assert response.status_code == 400, raw[:20]


async def test_suggestions(ann: User) -> None:
    for number in range(3):
        await ann.deliver(
            make_message(
                subject=f"Invoice {number}", from_="Jörg Inver <jo@inv.example>", text="the invoices"
            )
        )
    await ann.deliver(make_message(subject="Invitation", from_="Bea <bea@example.org>", text="no invoice"))
    items = (await ann.get("/api/v1/mails/search/suggest", prefix="Inv"))["items"]
    assert items[0] == {"text": "Jörg Inver <jo@inv.example>", "kind": "sender", "count": 3}
    words = {item["text"]: item["count"] for item in items[1:]}
    assert words == {"invoice": 4, "invoices": 3, "inv": 3, "inver": 3, "invitation": 1}
    assert next(iter(words)) == "invoice"
    for item in items:
        assert len(await find(ann, "anyfield", item["text"])) >= item["count"]
    by_name = (await ann.get("/api/v1/mails/search/suggest", prefix="jorg in"))["items"]
    assert by_name == items[:1]
    for nothing in ("", "i", "zzz", "!"):
        assert (await ann.get("/api/v1/mails/search/suggest", prefix=nothing))["items"] == []
    assert (await ann.client.get("/api/v1/mails/search/suggest")).status_code == 400


async def test_many_at_once(ann: User) -> None:
    for number in range(10):
        await ann.deliver(make_message(subject=f"Number {number}"))
    found = await asyncio.gather(*(find(ann, "subject", f"number {number}") for number in range(10)))
    assert found == [[f"Number {number}"] for number in range(10)]
