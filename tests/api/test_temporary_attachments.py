"""Temporary attachments: uploads of a session, streamed to disk, all or none, gone when it goes."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from postroom.api.settings import APISettings
from postroom.api.stream import UNTOUCHED_POLICY
from postroom.api.uploads import MAX_FILES
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass
from postroom.domain.mailbox import remove_mailbox
from postroom.domain.temporary_attachments import MAX_STAGINGS
from postroom.domain.uploads import remove_of_ended_sessions
from postroom.store import Store
from tests.api.live import serving
from tests.api.world import User, World, make_message

UPLOADS = "/api/v1/temporaryAttachments"
MAILS = "/api/v1/mails"
KB = 1024
SESSION_KB = 300
UPLOAD_BYTES = 200 * KB


@pytest.fixture
def api_settings() -> APISettings:
    return APISettings(max_upload_bytes=UPLOAD_BYTES)


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    small = AccountClass(temporary_attachments_kb=SESSION_KB, sessions=3)
    return {"default": small, "large": AccountClass(temporary_attachments_kb=200 * KB)}


async def log_in(user: User) -> httpx.AsyncClient:
    """Return a client with a session of its own."""
    sessid = (await user.client.post("/api/v1/login")).json()["sessid"]
    client = user.world.connect(user.client.headers["Authorization"])
    client.headers["X-Axigen-Session"] = sessid
    return client


@pytest.fixture
async def client(ann: User) -> httpx.AsyncClient:
    """A session of Ann's."""
    return await log_in(ann)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the uploads lie."""
    return tmp_path / "data" / "uploads"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def settle(world: World) -> None:
    """Wait for what is removed behind the answers."""
    await world.domain.temporary_attachments.close()


async def put(client: httpx.AsyncClient, *contents: bytes, **options: Any) -> list[dict[str, Any]]:
    files = [("file", (f"{number}.bin", content)) for number, content in enumerate(contents)]
    response = await client.post(UPLOADS, files=files, **options)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def refusal(response: httpx.Response) -> tuple[int, str, Any]:
    body = response.json()
    return response.status_code, body["errorCode"], body["details"].get("parameter")


async def count_rows(store: Store) -> int:
    async with store.engine.peek() as connection:
        return int(await connection.fetch_value("SELECT count(*) FROM temporary_attachment"))


async def test_files_are_uploaded_and_read(client: httpx.AsyncClient) -> None:
    contents = [b"A letter.\r\n" * 1000, b"", bytes(range(256)) * 100]
    response = await client.post(
        UPLOADS,
        files=[
            ("a", ("letter.txt", contents[0], "text/plain; charset=utf-8")),
            ("a", ("empty.PDF", contents[1], "Application/PDF")),
            ("b", ("Grüße.bin", contents[2])),
        ],
    )
    items = response.json()["items"]
    assert [(one["name"], one["contentType"], one["size"]) for one in items] == [
        ("letter.txt", "text/plain", 11000),
        ("empty.PDF", "application/pdf", 0),
        ("Grüße.bin", "application/octet-stream", 25600),
    ]
    assert [set(one) for one in items] == [{"id", "name", "contentType", "size"}] * 3
    ids = [one["id"] for one in items]
    assert ids == sorted(set(ids))
    assert all(0 < one < 2**53 for one in ids)
    for item, content in zip(items, contents, strict=True):
        got = await client.get(f"{UPLOADS}/{item['id']}")
        assert (got.status_code, got.content) == (200, content)
        assert got.headers["content-type"] == item["contentType"]


async def test_content_is_sent_as_that_of_attachments(client: httpx.AsyncClient) -> None:
    response = await client.post(
        UPLOADS, files={"f": ('a"b<i>.html', b"<script>alert(1)</script>", "text/html")}
    )
    path = f"{UPLOADS}/{response.json()['items'][0]['id']}"
    got = await client.get(path)
    assert got.headers["content-security-policy"] == UNTOUCHED_POLICY.decode()
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"].startswith("inline; filename=")
    part = await client.get(path, headers={"Range": "bytes=1-6"})
    assert (part.status_code, part.content) == (206, b"script")
    assert (await client.get(path, headers={"Range": "bytes=99-"})).status_code == 416
    head = await client.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "25")
    unchanged = await client.get(path, headers={"If-None-Match": got.headers["etag"]})
    assert unchanged.status_code == 304


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Documents\\a.doc", "a.doc"),
        ("ab\r\nc\u202egpj.exe", "abcgpj.exe"),
        ("...", "attachment-1.bin"),
        ("x" * 500 + ".pdf", "x" * 196 + ".pdf"),
        ("e\u0301.txt", "\u00e9.txt"),
    ],
)
async def test_names_are_made_safe(client: httpx.AsyncClient, given: str, name: str) -> None:
    response = await client.post(UPLOADS, files={"file": (given, b"x", "application/octet-stream")})
    item = response.json()["items"][0]
    assert item["name"] == name
    got = await client.get(f"{UPLOADS}/{item['id']}")
    assert "\r" not in got.headers["content-disposition"]


def make_body(*parts: str, end: str = "--b--\r\n") -> bytes:
    return "".join(f"--b\r\n{part}\r\n" for part in parts).encode() + end.encode()


PART = (
    'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nHello'
)
EMPTY_INPUT = (
    'Content-Disposition: form-data; name="file"; filename=""\r\nContent-Type: application/octet\r\n\r\n'
)
FORM = "multipart/form-data; boundary=b"


async def send(client: httpx.AsyncClient, body: bytes, content_type: str = FORM) -> httpx.Response:
    return await client.post(UPLOADS, content=body, headers={"Content-Type": content_type})


async def test_what_programs_send(client: httpx.AsyncClient) -> None:
    """Names in the extended form, none at all, an input in which nothing was chosen, a preamble and an epilogue."""
    extended = "Content-Disposition: form-data; name=\"f\"; filename*=UTF-8''%e2%82%ac.txt\r\n\r\nA"
    unnamed = "Content-Disposition: form-data; name=f\r\nContent-Type: image/png\r\n\r\nB"
    body = b"preamble\r\n" + make_body(extended, unnamed, EMPTY_INPUT, PART, end="--b--\r\nepilogue")
    items = (await send(client, body, 'Multipart/Form-Data; charset=x; Boundary="b"')).json()["items"]
    assert [(one["name"], one["contentType"], one["size"]) for one in items] == [
        ("€.txt", "application/octet-stream", 1),
        ("attachment-2.png", "image/png", 1),
        ("a.txt", "text/plain", 5),
    ]


@pytest.mark.parametrize(
    "content_type", ["", "x", "multipart/mixed", "a b/c", "text/pl\x0bain", "x/" + "y" * 300]
)
async def test_broken_types(client: httpx.AsyncClient, content_type: str) -> None:
    part = PART.replace("text/plain", content_type)
    items = (await send(client, make_body(part))).json()["items"]
    assert items[0]["contentType"] == "application/octet-stream"


BROKEN = {
    "nothing": (b"", "body"),
    "no file": (make_body(EMPTY_INPUT), "body"),
    "no part": (b"--b--\r\n", "body"),
    "a field": (make_body(PART, 'Content-Disposition: form-data; name="subject"\r\n\r\nHello'), "subject"),
    "not whole": (make_body(PART, end=""), "body"),
    "cut inside": (make_body(PART, PART)[:-40], "body"),
    "other boundary": (make_body(PART).replace(b"--b", b"--c"), "body"),
    "no disposition": (make_body(PART, "Content-Type: text/plain\r\n\r\nHello"), "body"),
    "not UTF-8": (make_body(PART).replace(b"a.txt", b"\xff.txt"), "body"),
    "long header": (make_body(PART, PART.replace("a.txt", "a" * 9000)), "body"),
    "many headers": (make_body("X: 1\r\n" * 20 + PART), "body"),
    "bare LF": (make_body(PART).replace(b"\r\n", b"\n"), "body"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_broken_bodies(client: httpx.AsyncClient, store: Store, folder: Path, fault: str) -> None:
    body, parameter = BROKEN[fault]
    response = await send(client, body)
    assert refusal(response) == (400, "badParameter", parameter)
    assert (files_in(folder), await count_rows(store)) == ([], 0)


OTHER_TYPES = [
    "",
    "application/json",
    "multipart/mixed; boundary=b",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=" + "b" * 201,
]


@pytest.mark.parametrize("content_type", OTHER_TYPES)
async def test_other_bodies(client: httpx.AsyncClient, content_type: str) -> None:
    assert refusal(await send(client, make_body(PART), content_type)) == (400, "badParameter", "Content-Type")


async def test_limits_of_a_call(client: httpx.AsyncClient, store: Store, folder: Path) -> None:
    assert len(await put(client, b"x" * UPLOAD_BYTES)) == 1
    for contents in ([b"x" * (UPLOAD_BYTES + 1)], [b"x" * UPLOAD_BYTES, b"x"], [b"x" * UPLOAD_BYTES * 9]):
        files = [("file", ("a", content)) for content in contents]
        assert refusal(await client.post(UPLOADS, files=files)) == (413, "payloadTooLarge", None)

    async def endless() -> AsyncIterator[bytes]:
        yield b"--b\r\n" + PART.encode()
        while True:
            yield b"x" * 65536

    headers = {"Content-Type": FORM}
    response = await client.post(UPLOADS, content=endless(), headers=headers)
    assert response.status_code == 413
    many = await client.post(UPLOADS, files=[("file", ("a", b""))] * (MAX_FILES + 1))
    assert many.status_code == 413
    assert (len(files_in(folder)), await count_rows(store)) == (1, 1)
    assert len(await put(client, *[b""] * MAX_FILES)) == MAX_FILES


async def test_limit_of_a_session(client: httpx.AsyncClient, ann: User, folder: Path) -> None:
    [first] = await put(client, b"x" * UPLOAD_BYTES)
    refused = await client.post(UPLOADS, files={"file": ("a", b"x" * (100 * KB + 1))})
    assert (refused.status_code, refused.json()["details"]) == (413, {"limit": SESSION_KB * KB})
    await put(client, b"x" * 100 * KB)
    assert (await client.post(UPLOADS, files={"file": ("a", b"x")})).status_code == 413
    assert (await client.delete(f"{UPLOADS}/{first['id']}")).status_code == 200
    await put(client, b"x" * UPLOAD_BYTES)
    # Another session has room of its own.
    await put(await log_in(ann), b"x" * UPLOAD_BYTES)
    await settle(ann.world)
    assert len(files_in(folder)) == 3


async def test_uploads_at_once_share_the_room(client: httpx.AsyncClient, folder: Path) -> None:
    async def one() -> int:
        return (await client.post(UPLOADS, files={"file": ("a", b"x" * 100 * KB)})).status_code

    statuses = sorted(await asyncio.gather(*(one() for _ in range(5))))
    assert statuses == [200, 200, 200, 413, 413]
    assert len(files_in(folder)) == 3


async def test_uploads_at_once_are_limited(
    world: World, client: httpx.AsyncClient, store: Store, folder: Path
) -> None:
    released = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"--b\r\n" + PART.encode()
        await released.wait()
        yield b"\r\n--b--"

    headers = {"Content-Type": FORM}
    calls = [
        asyncio.create_task(client.post(UPLOADS, content=slowly(), headers=headers))
        for _ in range(MAX_STAGINGS)
    ]
    async with asyncio.timeout(20):
        while world.domain.temporary_attachments._stagings.total() < MAX_STAGINGS:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.01)
    refused = await client.post(UPLOADS, files={"file": ("a", b"x")})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    released.set()
    assert [call.status_code for call in await asyncio.gather(*calls)] == [200] * MAX_STAGINGS
    await put(client, b"x")
    assert len(files_in(folder)) == await count_rows(store) == MAX_STAGINGS + 1


class Call(NamedTuple):
    method: str
    path: str
    options: dict[str, Any]


async def calls_of(ann: User, attachment_id: int) -> list[Call]:
    mail = await ann.deliver(make_message(attachments=(("application/pdf", "a.pdf", b"pdf"),)))
    return [
        Call("POST", UPLOADS, {"files": {"file": ("a", b"x")}}),
        Call("POST", f"{UPLOADS}/store", {"json": {"mailId": mail}}),
        Call("GET", f"{UPLOADS}/{attachment_id}", {}),
        Call("DELETE", f"{UPLOADS}/{attachment_id}", {}),
    ]


async def test_a_session_is_required(
    ann: User, client: httpx.AsyncClient, store: Store, folder: Path
) -> None:
    [item] = await put(client, b"x")
    for key in ({}, {"Idempotency-Key": "k"}):
        for method, path, options in await calls_of(ann, item["id"]):
            response = await ann.client.request(method, path, headers=key, **options)
            assert refusal(response) == (401, "sessionRequired", None)
    assert len(files_in(folder)) == await count_rows(store) == 1


async def test_files_of_others_do_not_exist(ann: User, ben: User, client: httpx.AsyncClient) -> None:
    [item] = await put(client, b"x")
    for other in (await log_in(ann), await log_in(ben)):
        for method in ("GET", "DELETE"):
            response = await other.request(method, f"{UPLOADS}/{item['id']}")
            assert refusal(response) == (404, "notFound", None)
    assert (await client.get(f"{UPLOADS}/{item['id']}")).content == b"x"


async def test_removed_files_are_gone(client: httpx.AsyncClient, ann: User, folder: Path) -> None:
    first, second = await put(client, b"x", b"y")
    gone = await client.delete(f"{UPLOADS}/{first['id']}")
    assert (gone.status_code, gone.content) == (200, b"")
    for method in ("GET", "DELETE"):
        assert (await client.request(method, f"{UPLOADS}/{first['id']}")).status_code == 404
    await settle(ann.world)
    assert len(files_in(folder)) == 1
    assert (await client.get(f"{UPLOADS}/{second['id']}")).content == b"y"
    for number in (0, 2**53, 2**63 - 1):
        assert (await client.get(f"{UPLOADS}/{number}")).status_code == 404
    for malformed in ("x", "-1", "01", "9" * 30):
        response = await client.get(f"{UPLOADS}/{malformed}")
        assert refusal(response) == (400, "badParameter", "temporaryAttachmentId")


# Out of a mail

RELATED = (
    b"From: a@example.org\r\nTo: ann@example.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
    b"--r\r\nContent-Type: text/html\r\n\r\n<img src='cid:i@x'>\r\n"
    b"--r\r\nContent-Type: image/png; name=i.png\r\nContent-ID: <i@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"AAEC\r\n--r--\r\n--m\r\nContent-Type: text/csv; name=../t.csv\r\nContent-Disposition: attachment\r\n\r\n"
    b"1,2\r\n--m\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--m--\r\n"
)


async def test_attachments_of_a_mail_are_stored(ann: User, client: httpx.AsyncClient, folder: Path) -> None:
    mail = await ann.deliver(RELATED)
    listed = (await ann.get(f"/api/v1/mails/{mail}/attachments"))["items"]
    response = await client.post(f"{UPLOADS}/store", json={"mailId": mail})
    items = response.json()["items"]
    assert [{**one, "id": number} for number, one in enumerate(items)] == listed
    assert [(one["contentId"], one["isInline"]) for one in items] == [("i@x", True), ("", False), ("", False)]
    contents = [(await client.get(f"{UPLOADS}/{one['id']}")).content for one in items]
    assert contents == [b"\0\1\2", b"1,2", b"Subject: inner\r\n\r\nx"]
    plain = await ann.deliver(make_message())
    assert (await client.post(f"{UPLOADS}/store", json={"mailId": plain})).json() == {"items": []}
    assert len(files_in(folder)) == 3


async def test_store_is_all_or_nothing(
    ann: User, client: httpx.AsyncClient, store: Store, folder: Path
) -> None:
    part = ("application/octet-stream", "a", b"x" * 90 * KB)
    mail = await ann.deliver(make_message(attachments=(part, part)))
    await put(client, b"x" * 150 * KB)
    assert (await client.post(f"{UPLOADS}/store", json={"mailId": mail})).status_code == 413
    large = await ann.deliver(make_message(attachments=(part,) * 4))
    assert (await client.post(f"{UPLOADS}/store", json={"mailId": large})).status_code == 413
    assert len(files_in(folder)) == await count_rows(store) == 1
    for body in ({}, {"mailId": "x"}, {"mailId": mail, "x": 1}):
        assert (await client.post(f"{UPLOADS}/store", json=body)).status_code == 400


# Once per key


async def test_a_repeated_upload_is_made_once(client: httpx.AsyncClient, store: Store, folder: Path) -> None:
    key = {"Idempotency-Key": "k"}
    # It fits once: repeating it is no upload, and needs no room.
    first = await client.post(UPLOADS, files={"file": ("a", b"x" * UPLOAD_BYTES)}, headers=key)
    again = await client.post(UPLOADS, files={"file": ("a", b"x" * UPLOAD_BYTES)}, headers=key)
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    for name, content in (("b", b"x" * UPLOAD_BYTES), ("a", b"y")):
        other = await client.post(UPLOADS, files={"file": (name, content)}, headers=key)
        assert refusal(other) == (409, "conflict", None)
    assert len(files_in(folder)) == await count_rows(store) == 1
    both = await asyncio.gather(
        *(
            client.post(UPLOADS, files={"file": ("a", b"y")}, headers={"Idempotency-Key": "l"})
            for _ in range(2)
        )
    )
    assert both[0].json() == both[1].json()
    assert len(files_in(folder)) == await count_rows(store) == 2


async def test_failed_uploads_are_not_remembered(client: httpx.AsyncClient, folder: Path) -> None:
    key = {"Idempotency-Key": "k"}
    await put(client, b"x" * UPLOAD_BYTES)
    refused = await client.post(UPLOADS, files={"file": ("a", b"x" * UPLOAD_BYTES)}, headers=key)
    assert refused.status_code == 413
    assert len(files_in(folder)) == 1
    assert len(await put(client, b"x", headers=key)) == 1


async def test_store_and_removal_are_made_once(ann: User, client: httpx.AsyncClient, folder: Path) -> None:
    key = {"Idempotency-Key": "k"}
    mail = await ann.deliver(RELATED)
    first = await client.post(f"{UPLOADS}/store", json={"mailId": mail}, headers=key)
    again = await client.post(f"{UPLOADS}/store", json={"mailId": mail}, headers=key)
    assert first.json() == again.json()
    assert len(files_in(folder)) == 3
    path = f"{UPLOADS}/{first.json()['items'][0]['id']}"
    for _ in range(2):
        assert (await client.delete(path, headers={"Idempotency-Key": "l"})).status_code == 200
    await settle(ann.world)
    assert len(files_in(folder)) == 2


# Going with the session


async def test_what_is_sent_is_removed(client: httpx.AsyncClient, ann: User, folder: Path) -> None:
    stays, goes, later = [one["id"] for one in await put(client, b"stays", b"goes", b"later")]
    letter = {"to": "b@other.test", "temporaryAttachments": [{"id": goes}]}
    saved = await client.post(MAILS, json={**letter, "temporaryAttachments": [{"id": stays}, {"id": goes}]})
    assert saved.status_code == 200  # A draft is saved again and again, with the same files.
    put_again = await client.put(f"/api/v1/drafts/{saved.json()['id']}", json=letter)
    assert put_again.status_code == 200
    # What is not sent takes nothing.
    assert (await client.post(f"{MAILS}/send", json={**letter, "to": ""})).status_code == 400
    assert (await client.get(f"{UPLOADS}/{goes}")).status_code == 200
    key = {"Idempotency-Key": "once"}
    sent = await client.post(f"{MAILS}/send", json=letter, headers=key)
    assert sent.status_code == 200
    assert (await client.post(f"{MAILS}/send", json=letter, headers=key)).json() == sent.json()
    at = {"deliveryTime": int(ann.world.clock.now) + 60, "temporaryAttachments": [{"id": later}]}
    assert (await client.post(f"{MAILS}/send/schedule", json={**letter, **at})).status_code == 200
    await settle(ann.world)
    assert [(await client.get(f"{UPLOADS}/{one}")).status_code for one in (stays, goes, later)] == [
        200,
        404,
        404,
    ]
    assert len(files_in(folder)) == 1
    assert (await client.post(f"{MAILS}/send", json=letter)).status_code == 404


@pytest.mark.parametrize("at", [None, 60])
async def test_what_a_draft_was_saved_with_goes_when_it_is_sent(
    client: httpx.AsyncClient, ann: User, folder: Path, at: int | None
) -> None:
    first, second, dropped, other = [one["id"] for one in await put(client, b"a", b"b", b"c", b"d")]

    def letter(*ids: int) -> dict[str, Any]:
        return {"to": "b@other.test", "temporaryAttachments": [{"id": one} for one in ids]}

    saved = (await client.post(MAILS, json=letter(first, dropped))).json()["id"]
    assert (await client.post(MAILS, json=letter(other))).status_code == 200
    draft = f"/api/v1/drafts/{saved}"
    assert (await client.put(draft, json={**letter(first, second), "to": ""})).status_code == 200
    if at is None:
        assert (await client.post(f"{draft}/send")).status_code == 400  # for nobody
        assert (await client.put(draft, json=letter(first, second))).status_code == 200
        assert (await client.post(f"{draft}/send")).status_code == 200
    else:
        assert (await client.put(draft, json=letter(first, second))).status_code == 200
        time = int(ann.world.clock.now) + at
        assert (await client.post(f"{draft}/send/schedule", json={"deliveryTime": time})).status_code == 200
    await settle(ann.world)
    found = [(await client.get(f"{UPLOADS}/{one}")).status_code for one in (first, second, dropped, other)]
    assert found == [404, 404, 200, 200]
    assert len(files_in(folder)) == 2


async def test_logout_removes_them(client: httpx.AsyncClient, ann: User, store: Store, folder: Path) -> None:
    await put(client, b"x", b"y")
    kept = await log_in(ann)
    [item] = await put(kept, b"z")
    await client.post("/api/v1/logout")
    assert len(files_in(folder)) == await count_rows(store) == 1
    assert (await kept.get(f"{UPLOADS}/{item['id']}")).content == b"z"


async def test_displaced_sessions_lose_them(client: httpx.AsyncClient, ann: User, folder: Path) -> None:
    await put(client, b"x")
    for _ in range(3):
        ann.world.clock.now += 1
        await log_in(ann)
    assert files_in(folder) == []


async def test_ended_sessions_lose_them(
    client: httpx.AsyncClient, ann: User, store: Store, folder: Path
) -> None:
    config = AuthConfig()
    await put(client, b"x", b"y")
    async with store.engine.peek() as connection:
        used_at = int(await connection.fetch_value("SELECT last_used_at FROM session"))
    idle, absolute = config.session_idle_seconds * 1000, config.session_absolute_seconds * 1000
    assert await remove_of_ended_sessions(store, config, now_ms=used_at + idle) == 0
    assert len(files_in(folder)) == 2
    assert await remove_of_ended_sessions(store, config, now_ms=used_at + idle + 300_000) == 1
    assert (files_in(folder), await count_rows(store)) == ([], 0)
    await put(client, b"x")
    assert await remove_of_ended_sessions(store, config, now_ms=used_at + absolute + 60_000) == 1
    # An administrator ends sessions elsewhere, and this process hears nothing of it.
    await put(client, b"x")
    await ann.world.directory.set_enabled(ann.account.address, enabled=False)
    assert await remove_of_ended_sessions(store, config, now_ms=used_at) == 1
    assert files_in(folder) == []


async def test_removed_accounts_lose_them(
    client: httpx.AsyncClient, ann: User, store: Store, folder: Path
) -> None:
    await put(client, b"x", b"y")
    await remove_mailbox(store, ann.account.account_id, progress=lambda _: None)
    assert (files_in(folder), await count_rows(store)) == ([], 0)


async def test_a_session_that_ends_meanwhile(client: httpx.AsyncClient, store: Store, folder: Path) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"--b\r\n" + PART.encode()
        await client.post("/api/v1/logout")
        yield b"\r\n--b--"

    headers = {"Content-Type": FORM}
    response = await client.post(UPLOADS, content=body(), headers=headers)
    assert refusal(response) == (401, "notAuthenticated", None)
    assert (files_in(folder), await count_rows(store)) == ([], 0)


# Over a socket


def memory_bytes(name: str) -> int:
    """Return a figure of this process's memory, in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
async def test_a_large_upload_takes_no_memory(world: World, folder: Path, headers: dict[str, str]) -> None:
    user = await world.add_account("cat@example.test", class_name="large")
    client = await log_in(user)
    world.app.settings = APISettings(max_upload_bytes=200 << 20)
    piece = os.urandom(1 << 16)
    count = 1600

    async def body() -> AsyncIterator[bytes]:
        yield b"--b\r\n" + PART.encode()[:-5]
        for _ in range(count):
            yield piece
        yield b"\r\n--b--"

    async with (
        serving(world) as live,
        httpx.AsyncClient(base_url=live.url, headers=client.headers, timeout=60) as remote,
    ):
        warm = await remote.post(UPLOADS, files={"file": ("a", piece * 40)})
        assert warm.status_code == 200
        Path("/proc/self/clear_refs").write_text("5")
        before = memory_bytes("VmRSS")
        sent = {"Content-Type": "multipart/form-data; boundary=b", **headers}
        response = await remote.post(UPLOADS, content=body(), headers=sent)
        assert response.status_code == 200, response.text
        [item] = response.json()["items"]
        assert item["size"] == count << 16 == 100 << 20
        received = 0
        async with remote.stream("GET", f"{UPLOADS}/{item['id']}") as answer:
            async for chunk in answer.aiter_bytes():
                received += len(chunk)
        assert received == item["size"]
        assert memory_bytes("VmHWM") - before < 10 << 20
        assert (await remote.delete(f"{UPLOADS}/{item['id']}")).status_code == 200
    await settle(world)
    assert len(files_in(folder)) == 1


async def test_a_client_that_goes_away_leaves_nothing(
    world: World, ann: User, store: Store, folder: Path
) -> None:
    client = await log_in(ann)
    async with serving(world) as live:
        _, writer = await asyncio.open_connection("127.0.0.1", live.port)
        head = [
            f"POST {UPLOADS} HTTP/1.1",
            "Host: mail.test",
            f"Authorization: {client.headers['Authorization']}",
            f"X-Axigen-Session: {client.headers['X-Axigen-Session']}",
            "Content-Type: multipart/form-data; boundary=b",
            "Content-Length: 100000",
        ]
        writer.write(
            "\r\n".join(head).encode() + b"\r\n\r\n--b\r\n" + PART.encode() + b"\r\n--b\r\n" + PART.encode()
        )
        await writer.drain()
        async with asyncio.timeout(20):
            while not files_in(folder):  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.02)
            writer.close()
            while files_in(folder):  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.02)
    assert (files_in(folder), await count_rows(store)) == ([], 0)
